/* bus_scene.h - what tests of the bus share: a bus with two ends, who listens there and who asks.
 *
 * A test sets `under_test` to what makes the bus. Static functions only. */
#ifndef BUS_BUS_SCENE_H
#define BUS_BUS_SCENE_H

#include "bus/bus.h"
#include "io/testing.h"
#include "io/timer.h"

/* Two ends of one bus, which hear each other. Within a program both may be the same. */
struct bus_ends {
    uv_loop_t *loop;
    struct bus *a, *b;
};

struct bus_under_test {
    void (*open)(struct bus_ends *);   /* `loop` is there; sets a and b */
    void (*close)(struct bus_ends *);  /* frees a and b unless NULL; they may be equal */
    void (*settle)(struct bus_ends *); /* returns when subscriptions made so far count */
};

static const struct bus_under_test *under_test;

#define PATIENCE (20 * NSEC_PER_SEC) /* of requests that are answered */

/* One subscriber, or one who asks, and all it was told. */
struct listener {
    struct bus_scene *scene;
    struct bus_subscription *subscription;
    const char *pattern;
    int n;
    json_t *heard;  /* array of [subject, payload] */
    char *reply_to; /* of the last request */
    enum err err;   /* of the last answer ... */
    char text[200]; /* ... and its words */
    json_t *value;  /* ... and its value */
    struct listener *to_unsubscribe, *to_subscribe;
    bool free_bus;
};

struct bus_scene {
    struct bus_ends ends;
    struct listener l[4];
};

static inline UNUSED void
bus_scene_free_bus(struct bus_scene *scene)
{
    under_test->close(&scene->ends);
    scene->ends.a = scene->ends.b = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(scene->l); i++)
        scene->l[i].subscription = NULL;
}

static inline UNUSED int
bus_scene_set_up(void **state)
{
    struct bus_scene *scene = calloc(1, sizeof *scene);
    scene->ends.loop = test_loop_new();
    under_test->open(&scene->ends);
    for (size_t i = 0; i < ARRAY_SIZE(scene->l); i++) {
        scene->l[i].scene = scene;
        scene->l[i].heard = json_array();
    }
    *state = scene;
    return 0;
}

static inline UNUSED int
bus_scene_tear_down(void **state)
{
    struct bus_scene *scene = *state;
    bus_scene_free_bus(scene);
    test_loop_free(scene->ends.loop);
    for (size_t i = 0; i < ARRAY_SIZE(scene->l); i++) {
        json_decref(scene->l[i].heard);
        json_decref(scene->l[i].value);
        free(scene->l[i].reply_to);
    }
    free(scene);
    return 0;
}

static inline void listener_on_message(void *, struct bus *, const struct bus_message *);

static inline UNUSED void
listen_to(struct listener *l, struct bus *bus, const char *pattern)
{
    l->pattern = pattern;
    assert_ok(bus_subscribe(bus, pattern, listener_on_message, l, &l->subscription));
}

static inline UNUSED void
stop(struct listener *l)
{
    bus_unsubscribe(l->subscription);
    l->subscription = NULL;
}

static inline UNUSED void
listener_act(struct listener *l, struct bus *bus)
{
    if (l->to_unsubscribe)
        stop(l->to_unsubscribe);
    l->to_unsubscribe = NULL;
    if (l->to_subscribe)
        listen_to(l->to_subscribe, bus, "a.*");
    l->to_subscribe = NULL;
    if (l->free_bus)
        bus_scene_free_bus(l->scene);
}

static inline UNUSED void
listener_on_message(void *arg, struct bus *bus, const struct bus_message *message)
{
    struct listener *l = arg;
    assert_non_null(l->subscription); /* else it was told after it had left */
    l->n++;
    json_array_append_new(l->heard, json_pack("[s, O]", message->subject, message->payload));
    free(l->reply_to);
    l->reply_to = message->reply_to ? strdup(message->reply_to) : NULL;
    listener_act(l, bus);
}

static inline UNUSED void
listener_on_answer(void *arg, const struct call_result *result)
{
    struct listener *l = arg;
    l->n++;
    l->err = result->err;
    snprintf(l->text, sizeof l->text, "%s", result->text);
    json_decref(l->value);
    l->value = json_incref(result->value);
    if (l->free_bus)
        bus_scene_free_bus(l->scene);
}

static inline UNUSED void
settle(struct bus_scene *scene)
{
    under_test->settle(&scene->ends);
}

static inline UNUSED void
publish(struct bus *bus, const char *subject, int number)
{
    assert_ok(bus_publish(bus, subject, json_integer(number)));
}

static inline UNUSED void
ask(struct listener *l, struct bus *bus, const char *subject, nsec_t timeout)
{
    assert_ok(bus_request(bus, subject, json_integer(1), timeout, listener_on_answer, l, NULL));
}

/* Everything published so far has arrived, for what is published now arrives behind it. */
static inline UNUSED void
flush(struct bus_scene *scene, struct bus *from)
{
    struct listener *last = &scene->l[ARRAY_SIZE(scene->l) - 1];
    struct bus *to = from == scene->ends.a ? scene->ends.b : scene->ends.a;
    int before = last->n;
    if (!last->subscription) {
        listen_to(last, to, "flush");
        settle(scene);
    }
    publish(from, "flush", 0);
    RUN_UNTIL(scene->ends.loop, last->n > before);
}

static inline UNUSED void
assert_heard(const struct listener *l, const char *expected)
{
    char *heard = json_dumps(l->heard, JSON_COMPACT);
    assert_string_equal(heard, expected);
    free(heard);
}

#define BUS_SCENE_TEST(name)                                                                       \
    cmocka_unit_test_setup_teardown(name, bus_scene_set_up, bus_scene_tear_down)

#endif

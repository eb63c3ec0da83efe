/* Discovery between controllers: links whose far end is another controller's. Both have one secret,
 * each a clock of its own, and what was recorded is not believed again. */
#include "links.h"

#include "proto/lldp/lldp.h"

#include <openssl/hmac.h>

#define SIGNED 20 /* datapath id, port, time */
#define HOURS(n) ((nsec_t)(n)*3600 * NSEC_PER_SEC)

static const char *const our_sites[] = {"a", NULL}, *const their_sites[] = {"cc", "wan", NULL};
static const uint8_t secret[LAN_SECRET_SIZE] = "the same at all sites, 32 octets";

/* A controller of these sites, with their nodes. */
static struct bench *
bench_of(const char *const *domain)
{
    struct bench *b = xcalloc(1, sizeof *b);
    b->centre = centre_new(test_lab());
    b->centre->domain = domain;
    b->plant = plant_new(b->centre);
    centre_start_controller(b->centre);
    lan_service_set_secret(b->centre->lan, secret);
    for (const struct node *n = b->centre->state->network->nodes; n; n = n->hh.next)
        sw_of_node(b->plant, n->name);
    for (const struct link *l = b->centre->state->network->links; l; l = l->hh.next)
        sw_wire(plant_switch(b->plant, l->a.node), l->a.port, plant_switch(b->plant, l->b.node),
                l->b.port);
    for (const struct node *n = b->centre->state->network->nodes; n; n = n->hh.next) {
        char object[128];
        const char *const *site = domain;
        while (*site && strcmp(*site, n->site) != 0)
            site++;
        if (!*site)
            continue;
        snprintf(object, sizeof object, "node/%s", n->name);
        sw_connect(plant_switch(b->plant, n->name));
        RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.adopted", object));
    }
    return b;
}

static int
set_up(void **state)
{
    *state = bench_of(our_sites);
    return 0;
}

/* A frame that the far end's controller would have its node send over this link, and that arrives.
 */
static void
arrive_signed(struct bench *b, const char *link, nsec_t stamp, const uint8_t *key)
{
    const struct link *l = network_link(b->centre->state->network, link);
    const struct node *far = network_node(b->centre->state->network, l->b.node);
    struct lldp lldp = {.chassis_id = "far", .port_id = "1", .ttl_s = 4, .token_size = SIGNED + 16};
    struct buf frame = BUF_INIT;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size;
    put_be64(lldp.token, far->datapath_id);
    put_be32(lldp.token + 8, l->b.port);
    put_be64(lldp.token + 12, (uint64_t)stamp);
    assert_non_null(HMAC(EVP_sha256(), key, LAN_SECRET_SIZE, lldp.token, SIGNED, digest, &size));
    memcpy(lldp.token + SIGNED, digest, 16);
    lldp_encode_frame(&lldp, &(struct mac){{2, 9, 9, 9, 9, 9}}, &frame);
    sw_receive(plant_switch(b->plant, l->a.node), l->a.port, frame.data, frame.size);
    buf_fini(&frame);
}

static void
arrive(struct bench *b, const char *link, nsec_t stamp)
{
    arrive_signed(b, link, stamp, secret);
}

static void
note_time(void *arg)
{
    *(bool *)arg = true;
}

static void
pause_for(struct bench *b, nsec_t time)
{
    bool over = false;
    struct timer *timer = timer_new(b->centre->loop, note_time, &over);
    timer_start(timer, time);
    RUN_UNTIL(b->centre->loop, over);
    timer_free(timer);
}

static bool
is_up(struct bench *b, const char *link)
{
    return link_is(b, link, "up");
}

/* Whatever its clock says: it began to count at another time than ours. */
static void
frames_of_another_controller_are_believed(void **state)
{
    static const nsec_t clocks[] = {1, HOURS(1), HOURS(1000000)};
    struct bench *b = *state;
    for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
        arrive(b, "a1-wan4", clocks[i]);
        RUN_UNTIL(b->centre->loop, is_up(b, "a1-wan4"));
        assert_false(is_up(b, "a3-wan3")); /* nothing has come by that one */
        teardown((void **)&b);
        *state = b = bench_of(our_sites);
    }
}

static void
frames_of_another_secret_are_not(void **state)
{
    struct bench *b = *state;
    uint8_t other[LAN_SECRET_SIZE];
    memcpy(other, secret, sizeof other);
    other[31] ^= 1;
    arrive_signed(b, "a1-wan4", HOURS(1), other);
    arrive(b, "a3-wan3", HOURS(1)); /* takes the same way, behind it */
    RUN_UNTIL(b->centre->loop, is_up(b, "a3-wan3"));
    assert_false(is_up(b, "a1-wan4"));
}

/* Two real ones: what leaves the nodes of one is what the other's nodes see. */
static void
two_controllers_find_the_links_between_them(void **state)
{
    struct bench *a = *state, *b = bench_of(their_sites);
    const struct link *l = network_link(a->centre->state->network, "a1-wan4");
    b->plant->tape_at[0] = plant_switch(b->plant, "a1");
    b->plant->tape_port[0] = l->a.port;
    a->plant->tape_at[0] = plant_switch(a->plant, "wan4");
    a->plant->tape_port[0] = l->b.port;
    RUN_UNTIL(b->centre->loop, b->plant->tape[0].frame.size);
    RUN_UNTIL(a->centre->loop, a->plant->tape[0].frame.size);
    assert_false(is_up(a, "a1-wan4"));
    assert_false(is_up(b, "a1-wan4"));
    sw_receive(plant_switch(a->plant, "a1"), l->a.port, b->plant->tape[0].frame.data,
               b->plant->tape[0].frame.size);
    sw_receive(plant_switch(b->plant, "wan4"), l->b.port, a->plant->tape[0].frame.data,
               a->plant->tape[0].frame.size);
    RUN_UNTIL(a->centre->loop, is_up(a, "a1-wan4"));
    RUN_UNTIL(b->centre->loop, is_up(b, "a1-wan4"));
    teardown((void **)&b);
}

/* One frame, again and again, is one frame. */
static void
a_frame_is_believed_once(void **state)
{
    struct bench *b = *state;
    arrive(b, "a1-wan4", HOURS(1));
    RUN_UNTIL(b->centre->loop, is_up(b, "a1-wan4"));
    while (is_up(b, "a1-wan4")) {
        arrive(b, "a1-wan4", HOURS(1));
        arrive(b, "a1-wan4", HOURS(1) - 1);
        pause_for(b, NSEC_PER_SEC / 10);
    }
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", "link/a1-wan4"));
    arrive(b, "a1-wan4", HOURS(1) + 1);
    RUN_UNTIL(b->centre->loop, is_up(b, "a1-wan4"));
}

/* Of a link that was cut, however long ago, while the other controller is heard by another link. */
static void
a_recording_does_not_bring_a_link_back(void **state)
{
    struct bench *b = *state;
    nsec_t began = clock_monotonic(), sent = HOURS(1);
    arrive(b, "a1-wan4", HOURS(1));
    arrive(b, "a3-wan3", HOURS(1));
    RUN_UNTIL(b->centre->loop, is_up(b, "a1-wan4") && is_up(b, "a3-wan3"));
    while (clock_monotonic() - began < 12 * NSEC_PER_SEC) {
        sent = HOURS(1) + clock_monotonic() - began;
        arrive(b, "a3-wan3", sent);
        pause_for(b, NSEC_PER_SEC / 2);
    }
    assert_false(is_up(b, "a1-wan4"));
    for (int i = 0; i < 5; i++)
        arrive(b, "a1-wan4", HOURS(1) + i * NSEC_PER_SEC); /* recorded when it was whole */
    arrive(b, "a3-wan3", sent + NSEC_PER_SEC);
    pause_for(b, NSEC_PER_SEC / 2);
    assert_false(is_up(b, "a1-wan4"));
    arrive(b, "a1-wan4", sent + NSEC_PER_SEC); /* it is back */
    RUN_UNTIL(b->centre->loop, is_up(b, "a1-wan4"));
}

/* Its clock counts anew: that is believed when nothing of it was heard for long. */
static void
a_controller_that_was_restarted_is_believed_after_silence(void **state)
{
    struct bench *b = *state;
    arrive(b, "a1-wan4", HOURS(1));
    arrive(b, "a3-wan3", HOURS(1));
    RUN_UNTIL(b->centre->loop, is_up(b, "a1-wan4") && is_up(b, "a3-wan3"));
    arrive(b, "a1-wan4", NSEC_PER_SEC);
    RUN_UNTIL(b->centre->loop, !is_up(b, "a1-wan4"));
    arrive(b, "a1-wan4", 2 * NSEC_PER_SEC);
    pause_for(b, NSEC_PER_SEC / 2);
    assert_false(is_up(b, "a1-wan4"));
    pause_for(b, 10 * NSEC_PER_SEC);
    arrive(b, "a1-wan4", 3 * NSEC_PER_SEC);
    arrive(b, "a3-wan3", 3 * NSEC_PER_SEC);
    RUN_UNTIL(b->centre->loop, is_up(b, "a1-wan4") && is_up(b, "a3-wan3"));
}

/* The other controller ends: nothing is heard by any link, and all go on. One link ends: another is
 * used. */
static void
links_are_not_held_because_their_controller_ends(void **state)
{
    struct bench *b = *state;
    struct agent x = {0};
    const struct link *l = network_link(b->centre->state->network, "a1-wan4");
    nsec_t began = clock_monotonic();
    struct sw *a1 = plant_switch(b->plant, "a1");
    agent_connect(&x, a1);
    arrive(b, "a1-wan4", HOURS(1));
    arrive(b, "a3-wan3", HOURS(1));
    RUN_UNTIL(b->centre->loop, is_up(b, "a1-wan4") && is_up(b, "a3-wan3"));
    RUN_UNTIL(b->centre->loop, !is_up(b, "a1-wan4") && !is_up(b, "a3-wan3"));
    /* Which is told. */
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", "link/a1-wan4"));
    pause_for(b, NSEC_PER_SEC);
    assert_false(port_at(a1, l->a.port)->held);
    while (!port_at(a1, l->a.port)->held) { /* it is back, and heard by the other alone */
        arrive(b, "a3-wan3", HOURS(1) + clock_monotonic() - began);
        pause_for(b, NSEC_PER_SEC / 10);
    }
    rpc_free(x.rpc);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, teardown)
    const struct CMUnitTest tests[] = {
        TEST(frames_of_another_controller_are_believed),
        TEST(frames_of_another_secret_are_not),
        TEST(two_controllers_find_the_links_between_them),
        TEST(a_frame_is_believed_once),
        TEST(a_recording_does_not_bring_a_link_back),
        TEST(a_controller_that_was_restarted_is_believed_after_silence),
        TEST(links_are_not_held_because_their_controller_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

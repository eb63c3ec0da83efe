/* local.c - one queue for all, emptied by a task of the loop. A message that is published while
 * others are being delivered waits for the next turn, so that input and output get theirs even when
 * two subscribers never stop answering each other.
 *
 * Each message is compared with each subscription. A program has some dozens of those; an index
 * would pay from hundreds on, where a broker with one is the better driver anyway. */
#include "bus/local.h"

#include "base/alloc.h"
#include "bus/bus_driver.h"
#include "bus/subject.h"
#include "io/timer.h"

#include <stdlib.h>
#include <string.h>

#define TURN 1024 /* messages delivered per turn of the loop */

struct queued {
    struct queued *next;
    uint64_t number; /* in order of publishing */
    struct bus_letter letter;
    char strings[]; /* of the letter */
};

struct place {
    struct bus_subscription *subscription; /* NULL: has ended, to be swept */
    uint64_t since;                        /* number of the first message it is given */
};

struct local {
    struct bus bus;
    struct task *turn;
    struct queued *head, **tail;
    size_t n_queued, limit;
    uint64_t next_number;
    struct place *places;
    size_t n_places, places_capacity;
    bool swept; /* no place is empty */
    bool *gone; /* while delivering: to be set when the bus is freed */
};

static char *
put_string(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static struct queued *
queued_new(const struct bus_letter *letter)
{
    const char *reply_to = letter->reply_to ? letter->reply_to : "";
    size_t size = strlen(letter->subject) + strlen(reply_to) + strlen(letter->text) + 3;
    struct queued *q = xcalloc(1, sizeof *q + size);
    char *at = q->strings;
    q->letter = *letter;
    q->letter.subject = put_string(&at, letter->subject);
    q->letter.text = put_string(&at, letter->text);
    q->letter.reply_to = letter->reply_to ? put_string(&at, reply_to) : NULL;
    q->letter.payload = json_incref(letter->payload);
    return q;
}

static void
queued_free(struct queued *q)
{
    json_decref(q->letter.payload);
    free(q);
}

static enum err
local_post(struct bus *bus, const struct bus_letter *letter)
{
    struct local *local = CONTAINER_OF(bus, struct local, bus);
    if (local->n_queued >= local->limit) {
        bus->counters[BUS_DROPPED_QUEUE_FULL]++;
        return ERR_BUSY;
    }
    struct queued *q = queued_new(letter);
    q->number = local->next_number++;
    *local->tail = q;
    local->tail = &q->next;
    local->n_queued++;
    task_schedule(local->turn);
    return ERR_OK;
}

static struct queued *
take_first(struct local *local)
{
    struct queued *q = local->head;
    local->head = q->next;
    if (!local->head)
        local->tail = &local->head;
    local->n_queued--;
    return q;
}

/* To all who had subscribed when it was published. Subscribers may add and end subscriptions
 * meanwhile: added ones are too late for this message, ended ones leave an empty place. */
static void
deliver(struct local *local, const struct queued *q)
{
    const bool *gone = local->gone;
    size_t n = 0;
    for (size_t i = 0; i < local->n_places; i++) {
        const struct place *p = &local->places[i];
        if (!p->subscription || p->since > q->number ||
            !subject_matches(p->subscription->pattern, q->letter.subject))
            continue;
        n++;
        bus_deliver(p->subscription, &q->letter);
        if (*gone)
            return;
    }
    if (n == 0 && q->letter.reply_to)
        bus_no_responders(&local->bus, &q->letter);
}

static void
sweep(struct local *local)
{
    size_t n = 0;
    for (size_t i = 0; i < local->n_places; i++) {
        if (local->places[i].subscription)
            local->places[n++] = local->places[i];
    }
    local->n_places = n;
    local->swept = true;
}

static void
on_turn(void *arg)
{
    struct local *local = arg;
    bool gone = false;
    local->gone = &gone;
    for (size_t n = MIN(local->n_queued, TURN); n > 0; n--) {
        struct queued *q = take_first(local);
        deliver(local, q);
        queued_free(q);
        if (gone)
            return;
    }
    local->gone = NULL;
    if (!local->swept)
        sweep(local);
    if (local->n_queued)
        task_schedule(local->turn);
}

static enum err
local_subscribe(struct bus *bus, struct bus_subscription *subscription)
{
    struct local *local = CONTAINER_OF(bus, struct local, bus);
    GROW(local->places, local->n_places, local->places_capacity);
    local->places[local->n_places++] = (struct place){subscription, local->next_number};
    return ERR_OK;
}

static void
local_unsubscribe(struct bus *bus, struct bus_subscription *subscription)
{
    struct local *local = CONTAINER_OF(bus, struct local, bus);
    for (size_t i = 0; i < local->n_places; i++) {
        if (local->places[i].subscription == subscription)
            local->places[i].subscription = NULL;
    }
    local->swept = false;
    if (!local->gone)
        sweep(local);
}

static void
local_free(struct bus *bus)
{
    struct local *local = CONTAINER_OF(bus, struct local, bus);
    if (local->gone)
        *local->gone = true;
    while (local->head)
        queued_free(take_first(local));
    task_free(local->turn);
    free(local->places);
    free(local);
}

struct bus *
bus_local_new(uv_loop_t *loop, size_t queue_limit, size_t request_limit)
{
    static const struct bus_driver driver = {
        .name = "local",
        .post = local_post,
        .subscribe = local_subscribe,
        .unsubscribe = local_unsubscribe,
        .free = local_free,
    };
    struct local *local = xcalloc(1, sizeof *local);
    local->tail = &local->head;
    local->limit = queue_limit ? queue_limit : BUS_LOCAL_QUEUE_LIMIT;
    local->turn = task_new(loop, on_turn, local);
    request_limit = request_limit ? request_limit : BUS_LOCAL_REQUEST_LIMIT;
    if (bus_init(&local->bus, &driver, loop, request_limit))
        abort(); /* local_subscribe() does not fail */
    return &local->bus;
}

#include "sensor/conversation.h"

#include "sensor/testing.h"

#define LIMIT 10000u

static struct conversations *all;
static unsigned n_ended;

/* The last octets of a stream can be a message, which wants a state. */
static void
take_state(void *arg, struct conversation *c)
{
    n_ended++;
    conversation_state(*(struct conversations **)arg, c, LIMIT);
}

static struct conversation *
hear(uint8_t host, nsec_t now)
{
    unsigned way;
    const struct layers l = {.ip = 4, .proto = 6, .src = {10, 0, 0, host}, .dst = {10, 0, 0, 99}};
    return conversations_find(all, &l, now, &way);
}

/* ... for which another one makes no room: their places in the lists are being used. */
static void
none_ends_while_another_is_told_of(void **state UNUSED)
{
    struct stream_budget budget = {.limit = LIMIT};
    all = conversations_new(4, &budget, take_state, &all);
    n_ended = 0;
    for (uint8_t host = 1; host <= 3; host++)
        hear(host, host * NSEC_PER_SEC);
    assert_non_null(conversation_state(all, hear(1, 4 * NSEC_PER_SEC), LIMIT / 2));
    conversation_restart(all, hear(3, 5 * NSEC_PER_SEC), 5 * NSEC_PER_SEC);
    assert_int_equal(n_ended, 1);
    assert_int_equal(conversations_number(all), 3);
    conversations_end(all);
    assert_int_equal(n_ended, 4);
    assert_int_equal(conversations_number(all), 0);
    assert_int_equal(budget.used, 0);
    conversations_free(all);
}

TEST_MAIN(cmocka_unit_test(none_ends_while_another_is_told_of))

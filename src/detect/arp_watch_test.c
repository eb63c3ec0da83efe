#include "detect/testing.h"

#define SECONDS NSEC_PER_SEC

struct arp_made {
    unsigned source, sender, ip, target, asked; /* last octets; 0: all zero */
    bool is_reply;
    uint16_t vlan;
};

static void
put_mac(struct made_frame *f, unsigned device)
{
    static const uint8_t virtual[] = {0, 0, 0x5e, 0, 1, 7}; /* VRRP, group 7 */
    uint8_t mac[] = {2, 0, 0, 0, 0, (uint8_t)device};
    put(f, device == 107 ? virtual : mac, 6);
}

static void
say(struct bench *b, const struct arp_made *a)
{
    struct made_frame f = {.size = 0};
    put_hex(&f, "ffffffffffff");
    put_mac(&f, a->source);
    if (a->vlan) {
        put_hex(&f, "8100");
        put_u16(&f, a->vlan);
    }
    put_hex(&f, "0806 0001 0800 06 04");
    put_u16(&f, a->is_reply ? 2 : 1);
    put_mac(&f, a->sender);
    put(&f, (uint8_t[]){a->ip ? 10 : 0, 0, 0, (uint8_t)a->ip}, 4);
    put_mac(&f, a->target);
    put(&f, (uint8_t[]){10, 0, 0, (uint8_t)a->asked}, 4);
    bench_send(b, &f);
}

static void
ask(struct bench *b, unsigned who, unsigned whom)
{
    const struct arp_made a = {.source = who, .sender = who, .ip = who, .asked = whom};
    say(b, &a);
}

/* `mac` says to `to` that it has `ip`. */
static void
reply(struct bench *b, unsigned mac, unsigned ip, unsigned to)
{
    const struct arp_made a = {
        .source = mac, .sender = mac, .ip = ip, .target = to, .asked = to, .is_reply = true};
    say(b, &a);
}

static void
announce(struct bench *b, unsigned mac, unsigned ip)
{
    const struct arp_made a = {.source = mac, .sender = mac, .ip = ip, .asked = ip};
    say(b, &a);
}

/* Longer than the beginning in which nothing is known of questions. */
static void
begin(struct bench *b)
{
    ask(b, 1, 2);
    reply(b, 2, 2, 1);
    bench_wait(b, 60 * SECONDS);
    ask(b, 1, 2);
    bench_wait(b, SECONDS);
    reply(b, 2, 2, 1);
    reply(b, 2, 2, 1); /* over two ways */
    announce(b, 1, 1);
    assert_found(b, "");
}

static void
an_address_that_is_taken_is_told(void **state)
{
    struct bench *b = *state;
    begin(b);
    bench_wait(b, 3 * SECONDS);
    announce(b, 66, 2);
    assert_found(b, "arp-flip ");
    assert_string_equal(b->object, "10.0.0.2");
    assert_string_equal(b->detail, "02:00:00:00:00:42 has it, 02:00:00:00:00:02 had it 3.000 s "
                                   "ago, announced");
}

static void
an_address_that_was_free_may_move(void **state)
{
    struct bench *b = *state;
    begin(b);
    bench_wait(b, 301 * SECONDS);
    announce(b, 66, 2);
    assert_found(b, "arp-moved ");
}

static void
two_that_both_answer_are_told(void **state)
{
    struct bench *b = *state;
    begin(b);
    ask(b, 1, 2);
    reply(b, 2, 2, 1);
    reply(b, 66, 2, 1);
    assert_found(b, "arp-flip ");
    bench_wait(b, 10 * SECONDS);
    ask(b, 1, 2);
    reply(b, 2, 2, 1);
    assert_found(b, "arp-duplicate-address ");
}

static void
an_answer_to_nobody_is_told(void **state)
{
    struct bench *b = *state;
    begin(b);
    bench_wait(b, 10 * SECONDS);
    reply(b, 2, 2, 1);
    assert_found(b, "arp-unasked-reply ");
}

static void
who_speaks_for_another_is_told(void **state)
{
    struct bench *b = *state;
    const struct arp_made a = {.source = 66, .sender = 2, .ip = 2, .asked = 1};
    begin(b);
    say(b, &a);
    assert_found(b, "arp-sender-differs ");
}

static void
a_storm_of_announcements_is_told_once(void **state)
{
    struct bench *b = *state;
    begin(b);
    for (unsigned i = 0; i < 50; i++) {
        bench_wait(b, SECONDS / 10);
        announce(b, 1, 1);
    }
    assert_found(b, "arp-announcement-storm ");
}

static void
virtual_routers_wander(void **state)
{
    struct bench *b = *state;
    const struct arp_made first = {.source = 3, .sender = 107, .ip = 9, .asked = 9};
    struct arp_made second = first;
    begin(b);
    announce(b, 3, 9);
    say(b, &first);
    second.source = 4; /* the other router has it now */
    say(b, &second);
    assert_found(b, "");
    announce(b, 66, 9); /* but that is no router of theirs */
    assert_found(b, "arp-flip ");
}

/* It answers for those behind it, and one of them comes to this side. */
static void
a_router_may_answer_for_many(void **state)
{
    struct bench *b = *state;
    begin(b);
    for (unsigned ip = 101; ip < 107; ip++) {
        ask(b, 1, ip);
        reply(b, 5, ip, 1);
    }
    announce(b, 103, 103);
    assert_found(b, "");
}

static void
a_thief_of_many_is_no_router(void **state)
{
    struct bench *b = *state;
    begin(b);
    for (unsigned ip = 101; ip < 108; ip++)
        announce(b, ip, ip);
    for (unsigned ip = 101; ip < 107; ip++)
        announce(b, 66, ip);
    assert_found(b, "arp-flip arp-flip arp-flip arp-flip arp-flip arp-flip ");
}

static void
each_vlan_has_its_own_addresses(void **state)
{
    struct bench *b = *state;
    const struct arp_made other = {.source = 66, .sender = 66, .ip = 2, .asked = 2, .vlan = 7};
    begin(b);
    say(b, &other);
    assert_found(b, "");
}

static void
a_probe_claims_nothing(void **state)
{
    struct bench *b = *state;
    const struct arp_made probe = {.source = 66, .sender = 66, .asked = 2};
    const struct arp_made another = {.source = 67, .sender = 67, .asked = 2};
    begin(b);
    bench_wait(b, 10 * SECONDS);
    say(b, &probe);
    say(b, &another);
    assert_found(b, "");
}

TEST_MAIN(BENCH_TEST(an_address_that_is_taken_is_told),
          BENCH_TEST(an_address_that_was_free_may_move), BENCH_TEST(two_that_both_answer_are_told),
          BENCH_TEST(an_answer_to_nobody_is_told), BENCH_TEST(who_speaks_for_another_is_told),
          BENCH_TEST(a_storm_of_announcements_is_told_once), BENCH_TEST(virtual_routers_wander),
          BENCH_TEST(a_router_may_answer_for_many), BENCH_TEST(a_thief_of_many_is_no_router),
          BENCH_TEST(each_vlan_has_its_own_addresses), BENCH_TEST(a_probe_claims_nothing))

/* With several cores all is told as with one: what, how, and in which order. Traffic is made by
 * chance, of a fixed seed: many conversations at once, with holes, pieces, tunnels, what comes
 * again, what has one side only, and ends. */
#include "monitor/monitor.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "detect/feed.h"
#include "detect/rule.h"
#include "sensor/crew.h"
#include "sensor/message_json.h"
#include "sensor/protocols.h"
#include "sensor/testing.h"

#include <inttypes.h>
#include <stdlib.h>

#define START (1700000000 * NSEC_PER_SEC)
#define CONVERSATIONS 48 /* of the traffic */
#define PIECE 512        /* octets of a segment, at most */

/* ---- Traffic ---- */

/* What a client says and a server answers, at which port. */
static const struct talk {
    uint8_t proto;
    uint16_t port;
    const char *asks, *answers;
} talks[] = {
    {6, 502, "0001 0000 0006 11 03 006b 0003", "0001 0000 0009 11 03 06 022b 0000 0064"},
    {6, 502, "0002 0000 0006 11 05 00ac ff00", "0002 0000 0006 11 05 00ac ff00"},
    {6, 502, "0003 0000 0009 11 0f 0013 000a 02 cd 01", "0003 0000 0003 11 8f 02"},
    {6, 2404, "68 04 07 00 00 00", "68 04 0b 00 00 00"},
    {6, 2404, "68 0e 00 00 02 00 2d 01 06 00 01 00 05 00 00 01",
     "68 0e 02 00 02 00 2d 01 07 00 01 00 05 00 00 01"},
    {6, 80,
     "474554202f612048545450 2f312e310d0a486f73743a20610d0a557365722d4167656e743a20780d0a0d0a",
     "485454502f312e3120323030204f4b0d0a5365727665723a20790d0a436f6e74656e742d4c656e6774683a203132"
     "0d0a0d0a4d5a0000000000000000000000"},
    {17, 53, "1234 0100 0001 0000 0000 0000 03777777 07657861 6d706c65 03636f6d 00 0001 0001",
     "1234 8180 0001 0001 0000 0000 03777777 07657861 6d706c65 03636f6d 00 0001 0001"
     "c00c 0001 0001 00000e10 0004 0a000001"},
    {17, 47808, "810b000c 0120ffff00ff 1008",
     "810b0018 0120ffff00ff 1000 c4 02000001 22 01e0 91 00 21 0f"},
    {17, 69, "0001 626f6f742e62696e 00 6f63746574 00", "0003 0001 00112233"},
};

struct talker {
    const struct talk *talk;
    uint16_t port;   /* the client's */
    uint32_t seq[2]; /* of the client, and of the server */
    uint8_t wrapping;
    bool has_one_side, is_six;
};

struct traffic {
    uint64_t chance;
    nsec_t now;
    uint32_t number;
    uint16_t fragment_id;
    struct talker talkers[CONVERSATIONS];
    struct made_frame held; /* comes later than it should */
    struct monitor *monitor;
};

static uint32_t
draw(struct traffic *t, uint32_t n)
{
    t->chance = hash_mix(t->chance + UINT64_C(0x9e3779b97f4a7c15));
    return (uint32_t)(t->chance >> 33) % n;
}

static void
hear_octets(struct traffic *t, const struct made_frame *f)
{
    uint8_t *exact = xmemdup(f->octets, f->size); /* gone before it is told */
    const struct frame frame = {.data = exact,
                                .size = f->size,
                                .wire = f->size,
                                .time = t->now,
                                .link = LINK_ETHERNET,
                                .number = ++t->number};
    monitor_frame(t->monitor, &frame);
    memset(exact, 0xee, f->size);
    free(exact);
}

static void
put_ethernet_of(struct made_frame *f, unsigned from, unsigned to, uint16_t type)
{
    put(f, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)to, 2, 0, 0, 0, 0, (uint8_t)from}, 12);
    put_u16(f, type);
}

static void
put_addresses(struct made_frame *f, bool is_six, uint8_t proto, unsigned from, unsigned to,
              uint32_t size, uint16_t fragment, uint16_t id)
{
    if (is_six) {
        put_hex(f, "60000000");
        put_u16(f, (uint16_t)size);
        put(f, (uint8_t[]){proto, 64}, 2);
        put(f, (uint8_t[16]){0xfd, [15] = (uint8_t)from}, 16);
        put(f, (uint8_t[16]){0xfd, [15] = (uint8_t)to}, 16);
        return;
    }
    put_ipv4(f, proto, (uint16_t)size, fragment, id);
    f->octets[f->size - 5] = (uint8_t)from;
    f->octets[f->size - 1] = (uint8_t)to;
}

/* What is around the conversation's frame. */
static void
put_wrapping(struct made_frame *f, const struct talker *k, unsigned from, unsigned to,
             uint32_t size)
{
    put_ethernet_of(f, from, to,
                    k->wrapping == 1                       ? 0x8100
                    : k->wrapping == 2 || k->wrapping == 3 ? 0x0800
                    : k->is_six                            ? 0x86dd
                                                           : 0x0800);
    if (k->wrapping == 1)
        put(f, (uint8_t[]){0, 5, (uint8_t)(k->is_six ? 0x86 : 8), (uint8_t)(k->is_six ? 0xdd : 0)},
            4);
    if (k->wrapping == 2) { /* IP in IP */
        put_addresses(f, false, k->is_six ? 41 : 4, 200, 201, size, 0, 7);
    } else if (k->wrapping == 3) { /* VXLAN */
        put_addresses(f, false, 17, 202, 203, size + 14 + 16, 0, 7);
        put_udp(f, 5555, 4789, (uint16_t)(size + 14 + 8));
        put_hex(f, "08000000 00000100");
        put_ethernet_of(f, from, to, k->is_six ? 0x86dd : 0x0800);
    }
}

/* A datagram of IP, whole or in pieces that come in any order; one may be missing. */
static void
send_ip(struct traffic *t, const struct talker *k, unsigned from, unsigned to,
        const struct made_frame *in)
{
    uint32_t head = k->is_six ? 40 : 20;
    struct made_frame f = {.size = 0};
    if (k->is_six || in->size < 32 || draw(t, 6)) {
        put_wrapping(&f, k, from, to, head + in->size);
        put_addresses(&f, k->is_six, k->talk->proto, from, to, in->size, 0, 1);
        put(&f, in->octets, in->size);
        if (draw(t, 25) == 0) { /* the next overtakes it */
            if (t->held.size)
                hear_octets(t, &t->held);
            t->held = f;
            return;
        }
        hear_octets(t, &f);
        return;
    }
    uint16_t id = ++t->fragment_id;
    uint32_t at = 8 * (1 + draw(t, in->size / 8 - 1));
    bool is_backward = draw(t, 2), is_missing = draw(t, 10) == 0;
    for (unsigned i = 0; i < (is_missing ? 1u : 2u); i++) {
        bool is_first = (i == 0) != is_backward;
        uint32_t begin = is_first ? 0 : at, end = is_first ? at : in->size;
        f.size = 0;
        put_wrapping(&f, k, from, to, head + end - begin);
        put_addresses(&f, false, k->talk->proto, from, to, end - begin,
                      (uint16_t)(is_first ? 0x2000 : begin / 8), id);
        put(&f, in->octets + begin, end - begin);
        hear_octets(t, &f);
        if (i == 0 && draw(t, 3) == 0 && t->held.size) { /* something else between them */
            hear_octets(t, &t->held);
            t->held.size = 0;
        }
    }
}

static void
send_segment(struct traffic *t, struct talker *k, bool by_server, uint8_t flags, uint32_t seq,
             const struct made_frame *data)
{
    unsigned number = (unsigned)(k - t->talkers), client = 1 + number, server = 100 + number % 7;
    struct made_frame f = {.size = 0};
    uint8_t numbers[8];
    if (by_server && k->has_one_side)
        return;
    put_u16(&f, by_server ? k->talk->port : k->port);
    put_u16(&f, by_server ? k->port : k->talk->port);
    put_be32(numbers, seq);
    put_be32(numbers + 4, flags & TCP_ACK ? k->seq[!by_server] : 0);
    put(&f, numbers, 8);
    put(&f, (uint8_t[]){0x50, flags, 0x10, 0, 0, 0, 0, 0}, 8);
    put(&f, data->octets, data->size);
    send_ip(t, k, by_server ? server : client, by_server ? client : server, &f);
}

static void
open_connection(struct traffic *t, struct talker *k)
{
    const struct made_frame none = {.size = 0};
    k->seq[0] = draw(t, 1u << 30);
    k->seq[1] = draw(t, 1u << 30);
    send_segment(t, k, false, TCP_SYN, k->seq[0] - 1, &none);
    send_segment(t, k, true, TCP_SYN | TCP_ACK, k->seq[1] - 1, &none);
}

/* Nobody answers. */
static void
knock(struct traffic *t)
{
    const struct made_frame none = {.size = 0};
    struct talker *k = &t->talkers[draw(t, CONVERSATIONS)];
    uint16_t port = k->port;
    if (k->talk->proto != 6)
        return;
    k->port = (uint16_t)(50000 + draw(t, 1000));
    send_segment(t, k, false, TCP_SYN, 1, &none);
    k->port = port;
}

/* In one segment or in several; some are lost, come twice, or with other octets. */
static void
say_in_stream(struct traffic *t, struct talker *k, bool by_server, const struct made_frame *all)
{
    for (uint32_t at = 0; at < all->size;) {
        struct made_frame data = {.size = 0};
        uint32_t n = MIN(all->size - at, draw(t, 3) ? PIECE : 1 + draw(t, 12)), fate = draw(t, 40);
        uint32_t seq = k->seq[by_server];
        put(&data, all->octets + at, n);
        at += n;
        k->seq[by_server] += n;
        if (fate == 0)
            continue; /* nobody heard it */
        send_segment(t, k, by_server, TCP_ACK | TCP_PSH, seq, &data);
        data.octets[0] ^= fate == 1;
        if (fate <= 2)
            send_segment(t, k, by_server, TCP_ACK | TCP_PSH, seq, &data);
        else if (fate == 3)
            send_segment(t, k, by_server, TCP_ACK, seq + (1u << 31) - 9, &data);
    }
}

static void
say(struct traffic *t, struct talker *k, bool by_server)
{
    unsigned number = (unsigned)(k - t->talkers), client = 1 + number, server = 100 + number % 7;
    struct made_frame data = {.size = 0}, f = {.size = 0};
    for (uint32_t n = draw(t, 4) ? 1 : 1 + draw(t, 20); n; n--)
        put_hex(&data, by_server ? k->talk->answers : k->talk->asks);
    if (draw(t, 30) == 0)
        data.octets[draw(t, data.size)] ^= 0xff;
    if (k->talk->proto == 6) {
        say_in_stream(t, k, by_server, &data);
        return;
    }
    if (by_server && k->has_one_side)
        return;
    put_udp(&f, by_server ? k->talk->port : k->port, by_server ? k->port : k->talk->port,
            (uint16_t)data.size);
    put(&f, data.octets, data.size);
    send_ip(t, k, by_server ? server : client, by_server ? client : server, &f);
}

static void
begin_talking(struct traffic *t, struct talker *k)
{
    *k = (struct talker){.talk = &talks[draw(t, ARRAY_SIZE(talks))],
                         .port = (uint16_t)(40000 + draw(t, 4)),
                         .wrapping = (uint8_t)draw(t, 5),
                         .has_one_side = draw(t, 8) == 0,
                         .is_six = draw(t, 6) == 0};
    if (k->talk->proto == 6 && draw(t, 4))
        open_connection(t, k);
}

/* Devices without IP. */
static void
say_without_ip(struct traffic *t)
{
    struct made_frame f = {.size = 0};
    unsigned from = 60 + draw(t, 4);
    put_ethernet_of(&f, from, 0xff, 0x0806);
    put_hex(&f, "0001 0800 06 04 0001 0200000000");
    put(&f,
        (uint8_t[]){(uint8_t)from, 10, 0, 0, (uint8_t)(1 + draw(t, 5)), 0, 0, 0, 0, 0, 0, 10, 0, 0,
                    9},
        15);
    hear_octets(t, &f);
}

static void
run_traffic(struct traffic *t, unsigned turns)
{
    for (unsigned i = 0; i < CONVERSATIONS; i++)
        begin_talking(t, &t->talkers[i]);
    for (unsigned i = 0; i < turns; i++) {
        struct talker *k = &t->talkers[draw(t, CONVERSATIONS)];
        t->now += draw(t, 3 * NSEC_PER_MSEC);
        if (draw(t, 40) == 0)
            begin_talking(t, k);
        if (draw(t, 50) == 0)
            say_without_ip(t);
        if (draw(t, 30) == 0)
            knock(t);
        say(t, k, false);
        say(t, k, true);
        if (draw(t, 400) == 0)
            t->now += 3 * NSEC_PER_SEC; /* holes are given up */
        if (draw(t, 3000) == 0)
            t->now += 700 * NSEC_PER_SEC; /* conversations end */
        if (draw(t, 500) == 0)
            t->now -= NSEC_PER_SEC / 10; /* the clock is set */
        if (draw(t, 1500) == 0)
            monitor_settle(t->monitor);
        if (draw(t, 2500) == 0)
            monitor_tick(t->monitor, t->now);
    }
}

/* ---- What is told ---- */

static void
put_conversation(struct buf *b, const struct conversation *c, unsigned way, const struct frame *f)
{
    buf_printf(b,
               "%u of %" PRIu64 " %s %u %u%u %u/%u %" PRIu64 "/%" PRIu64 " %" PRIu64 "/%" PRIu64
               " %" PRIu64 "/%" PRIu64 " at %u %" PRId64 " in %d ",
               c->slot, c->serial, c->protocol ? c->protocol->name : "-", way, c->known, c->side,
               c->macs[0].octets[5], c->macs[1].octets[5], c->packets[0], c->packets[1],
               c->octets[0], c->octets[1], c->messages[0], c->messages[1], f ? f->number : 0,
               f ? f->time : 0, f && f->data);
    buf_printf(b, "%" PRId64 " %" PRId64 " %d lost %" PRIu64 "/%" PRIu64 " ", c->first, c->last,
               c->side_is_seen, c->lost[0], c->lost[1]);
    end_put(b, &c->key, 0);
    buf_u8(b, '-');
    end_put(b, &c->key, 1);
    buf_u8(b, '\n');
}

static void
on_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *p)
{
    buf_str(arg, "message ");
    put_conversation(arg, c, way, f);
    message_json_put(arg, c, way, f, p);
}

static void
on_malformed(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
             const struct cursor *at)
{
    buf_printf(arg, "malformed %s %zu %d ", at->field, at->offset, at->err);
    put_conversation(arg, c, way, f);
}

static void
on_data(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
        const uint8_t *octets, uint32_t size, uint32_t lost)
{
    buf_printf(arg, "data %016" PRIx64 " %u %u ", hash_bytes(octets, size, 1), size, lost);
    put_conversation(arg, c, way, f);
}

static void
on_content(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct file_part *p)
{
    buf_printf(arg, "content %016" PRIx64 " %zu %x %u ",
               p->octets ? hash_bytes(p->octets, p->size, 1) : 0, p->size, p->flags, p->block);
    put_conversation(arg, c, way, f);
}

static void
on_taken(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
         const struct layers *l)
{
    buf_printf(arg, "taken %016" PRIx64 " %u %u %u %016" PRIx64 " ",
               hash_bytes(l->payload, l->size, 1), l->wire, l->tcp_seq, l->wrapped,
               hash_bytes(f->data, f->size, 1));
    put_conversation(arg, c, way, f);
}

static void
on_ended(void *arg, const struct conversation *c)
{
    buf_str(arg, "ended ");
    put_conversation(arg, c, 0, NULL);
}

static void
on_said(void *arg, uint32_t frame, const struct asset *asset, const struct identity_row *row,
        const char *text, size_t size)
{
    buf_printf(arg, "said %u %s.%s %.*s ", frame, row->protocol, row->field, (int)size, text);
    asset_address_put(arg, &asset->address);
    buf_u8(arg, '\n');
}

static void
on_device(void *arg, const struct asset *asset, bool is_new)
{
    buf_printf(arg, "device %d ", is_new);
    asset_put_json(arg, asset);
    buf_u8(arg, '\n');
}

static void
on_alert(void *arg, const char *json, size_t size, enum rule_severity severity, bool is_new)
{
    buf_printf(arg, "alert %d %d ", severity, is_new);
    buf_put(arg, json, size);
    buf_u8(arg, '\n');
}

static bool
put_json(void *arg, const char *json, size_t size)
{
    buf_put(arg, json, size);
    buf_u8(arg, '\n');
    return true;
}

static bool
put_asset(void *arg, const struct asset *asset)
{
    asset_put_json(arg, asset);
    buf_u8(arg, '\n');
    return true;
}

static void
put_each(void *arg, struct conversation *c)
{
    buf_str(arg, "there is ");
    put_conversation(arg, c, 0, NULL);
}

static void
put_counters(struct buf *b, const struct sensor_counters *c)
{
    const uint64_t *n = (const uint64_t *)c;
    for (size_t i = 0; i < sizeof *c / sizeof *n; i++)
        buf_printf(b, "%" PRIu64 " ", n[i]);
    buf_u8(b, '\n');
}

static struct rules *rules;
static struct feed *feed;              /* has the hash of what HTTP servers answer */
static struct sensor_counters counted; /* by the last run */

static int
read_rules(void **state UNUSED)
{
    static const char *const paths[] = {TIELINE_SOURCE_DIR "/etc/detections"};
    const struct rules_source source = {.protocols = protocols_all};
    struct diag diag = {""};
    static const char hash[] = "21d0a87b3eb7e47233858e7f0e069aa90ff66af6adeafebf26ef330eacafc9c2";
    feed = feed_new();
    return feed_add(feed, hash, sizeof hash - 1, "feed", &diag) ||
           rules_read(&source, paths, 1, &rules, &diag);
}

static int
free_rules(void **state UNUSED)
{
    rules_free(rules);
    feed_free(feed);
    return 0;
}

struct way_to_run {
    unsigned cores, turns;
    uint64_t seed;
    uint32_t conversations;
    size_t memory;
    bool is_lean; /* nobody wants to know of packets and octets */
};

/* All that is told of the same traffic. */
static struct buf
run(const struct way_to_run *way)
{
    struct buf told = BUF_INIT;
    struct diag diag = {""};
    struct traffic *t = xcalloc(1, sizeof *t);
    const struct monitor_config config = {.protocols = protocols_all,
                                          .conversations = way->conversations,
                                          .memory = way->memory,
                                          .cores = way->cores,
                                          .rules = rules,
                                          .feed = feed,
                                          .has_assets = true,
                                          .has_habits = true,
                                          .name = "s1",
                                          .learn = 2 * NSEC_PER_SEC,
                                          .arg = &told,
                                          .message = on_message,
                                          .malformed = on_malformed,
                                          .data = way->is_lean ? NULL : on_data,
                                          .content = way->is_lean ? NULL : on_content,
                                          .taken = way->is_lean ? NULL : on_taken,
                                          .ended = on_ended,
                                          .said = on_said,
                                          .device = on_device,
                                          .alert = on_alert};
    t->chance = way->seed;
    t->now = START;
    assert_ok(monitor_new(&config, &t->monitor, &diag));
    run_traffic(t, way->turns);
    put_counters(&told, monitor_counters(t->monitor));
    sensor_each(monitor_sensor(t->monitor), t->now - 500 * NSEC_PER_SEC, put_each, &told);
    run_traffic(t, way->turns / 4);
    monitor_end(t->monitor);
    assets_each(monitor_assets(t->monitor), put_asset, &told);
    habits_each(monitor_habits(t->monitor), put_json, &told);
    incidents_each(monitor_alerts(t->monitor), put_json, &told);
    counted = *monitor_counters(t->monitor);
    put_counters(&told, &counted);
    monitor_free(t->monitor);
    free(t);
    return told;
}

static void
assert_same(const struct buf *one, const struct buf *other, unsigned cores)
{
    size_t at = 0, line = 0;
    for (; at < one->size && at < other->size && one->data[at] == other->data[at]; at++)
        line = one->data[at] == '\n' ? at + 1 : line;
    if (at < one->size || at < other->size)
        fail_msg("with %u cores, octet %zu of %zu and %zu:\n%.*s\n%.*s", cores, at, one->size,
                 other->size, (int)MIN(one->size - line, 300), (const char *)one->data + line,
                 (int)MIN(other->size - line, 300), (const char *)other->data + line);
}

static unsigned
count_lines(const struct buf *told, const char *word)
{
    unsigned n = 0;
    size_t size = strlen(word);
    for (size_t at = 0; at + size < told->size; at++)
        n += (!at || told->data[at - 1] == '\n') && !memcmp(told->data + at, word, size);
    return n;
}

static void
assert_equal_with(struct way_to_run way, unsigned most)
{
    way.cores = 1;
    struct buf alone = run(&way);
    for (way.cores = 2; way.cores <= most; way.cores++) {
        struct buf told = run(&way);
        assert_same(&alone, &told, way.cores);
        buf_fini(&told);
    }
    buf_fini(&alone);
}

/* ---- What is so ---- */

static void
the_traffic_has_all_of_it(void **state UNUSED)
{
    static const char *const words[] = {"message ", "malformed ", "content ", "data ",  "taken ",
                                        "ended ",   "said ",      "alert ",   "device "};
    struct buf told = run(&(struct way_to_run){.cores = 1, .turns = 4000, .seed = 1});
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (count_lines(&told, words[i]) < 10)
            fail_msg("few of %s", words[i]);
    }
    assert_non_null(strstr(buf_cstr(&told), "\"rule\":\"feed-file\""));
    assert_true(counted.datagrams_rebuilt > 100);
    assert_true(counted.holes > 10 && counted.repeated > 10 && counted.differing > 10);
    assert_true(counted.foreign > 10 && counted.octets_skipped > 10);
    buf_fini(&told);
}

static void
all_is_told_as_with_one(void **state UNUSED)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        assert_equal_with((struct way_to_run){.turns = 4000, .seed = seed}, 5);
}

static void
what_nobody_asks_for_is_as_with_one(void **state UNUSED)
{
    assert_equal_with((struct way_to_run){.turns = 1500, .seed = 4, .is_lean = true}, 4);
}

static void
conversations_make_room_as_with_one(void **state UNUSED)
{
    assert_equal_with((struct way_to_run){.turns = 3000, .seed = 7, .conversations = 13}, 5);
}

/* Two cores have one sensor, with all of the memory. */
static void
where_memory_ends_two_are_as_one(void **state UNUSED)
{
    assert_equal_with(
        (struct way_to_run){.turns = 3000, .seed = 9, .conversations = 64, .memory = 6000}, 2);
}

static void
where_memory_ends_many_go_on(void **state UNUSED)
{
    struct way_to_run way = {.cores = 4, .turns = 2000, .seed = 9, .memory = 6000};
    struct buf told = run(&way);
    assert_true(count_lines(&told, "message ") > 1000);
    buf_fini(&told);
}

/* Each octet is an object: what is told of a few frames takes megabytes. */
static void
say_much(struct traffic *t, struct talker *k, unsigned frames)
{
    for (unsigned i = 0; i < frames; i++) {
        struct made_frame data = {.size = 0};
        for (unsigned n = 0; n < 7; n++) {
            put_hex(&data, "68 8c 00000000 01 ff 0300 0100 010000");
            put(&data, (uint8_t[127]){1, 0, 1}, 127);
        }
        send_segment(t, k, true, TCP_ACK | TCP_PSH, k->seq[1], &data);
        k->seq[1] += data.size;
        t->now += NSEC_PER_MSEC;
    }
}

static struct buf
run_much(unsigned cores)
{
    struct buf told = BUF_INIT;
    struct diag diag = {""};
    struct traffic t = {.now = START};
    const struct monitor_config config = {.protocols = protocols_all,
                                          .cores = cores,
                                          .rules = rules,
                                          .arg = &told,
                                          .message = on_message,
                                          .alert = on_alert};
    assert_ok(monitor_new(&config, &t.monitor, &diag));
    t.talkers[0] = (struct talker){.talk = &talks[3], .port = 40000};
    assert_int_equal(talks[3].port, 2404);
    say_much(&t, &t.talkers[0], 600);
    monitor_end(t.monitor);
    assert_true(monitor_counters(t.monitor)->messages > 3000);
    monitor_free(t.monitor);
    return told;
}

static void
much_in_few_frames_is_told_as_with_one(void **state UNUSED)
{
    struct buf alone = run_much(1);
    for (unsigned cores = 2; cores <= 4; cores++) {
        struct buf told = run_much(cores);
        assert_same(&alone, &told, cores);
        buf_fini(&told);
    }
    buf_fini(&alone);
}

static void
count_message(void *arg, const struct conversation *c UNUSED, unsigned way UNUSED,
              const struct frame *f UNUSED, const struct pdu *p UNUSED)
{
    ++*(unsigned *)arg;
}

static unsigned
count_much(unsigned cores)
{
    unsigned n = 0;
    struct diag diag = {""};
    struct traffic t = {.now = START};
    const struct monitor_config config = {.protocols = protocols_all,
                                          .cores = cores,
                                          .rules = rules,
                                          .arg = &n,
                                          .message = count_message};
    assert_ok(monitor_new(&config, &t.monitor, &diag));
    t.talkers[0] = (struct talker){.talk = &talks[3], .port = 40000};
    t.talkers[1] = (struct talker){.talk = &talks[3], .port = 40000};
    for (unsigned i = 0; i < 550; i++) { /* of two conversations; more than a batch */
        say_much(&t, &t.talkers[0], 1);
        say_much(&t, &t.talkers[1], 1);
    }
    for (unsigned i = 0; i < CREW_BATCHES * CREW_FRAMES; i++)
        say_without_ip(&t);
    monitor_end(t.monitor);
    monitor_free(t.monitor);
    return n;
}

/* Who wrote much waits to be told, while who tells waits for more. */
static void
much_in_a_batch_holds_up_nobody(void **state UNUSED)
{
    unsigned n = count_much(1);
    assert_true(n > CREW_BATCHES * CREW_FRAMES);
    for (unsigned cores = 2; cores <= 6; cores++)
        assert_int_equal(count_much(cores), n);
}

/* What is known after the packet by which a conversation has begun anew. */
static struct buf
run_again(unsigned cores)
{
    struct buf told = BUF_INIT;
    struct diag diag = {""};
    const struct made_frame none = {.size = 0};
    struct traffic t = {.now = START};
    const struct monitor_config config = {
        .protocols = protocols_all, .cores = cores, .rules = rules, .arg = &told};
    assert_ok(monitor_new(&config, &t.monitor, &diag));
    t.talkers[0] = (struct talker){.talk = &talks[3], .port = 40000};
    for (uint32_t i = 0; i < 2; i++)
        send_segment(&t, &t.talkers[0], false, TCP_SYN, 100 * i, &none);
    monitor_settle(t.monitor);
    sensor_each(monitor_sensor(t.monitor), 0, put_each, &told);
    monitor_free(t.monitor);
    return told;
}

static void
what_begins_anew_is_known_as_with_one(void **state UNUSED)
{
    struct buf alone = run_again(1);
    assert_int_equal(count_lines(&alone, "there is 0 of 2"), 1);
    for (unsigned cores = 2; cores <= 4; cores++) {
        struct buf told = run_again(cores);
        assert_same(&alone, &told, cores);
        buf_fini(&told);
    }
    buf_fini(&alone);
}

static void
nothing_comes_and_all_ends(void **state UNUSED)
{
    struct diag diag = {""};
    struct monitor *m;
    const struct monitor_config config = {.protocols = protocols_all, .cores = 3};
    assert_ok(monitor_new(&config, &m, &diag));
    monitor_settle(m);
    monitor_tick(m, START);
    monitor_end(m);
    monitor_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_traffic_has_all_of_it),
        cmocka_unit_test(all_is_told_as_with_one),
        cmocka_unit_test(what_nobody_asks_for_is_as_with_one),
        cmocka_unit_test(conversations_make_room_as_with_one),
        cmocka_unit_test(where_memory_ends_two_are_as_one),
        cmocka_unit_test(where_memory_ends_many_go_on),
        cmocka_unit_test(much_in_few_frames_is_told_as_with_one),
        cmocka_unit_test(much_in_a_batch_holds_up_nobody),
        cmocka_unit_test(what_begins_anew_is_known_as_with_one),
        cmocka_unit_test(nothing_comes_and_all_ends),
    };
    return cmocka_run_group_tests(tests, read_rules, free_rules);
}

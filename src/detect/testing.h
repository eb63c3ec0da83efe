/* testing.h - for the machines' tests: frames through the real sensor into all machines, and the
 * names of what they find. */
#ifndef DETECT_TESTING_H
#define DETECT_TESTING_H

#include "base/buf.h"
#include "detect/finding_names.h"
#include "detect/machines.h"
#include "sensor/protocols.h"
#include "sensor/sensor.h"
#include "sensor/testing.h"

#include <stdio.h>

struct bench {
    struct sensor *sensor;
    struct machines *machines;
    struct buf said; /* the names of findings, a blank behind each */
    char detail[WATCH_TEXT_MAX + 1], object[WATCH_TEXT_MAX + 1]; /* of the last */
    uint32_t number;
    nsec_t now;
};

static inline void
bench_found(void *arg, const struct finding *f)
{
    struct bench *b = arg;
    assert_true(finding_is_known(f->name));
    assert_int_equal(f->time, b->now);
    buf_printf(&b->said, "%s ", f->name);
    snprintf(b->detail, sizeof b->detail, "%s", f->detail ? f->detail : "");
    snprintf(b->object, sizeof b->object, "%s", f->object ? f->object : "");
}

static inline void
bench_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
              const struct pdu *p)
{
    machines_message(((struct bench *)arg)->machines, c, way, f, p);
}

static inline void
bench_malformed(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
                const struct cursor *where)
{
    machines_malformed(((struct bench *)arg)->machines, c, way, f, where);
}

static inline void
bench_packet(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
             const struct layers *l)
{
    machines_packet(((struct bench *)arg)->machines, c, way, f, l);
}

static inline void
bench_odd(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
          enum stream_news news)
{
    machines_odd(((struct bench *)arg)->machines, c, way, f, news);
}

static inline int
bench_begin(void **state)
{
    static struct bench b;
    b = (struct bench){.said = BUF_INIT, .now = 1000 * NSEC_PER_SEC};
    const struct watch_config watch = {.found = bench_found, .arg = &b};
    const struct sensor_config config = {.protocols = protocols_all,
                                         .arg = &b,
                                         .message = bench_message,
                                         .malformed = bench_malformed,
                                         .packet = bench_packet,
                                         .odd = bench_odd};
    b.machines = machines_new(&watch);
    b.sensor = sensor_new(&config);
    *state = &b;
    return 0;
}

static inline int
bench_end(void **state)
{
    struct bench *b = *state;
    sensor_free(b->sensor);
    machines_free(b->machines);
    buf_fini(&b->said);
    return 0;
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_begin, bench_end)

static inline void
bench_wait(struct bench *b, nsec_t time)
{
    b->now += time;
}

/* Time alone. */
static inline void
bench_tick(struct bench *b, nsec_t time)
{
    b->now += time;
    machines_tick(b->machines, b->now);
}

static inline void
bench_send(struct bench *b, const struct made_frame *f)
{
    struct frame frame = as_frame(f, b->now, ++b->number);
    sensor_frame(b->sensor, &frame);
}

/* That is what was found since the last time. */
#define assert_found(b, names)                                                                     \
    do {                                                                                           \
        assert_string_equal(buf_cstr(&(b)->said), names);                                          \
        buf_clear(&(b)->said);                                                                     \
    } while (0)

/* ---- Frames ---- */

/* From device `from` to device `to`: MAC 02:00:00:00:00:from, IPv4 10.0.0.from. */
static inline struct made_frame
bench_ethernet(unsigned from, unsigned to, uint16_t type)
{
    struct made_frame f = {.size = 0};
    put(&f, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)to, 2, 0, 0, 0, 0, (uint8_t)from}, 12);
    put_u16(&f, type);
    return f;
}

static inline struct made_frame
bench_ipv4(unsigned from, unsigned to, uint8_t proto, uint8_t ttl, uint32_t size)
{
    struct made_frame f = bench_ethernet(from, to, 0x0800);
    put_hex(&f, "4500");
    put_u16(&f, (uint16_t)(size + 20));
    put_hex(&f, "0000 0000");
    put(&f, (uint8_t[]){ttl, proto, 0, 0, 10, 0, 0, (uint8_t)from, 10, 0, 0, (uint8_t)to}, 12);
    return f;
}

static inline void
bench_udp(struct bench *b, unsigned from, unsigned to, uint16_t src, uint16_t dst,
          const struct made_frame *data)
{
    struct made_frame f = bench_ipv4(from, to, 17, 64, data->size + 8);
    put_udp(&f, src, dst, (uint16_t)data->size);
    put(&f, data->octets, data->size);
    bench_send(b, &f);
}

/* A TCP connection from device 1 to device 2; `mac` and `ttl` are those that the client's (0) and
 * the server's (1) packets have. */
struct bench_connection {
    uint16_t ports[2];
    uint32_t seq[2];
    unsigned devices[2], mac[2];
    uint8_t ttl[2];
};

static inline struct bench_connection
bench_connection(uint16_t client, uint16_t server)
{
    return (struct bench_connection){.ports = {client, server},
                                     .seq = {1000, 5000},
                                     .devices = {1, 2},
                                     .mac = {1, 2},
                                     .ttl = {64, 64}};
}

static inline void
bench_segment(struct bench *b, const struct bench_connection *c, unsigned from, uint8_t flags,
              uint32_t seq, const struct made_frame *data)
{
    struct made_frame f = bench_ipv4(c->devices[from], c->devices[!from], 6, c->ttl[from],
                                     data->size + 20);
    uint8_t numbers[8];
    f.octets[11] = (uint8_t)c->mac[from];
    put_u16(&f, c->ports[from]);
    put_u16(&f, c->ports[!from]);
    put_be32(numbers, seq);
    put_be32(numbers + 4, flags & TCP_ACK ? c->seq[!from] : 0);
    put(&f, numbers, 8);
    put(&f, (uint8_t[]){0x50, flags, 0x10, 0, 0, 0, 0, 0}, 8);
    put(&f, data->octets, data->size);
    bench_send(b, &f);
}

static inline void
bench_open(struct bench *b, const struct bench_connection *c)
{
    const struct made_frame none = {.size = 0};
    bench_segment(b, c, 0, TCP_SYN, c->seq[0] - 1, &none);
    bench_segment(b, c, 1, TCP_SYN | TCP_ACK, c->seq[1] - 1, &none);
    bench_segment(b, c, 0, TCP_ACK, c->seq[0], &none);
}

static inline void
bench_octets(struct bench *b, struct bench_connection *c, unsigned from,
             const struct made_frame *data)
{
    bench_segment(b, c, from, TCP_ACK | TCP_PSH, c->seq[from], data);
    c->seq[from] += data->size;
}

static inline void
bench_say(struct bench *b, struct bench_connection *c, unsigned from, const char *hex)
{
    struct made_frame data = {.size = 0};
    put_hex(&data, hex);
    bench_octets(b, c, from, &data);
}

/* Octets of a DNP3 link frame with their checksum, bit by bit as IEEE 1815-2012 annex E has it. */
static inline void
bench_dnp3_block(struct made_frame *f, const uint8_t *octets, size_t n)
{
    uint16_t c = 0;
    for (size_t i = 0; i < n; i++) {
        c ^= octets[i];
        for (unsigned bit = 0; bit < 8; bit++)
            c = (uint16_t)(c & 1 ? c >> 1 ^ 0xa6bc : c >> 1);
    }
    c = (uint16_t)~c;
    put(f, octets, n);
    put(f, (uint8_t[]){(uint8_t)c, (uint8_t)(c >> 8)}, 2);
}

/* From outstation 4 to master 3: a segment of up to 16 octets. */
static inline struct made_frame
bench_dnp3(const uint8_t *segment, size_t n)
{
    const uint8_t header[] = {0x05, 0x64, (uint8_t)(n + 5), 0x44, 3, 0, 4, 0};
    struct made_frame f = {.size = 0};
    bench_dnp3_block(&f, header, sizeof header);
    bench_dnp3_block(&f, segment, n);
    return f;
}

#endif

/* testing.h - for the monitor's tests: rules, frames that are held against them, and what is told.
 */
#ifndef MONITOR_TESTING_H
#define MONITOR_TESTING_H

#include "monitor/monitor.h"

#include "base/alloc.h"
#include "detect/rule.h"
#include "sensor/protocols.h"
#include "sensor/testing.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND NSEC_PER_SEC
#define START (1700000000 * NSEC_PER_SEC)
#define TOLD 256

struct bench {
    struct rules *rules;
    struct monitor *monitor;
    nsec_t now;
    uint32_t number, seq[2]; /* of TCP, by who is lower and higher */
    unsigned n_told;
    json_t *told[TOLD];
};

/* For the next monitor. */
static struct feed *feed;
static unsigned cores;
static struct geo *geo;

#define HEAD(name) "  - name: " name "\n    title: T\n    explanation: E\n    playbook: [look]\n"

static inline void
on_alert(void *arg, const char *json, size_t size, enum rule_severity severity UNUSED,
         bool is_new UNUSED)
{
    struct bench *b = arg;
    json_t *alert = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(alert);
    assert_true(b->n_told < TOLD);
    b->told[b->n_told++] = alert;
}

static inline void
begin(struct bench *b, nsec_t learn, const char *evidence)
{
    struct diag diag = {""};
    const struct monitor_config config = {.protocols = protocols_all,
                                          .rules = b->rules,
                                          .feed = feed,
                                          .geo = geo,
                                          .name = "s1",
                                          .learn = learn,
                                          .cores = cores,
                                          .evidence = evidence,
                                          .arg = b,
                                          .alert = on_alert};
    assert_ok(monitor_new(&config, &b->monitor, &diag));
}

static inline void
make(struct bench *b, const char *text, nsec_t learn, const char *evidence)
{
    const struct rules_source source = {.protocols = protocols_all};
    struct diag diag = {""};
    *b = (struct bench){.now = START};
    char *file = xasprintf("detections:\n%s", text);
    if (rules_parse(&source, file, strlen(file), "test.yaml", &b->rules, &diag))
        fail_msg("%s", diag.text);
    free(file);
    begin(b, learn, evidence);
}

/* With rules that are shipped. */
static inline void
make_shipped(struct bench *b, const char *path)
{
    const struct rules_source source = {.protocols = protocols_all};
    struct diag diag = {""};
    *b = (struct bench){.now = START};
    if (rules_read(&source, &path, 1, &b->rules, &diag))
        fail_msg("%s", diag.text);
    begin(b, 0, NULL);
}

static inline void
forget_told(struct bench *b)
{
    for (unsigned i = 0; i < b->n_told; i++)
        json_decref(b->told[i]);
    b->n_told = 0;
}

static inline void
unmake(struct bench *b)
{
    forget_told(b);
    monitor_free(b->monitor);
    rules_free(b->rules);
}

/* A datagram of device `from` to device `to`. */
static inline void
say_at(struct bench *b, uint8_t from, uint8_t to, uint16_t src, uint16_t dst, const char *hex)
{
    struct made_frame f = {.size = 0};
    put_datagram(&f, from, to, src, dst, hex);
    b->now += NSEC_PER_MSEC;
    const struct frame frame = as_frame(&f, b->now, ++b->number);
    monitor_frame(b->monitor, &frame);
}

/* A segment, with text. */
static inline void
say_flags(struct bench *b, uint8_t from, uint8_t to, uint16_t src, uint16_t dst, uint8_t flags,
          const char *text)
{
    struct made_frame f = {.size = 0};
    uint32_t *seq = &b->seq[from > to], *ack = &b->seq[from < to];
    uint8_t numbers[8];
    put_between(&f, from, to, 6, 20 + strlen(text));
    put_u16(&f, src);
    put_u16(&f, dst);
    put_be32(numbers, *seq);
    put_be32(numbers + 4, *ack);
    put(&f, numbers, sizeof numbers);
    put(&f, (uint8_t[]){0x50, flags, 0x10, 0, 0, 0, 0, 0}, 8);
    put(&f, (const uint8_t *)text, strlen(text));
    *seq += (uint32_t)strlen(text) + (flags & 2 ? 1 : 0);
    b->now += NSEC_PER_MSEC;
    const struct frame frame = as_frame(&f, b->now, ++b->number);
    monitor_frame(b->monitor, &frame);
}

static inline void
say_text(struct bench *b, uint8_t from, uint8_t to, uint16_t src, uint16_t dst, const char *text)
{
    say_flags(b, from, to, src, dst, 0x18, text);
}

static inline void
ask(struct bench *b, uint8_t from, uint8_t to, const char *hex)
{
    say_at(b, from, to, 40000, 502, hex);
}

static inline const char *
text_of(const json_t *alert, const char *key)
{
    return json_string_value(json_object_get(alert, key));
}

static inline json_int_t
number_of(const json_t *alert, const char *key)
{
    return json_integer_value(json_object_get(alert, key));
}

static inline bool
collect(void *arg, const char *json, size_t size)
{
    json_t *incident = json_loadb(json, size, 0, NULL);
    assert_non_null(incident);
    json_array_append_new(arg, incident);
    return true;
}

#define READ "0001 0000 0006 01 03 0000 0002"
#define WRITE "0002 0000 0006 01 06 0010 0007"
#define WRITE_BIG "0002 0000 0006 01 06 0010 7000"
#define COIL_ON "0003 0000 0006 01 05 0020 ff00"
#define COIL_OFF "0003 0000 0006 01 05 0020 0000"
#define ANSWER "0001 0000 0007 01 03 04 0001 0002"
#define RESTART "0004 0000 0006 01 08 0001 0000"

#endif

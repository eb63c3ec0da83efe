/* process_bus_testing.h - for the machines' tests: messages of GOOSE publishers and of streams of
 * Sampled Values, by the encoders of the product. */
#ifndef DETECT_PROCESS_BUS_TESTING_H
#define DETECT_PROCESS_BUS_TESTING_H

#include "detect/testing.h"
#include "proto/ot/goose/goose.h"
#include "proto/ot/goose/goose_value.h"
#include "proto/ot/sv/sv.h"

#include <math.h>

/* What a publisher says; a test changes what it is about. */
struct bench_publisher {
    unsigned mac;
    uint16_t appid;
    uint32_t state, sequence, life, configuration;
    const char *reference, *data_set, *id;
    int64_t t; /* seconds */
    bool value, is_simulated, needs_commissioning, has_second;
};

static const struct bench_publisher UNUSED bench_ordinary_publisher = {
    .mac = 1,
    .appid = 1,
    .state = 5,
    .life = 2000,
    .configuration = 1,
    .reference = "IED1/LLN0$GO$gcb1",
    .data_set = "IED1/LLN0$ds1",
    .id = "g1",
    .t = 999};

static inline struct ber_text
bench_text(const char *s)
{
    return (struct ber_text){.data = s, .size = strlen(s)};
}

static inline void
bench_publish(struct bench *b, const struct bench_publisher *p)
{
    struct goose_value values[2] = {{.type = GOOSE_BOOLEAN, .boolean = p->value},
                                    {.type = GOOSE_BOOLEAN, .boolean = true}};
    const struct goose_pdu pdu = {.header.appid = p->appid,
                                  .gocb_ref = bench_text(p->reference),
                                  .time_allowed_to_live_ms = p->life,
                                  .dat_set = bench_text(p->data_set),
                                  .go_id = bench_text(p->id),
                                  .t = {.seconds = (uint32_t)p->t},
                                  .st_num = p->state,
                                  .sq_num = p->sequence,
                                  .simulation = p->is_simulated,
                                  .conf_rev = p->configuration,
                                  .nds_com = p->needs_commissioning,
                                  .values = values,
                                  .n_values = p->has_second ? 2 : 1};
    struct made_frame f = bench_ethernet(p->mac, 9, 0x88b8);
    struct buf octets = BUF_INIT;
    f.octets[0] = 1; /* a group */
    assert_ok(goose_encode(&octets, &pdu));
    put(&f, octets.data, octets.size);
    buf_fini(&octets);
    bench_send(b, &f);
}

struct bench_stream {
    unsigned mac, count, wrap;
    uint32_t configuration;
    uint8_t synch;
    bool is_simulated;
    double strength;
    const char *id;
};

static const struct bench_stream UNUSED bench_ordinary_stream = {
    .mac = 1, .wrap = 4000, .configuration = 1, .synch = 2, .strength = 100000, .id = "MU01"};

static inline void
bench_sample(struct bench *b, const struct bench_stream *s)
{
    struct sv_le_sample values = {{0}, {0}};
    uint8_t octets[SV_LE_SAMPLE_SIZE];
    for (unsigned i = 0; i < SV_LE_CHANNELS; i++)
        values.value[i] = (int32_t)(s->strength * sin(2 * 3.14159265 * s->count / 80));
    sv_le_encode(octets, &values);
    struct sv_pdu pdu = {.n_asdus = 1};
    pdu.header.appid = 0x4000;
    pdu.header.reserved1 = s->is_simulated ? IEC61850_SIMULATED : 0;
    pdu.asdus[0] = (struct sv_asdu){.sv_id = {.data = s->id, .size = strlen(s->id)},
                                    .smp_cnt = (uint16_t)s->count,
                                    .conf_rev = s->configuration,
                                    .smp_synch = s->synch,
                                    .sample = octets,
                                    .sample_size = sizeof octets};
    struct made_frame f = bench_ethernet(s->mac, 9, 0x88ba);
    struct buf frame = BUF_INIT;
    f.octets[0] = 1;
    assert_ok(sv_encode(&frame, &pdu));
    put(&f, frame.data, frame.size);
    buf_fini(&frame);
    bench_send(b, &f);
}

#endif

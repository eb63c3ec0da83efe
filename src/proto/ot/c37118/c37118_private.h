/* c37118_private.h - between the tables and the code of C37.118. */
#ifndef PROTO_OT_C37118_C37118_PRIVATE_H
#define PROTO_OT_C37118_C37118_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/c37118/c37118.h"

#define C37118_HEADER_SIZE 14u
#define C37118_STREAMS 4u  /* whose configurations are remembered */
#define C37118_PMU_MAX 64u /* of a stream; the data of one with more is not looked into */
#define C37118_SCALES                                                                              \
    256u /* of phasors and analogs of a stream; the rest are told as they stand                    \
          */

enum c37118_type {
    TYPE_DATA,
    TYPE_HEADER,
    TYPE_CONFIG_1,
    TYPE_CONFIG_2,
    TYPE_COMMAND,
    TYPE_CONFIG_3
};

/* Bits of FORMAT. */
enum c37118_format {
    FORMAT_POLAR = 1,
    FORMAT_REAL_PHASORS = 2,
    FORMAT_REAL_ANALOGS = 4,
    FORMAT_REAL_FREQUENCY = 8,
};

struct c37118_pmu {
    uint16_t id, format, n_phasors, n_analogs, n_digitals, nominal;
    uint16_t scales; /* the first of its phasors' factors, its analogs' behind them */
};

struct c37118_config {
    bool is_there, has_scales;
    uint16_t id, n_pmus, n_scales;
    uint32_t time_base;
    struct c37118_pmu pmus[C37118_PMU_MAX];
    float scales[C37118_SCALES];
};

struct c37118_state {
    uint32_t next;
    struct c37118_config configs[C37118_STREAMS];
    struct c37118_config reading; /* that becomes one of them when it was whole */
};

enum frame_found c37118_frame(const uint8_t *, size_t, size_t *);
int c37118_looks(const uint8_t *, size_t);
void c37118_dissect(struct dissection *, struct cursor *);

/* Fields of a configuration; it is read into `config`, if that is not NULL. */
void c37118_config(struct dissection *, struct cursor *, enum c37118_type, struct c37118_config *);
/* Fields of data, by its configuration. */
void c37118_data(struct dissection *, struct cursor *, const struct c37118_config *);

#endif

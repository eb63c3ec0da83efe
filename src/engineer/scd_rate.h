/* scd_rate.h - how much a control block may send; the formulas are in import_scd.h. */
#ifndef ENGINEER_SCD_RATE_H
#define ENGINEER_SCD_RATE_H

#include "engineer/scd.h"

struct scd_rate {
    uint32_t frame_octets;
    uint32_t rate_kbps, burst_octets;
    bool time_malformed, samples_malformed; /* something was taken as its default */
};

/* `address` and `set` may be NULL: not known. */
struct scd_rate scd_rate(const struct scd *, const struct scd_control *, const struct scd_address *,
                         const struct scd_data_set *);

#endif

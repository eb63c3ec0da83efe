/* ted_judge.c - what cannot be in a record of a link, seen by itself. */
#include "te/ted_private.h"

/* The capacities of interfaces whose number of bit/s does not fit into 32 bits, as a router tells
 * them that has cut them off there, in octets per second as a float. */
static bool
is_truncated(uint64_t bps)
{
    static const uint64_t gbps[] = {5, 10, 20, 25, 40, 50, 100, 200, 400, 800};
    for (size_t i = 0; i < ARRAY_SIZE(gbps); i++) {
        double cut = (double)(uint32_t)(gbps[i] * UINT64_C(1000000000));
        if ((double)bps > cut * (1 - 1e-6) && (double)bps < cut * (1 + 1e-6))
            return true;
    }
    return false;
}

/* Takes out of the record what cannot be, and says so in its findings. */
void
ted_judge_link(struct ted_link_rec *rec)
{
    struct ted_link_record *r = &rec->r;
    rec->findings = 0;
    const uint32_t bandwidths = TED_BIT(TED_CAPACITY) | TED_BIT(TED_RESERVABLE) |
                                TED_BIT(TED_UNRESERVED);
    if (r->bad & bandwidths)
        rec->findings |= TED_BIT(TED_BANDWIDTH_BAD);
    r->told &= ~r->bad;
    if (r->told & TED_BIT(TED_CAPACITY) && r->told & TED_BIT(TED_RESERVABLE) && r->reservable_bps &&
        r->reservable_bps != r->capacity_bps && is_truncated(r->capacity_bps)) {
        rec->findings |= TED_BIT(TED_BANDWIDTH_TRUNCATED);
        r->capacity_bps = r->reservable_bps;
    }
    if (r->told & TED_BIT(TED_RESERVABLE) && r->told & TED_BIT(TED_UNRESERVED))
        for (unsigned p = 0; p < TE_PRIORITIES; p++)
            if (r->unreserved_bps[p] > r->reservable_bps) {
                rec->findings |= TED_BIT(TED_UNRESERVED_ABOVE);
                r->unreserved_bps[p] = r->reservable_bps;
            }
    if (r->told & TED_BIT(TED_DELAY) &&
        (r->delay_us > 1000000 || (r->delay_max_us && r->delay_min_us > r->delay_max_us))) {
        rec->findings |= TED_BIT(TED_DELAY_ABSURD);
        r->told &= ~TED_BIT(TED_DELAY);
    }
    if (r->bad & TED_BIT(TED_DELAY))
        rec->findings |= TED_BIT(TED_DELAY_ABSURD);
    if (r->told & TED_BIT(TED_IGP_METRIC) && (!r->igp_metric || r->igp_metric >= 0xffffff))
        rec->findings |= TED_BIT(TED_METRIC_BAD);
}

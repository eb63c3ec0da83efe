#include "edge/meter.h"

#include "base/alloc.h"
#include "edge/meter_band.h"
#include "packet/edit.h"

#include <stdlib.h>

#define SLACK 1024 /* 32 ns: what rounding can add up to in a burst of 1,024 packets */

/* As meter_band_cost(), of any amount. */
static uint64_t
cost_of(const struct meter_band *band, uint64_t amount)
{
    const unsigned shift = METER_COST_FRACTION - METER_FRACTION;
    unsigned __int128 cost = (unsigned __int128)amount * band->cost;
    return (uint64_t)((cost + (1u << shift) - 1) >> shift);
}

static void
band_init(struct meter_band *band, const struct band *from, uint16_t flags)
{
    band->type = from->type;
    band->prec_level = from->prec_level;
    band->rate = from->rate;
    band->burst = from->burst;
    /* kbit/s: an octet takes 8e6 / rate ns; packets/s: a packet takes 1e9 / rate ns. */
    uint64_t unit = flags & METER_PKTPS ? UINT64_C(1000000000) : UINT64_C(8000000);
    band->cost = (uint64_t)(((unsigned __int128)unit << METER_COST_FRACTION) / from->rate);
    uint64_t burst = flags & METER_BURST ? from->burst : from->rate;
    if (!(flags & METER_PKTPS))
        burst = burst * 1000 / 8; /* kbit to octets */
    band->tolerance = cost_of(band, burst) + SLACK;
}

struct meter_entry *
meter_entry_new(const struct meter *meter, struct slots *home, nsec_t now)
{
    struct meter_entry *entry = slots_take(home);
    if (entry)
        entry->home = home;
    else
        entry = xcalloc(1, sizeof *entry);
    entry->meter_id = meter->meter_id;
    entry->flags = meter->flags;
    entry->n_bands = meter->n_bands;
    entry->created = now;
    for (uint32_t i = 0; i < meter->n_bands; i++)
        band_init(&entry->bands[i], &meter->bands[i], meter->flags);
    return entry;
}

void
meter_entry_free(void *object)
{
    struct meter_entry *entry = object;
    if (entry->home)
        slots_give(entry->home, entry);
    else
        free(entry);
}

void
meter_entry_describe(const struct meter_entry *entry, struct meter *meter)
{
    *meter = (struct meter){
        .meter_id = entry->meter_id, .flags = entry->flags, .n_bands = entry->n_bands};
    meter->bands = xcalloc(entry->n_bands, sizeof *meter->bands);
    for (uint32_t i = 0; i < entry->n_bands; i++) {
        const struct meter_band *b = &entry->bands[i];
        meter->bands[i] = (struct band){b->type, b->prec_level, b->rate, b->burst};
    }
}

/* True: the packet conforms, and its cost is taken. */
static bool
band_take(struct meter_band *band, uint64_t amount, uint64_t now)
{
    uint64_t cost = meter_band_cost(band, amount);
    uint64_t due = atomic_load_explicit(&band->due, memory_order_relaxed), next;
    do {
        if (!(next = meter_band_next(band, due, cost, now)))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&band->due, &due, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

enum meter_verdict
meter_pass(struct meter_entry *meter, uint32_t octets, nsec_t now, uint8_t *prec_level)
{
    uint64_t amount = meter->flags & METER_PKTPS ? 1 : octets;
    struct meter_band *exceeded = NULL;
    atomic_fetch_add_explicit(&meter->packets, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&meter->octets, octets, memory_order_relaxed);
    /* Section 5.7.1: of the bands exceeded, the one with the highest rate acts. */
    for (uint32_t i = 0; i < meter->n_bands; i++) {
        struct meter_band *band = &meter->bands[i];
        if (!band_take(band, amount, (uint64_t)now << METER_FRACTION) &&
            (!exceeded || band->rate > exceeded->rate))
            exceeded = band;
    }
    if (!exceeded)
        return METER_PASS;
    atomic_fetch_add_explicit(&exceeded->packets, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&exceeded->octets, octets, memory_order_relaxed);
    *prec_level = exceeded->prec_level;
    return exceeded->type == BAND_DSCP_REMARK ? METER_REMARK : METER_DROP;
}

void
meter_remark(struct packet *packet, struct flow_key *key, uint8_t prec_level)
{
    uint8_t dscp = key->ip_dscp, class = dscp >> 3, precedence = dscp >> 1 & 3;
    /* RFC 2597 section 6: AFxy is x << 3 | y << 1, x 1 to 4, y 1 to 3. */
    if (!flow_key_has_field(key, FIELD_IP_DSCP) || dscp & 1 || class < 1 || class > 4 ||
        precedence < 1)
        return;
    precedence = (uint8_t)MIN(3, precedence + prec_level);
    struct action set = {.type = ACTION_SET_FIELD, .field = FIELD_IP_DSCP};
    set.value[0] = (uint8_t)(class << 3 | precedence << 1);
    (void)packet_edit(packet, key, &set);
}

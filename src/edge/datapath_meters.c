#include "edge/datapath_internal.h"

#include "base/alloc.h"

#include <stdlib.h>

static bool
uses_meter(const struct instructions *in, uint32_t meter_id)
{
    return in->meter_id == meter_id;
}

static bool
uses_any_meter(const struct instructions *in, uint32_t meter_id UNUSED)
{
    return in->meter_id != 0;
}

static struct dp_error
check_meter(const struct meter *meter)
{
    uint16_t unit = meter->flags & (METER_KBPS | METER_PKTPS);
    bool special = meter->meter_id == METER_CONTROLLER || meter->meter_id == METER_SLOWPATH;
    if (!meter->meter_id || (meter->meter_id > METER_MAX && !special))
        return failed(METER_MOD_FAILED, MMFC_INVALID_METER);
    if (unit == (METER_KBPS | METER_PKTPS) || meter->flags & ~15)
        return failed(METER_MOD_FAILED, MMFC_BAD_FLAGS);
    if (meter->n_bands > METER_BANDS)
        return failed(METER_MOD_FAILED, MMFC_OUT_OF_BANDS);
    for (uint32_t i = 0; i < meter->n_bands; i++) {
        const struct band *b = &meter->bands[i];
        if (b->type != BAND_DROP && b->type != BAND_DSCP_REMARK)
            return failed(METER_MOD_FAILED, MMFC_BAD_BAND);
        if (!b->rate)
            return failed(METER_MOD_FAILED, MMFC_BAD_RATE);
        if (b->type == BAND_DSCP_REMARK && b->prec_level > 2)
            return failed(METER_MOD_FAILED, MMFC_BAD_BAND_VALUE);
    }
    return DP_OK;
}

static struct dp_error
put_meter(struct datapath *dp, const struct meter *meter, struct meter_entry *old, nsec_t now)
{
    struct dp_error e = check_meter(meter);
    if (dp_failed(e))
        return e;
    if (!old && dp->meters.n >= dp->limits.meters)
        return failed(METER_MOD_FAILED, MMFC_OUT_OF_METERS);
    struct meter_entry *entry = meter_entry_new(meter, dp->shared.meters, now);
    if (!(entry->flags & METER_PKTPS))
        entry->flags |= METER_KBPS;
    if (old) {
        entry->n_flows = old->n_flows;
        entry->created = old->created;
        idmap_replace(&dp->meters, entry);
        datapath_note(dp, CHANGE_REPLACE_METER, entry, old);
    } else {
        idmap_put(&dp->meters, entry);
        datapath_note(dp, CHANGE_ADD_METER, entry, NULL);
    }
    return DP_OK;
}

static void
remove_meter(void *arg, void *object)
{
    struct datapath *dp = arg;
    struct meter_entry *meter = object;
    idmap_remove(&dp->meters, meter->meter_id);
    datapath_note(dp, CHANGE_REMOVE_METER, meter, NULL);
}

static struct dp_error
delete_meter(struct datapath *dp, uint32_t meter_id)
{
    struct meter_entry *meter = idmap_get(&dp->meters, meter_id);
    if (meter_id == METER_ALL) {
        datapath_remove_users(dp, uses_any_meter, 0, REMOVED_METER);
        idmap_each(&dp->meters, remove_meter, dp);
    } else if (meter) {
        if (meter->n_flows)
            datapath_remove_users(dp, uses_meter, meter_id, REMOVED_METER);
        remove_meter(dp, meter);
    }
    return DP_OK;
}

static struct dp_error
change_meter(struct datapath *dp, enum meter_command command, const struct meter *meter, nsec_t now)
{
    struct meter_entry *old = idmap_get(&dp->meters, meter->meter_id);
    switch (command) {
    case METER_ADD:
        return old ? failed(METER_MOD_FAILED, MMFC_EXISTS) : put_meter(dp, meter, NULL, now);
    case METER_MODIFY:
        return old ? put_meter(dp, meter, old, now) : failed(METER_MOD_FAILED, MMFC_UNKNOWN_METER);
    case METER_DELETE:
        return delete_meter(dp, meter->meter_id);
    }
    return failed(METER_MOD_FAILED, MMFC_BAD_COMMAND);
}

struct dp_error
datapath_meter_mod(struct datapath *dp, enum meter_command command, const struct meter *meter,
                   nsec_t now)
{
    bool opened = transaction_start(dp);
    return transaction_end(dp, opened, change_meter(dp, command, meter, now), now);
}

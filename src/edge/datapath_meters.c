#include "edge/datapath_internal.h"

#include "base/alloc.h"

#include <stdlib.h>

static bool
uses_meter(const struct instructions *in, uint32_t meter_id)
{
    return in->meter_id == meter_id;
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
    struct meter_entry *entry = meter_entry_new(meter, now);
    if (!(entry->flags & METER_PKTPS))
        entry->flags |= METER_KBPS;
    if (old) {
        entry->n_flows = old->n_flows;
        entry->created = old->created;
        idmap_replace(&dp->meters, entry);
        qsbr_defer(&dp->qsbr, free, old);
    } else {
        idmap_put(&dp->meters, entry);
    }
    datapath_changed(dp);
    return DP_OK;
}

struct meter_visit {
    struct datapath *dp;
    nsec_t now;
};

static void
delete_meter(void *arg, void *object)
{
    struct meter_visit *v = arg;
    struct meter_entry *meter = object;
    if (meter->n_flows)
        datapath_remove_users(v->dp, uses_meter, meter->meter_id, REMOVED_METER, v->now);
    idmap_remove(&v->dp->meters, meter->meter_id);
    qsbr_defer(&v->dp->qsbr, free, meter);
    datapath_changed(v->dp);
}

struct dp_error
datapath_meter_mod(struct datapath *dp, enum meter_command command, const struct meter *meter,
                   nsec_t now)
{
    struct meter_entry *old = idmap_get(&dp->meters, meter->meter_id);
    struct meter_visit v = {dp, now};
    switch (command) {
    case METER_ADD:
        return old ? failed(METER_MOD_FAILED, MMFC_EXISTS) : put_meter(dp, meter, NULL, now);
    case METER_MODIFY:
        return old ? put_meter(dp, meter, old, now) : failed(METER_MOD_FAILED, MMFC_UNKNOWN_METER);
    case METER_DELETE:
        if (meter->meter_id == METER_ALL)
            idmap_each(&dp->meters, delete_meter, &v);
        else if (old)
            delete_meter(&v, old);
        return DP_OK;
    }
    return failed(METER_MOD_FAILED, 4); /* OFPMMFC_BAD_COMMAND */
}

/* datapath_internal.h - what the files of the datapath share: flows in datapath.c, actions in
 * datapath_actions.c, groups in datapath_groups.c, meters in datapath_meters.c. */
#ifndef EDGE_DATAPATH_INTERNAL_H
#define EDGE_DATAPATH_INTERNAL_H

#include "edge/datapath.h"

/* OpenFlow 1.3 section 7.4.4: error types, and the codes used here. */
enum { BAD_REQUEST = 1, BAD_ACTION = 2, BAD_INSTRUCTION = 3, FLOW_MOD_FAILED = 5 };
enum { GROUP_MOD_FAILED = 6, METER_MOD_FAILED = 12 };
enum { BAC_BAD_OUT_PORT = 4, BAC_BAD_ARGUMENT = 5, BAC_BAD_QUEUE = 8, BAC_BAD_OUT_GROUP = 9 };
enum { BAC_MATCH_INCONSISTENT = 10, BAC_BAD_TAG = 12, BAC_BAD_SET_TYPE = 13 };
enum { BIC_BAD_TABLE_ID = 2 };
enum { FMFC_TABLE_FULL = 1, FMFC_BAD_TABLE_ID = 2, FMFC_OVERLAP = 3 };
enum { GMFC_EXISTS = 0, GMFC_INVALID_GROUP = 1, GMFC_OUT_OF_GROUPS = 3, GMFC_OUT_OF_BUCKETS = 4 };
enum { GMFC_LOOP = 7, GMFC_UNKNOWN_GROUP = 8, GMFC_CHAINED_GROUP = 9, GMFC_BAD_TYPE = 10 };
enum { GMFC_BAD_BUCKET = 12, GMFC_BAD_WATCH = 13 };
enum { MMFC_EXISTS = 1, MMFC_INVALID_METER = 2, MMFC_UNKNOWN_METER = 3, MMFC_BAD_FLAGS = 5 };
enum { MMFC_BAD_RATE = 6, MMFC_BAD_BAND = 8, MMFC_BAD_BAND_VALUE = 9, MMFC_OUT_OF_METERS = 10 };
enum { MMFC_OUT_OF_BANDS = 11 };

static inline struct dp_error
failed(uint16_t type, uint16_t code)
{
    return (struct dp_error){type, code};
}

/* Makes every cached program stale. After the change is published, never before. */
static inline void
datapath_changed(struct datapath *dp)
{
    atomic_fetch_add_explicit(&dp->generation, 1, memory_order_release);
}

/* Removes every flow entry whose instructions satisfy `uses(in, id)`. */
void datapath_remove_users(struct datapath *, bool (*uses)(const struct instructions *, uint32_t),
                           uint32_t id, enum flow_removed_reason, nsec_t now);

bool instructions_use_group(const struct instructions *, uint32_t group_id);

/* Frees a group and what it consists of. */
void group_entry_free(void *object);

#endif

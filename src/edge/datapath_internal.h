/* datapath_internal.h - what the files of the datapath share: flows in datapath.c, actions in
 * datapath_actions.c, groups in datapath_groups.c, meters in datapath_meters.c, transactions in
 * datapath_log.c. */
#ifndef EDGE_DATAPATH_INTERNAL_H
#define EDGE_DATAPATH_INTERNAL_H

#include "edge/datapath.h"

/* OpenFlow 1.3 section 7.4.4: error types, and the codes used here. */
enum { BAD_REQUEST = 1, BAD_ACTION = 2, BAD_INSTRUCTION = 3, FLOW_MOD_FAILED = 5 };
enum { GROUP_MOD_FAILED = 6, METER_MOD_FAILED = 12 };
enum { BAC_BAD_OUT_PORT = 4, BAC_BAD_ARGUMENT = 5, BAC_BAD_QUEUE = 8, BAC_BAD_OUT_GROUP = 9 };
enum {
    BAC_BAD_TYPE = 0,
    BAC_TOO_MANY = 7,
    BAC_MATCH_INCONSISTENT = 10,
    BAC_BAD_TAG = 12,
    BAC_BAD_SET_TYPE = 13
};
enum { BIC_BAD_TABLE_ID = 2 };
enum { FMFC_TABLE_FULL = 1, FMFC_BAD_TABLE_ID = 2, FMFC_OVERLAP = 3 };
enum { GMFC_EXISTS = 0, GMFC_INVALID_GROUP = 1, GMFC_OUT_OF_GROUPS = 3, GMFC_OUT_OF_BUCKETS = 4 };
enum { GMFC_LOOP = 7, GMFC_UNKNOWN_GROUP = 8, GMFC_CHAINED_GROUP = 9, GMFC_BAD_TYPE = 10 };
enum { GMFC_BAD_BUCKET = 12, GMFC_BAD_WATCH = 13 };
enum { MMFC_EXISTS = 1, MMFC_INVALID_METER = 2, MMFC_UNKNOWN_METER = 3 };
enum { MMFC_BAD_COMMAND = 4, MMFC_BAD_FLAGS = 5 };
enum { MMFC_BAD_RATE = 6, MMFC_BAD_BAND = 8, MMFC_BAD_BAND_VALUE = 9, MMFC_OUT_OF_METERS = 10 };
enum { MMFC_OUT_OF_BANDS = 11 };

static inline struct dp_error
failed(uint16_t type, uint16_t code)
{
    return (struct dp_error){type, code};
}

/* ---- The log of a transaction ---- */

enum change_type {
    CHANGE_ADD_FLOW,
    CHANGE_REPLACE_FLOW,
    CHANGE_REMOVE_FLOW,
    CHANGE_ADD_GROUP,
    CHANGE_MODIFY_GROUP,
    CHANGE_REMOVE_GROUP,
    CHANGE_ADD_METER,
    CHANGE_REPLACE_METER,
    CHANGE_REMOVE_METER,
    CHANGE_CONFIGURE_PORT,
    CHANGE_MAX
};

/* What an entry was before it was replaced. */
struct flow_before {
    struct instructions *instructions;
    struct traffic zero; /* of its counters, if they were reset */
    bool was_reset;
    uint64_t cookie;
    nsec_t created;
    uint16_t flags, idle_timeout, hard_timeout;
};

struct change {
    uint8_t type;
    uint8_t event;  /* flows: enum flow_event, to be told */
    uint8_t reason; /* removed flows: enum flow_removed_reason */
    uint32_t tag;
    uint32_t config; /* ports: before */
    bool live;       /* likewise */
    void *object;    /* entry, group, port; the new meter, or the one removed */
    void *before;    /* flow_before, group_body, meter_entry: what it replaced; after an undo, what
                      * was undone */
};

/* Makes every cached program stale. After changes are published, never before. */
void datapath_raise_generation(struct datapath *);

/* Notes a change that has been made. The result is valid until the next one. */
struct change *datapath_note(struct datapath *, enum change_type, void *object, void *before);

/* Opens a transaction unless one is open; the result goes to transaction_end(). */
bool transaction_start(struct datapath *);
/* Ends what this opened: commits, or rolls back if `e` is an error. Returns `e`. */
struct dp_error transaction_end(struct datapath *, bool opened, struct dp_error e, nsec_t now);

/* Counts what an entry's instructions refer to in or out. */
void count_references(struct datapath *, const struct entry *, int by);
/* Counts a body's references to other groups in or out. */
void count_chained(struct datapath *, const struct group_body *, int by);
/* Puts the entry into the list of those with timeouts if it has one, or takes it out. */
void track_expiry(struct datapath *, struct entry *, bool wanted);
void group_body_free(void *object);
/* `live`: what the port becomes if this ends its being configured down, and it is up. */
void port_set_config(struct edge_port *, uint32_t config, bool live);

/* Removes every flow entry whose instructions satisfy `uses(in, id)`. */
void datapath_remove_users(struct datapath *, bool (*uses)(const struct instructions *, uint32_t),
                           uint32_t id, enum flow_removed_reason);

bool instructions_use_group(const struct instructions *, uint32_t group_id);

/* Frees a group and what it consists of. */
void group_entry_free(void *object);

#endif

/* openflow_error.h - OpenFlow's own error codes: what a switch answers when it refuses a request.
 *
 * OpenFlow 1.3.5 (ONF TS-023) section 7.4.4; the ONF extensions for 1.3 that use error type
 * OFPET_EXPERIMENTER: bundles (EXT-230), duplicate instructions (EXT-260), and the few codes of
 * Open vSwitch's experimenter id that it answers flow monitors with. */
#ifndef PROTO_OPENFLOW_ERROR_H
#define PROTO_OPENFLOW_ERROR_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define ONF_EXPERIMENTER_ID UINT32_C(0x4f4e4600)
/* Ours: an OUI with the bit of local administration, 02-54-4C (section 7.2.8: a first octet of 0 is
 * followed by an OUI). doc/edge.md has its actions. */
#define TIELINE_EXPERIMENTER_ID UINT32_C(0x0002544c)
#define NX_EXPERIMENTER_ID UINT32_C(0x00002320)

/* `code` is the exp_type and `experimenter` its owner where `type` is OFPET_EXPERIMENTER;
 * everywhere else `experimenter` is 0. */
struct openflow_error {
    uint16_t type, code;
    uint32_t experimenter;
};

enum openflow_error_type {
    OFPET_HELLO_FAILED = 0,
    OFPET_BAD_REQUEST = 1,
    OFPET_BAD_ACTION = 2,
    OFPET_BAD_INSTRUCTION = 3,
    OFPET_BAD_MATCH = 4,
    OFPET_FLOW_MOD_FAILED = 5,
    OFPET_GROUP_MOD_FAILED = 6,
    OFPET_PORT_MOD_FAILED = 7,
    OFPET_TABLE_MOD_FAILED = 8,
    OFPET_QUEUE_OP_FAILED = 9,
    OFPET_SWITCH_CONFIG_FAILED = 10,
    OFPET_ROLE_REQUEST_FAILED = 11,
    OFPET_METER_MOD_FAILED = 12,
    OFPET_TABLE_FEATURES_FAILED = 13,
    OFPET_EXPERIMENTER = 0xffff,
};

enum openflow_hello_failed { OFPHFC_INCOMPATIBLE, OFPHFC_EPERM };

enum openflow_bad_request {
    OFPBRC_BAD_VERSION,
    OFPBRC_BAD_TYPE,
    OFPBRC_BAD_MULTIPART,
    OFPBRC_BAD_EXPERIMENTER,
    OFPBRC_BAD_EXP_TYPE,
    OFPBRC_EPERM,
    OFPBRC_BAD_LEN,
    OFPBRC_BUFFER_EMPTY,
    OFPBRC_BUFFER_UNKNOWN,
    OFPBRC_BAD_TABLE_ID,
    OFPBRC_IS_SLAVE,
    OFPBRC_BAD_PORT,
    OFPBRC_BAD_PACKET,
    OFPBRC_MULTIPART_BUFFER_OVERFLOW,
};

enum openflow_bad_action {
    OFPBAC_BAD_TYPE,
    OFPBAC_BAD_LEN,
    OFPBAC_BAD_EXPERIMENTER,
    OFPBAC_BAD_EXP_TYPE,
    OFPBAC_BAD_OUT_PORT,
    OFPBAC_BAD_ARGUMENT,
    OFPBAC_EPERM,
    OFPBAC_TOO_MANY,
    OFPBAC_BAD_QUEUE,
    OFPBAC_BAD_OUT_GROUP,
    OFPBAC_MATCH_INCONSISTENT,
    OFPBAC_UNSUPPORTED_ORDER,
    OFPBAC_BAD_TAG,
    OFPBAC_BAD_SET_TYPE,
    OFPBAC_BAD_SET_LEN,
    OFPBAC_BAD_SET_ARGUMENT,
};

enum openflow_bad_instruction {
    OFPBIC_UNKNOWN_INST,
    OFPBIC_UNSUP_INST,
    OFPBIC_BAD_TABLE_ID,
    OFPBIC_UNSUP_METADATA,
    OFPBIC_UNSUP_METADATA_MASK,
    OFPBIC_BAD_EXPERIMENTER,
    OFPBIC_BAD_EXP_TYPE,
    OFPBIC_BAD_LEN,
    OFPBIC_EPERM,
};

enum openflow_bad_match {
    OFPBMC_BAD_TYPE,
    OFPBMC_BAD_LEN,
    OFPBMC_BAD_TAG,
    OFPBMC_BAD_DL_ADDR_MASK,
    OFPBMC_BAD_NW_ADDR_MASK,
    OFPBMC_BAD_WILDCARDS,
    OFPBMC_BAD_FIELD,
    OFPBMC_BAD_VALUE,
    OFPBMC_BAD_MASK,
    OFPBMC_BAD_PREREQ,
    OFPBMC_DUP_FIELD,
    OFPBMC_EPERM,
};

enum openflow_flow_mod_failed {
    OFPFMFC_UNKNOWN,
    OFPFMFC_TABLE_FULL,
    OFPFMFC_BAD_TABLE_ID,
    OFPFMFC_OVERLAP,
    OFPFMFC_EPERM,
    OFPFMFC_BAD_TIMEOUT,
    OFPFMFC_BAD_COMMAND,
    OFPFMFC_BAD_FLAGS,
};

enum openflow_group_mod_failed {
    OFPGMFC_GROUP_EXISTS,
    OFPGMFC_INVALID_GROUP,
    OFPGMFC_WEIGHT_UNSUPPORTED,
    OFPGMFC_OUT_OF_GROUPS,
    OFPGMFC_OUT_OF_BUCKETS,
    OFPGMFC_CHAINING_UNSUPPORTED,
    OFPGMFC_WATCH_UNSUPPORTED,
    OFPGMFC_LOOP,
    OFPGMFC_UNKNOWN_GROUP,
    OFPGMFC_CHAINED_GROUP,
    OFPGMFC_BAD_TYPE,
    OFPGMFC_BAD_COMMAND,
    OFPGMFC_BAD_BUCKET,
    OFPGMFC_BAD_WATCH,
    OFPGMFC_EPERM,
};

enum openflow_port_mod_failed {
    OFPPMFC_BAD_PORT,
    OFPPMFC_BAD_HW_ADDR,
    OFPPMFC_BAD_CONFIG,
    OFPPMFC_BAD_ADVERTISE,
    OFPPMFC_EPERM,
};

enum openflow_table_mod_failed { OFPTMFC_BAD_TABLE, OFPTMFC_BAD_CONFIG, OFPTMFC_EPERM };
enum openflow_queue_op_failed { OFPQOFC_BAD_PORT, OFPQOFC_BAD_QUEUE, OFPQOFC_EPERM };
enum openflow_switch_config_failed { OFPSCFC_BAD_FLAGS, OFPSCFC_BAD_LEN, OFPSCFC_EPERM };
enum openflow_role_request_failed { OFPRRFC_STALE, OFPRRFC_UNSUP, OFPRRFC_BAD_ROLE };

enum openflow_meter_mod_failed {
    OFPMMFC_UNKNOWN,
    OFPMMFC_METER_EXISTS,
    OFPMMFC_INVALID_METER,
    OFPMMFC_UNKNOWN_METER,
    OFPMMFC_BAD_COMMAND,
    OFPMMFC_BAD_FLAGS,
    OFPMMFC_BAD_RATE,
    OFPMMFC_BAD_BURST,
    OFPMMFC_BAD_BAND,
    OFPMMFC_BAD_BAND_VALUE,
    OFPMMFC_OUT_OF_METERS,
    OFPMMFC_OUT_OF_BANDS,
};

enum openflow_table_features_failed {
    OFPTFFC_BAD_TABLE,
    OFPTFFC_BAD_METADATA,
    OFPTFFC_BAD_TYPE,
    OFPTFFC_BAD_LEN,
    OFPTFFC_BAD_ARGUMENT,
    OFPTFFC_EPERM,
};

/* exp_type of OFPET_EXPERIMENTER errors of ONF_EXPERIMENTER_ID. */
enum openflow_onf_error {
    ONFERR_ET_UNKNOWN = 2300, /* bundles, EXT-230 */
    ONFERR_ET_EPERM,
    ONFERR_ET_BAD_ID,
    ONFERR_ET_BUNDLE_EXIST,
    ONFERR_ET_BUNDLE_CLOSED,
    ONFERR_ET_OUT_OF_BUNDLES,
    ONFERR_ET_BAD_TYPE,
    ONFERR_ET_BAD_FLAGS,
    ONFERR_ET_MSG_BAD_LEN,
    ONFERR_ET_MSG_BAD_XID,
    ONFERR_ET_MSG_UNSUP,
    ONFERR_ET_MSG_CONFLICT,
    ONFERR_ET_MSG_TOO_MANY,
    ONFERR_ET_MSG_FAILED,
    ONFERR_ET_TIMEOUT,
    ONFERR_ET_BUNDLE_IN_PROGRESS,
    ONFERR_DUP_INSTRUCTION = 2600, /* EXT-260 */
};

/* The same of NX_EXPERIMENTER_ID: flow monitors have no codes in OpenFlow 1.3, and these are what
 * Open vSwitch answers. */
enum openflow_nx_error {
    NXBRC_MUST_BE_ZERO = 4,
    NXBRC_FM_DUPLICATE_ID = 6,
    NXBRC_FM_BAD_FLAGS = 7,
    NXBRC_FM_BAD_ID = 8,
};

static inline bool
openflow_error_is(const struct openflow_error *e, uint16_t type, uint16_t code)
{
    return e->type == type && e->code == code && e->experimenter == 0;
}

/* "OFPBMC_BAD_PREREQ", as in the specification; NULL if there is no such code. Static. */
const char *openflow_error_name(const struct openflow_error *);
/* A few words for people, "prerequisite not met"; never NULL; static. */
const char *openflow_error_text(const struct openflow_error *);
/* "OFPET_BAD_MATCH"; NULL if there is no such type. Static. */
const char *openflow_error_type_name(uint16_t type);
/* The name, or the numbers where there is none: "error 5/99", "error of experimenter 0x2320/9". */
void openflow_error_format(const struct openflow_error *, struct buf *out);

#endif

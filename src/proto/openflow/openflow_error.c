#include "proto/openflow/openflow_error.h"

/* Every type has its codes in one run of rows, so a code is found by its place behind `first`. */
struct code {
    const char *name, *text;
};

#define CODE(code, first, text) [(code) - (first)] = {#code, (text)}

static const struct code hello_failed[] = {
    CODE(OFPHFC_INCOMPATIBLE, 0, "no version in common"),
    CODE(OFPHFC_EPERM, 0, "permission denied"),
};

static const struct code bad_request[] = {
    CODE(OFPBRC_BAD_VERSION, 0, "version not supported"),
    CODE(OFPBRC_BAD_TYPE, 0, "message type not supported"),
    CODE(OFPBRC_BAD_MULTIPART, 0, "multipart type not supported"),
    CODE(OFPBRC_BAD_EXPERIMENTER, 0, "unknown experimenter"),
    CODE(OFPBRC_BAD_EXP_TYPE, 0, "unknown experimenter type"),
    CODE(OFPBRC_EPERM, 0, "permission denied"),
    CODE(OFPBRC_BAD_LEN, 0, "wrong length for this message"),
    CODE(OFPBRC_BUFFER_EMPTY, 0, "the buffer has been used already"),
    CODE(OFPBRC_BUFFER_UNKNOWN, 0, "there is no such buffer"),
    CODE(OFPBRC_BAD_TABLE_ID, 0, "there is no such table"),
    CODE(OFPBRC_IS_SLAVE, 0, "a slave controller may not do this"),
    CODE(OFPBRC_BAD_PORT, 0, "invalid port"),
    CODE(OFPBRC_BAD_PACKET, 0, "invalid packet in packet-out"),
    CODE(OFPBRC_MULTIPART_BUFFER_OVERFLOW, 0, "multipart request too long"),
};

static const struct code bad_action[] = {
    CODE(OFPBAC_BAD_TYPE, 0, "unknown action type"),
    CODE(OFPBAC_BAD_LEN, 0, "wrong action length"),
    CODE(OFPBAC_BAD_EXPERIMENTER, 0, "unknown experimenter"),
    CODE(OFPBAC_BAD_EXP_TYPE, 0, "unknown action of this experimenter"),
    CODE(OFPBAC_BAD_OUT_PORT, 0, "invalid output port"),
    CODE(OFPBAC_BAD_ARGUMENT, 0, "bad argument"),
    CODE(OFPBAC_EPERM, 0, "permission denied"),
    CODE(OFPBAC_TOO_MANY, 0, "too many actions"),
    CODE(OFPBAC_BAD_QUEUE, 0, "invalid queue"),
    CODE(OFPBAC_BAD_OUT_GROUP, 0, "invalid group"),
    CODE(OFPBAC_MATCH_INCONSISTENT, 0, "the action cannot apply to what is matched"),
    CODE(OFPBAC_UNSUPPORTED_ORDER, 0, "this order of actions is not supported"),
    CODE(OFPBAC_BAD_TAG, 0, "unsupported tag"),
    CODE(OFPBAC_BAD_SET_TYPE, 0, "this field cannot be set"),
    CODE(OFPBAC_BAD_SET_LEN, 0, "wrong field length"),
    CODE(OFPBAC_BAD_SET_ARGUMENT, 0, "bad field value"),
};

static const struct code bad_instruction[] = {
    CODE(OFPBIC_UNKNOWN_INST, 0, "unknown instruction"),
    CODE(OFPBIC_UNSUP_INST, 0, "instruction not supported"),
    CODE(OFPBIC_BAD_TABLE_ID, 0, "invalid table"),
    CODE(OFPBIC_UNSUP_METADATA, 0, "metadata value not supported"),
    CODE(OFPBIC_UNSUP_METADATA_MASK, 0, "metadata mask not supported"),
    CODE(OFPBIC_BAD_EXPERIMENTER, 0, "unknown experimenter"),
    CODE(OFPBIC_BAD_EXP_TYPE, 0, "unknown instruction of this experimenter"),
    CODE(OFPBIC_BAD_LEN, 0, "wrong instruction length"),
    CODE(OFPBIC_EPERM, 0, "permission denied"),
};

static const struct code bad_match[] = {
    CODE(OFPBMC_BAD_TYPE, 0, "match type not supported"),
    CODE(OFPBMC_BAD_LEN, 0, "wrong match length"),
    CODE(OFPBMC_BAD_TAG, 0, "unsupported tag"),
    CODE(OFPBMC_BAD_DL_ADDR_MASK, 0, "link address mask not supported"),
    CODE(OFPBMC_BAD_NW_ADDR_MASK, 0, "network address mask not supported"),
    CODE(OFPBMC_BAD_WILDCARDS, 0, "value bits outside the mask"),
    CODE(OFPBMC_BAD_FIELD, 0, "field not supported"),
    CODE(OFPBMC_BAD_VALUE, 0, "bad field value"),
    CODE(OFPBMC_BAD_MASK, 0, "mask not supported"),
    CODE(OFPBMC_BAD_PREREQ, 0, "prerequisite not met"),
    CODE(OFPBMC_DUP_FIELD, 0, "field given twice"),
    CODE(OFPBMC_EPERM, 0, "permission denied"),
};

static const struct code flow_mod_failed[] = {
    CODE(OFPFMFC_UNKNOWN, 0, "unspecified error"),
    CODE(OFPFMFC_TABLE_FULL, 0, "the table is full"),
    CODE(OFPFMFC_BAD_TABLE_ID, 0, "there is no such table"),
    CODE(OFPFMFC_OVERLAP, 0, "overlaps an existing flow"),
    CODE(OFPFMFC_EPERM, 0, "permission denied"),
    CODE(OFPFMFC_BAD_TIMEOUT, 0, "timeout not supported"),
    CODE(OFPFMFC_BAD_COMMAND, 0, "unknown command"),
    CODE(OFPFMFC_BAD_FLAGS, 0, "unknown flags"),
};

static const struct code group_mod_failed[] = {
    CODE(OFPGMFC_GROUP_EXISTS, 0, "the group exists already"),
    CODE(OFPGMFC_INVALID_GROUP, 0, "invalid group"),
    CODE(OFPGMFC_WEIGHT_UNSUPPORTED, 0, "weights are not supported"),
    CODE(OFPGMFC_OUT_OF_GROUPS, 0, "the group table is full"),
    CODE(OFPGMFC_OUT_OF_BUCKETS, 0, "too many buckets"),
    CODE(OFPGMFC_CHAINING_UNSUPPORTED, 0, "groups of groups are not supported"),
    CODE(OFPGMFC_WATCH_UNSUPPORTED, 0, "what it watches cannot be watched"),
    CODE(OFPGMFC_LOOP, 0, "groups would form a loop"),
    CODE(OFPGMFC_UNKNOWN_GROUP, 0, "there is no such group"),
    CODE(OFPGMFC_CHAINED_GROUP, 0, "another group forwards to it"),
    CODE(OFPGMFC_BAD_TYPE, 0, "unknown group type"),
    CODE(OFPGMFC_BAD_COMMAND, 0, "unknown command"),
    CODE(OFPGMFC_BAD_BUCKET, 0, "error in a bucket"),
    CODE(OFPGMFC_BAD_WATCH, 0, "error in watched port or group"),
    CODE(OFPGMFC_EPERM, 0, "permission denied"),
};

static const struct code port_mod_failed[] = {
    CODE(OFPPMFC_BAD_PORT, 0, "there is no such port"),
    CODE(OFPPMFC_BAD_HW_ADDR, 0, "the hardware address is not the port's"),
    CODE(OFPPMFC_BAD_CONFIG, 0, "invalid configuration"),
    CODE(OFPPMFC_BAD_ADVERTISE, 0, "invalid advertisement"),
    CODE(OFPPMFC_EPERM, 0, "permission denied"),
};

static const struct code table_mod_failed[] = {
    CODE(OFPTMFC_BAD_TABLE, 0, "there is no such table"),
    CODE(OFPTMFC_BAD_CONFIG, 0, "invalid configuration"),
    CODE(OFPTMFC_EPERM, 0, "permission denied"),
};

static const struct code queue_op_failed[] = {
    CODE(OFPQOFC_BAD_PORT, 0, "there is no such port"),
    CODE(OFPQOFC_BAD_QUEUE, 0, "there is no such queue"),
    CODE(OFPQOFC_EPERM, 0, "permission denied"),
};

static const struct code switch_config_failed[] = {
    CODE(OFPSCFC_BAD_FLAGS, 0, "invalid flags"),
    CODE(OFPSCFC_BAD_LEN, 0, "invalid length"),
    CODE(OFPSCFC_EPERM, 0, "permission denied"),
};

static const struct code role_request_failed[] = {
    CODE(OFPRRFC_STALE, 0, "old generation id"),
    CODE(OFPRRFC_UNSUP, 0, "role change not supported"),
    CODE(OFPRRFC_BAD_ROLE, 0, "invalid role"),
};

static const struct code meter_mod_failed[] = {
    CODE(OFPMMFC_UNKNOWN, 0, "unspecified error"),
    CODE(OFPMMFC_METER_EXISTS, 0, "the meter exists already"),
    CODE(OFPMMFC_INVALID_METER, 0, "invalid meter"),
    CODE(OFPMMFC_UNKNOWN_METER, 0, "there is no such meter"),
    CODE(OFPMMFC_BAD_COMMAND, 0, "unknown command"),
    CODE(OFPMMFC_BAD_FLAGS, 0, "flags not supported"),
    CODE(OFPMMFC_BAD_RATE, 0, "rate not supported"),
    CODE(OFPMMFC_BAD_BURST, 0, "burst size not supported"),
    CODE(OFPMMFC_BAD_BAND, 0, "band not supported"),
    CODE(OFPMMFC_BAD_BAND_VALUE, 0, "band value not supported"),
    CODE(OFPMMFC_OUT_OF_METERS, 0, "no more meters"),
    CODE(OFPMMFC_OUT_OF_BANDS, 0, "too many bands"),
};

static const struct code table_features_failed[] = {
    CODE(OFPTFFC_BAD_TABLE, 0, "there is no such table"),
    CODE(OFPTFFC_BAD_METADATA, 0, "invalid metadata mask"),
    CODE(OFPTFFC_BAD_TYPE, 0, "unknown property type"),
    CODE(OFPTFFC_BAD_LEN, 0, "wrong property length"),
    CODE(OFPTFFC_BAD_ARGUMENT, 0, "property value not supported"),
    CODE(OFPTFFC_EPERM, 0, "permission denied"),
};

static const struct code onf_bundle[] = {
    CODE(ONFERR_ET_UNKNOWN, ONFERR_ET_UNKNOWN, "unspecified bundle error"),
    CODE(ONFERR_ET_EPERM, ONFERR_ET_UNKNOWN, "permission denied"),
    CODE(ONFERR_ET_BAD_ID, ONFERR_ET_UNKNOWN, "there is no such bundle"),
    CODE(ONFERR_ET_BUNDLE_EXIST, ONFERR_ET_UNKNOWN, "the bundle exists already"),
    CODE(ONFERR_ET_BUNDLE_CLOSED, ONFERR_ET_UNKNOWN, "the bundle is closed"),
    CODE(ONFERR_ET_OUT_OF_BUNDLES, ONFERR_ET_UNKNOWN, "too many bundles"),
    CODE(ONFERR_ET_BAD_TYPE, ONFERR_ET_UNKNOWN, "unknown control type"),
    CODE(ONFERR_ET_BAD_FLAGS, ONFERR_ET_UNKNOWN, "unknown or inconsistent flags"),
    CODE(ONFERR_ET_MSG_BAD_LEN, ONFERR_ET_UNKNOWN, "wrong length of the message in the bundle"),
    CODE(ONFERR_ET_MSG_BAD_XID, ONFERR_ET_UNKNOWN, "the message in the bundle has another xid"),
    CODE(ONFERR_ET_MSG_UNSUP, ONFERR_ET_UNKNOWN, "this message cannot be in a bundle"),
    CODE(ONFERR_ET_MSG_CONFLICT, ONFERR_ET_UNKNOWN, "these messages cannot be in one bundle"),
    CODE(ONFERR_ET_MSG_TOO_MANY, ONFERR_ET_UNKNOWN, "too many messages in the bundle"),
    CODE(ONFERR_ET_MSG_FAILED, ONFERR_ET_UNKNOWN, "a message in the bundle failed"),
    CODE(ONFERR_ET_TIMEOUT, ONFERR_ET_UNKNOWN, "the bundle took too long"),
    CODE(ONFERR_ET_BUNDLE_IN_PROGRESS, ONFERR_ET_UNKNOWN, "another bundle holds the resource"),
};

static const struct code onf_instruction[] = {
    CODE(ONFERR_DUP_INSTRUCTION, ONFERR_DUP_INSTRUCTION, "instruction given twice"),
};

static const struct code nx_request[] = {
    CODE(NXBRC_MUST_BE_ZERO, NXBRC_MUST_BE_ZERO, "a reserved field is not zero"),
    CODE(NXBRC_FM_DUPLICATE_ID, NXBRC_MUST_BE_ZERO, "the flow monitor exists already"),
    CODE(NXBRC_FM_BAD_FLAGS, NXBRC_MUST_BE_ZERO, "flow monitor flags not supported"),
    CODE(NXBRC_FM_BAD_ID, NXBRC_MUST_BE_ZERO, "there is no such flow monitor"),
};

static const struct family {
    uint32_t experimenter;
    uint16_t type, first, n; /* codes first .. first + n - 1 */
    const char *name;
    const struct code *codes;
} families[] = {
#define FAMILY(experimenter, type, first, codes)                                                   \
    {                                                                                              \
        (experimenter), (type), (first), ARRAY_SIZE(codes), #type, (codes)                         \
    }
    FAMILY(0, OFPET_HELLO_FAILED, 0, hello_failed),
    FAMILY(0, OFPET_BAD_REQUEST, 0, bad_request),
    FAMILY(0, OFPET_BAD_ACTION, 0, bad_action),
    FAMILY(0, OFPET_BAD_INSTRUCTION, 0, bad_instruction),
    FAMILY(0, OFPET_BAD_MATCH, 0, bad_match),
    FAMILY(0, OFPET_FLOW_MOD_FAILED, 0, flow_mod_failed),
    FAMILY(0, OFPET_GROUP_MOD_FAILED, 0, group_mod_failed),
    FAMILY(0, OFPET_PORT_MOD_FAILED, 0, port_mod_failed),
    FAMILY(0, OFPET_TABLE_MOD_FAILED, 0, table_mod_failed),
    FAMILY(0, OFPET_QUEUE_OP_FAILED, 0, queue_op_failed),
    FAMILY(0, OFPET_SWITCH_CONFIG_FAILED, 0, switch_config_failed),
    FAMILY(0, OFPET_ROLE_REQUEST_FAILED, 0, role_request_failed),
    FAMILY(0, OFPET_METER_MOD_FAILED, 0, meter_mod_failed),
    FAMILY(0, OFPET_TABLE_FEATURES_FAILED, 0, table_features_failed),
    FAMILY(ONF_EXPERIMENTER_ID, OFPET_EXPERIMENTER, ONFERR_ET_UNKNOWN, onf_bundle),
    FAMILY(ONF_EXPERIMENTER_ID, OFPET_EXPERIMENTER, ONFERR_DUP_INSTRUCTION, onf_instruction),
    FAMILY(NX_EXPERIMENTER_ID, OFPET_EXPERIMENTER, NXBRC_MUST_BE_ZERO, nx_request),
};

static const struct code *
find_code(const struct openflow_error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        const struct family *f = &families[i];
        if (f->type == error->type && f->experimenter == error->experimenter &&
            error->code >= f->first && error->code - f->first < f->n) {
            const struct code *code = &f->codes[error->code - f->first];
            return code->name ? code : NULL;
        }
    }
    return NULL;
}

const char *
openflow_error_name(const struct openflow_error *error)
{
    const struct code *code = find_code(error);
    return code ? code->name : NULL;
}

const char *
openflow_error_text(const struct openflow_error *error)
{
    const struct code *code = find_code(error);
    return code ? code->text : "unknown error";
}

const char *
openflow_error_type_name(uint16_t type)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        if (families[i].type == type)
            return families[i].name;
    }
    return NULL;
}

void
openflow_error_format(const struct openflow_error *error, struct buf *out)
{
    const char *name = openflow_error_name(error);
    if (name)
        buf_str(out, name);
    else if (error->type == OFPET_EXPERIMENTER)
        buf_printf(out, "error of experimenter 0x%x/%u", error->experimenter, error->code);
    else
        buf_printf(out, "error %u/%u", error->type, error->code);
}

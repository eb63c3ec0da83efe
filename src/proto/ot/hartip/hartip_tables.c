#include "proto/ot/hartip/hartip_private.h"

/* ---- What stands in a command and in its response (HCF_SPEC-127, -151) ---- */

static const struct layout_part identity[] = {
    {LAYOUT_SKIP, 1, 0, "expansion code"},
    {LAYOUT_BE, 2, HARTIP_EXPANDED_TYPE, "expanded device type"},
    {LAYOUT_SKIP, 1, 0, "request preambles"},
    {LAYOUT_BE, 1, HARTIP_UNIVERSAL_REVISION, "universal revision"},
    {LAYOUT_BE, 1, HARTIP_DEVICE_REVISION, "device revision"},
    {LAYOUT_BE, 1, HARTIP_SOFTWARE_REVISION, "software revision"},
    {LAYOUT_BE, 1, HARTIP_HARDWARE_REVISION, "hardware revision"},
    {LAYOUT_BE, 1, HARTIP_FLAGS, "flags"},
    {LAYOUT_BE, 3, HARTIP_DEVICE_ID, "device id"},
    {LAYOUT_MAYBE, 0, 0, NULL},
    {LAYOUT_SKIP, 1, 0, "response preambles"},
    {LAYOUT_SKIP, 1, 0, "device variables"},
    {LAYOUT_BE, 2, HARTIP_CHANGES, "configuration change counter"},
    {LAYOUT_BE, 1, HARTIP_EXTENDED_STATUS, "extended device status"},
    {LAYOUT_MAYBE, 0, 0, NULL},
    {LAYOUT_BE, 2, HARTIP_MANUFACTURER, "manufacturer"},
    {LAYOUT_BE, 2, HARTIP_PRIVATE_LABEL, "private label"},
    {LAYOUT_BE, 1, HARTIP_PROFILE, "device profile"},
    {LAYOUT_REST, 0, HARTIP_DATA, "data"},
    {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part variable[] = {{LAYOUT_BE, 1, HARTIP_UNITS, "units"},
                                              {LAYOUT_REAL, 4, HARTIP_VALUE, "value"},
                                              {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part currents[] = {{LAYOUT_REAL, 4, HARTIP_CURRENT, "loop current"},
                                              {LAYOUT_REAL, 4, HARTIP_PERCENT, "percent of range"},
                                              {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part current[] = {{LAYOUT_REAL, 4, HARTIP_CURRENT, "loop current"},
                                             {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part poll[] = {{LAYOUT_BE, 1, HARTIP_POLL, "polling address"},
                                          {LAYOUT_MAYBE, 0, 0, NULL},
                                          {LAYOUT_BE, 1, HARTIP_LOOP_MODE, "loop current mode"},
                                          {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part classification[] = {
    {LAYOUT_BE, 1, HARTIP_CLASSIFICATION, "classification"}, {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part transducer[] = {
    {LAYOUT_BE, 3, HARTIP_SERIAL, "serial number"}, {LAYOUT_BE, 1, HARTIP_UNITS, "units"},
    {LAYOUT_REAL, 4, HARTIP_UPPER, "upper limit"},  {LAYOUT_REAL, 4, HARTIP_LOWER, "lower limit"},
    {LAYOUT_REAL, 4, HARTIP_SPAN, "minimum span"},  {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part device[] = {{LAYOUT_BE, 1, HARTIP_ALARM, "alarm selection"},
                                            {LAYOUT_BE, 1, HARTIP_TRANSFER, "transfer function"},
                                            {LAYOUT_BE, 1, HARTIP_UNITS, "units"},
                                            {LAYOUT_REAL, 4, HARTIP_UPPER, "upper range"},
                                            {LAYOUT_REAL, 4, HARTIP_LOWER, "lower range"},
                                            {LAYOUT_REAL, 4, HARTIP_DAMPING, "damping"},
                                            {LAYOUT_BE, 1, HARTIP_WRITE_PROTECT, "write protect"},
                                            {LAYOUT_MAYBE, 0, 0, NULL},
                                            {LAYOUT_SKIP, 1, 0, "reserved"},
                                            {LAYOUT_BE, 1, HARTIP_FLAGS, "flags"},
                                            {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part assembly[] = {
    {LAYOUT_BE, 3, HARTIP_FINAL_ASSEMBLY, "final assembly number"}, {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part long_tag[] = {{LAYOUT_TEXT, 32, HARTIP_LONG_TAG, "long tag"},
                                              {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part slot[] = {{LAYOUT_BE, 1, HARTIP_VARIABLE, "device variable"},
                                          {LAYOUT_BE, 1, HARTIP_UNITS, "units"},
                                          {LAYOUT_REAL, 4, HARTIP_VALUE, "value"},
                                          {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part asked[] = {{LAYOUT_BE, 1, HARTIP_VARIABLE, "device variable"},
                                           {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part range[] = {{LAYOUT_BE, 1, HARTIP_UNITS, "units"},
                                           {LAYOUT_REAL, 4, HARTIP_UPPER, "upper range"},
                                           {LAYOUT_REAL, 4, HARTIP_LOWER, "lower range"},
                                           {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part damping[] = {{LAYOUT_REAL, 4, HARTIP_DAMPING, "damping"},
                                             {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part select[] = {{LAYOUT_MAYBE, 0, 0, NULL},
                                            {LAYOUT_BE, 1, HARTIP_SELECT, "selection"},
                                            {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part behind[] = {{LAYOUT_BE, 2, HARTIP_INDEX, "sub-device index"},
                                            {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part behind_is[] = {
    {LAYOUT_BE, 2, HARTIP_INDEX, "sub-device index"},
    {LAYOUT_BE, 1, HARTIP_CARD, "I/O card"},
    {LAYOUT_BE, 1, HARTIP_CHANNEL, "channel"},
    {LAYOUT_BE, 2, HARTIP_MAKER_BEHIND, "manufacturer"},
    {LAYOUT_BE, 2, HARTIP_TYPE_BEHIND, "expanded device type"},
    {LAYOUT_BE, 3, HARTIP_ID_BEHIND, "device id"},
    {LAYOUT_SKIP, 1, 0, "universal revision"},
    {LAYOUT_MAYBE, 0, 0, NULL},
    {LAYOUT_TEXT, 32, HARTIP_TAG_BEHIND, "long tag"},
    {LAYOUT_REST, 0, HARTIP_DATA, "data"},
    {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part units_of[] = {{LAYOUT_BE, 1, HARTIP_VARIABLE, "device variable"},
                                              {LAYOUT_BE, 1, HARTIP_UNITS, "units"},
                                              {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part force[] = {{LAYOUT_BE, 1, HARTIP_VARIABLE, "device variable"},
                                           {LAYOUT_BE, 1, HARTIP_SELECT, "write code"},
                                           {LAYOUT_BE, 1, HARTIP_UNITS, "units"},
                                           {LAYOUT_REAL, 4, HARTIP_VALUE, "value"},
                                           {LAYOUT_BE, 1, HARTIP_VALUE_STATUS, "status"},
                                           {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part send[] = {{LAYOUT_BE, 1, HARTIP_CARD, "I/O card"},
                                          {LAYOUT_BE, 1, HARTIP_CHANNEL, "channel"},
                                          {LAYOUT_REST, 0, HARTIP_DATA, "data"},
                                          {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part changes[] = {
    {LAYOUT_MAYBE, 0, 0, NULL},
    {LAYOUT_BE, 2, HARTIP_CHANGES, "configuration change counter"},
    {LAYOUT_END, 0, 0, NULL}};

static const struct layout_part fixed[] = {{LAYOUT_REAL, 4, HARTIP_CURRENT, "loop current"},
                                           {LAYOUT_END, 0, 0, NULL}};

const struct hartip_command hartip_commands[] = {
    {0, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, identity, NULL},
    {1, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, variable, NULL},
    {2, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, currents, NULL},
    {3, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, current, variable},
    {6, HARTIP_PLAIN, poll, NULL, HARTIP_PLAIN, poll, NULL},
    {7, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, poll, NULL},
    {8, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, NULL, classification},
    {9, HARTIP_PLAIN, NULL, asked, HARTIP_SLOTS, NULL, NULL},
    {11, HARTIP_TAG_ONLY, NULL, NULL, HARTIP_PLAIN, identity, NULL},
    {12, HARTIP_PLAIN, NULL, NULL, HARTIP_PACKED_MESSAGE, NULL, NULL},
    {13, HARTIP_PLAIN, NULL, NULL, HARTIP_PACKED_TAG, NULL, NULL},
    {14, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, transducer, NULL},
    {15, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, device, NULL},
    {16, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, assembly, NULL},
    {17, HARTIP_PACKED_MESSAGE, NULL, NULL, HARTIP_PACKED_MESSAGE, NULL, NULL},
    {18, HARTIP_PACKED_TAG, NULL, NULL, HARTIP_PACKED_TAG, NULL, NULL},
    {19, HARTIP_PLAIN, assembly, NULL, HARTIP_PLAIN, assembly, NULL},
    {20, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, long_tag, NULL},
    {21, HARTIP_PLAIN, long_tag, NULL, HARTIP_PLAIN, identity, NULL},
    {22, HARTIP_PLAIN, long_tag, NULL, HARTIP_PLAIN, long_tag, NULL},
    {33, HARTIP_PLAIN, NULL, asked, HARTIP_PLAIN, NULL, slot},
    {34, HARTIP_PLAIN, damping, NULL, HARTIP_PLAIN, damping, NULL},
    {35, HARTIP_PLAIN, range, NULL, HARTIP_PLAIN, range, NULL},
    {38, HARTIP_PLAIN, changes, NULL, HARTIP_PLAIN, changes, NULL},
    {40, HARTIP_PLAIN, fixed, NULL, HARTIP_PLAIN, fixed, NULL},
    {45, HARTIP_PLAIN, fixed, NULL, HARTIP_PLAIN, fixed, NULL},
    {46, HARTIP_PLAIN, fixed, NULL, HARTIP_PLAIN, fixed, NULL},
    {52, HARTIP_PLAIN, NULL, asked, HARTIP_PLAIN, NULL, asked},
    {53, HARTIP_PLAIN, units_of, NULL, HARTIP_PLAIN, units_of, NULL},
    {54, HARTIP_PLAIN, NULL, asked, HARTIP_PLAIN, NULL, NULL},
    {71, HARTIP_PLAIN, select, NULL, HARTIP_PLAIN, select, NULL},
    {72, HARTIP_PLAIN, select, NULL, HARTIP_PLAIN, select, NULL},
    {73, HARTIP_PLAIN, NULL, NULL, HARTIP_PLAIN, identity, NULL},
    {77, HARTIP_PLAIN, send, NULL, HARTIP_PLAIN, send, NULL},
    {79, HARTIP_PLAIN, force, NULL, HARTIP_PLAIN, force, NULL},
    {84, HARTIP_PLAIN, behind, NULL, HARTIP_PLAIN, behind_is, NULL},
    {87, HARTIP_PLAIN, select, NULL, HARTIP_PLAIN, select, NULL},
    {88, HARTIP_PLAIN, select, NULL, HARTIP_PLAIN, select, NULL},
    {109, HARTIP_PLAIN, select, NULL, HARTIP_PLAIN, select, NULL},
};
const size_t hartip_n_commands = ARRAY_SIZE(hartip_commands);

static const struct field_word message_types[] = {{0, "request"}, {1, "response"}, {2, "publish"},
                                                  {3, "error"},   {15, "nak"},     {0, NULL}};

static const struct field_word hosts[] = {{0, "secondary"}, {1, "primary"}, {0, NULL}};

static const struct field_word frames[] = {
    {1, "burst"}, {2, "request"}, {6, "response"}, {0, NULL}};

static const struct field_word manufacturers[] = {
    {17, "Endress+Hauser"}, {19, "Fisher"},  {20, "Foxboro"},
    {23, "Honeywell"},      {26, "ABB"},     {31, "Micro Motion"},
    {38, "Rosemount"},      {42, "Siemens"}, {55, "Yokogawa"},
    {62, "Smar"},           {66, "Samson"},  {69, "Krohne"},
    {93, "Pepperl+Fuchs"},  {98, "VEGA"},    {0, NULL}};

static const struct field_info fields[] = {
    [HARTIP_VERSION] = {"version", FIELD_UINT, NULL, "of HART-IP"},
    [HARTIP_TYPE] = {"message-type", FIELD_UINT, message_types, "request, response, ..."},
    [HARTIP_STATUS] = {"status", FIELD_UINT, NULL, "of HART-IP: 0 is good"},
    [HARTIP_SEQUENCE] = {"sequence", FIELD_UINT, NULL, "pairs a response with its request"},
    [HARTIP_HOST] = {"host", FIELD_UINT, hosts, "which master opens the session"},
    [HARTIP_INACTIVITY] = {"inactivity", FIELD_UINT, NULL, "ms, after which it is closed"},
    [HARTIP_FRAME] = {"frame", FIELD_UINT, frames, "what the token-passing PDU is"},
    [HARTIP_WRONG_CHECKSUM] = {"wrong-checksum", FIELD_BOOL, NULL, "of the token-passing PDU"},
    [HARTIP_POLLING_ADDRESS] = {"polling-address", FIELD_UINT, NULL, "short address of the device"},
    [HARTIP_DEVICE_TYPE] = {"device-type", FIELD_UINT, NULL,
                            "14 bits of it, of the unique address"},
    [HARTIP_DEVICE] = {"device", FIELD_UINT, NULL, "device id, of the unique address"},
    [HARTIP_SUB_DEVICE] = {"sub-device", FIELD_UINT, NULL,
                           "lower 16 bits of the id of a device behind the one that answers"},
    [HARTIP_DEVICE_STATUS] = {"device-status", FIELD_UINT, NULL,
                              "bits: malfunction, changed, cold start, ..."},
    [HARTIP_EXTENDED_STATUS] = {"extended-status", FIELD_UINT, NULL,
                                "bits: maintenance, alert, ..."},
    [HARTIP_MANUFACTURER] = {"manufacturer", FIELD_UINT, manufacturers,
                             "number that the FieldComm Group has given it"},
    [HARTIP_MAKER] = {"maker", FIELD_TEXT, NULL, "whose number that is, if it is known"},
    [HARTIP_EXPANDED_TYPE] = {"expanded-type", FIELD_UINT, NULL,
                              "device type, with the maker's number above it"},
    [HARTIP_UNIVERSAL_REVISION] = {"universal-revision", FIELD_UINT, NULL, "of HART"},
    [HARTIP_DEVICE_REVISION] = {"device-revision", FIELD_UINT, NULL, "of the device's commands"},
    [HARTIP_SOFTWARE_REVISION] = {"software-revision", FIELD_UINT, NULL, "of the device"},
    [HARTIP_HARDWARE_REVISION] = {"hardware-revision", FIELD_UINT, NULL,
                                  "upper 5 bits; below how it signals"},
    [HARTIP_FLAGS] = {"flags", FIELD_UINT, NULL, "of the device"},
    [HARTIP_DEVICE_ID] = {"device-id", FIELD_UINT, NULL, "its serial number"},
    [HARTIP_CHANGES] = {"changes", FIELD_UINT, NULL, "how often it was configured"},
    [HARTIP_PRIVATE_LABEL] = {"private-label", FIELD_UINT, NULL, "number of the distributor"},
    [HARTIP_PROFILE] = {"profile", FIELD_UINT, NULL, "of the device"},
    [HARTIP_UNITS] = {"units", FIELD_UINT, NULL, "code of HART"},
    [HARTIP_VALUE] = {"value", FIELD_REAL, NULL, "of a variable"},
    [HARTIP_CURRENT] = {"current", FIELD_REAL, NULL, "mA, of the loop"},
    [HARTIP_PERCENT] = {"percent", FIELD_REAL, NULL, "of its range"},
    [HARTIP_VARIABLE] = {"variable", FIELD_UINT, NULL, "code of the device variable"},
    [HARTIP_CLASSIFICATION] = {"classification", FIELD_UINT, NULL, "what it measures"},
    [HARTIP_VALUE_STATUS] = {"value-status", FIELD_UINT, NULL, "quality and limits"},
    [HARTIP_TIMESTAMP] = {"timestamp", FIELD_UINT, NULL, "1/32 ms of the day"},
    [HARTIP_POLL] = {"new-polling-address", FIELD_UINT, NULL, "that is set, or told"},
    [HARTIP_LOOP_MODE] = {"loop-mode", FIELD_UINT, NULL, "1: the current says the value"},
    [HARTIP_MESSAGE_FIELD] = {"message", FIELD_TEXT, NULL, "that somebody has left in the device"},
    [HARTIP_TAG] = {"tag", FIELD_TEXT, NULL, "name of the device"},
    [HARTIP_DESCRIPTOR] = {"descriptor", FIELD_TEXT, NULL, "of the device"},
    [HARTIP_DATE] = {"date", FIELD_OCTETS, NULL, "day, month, year less 1900"},
    [HARTIP_LONG_TAG] = {"long-tag", FIELD_TEXT, NULL, "name of the device"},
    [HARTIP_SERIAL] = {"transducer-serial", FIELD_UINT, NULL, "of the transducer"},
    [HARTIP_UPPER] = {"upper", FIELD_REAL, NULL, "limit or range"},
    [HARTIP_LOWER] = {"lower", FIELD_REAL, NULL, "limit or range"},
    [HARTIP_SPAN] = {"minimum-span", FIELD_REAL, NULL, "of the transducer"},
    [HARTIP_DAMPING] = {"damping", FIELD_REAL, NULL, "s"},
    [HARTIP_ALARM] = {"alarm-selection", FIELD_UINT, NULL, "what the loop does in a fault"},
    [HARTIP_TRANSFER] = {"transfer-function", FIELD_UINT, NULL, "linear, root, ..."},
    [HARTIP_WRITE_PROTECT] = {"write-protect", FIELD_UINT, NULL, "1: nobody can write"},
    [HARTIP_FINAL_ASSEMBLY] = {"final-assembly", FIELD_UINT, NULL, "number of it"},
    [HARTIP_SELECT] = {"select", FIELD_UINT, NULL, "what the command is to do"},
    [HARTIP_INDEX] = {"index", FIELD_UINT, NULL, "of a device behind"},
    [HARTIP_CARD] = {"card", FIELD_UINT, NULL, "that a device is behind"},
    [HARTIP_CHANNEL] = {"channel", FIELD_UINT, NULL, "of the card"},
    [HARTIP_TYPE_BEHIND] = {"type-behind", FIELD_UINT, NULL, "expanded type of a device behind"},
    [HARTIP_ID_BEHIND] = {"id-behind", FIELD_UINT, NULL, "id of a device behind"},
    [HARTIP_TAG_BEHIND] = {"tag-behind", FIELD_TEXT, NULL, "long tag of a device behind"},
    [HARTIP_MAKER_BEHIND] = {"maker-behind", FIELD_UINT, manufacturers, "of a device behind"},
    [HARTIP_DATA] = {"data", FIELD_OCTETS, NULL, "what is not looked into"},
};

static const struct function_info functions[] = {
    {0, "read-unique-identifier", ACT_IDENTIFY},
    {1, "read-primary-variable", ACT_READ},
    {2, "read-loop-current", ACT_READ},
    {3, "read-dynamic-variables", ACT_READ},
    {6, "write-polling-address", ACT_CONFIGURE},
    {7, "read-loop-configuration", ACT_READ},
    {8, "read-variable-classifications", ACT_READ},
    {9, "read-device-variables-with-status", ACT_READ},
    {11, "read-unique-identifier-by-tag", ACT_IDENTIFY},
    {12, "read-message", ACT_READ},
    {13, "read-tag-descriptor-date", ACT_IDENTIFY},
    {14, "read-transducer-information", ACT_READ},
    {15, "read-device-information", ACT_READ},
    {16, "read-final-assembly-number", ACT_READ},
    {17, "write-message", ACT_CONFIGURE},
    {18, "write-tag-descriptor-date", ACT_CONFIGURE},
    {19, "write-final-assembly-number", ACT_CONFIGURE},
    {20, "read-long-tag", ACT_IDENTIFY},
    {21, "read-unique-identifier-by-long-tag", ACT_IDENTIFY},
    {22, "write-long-tag", ACT_CONFIGURE},
    {33, "read-device-variables", ACT_READ},
    {34, "write-damping", ACT_CONFIGURE},
    {35, "write-range", ACT_CONFIGURE},
    {36, "set-upper-range", ACT_CONFIGURE},
    {37, "set-lower-range", ACT_CONFIGURE},
    {38, "reset-configuration-changed", ACT_CONFIGURE},
    {40, "fixed-current-mode", ACT_OPERATE},
    {41, "self-test", ACT_OTHER},
    {42, "device-reset", ACT_RESTART},
    {43, "set-zero", ACT_CONFIGURE},
    {44, "write-units", ACT_CONFIGURE},
    {45, "trim-loop-current-zero", ACT_CONFIGURE},
    {46, "trim-loop-current-gain", ACT_CONFIGURE},
    {47, "write-transfer-function", ACT_CONFIGURE},
    {48, "read-additional-status", ACT_READ},
    {49, "write-transducer-serial-number", ACT_CONFIGURE},
    {50, "read-variable-assignments", ACT_READ},
    {51, "write-variable-assignments", ACT_CONFIGURE},
    {52, "set-variable-zero", ACT_CONFIGURE},
    {53, "write-variable-units", ACT_CONFIGURE},
    {54, "read-variable-information", ACT_READ},
    {55, "write-variable-damping", ACT_CONFIGURE},
    {56, "write-variable-serial-number", ACT_CONFIGURE},
    {57, "read-unit-tag", ACT_READ},
    {58, "write-unit-tag", ACT_CONFIGURE},
    {59, "write-response-preambles", ACT_CONFIGURE},
    {60, "read-analog-channel", ACT_READ},
    {64, "write-channel-damping", ACT_CONFIGURE},
    {65, "write-channel-range", ACT_CONFIGURE},
    {66, "fixed-channel-mode", ACT_OPERATE},
    {71, "lock-device", ACT_ACCESS},
    {72, "squawk", ACT_OTHER},
    {73, "find-device", ACT_IDENTIFY},
    {74, "read-io-system-capabilities", ACT_BROWSE},
    {75, "poll-sub-device", ACT_BROWSE},
    {76, "read-lock-state", ACT_READ},
    {77, "send-to-sub-device", ACT_OTHER},
    {78, "read-aggregated-commands", ACT_READ},
    {79, "write-device-variable", ACT_OPERATE},
    {84, "read-sub-device-identity", ACT_BROWSE},
    {85, "read-channel-statistics", ACT_READ},
    {86, "read-sub-device-statistics", ACT_READ},
    {87, "write-master-mode", ACT_CONFIGURE},
    {88, "write-retry-count", ACT_CONFIGURE},
    {89, "set-clock", ACT_CLOCK},
    {90, "read-clock", ACT_READ},
    {91, "read-trend-configuration", ACT_READ},
    {92, "write-trend-configuration", ACT_CONFIGURE},
    {93, "read-trend", ACT_READ},
    {94, "read-client-statistics", ACT_READ},
    {95, "read-device-statistics", ACT_READ},
    {96, "read-synchronous-action", ACT_READ},
    {97, "configure-synchronous-action", ACT_CONFIGURE},
    {98, "read-command-action", ACT_READ},
    {99, "configure-command-action", ACT_CONFIGURE},
    {101, "read-burst-map", ACT_READ},
    {102, "map-sub-device-to-burst", ACT_CONFIGURE},
    {103, "write-burst-period", ACT_CONFIGURE},
    {104, "write-burst-trigger", ACT_CONFIGURE},
    {105, "read-burst-configuration", ACT_READ},
    {106, "flush-delayed-responses", ACT_OTHER},
    {107, "write-burst-variables", ACT_CONFIGURE},
    {108, "write-burst-command", ACT_CONFIGURE},
    {109, "burst-mode-control", ACT_CONFIGURE},
    {111, "transfer-service-control", ACT_OTHER},
    {112, "transfer-service", ACT_OTHER},
    {113, "catch-device-variable", ACT_CONFIGURE},
    {115, "read-event-notification", ACT_READ},
    {116, "write-event-mask", ACT_CONFIGURE},
    {117, "write-event-timing", ACT_CONFIGURE},
    {118, "event-notification-control", ACT_SILENCE},
    {119, "acknowledge-event", ACT_ACKNOWLEDGE},
    {HARTIP_MESSAGE(HARTIP_INITIATE), "session-initiate", ACT_LINK},
    {HARTIP_MESSAGE(HARTIP_CLOSE), "session-close", ACT_LINK},
    {HARTIP_MESSAGE(HARTIP_KEEP_ALIVE), "keep-alive", ACT_LINK},
    {HARTIP_MESSAGE(HARTIP_PASS_THROUGH), "pass-through", ACT_OTHER},
    {HARTIP_MESSAGE(HARTIP_DIRECT), "direct", ACT_OTHER},
    {HARTIP_MESSAGE(HARTIP_AUDIT_LOG), "read-audit-log", ACT_READ},
};

/* Of responses (HCF_SPEC-307, the ones with one meaning); from 128 on it is the line that failed,
 * in bits. */
static const struct field_word errors[] = {{1, "undefined"},
                                           {2, "invalid-selection"},
                                           {3, "parameter-too-large"},
                                           {4, "parameter-too-small"},
                                           {5, "too-few-octets"},
                                           {6, "device-specific"},
                                           {7, "write-protected"},
                                           {8, "warning"},
                                           {16, "access-restricted"},
                                           {18, "invalid-units"},
                                           {32, "busy"},
                                           {33, "delayed-response-initiated"},
                                           {34, "delayed-response-running"},
                                           {35, "delayed-response-dead"},
                                           {36, "delayed-response-conflict"},
                                           {64, "command-not-implemented"},
                                           {130, "buffer-overflow"},
                                           {136, "longitudinal-parity"},
                                           {144, "framing"},
                                           {160, "overrun"},
                                           {192, "vertical-parity"},
                                           {0, NULL}};

static const uint16_t ports[] = {5094, 0};

const struct protocol hartip = {
    .name = "hartip",
    .title = "HART-IP",
    .source = "HCF_SPEC-085, -127, -151",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_TCP | CARRIER_UDP,
    .ports = ports,
    .errors = errors,
    .has_member = true,
    .member = HARTIP_SUB_DEVICE,
    .state_size = sizeof(struct hartip_state),
    .message_max = HARTIP_MESSAGE_MAX,
    .frame = hartip_frame,
    .looks = hartip_looks,
    .dissect = hartip_dissect,
};

#include "proto/ot/fins/fins_private.h"

/* ---- What stands in a command and in a response (W342 section 5) ---- */

/* clang-format off */
#define END {LAYOUT_END, 0, 0, NULL}
#define MAYBE {LAYOUT_MAYBE, 0, 0, NULL}
#define ADDRESS {LAYOUT_BE, 1, FINS_AREA, "memory area"}, {LAYOUT_BE, 2, FINS_ADDRESS, "address"}, {LAYOUT_BE, \
    1, FINS_BIT, "bit"}
#define COUNT {LAYOUT_BE, 2, FINS_COUNT, "count"}
#define DATA {LAYOUT_REST, 0, FINS_DATA, "data"}
#define TO {LAYOUT_BE, 1, FINS_TO_AREA, "destination area"}, {LAYOUT_BE, 2, FINS_TO_ADDRESS, \
    "destination address"}, {LAYOUT_BE, 1, FINS_TO_BIT, "destination bit"}
#define PAREA {LAYOUT_BE, 2, FINS_PARAMETER_AREA, "parameter area"}, {LAYOUT_BE, 2, FINS_FIRST_WORD, \
    "first word"}, {LAYOUT_BE, 2, FINS_COUNT, "count"}
#define PROGRAM {LAYOUT_BE, 2, FINS_PROGRAM, "program number"}
#define PARAM1 {LAYOUT_BE, 1, FINS_PARAMETER, "parameter"}
#define FIRST {LAYOUT_BE, 4, FINS_FIRST_WORD, "first word"}
#define LAST {LAYOUT_BE, 4, FINS_LAST_WORD, "last word"}
#define SECRET {LAYOUT_SKIP_REST, 0, 0, "password"}
#define MODE {LAYOUT_BE, 1, FINS_MODE, "mode"}
#define UNIT {LAYOUT_BE, 1, FINS_UNIT, "unit address"}
#define N1 {LAYOUT_BE, 1, FINS_COUNT, "count"}
#define UMODEL {LAYOUT_TEXT, 20, FINS_UNIT_MODEL, "model number"}
#define STATUS {LAYOUT_BE, 1, FINS_STATUS, "status"}
#define FAULTS {LAYOUT_BE, 2, FINS_FATAL_ERRORS, "fatal errors"}, {LAYOUT_BE, 2, FINS_ERRORS, \
    "non-fatal errors"}, {LAYOUT_BE, 2, FINS_MESSAGES, "messages"}, {LAYOUT_BE, 2, FINS_FAULT, "fault"}, {LAYOUT_TEXT, 16, FINS_FAULT_TEXT, "error message"}
#define CYCLES {LAYOUT_BE, 4, FINS_CYCLE_AVERAGE, "average cycle time"}, {LAYOUT_BE, 4, FINS_CYCLE_MAXIMUM, \
    "maximum cycle time"}, {LAYOUT_BE, 4, FINS_CYCLE_MINIMUM, "minimum cycle time"}
#define CLOCK {LAYOUT_REST, 0, FINS_CLOCK, "clock"}
#define PARAM2 {LAYOUT_BE, 2, FINS_PARAMETER, "parameter"}
#define FAULT {LAYOUT_BE, 2, FINS_FAULT, "fault"}
#define FIRSTREC {LAYOUT_BE, 2, FINS_POSITION, "first record"}
#define STORED {LAYOUT_BE, 2, FINS_COUNT, "records that are stored"}
#define DISK {LAYOUT_BE, 2, FINS_DISK, "disk"}
#define POS2 {LAYOUT_BE, 2, FINS_POSITION, "position"}
#define FILE_NAME {LAYOUT_TEXT, 12, FINS_FILE_NAME, "file name"}
#define POS {LAYOUT_BE, 4, FINS_POSITION, "position"}
#define TODISK {LAYOUT_BE, 2, FINS_TO_DISK, "destination disk"}
#define TOFILE {LAYOUT_TEXT, 12, FINS_TO_FILE_NAME, "destination file name"}
#define COUNT4 {LAYOUT_BE, 4, FINS_COUNT, "count"}
#define SPEC {LAYOUT_BE, 2, FINS_SPECIFICATION, "specification"}
#define NAME {LAYOUT_REST, 0, FINS_NAME, "name"}

static const struct layout_part address_count_layout[] = {ADDRESS, COUNT, END};
static const struct layout_part data_layout[] = {DATA, END};
static const struct layout_part address_count_data_layout[] = {ADDRESS, COUNT, DATA, END};
static const struct layout_part address_layout[] = {ADDRESS, END};
static const struct layout_part address_to_count_layout[] = {ADDRESS, TO, COUNT, END};
static const struct layout_part parea_layout[] = {PAREA, END};
static const struct layout_part parea_data_layout[] = {PAREA, DATA, END};
static const struct layout_part program_param1_first_last_secret_layout[] = {PROGRAM, PARAM1, FIRST, LAST,
    SECRET, END};
static const struct layout_part program_first_count_layout[] = {PROGRAM, FIRST, COUNT, END};
static const struct layout_part program_first_count_data_layout[] = {PROGRAM, FIRST, COUNT, DATA, END};
static const struct layout_part program_param1_layout[] = {PROGRAM, PARAM1, END};
static const struct layout_part maybe_program_maybe_mode_layout[] = {MAYBE, PROGRAM, MAYBE, MODE, END};
static const struct layout_part maybe_program_layout[] = {MAYBE, PROGRAM, END};
static const struct layout_part maybe_param1_layout[] = {MAYBE, PARAM1, END};
static const struct layout_part unit_maybe_n1_layout[] = {UNIT, MAYBE, N1, END};
static const struct layout_part n1_layout[] = {N1, END};
static const struct layout_part unit_umodel_layout[] = {UNIT, UMODEL, END};
static const struct layout_part status_mode_maybe_faults_layout[] = {STATUS, MODE, MAYBE, FAULTS, END};
static const struct layout_part param1_layout[] = {PARAM1, END};
static const struct layout_part maybe_cycles_layout[] = {MAYBE, CYCLES, END};
static const struct layout_part clock_layout[] = {CLOCK, END};
static const struct layout_part count_layout[] = {COUNT, END};
static const struct layout_part param2_layout[] = {PARAM2, END};
static const struct layout_part fault_layout[] = {FAULT, END};
static const struct layout_part firstrec_count_layout[] = {FIRSTREC, COUNT, END};
static const struct layout_part firstrec_stored_count_data_layout[] = {FIRSTREC, STORED, COUNT, DATA, END};
static const struct layout_part disk_pos2_count_layout[] = {DISK, POS2, COUNT, END};
static const struct layout_part disk_file_pos_count_layout[] = {DISK, FILE_NAME, POS, COUNT, END};
static const struct layout_part disk_param2_file_pos_count_data_layout[] = {DISK, PARAM2, FILE_NAME, POS, COUNT,
    DATA, END};
static const struct layout_part disk_layout[] = {DISK, END};
static const struct layout_part disk_count_layout[] = {DISK, COUNT, END};
static const struct layout_part file_layout[] = {FILE_NAME, END};
static const struct layout_part disk_param2_file_layout[] = {DISK, PARAM2, FILE_NAME, END};
static const struct layout_part disk_file_todisk_tofile_layout[] = {DISK, FILE_NAME, TODISK, TOFILE, END};
static const struct layout_part disk_file_tofile_layout[] = {DISK, FILE_NAME, TOFILE, END};
static const struct layout_part disk_file_layout[] = {DISK, FILE_NAME, END};
static const struct layout_part param2_address_count_disk_file_layout[] = {PARAM2, ADDRESS, COUNT, DISK,
    FILE_NAME, END};
static const struct layout_part param2_parea_disk_file_layout[] = {PARAM2, PAREA, DISK, FILE_NAME, END};
static const struct layout_part param2_program_first_count4_disk_file_layout[] = {PARAM2, PROGRAM, FIRST,
    COUNT4, DISK, FILE_NAME, END};
static const struct layout_part pos2_n1_layout[] = {POS2, N1, END};
static const struct layout_part pos2_layout[] = {POS2, END};
static const struct layout_part spec_address_layout[] = {SPEC, ADDRESS, END};
static const struct layout_part name_layout[] = {NAME, END};
/* clang-format on */

const struct fins_command fins_commands[] = {
    {0x0101, address_count_layout, data_layout, NULL, NULL},
    {0x0102, address_count_data_layout, NULL, NULL, NULL},
    {0x0103, address_count_data_layout, NULL, NULL, NULL},
    {0x0104, NULL, NULL, address_layout, NULL},
    {0x0105, address_to_count_layout, NULL, NULL, NULL},
    {0x0201, parea_layout, parea_data_layout, NULL, NULL},
    {0x0202, parea_data_layout, NULL, NULL, NULL},
    {0x0203, parea_data_layout, NULL, NULL, NULL},
    {0x0304, program_param1_first_last_secret_layout, NULL, NULL, NULL},
    {0x0305, program_param1_first_last_secret_layout, NULL, NULL, NULL},
    {0x0306, program_first_count_layout, program_first_count_data_layout, NULL, NULL},
    {0x0307, program_first_count_data_layout, program_first_count_layout, NULL, NULL},
    {0x0308, program_param1_layout, NULL, NULL, NULL},
    {0x0401, maybe_program_maybe_mode_layout, NULL, NULL, NULL},
    {0x0402, maybe_program_layout, NULL, NULL, NULL},
    {0x0501, maybe_param1_layout, NULL, NULL, NULL},
    {0x0502, unit_maybe_n1_layout, n1_layout, NULL, unit_umodel_layout},
    {0x0601, NULL, status_mode_maybe_faults_layout, NULL, NULL},
    {0x0620, param1_layout, maybe_cycles_layout, NULL, NULL},
    {0x0701, NULL, clock_layout, NULL, NULL},
    {0x0702, clock_layout, NULL, NULL, NULL},
    {0x0802, NULL, count_layout, NULL, NULL},
    {0x0920, param2_layout, NULL, NULL, NULL},
    {0x0c01, maybe_program_layout, NULL, NULL, NULL},
    {0x0c02, maybe_program_layout, NULL, NULL, NULL},
    {0x0c03, maybe_program_layout, NULL, NULL, NULL},
    {0x2101, fault_layout, NULL, NULL, NULL},
    {0x2102, firstrec_count_layout, firstrec_stored_count_data_layout, NULL, NULL},
    {0x2140, firstrec_count_layout, firstrec_stored_count_data_layout, NULL, NULL},
    {0x2201, disk_pos2_count_layout, NULL, NULL, NULL},
    {0x2202, disk_file_pos_count_layout, NULL, NULL, NULL},
    {0x2203, disk_param2_file_pos_count_data_layout, NULL, NULL, NULL},
    {0x2204, disk_layout, NULL, NULL, NULL},
    {0x2205, disk_count_layout, NULL, file_layout, NULL},
    {0x2206, disk_param2_file_layout, NULL, NULL, NULL},
    {0x2207, disk_file_todisk_tofile_layout, NULL, NULL, NULL},
    {0x2208, disk_file_tofile_layout, NULL, NULL, NULL},
    {0x2209, disk_file_layout, NULL, NULL, NULL},
    {0x220a, param2_address_count_disk_file_layout, NULL, NULL, NULL},
    {0x220b, param2_parea_disk_file_layout, NULL, NULL, NULL},
    {0x220c, param2_program_first_count4_disk_file_layout, NULL, NULL, NULL},
    {0x220f, pos2_n1_layout, NULL, NULL, NULL},
    {0x2210, pos2_layout, NULL, NULL, NULL},
    {0x2215, disk_layout, NULL, NULL, NULL},
    {0x2301, count_layout, NULL, spec_address_layout, NULL},
    {0x2601, name_layout, NULL, NULL, NULL},
    {0x2603, NULL, name_layout, NULL, NULL},
};
const size_t fins_n_commands = ARRAY_SIZE(fins_commands);

static const struct field_word tcp_errors[] = {{0x0, "normal"},
                                               {0x1, "no-fins"},
                                               {0x2, "too-long"},
                                               {0x3, "unsupported-command"},
                                               {0x20, "connections-in-use"},
                                               {0x21, "already-connected"},
                                               {0x22, "protected-node"},
                                               {0x23, "client-node-out-of-range"},
                                               {0x24, "same-node"},
                                               {0x25, "no-node-left"},
                                               {0, NULL}};

static const struct field_word modes[] = {
    {0x0, "program"}, {0x1, "debug"}, {0x2, "monitor"}, {0x4, "run"}, {0, NULL}};

static const struct field_word statuses[] = {
    {0x0, "stop"}, {0x1, "run"}, {0x80, "standby"}, {0, NULL}};

static const struct field_word parameter_areas[] = {{0x8002, "cpu-bus-unit-settings"},
                                                    {0x8010, "plc-setup"},
                                                    {0x8011, "peripheral-device-settings"},
                                                    {0x8012, "io-table"},
                                                    {0x8013, "routing-tables"},
                                                    {0, NULL}};

static const struct field_word specifications[] = {
    {0x0, "force-off"},         {0x1, "force-on"},   {0x8000, "release-and-off"},
    {0x8001, "release-and-on"}, {0xffff, "release"}, {0, NULL}};

static const struct field_word areas[] = {{0x0, "cio-bit-cv"},
                                          {0x1, "timer-flag-cv"},
                                          {0x2, "dm-bit"},
                                          {0x6, "task-bit"},
                                          {0x7, "clock-pulses"},
                                          {0x9, "timer-flag"},
                                          {0xa, "em-bit-current"},
                                          {0x30, "cio-bit"},
                                          {0x31, "work-bit"},
                                          {0x32, "holding-bit"},
                                          {0x33, "auxiliary-bit"},
                                          {0x46, "task-status"},
                                          {0x49, "timer-flag-forced"},
                                          {0x70, "cio-bit-forced"},
                                          {0x71, "work-bit-forced"},
                                          {0x72, "holding-bit-forced"},
                                          {0x80, "cio-cv"},
                                          {0x81, "timer-cv"},
                                          {0x82, "dm"},
                                          {0x89, "timer"},
                                          {0x90, "em-0-cv"},
                                          {0x98, "em-current"},
                                          {0xa0, "em-0"},
                                          {0xa1, "em-1"},
                                          {0xa2, "em-2"},
                                          {0xa3, "em-3"},
                                          {0xb0, "cio"},
                                          {0xb1, "work"},
                                          {0xb2, "holding"},
                                          {0xb3, "auxiliary"},
                                          {0xbc, "em-bank-number"},
                                          {0xdc, "index-register"},
                                          {0xdd, "interrupt-status"},
                                          {0xf0, "cio-forced"},
                                          {0xf1, "work-forced"},
                                          {0xf2, "holding-forced"},
                                          {0, NULL}};

static const struct field_info fields[] = {
    [FINS_DESTINATION_NETWORK] = {"destination-network", FIELD_UINT, NULL, "0: the local one"},
    [FINS_DESTINATION_NODE] = {"destination-node", FIELD_UINT, NULL, "255: all"},
    [FINS_DESTINATION_UNIT] = {"destination-unit", FIELD_UINT, NULL, "0: the CPU"},
    [FINS_SOURCE_NETWORK] = {"source-network", FIELD_UINT, NULL, "0: the local one"},
    [FINS_SOURCE_NODE] = {"source-node", FIELD_UINT, NULL, "within its network"},
    [FINS_SOURCE_UNIT] = {"source-unit", FIELD_UINT, NULL, "0: the CPU"},
    [FINS_SERVICE_ID] = {"service-id", FIELD_UINT, NULL, "pairs a response with its command"},
    [FINS_TCP_ERROR] = {"tcp-error", FIELD_UINT, tcp_errors, "of FINS/TCP"},
    [FINS_CLIENT_NODE] = {"client-node", FIELD_UINT, NULL, "0: the server is to choose one"},
    [FINS_SERVER_NODE] = {"server-node", FIELD_UINT, NULL, "of the answer"},
    [FINS_AREA] = {"area", FIELD_UINT, areas, "memory area"},
    [FINS_ADDRESS] = {"address", FIELD_UINT, NULL, "of the first word"},
    [FINS_BIT] = {"bit", FIELD_UINT, NULL, "of it"},
    [FINS_COUNT] = {"count", FIELD_UINT, NULL, "of what the command counts"},
    [FINS_TO_AREA] = {"to-area", FIELD_UINT, areas, "where it is transferred to"},
    [FINS_TO_ADDRESS] = {"to-address", FIELD_UINT, NULL, "where it is transferred to"},
    [FINS_TO_BIT] = {"to-bit", FIELD_UINT, NULL, "where it is transferred to"},
    [FINS_PARAMETER_AREA] = {"parameter-area", FIELD_UINT, parameter_areas, "which settings"},
    [FINS_PARAMETER] = {"parameter", FIELD_UINT, NULL, "which of the things that the command does"},
    [FINS_PROGRAM] = {"program", FIELD_UINT, NULL, "number of the program"},
    [FINS_FIRST_WORD] = {"first-word", FIELD_UINT, NULL, "of a program or of settings"},
    [FINS_LAST_WORD] = {"last-word", FIELD_UINT, NULL, "of a program"},
    [FINS_MODE] = {"mode", FIELD_UINT, modes, "of the CPU"},
    [FINS_MODEL] = {"model", FIELD_TEXT, NULL, "of the controller"},
    [FINS_VERSION] = {"version", FIELD_TEXT, NULL, "of the controller"},
    [FINS_UNIT] = {"unit", FIELD_UINT, NULL, "unit address"},
    [FINS_UNIT_MODEL] = {"unit-model", FIELD_TEXT, NULL, "what is at it"},
    [FINS_STATUS] = {"status", FIELD_UINT, statuses, "of the CPU"},
    [FINS_FATAL_ERRORS] = {"fatal-errors", FIELD_UINT, NULL, "bits of W342 5-3-17"},
    [FINS_ERRORS] = {"errors", FIELD_UINT, NULL, "that are not fatal, bits"},
    [FINS_MESSAGES] = {"messages", FIELD_UINT, NULL, "that there are, bits"},
    [FINS_FAULT] = {"fault", FIELD_UINT, NULL, "FAL or FALS number, or what is cleared"},
    [FINS_FAULT_TEXT] = {"fault-text", FIELD_TEXT, NULL, "its message"},
    [FINS_CYCLE_AVERAGE] = {"cycle-average", FIELD_UINT, NULL, "0.1 ms"},
    [FINS_CYCLE_MAXIMUM] = {"cycle-maximum", FIELD_UINT, NULL, "0.1 ms"},
    [FINS_CYCLE_MINIMUM] = {"cycle-minimum", FIELD_UINT, NULL, "0.1 ms"},
    [FINS_CLOCK] = {"clock", FIELD_OCTETS, NULL, "BCD, from the year on"},
    [FINS_DISK] = {"disk", FIELD_UINT, NULL, "1 memory card, 2 file memory"},
    [FINS_FILE_NAME] = {"file-name", FIELD_TEXT, NULL, "or the volume label"},
    [FINS_TO_DISK] = {"to-disk", FIELD_UINT, NULL, "where a file is copied to"},
    [FINS_TO_FILE_NAME] = {"to-file-name", FIELD_TEXT, NULL, "what it is to be called"},
    [FINS_POSITION] = {"position", FIELD_UINT, NULL, "first octet, record, file or block"},
    [FINS_NAME] = {"name", FIELD_TEXT, NULL, "of the controller"},
    [FINS_SPECIFICATION] = {"specification", FIELD_UINT, specifications, "what happens to the bit"},
    [FINS_DATA] = {"data", FIELD_OCTETS, NULL, "what is not looked into"},
};

static const struct function_info functions[] = {
    {0x0101, "memory-area-read", ACT_READ},
    {0x0102, "memory-area-write", ACT_WRITE},
    {0x0103, "memory-area-fill", ACT_WRITE},
    {0x0104, "multiple-memory-area-read", ACT_READ},
    {0x0105, "memory-area-transfer", ACT_WRITE},
    {0x0201, "parameter-area-read", ACT_UPLOAD},
    {0x0202, "parameter-area-write", ACT_CONFIGURE},
    {0x0203, "parameter-area-clear", ACT_CONFIGURE},
    {0x0220, "data-link-table-read", ACT_READ},
    {0x0221, "data-link-table-write", ACT_CONFIGURE},
    {0x0304, "program-area-protect", ACT_ACCESS},
    {0x0305, "program-area-protect-clear", ACT_ACCESS},
    {0x0306, "program-area-read", ACT_UPLOAD},
    {0x0307, "program-area-write", ACT_DOWNLOAD},
    {0x0308, "program-area-clear", ACT_DOWNLOAD},
    {0x0401, "run", ACT_START},
    {0x0402, "stop", ACT_STOP},
    {0x0403, "reset", ACT_RESTART},
    {0x0501, "controller-data-read", ACT_IDENTIFY},
    {0x0502, "connection-data-read", ACT_IDENTIFY},
    {0x0601, "controller-status-read", ACT_READ},
    {0x0602, "network-status-read", ACT_READ},
    {0x0603, "data-link-status-read", ACT_READ},
    {0x0620, "cycle-time-read", ACT_READ},
    {0x0701, "clock-read", ACT_READ},
    {0x0702, "clock-write", ACT_CLOCK},
    {0x0801, "loop-back-test", ACT_LINK},
    {0x0802, "broadcast-test-results-read", ACT_LINK},
    {0x0803, "broadcast-test-data-send", ACT_LINK},
    {0x0920, "message-read-clear", ACT_ACKNOWLEDGE},
    {0x0c01, "access-right-acquire", ACT_ACCESS},
    {0x0c02, "access-right-forced-acquire", ACT_ACCESS},
    {0x0c03, "access-right-release", ACT_ACCESS},
    {0x2101, "error-clear", ACT_ACKNOWLEDGE},
    {0x2102, "error-log-read", ACT_READ},
    {0x2103, "error-log-clear", ACT_CONFIGURE},
    {0x2140, "access-log-read", ACT_READ},
    {0x2141, "access-log-clear", ACT_CONFIGURE},
    {0x2201, "file-name-read", ACT_BROWSE},
    {0x2202, "single-file-read", ACT_UPLOAD},
    {0x2203, "single-file-write", ACT_DOWNLOAD},
    {0x2204, "memory-card-format", ACT_CONFIGURE},
    {0x2205, "file-delete", ACT_CONFIGURE},
    {0x2206, "volume-label-create-delete", ACT_CONFIGURE},
    {0x2207, "file-copy", ACT_CONFIGURE},
    {0x2208, "file-name-change", ACT_CONFIGURE},
    {0x2209, "file-data-check", ACT_READ},
    {0x220a, "memory-area-file-transfer", ACT_DOWNLOAD},
    {0x220b, "parameter-area-file-transfer", ACT_DOWNLOAD},
    {0x220c, "program-area-file-transfer", ACT_DOWNLOAD},
    {0x220f, "file-memory-index-read", ACT_BROWSE},
    {0x2210, "file-memory-read", ACT_UPLOAD},
    {0x2211, "file-memory-write", ACT_DOWNLOAD},
    {0x2215, "directory-create-delete", ACT_CONFIGURE},
    {0x2301, "forced-set-reset", ACT_OPERATE},
    {0x2302, "forced-set-reset-cancel", ACT_OPERATE},
    {0x230a, "multiple-forced-status-read", ACT_READ},
    {0x2601, "name-set", ACT_CONFIGURE},
    {0x2602, "name-delete", ACT_CONFIGURE},
    {0x2603, "name-read", ACT_IDENTIFY},
    {FINS_TCP(0), "node-address-request", ACT_LINK},
    {FINS_TCP(1), "node-address-answer", ACT_LINK},
    {FINS_TCP(3), "frame-send-error", ACT_LINK},
    {FINS_TCP(6), "connection-confirmation", ACT_LINK},
};

/* Main and sub code of the end code, without its flags (W342 5-1-3). */
static const struct field_word errors[] = {{0x0000, "normal"},
                                           {0x0001, "service-interrupted"},
                                           {0x0101, "local-node-not-in-network"},
                                           {0x0102, "token-timeout"},
                                           {0x0103, "retries-exceeded"},
                                           {0x0104, "too-many-frames"},
                                           {0x0105, "node-number-range"},
                                           {0x0106, "node-number-duplicated"},
                                           {0x0201, "destination-not-in-network"},
                                           {0x0202, "no-such-node"},
                                           {0x0203, "third-node-not-in-network"},
                                           {0x0204, "destination-busy"},
                                           {0x0205, "response-timeout"},
                                           {0x0301, "communications-controller-error"},
                                           {0x0302, "cpu-error-at-destination"},
                                           {0x0303, "controller-error"},
                                           {0x0304, "node-number-setting"},
                                           {0x0401, "undefined-command"},
                                           {0x0402, "unsupported-by-model"},
                                           {0x0501, "no-route"},
                                           {0x0502, "no-routing-table"},
                                           {0x0503, "routing-table-error"},
                                           {0x0504, "too-many-relays"},
                                           {0x1001, "command-too-long"},
                                           {0x1002, "command-too-short"},
                                           {0x1003, "elements-differ"},
                                           {0x1004, "command-format"},
                                           {0x1005, "header"},
                                           {0x1101, "area-classification-missing"},
                                           {0x1102, "access-size"},
                                           {0x1103, "address-range"},
                                           {0x1104, "address-range-exceeded"},
                                           {0x1106, "program-missing"},
                                           {0x1109, "relational-error"},
                                           {0x110a, "duplicate-data-access"},
                                           {0x110b, "response-too-long"},
                                           {0x110c, "parameter"},
                                           {0x2002, "protected"},
                                           {0x2003, "table-missing"},
                                           {0x2004, "data-missing"},
                                           {0x2005, "program-missing"},
                                           {0x2006, "file-missing"},
                                           {0x2007, "data-mismatch"},
                                           {0x2101, "read-only"},
                                           {0x2102, "write-protected"},
                                           {0x2103, "cannot-register"},
                                           {0x2105, "program-missing"},
                                           {0x2106, "file-missing"},
                                           {0x2107, "file-exists"},
                                           {0x2108, "cannot-change"},
                                           {0x2201, "not-possible-while-executing"},
                                           {0x2202, "not-possible-while-running"},
                                           {0x2203, "wrong-mode-program"},
                                           {0x2204, "wrong-mode-debug"},
                                           {0x2205, "wrong-mode-monitor"},
                                           {0x2206, "wrong-mode-run"},
                                           {0x2207, "node-not-polling"},
                                           {0x2208, "step-not-possible"},
                                           {0x2301, "file-device-missing"},
                                           {0x2302, "memory-missing"},
                                           {0x2303, "clock-missing"},
                                           {0x2401, "table-missing"},
                                           {0x2502, "memory-error"},
                                           {0x2503, "io-setting-error"},
                                           {0x2504, "too-many-io-points"},
                                           {0x2505, "cpu-bus-error"},
                                           {0x2506, "io-duplication"},
                                           {0x2507, "io-bus-error"},
                                           {0x2509, "sysmac-bus-2-error"},
                                           {0x250a, "cpu-bus-unit-error"},
                                           {0x250d, "sysmac-bus-duplication"},
                                           {0x250f, "memory-error"},
                                           {0x2510, "sysmac-bus-terminator"},
                                           {0x2601, "no-protection"},
                                           {0x2602, "wrong-password"},
                                           {0x2604, "protected"},
                                           {0x2605, "service-executing"},
                                           {0x2606, "service-stopped"},
                                           {0x2607, "no-execution-right"},
                                           {0x2608, "settings-missing"},
                                           {0x2609, "items-missing"},
                                           {0x260a, "already-defined"},
                                           {0x260b, "error-not-cleared"},
                                           {0x3001, "no-access-right"},
                                           {0x4001, "aborted"},
                                           {0, NULL}};

static const uint16_t ports[] = {9600, 0};

const struct protocol fins = {
    .name = "fins",
    .title = "OMRON FINS",
    .source = "OMRON W342, W421",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_TCP | CARRIER_UDP,
    .ports = ports,
    .errors = errors,
    .state_size = sizeof(struct fins_state),
    .message_max = FINS_MESSAGE_MAX,
    .frame = fins_frame,
    .looks = fins_looks,
    .dissect = fins_dissect,
};

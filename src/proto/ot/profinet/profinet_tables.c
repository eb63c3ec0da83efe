#include "proto/ot/profinet/profinet_private.h"

static const struct profinet_option options[] = {
    {0x0101, "m", PROFINET_MAC},
    {0x0102, "iii", PROFINET_IP},
    {0x0103, "iiiI", PROFINET_IP},
    {0x0201, "t", PROFINET_DEVICE_VENDOR},
    {0x0202, "t", PROFINET_NAME_OF_STATION},
    {0x0203, "hh", PROFINET_VENDOR_ID},
    {0x0204, "b_", PROFINET_ROLE},
    {0x0205, "o", PROFINET_DEVICE_OPTION},
    {0x0206, "t", PROFINET_ALIAS},
    {0x0207, "h", PROFINET_INSTANCE},
    {0x0208, "hh", PROFINET_OEM_VENDOR_ID},
    {0x0209, "i", PROFINET_GATEWAY},
    {0x0503, "h", PROFINET_SIGNAL},
    {0x0601, "h", PROFINET_INITIATIVE},
};

const struct profinet_option *
profinet_option(uint16_t option)
{
    static const struct profinet_option other = {0, "d", PROFINET_DATA};
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (options[i].option == option)
            return &options[i];
    }
    return &other;
}

static const struct field_word option_words[] = {{0x0101, "mac-address"},
                                                 {0x0102, "ip-parameter"},
                                                 {0x0103, "full-ip-suite"},
                                                 {0x0201, "device-vendor"},
                                                 {0x0202, "name-of-station"},
                                                 {0x0203, "device-id"},
                                                 {0x0204, "device-role"},
                                                 {0x0205, "device-options"},
                                                 {0x0206, "alias-name"},
                                                 {0x0207, "device-instance"},
                                                 {0x0208, "oem-device-id"},
                                                 {0x0209, "standard-gateway"},
                                                 {0x020a, "rsi-properties"},
                                                 {0x030c, "dhcp-host-name"},
                                                 {0x032b, "dhcp-vendor-specific"},
                                                 {0x0336, "dhcp-server"},
                                                 {0x0337, "dhcp-parameter-list"},
                                                 {0x033c, "dhcp-class"},
                                                 {0x033d, "dhcp-client"},
                                                 {0x0351, "dhcp-fqdn"},
                                                 {0x0361, "dhcp-uuid"},
                                                 {0x03ff, "dhcp-control"},
                                                 {0x0501, "start-transaction"},
                                                 {0x0502, "end-transaction"},
                                                 {0x0503, "signal"},
                                                 {0x0504, "response"},
                                                 {0x0505, "factory-reset"},
                                                 {0x0506, "reset-to-factory"},
                                                 {0x0601, "device-initiative"},
                                                 {0xffff, "all"},
                                                 {0, NULL}};

static const struct field_word roles[] = {
    {1, "io-device"}, {2, "io-controller"}, {4, "io-multidevice"}, {8, "io-supervisor"}, {0, NULL}};

static const struct field_word block_errors[] = {{0, "ok"},
                                                 {1, "option-not-supported"},
                                                 {2, "suboption-not-supported"},
                                                 {3, "suboption-not-set"},
                                                 {4, "resource-error"},
                                                 {5, "set-not-possible"},
                                                 {6, "in-operation"},
                                                 {PROFINET_NOT_SUPPORTED, "service-not-supported"},
                                                 {0, NULL}};

static const struct field_word alarm_pdus[] = {
    {1, "data"}, {2, "nack"}, {3, "ack"}, {4, "error"}, {0, NULL}};

static const struct field_word alarm_blocks[] = {{0x0001, "notification-high"},
                                                 {0x0002, "notification-low"},
                                                 {0x8001, "acknowledge-high"},
                                                 {0x8002, "acknowledge-low"},
                                                 {0, NULL}};

static const struct field_word alarm_types[] = {{1, "diagnosis"},
                                                {2, "process"},
                                                {3, "pull"},
                                                {4, "plug"},
                                                {5, "status"},
                                                {6, "update"},
                                                {7, "redundancy"},
                                                {8, "controlled-by-supervisor"},
                                                {9, "released"},
                                                {10, "plug-wrong-submodule"},
                                                {11, "return-of-submodule"},
                                                {12, "diagnosis-disappears"},
                                                {13, "multicast-communication-mismatch"},
                                                {14, "port-data-change"},
                                                {15, "sync-data-change"},
                                                {16, "isochronous-mode-problem"},
                                                {17, "network-component-problem"},
                                                {18, "time-data-change"},
                                                {0, NULL}};

static const struct field_info fields[] = {
    [PROFINET_FRAME_ID] = {"frame-id", FIELD_UINT, NULL, "what the frame is"},
    [PROFINET_XID] = {"xid", FIELD_UINT, NULL, "pairs a request with its responses"},
    [PROFINET_RESPONSE_DELAY] = {"response-delay", FIELD_UINT, NULL, "units of 10 ms, at most"},
    [PROFINET_OPTION] = {"option", FIELD_UINT, option_words, "option * 256 + suboption"},
    [PROFINET_BLOCK_INFO] = {"block-info", FIELD_UINT, NULL, "of an address: 1 set, 128 conflict"},
    [PROFINET_BLOCK_QUALIFIER] = {"block-qualifier", FIELD_UINT, NULL, "1: keep what is set"},
    [PROFINET_MAC] = {"mac", FIELD_MAC, NULL, "of the device"},
    [PROFINET_IP] = {"ip", FIELD_IPV4, NULL, "of the device"},
    [PROFINET_NETMASK] = {"netmask", FIELD_IPV4, NULL, "of its network"},
    [PROFINET_GATEWAY] = {"gateway", FIELD_IPV4, NULL, "of its network"},
    [PROFINET_DNS] = {"dns", FIELD_IPV4, NULL, "of its network"},
    [PROFINET_DEVICE_VENDOR] = {"device-vendor", FIELD_TEXT, NULL, "family of the device"},
    [PROFINET_NAME_OF_STATION] = {"name-of-station", FIELD_TEXT, NULL, "by which it is known"},
    [PROFINET_VENDOR_ID] = {"vendor-id", FIELD_UINT, NULL, "as PROFIBUS International gives it"},
    [PROFINET_DEVICE_ID] = {"device-id", FIELD_UINT, NULL, "as the vendor gives it"},
    [PROFINET_ROLE] = {"role", FIELD_UINT, roles, "1 device, 2 controller, 8 supervisor"},
    [PROFINET_DEVICE_OPTION] = {"device-option", FIELD_UINT, option_words, "it can be asked"},
    [PROFINET_ALIAS] = {"alias", FIELD_TEXT, NULL, "name by its neighbour's port"},
    [PROFINET_INSTANCE] = {"instance", FIELD_UINT, NULL, "of several in one housing"},
    [PROFINET_OEM_VENDOR_ID] = {"oem-vendor-id", FIELD_UINT, NULL, "whose device it is inside"},
    [PROFINET_OEM_DEVICE_ID] = {"oem-device-id", FIELD_UINT, NULL, "as that vendor gives it"},
    [PROFINET_SIGNAL] = {"signal", FIELD_UINT, NULL, "256: blink once"},
    [PROFINET_RESPONSE_OPTION] = {"response-option", FIELD_UINT, option_words, "answered to"},
    [PROFINET_BLOCK_ERROR] = {"block-error", FIELD_UINT, block_errors, "0: done"},
    [PROFINET_INITIATIVE] = {"initiative", FIELD_UINT, NULL, "1: says hello when it starts"},
    [PROFINET_DATA] = {"data", FIELD_OCTETS, NULL, "what is not looked into"},
    [PROFINET_CYCLE] = {"cycle", FIELD_UINT, NULL, "counts units of 31.25 us"},
    [PROFINET_DATA_STATUS] = {"data-status", FIELD_UINT, NULL, "bits"},
    [PROFINET_RUNS] = {"runs", FIELD_BOOL, NULL, "the provider does"},
    [PROFINET_PROBLEM] = {"problem", FIELD_BOOL, NULL, "the station has one"},
    [PROFINET_TRANSFER_STATUS] = {"transfer-status", FIELD_UINT, NULL, "0: good"},
    [PROFINET_DESTINATION_ENDPOINT] = {"destination-endpoint", FIELD_UINT, NULL, "of the alarm"},
    [PROFINET_SOURCE_ENDPOINT] = {"source-endpoint", FIELD_UINT, NULL, "of the alarm"},
    [PROFINET_ALARM_PDU] = {"alarm-pdu", FIELD_UINT, alarm_pdus, "what it is"},
    [PROFINET_SEND_SEQUENCE] = {"send-sequence", FIELD_UINT, NULL, "of this one"},
    [PROFINET_ACK_SEQUENCE] = {"ack-sequence", FIELD_UINT, NULL, "of the last that came"},
    [PROFINET_ALARM_BLOCK] = {"alarm-block", FIELD_UINT, alarm_blocks, "told or acknowledged"},
    [PROFINET_ALARM_TYPE] = {"alarm-type", FIELD_UINT, alarm_types, "what has happened"},
    [PROFINET_API] = {"api", FIELD_UINT, NULL, "profile of the module"},
    [PROFINET_SLOT] = {"slot", FIELD_UINT, NULL, "of the module"},
    [PROFINET_SUBSLOT] = {"subslot", FIELD_UINT, NULL, "of the submodule"},
    [PROFINET_MODULE] = {"module", FIELD_UINT, NULL, "its identity"},
    [PROFINET_SUBMODULE] = {"submodule", FIELD_UINT, NULL, "its identity"},
    [PROFINET_ALARM_SPECIFIER] = {"alarm-specifier", FIELD_UINT, NULL, "sequence and diagnosis"},
    [PROFINET_SEQUENCE] = {"sequence", FIELD_UINT, NULL, "of messages of clocks"},
};

static const struct function_info functions[] = {
    {PROFINET_GET, "get", ACT_IDENTIFY},           {PROFINET_SET, "set", ACT_CONFIGURE},
    {PROFINET_IDENTIFY, "identify", ACT_IDENTIFY}, {PROFINET_HELLO, "hello", ACT_IDENTIFY},
    {PROFINET_CYCLIC, "cyclic", ACT_REPORT},       {PROFINET_ALARM, "alarm", ACT_REPORT},
    {PROFINET_CLOCK, "clock", ACT_LINK},           {PROFINET_FRAGMENT, "fragment", ACT_LINK},
    {PROFINET_OTHER, "other", ACT_OTHER},
};

static const uint16_t types[] = {0x8892, 0};

const struct protocol profinet_protocol = {
    .name = "profinet",
    .title = "PROFINET",
    .source = "IEC 61158-6-10",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_ETHERNET,
    .ports = types,
    .errors = block_errors,
    .looks = profinet_looks,
    .dissect = profinet_dissect,
};

#include "proto/ot/dnp3/dnp3_private.h"

static const struct field_word attributes[] = {{196, "configuration-id"},
                                               {197, "configuration-version"},
                                               {206, "owner"},
                                               {209, "manufacturer-hardware-type"},
                                               {240, "max-transmit-fragment"},
                                               {241, "max-receive-fragment"},
                                               {242, "software-version"},
                                               {243, "hardware-version"},
                                               {245, "location"},
                                               {246, "id"},
                                               {247, "name"},
                                               {248, "serial-number"},
                                               {249, "subset"},
                                               {250, "product"},
                                               {252, "manufacturer"},
                                               {0, NULL}};

static const struct field_word statuses[] = {{0, "success"},
                                             {1, "timeout"},
                                             {2, "no-select"},
                                             {3, "format-error"},
                                             {4, "not-supported"},
                                             {5, "already-active"},
                                             {6, "hardware-error"},
                                             {7, "local"},
                                             {8, "too-many-objects"},
                                             {9, "not-authorized"},
                                             {10, "automation-inhibit"},
                                             {11, "processing-limited"},
                                             {12, "out-of-range"},
                                             {126, "non-participating"},
                                             {127, "undefined"},
                                             {0, NULL}};

static const struct field_info fields[] = {
    [DNP3_SOURCE] = {"source", FIELD_UINT, NULL, "address at the link layer"},
    [DNP3_DESTINATION] = {"destination", FIELD_UINT, NULL, "address at the link layer"},
    [DNP3_FROM_MASTER] = {"from-master", FIELD_BOOL, NULL, "the direction bit"},
    [DNP3_PRIMARY] = {"primary", FIELD_BOOL, NULL, "it begins a transaction of the link"},
    [DNP3_LINK_FUNCTION] = {"link-function", FIELD_UINT, NULL, "of the link layer"},
    [DNP3_LENGTH] = {"length", FIELD_UINT, NULL, "as the frame says"},
    [DNP3_BAD_CRCS] = {"bad-crcs", FIELD_UINT, NULL, "blocks with a wrong checksum"},
    [DNP3_FIRST] = {"first", FIELD_BOOL, NULL, "segment of a fragment"},
    [DNP3_FINAL] = {"final", FIELD_BOOL, NULL, "segment of a fragment"},
    [DNP3_SEQUENCE] = {"sequence", FIELD_UINT, NULL, "of segments"},
    [DNP3_APP_SEQUENCE] = {"application-sequence", FIELD_UINT, NULL, "of fragments"},
    [DNP3_CONFIRM] = {"confirm", FIELD_BOOL, NULL, "a confirmation is asked for"},
    [DNP3_UNSOLICITED] = {"unsolicited", FIELD_BOOL, NULL, "nobody asked"},
    [DNP3_CONTINUES] = {"continues", FIELD_BOOL, NULL, "not the first fragment of a message"},
    [DNP3_INDICATIONS] = {"indications", FIELD_UINT, NULL, "IIN1 (upper octet) and IIN2"},
    [DNP3_GROUP] = {"group", FIELD_UINT, NULL, "of objects"},
    [DNP3_VARIATION] = {"variation", FIELD_UINT, NULL, "of the group"},
    [DNP3_PREFIX] = {"prefix", FIELD_UINT, NULL, "code of what stands before each object"},
    [DNP3_RANGE] = {"range", FIELD_UINT, NULL, "code of how the objects are told"},
    [DNP3_START] = {"start", FIELD_UINT, NULL, "first index"},
    [DNP3_STOP] = {"stop", FIELD_UINT, NULL, "last index"},
    [DNP3_COUNT] = {"count", FIELD_UINT, NULL, "of objects"},
    [DNP3_BITS] = {"bits", FIELD_BITS, NULL, "packed objects, from index `start` on"},
    [DNP3_INDEX] = {"index", FIELD_UINT, NULL, "of a point"},
    [DNP3_POINT_GROUP] = {"point-group", FIELD_UINT, NULL, "its group"},
    [DNP3_FLAGS] = {"flags", FIELD_UINT, NULL, "of a point; 1: it is online"},
    [DNP3_VALUE] = {"value", FIELD_INT, NULL, "of a point"},
    [DNP3_REAL] = {"real", FIELD_REAL, NULL, "of a point"},
    [DNP3_TIME] = {"time", FIELD_TIME, NULL, "of a point, or that a clock is set to"},
    [DNP3_DELAY] = {"delay", FIELD_UINT, NULL, "milliseconds"},
    [DNP3_CONTROL] = {"control", FIELD_UINT, NULL,
                      "1 pulse on, 3 latch on, 4 latch off; | 64 close, | 128 trip"},
    [DNP3_REPEAT] = {"repeat", FIELD_UINT, NULL, "how often it is done"},
    [DNP3_ON_TIME] = {"on-time", FIELD_UINT, NULL, "milliseconds"},
    [DNP3_OFF_TIME] = {"off-time", FIELD_UINT, NULL, "milliseconds"},
    [DNP3_STATUS] = {"status", FIELD_UINT, statuses, "of a command"},
    [DNP3_ATTRIBUTE] = {"attribute", FIELD_UINT, attributes, "which attribute of the device"},
    [DNP3_TEXT] = {"text", FIELD_TEXT, NULL, "its value"},
    [DNP3_DATA] = {"data", FIELD_OCTETS, NULL, "what is not looked into"},
};

static const struct function_info functions[] = {
    {0, "confirm", ACT_LINK},
    {1, "read", ACT_READ},
    {2, "write", ACT_WRITE},
    {3, "select", ACT_SELECT},
    {4, "operate", ACT_OPERATE},
    {5, "direct-operate", ACT_OPERATE},
    {6, "direct-operate-no-response", ACT_OPERATE},
    {7, "immediate-freeze", ACT_WRITE},
    {8, "immediate-freeze-no-response", ACT_WRITE},
    {9, "freeze-clear", ACT_WRITE},
    {10, "freeze-clear-no-response", ACT_WRITE},
    {11, "freeze-at-time", ACT_WRITE},
    {12, "freeze-at-time-no-response", ACT_WRITE},
    {13, "cold-restart", ACT_RESTART},
    {14, "warm-restart", ACT_RESTART},
    {15, "initialize-data", ACT_CONFIGURE},
    {16, "initialize-application", ACT_CONFIGURE},
    {17, "start-application", ACT_START},
    {18, "stop-application", ACT_STOP},
    {19, "save-configuration", ACT_CONFIGURE},
    {20, "enable-unsolicited", ACT_CONFIGURE},
    {21, "disable-unsolicited", ACT_SILENCE},
    {22, "assign-class", ACT_CONFIGURE},
    {23, "delay-measurement", ACT_LINK},
    {24, "record-current-time", ACT_CLOCK},
    {25, "open-file", ACT_ACCESS},
    {26, "close-file", ACT_LINK},
    {27, "delete-file", ACT_CONFIGURE},
    {28, "get-file-information", ACT_BROWSE},
    {29, "authenticate-file", ACT_ACCESS},
    {30, "abort-file", ACT_LINK},
    {31, "activate-configuration", ACT_CONFIGURE},
    {32, "authentication-request", ACT_ACCESS},
    {33, "authentication-error", ACT_ACCESS},
    {129, "response", ACT_REPORT},
    {130, "unsolicited-response", ACT_REPORT},
    {131, "authentication-response", ACT_ACCESS},
    {DNP3_LINK_SECONDARY | 0, "link-ack", ACT_LINK},
    {DNP3_LINK_SECONDARY | 1, "link-nack", ACT_LINK},
    {DNP3_LINK_SECONDARY | 11, "link-status", ACT_LINK},
    {DNP3_LINK_SECONDARY | 15, "link-not-supported", ACT_LINK},
    {DNP3_LINK_PRIMARY | 0, "reset-link", ACT_LINK},
    {DNP3_LINK_PRIMARY | 2, "test-link", ACT_LINK},
    {DNP3_LINK_PRIMARY | 9, "request-link-status", ACT_LINK},
    {DNP3_SEGMENT, "segment", ACT_LINK},
};

static const struct field_word errors[] = {
    {1, "parameter-error"}, {2, "object-unknown"}, {4, "no-such-function"}, {0, NULL}};

/* By group and variation (annex A). */
static const struct dnp3_object objects[] = {
    {1, 1, 1, NULL},   {1, 2, 0, "F"},    {2, 1, 0, "F"},    {2, 2, 0, "FT"},   {2, 3, 0, "Ft"},
    {3, 1, 2, NULL},   {3, 2, 0, "F"},    {4, 1, 0, "F"},    {4, 2, 0, "FT"},   {4, 3, 0, "Ft"},
    {10, 1, 1, NULL},  {10, 2, 0, "F"},   {11, 1, 0, "F"},   {11, 2, 0, "FT"},  {12, 1, 0, "C"},
    {12, 2, 0, "C"},   {12, 3, 1, NULL},  {13, 1, 0, "S"},   {13, 2, 0, "ST"},  {20, 1, 0, "Fw"},
    {20, 2, 0, "Fh"},  {20, 3, 0, "Fw"},  {20, 4, 0, "Fh"},  {20, 5, 0, "w"},   {20, 6, 0, "h"},
    {20, 7, 0, "w"},   {20, 8, 0, "h"},   {21, 1, 0, "Fw"},  {21, 2, 0, "Fh"},  {21, 3, 0, "Fw"},
    {21, 4, 0, "Fh"},  {21, 5, 0, "FwT"}, {21, 6, 0, "FhT"}, {21, 7, 0, "FwT"}, {21, 8, 0, "FhT"},
    {21, 9, 0, "w"},   {21, 10, 0, "h"},  {21, 11, 0, "w"},  {21, 12, 0, "h"},  {22, 1, 0, "Fw"},
    {22, 2, 0, "Fh"},  {22, 3, 0, "Fw"},  {22, 4, 0, "Fh"},  {22, 5, 0, "FwT"}, {22, 6, 0, "FhT"},
    {22, 7, 0, "FwT"}, {22, 8, 0, "FhT"}, {23, 1, 0, "Fw"},  {23, 2, 0, "Fh"},  {23, 3, 0, "Fw"},
    {23, 4, 0, "Fh"},  {23, 5, 0, "FwT"}, {23, 6, 0, "FhT"}, {23, 7, 0, "FwT"}, {23, 8, 0, "FhT"},
    {30, 1, 0, "Fl"},  {30, 2, 0, "Fs"},  {30, 3, 0, "l"},   {30, 4, 0, "s"},   {30, 5, 0, "Ff"},
    {30, 6, 0, "Fd"},  {31, 1, 0, "Fl"},  {31, 2, 0, "Fs"},  {31, 3, 0, "FlT"}, {31, 4, 0, "FsT"},
    {31, 5, 0, "l"},   {31, 6, 0, "s"},   {31, 7, 0, "Ff"},  {31, 8, 0, "Fd"},  {32, 1, 0, "Fl"},
    {32, 2, 0, "Fs"},  {32, 3, 0, "FlT"}, {32, 4, 0, "FsT"}, {32, 5, 0, "Ff"},  {32, 6, 0, "Fd"},
    {32, 7, 0, "FfT"}, {32, 8, 0, "FdT"}, {33, 1, 0, "Fl"},  {33, 2, 0, "Fs"},  {33, 3, 0, "FlT"},
    {33, 4, 0, "FsT"}, {33, 5, 0, "Ff"},  {33, 6, 0, "Fd"},  {33, 7, 0, "FfT"}, {33, 8, 0, "FdT"},
    {34, 1, 0, "h"},   {34, 2, 0, "w"},   {34, 3, 0, "f"},   {40, 1, 0, "Fl"},  {40, 2, 0, "Fs"},
    {40, 3, 0, "Ff"},  {40, 4, 0, "Fd"},  {41, 1, 0, "lS"},  {41, 2, 0, "sS"},  {41, 3, 0, "fS"},
    {41, 4, 0, "dS"},  {42, 1, 0, "Fl"},  {42, 2, 0, "Fs"},  {42, 3, 0, "FlT"}, {42, 4, 0, "FsT"},
    {42, 5, 0, "Ff"},  {42, 6, 0, "Fd"},  {42, 7, 0, "FfT"}, {42, 8, 0, "FdT"}, {43, 1, 0, "Sl"},
    {43, 2, 0, "Ss"},  {43, 3, 0, "SlT"}, {43, 4, 0, "SsT"}, {43, 5, 0, "Sf"},  {43, 6, 0, "Sd"},
    {43, 7, 0, "SfT"}, {43, 8, 0, "SdT"}, {50, 1, 0, "T"},   {50, 2, 0, "Tw"},  {50, 3, 0, "T"},
    {50, 4, 0, "Twb"}, {51, 1, 0, "T"},   {51, 2, 0, "T"},   {52, 1, 0, "h"},   {52, 2, 0, "t"},
    {80, 1, 1, NULL},
};

static const uint16_t ports[] = {20000, 19999, 0};

const struct dnp3_object *
dnp3_object(uint8_t group, uint8_t variation)
{
    size_t low = 0, high = ARRAY_SIZE(objects);
    unsigned wanted = group << 8 | variation;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((objects[middle].group << 8 | objects[middle].variation) < (int)wanted)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_it = low < ARRAY_SIZE(objects) && objects[low].group == group &&
                 objects[low].variation == variation;
    return is_it ? &objects[low] : NULL;
}

const struct protocol dnp3 = {
    .name = "dnp3",
    .title = "DNP3",
    .source = "IEEE 1815-2012",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_TCP | CARRIER_UDP,
    .ports = ports,
    .errors = errors,
    .state_size = sizeof(struct dnp3_state),
    .message_max = DNP3_FRAME_MAX,
    .frame = dnp3_frame,
    .looks = dnp3_looks,
    .dissect = dnp3_dissect,
};

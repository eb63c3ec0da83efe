#include "proto/openflow/wire.h"

#include "base/hex.h"

const struct wire_name wire_table_names[] = {{TABLE_ALL, "ALL"}, {0, NULL}};
const struct wire_name wire_group_names[] = {{GROUP_ALL, "ALL"}, {GROUP_ANY, "ANY"}, {0, NULL}};
const struct wire_name wire_meter_names[] = {
    {METER_SLOWPATH, "SLOWPATH"}, {METER_CONTROLLER, "CONTROLLER"}, {METER_ALL, "ALL"}, {0, NULL}};
const struct wire_name wire_queue_names[] = {{QUEUE_ALL, "ALL"}, {0, NULL}};
const struct wire_name wire_buffer_names[] = {{NO_BUFFER, "none"}, {0, NULL}};
const struct wire_name wire_mod_commands[] = {
    {OFPGC_ADD, "add"}, {OFPGC_MODIFY, "modify"}, {OFPGC_DELETE, "delete"}, {0, NULL}};
const struct wire_name wire_flow_flags[] = {
    {FLOW_SEND_FLOW_REM, "SEND_FLOW_REM"}, {FLOW_CHECK_OVERLAP, "CHECK_OVERLAP"},
    {FLOW_RESET_COUNTS, "RESET_COUNTS"},   {FLOW_NO_PKT_COUNTS, "NO_PKT_COUNTS"},
    {FLOW_NO_BYT_COUNTS, "NO_BYT_COUNTS"}, {0, NULL},
};

void
print_named(uint32_t value, const struct wire_name *names, bool hex, struct buf *out)
{
    for (; names->name; names++) {
        if (names->value == value) {
            buf_str(out, names->name);
            return;
        }
    }
    if (hex)
        buf_printf(out, "0x%x", value);
    else
        buf_printf(out, "%u", value);
}

void
print_bits(uint32_t bits, const struct wire_name *names, struct buf *out)
{
    const char *separator = "";
    for (; names->name; names++) {
        if (!(bits & names->value))
            continue;
        buf_printf(out, "%s%s", separator, names->name);
        separator = "|";
        bits &= ~names->value;
    }
    if (bits)
        buf_printf(out, "%s0x%x", separator, bits);
    else if (!*separator)
        buf_str(out, "0");
}

void
print_text(const char *text, struct buf *out)
{
    buf_str(out, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            buf_printf(out, "\\x%02x", c);
        else
            buf_u8(out, c);
    }
    buf_str(out, "\"");
}

void
print_data(const struct openflow_data *data, struct buf *out)
{
    size_t shown = MIN(data->size, 64);
    hex_put(out, data->octets, shown);
    if (shown < data->size)
        buf_printf(out, "...(%zu more)", data->size - shown);
}

void
print_foreign(const struct openflow_foreign *foreign, struct buf *out)
{
    if (!foreign->what)
        return;
    buf_str(out, " foreign=");
    print_text(foreign->what, out);
}

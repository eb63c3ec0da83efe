/* PCCC within CIP (class 0x67, service 0x4b): commands of PLC-5, SLC 500 and MicroLogix (Rockwell
 * Automation publication 1770-6.5.16). */
#include "proto/ot/enip/enip_private.h"

static const struct {
    uint16_t function; /* command << 8 | function */
    uint8_t act;       /* enum act */
} acts[] = {
    {0x0000, ACT_WRITE},     {0x0100, ACT_READ},      {0x0200, ACT_WRITE},
    {0x0500, ACT_WRITE},     {0x0600, ACT_LINK},      {0x0601, ACT_READ},
    {0x0603, ACT_IDENTIFY},  {0x0607, ACT_OTHER},     {0x0609, ACT_READ},
    {0x060a, ACT_CONFIGURE}, {0x0800, ACT_WRITE},     {0x0f00, ACT_WRITE},
    {0x0f01, ACT_READ},      {0x0f02, ACT_WRITE},     {0x0f11, ACT_ACCESS},
    {0x0f12, ACT_ACCESS},    {0x0f17, ACT_UPLOAD},    {0x0f18, ACT_DOWNLOAD},
    {0x0f26, ACT_WRITE},     {0x0f29, ACT_READ},      {0x0f3a, ACT_CONFIGURE},
    {0x0f41, ACT_CONFIGURE}, {0x0f50, ACT_DOWNLOAD},  {0x0f52, ACT_DOWNLOAD},
    {0x0f53, ACT_UPLOAD},    {0x0f55, ACT_UPLOAD},    {0x0f57, ACT_DOWNLOAD},
    {0x0f5e, ACT_WRITE},     {0x0f67, ACT_WRITE},     {0x0f68, ACT_READ},
    {0x0f79, ACT_WRITE},     {0x0f80, ACT_CONFIGURE}, {0x0f81, ACT_READ},
    {0x0f82, ACT_READ},      {0x0f8f, ACT_CONFIGURE}, {0x0fa1, ACT_READ},
    {0x0fa2, ACT_READ},      {0x0fa7, ACT_UPLOAD},    {0x0fa9, ACT_WRITE},
    {0x0faa, ACT_WRITE},     {0x0fab, ACT_WRITE},     {0x0faf, ACT_DOWNLOAD},
};

enum act
enip_pccc_act(uint32_t function)
{
    for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
        if (acts[i].function == function)
            return acts[i].act;
    }
    return ACT_OTHER;
}

/* Commands 0x06, 0x07 and 0x0f have functions; the rest are one. */
static bool
has_function(uint8_t command)
{
    return command == 0x06 || command == 0x07 || command == 0x0f;
}

/* Set CPU mode and change mode: to program, or to run. */
static enum act
mode_act(uint32_t function, uint8_t mode, enum act act)
{
    if (function == 0x0f3a)
        return (mode & 3) == 0 ? ACT_STOP : (mode & 3) == 2 ? ACT_START : act;
    if (function == 0x0f80)
        return mode == 1 ? ACT_STOP : mode == 6 ? ACT_START : act;
    return act;
}

void
enip_pccc(struct dissection *d, struct cursor *c, bool is_response)
{
    uint8_t size = cursor_u8(c, "length of requestor id");
    if (!c->err && size < 7)
        cursor_fail(c, ERR_MALFORMED, "length of requestor id");
    uint16_t vendor = cursor_le16(c, "requestor's vendor");
    uint32_t serial = cursor_le32(c, "requestor's serial number");
    cursor_skip(c, size - 7u, "requestor id");
    uint8_t command = cursor_u8(c, "PCCC command"), status = cursor_u8(c, "PCCC status");
    uint16_t transaction = cursor_le16(c, "PCCC transaction");
    if (c->err)
        return;
    pdu_uint(d, ENIP_ORIGINATOR_VENDOR, 0, vendor);
    pdu_uint(d, ENIP_ORIGINATOR_SERIAL, 0, serial);
    pdu_uint(d, ENIP_PCCC_COMMAND, 0, command & 0x3f);
    pdu_uint(d, ENIP_PCCC_STATUS, 0, status);
    pdu_uint(d, ENIP_PCCC_TRANSACTION, 0, transaction);
    if (is_response)
        return;
    uint32_t function = (uint32_t)(command & 0x3f) << 8;
    if (has_function(command & 0x3f))
        function |= cursor_u8(c, "PCCC function");
    if (c->err)
        return;
    pdu_uint(d, ENIP_PCCC_FUNCTION, 0, function);
    d->pdu->act = enip_pccc_act(function);
    if (cursor_left(c))
        d->pdu->act = mode_act(function, *c->pos, d->pdu->act);
}

/* Frames (C37.118.2-2011 clause 6.2), commands (6.6), and which configuration data has. */
#include "proto/ot/c37118/c37118_private.h"

#include "base/crc16.h"

#define SYNC 0xaa
#define CHECK_SIZE 2u

static bool
is_sound(const uint8_t *message, size_t size)
{
    return get_be16(message + size - CHECK_SIZE) ==
           crc16_high_first(crc16_ccitt, 0xffff, message, size - CHECK_SIZE);
}

static bool
is_sync(uint8_t second)
{
    return !(second & 0x80) && second >> 4 <= TYPE_CONFIG_3 && (second & 15) >= 1 &&
           (second & 15) <= 3;
}

enum frame_found
c37118_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = C37118_HEADER_SIZE + CHECK_SIZE;
    if ((size && data[0] != SYNC) || (size > 1 && !is_sync(data[1])))
        return FRAME_NOT;
    if (size < 4)
        return FRAME_MORE;
    size_t length = get_be16(data + 2);
    if (length < *message)
        return FRAME_NOT;
    *message = length;
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

int
c37118_looks(const uint8_t *message, size_t size)
{
    size_t length;
    if (c37118_frame(message, size, &length) != FRAME_WHOLE)
        return LOOKS_NOT;
    return is_sound(message, length) ? LOOKS_SURE : LOOKS_FAINT;
}

/* ---- Configurations that are remembered ---- */

static struct c37118_config *
config_of(struct dissection *d, uint16_t id)
{
    struct c37118_state *s = d->state;
    for (unsigned i = 0; s && i < C37118_STREAMS; i++) {
        if (s->configs[i].is_there && s->configs[i].id == id)
            return &s->configs[i];
    }
    return NULL;
}

static void
remember(struct dissection *d, uint16_t id)
{
    struct c37118_state *s = d->state;
    struct c37118_config *to = config_of(d, id);
    if (!to)
        to = &s->configs[s->next++ % C37118_STREAMS];
    *to = s->reading;
    to->is_there = true;
    to->id = id;
}

/* ---- Frames ---- */

static void
put_head(struct dissection *d, struct cursor *c, const struct c37118_config *config, uint8_t sync)
{
    uint32_t soc = cursor_be32(c, "SOC"), fraction = cursor_be32(c, "FRACSEC");
    if (c->err)
        return;
    nsec_t time = soc * NSEC_PER_SEC;
    uint32_t part = fraction & 0xffffff;
    if (config && part < config->time_base) /* who commands may have another base */
        time += (nsec_t)((uint64_t)part * NSEC_PER_SEC / config->time_base);
    pdu_uint(d, C37118_VERSION, 0, sync & 15);
    pdu_int(d, C37118_TIME, 0, time);
    pdu_uint(d, C37118_FRACTION, 0, part);
    pdu_uint(d, C37118_TIME_QUALITY, 0, fraction >> 24 & 15);
    if (fraction >> 28 & 7)
        pdu_uint(d, C37118_LEAP, 0, fraction >> 28 & 7);
}

static void
put_rest(struct dissection *d, struct cursor *c, enum c37118_field field)
{
    size_t n = cursor_left(c);
    if (n)
        pdu_octets(d, (uint16_t)field, (uint16_t)d->pdu->n_objects, cursor_bytes(c, n, "data"), n);
}

static void
put_body(struct dissection *d, struct cursor *c, enum c37118_type type, uint16_t id, bool sound)
{
    struct c37118_state *s = d->state;
    const struct c37118_config *config;
    switch (type) {
    case TYPE_DATA:
        config = config_of(d, id);
        if (config)
            c37118_data(d, c, config);
        break;
    case TYPE_HEADER:
        put_rest(d, c, C37118_HEADER);
        break;
    case TYPE_CONFIG_1: /* says what a device can, not what it sends */
        c37118_config(d, c, type, NULL);
        break;
    case TYPE_CONFIG_2:
    case TYPE_CONFIG_3:
        c37118_config(d, c, type, s ? &s->reading : NULL);
        if (s && sound && !c->err && s->reading.is_there)
            remember(d, id);
        break;
    case TYPE_COMMAND:
        cursor_skip(c, 2, "command");
        break;
    }
    put_rest(d, c, C37118_DATA);
}

static enum pdu_kind
kind_of(enum c37118_type type)
{
    return type == TYPE_DATA ? PDU_REPORT : type == TYPE_COMMAND ? PDU_REQUEST : PDU_RESPONSE;
}

static void
take_frame(struct dissection *d, struct cursor *c)
{
    struct cursor whole = *c;
    uint8_t sync = cursor_u8(c, "SYNC"), second = cursor_u8(c, "SYNC");
    uint16_t size = cursor_be16(c, "FRAMESIZE");
    if (!c->err && (sync != SYNC || !is_sync(second)))
        cursor_fail(c, ERR_MALFORMED, "SYNC");
    if (!c->err && size < C37118_HEADER_SIZE + CHECK_SIZE)
        cursor_fail(c, ERR_MALFORMED, "FRAMESIZE");
    struct cursor body = cursor_split(c, size - 4u, "frame");
    if (c->err)
        return;
    bool sound = is_sound(whole.pos, size);
    enum c37118_type type = second >> 4;
    body.end -= CHECK_SIZE;
    uint16_t id = cursor_be16(&body, "IDCODE");
    uint32_t function = type;
    uint16_t command = 0;
    if (type == TYPE_COMMAND && cursor_left(&body) >= 10) {
        command = get_be16(body.pos + 8);
        function = C37118_COMMAND_FRAME | command;
    }
    pdu_begin(d, kind_of(type), function);
    pdu_uint(d, C37118_ID, 0, id);
    put_head(d, &body, config_of(d, id), second);
    if (!sound)
        pdu_uint(d, C37118_BAD_CRC, 0, 1);
    if (function & C37118_COMMAND_FRAME)
        pdu_uint(d, C37118_COMMAND, 0, command);
    put_body(d, &body, type, id, sound);
    pdu_end(d, c);
    if (body.err)
        cursor_join(c, &body);
}

void
c37118_dissect(struct dissection *d, struct cursor *c)
{
    do {
        take_frame(d, c); /* of a datagram there may be several */
    } while (cursor_left(c));
}

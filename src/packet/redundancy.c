#include "packet/redundancy.h"

#include "base/cursor.h"

#define MAC_PAIR 12u
#define MIN_PAYLOAD 46u    /* IEEE 802.3 clause 3.2.8 */
#define SIZE_MAX_12 0xfffu /* of a tag */
#define LATEST_PADDING 70u /* frames longer than that are not filled up behind their RCT */

/* Where the EtherType behind the VLAN tags is, and how many of those there are; 0: not in the
 * frame. */
static size_t
type_offset(const uint8_t *frame, size_t size, unsigned *n_tags)
{
    size_t at = MAC_PAIR;
    *n_tags = 0;
    while (at + 2 <= size) {
        uint16_t type = get_be16(frame + at);
        if (type != ETH_TYPE_VLAN && type != ETH_TYPE_SVLAN)
            return at;
        at += 4;
        ++*n_tags;
    }
    return 0;
}

static bool
read_rct(const uint8_t *frame, size_t end, size_t payload, unsigned n_tags,
         struct redundancy_tag *tag)
{
    const uint8_t *rct = frame + end - REDUNDANCY_TAG_SIZE;
    if (get_be16(rct + 4) != ETH_TYPE_PRP)
        return false;
    tag->sequence = get_be16(rct);
    tag->lan = rct[2] >> 4;
    tag->size = get_be16(rct + 2) & SIZE_MAX_12;
    if (tag->lan != PRP_LAN_A && tag->lan != PRP_LAN_B)
        return false;
    /* There are nodes that take inner VLAN tags for payload. */
    for (unsigned i = 0; i <= n_tags; i++) {
        if (tag->size == end - payload + 4u * i)
            return true;
    }
    return false;
}

bool
prp_find_rct(const uint8_t *frame, size_t size, struct redundancy_tag *tag, size_t *offset)
{
    unsigned n_tags;
    size_t type = type_offset(frame, size, &n_tags), payload = type + 2;
    if (!type)
        return false;
    for (size_t end = size; end >= payload + REDUNDANCY_TAG_SIZE; end--) {
        if (read_rct(frame, end, payload, n_tags, tag)) {
            *offset = end - REDUNDANCY_TAG_SIZE;
            return true;
        }
        if (size > LATEST_PADDING || frame[end - 1])
            return false;
    }
    return false;
}

bool
hsr_find_tag(const uint8_t *frame, size_t size, struct redundancy_tag *tag, size_t *offset)
{
    unsigned n_tags;
    size_t type = type_offset(frame, size, &n_tags);
    if (!type || type + 2 + REDUNDANCY_TAG_SIZE > size || get_be16(frame + type) != ETH_TYPE_HSR)
        return false;
    tag->lan = frame[type + 2] >> 4;
    tag->size = get_be16(frame + type + 2) & SIZE_MAX_12;
    tag->sequence = get_be16(frame + type + 4);
    *offset = type;
    return tag->size >= REDUNDANCY_TAG_SIZE && tag->size <= size - type - 2;
}

bool
redundancy_find(uint16_t eth_type, const uint8_t *frame, size_t size, struct redundancy_tag *tag,
                size_t *offset)
{
    return eth_type == ETH_TYPE_HSR ? hsr_find_tag(frame, size, tag, offset)
                                    : prp_find_rct(frame, size, tag, offset);
}

/* Room for `more` octets at the end: there, or by moving the frame towards its headroom. */
static bool
make_tailroom(struct packet *p, uint32_t more)
{
    size_t head = (size_t)(p->data - p->buffer), used = head + p->size;
    size_t missing = used + more > p->capacity ? used + more - p->capacity : 0;
    if (missing > head)
        return false;
    if (missing) {
        memmove(p->data - missing, p->data, p->size);
        p->data -= missing;
    }
    return true;
}

static bool
fill_up(struct packet *p, size_t least)
{
    if (p->size >= least)
        return true;
    uint32_t missing = (uint32_t)least - p->size;
    if (!make_tailroom(p, missing))
        return false;
    memset(p->data + p->size, 0, missing);
    p->size += missing;
    return true;
}

static enum edit_result
append_rct(struct packet *p, const struct redundancy_tag *tag, size_t size)
{
    if (!make_tailroom(p, REDUNDANCY_TAG_SIZE))
        return EDIT_NO_ROOM;
    uint8_t *rct = p->data + p->size;
    put_be16(rct, tag->sequence);
    put_be16(rct + 2, (uint16_t)(tag->lan << 12 | size));
    put_be16(rct + 4, ETH_TYPE_PRP);
    p->size += REDUNDANCY_TAG_SIZE;
    return EDIT_DONE;
}

static enum edit_result
insert_tag(struct packet *p, const struct redundancy_tag *tag, size_t type, size_t size)
{
    if ((size_t)(p->data - p->buffer) < REDUNDANCY_TAG_SIZE)
        return EDIT_NO_ROOM;
    memmove(p->data - REDUNDANCY_TAG_SIZE, p->data, type);
    p->data -= REDUNDANCY_TAG_SIZE;
    p->size += REDUNDANCY_TAG_SIZE;
    put_be16(p->data + type, ETH_TYPE_HSR);
    put_be16(p->data + type + 2, (uint16_t)(tag->lan << 12 | size));
    put_be16(p->data + type + 4, tag->sequence);
    return EDIT_REPARSE;
}

enum edit_result
packet_push_redundancy(struct packet *p, uint16_t eth_type, const struct redundancy_tag *tag)
{
    unsigned n_tags;
    size_t type = type_offset(p->data, p->size, &n_tags), header = type + 2;
    if (!type || p->size - header + REDUNDANCY_TAG_SIZE > SIZE_MAX_12 || p->offload.gso_type)
        return EDIT_NO_ROOM;
    packet_complete_checksum(p);
    if (!fill_up(p, header + MIN_PAYLOAD))
        return EDIT_NO_ROOM;
    size_t size = p->size - header + REDUNDANCY_TAG_SIZE;
    return eth_type == ETH_TYPE_HSR ? insert_tag(p, tag, type, size) : append_rct(p, tag, size);
}

enum edit_result
packet_pop_redundancy(struct packet *p, uint16_t eth_type)
{
    struct redundancy_tag tag;
    size_t offset;
    uint32_t before = p->size;
    if (!redundancy_find(eth_type, p->data, p->size, &tag, &offset))
        return EDIT_DONE;
    if (eth_type == ETH_TYPE_HSR) {
        memmove(p->data + REDUNDANCY_TAG_SIZE, p->data, offset);
        p->data += REDUNDANCY_TAG_SIZE;
        p->size -= REDUNDANCY_TAG_SIZE;
        if (p->offload.needs_checksum)
            p->offload.checksum_start = (uint16_t)(p->offload.checksum_start - REDUNDANCY_TAG_SIZE);
    } else {
        p->size = (uint32_t)offset;
    }
    if (before >= 2 + MAC_PAIR + MIN_PAYLOAD) /* cannot fail: there is what has been cut off */
        (void)fill_up(p, 2 + MAC_PAIR + MIN_PAYLOAD);
    return eth_type == ETH_TYPE_HSR ? EDIT_REPARSE : EDIT_DONE;
}

/* ---- Supervision frames ---- */

const struct mac supervision_address = {{0x01, 0x15, 0x4e, 0x00, 0x01, 0x00}};

static void
read_mac(struct cursor *c, uint8_t size, struct mac *mac)
{
    const uint8_t *octets = NULL;
    if (size != sizeof mac->octets)
        cursor_fail(c, ERR_MALFORMED, "TLV length");
    else
        octets = cursor_bytes(c, sizeof mac->octets, "MAC address");
    if (octets)
        memcpy(mac->octets, octets, sizeof mac->octets);
}

static void
read_first(struct cursor *c, struct supervision *s)
{
    uint16_t word = cursor_be16(c, "path and version");
    s->path = (uint8_t)(word >> 12);
    s->version = word & 0xfff;
    s->sequence = cursor_be16(c, "sequence number");
    s->type = cursor_u8(c, "TLV type");
    uint8_t size = cursor_u8(c, "TLV length");
    bool known = s->type == SUPERVISION_PRP_DISCARD || s->type == SUPERVISION_PRP_ACCEPT ||
                 s->type == SUPERVISION_HSR;
    if (!c->err && (s->version > 1 || !known))
        cursor_fail(c, ERR_UNSUPPORTED, s->version > 1 ? "version" : "TLV type");
    /* Version 0 has the addresses of both ports; they are the same since. */
    if (s->version == 0 && size == 12) {
        read_mac(c, 6, &s->node);
        cursor_skip(c, 6, "MAC address");
    } else {
        read_mac(c, size, &s->node);
    }
}

enum err
supervision_decode(const uint8_t *payload, size_t size, struct supervision *result,
                   struct diag *diag)
{
    struct cursor c = cursor_over(payload, size);
    struct supervision s = {0};
    read_first(&c, &s);
    while (cursor_left(&c) >= 2) { /* the last TLV may be missing where the frame ends */
        uint8_t type = cursor_u8(&c, "TLV type"), length = cursor_u8(&c, "TLV length");
        if (!type)
            break;
        if (type == SUPERVISION_REDBOX) {
            s.has_redbox = true;
            read_mac(&c, length, &s.redbox);
        } else {
            cursor_skip(&c, length, "TLV");
        }
    }
    if (c.err)
        return cursor_explain(&c, diag);
    *result = s;
    return ERR_OK;
}

enum err
supervision_read(const uint8_t *frame, size_t size, struct supervision *s, uint8_t *lan,
                 struct diag *diag)
{
    struct redundancy_tag tag;
    size_t offset;
    unsigned n_tags;
    size_t type = type_offset(frame, size, &n_tags);
    *lan = 0xff;
    if (!type || memcmp(frame, supervision_address.octets, 5))
        return diag_set(diag, ERR_NOT_FOUND, "no supervision frame");
    if (hsr_find_tag(frame, size, &tag, &offset)) {
        type = offset + REDUNDANCY_TAG_SIZE;
        *lan = tag.lan;
    } else if (prp_find_rct(frame, size, &tag, &offset)) {
        size = offset;
        *lan = tag.lan;
    }
    if (get_be16(frame + type) != ETH_TYPE_PRP)
        return diag_set(diag, ERR_NOT_FOUND, "no supervision frame");
    return supervision_decode(frame + type + 2, size - type - 2, s, diag);
}

static uint8_t *
put_tlv(uint8_t *to, uint8_t type, const struct mac *mac)
{
    to[0] = type;
    to[1] = sizeof mac->octets;
    memcpy(to + 2, mac->octets, sizeof mac->octets);
    return to + 2 + sizeof mac->octets;
}

void
supervision_write(const struct supervision *s, const struct mac *source, uint8_t last,
                  uint8_t *frame)
{
    memset(frame, 0, SUPERVISION_FRAME_SIZE); /* so the last TLV is there */
    memcpy(frame, supervision_address.octets, 5);
    frame[5] = last;
    memcpy(frame + 6, source->octets, sizeof source->octets);
    put_be16(frame + 12, ETH_TYPE_PRP);
    put_be16(frame + 14, (uint16_t)(s->path << 12 | (s->version & 0xfff)));
    put_be16(frame + 16, s->sequence);
    uint8_t *end = put_tlv(frame + 18, s->type, &s->node);
    if (s->has_redbox)
        put_tlv(end, SUPERVISION_REDBOX, &s->redbox);
}

/* redundancy_fuzz.c - any octets as frames with an RCT, an HSR tag or as supervision frames: what
 * is found lies in the frame, what is put on comes off again, what can be read can be written. */
#include "packet/redundancy.h"

#include "fuzz.h"

static void
look(uint16_t type, const uint8_t *data, size_t size)
{
    struct redundancy_tag tag;
    size_t offset;
    if (redundancy_find(type, data, size, &tag, &offset))
        check(offset + REDUNDANCY_TAG_SIZE <= size && offset >= 12 && tag.lan <= 15);
}

static void
push_and_pop(struct packet_pool *pool, uint16_t type, const uint8_t *data, uint32_t size)
{
    const struct redundancy_tag tag = {7, PRP_LAN_A, 0};
    struct packet *p = packet_new(pool, size);
    check(p != NULL);
    memcpy(p->data, data, size);
    p->size = size;
    (void)packet_pop_redundancy(p, type);
    check(p->size <= MAX(size, 60));
    enum edit_result result = packet_push_redundancy(p, type, &tag);
    if (result != EDIT_NO_ROOM) {
        struct redundancy_tag found;
        size_t offset;
        check(redundancy_find(type, p->data, p->size, &found, &offset));
        check(found.sequence == 7 && found.lan == PRP_LAN_A);
        (void)packet_pop_redundancy(p, type);
        check(p->data >= p->buffer && p->data + p->size <= p->buffer + p->capacity);
    }
    packet_unref(p);
}

static void
read_and_write(const uint8_t *data, size_t size)
{
    struct supervision first, second;
    uint8_t octets[SUPERVISION_FRAME_SIZE], lan;
    if (supervision_read(data, size, &first, &lan, NULL))
        return;
    supervision_write(&first, &first.node, data[5], octets);
    if (first.version == 0)
        return; /* we write the shorter TLV of version 1 */
    check(!supervision_read(octets, sizeof octets, &second, &lan, NULL));
    check(first.type == second.type && first.sequence == second.sequence &&
          first.has_redbox == second.has_redbox && !memcmp(&first.node, &second.node, 6));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    look(ETH_TYPE_PRP, data, size);
    look(ETH_TYPE_HSR, data, size);
    read_and_write(data, size);
    if (size > PACKET_ROOM)
        return 0;
    struct packet_pool *pool = packet_pool_new(1, 0);
    push_and_pop(pool, ETH_TYPE_PRP, data, (uint32_t)size);
    push_and_pop(pool, ETH_TYPE_HSR, data, (uint32_t)size);
    check(packet_pool_available(pool) == 1);
    packet_pool_free(pool);
    return 0;
}

/* fast_key_fuzz.c - what the kernel's fast path reads of a frame by itself must be what the packet
 * thread reads of it.
 *
 * Input: one octet that says how much of the frame is at hand, and the frame. The kernel takes the
 * outermost tag off before the program sees the frame; so does this. */
#include "edge/kernel/fast_key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct flow_key whole = {.in_port = to_be32(7), .in_phy_port = to_be32(7)}, fast = whole;
    struct packet_layout layout;
    if (size < 1 + 14 || size > 65536)
        return 0;
    const uint8_t *frame = data + 1;
    uint32_t n = (uint32_t)size - 1;
    uint16_t type = get_be16(frame + 12), tci = 0;
    bool tagged = (type == ETH_TYPE_VLAN || type == ETH_TYPE_SVLAN) && n >= 18;
    uint8_t *bare = malloc(n);
    memcpy(bare, frame, n);
    if (tagged) {
        tci = get_be16(frame + 14);
        memmove(bare + 12, bare + 16, n - 16);
        n -= 4;
    }
    uint32_t at_hand = data[0] < 128 ? n : n * (data[0] - 128u) / 128;
    if (fast_key_parse(&fast, bare, bare + at_hand, n, tagged, tci)) {
        flow_key_parse(&whole, frame, size - 1, &layout);
        if (layout.flaw == FLAW_RUNT || memcmp(&whole, &fast, sizeof whole))
            abort();
    }
    free(bare);
    return 0;
}

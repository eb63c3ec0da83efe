/* What the lab's instruments read from the wire: Ethernet headers, answers to probes, numbered
 * streams. The first octet says what the rest is. */
#include "fuzz.h"
#include "lab/tools/probe_frames.h"
#include "lab/tools/stream_account.h"

#include <stdlib.h>

static void
try_frame(const uint8_t *frame, size_t size)
{
    const struct probe_source source = {.mac = {{2, 0, 0, 0, 0, 1}},
                                        .ipv4 = 0x0a010001,
                                        .port = 0xc123,
                                        .token = {{1, 2, 3, 4, 5, 6, 7, 8}}};
    const struct probe_target target = {
        .mac = {{2, 0, 0, 0, 0, 2}}, .mac_is_known = true, .ipv4 = 0x0a010002};
    struct frame_header h;
    struct probe_answer answer;
    char text[PROBE_PROTOCOL_SIZE];
    check(frame_parse(frame, size, &h) <= size);
    check(probe_protocol(frame, size, text) != NULL);
    if (probe_is_answer(frame, size, &source, &target, &answer))
        check(answer.probe && answer.what && answer.number >= 0 && answer.number <= 65535);
}

/* Packets of a stream, eight octets each: how far the number and the time go. */
static void
try_stream(const uint8_t *data, size_t size)
{
    struct stream_account *a = calloc(1, sizeof *a);
    struct stream_header h = {.id = 1};
    check(a != NULL);
    (void)stream_header_read(data, size, &h);
    for (; size >= 8; data += 8, size -= 8) {
        h.number += (uint64_t)(int64_t)(int32_t)get_be32(data);
        h.total = data[7] == 1 ? h.number : 0;
        h.number &= UINT32_MAX;
        h.sent = get_be16(data + 4);
        (void)stream_account_take(a, &h, h.sent + data[6]);
    }
    json_t *o = stream_account_json(a);
    check(o != NULL);
    json_decref(o);
    free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        try_stream(data + 1, size - 1);
    else
        try_frame(data + 1, size - 1);
    return 0;
}

/* What a broker sends, cut anywhere: operation by operation, nothing is read beyond the end, and
 * what was not complete becomes the same once more has come. */
#include "fuzz.h"

#include "base/alloc.h"
#include "bus/nats_frame.h"

#include <string.h>

#define MESSAGE_MAX 1000

static void
check_frame(const struct nats_frame *frame, const char *data, size_t used)
{
    const char *end = data + used;
    check(frame->text >= data && frame->text + frame->text_size <= end);
    (void)nats_frame_is_no_responders(frame);
    if (frame->op != NATS_MSG)
        return;
    check(frame->payload >= data && frame->payload + frame->payload_size + 2 == end);
    check(frame->headers + frame->headers_size == frame->payload);
    check(frame->headers_size + frame->payload_size <= MESSAGE_MAX);
    check(frame->subject + strlen(frame->subject) < end);
    check(!frame->reply_to || frame->reply_to + strlen(frame->reply_to) < end);
}

/* What is short of `used` octets is not complete. */
static void
check_cut(const char *data, size_t used)
{
    struct nats_frame frame;
    struct diag diag;
    size_t size = used - 1, n;
    char *copy = xmalloc(size ? size : 1);
    memcpy(copy, data, size);
    check(nats_frame_take(copy, size, MESSAGE_MAX, &frame, &n, &diag) == ERR_TRUNCATED);
    check(!memcmp(copy, data, size));
    free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    while (size) {
        struct nats_frame frame;
        struct diag diag = {""};
        size_t used;
        char *exact = xmemdup(data, size);
        enum err err = nats_frame_take(exact, size, MESSAGE_MAX, &frame, &used, &diag);
        if (!err) {
            check(used > 0 && used <= size);
            check_frame(&frame, exact, used);
            check_cut((const char *)data, used);
            data += used;
            size -= used;
        } else {
            check(err == ERR_TRUNCATED ? !memcmp(exact, data, size) : diag.text[0] != '\0');
            size = 0;
        }
        free(exact);
    }
    return 0;
}

/* A pcap or pcapng: its frames lie within it, and it ends. */
#include "fuzz.h"
#include "sensor/capture.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct capture capture;
    struct frame f;
    struct diag diag = {""};
    uint32_t n = 0;
    if (capture_open(&capture, data, size, &diag))
        return 0;
    enum err err;
    while (!(err = capture_next(&capture, &f, &diag))) {
        check(f.data >= data && f.size <= size && f.data + f.size <= data + size);
        check(f.wire >= f.size && f.number == ++n && n <= size);
    }
    check(err == ERR_NOT_FOUND || diag.text[0]);
    check(capture_next(&capture, &f, &diag) == err);
    return 0;
}

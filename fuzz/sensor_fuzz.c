/* A capture of frames, each behind its length and the link's kind, through the whole sensor: within
 * its memory, whatever they are. */
#include "exact.h"
#include "fuzz.h"
#include "sensor/message_json.h"
#include "sensor/protocols.h"
#include "sensor/sensor.h"

static void
on_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *p)
{
    struct buf *line = arg;
    buf_clear(line);
    message_json_put(line, c, way, f, p);
    check(line->size > 0 && line->data[line->size - 1] == '\n');
}

static void
on_malformed(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
             const struct cursor *at)
{
    (void)arg, (void)c, (void)way, (void)f;
    check(at->err && at->field);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t links[] = {LINK_ETHERNET, LINK_RAW, LINK_LINUX_SLL, LINK_LINUX_SLL2,
                                     LINK_NULL};
    struct buf line = BUF_INIT;
    const struct sensor_config config = {.protocols = protocols_all,
                                         .conversations = 4,
                                         .memory = 8192,
                                         .arg = &line,
                                         .message = on_message,
                                         .malformed = on_malformed};
    struct sensor *sensor = sensor_new(&config);
    for (uint32_t number = 1; size >= 3; number++) {
        size_t n = data[1] | (size_t)(data[2] & 15) << 8;
        n = n < size - 3 ? n : size - 3;
        uint8_t *copy = exact_copy(data + 3, n);
        struct frame frame = {.data = copy,
                              .size = (uint32_t)n,
                              .wire = (uint32_t)n + (data[2] >> 7),
                              .time = number * NSEC_PER_MSEC * data[2],
                              .link = links[data[0] % 5],
                              .number = number};
        sensor_frame(sensor, &frame);
        exact_free(copy, n);
        data += 3 + n;
        size -= 3 + n;
    }
    sensor_tick(sensor, NSEC_NEVER);
    sensor_free(sensor);
    buf_fini(&line);
    return 0;
}

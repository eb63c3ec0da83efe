/* Ethernet frames, each behind its length and how much later it is, through the sensor into all
 * machines, whose tables are as small as can be: what they find has a name that rules may have. */
#include "detect/file_watch.h"
#include "detect/finding_names.h"
#include "detect/machines.h"
#include "exact.h"
#include "fuzz.h"
#include "sensor/protocols.h"
#include "sensor/sensor.h"

#include <string.h>

/* All files that passed by are looked at. */
static struct file_watch *files;

static void
on_finding(void *arg, const struct finding *f)
{
    (void)arg;
    check(finding_is_known(f->name));
    check(!f->object || strlen(f->object) <= WATCH_TEXT_MAX);
    check(f->detail && strlen(f->detail) <= WATCH_TEXT_MAX);
    check(!f->conversation || f->frame);
}

static void
on_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *p)
{
    machines_message(arg, c, way, f, p);
    file_watch_message(files, c, way, f, p);
}

static void
on_content(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct file_part *part)
{
    (void)arg;
    file_watch_content(files, c, way, f, part);
}

static void
on_data(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
        const uint8_t *octets, uint32_t size, uint32_t lost)
{
    (void)arg;
    file_watch_data(files, c, way, f, octets, size, lost);
}

static void
on_taken(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
         const struct layers *l)
{
    (void)arg;
    file_watch_taken(files, c, way, f, l);
}

static void
on_malformed(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
             const struct cursor *where)
{
    machines_malformed(arg, c, way, f, where);
}

static void
on_packet(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
          const struct layers *l)
{
    machines_packet(arg, c, way, f, l);
}

static void
on_odd(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
       enum stream_news news)
{
    machines_odd(arg, c, way, f, news);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct watch_config watch = {.found = on_finding, .capacity = 2};
    struct machines *machines = machines_new(&watch);
    const struct sensor_config config = {.protocols = protocols_all,
                                         .conversations = 4,
                                         .memory = 65536,
                                         .arg = machines,
                                         .message = on_message,
                                         .malformed = on_malformed,
                                         .packet = on_packet,
                                         .odd = on_odd,
                                         .content = on_content,
                                         .data = on_data,
                                         .taken = on_taken};
    static const char hash[] = "d41d8cd98f00b204e9800998ecf8427e\n"; /* MD5 of nothing */
    struct feed *feed = feed_new();
    struct diag diag = {""};
    check(!feed_add(feed, hash, sizeof hash - 1, "feed", &diag));
    files = file_watch_new(&watch, feed);
    struct sensor *sensor = sensor_new(&config);
    nsec_t now = 0;
    for (uint32_t number = 1; size >= 3; number++) {
        size_t n = data[1] | (size_t)(data[2] & 7) << 8;
        n = n < size - 3 ? n : size - 3;
        uint8_t *copy = exact_copy(data + 3, n);
        now += (data[0] & 15) * NSEC_PER_MSEC << (data[0] >> 4);
        struct frame frame = {.data = copy,
                              .size = (uint32_t)n,
                              .wire = (uint32_t)n,
                              .time = now,
                              .link = LINK_ETHERNET,
                              .number = number};
        sensor_frame(sensor, &frame);
        exact_free(copy, n);
        data += 3 + n;
        size -= 3 + n;
    }
    machines_tick(machines, NSEC_NEVER / 2);
    sensor_free(sensor);
    machines_free(machines);
    file_watch_free(files);
    feed_free(feed);
    return 0;
}

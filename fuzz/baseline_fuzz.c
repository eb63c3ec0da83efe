/* Files of what is usual, and of who talks with whom, which may be damaged or forged, and messages
 * that are held against the former. */
#include "detect/detector.h"
#include "detect/habits.h"

#include "exact.h"
#include "sensor/protocols.h"
#include "sensor/sensor.h"

static bool
count(void *arg, const char *json UNUSED, size_t size)
{
    *(size_t *)arg += size;
    return true;
}

static void
restore_habits(const uint8_t *data, size_t size)
{
    struct habits *h = habits_new(16);
    struct diag diag;
    size_t told = 0;
    if (!habits_restore(h, protocols_all, data, size, &diag)) {
        struct buf saved = BUF_INIT;
        habits_each(h, count, &told);
        habits_save(h, &saved);
        check(!habits_restore(h, protocols_all, saved.data, saved.size, &diag));
        buf_fini(&saved);
    }
    habits_free(h);
}

#define WRITE_OF(value)                                                                            \
    {                                                                                              \
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,                               /* Ethernet */     \
            0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, /* IPv4 */         \
            0x9c, 0x40, 1, 0xf6, 0, 20, 0, 0,                                   /* UDP, Modbus */  \
            0, 2, 0, 0, 0, 6, 1, 6, 0, 16, (value) >> 8, (value)&255                               \
    }

static unsigned n_messages;

static void
on_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *p)
{
    n_messages++;
    detector_message(arg, c, way, f, p);
}

static void
on_hit(void *arg, const struct hit *h)
{
    (void)arg;
    check(h->rule && h->pdu && h->sure <= 100);
}

/* Some writes of a register, the last with another value, far apart. */
static void
write_registers(struct detector *d)
{
    static const uint8_t frames[][54] = {WRITE_OF(7), WRITE_OF(9), WRITE_OF(8), WRITE_OF(0x7000)};
    const struct sensor_config config = {
        .protocols = protocols_all, .conversations = 16, .arg = d, .message = on_message};
    struct sensor *sensor = sensor_new(&config);
    n_messages = 0;
    for (uint32_t i = 0; i < 4; i++) {
        const struct frame f = {.data = frames[i],
                                .size = sizeof frames[i],
                                .wire = sizeof frames[i],
                                .time = (i + 1) * NSEC_PER_SEC,
                                .link = LINK_ETHERNET,
                                .number = i + 1};
        sensor_frame(sensor, &f);
    }
    check(n_messages == 4);
    sensor_free(sensor);
}

static struct rules *
rules_of_text(void)
{
#define HEAD(name) "  - name: " name "\n    title: T\n    explanation: E\n    playbook: [x]\n"
    static const char text[] = "detections:\n" HEAD("a") "    new: [source]\n" HEAD(
        "b") "    protocol: modbus\n    act: write\n    range: {of: value, by: [target, object]}\n";
    const struct rules_source source = {.protocols = protocols_all};
    struct rules *rules;
    struct diag diag;
    check(!rules_parse(&source, text, sizeof text - 1, "f", &rules, &diag));
    return rules;
}

/* What is refused changes nothing, so the detector is there for the next one. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rules *rules;
    static struct detector *d;
    struct diag diag;
    if (!rules)
        rules = rules_of_text();
    if (!d) {
        const struct detector_config config = {.rules = rules,
                                               .protocols = protocols_all,
                                               .learn = 1,
                                               .conversations = 16,
                                               .hit = on_hit};
        d = detector_new(&config);
    }
    uint8_t *copy = exact_copy(data, size);
    bool is_taken = !detector_restore(d, copy, size, &diag);
    restore_habits(copy, size);
    exact_free(copy, size);
    if (is_taken) { /* what was taken is given again, and taken */
        struct buf saved = BUF_INIT;
        write_registers(d);
        detector_save(d, &saved);
        check(!detector_restore(d, saved.data, saved.size, &diag));
        buf_fini(&saved);
        detector_free(d);
        d = NULL;
    }
    return 0;
}

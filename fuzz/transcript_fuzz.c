/* A capture of frames, as in sensor_fuzz.c: what is written down and told again is what the sensor
 * tells, all of it, in the same order. */
#include "base/hash.h"
#include "fuzz.h"
#include "sensor/message_json.h"
#include "sensor/protocols.h"
#include "sensor/transcript.h"

#include <inttypes.h>
#include <string.h>

static void
put(struct buf *b, const char *what, const struct conversation *c, unsigned way,
    const struct frame *f)
{
    buf_printf(b,
               "%s %u %" PRIu64 " %u %s %u%u%d %" PRIu64 "/%" PRIu64 " %" PRIu64 "/%" PRIu64
               " %" PRIu64 "/%" PRIu64 " %u %" PRId64 " %" PRId64 " %" PRId64 " ",
               what, c->slot, c->serial, way, c->protocol ? c->protocol->name : "-", c->known,
               c->side, c->side_is_seen, c->packets[0], c->packets[1], c->octets[0], c->octets[1],
               c->messages[0], c->messages[1], f ? f->number : 0, f ? f->time : 0, c->first,
               c->last);
    buf_put(b, &c->key, sizeof c->key);
    buf_put(b, c->macs, sizeof c->macs);
    buf_put(b, c->lost, sizeof c->lost);
    buf_u8(b, '\n');
}

static void
put_layers(struct buf *b, const struct layers *l)
{
    buf_printf(b, "%016" PRIx64 " %016" PRIx64 " %u %u %u ",
               l->size ? hash_bytes(l->payload, l->size, 1) : 0,
               l->tcp_options_size ? hash_bytes(l->tcp_options, l->tcp_options_size, 1) : 0,
               l->size, l->wire, l->wrapped);
}

static void
on_opened(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
          const struct layers *l)
{
    put_layers(arg, l);
    put(arg, "opened", c, way, f);
}

static void
on_packet(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
          const struct layers *l)
{
    put_layers(arg, l);
    buf_printf(arg, "%u %d ", c->streams[way].next, c->streams[way].is_begun);
    put(arg, "packet", c, way, f);
}

static void
on_odd(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
       enum stream_news news)
{
    put(arg, news == STREAM_DIFFERS ? "differs" : "foreign", c, way, f);
}

static void
on_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *p)
{
    message_json_put(arg, c, way, f, p);
    put(arg, "message", c, way, f);
}

static void
on_malformed(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
             const struct cursor *at)
{
    buf_printf(arg, "%s %zu ", at->field, at->offset);
    put(arg, "malformed", c, way, f);
}

static void
on_data(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
        const uint8_t *octets, uint32_t size, uint32_t lost)
{
    buf_printf(arg, "%016" PRIx64 " %u ", size ? hash_bytes(octets, size, 1) : 0, lost);
    put(arg, "data", c, way, f);
}

static void
on_missing(void *arg, const struct conversation *c, unsigned way, uint32_t lost)
{
    buf_printf(arg, "%u ", lost);
    put(arg, "missing", c, way, NULL);
}

static void
on_content(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct file_part *p)
{
    buf_printf(arg, "%016" PRIx64 " %zu %x %u ",
               p->octets && p->size ? hash_bytes(p->octets, p->size, 1) : 0, p->size, p->flags,
               p->block);
    put(arg, "content", c, way, f);
}

static void
on_taken(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
         const struct layers *l)
{
    put_layers(arg, l);
    put(arg, "taken", c, way, f);
}

static void
on_ended(void *arg, const struct conversation *c)
{
    put(arg, "ended", c, 0, NULL);
}

struct heard {
    struct sensor *direct, *written;
    struct scribe scribe;
    struct transcript transcript;
    struct teller teller;
    struct buf once, again;
};

/* What stands in the transcript is told when the sensor has forgotten it. */
static void
hear(struct heard *h, const struct frame *f)
{
    sensor_frame(h->direct, f);
    scribe_begin(&h->scribe, &h->transcript, f, NULL);
    sensor_frame(h->written, f);
    scribe_end(&h->scribe);
}

static void
end(struct heard *h)
{
    sensor_end(h->direct);
    scribe_begin(&h->scribe, &h->transcript, NULL, NULL);
    sensor_end(h->written);
    scribe_end(&h->scribe);
}

#define FRAMES 4096

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t links[] = {LINK_ETHERNET, LINK_RAW, LINK_LINUX_SLL, LINK_LINUX_SLL2,
                                     LINK_NULL};
    static struct frame frames[FRAMES];
    struct stock_place at = {0};
    uint32_t n_frames = 0;
    struct heard h = {.once = BUF_INIT, .again = BUF_INIT};
    struct sensor_config config = {.protocols = protocols_all,
                                   .conversations = 4,
                                   .memory = 8192,
                                   .arg = &h.once,
                                   .opened = on_opened,
                                   .packet = on_packet,
                                   .odd = on_odd,
                                   .message = on_message,
                                   .malformed = on_malformed,
                                   .missing = on_missing,
                                   .content = on_content,
                                   .data = on_data,
                                   .taken = on_taken,
                                   .ended = on_ended};
    h.direct = sensor_new(&config);
    struct sensor_config again = config, written = config;
    again.arg = &h.again;
    scribe_hear(&h.scribe, &config, &written);
    h.written = sensor_new(&written);
    teller_init(&h.teller, &again);
    while (size >= 3 && n_frames < FRAMES) {
        size_t n = data[1] | (size_t)(data[2] & 15) << 8;
        n = n < size - 3 ? n : size - 3;
        struct frame *f = &frames[n_frames++];
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, data + 3, n);
        *f = (struct frame){.data = copy,
                            .size = (uint32_t)n,
                            .wire = (uint32_t)n + (data[2] >> 7),
                            .time = n_frames * NSEC_PER_MSEC * data[2],
                            .link = links[data[0] % 5],
                            .number = n_frames};
        hear(&h, f);
        data += 3 + n;
        size -= 3 + n;
    }
    end(&h);
    sensor_free(h.written);
    for (uint32_t i = 0; i < n_frames; i++) {
        teller_tell(&h.teller, &h.transcript, &at, &frames[i]);
        free((uint8_t *)(uintptr_t)frames[i].data);
    }
    teller_tell(&h.teller, &h.transcript, &at, NULL);
    check(h.once.size == h.again.size);
    check(!h.once.size || !memcmp(h.once.data, h.again.data, h.once.size));
    sensor_free(h.direct);
    transcript_fini(&h.transcript);
    teller_fini(&h.teller);
    buf_fini(&h.once);
    buf_fini(&h.again);
    return 0;
}

#include "lab/tools/wire_model.h"

#include "base/hash.h"

#define MIN_FRAME 60
#define FRAME_OVERHEAD 24 /* FCS 4, preamble and delimiter 8, gap 12 */

/* Uniform in [0, 1). */
static double
draw(struct wire_way *w)
{
    w->random += UINT64_C(0x9e3779b97f4a7c15);
    return (double)(hash_mix(w->random) >> 11) * 0x1p-53;
}

static nsec_t
sending_time(uint64_t octets, uint64_t rate_bps)
{
    return (nsec_t)((unsigned __int128)octets * 8 * (uint64_t)NSEC_PER_SEC / rate_bps);
}

/* Octets that are not sent yet. */
static uint64_t
backlog(const struct wire_way *w, nsec_t now)
{
    if (w->busy_until <= now)
        return 0;
    uint64_t wait = (uint64_t)(w->busy_until - now);
    return (uint64_t)((unsigned __int128)wait * w->settings.rate_bps / 8 / (uint64_t)NSEC_PER_SEC);
}

enum wire_verdict
wire_way_pass(struct wire_way *w, size_t size, nsec_t now, nsec_t *arrival)
{
    nsec_t sent = now;
    if (w->blocked)
        return WIRE_BLOCKED;
    if (w->settings.loss > 0 && draw(w) < w->settings.loss)
        return WIRE_LOST;
    if (w->settings.rate_bps) {
        uint64_t waiting = backlog(w, now);
        if (waiting && waiting + size > w->settings.queue)
            return WIRE_QUEUE_FULL;
        nsec_t start = MAX(now, w->busy_until);
        sent = w->busy_until = start + sending_time(size, w->settings.rate_bps);
    }
    *arrival = w->last_arrival = MAX(sent + w->settings.delay, w->last_arrival);
    return WIRE_PASS;
}

size_t
wire_size(size_t frame_size, unsigned segments, size_t header_size)
{
    size_t frames = MAX(segments, 1u);
    size_t octets = MAX(frame_size, (size_t)MIN_FRAME) + (frames - 1) * header_size;
    return octets + frames * FRAME_OVERHEAD;
}

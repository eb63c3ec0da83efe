#include "proto/stamp/stamp_peer.h"

#include "base/alloc.h"

#include <stdlib.h>

/* How far back a correction looks for its sample. Kernel timestamps and Follow-Up Telemetry concern
 * the last packets, so this is only a bound on the work a reply can cause. */
#define RECENT 256

void
stamp_peer_fini(struct stamp_peer *p)
{
    free(p->samples);
    p->samples = NULL;
}

/* The i-th sample, newest first. */
static struct stamp_sample *
recent_sample(struct stamp_peer *p, size_t i)
{
    return &p->samples[(p->next + p->n_samples - 1 - i) % p->n_samples];
}

static void
keep_sample(struct stamp_peer *p, const struct stamp_sample *sample, size_t max_samples)
{
    if (p->n_samples < max_samples) {
        GROW(p->samples, p->n_samples, p->capacity);
        p->next = p->n_samples++;
    }
    p->samples[p->next] = *sample;
    p->next = (p->next + 1) % max_samples;
}

/* ---- Progress ------------------------------------------------------------------------------ */

static bool
is_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static void
progress_start(struct stamp_progress *g, const struct stamp_sample *s)
{
    g->started = true;
    g->min_sequence = g->max_sequence = s->sequence;
    g->min_reflected = g->max_reflected = s->reflected;
    g->max_reflected_t2 = s->t2;
}

/* A session starts with number 0 on both sides. If the reflector is ahead of us, it knew the
 * session before we began; then its first reply is where counting starts. */
static void
progress_base(const struct stamp_progress *g, uint32_t *sequence, uint32_t *reflected)
{
    bool fresh = g->min_reflected <= g->min_sequence;
    *sequence = g->base_is_known ? g->base_sequence : fresh ? UINT32_MAX : g->min_sequence - 1;
    *reflected = g->base_is_known ? g->base_reflected : fresh ? UINT32_MAX : g->min_reflected - 1;
}

/* A lower number that was given later on the reflector's own clock: it began anew. */
static bool
reflector_restarted(const struct stamp_progress *g, const struct stamp_sample *s)
{
    return is_before(s->reflected, g->max_reflected) && s->t2 > g->max_reflected_t2;
}

static void
progress_restart(struct stamp_progress *g)
{
    uint32_t base_sequence, base_reflected;
    progress_base(g, &base_sequence, &base_reflected);
    g->past_sent += g->max_sequence - base_sequence;
    g->past_reflected += g->max_reflected - base_reflected;
    g->past_seen += g->seen;
    g->restarts++;
    g->seen = 0;
    g->base_is_known = true;
    g->base_sequence = g->max_sequence;
    g->base_reflected = g->max_reflected = UINT32_MAX;
}

static void
progress_take(struct stamp_progress *g, const struct stamp_sample *s)
{
    if (!g->started)
        progress_start(g, s);
    if (reflector_restarted(g, s))
        progress_restart(g);
    if (g->base_is_known && !is_before(g->base_reflected, s->reflected))
        return; /* from before the window */
    g->seen++;
    if (is_before(s->sequence, g->min_sequence))
        g->min_sequence = s->sequence;
    if (is_before(s->reflected, g->min_reflected))
        g->min_reflected = s->reflected;
    if (is_before(g->max_sequence, s->sequence))
        g->max_sequence = s->sequence;
    if (is_before(g->max_reflected, s->reflected)) {
        g->max_reflected = s->reflected;
        g->max_reflected_t2 = s->t2;
    }
}

/* ---- Replies ------------------------------------------------------------------------------- */

void
stamp_peer_take(struct stamp_peer *p, const struct stamp_sample *s, size_t max_samples)
{
    if (p->any && is_before(s->sequence, p->highest_sequence))
        p->reordered++;
    else
        p->highest_sequence = s->sequence;
    if (p->progress.started && is_before(s->reflected, p->progress.max_reflected) &&
        !reflector_restarted(&p->progress, s))
        p->backward_reordered++;
    p->any = true;
    p->received++;
    progress_take(&p->progress, s);
    keep_sample(p, s, max_samples);
}

void
stamp_peer_take_duplicate(struct stamp_peer *p, const struct stamp_sample *s)
{
    p->duplicated++;
    for (size_t i = 0; i < MIN(p->n_samples, (size_t)RECENT); i++) {
        struct stamp_sample *first = recent_sample(p, i);
        if (first->sequence != s->sequence)
            continue;
        if (s->reflected != first->reflected && s->reflected != first->reflected_again) {
            p->forward_duplicated++;
            first->reflected_again = s->reflected;
            progress_take(&p->progress, s);
        }
        return;
    }
}

void
stamp_peer_correct_t1(struct stamp_peer *p, uint32_t sequence, nsec_t t1)
{
    for (size_t i = 0; i < MIN(p->n_samples, (size_t)RECENT); i++) {
        struct stamp_sample *s = recent_sample(p, i);
        if (s->sequence == sequence) {
            s->t1 = t1;
            return;
        }
    }
}

void
stamp_peer_correct_t3(struct stamp_peer *p, uint32_t reflected, nsec_t t3)
{
    for (size_t i = 0; i < MIN(p->n_samples, (size_t)RECENT); i++) {
        struct stamp_sample *s = recent_sample(p, i);
        if (s->reflected == reflected) {
            if (t3 >= s->t2) /* it cannot have left before it came */
                s->t3 = t3;
            return;
        }
    }
}

/* ---- Results ------------------------------------------------------------------------------- */

static nsec_t
forward_delay(const struct stamp_sample *s)
{
    return s->t2 - s->t1;
}

static nsec_t
backward_delay(const struct stamp_sample *s)
{
    return s->t4 - s->t3;
}

static nsec_t
round_trip_delay(const struct stamp_sample *s)
{
    return forward_delay(s) + backward_delay(s);
}

static struct stamp_delay
summarise(const struct stamp_peer *p, nsec_t (*delay)(const struct stamp_sample *))
{
    struct stamp_delay_sample *delays = xcalloc(p->n_samples + 1, sizeof *delays);
    for (size_t i = 0; i < p->n_samples; i++) {
        delays[i].sequence = p->samples[i].sequence;
        delays[i].delay = delay(&p->samples[i]);
    }
    struct stamp_delay result = stamp_delay_summary(delays, p->n_samples);
    free(delays);
    return result;
}

static int
by_reflected(const void *a, const void *b)
{
    const struct stamp_sample *x = a, *y = b;
    int32_t difference = (int32_t)(x->reflected - y->reflected);
    return (difference > 0) - (difference < 0);
}

/* RFC 4737 section 3.3, at the reflector: packets that came after one that was sent later. */
static uint32_t
count_forward_reordered(const struct stamp_peer *p)
{
    if (p->n_samples == 0)
        return 0;
    struct stamp_sample *sorted = xmemdup(p->samples, p->n_samples * sizeof *sorted);
    qsort(sorted, p->n_samples, sizeof *sorted, by_reflected);
    uint32_t n = 0, highest = sorted[0].sequence;
    for (size_t i = 1; i < p->n_samples; i++) {
        if (is_before(sorted[i].sequence, highest))
            n++;
        else
            highest = sorted[i].sequence;
    }
    free(sorted);
    return n;
}

static uint32_t
minus(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

static void
fill_directions(const struct stamp_peer *p, struct stamp_result *r)
{
    const struct stamp_progress *g = &p->progress;
    uint32_t base_sequence, base_reflected;
    progress_base(g, &base_sequence, &base_reflected);
    uint32_t reflected = g->past_reflected + g->max_reflected - base_reflected;
    r->forward.sent = g->past_sent + g->max_sequence - base_sequence;
    r->forward.received = MIN(minus(reflected, p->forward_duplicated), r->forward.sent);
    r->forward.lost = r->forward.sent - r->forward.received;
    r->forward.duplicated = p->forward_duplicated;
    r->forward.reordered = count_forward_reordered(p);
    r->backward.sent = reflected;
    r->backward.received = MIN(g->past_seen + g->seen, reflected);
    r->backward.lost = r->backward.sent - r->backward.received;
    r->backward.duplicated = minus(p->duplicated, p->forward_duplicated);
    r->backward.reordered = p->backward_reordered;
    r->reflector_restarts = g->restarts;
    r->lost_unattributed = minus(p->lost, r->forward.lost + r->backward.lost);
    r->has_directions = true;
}

void
stamp_peer_result(const struct stamp_peer *p, bool stateful,
                  const struct stamp_error_estimate *sender_error, struct stamp_result *r)
{
    *r = (struct stamp_result){
        .reflector = p->endpoint,
        .round_trip = {.sent = p->received + p->lost,
                       .received = p->received,
                       .lost = p->lost,
                       .duplicated = p->duplicated,
                       .reordered = p->reordered,
                       .delay = summarise(p, round_trip_delay)},
        .forward = {.delay = summarise(p, forward_delay)},
        .backward = {.delay = summarise(p, backward_delay)},
        .late = p->late,
        .lost_unattributed = p->lost,
        .synchronized = p->any && p->all_synchronized && sender_error->synchronized,
        .clock_error = p->error && sender_error->error ? p->error + sender_error->error : 0,
        .tlvs = p->tlvs,
        .location = p->location,
        .timestamps = p->timestamps,
        .class_of_service = p->class_of_service,
        .direct_measurement = p->direct_measurement,
        .sender_ttl = p->sender_ttl,
    };
    memcpy(r->follow_ups, p->follow_ups, sizeof r->follow_ups);
    nsec_t difference = r->forward.delay.p50 - r->backward.delay.p50;
    r->asymmetry = difference < 0 ? -difference : difference;
    if (stateful && p->progress.started)
        fill_directions(p, r);
}

void
stamp_peer_new_window(struct stamp_peer *p)
{
    struct stamp_peer old = *p;
    *p = (struct stamp_peer){
        .endpoint = old.endpoint,
        .samples = old.samples,
        .capacity = old.capacity,
        .progress = {.started = old.progress.started,
                     .base_is_known = old.progress.started,
                     .base_sequence = old.progress.max_sequence,
                     .base_reflected = old.progress.max_reflected,
                     .max_sequence = old.progress.max_sequence,
                     .max_reflected = old.progress.max_reflected,
                     .max_reflected_t2 = old.progress.max_reflected_t2},
        .all_synchronized = true,
    };
}

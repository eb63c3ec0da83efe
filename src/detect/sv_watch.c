#include "detect/sv_watch.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "proto/ot/sv/sv_protocol.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STREAMS 256
#define ID_SIZE 68
#define CHANNELS 16
#define RECENT 16 /* samples that may come again over another way */
#define COPY_WITHIN (20 * NSEC_PER_MSEC)
#define SILENT_AFTER NSEC_PER_SEC
#define LATE 100        /* samples that one may come behind its place */
#define RMS_SAMPLES 400 /* of a window, some cycles of the mains whatever the rate */
#define RMS_WINDOWS 20  /* that are learned from */
#define RMS_FLOOR 1000  /* 1 A, 10 V: what moves less is noise */
#define CURRENTS 4      /* channels, before the voltages: IEC 61850-9-2LE */
#define STEP 2
#define RATE_WINDOWS 3
#define RATE_OFF 0.05 /* part of the rate that a second may be off */

struct key {
    char id[ID_SIZE];
    uint32_t is_simulated;
};

struct channel {
    double squares; /* of this window */
    double mean, deviation;
};

struct said {
    uint32_t count, configuration, synch;
    bool has_count;
    uint64_t hash;
    unsigned n_values;
    int32_t values[CHANNELS];
};

/* What may come with every sample, and is told once a second. */
enum often { OFTEN_PUBLISHER, OFTEN_NUMBERS, OFTEN_REPEATED, OFTEN_BACK };

struct stream_seen {
    struct key key;
    struct end who;
    nsec_t heard;
    bool is_silent;
    uint32_t count, configuration, synch;
    struct {
        uint64_t hash;
        nsec_t time;
        uint32_t count;
    } recent[RECENT];
    uint32_t next_recent;
    uint32_t wrap, maybe_wrap; /* 0: not known */
    nsec_t told[4];            /* by enum often */
    nsec_t rate_begins;
    uint32_t rate_n, n_rates, n_wrong;
    double rate; /* samples a second */
    unsigned n_channels, n_samples;
    uint32_t n_windows;
    struct channel channels[CHANNELS];
    double strengths[CHANNELS]; /* RMS of the last window */
    bool has_strengths;
};

struct sv_watch {
    struct watch_config config;
    struct peer_watch *peers;
    struct watch_table *streams;
};

struct sv_watch *
sv_watch_new(const struct watch_config *config, struct peer_watch *peers)
{
    struct sv_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->peers = peers;
    w->streams = watch_table_of(config, STREAMS, sizeof(struct stream_seen), sizeof(struct key));
    return w;
}

void
sv_watch_free(struct sv_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->streams);
    free(w);
}

#define TELL(name, ...) watch_tell(&w->config, at, name, s->key.id, __VA_ARGS__)

static bool
is_due(struct stream_seen *s, enum often what, nsec_t now)
{
    if (s->told[what] && now - s->told[what] < NSEC_PER_SEC && now >= s->told[what])
        return false;
    s->told[what] = now;
    return true;
}

/* ---- The count ---- */

/* It has come over another way just now; `*is_again`: the count has, with other values. */
static bool
is_copy(struct stream_seen *s, const struct said *said, nsec_t now, bool *is_again)
{
    *is_again = false;
    for (unsigned i = 0; i < RECENT; i++) {
        if (s->recent[i].count != said->count || !s->recent[i].time ||
            now - s->recent[i].time >= COPY_WITHIN)
            continue;
        if (s->recent[i].hash == said->hash)
            return true;
        *is_again = true;
    }
    s->recent[s->next_recent].hash = said->hash;
    s->recent[s->next_recent].time = now;
    s->recent[s->next_recent].count = said->count;
    s->next_recent = (s->next_recent + 1) % RECENT;
    return false;
}

static void
judge_wrap(struct sv_watch *w, struct stream_seen *s, const struct sight *at)
{
    uint32_t wrap = s->count + 1;
    if (s->wrap && wrap != s->wrap) {
        TELL("sv-wrap-wrong", "smpCnt 0 after %u, it wraps behind %u", s->count, s->wrap - 1);
        s->wrap = s->maybe_wrap = 0; /* it learns that anew */
    } else if (!s->wrap) {
        s->wrap = s->maybe_wrap == wrap ? wrap : 0;
        s->maybe_wrap = wrap;
    }
}

/* False: it is late, and does not count. */
static bool
judge_count(struct sv_watch *w, struct stream_seen *s, const struct said *said,
            const struct sight *at)
{
    uint32_t next = s->count + 1;
    if (said->count == next && (!s->wrap || next < s->wrap))
        return true;
    if (said->count == 0 && s->count) {
        judge_wrap(w, s, at);
        return true;
    }
    uint32_t around = s->wrap ? s->wrap : UINT16_MAX + 1u;
    uint32_t ahead = (said->count + around - s->count) % around;
    if (s->wrap && said->count >= s->wrap) {
        TELL("sv-wrap-wrong", "smpCnt %u, it wraps behind %u", said->count, s->wrap - 1);
        s->wrap = s->maybe_wrap = 0;
        return true;
    }
    if (!ahead) {
        if (is_due(s, OFTEN_REPEATED, at->now))
            TELL("sv-repeated", "smpCnt %u again", said->count);
        return true;
    }
    if (around - ahead <= LATE) {
        if (is_due(s, OFTEN_BACK, at->now))
            TELL("sv-went-back", "smpCnt %u after %u", said->count, s->count);
        return false;
    }
    if (s->wrap || said->count > s->count) /* or lost around the wrap, which is not known yet */
        TELL("sv-gap", "smpCnt %u after %u: %u are missing", said->count, s->count, ahead - 1);
    return true;
}

/* ---- The rate ---- */

static void
judge_rate(struct sv_watch *w, struct stream_seen *s, const struct sight *at)
{
    nsec_t passed = at->now - s->rate_begins;
    s->rate_n++;
    if (passed >= 0 && passed < NSEC_PER_SEC)
        return;
    double rate = (double)s->rate_n * (double)NSEC_PER_SEC / (double)(passed > 0 ? passed : 1);
    bool is_whole = s->rate_begins && passed > 0 && passed < 2 * NSEC_PER_SEC;
    s->rate_begins = at->now;
    s->rate_n = 0;
    if (!is_whole)
        return;
    if (s->n_rates < RATE_WINDOWS) {
        s->rate = (s->rate * s->n_rates + rate) / (s->n_rates + 1);
        s->n_rates++;
        return;
    }
    bool is_wrong = fabs(rate - s->rate) > RATE_OFF * s->rate;
    s->n_wrong = is_wrong ? s->n_wrong + 1 : 0;
    if (s->n_wrong == 2) /* one alone is the capture's */
        TELL("sv-rate-wrong", "%.0f samples a second, there were %.0f", rate, s->rate);
}

/* ---- The strength ---- */

/* Whether it is another than it was, by much. */
static bool
judge_channel(struct channel *c, double rms, uint32_t n_windows)
{
    double off = fabs(rms - c->mean);
    if (n_windows >= RMS_WINDOWS && off > RMS_FLOOR && off > 6 * c->deviation &&
        off > 0.3 * c->mean)
        return true;
    double weight = n_windows < RMS_WINDOWS ? 1.0 / (n_windows + 1) : 1.0 / RMS_WINDOWS;
    if (n_windows)
        c->deviation += weight * (off - c->deviation);
    c->mean += weight * (rms - c->mean);
    return false;
}

/* From one window to the next to twice or half as much. */
static unsigned
step_of(unsigned channel, double was, double rms)
{
    bool rose = rms > STEP * was && rms > RMS_FLOOR, fell = was > STEP * rms && was > RMS_FLOOR;
    unsigned step = rose ? PEER_CURRENT_ROSE : fell ? PEER_CURRENT_FELL : 0;
    return channel < CURRENTS ? step : step << 2;
}

static void
judge_window(struct sv_watch *w, struct stream_seen *s, const struct sight *at)
{
    char text[WATCH_TEXT_MAX] = "";
    unsigned steps = 0;
    int n = 0;
    for (unsigned i = 0; i < s->n_channels; i++) {
        struct channel *c = &s->channels[i];
        double rms = sqrt(c->squares / s->n_samples), was = c->mean;
        c->squares = 0;
        steps |= s->has_strengths ? step_of(i, s->strengths[i], rms) : 0;
        s->strengths[i] = rms;
        if (!judge_channel(c, rms, s->n_windows))
            continue;
        if (n < (int)sizeof text - 1)
            n += snprintf(text + n, sizeof text - (size_t)n, "%schannel %u: %.0f after %.0f",
                          n ? ", " : "", i + 1, rms, was);
    }
    s->n_samples = 0;
    s->n_windows++;
    s->has_strengths = true;
    if (!s->key.is_simulated)
        peer_watch_sv(w->peers, at, s->key.id, steps);
    if (!n)
        return;
    TELL("sv-magnitude-step", "%s", text);
    memset(s->channels, 0, sizeof s->channels); /* it learns what there is now */
    s->n_windows = 0;
}

static void
judge_values(struct sv_watch *w, struct stream_seen *s, const struct said *said,
             const struct sight *at)
{
    if (said->n_values != s->n_channels) {
        memset(s->channels, 0, sizeof s->channels);
        s->n_channels = said->n_values;
        s->n_samples = s->n_windows = 0;
        s->has_strengths = false;
    }
    for (unsigned i = 0; i < said->n_values; i++)
        s->channels[i].squares += (double)said->values[i] * said->values[i];
    if (++s->n_samples >= RMS_SAMPLES)
        judge_window(w, s, at);
}

/* ---- Messages ---- */

static void
judge(struct sv_watch *w, struct stream_seen *s, const struct said *said, const struct sight *at)
{
    static const char *const whom[] = {"nobody", "a local clock", "a global clock"};
    const struct end *who = &at->conversation->key.ends[at->way];
    bool is_again;
    if (memcmp(who, &s->who, sizeof *who) && !s->is_silent && at->now - s->heard < SILENT_AFTER) {
        if (is_due(s, OFTEN_PUBLISHER, at->now))
            TELL("sv-publisher-changed", "another sender, smpCnt %u", said->count);
        return;
    }
    if (is_copy(s, said, at->now, &is_again))
        return;
    if (memcmp(who, &s->who, sizeof *who))
        TELL("sv-publisher-changed", "another sender, the first is silent");
    if (said->configuration != s->configuration)
        TELL("sv-conf-rev-changed", "confRev %u after %u", said->configuration, s->configuration);
    if (said->synch < s->synch)
        TELL("sv-synch-lost", "it follows %s after %s", whom[MIN(said->synch, 2u)],
             whom[MIN(s->synch, 2u)]);
    if (s->is_silent)
        TELL("sv-returned", "smpCnt %u after %u", said->count, s->count);
    s->configuration = said->configuration;
    s->synch = said->synch;
    if (is_again) {
        if (is_due(s, OFTEN_NUMBERS, at->now))
            TELL("sv-numbers-again", "smpCnt %u again with other values", said->count);
        return;
    }
    bool counts = s->is_silent || judge_count(w, s, said, at);
    s->who = *who;
    s->heard = at->now;
    s->is_silent = false;
    if (!counts)
        return;
    s->count = said->count;
    judge_rate(w, s, at);
    judge_values(w, s, said, at);
}

static void
take_asdu(struct sv_watch *w, const struct key *key, const struct said *said,
          const struct sight *at)
{
    bool is_new, is_again;
    if (!said->has_count || !key->id[0])
        return;
    struct stream_seen *s = watch_table_get(w->streams, key, &is_new);
    if (!is_new) {
        judge(w, s, said, at);
        return;
    }
    if (key->is_simulated)
        TELL("sv-simulated", "the simulation bit is set");
    s->who = at->conversation->key.ends[at->way];
    s->heard = at->now;
    s->count = said->count;
    s->configuration = said->configuration;
    s->synch = said->synch;
    is_copy(s, said, at->now, &is_again); /* remembers it */
}

static void
read_field(const struct field *f, struct key *key, struct said *said)
{
    said->hash = hash_add(said->hash, f->id == SV_FIELD_SV_ID ? f->n : f->u);
    switch (f->id) {
    case SV_FIELD_SV_ID:
        watch_text(key->id, sizeof key->id, f->octets, f->n);
        break;
    case SV_FIELD_SMP_CNT:
        said->count = (uint32_t)f->u;
        said->has_count = true;
        break;
    case SV_FIELD_CONF_REV:
        said->configuration = (uint32_t)f->u;
        break;
    case SV_FIELD_SMP_SYNCH:
        said->synch = MIN((uint32_t)f->u, 2u); /* above 4 it is the clock's number */
        break;
    case SV_FIELD_VALUE:
        if (said->n_values < CHANNELS)
            said->values[said->n_values++] = (int32_t)f->i;
        break;
    default:
        break;
    }
}

static bool
is_octets(const struct pdu *p, const struct field *f)
{
    enum field_type type = p->protocol->fields[f->id].type;
    return (type == FIELD_OCTETS || type == FIELD_TEXT) && f->id != SV_FIELD_SV_ID;
}

void
sv_watch_message(struct sv_watch *w, const struct sight *at)
{
    const struct pdu *p = at->pdu;
    struct key key;
    struct said said;
    uint16_t object = 0;
    if (p->protocol != &sv_protocol)
        return;
    memset(&key, 0, sizeof key);
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        if (f->object != object) {
            if (object)
                take_asdu(w, &key, &said, at);
            object = f->object;
            said = (struct said){.hash = 1};
            key.id[0] = '\0';
        }
        if (object && is_octets(p, f))
            said.hash = watch_hash_field(p, f, said.hash);
        else if (object)
            read_field(f, &key, &said);
        else if (f->id == PROCESS_BUS_SIMULATED)
            key.is_simulated = f->u != 0;
    }
    if (object)
        take_asdu(w, &key, &said, at);
}

void
sv_watch_tick(struct sv_watch *w, nsec_t now)
{
    const struct sight nothing = {.now = now}, *at = &nothing;
    struct stream_seen *s = NULL;
    while ((s = watch_table_next(w->streams, s))) {
        if (s->is_silent || now - s->heard <= SILENT_AFTER)
            continue;
        s->is_silent = true;
        peer_watch_gone(w->peers, s->key.id);
        TELL("sv-silent", "no sample for more than a second, smpCnt was %u", s->count);
    }
}

#include "detect/series_watch.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "proto/ot/c37118/c37118.h"
#include "proto/ot/dnp3/dnp3.h"
#include "proto/ot/iec104/iec104.h"
#include "proto/ot/modbus/modbus.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SERIES 2048
#define STATIONS 512
#define HISTORY 512u /* values; a power of 2 */
#define NOISY 0.5f   /* part of the values that are not the one before */
#define LEARN 64     /* values before a series is known to be noisy */
#define STUCK 32     /* values, at least, and 8 times the longest run there was */
#define REPLAYED 32  /* values that are what was there before, one after the other */
#define TURNS 8      /* up and down among them; a wave has few */
#define APART 32     /* values between a part and its repetition, at least */
#define REGISTERS 16 /* of a Modbus answer, the first */
#define TIME_BAD 6   /* of C37.118: the clock is off by up to 100 us: more than 1 % of a phasor */
#define STATUS_OUT_OF_STEP 0x2000u
#define TRANSMISSION_OFF 1
#define CLIENTS 8
#define IDENTITIES 4
#define IDENTITY_LEARN 10 /* frames */
#define FLOWING 50        /* frames of data by which it is known that they flow */
#define SILENT_AFTER NSEC_PER_SEC
#define SILENT_FRAMES 10 /* ... and after the time of so many, where they come seldom */

struct series_key {
    uint8_t address[16];
    const struct protocol *protocol;
    uint32_t ip, member, kind, point;
};

struct series {
    struct series_key key;
    struct watch_place next; /* of the value that came behind its own */
    uint32_t n;              /* values there were */
    uint32_t last;
    float value;
    bool is_noisy, is_stuck, is_cyclic, is_rising;
    float change_share;
    uint32_t n_noisy;                 /* values while it was noisy */
    uint32_t run, longest;            /* values that did not change */
    uint32_t match, n_match, n_turns; /* number of the value that this one is again */
    uint32_t history[HISTORY];        /* by number */
    uint32_t numbers[HISTORY];        /* of a value by hash of it and the one before it; from 1 */
};

/* A sender of synchrophasors. */
struct station_key {
    uint8_t address[16];
    uint32_t ip, id;
};

struct station {
    struct station_key key;
    uint64_t configurations[6]; /* hash, by type of frame; 0: not heard yet */
    nsec_t heard;               /* data */
    double interval;
    uint32_t n_frames;
    bool is_silent;
    uint8_t quality;
    bool is_heard, is_out_of_step;
    uint8_t clients[CLIENTS][16];
    uint32_t n_clients;
};

struct sender_key {
    uint8_t address[16];
    uint32_t ip, port;
};

struct sender {
    struct sender_key key;
    uint32_t n, n_ids;
    uint32_t ids[IDENTITIES];
};

struct series_watch {
    struct watch_config config;
    struct watch_table *series, *stations, *senders;
    struct watch_place *next; /* where the next value's series should be */
};

struct series_watch *
series_watch_new(const struct watch_config *config)
{
    struct series_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->series = watch_table_of(config, SERIES, sizeof(struct series), sizeof(struct series_key));
    w->stations = watch_table_of(config, STATIONS, sizeof(struct station),
                                 sizeof(struct station_key));
    w->senders = watch_table_of(config, STATIONS, sizeof(struct sender), sizeof(struct sender_key));
    return w;
}

void
series_watch_free(struct series_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->series);
    watch_table_free(w->stations);
    watch_table_free(w->senders);
    free(w);
}

/* ---- A series ---- */

static void
tell_series(struct series_watch *w, const struct sight *at, const char *name,
            const struct series *s, const char *detail)
{
    char address[WATCH_ADDRESS_SIZE], object[WATCH_TEXT_MAX];
    const struct field_info *field = &s->key.protocol->fields[s->key.kind];
    snprintf(object, sizeof object, "%s %s %u %s %u",
             watch_address(&at->conversation->key, at->way, address), s->key.protocol->name,
             s->key.member, field->name, s->key.point);
    watch_tell(&w->config, at, name, object, "%s", detail);
}

static void
take_change(struct series *s)
{
    if (s->is_noisy && !s->is_stuck) /* of that it does not learn */
        s->longest = MAX(s->longest, s->run);
    s->is_noisy = s->n >= LEARN && s->change_share > NOISY;
    s->is_stuck = false;
    s->run = 0;
}

static void
judge_stuck(struct series_watch *w, struct series *s, bool changed, const struct sight *at)
{
    char detail[WATCH_TEXT_MAX];
    float off = (changed ? 1.0f : 0.0f) - s->change_share;
    s->change_share += s->n < LEARN ? off / (float)(s->n + 1) : off * (1.0f / LEARN);
    if (changed) {
        take_change(s);
        return;
    }
    s->run++;
    if (!s->is_noisy || s->is_stuck || s->run < MAX((uint32_t)STUCK, 8 * s->longest))
        return;
    s->is_stuck = true;
    snprintf(detail, sizeof detail, "%g for %u values, %u was the most", (double)s->value,
             s->run + 1, s->longest + 1);
    tell_series(w, at, "series-stuck", s, detail);
}

/* The number of an earlier value that is this one, and had the same before it; 0: none. Values of a
 * series that hardly changes are not looked for, nor remembered. */
static uint32_t
find_before(struct series *s, uint32_t bits)
{
    uint64_t hash = hash_mix((uint64_t)bits << 32 | s->last);
    uint32_t *number = &s->numbers[hash & (HISTORY - 1)], was = *number;
    *number = s->n;
    if (!was || s->n - was < APART || s->n - was > HISTORY - 2 ||
        s->history[was % HISTORY] != bits || s->history[(was - 1) % HISTORY] != s->last)
        return 0;
    return was;
}

static void
judge_replayed(struct series_watch *w, struct series *s, uint32_t bits, const struct sight *at)
{
    char detail[WATCH_TEXT_MAX];
    uint32_t before = find_before(s, bits);
    s->n_noisy += s->n_noisy < UINT32_MAX;
    if (s->n_match && s->history[(s->match + 1) % HISTORY] == bits && s->match + 1 < s->n) {
        s->match++;
        s->n_match++;
    } else {
        s->match = before;
        s->n_match = before ? 2 : 0;
        s->n_turns = 0;
    }
    if (s->n_match != REPLAYED || s->n_turns < TURNS || s->is_cyclic)
        return;
    if (s->n_noisy < 2 * HISTORY) {
        s->is_cyclic = true;
        return;
    }
    snprintf(detail, sizeof detail, "the last %d values are those %u before again", REPLAYED,
             s->n - s->match);
    tell_series(w, at, "series-replayed", s, detail);
}

static inline bool
is_same_key(const struct series_key *a, const struct series_key *b)
{
    uint64_t x[5], y[5];
    static_assert(sizeof *a == sizeof x, "all of it is compared");
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

/* The values of messages come in the same order again: it is most often the one that came behind
 * the last. */
static struct series *
find_series(struct series_watch *w, const struct series_key *key, bool *is_new)
{
    struct series *s = watch_table_again(w->series, *w->next);
    *is_new = false;
    if (!s || !is_same_key(&s->key, key)) {
        s = watch_table_get(w->series, key, is_new);
        *w->next = watch_table_place(w->series, s);
    }
    w->next = &s->next;
    return s;
}

static void
take_value(struct series_watch *w, const struct series_key *key, double value,
           const struct sight *at)
{
    bool is_new;
    struct series *s = find_series(w, key, &is_new);
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    s->n++; /* numbers begin at 1 */
    if (!is_new) {
        bool is_rising = narrow > s->value, changed = bits != s->last;
        s->n_turns += changed && is_rising != s->is_rising;
        s->is_rising = changed ? is_rising : s->is_rising;
        s->value = narrow;
        judge_stuck(w, s, changed, at);
        if (s->is_noisy)
            judge_replayed(w, s, bits, at);
        else
            s->n_match = 0;
    }
    s->history[s->n % HISTORY] = bits;
    s->value = narrow;
    s->last = bits;
}

static struct series_key
series_of(const struct sight *at)
{
    struct series_key key;
    memset(&key, 0, sizeof key);
    memcpy(key.address, at->conversation->key.ends[at->way].address, sizeof key.address);
    key.protocol = at->pdu->protocol;
    key.ip = at->conversation->key.ip;
    return key;
}

/* ---- What has values ---- */

static double
number_of(const struct pdu *p, const struct field *f)
{
    switch (p->protocol->fields[f->id].type) {
    case FIELD_REAL:
        return f->r;
    case FIELD_INT:
        return (double)f->i;
    default:
        return (double)f->u;
    }
}

static void
take_iec104(struct series_watch *w, const struct sight *at)
{
    const struct pdu *p = at->pdu;
    uint32_t type = p->function;
    struct series_key key = series_of(at);
    if (!((type >= 9 && type <= 14) || type == 21 || (type >= 34 && type <= 36)))
        return;
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        if (f->id == IEC104_COMMON_ADDRESS) {
            key.member = (uint32_t)f->u;
        } else if (f->id == IEC104_OBJECT_ADDRESS) {
            key.point = (uint32_t)f->u;
        } else if (f->id == IEC104_VALUE || f->id == IEC104_REAL || f->id == IEC104_NORMALISED) {
            key.kind = f->id;
            take_value(w, &key, number_of(p, f), at);
        }
    }
}

static void
take_dnp3(struct series_watch *w, const struct sight *at)
{
    const struct pdu *p = at->pdu;
    struct series_key key = series_of(at);
    bool is_analog = false;
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        if (f->id == DNP3_SOURCE) {
            key.member = (uint32_t)f->u;
        } else if (f->id == DNP3_INDEX) {
            key.point = (uint32_t)f->u;
        } else if (f->id == DNP3_POINT_GROUP) {
            is_analog = f->u == 30 || f->u == 32; /* as it is, and its changes */
        } else if (is_analog && (f->id == DNP3_VALUE || f->id == DNP3_REAL)) {
            key.kind = f->id;
            take_value(w, &key, number_of(p, f), at);
        }
    }
}

static void
take_modbus(struct series_watch *w, const struct sight *at)
{
    const struct pdu *p = at->pdu;
    struct series_key key = series_of(at);
    const struct field *unit = pdu_field(p, MODBUS_UNIT, 0);
    const struct field *address = pdu_field(p, MODBUS_ADDRESS, 0);
    const struct field *words = pdu_field(p, MODBUS_WORDS, 0);
    if (p->kind != PDU_RESPONSE || !address || !words || (p->function != 3 && p->function != 4))
        return;
    key.member = unit ? (uint32_t)unit->u : 0;
    key.kind = MODBUS_WORDS;
    for (uint32_t i = 0; i < MIN(words->n, (uint32_t)REGISTERS); i++) {
        key.point = p->function << 16 | ((uint32_t)address->u + i);
        take_value(w, &key, get_be16(words->octets + 2 * (size_t)i), at);
    }
}

/* ---- C37.118 ---- */

static struct station *
station_of(struct series_watch *w, const struct sight *at, unsigned end, uint32_t id)
{
    const struct conversation_key *k = &at->conversation->key;
    struct station_key key = {.ip = k->ip, .id = id};
    bool is_new;
    memcpy(key.address, k->ends[end].address, sizeof key.address);
    return watch_table_get(w->stations, &key, &is_new);
}

#define TELL(end, name, ...)                                                                       \
    watch_tell(&w->config, at, name, watch_address(&at->conversation->key, end, text), __VA_ARGS__)

static void
judge_command(struct series_watch *w, uint32_t id, const struct sight *at)
{
    char text[WATCH_ADDRESS_SIZE], client[WATCH_ADDRESS_SIZE];
    struct station *s = station_of(w, at, !at->way, id);
    const uint8_t *address = at->conversation->key.ends[at->way].address;
    if (at->pdu->function == (C37118_COMMAND_FRAME | TRANSMISSION_OFF))
        s->n_frames = 0; /* it is silent because it was told to be */
    for (uint32_t i = 0; i < MIN(s->n_clients, (uint32_t)CLIENTS); i++) {
        if (!memcmp(s->clients[i], address, 16))
            return;
    }
    memcpy(s->clients[s->n_clients % CLIENTS], address, 16);
    if (s->n_clients++)
        TELL(!at->way, "c37118-commander-new", "%s from %s, who has not commanded it yet",
             at->pdu->info ? at->pdu->info->name : "a command",
             watch_address(&at->conversation->key, at->way, client));
}

static void
judge_identity(struct series_watch *w, uint32_t id, const struct sight *at)
{
    char text[WATCH_ADDRESS_SIZE];
    const struct conversation_key *k = &at->conversation->key;
    struct sender_key key = {.ip = k->ip, .port = k->ends[at->way].port};
    bool is_new;
    memcpy(key.address, k->ends[at->way].address, sizeof key.address);
    struct sender *s = watch_table_get(w->senders, &key, &is_new);
    s->n++;
    for (uint32_t i = 0; i < MIN(s->n_ids, (uint32_t)IDENTITIES); i++) {
        if (s->ids[i] == id)
            return;
    }
    if (s->n_ids && s->n > IDENTITY_LEARN)
        TELL(at->way, "c37118-id-changed", "IDCODE %u after %u", id,
             s->ids[(s->n_ids - 1) % IDENTITIES]);
    s->ids[s->n_ids++ % IDENTITIES] = id;
}

static bool
is_of_the_moment(uint16_t id)
{
    return id == C37118_TIME || id == C37118_FRACTION || id == C37118_TIME_QUALITY ||
           id == C37118_LEAP;
}

static void
judge_configuration(struct series_watch *w, struct station *s, const struct sight *at)
{
    char text[WATCH_ADDRESS_SIZE];
    const struct pdu *p = at->pdu;
    uint64_t hash = 1, *was = &s->configurations[p->function];
    for (uint32_t i = 0; i < p->n_fields; i++) {
        if (p->fields[i].id == C37118_CONTINUATION && p->fields[i].u)
            return; /* a part */
        if (!is_of_the_moment(p->fields[i].id))
            hash = watch_hash_field(p, &p->fields[i], hash);
    }
    if (*was && *was != hash)
        TELL(at->way, "c37118-configuration-changed", "%s of IDCODE %u is another",
             p->info ? p->info->name : "configuration", s->key.id);
    *was = hash;
}

static void
judge_clock(struct series_watch *w, struct station *s, const struct sight *at)
{
    char text[WATCH_ADDRESS_SIZE];
    const struct field *f = pdu_field(at->pdu, C37118_TIME_QUALITY, 0);
    const struct field *status = pdu_field(at->pdu, C37118_STATUS, 1);
    uint8_t quality = f ? (uint8_t)f->u : 0;
    bool is_out = status && status->u & STATUS_OUT_OF_STEP;
    if (s->is_heard && quality >= TIME_BAD && s->quality < TIME_BAD)
        TELL(at->way, "c37118-time-bad", "time quality %u after %u", quality, s->quality);
    else if (s->is_heard && is_out && !s->is_out_of_step)
        TELL(at->way, "c37118-time-bad", "it says that it is out of step");
    s->is_heard = true;
    s->quality = quality;
    s->is_out_of_step = is_out;
}

/* "10.0.0.5 7": whose data, by its IDCODE. */
static const char *
station_text(const struct station *s, char *text)
{
    struct conversation_key key = {.ip = (uint8_t)s->key.ip};
    char address[WATCH_ADDRESS_SIZE];
    memcpy(key.ends[0].address, s->key.address, sizeof s->key.address);
    snprintf(text, WATCH_TEXT_MAX, "%s %u", watch_address(&key, 0, address), s->key.id);
    return text;
}

static void
judge_flow(struct series_watch *w, struct station *s, const struct sight *at)
{
    char text[WATCH_TEXT_MAX], time[WATCH_TIME_SIZE];
    nsec_t passed = at->now - s->heard;
    if (s->is_silent)
        watch_tell(&w->config, at, "c37118-returned", station_text(s, text), "after %s",
                   watch_time(passed, time));
    else if (s->n_frames)
        s->interval += ((double)passed - s->interval) / (s->n_frames < 16 ? s->n_frames : 16);
    s->n_frames++;
    s->heard = at->now;
    s->is_silent = false;
}

void
series_watch_tick(struct series_watch *w, nsec_t now)
{
    const struct sight at = {.now = now};
    char text[WATCH_TEXT_MAX], time[WATCH_TIME_SIZE];
    struct station *s = NULL;
    while ((s = watch_table_next(w->stations, s))) {
        nsec_t passed = now - s->heard;
        if (s->n_frames < FLOWING || s->is_silent || passed <= SILENT_AFTER ||
            (double)passed <= SILENT_FRAMES * s->interval)
            continue;
        s->is_silent = true;
        watch_tell(&w->config, &at, "c37118-silent", station_text(s, text), "no data for %s",
                   watch_time(passed, time));
    }
}

static void
take_data(struct series_watch *w, const struct sight *at)
{
    const struct pdu *p = at->pdu;
    struct series_key key = series_of(at);
    uint16_t object = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        if (f->object != object) {
            object = f->object;
            n = 0;
        }
        if (f->id == C37118_PMU)
            key.member = (uint32_t)f->u;
        if (f->id != C37118_MAGNITUDE && f->id != C37118_REAL && f->id != C37118_FREQUENCY &&
            f->id != C37118_ANALOG)
            continue;
        key.kind = f->id;
        key.point = (uint32_t)object << 16 | n++;
        take_value(w, &key, number_of(p, f), at);
    }
}

static void
take_c37118(struct series_watch *w, const struct sight *at)
{
    const struct pdu *p = at->pdu;
    const struct field *f = pdu_field(p, C37118_ID, 0);
    uint32_t id = f ? (uint32_t)f->u : 0;
    if (!f || pdu_field(p, C37118_BAD_CRC, 0))
        return;
    if (p->function & C37118_COMMAND_FRAME) {
        judge_command(w, id, at);
        return;
    }
    judge_identity(w, id, at);
    struct station *s = station_of(w, at, at->way, id);
    switch (p->function) {
    case 0:
        judge_flow(w, s, at);
        judge_clock(w, s, at);
        take_data(w, at);
        break;
    case 2:
    case 3:
    case 5:
        judge_configuration(w, s, at);
        break;
    default:
        break;
    }
}

void
series_watch_message(struct series_watch *w, const struct sight *at)
{
    const struct protocol *p = at->pdu->protocol;
    w->next = &at->memory->series[at->way];
    if (p == &modbus)
        take_modbus(w, at);
    else if (p == &iec104)
        take_iec104(w, at);
    else if (p == &dnp3)
        take_dnp3(w, at);
    else if (p == &c37118)
        take_c37118(w, at);
}

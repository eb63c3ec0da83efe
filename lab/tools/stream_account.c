#include "lab/tools/stream_account.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC UINT32_C(0x544c5354) /* "TLST" */
#define LISTED 16                  /* outages in the report */

void
stream_header_write(uint8_t *octets, const struct stream_header *h)
{
    put_be32(octets, MAGIC);
    put_be64(octets + 4, h->id);
    put_be64(octets + 12, h->number);
    put_be64(octets + 20, h->total);
    put_be64(octets + 28, (uint64_t)h->sent);
}

bool
stream_header_read(const uint8_t *octets, size_t size, struct stream_header *h)
{
    if (size < STREAM_HEADER_SIZE || get_be32(octets) != MAGIC)
        return false;
    h->id = get_be64(octets + 4);
    h->number = get_be64(octets + 12);
    h->total = get_be64(octets + 20);
    h->sent = (nsec_t)get_be64(octets + 28);
    return true;
}

/* ---- The window of numbers seen: a bit each, for the last STREAM_WINDOW -------------------- */

static uint64_t *
word_of(struct stream_account *a, uint64_t number, uint64_t *bit)
{
    *bit = UINT64_C(1) << (number % 64);
    return &a->seen[number % STREAM_WINDOW / 64];
}

/* True when it had been marked before. */
static bool
mark(struct stream_account *a, uint64_t number)
{
    uint64_t bit, *word = word_of(a, number, &bit);
    bool was = *word & bit;
    *word |= bit;
    return was;
}

static void
advance(struct stream_account *a, uint64_t to)
{
    if (to - a->highest >= STREAM_WINDOW) {
        memset(a->seen, 0, sizeof a->seen);
    } else {
        for (uint64_t n = a->highest + 1; n <= to; n++) {
            uint64_t bit, *word = word_of(a, n, &bit);
            *word &= ~bit;
        }
    }
    a->highest = to;
}

/* ---- Outages ------------------------------------------------------------------------------- */

static struct stream_outage *
shortest_outage(struct stream_account *a)
{
    struct stream_outage *shortest = &a->outages[0];
    for (unsigned i = 1; i < a->n_outages; i++) {
        if (a->outages[i].gap < shortest->gap)
            shortest = &a->outages[i];
    }
    return shortest;
}

static void
note_outage(struct stream_account *a, uint64_t first, uint64_t n, nsec_t arrival)
{
    const struct stream_outage outage = {
        .first = first, .n = n, .at = a->last_arrival, .gap = arrival - a->last_arrival};
    if (a->n_outages < STREAM_OUTAGES) {
        a->outages[a->n_outages++] = outage;
        return;
    }
    struct stream_outage *shortest = shortest_outage(a);
    bool replaces = shortest->gap < outage.gap;
    a->forgotten_outages++;
    a->forgotten_lost += replaces ? shortest->n : n;
    if (replaces)
        *shortest = outage;
}

/* One of the missing came after all: it belongs to the last outage that begins at or below it. */
static void
shrink_outage(struct stream_account *a, uint64_t number)
{
    struct stream_outage *found = NULL;
    for (unsigned i = 0; i < a->n_outages; i++) {
        struct stream_outage *o = &a->outages[i];
        if (o->first <= number && (!found || o->first > found->first))
            found = o;
    }
    if (found && found->n)
        found->n--;
}

static void
take_number(struct stream_account *a, uint64_t number, nsec_t arrival)
{
    if (number > a->highest) {
        if (number - a->highest > 1)
            note_outage(a, a->highest + 1, number - a->highest - 1, arrival);
        advance(a, number);
    } else if (a->highest - number >= STREAM_WINDOW) {
        a->stale++;
        return;
    } else if (number < a->lowest) {
        a->lowest = number;
    }
    if (mark(a, number)) {
        a->duplicated++;
        return;
    }
    if (number < a->highest) {
        a->reordered++;
        shrink_outage(a, number);
    }
    a->received++;
}

bool
stream_account_take(struct stream_account *a, const struct stream_header *h, nsec_t arrival)
{
    a->id = h->id;
    a->total = MAX(a->total, h->total);
    if (h->total && h->number == h->total)
        return true;
    if (!a->started) {
        a->started = true;
        a->lowest = a->highest = h->number;
        a->first_arrival = a->last_arrival = arrival;
    }
    if (arrival - a->last_arrival > a->longest_gap) {
        a->longest_gap = arrival - a->last_arrival;
        a->longest_gap_at = a->last_arrival;
    }
    take_number(a, h->number, arrival);
    latency_add(&a->latency, arrival - h->sent);
    a->last_arrival = MAX(a->last_arrival, arrival);
    return false;
}

uint64_t
stream_account_lost(const struct stream_account *a)
{
    if (a->total)
        return a->total > a->received ? a->total - a->received : 0;
    return a->started ? a->highest - a->lowest + 1 - a->received : 0;
}

static json_t *
time_json(nsec_t wall)
{
    char text[TIME_TEXT_SIZE];
    return json_string(time_format(MAX(wall, 0), text));
}

static int
longest_first(const void *x, const void *y)
{
    const struct stream_outage *a = x, *b = y;
    return (a->gap < b->gap) - (a->gap > b->gap);
}

static json_t *
outages_json(const struct stream_account *a)
{
    json_t *longest = json_array();
    uint64_t n = a->forgotten_outages, lost = a->forgotten_lost;
    struct stream_outage *sorted = xmemdup(a->outages, sizeof a->outages);
    qsort(sorted, a->n_outages, sizeof *sorted, longest_first);
    for (unsigned i = 0; i < a->n_outages; i++) {
        const struct stream_outage *o = &sorted[i];
        if (o->n == 0) /* all came late */
            continue;
        n++;
        lost += o->n;
        if (json_array_size(longest) < LISTED)
            json_array_append_new(longest,
                                  json_pack("{s:I,s:I,s:f,s:o}", "first", (json_int_t)o->first,
                                            "lost", (json_int_t)o->n, "gap_ms",
                                            (double)o->gap / 1e6, "at", time_json(o->at)));
    }
    free(sorted);
    return json_pack("{s:I,s:I,s:o}", "n", (json_int_t)n, "lost", (json_int_t)lost, "longest",
                     longest);
}

json_t *
stream_account_json(const struct stream_account *a)
{
    if (!a->started)
        return json_pack("{s:I,s:I,s:I}", "received", (json_int_t)0, "lost", (json_int_t)a->total,
                         "total", (json_int_t)a->total);
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:o,s:f,s:o,s:o,s:o}", "received",
                     (json_int_t)a->received, "lost", (json_int_t)stream_account_lost(a),
                     "duplicated", (json_int_t)a->duplicated, "reordered", (json_int_t)a->reordered,
                     "stale", (json_int_t)a->stale, "total", (json_int_t)a->total, "duration_s",
                     (double)(a->last_arrival - a->first_arrival) / 1e9, "latency",
                     latency_json(&a->latency), "longest_gap_ms", (double)a->longest_gap / 1e6,
                     "longest_gap_at", time_json(a->longest_gap_at), "outages", outages_json(a),
                     "first_at", time_json(a->first_arrival));
}

#include "edge/ptp_masters.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define RATE_SPAN (10 * NSEC_PER_SEC)
#define RATE_GAP (60 * NSEC_PER_SEC) /* longer silence, or a jump: begin anew */

#define WORDS ((sizeof(struct ptp_master) + 7) / 8)

/* Its own thread's copy, and the one others read: its version is odd while it is being written. */
struct row {
    struct ptp_master master;
    nsec_t origin, arrival, last_arrival; /* of the first Sync of this span */
    uint16_t sequence;
    _Atomic uint32_t version;
    _Atomic uint64_t words[WORDS];
};

struct ptp_masters {
    struct row rows[PTP_MASTERS];
};

struct ptp_masters *
ptp_masters_new(void)
{
    return xcalloc(1, sizeof(struct ptp_masters));
}

void
ptp_masters_free(struct ptp_masters *m)
{
    free(m);
}

static void
publish(struct row *row)
{
    uint64_t words[WORDS] = {0};
    uint32_t version = atomic_load_explicit(&row->version, memory_order_relaxed);
    memcpy(words, &row->master, sizeof row->master);
    atomic_store_explicit(&row->version, version + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < WORDS; i++)
        atomic_store_explicit(&row->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&row->version, version + 2, memory_order_release);
}

static bool
read_row(const struct row *row, struct ptp_master *master)
{
    uint64_t words[WORDS];
    uint32_t before = atomic_load_explicit(&row->version, memory_order_acquire);
    for (size_t i = 0; i < WORDS; i++)
        words[i] = atomic_load_explicit(&row->words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (before % 2 || atomic_load_explicit(&row->version, memory_order_relaxed) != before)
        return false;
    memcpy(master, words, sizeof *master);
    return before != 0;
}

static struct row *
find(struct ptp_masters *m, uint8_t domain, const struct ptp_port_identity *source)
{
    for (unsigned i = 0; i < PTP_MASTERS; i++) {
        struct row *row = &m->rows[i];
        if (row->master.n && row->master.domain == domain &&
            ptp_port_identity_equal(&row->master.source, source))
            return row;
    }
    return NULL;
}

static struct row *
oldest(struct ptp_masters *m)
{
    struct row *found = &m->rows[0];
    for (unsigned i = 1; i < PTP_MASTERS; i++) {
        if (m->rows[i].master.last < found->master.last)
            found = &m->rows[i];
    }
    found->master = (struct ptp_master){0};
    found->origin = found->arrival = found->last_arrival = 0;
    return found;
}

void
ptp_masters_announce(struct ptp_masters *m, const struct ptp_message *message, uint32_t in_port,
                     nsec_t wall)
{
    struct row *row = find(m, message->domain, &message->source);
    if (!row)
        row = oldest(m);
    row->master.domain = message->domain;
    row->master.source = message->source;
    row->master.announce = message->announce;
    row->master.in_port = in_port;
    row->master.last = wall;
    row->master.n++;
    publish(row);
}

static void
begin_span(struct row *row, nsec_t origin, nsec_t arrival)
{
    row->origin = origin;
    row->arrival = row->last_arrival = arrival;
}

void
ptp_masters_sync(struct ptp_masters *m, uint8_t domain, const struct ptp_port_identity *source,
                 uint16_t sequence, nsec_t origin, nsec_t arrival)
{
    struct row *row = find(m, domain, source);
    if (!row || (row->last_arrival && row->sequence == sequence))
        return;
    row->sequence = sequence;
    nsec_t gap = arrival - row->last_arrival, span = arrival - row->arrival, sent;
    if (gap <= 0 || gap > RATE_GAP || __builtin_sub_overflow(origin, row->origin, &sent)) {
        begin_span(row, origin, arrival);
        return;
    }
    row->last_arrival = arrival;
    if (span < RATE_SPAN)
        return;
    double ppm = ((double)sent / (double)span - 1) * 1e6;
    row->master.has_rate = ppm > -1000 && ppm < 1000; /* more is a clock that was set */
    row->master.rate_ppm = ppm;
    begin_span(row, origin, arrival);
    publish(row);
}

unsigned
ptp_masters_get(const struct ptp_masters *m, nsec_t since, struct ptp_master masters[PTP_MASTERS])
{
    unsigned n = 0;
    for (unsigned i = 0; i < PTP_MASTERS; i++) {
        struct ptp_master master = {0};
        bool read = false;
        for (int tries = 0; tries < 100 && !read; tries++)
            read = read_row(&m->rows[i], &master);
        if (read && master.last >= since)
            masters[n++] = master;
    }
    return n;
}

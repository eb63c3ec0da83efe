/* stream_account.h - what became of a numbered stream: lost, doubled, out of order, late, and how
 * long nothing came. Pure. */
#ifndef LAB_TOOLS_STREAM_ACCOUNT_H
#define LAB_TOOLS_STREAM_ACCOUNT_H

#include "base/cursor.h"
#include "lab/tools/latency.h"

/* ---- What a packet of the stream carries, in network byte order ---------------------------- */

#define STREAM_HEADER_SIZE 36

struct stream_header {
    uint64_t id;     /* drawn by the sender at its start */
    uint64_t number; /* from 0; equal to `total`: not a packet of the stream, but its end */
    uint64_t total;  /* packets of the stream, when the sender knows; else 0 */
    nsec_t sent;     /* wall clock */
};

void stream_header_write(uint8_t *octets, const struct stream_header *);
/* False: the octets are no packet of a stream. */
bool stream_header_read(const uint8_t *octets, size_t size, struct stream_header *);

/* ---- The account --------------------------------------------------------------------------- */

#define STREAM_WINDOW 65536 /* packets; one that comes later than this behind is not judged */
#define STREAM_OUTAGES 256  /* the longest ones are remembered one by one */

/* Numbers that are missing next to each other. */
struct stream_outage {
    uint64_t first, n; /* n counts down when some come late after all */
    nsec_t at;         /* wall clock of the packet before */
    nsec_t gap;        /* from that to the packet behind */
};

struct stream_account {
    bool started;
    uint64_t id, total;
    uint64_t lowest, highest; /* numbers seen */
    uint64_t received, duplicated, reordered, stale;
    nsec_t first_arrival, last_arrival;
    nsec_t longest_gap, longest_gap_at;
    struct latency latency;
    unsigned n_outages;                         /* in `outages` */
    uint64_t forgotten_outages, forgotten_lost; /* shorter ones, for which there was no room */
    struct stream_outage outages[STREAM_OUTAGES];
    uint64_t seen[STREAM_WINDOW / 64];
};

/* True: that was the stream's end. */
bool stream_account_take(struct stream_account *, const struct stream_header *, nsec_t arrival);

/* Packets that have not come: of the whole stream when its length is known (a stream starts with
 * number 0), else of those between the lowest and the highest number seen. */
uint64_t stream_account_lost(const struct stream_account *);

/* Everything as one object. */
json_t *stream_account_json(const struct stream_account *);

#endif

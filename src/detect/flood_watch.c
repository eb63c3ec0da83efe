#include "detect/flood_watch.h"

#include "base/alloc.h"
#include "proto/ot/c37118/c37118.h"
#include "proto/ot/dnp3/dnp3.h"

#include <stdlib.h>

#define ADDRESSES 4096
#define PROTO_TCP 6

static const struct watch_rate_limits packets = {
    .window = NSEC_PER_SEC, .least = 2000, .factor = 8, .windows = 10, .before = 50000};
/* Connections begun, less those that were completed or refused. */
static const struct watch_rate_limits openings = {
    .window = 2 * NSEC_PER_SEC, .least = 100, .factor = 8, .windows = 10, .before = 200};
static const struct watch_rate_limits malformed = {
    .window = 10 * NSEC_PER_SEC, .least = 10, .factor = 4, .windows = 6, .before = 10};
static const struct watch_rate_limits checksums = {
    .window = 10 * NSEC_PER_SEC, .least = 5, .factor = 4, .windows = 6, .before = 5};

struct address {
    uint8_t octets[16];
    uint32_t ip;
};

struct heard {
    struct address address;
    struct watch_rate packets, openings;    /* to it */
    struct watch_rate malformed, checksums; /* from it */
};

struct flood_watch {
    struct watch_config config;
    struct watch_table *addresses;
};

struct flood_watch *
flood_watch_new(const struct watch_config *config)
{
    struct flood_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->addresses = watch_table_of(config, ADDRESSES, sizeof(struct heard), sizeof(struct address));
    return w;
}

void
flood_watch_free(struct flood_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->addresses);
    free(w);
}

static struct heard *
heard_of(struct flood_watch *w, const struct sight *at, unsigned end)
{
    const struct conversation_key *key = &at->conversation->key;
    struct address a;
    bool is_new;
    struct heard *h = watch_table_again(w->addresses, at->memory->heard[end]);
    if (h)
        return h;
    memcpy(a.octets, key->ends[end].address, sizeof a.octets);
    a.ip = key->ip;
    h = watch_table_get(w->addresses, &a, &is_new);
    at->memory->heard[end] = watch_table_place(w->addresses, h);
    return h;
}

static void
tell(struct flood_watch *w, const struct sight *at, const char *name, unsigned end,
     const struct watch_rate *r, const struct watch_rate_limits *l)
{
    char text[WATCH_ADDRESS_SIZE];
    watch_tell(&w->config, at, name, watch_address(&at->conversation->key, end, text),
               "%u in %d s, the most was %u", r->n, (int)(l->window / NSEC_PER_SEC), r->most);
}

/* The first packet of a client begins; the second, or a reset, settles it. */
static void
take_opening(struct flood_watch *w, struct heard *target, const struct sight *at,
             const struct layers *l)
{
    const struct conversation *c = at->conversation;
    bool is_syn = (l->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    uint64_t n = c->packets[at->way], n_back = c->packets[!at->way];
    if (is_syn && n == 1) {
        if (watch_rate_count(&target->openings, &openings, at->now))
            tell(w, at, "flood-syn", !at->way, &target->openings, &openings);
        return;
    }
    struct heard *served = NULL;
    if (l->tcp_flags & TCP_RST && n == 1 && n_back == 1)
        served = heard_of(w, at, at->way); /* refused */
    else if (!is_syn && n == 2 && n_back && c->side_is_seen &&
             (c->side == SIDE_CLIENT) == (at->way == 0))
        served = target;
    if (served && served->openings.n)
        served->openings.n--;
}

void
flood_watch_packet(struct flood_watch *w, const struct sight *at, const struct layers *l)
{
    struct heard *target = heard_of(w, at, !at->way);
    if (watch_rate_count(&target->packets, &packets, at->now))
        tell(w, at, "flood-packets", !at->way, &target->packets, &packets);
    if (l->ip && l->proto == PROTO_TCP && l->has_ports)
        take_opening(w, target, at, l);
}

void
flood_watch_malformed(struct flood_watch *w, const struct sight *at, const struct cursor *where)
{
    struct heard *sender = heard_of(w, at, at->way);
    char text[WATCH_ADDRESS_SIZE];
    if (watch_rate_count(&sender->malformed, &malformed, at->now))
        watch_tell(&w->config, at, "flood-malformed",
                   watch_address(&at->conversation->key, at->way, text),
                   "%u in 10 s, the most was %u; the last in %s", sender->malformed.n,
                   sender->malformed.most, where->field ? where->field : "?");
}

void
flood_watch_message(struct flood_watch *w, const struct sight *at)
{
    const struct pdu *p = at->pdu;
    bool is_bad = (p->protocol == &dnp3 && pdu_field(p, DNP3_BAD_CRCS, 0)) ||
                  (p->protocol == &c37118 && pdu_field(p, C37118_BAD_CRC, 0));
    if (!is_bad)
        return;
    struct heard *sender = heard_of(w, at, at->way);
    if (watch_rate_count(&sender->checksums, &checksums, at->now))
        tell(w, at, "flood-bad-checksums", at->way, &sender->checksums, &checksums);
}

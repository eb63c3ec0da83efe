#include "detect/beacon_watch.h"

#include "base/alloc.h"
#include "proto/it/ftp/ftp.h"
#include "proto/it/http/http.h"
#include "proto/it/ssh/ssh.h"
#include "proto/it/telnet/telnet.h"
#include "proto/it/tftp/tftp.h"
#include "proto/it/tls/tls.h"
#include "sensor/protocols.h"

#include <math.h>
#include <stdlib.h>

#define TALKERS 4096
#define REGULAR 12
#define SPREAD 0.4
#define PERIOD_MIN (10 * NSEC_PER_SEC)
#define PERIOD_MAX (3600 * NSEC_PER_SEC)
#define SIZE_SPREAD 16
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PORTS 65536

/* Compared as octets. */
struct talker_key {
    uint8_t client[16], server[16];
    uint16_t port;
    uint8_t ip, proto;
};

struct talker {
    struct talker_key key;
    uint32_t size, n;
    nsec_t last, first; /* of those in a row */
    nsec_t least, most; /* of the intervals */
    struct beacon_talk talk;
    bool is_by_design, is_told;
};

struct beacon_watch {
    struct watch_config config;
    struct watch_table *talkers;
    uint64_t by_design[PORTS / 64]; /* ports, a bit each */
};

/* What people use, and programs like these hide in. */
static bool
may_beacon(const struct protocol *p)
{
    return !p || p == &http || p == &tls || p == &ssh || p == &telnet_protocol ||
           p == &ftp_protocol || p == &tftp_protocol;
}

struct beacon_watch *
beacon_watch_new(const struct watch_config *config)
{
    struct beacon_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    if (config->octets)
        *config->octets += sizeof *w;
    w->talkers = watch_table_of(config, TALKERS, sizeof(struct talker), sizeof(struct talker_key));
    for (const struct protocol *const *p = protocols_all; *p; p++) {
        if (may_beacon(*p) || !((*p)->carriers & (CARRIER_TCP | CARRIER_UDP)))
            continue;
        for (const uint16_t *port = (*p)->ports; port && *port; port++)
            w->by_design[*port / 64] |= UINT64_C(1) << *port % 64;
    }
    return w;
}

void
beacon_watch_free(struct beacon_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->talkers);
    free(w);
}

static bool
is_of_one(const uint8_t *address, uint8_t ip)
{
    return ip == 4 ? address[0] < 224 && address[3] != 255 : address[0] != 0xff;
}

static void
begin(struct talker *t, nsec_t now, uint32_t size)
{
    t->first = t->last = now;
    t->n = 0;
    t->size = size;
}

/* One more in the row; false: it does not fit. */
static bool
fits(struct talker *t, nsec_t now, uint32_t size)
{
    nsec_t interval = now - t->last;
    if (interval < PERIOD_MIN || interval > PERIOD_MAX ||
        labs((long)size - (long)t->size) > SIZE_SPREAD)
        return false;
    nsec_t least = t->n ? MIN(t->least, interval) : interval;
    nsec_t most = t->n ? MAX(t->most, interval) : interval;
    double mean = (double)(now - t->first) / (t->n + 1);
    if ((double)least < (1 - SPREAD) * mean || (double)most > (1 + SPREAD) * mean)
        return false;
    t->least = least;
    t->most = most;
    t->last = now;
    t->n++;
    return true;
}

void
beacon_watch_packet(struct beacon_watch *w, const struct sight *at, uint32_t size,
                    const struct watch_memory *(*heard)(void *, const struct beacon_talk *),
                    void *arg)
{
    const struct conversation *c = at->conversation;
    const struct end *client = &c->key.ends[at->way], *server = &c->key.ends[!at->way];
    struct talker_key key = {.port = server->port, .ip = c->key.ip, .proto = c->key.proto};
    bool is_new;
    if (w->by_design[server->port / 64] >> server->port % 64 & 1 ||
        w->by_design[client->port / 64] >> client->port % 64 & 1 ||
        !is_of_one(server->address, c->key.ip))
        return;
    memcpy(key.client, client->address, sizeof key.client);
    memcpy(key.server, server->address, sizeof key.server);
    struct talker *t = watch_table_get(w->talkers, &key, &is_new);
    if (is_new)
        begin(t, at->now, size);
    if (t->is_by_design || t->is_told)
        return;
    const struct watch_memory *before = t->talk.serial ? heard(arg, &t->talk) : NULL;
    t->is_by_design = !may_beacon(before ? before->protocol : NULL) || !may_beacon(c->protocol);
    bool was_refused = before && c->key.proto == PROTO_TCP && !before->is_accepted;
    t->talk = (struct beacon_talk){.serial = c->serial, .slot = c->slot};
    if (is_new || (at->now >= t->last && at->now - t->last < BEACON_GAP))
        return;
    if (was_refused || !fits(t, at->now, size)) {
        begin(t, at->now, size);
        return;
    }
    if (t->n < REGULAR)
        return;
    t->is_told = true;
    char text[WATCH_ADDRESS_SIZE];
    double mean = (double)(at->now - t->first) / (double)t->n / 1e9;
    watch_tell(&w->config, at, "beacon", watch_address(&c->key, !at->way, text),
               "%s port %u, every %.1f s (%.1f to %.1f s, %u times)",
               c->key.proto == PROTO_UDP ? "UDP" : "TCP", server->port, mean,
               (double)t->least / 1e9, (double)t->most / 1e9, t->n);
}

#include "detect/machines.h"

#include "base/alloc.h"
#include "detect/answer_watch.h"
#include "detect/arp_watch.h"
#include "detect/beacon_watch.h"
#include "detect/flood_watch.h"
#include "detect/goose_watch.h"
#include "detect/peer_watch.h"
#include "detect/poll_watch.h"
#include "detect/ptp_watch.h"
#include "detect/series_watch.h"
#include "detect/sv_watch.h"
#include "detect/tcp_watch.h"
#include "proto/arp/arp.h"
#include "proto/ot/c37118/c37118.h"
#include "proto/ot/dnp3/dnp3.h"
#include "proto/ot/goose/goose_protocol.h"
#include "proto/ot/iec104/iec104.h"
#include "proto/ot/modbus/modbus.h"
#include "proto/ot/sv/sv_protocol.h"
#include "proto/ptp/ptp_protocol.h"

#include <stdlib.h>

#define PROTO_TCP 6
#define PROTO_UDP 17
#define TICK (100 * NSEC_PER_MSEC)
#define MEMORIES 8192u /* conversations; a power of 2 */

/* Which machine looks at a protocol's messages. */
enum wants {
    WANTS_GOOSE = 1,
    WANTS_SV = 2,
    WANTS_ARP = 4,
    WANTS_SERIES = 8,
    WANTS_PTP = 16,
    WANTS_FLOOD = 32,
    WANTS_ANSWERS = 64,
};

static const struct {
    const struct protocol *protocol;
    unsigned wants;
} wanted[] = {
    {&goose_protocol, WANTS_GOOSE},
    {&sv_protocol, WANTS_SV},
    {&arp_protocol, WANTS_ARP},
    {&ptp_protocol, WANTS_PTP},
    {&modbus, WANTS_SERIES | WANTS_ANSWERS},
    {&iec104, WANTS_SERIES | WANTS_ANSWERS},
    {&dnp3, WANTS_SERIES | WANTS_FLOOD | WANTS_ANSWERS},
    {&c37118, WANTS_SERIES | WANTS_FLOOD},
};

struct machines {
    struct peer_watch *peers;
    struct goose_watch *goose;
    struct sv_watch *sv;
    struct arp_watch *arp;
    struct tcp_watch *tcp;
    struct poll_watch *poll;
    struct series_watch *series;
    struct ptp_watch *ptp;
    struct flood_watch *flood;
    struct answer_watch *answers;
    struct beacon_watch *beacons;
    uint32_t n_memories;
    nsec_t ticked;
    struct watch_memory *memories; /* by conversations' slots; where two meet the newer has it */
    size_t octets;
};

struct machines *
machines_new(const struct watch_config *its)
{
    struct machines *m = xcalloc(1, sizeof *m);
    struct watch_config counted = *its;
    const struct watch_config *config = &counted;
    for (m->n_memories = MEMORIES; its->capacity && m->n_memories > 2 * its->capacity;)
        m->n_memories /= 2;
    m->octets = sizeof *m + m->n_memories * sizeof *m->memories;
    m->memories = xcalloc(m->n_memories, sizeof *m->memories);
    counted.octets = &m->octets;
    m->peers = peer_watch_new(config);
    m->goose = goose_watch_new(config, m->peers);
    m->sv = sv_watch_new(config, m->peers);
    m->arp = arp_watch_new(config);
    m->tcp = tcp_watch_new(config);
    m->poll = poll_watch_new(config);
    m->series = series_watch_new(config);
    m->ptp = ptp_watch_new(config);
    m->flood = flood_watch_new(config);
    m->answers = answer_watch_new(config);
    m->beacons = beacon_watch_new(config);
    return m;
}

size_t
machines_octets(const struct machines *m)
{
    return m->octets;
}

void
machines_free(struct machines *m)
{
    if (!m)
        return;
    goose_watch_free(m->goose);
    sv_watch_free(m->sv);
    arp_watch_free(m->arp);
    tcp_watch_free(m->tcp);
    poll_watch_free(m->poll);
    series_watch_free(m->series);
    ptp_watch_free(m->ptp);
    flood_watch_free(m->flood);
    peer_watch_free(m->peers);
    answer_watch_free(m->answers);
    beacon_watch_free(m->beacons);
    free(m->memories);
    free(m);
}

void
machines_tick(struct machines *m, nsec_t now)
{
    m->ticked = now;
    goose_watch_tick(m->goose, now);
    sv_watch_tick(m->sv, now);
    peer_watch_tick(m->peers, now);
    poll_watch_tick(m->poll, now);
    series_watch_tick(m->series, now);
}

static struct watch_memory *
memory_of(struct machines *m, const struct conversation *c)
{
    struct watch_memory *memory = &m->memories[c->slot & (m->n_memories - 1)];
    if (memory->serial != c->serial || !c->serial) {
        bool is_late = c->packets[0] + c->packets[1] > 1;
        *memory = (struct watch_memory){
            .serial = c->serial, .is_late = is_late, .is_accepted = is_late};
    }
    return memory;
}

static unsigned
wants_of(struct watch_memory *memory, const struct protocol *p)
{
    if (memory->protocol == p)
        return memory->wants;
    memory->protocol = p;
    memory->wants = 0;
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        if (wanted[i].protocol == p)
            memory->wants = wanted[i].wants;
    }
    return memory->wants;
}

void
machines_message(struct machines *m, const struct conversation *c, unsigned way,
                 const struct frame *f, const struct pdu *p)
{
    struct watch_memory *memory = memory_of(m, c);
    const struct sight at = sight_of(c, way, f, p, memory);
    unsigned wants = wants_of(memory, p->protocol);
    if (wants & WANTS_GOOSE)
        goose_watch_message(m->goose, &at);
    if (wants & WANTS_SV)
        sv_watch_message(m->sv, &at);
    if (wants & WANTS_ARP)
        arp_watch_message(m->arp, &at);
    poll_watch_message(m->poll, &at);
    if (wants & WANTS_SERIES)
        series_watch_message(m->series, &at);
    if (wants & WANTS_PTP)
        ptp_watch_message(m->ptp, &at);
    if (wants & WANTS_FLOOD)
        flood_watch_message(m->flood, &at);
    if (wants & WANTS_ANSWERS)
        answer_watch_message(m->answers, &at);
}

void
machines_malformed(struct machines *m, const struct conversation *c, unsigned way,
                   const struct frame *f, const struct cursor *where)
{
    const struct sight at = sight_of(c, way, f, NULL, memory_of(m, c));
    flood_watch_malformed(m->flood, &at, where);
}

static const struct watch_memory *
heard_in(void *arg, const struct beacon_talk *talk)
{
    const struct machines *m = arg;
    const struct watch_memory *memory = &m->memories[talk->slot & (m->n_memories - 1)];
    return memory->serial == talk->serial ? memory : NULL;
}

/* Of connections the first packet, of datagrams the first of some: most packets are neither. */
static inline void
take_beginning(struct machines *m, const struct sight *at, const struct layers *l)
{
    struct watch_memory *memory = at->memory;
    bool begins = false;
    if (l->proto == PROTO_TCP) {
        const struct stream *back = &at->conversation->streams[!at->way];
        begins = (l->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
                 at->conversation->packets[at->way] == 1;
        memory->is_accepted |= (l->tcp_flags & (TCP_ACK | TCP_RST)) == TCP_ACK;
        memory->lacks[at->way] = l->tcp_flags & TCP_ACK &&
                                 (!back->is_begun || (int32_t)(l->tcp_ack - back->next) > 0);
    } else if (l->proto == PROTO_UDP) {
        begins = at->now - memory->datagram >= BEACON_GAP || at->now < memory->datagram;
        memory->datagram = at->now;
        memory->ttl[at->way] = l->ttl;
    }
    if (begins)
        beacon_watch_packet(m->beacons, at, l->size, heard_in, m);
}

void
machines_packet(struct machines *m, const struct conversation *c, unsigned way,
                const struct frame *f, const struct layers *l)
{
    const struct sight at = sight_of(c, way, f, NULL, memory_of(m, c));
    if (at.now - m->ticked >= TICK || at.now < m->ticked)
        machines_tick(m, at.now);
    if (l->ip && l->has_ports)
        take_beginning(m, &at, l);
    poll_watch_heard(m->poll, at.now);
    tcp_watch_packet(m->tcp, &at, l);
    flood_watch_packet(m->flood, &at, l);
}

void
machines_odd(struct machines *m, const struct conversation *c, unsigned way, const struct frame *f,
             enum stream_news news)
{
    const struct sight at = sight_of(c, way, f, NULL, memory_of(m, c));
    tcp_watch_odd(m->tcp, &at, news);
}

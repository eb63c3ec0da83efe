#include "detect/machines.h"

#include "base/alloc.h"
#include "detect/arp_watch.h"
#include "detect/flood_watch.h"
#include "detect/goose_watch.h"
#include "detect/poll_watch.h"
#include "detect/ptp_watch.h"
#include "detect/series_watch.h"
#include "detect/sv_watch.h"
#include "detect/tcp_watch.h"

#include <stdlib.h>

#define TICK (100 * NSEC_PER_MSEC)

struct machines {
    struct goose_watch *goose;
    struct sv_watch *sv;
    struct arp_watch *arp;
    struct tcp_watch *tcp;
    struct poll_watch *poll;
    struct series_watch *series;
    struct ptp_watch *ptp;
    struct flood_watch *flood;
    nsec_t ticked;
    size_t octets;
};

struct machines *
machines_new(const struct watch_config *its)
{
    struct machines *m = xcalloc(1, sizeof *m);
    struct watch_config counted = *its;
    const struct watch_config *config = &counted;
    m->octets = sizeof *m;
    counted.octets = &m->octets;
    m->goose = goose_watch_new(config);
    m->sv = sv_watch_new(config);
    m->arp = arp_watch_new(config);
    m->tcp = tcp_watch_new(config);
    m->poll = poll_watch_new(config);
    m->series = series_watch_new(config);
    m->ptp = ptp_watch_new(config);
    m->flood = flood_watch_new(config);
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
    free(m);
}

void
machines_tick(struct machines *m, nsec_t now)
{
    m->ticked = now;
    goose_watch_tick(m->goose, now);
    sv_watch_tick(m->sv, now);
    poll_watch_tick(m->poll, now);
    series_watch_tick(m->series, now);
}

void
machines_message(struct machines *m, const struct conversation *c, unsigned way,
                 const struct frame *f, const struct pdu *p)
{
    const struct sight at = sight_of(c, way, f, p);
    goose_watch_message(m->goose, &at);
    sv_watch_message(m->sv, &at);
    arp_watch_message(m->arp, &at);
    poll_watch_message(m->poll, &at);
    series_watch_message(m->series, &at);
    ptp_watch_message(m->ptp, &at);
    flood_watch_message(m->flood, &at);
}

void
machines_malformed(struct machines *m, const struct conversation *c, unsigned way,
                   const struct frame *f, const struct cursor *where)
{
    const struct sight at = sight_of(c, way, f, NULL);
    flood_watch_malformed(m->flood, &at, where);
}

void
machines_packet(struct machines *m, const struct conversation *c, unsigned way,
                const struct frame *f, const struct layers *l)
{
    const struct sight at = sight_of(c, way, f, NULL);
    if (at.now - m->ticked >= TICK || at.now < m->ticked)
        machines_tick(m, at.now);
    poll_watch_heard(m->poll, at.now);
    tcp_watch_packet(m->tcp, &at, l);
    flood_watch_packet(m->flood, &at, l);
}

void
machines_odd(struct machines *m, const struct conversation *c, unsigned way, const struct frame *f,
             enum stream_news news)
{
    const struct sight at = sight_of(c, way, f, NULL);
    tcp_watch_odd(m->tcp, &at, news);
}

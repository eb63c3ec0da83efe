/* feed_optical.h - what the optical layer says of the links above it, from a JSON document that
 * looks like a T-API context (ONF TR-547: tapi-topology, tapi-connectivity). Pure; who fetches the
 * document, or is given it over REST, is the caller's matter. What is read:
 *
 *   { "tapi-topology:topology-context": { "topology": [ { "link": [ {
 *         "uuid": "f1",                                  a fibre or wavelength section
 *         "operational-state": "ENABLED",                or DISABLED
 *         "signal-state": "NORMAL",                      or DEGRADED (below its margin)
 *         "risk-characteristic": [ { "risk-characteristic-name": "SRLG",
 *                                    "risk-identifier-list": ["1001", "1002"] } ],
 *         "latency-characteristic": [ { "fixed-latency-characteristic": "450" } ]    us
 *       } ] } ] },
 *     "tapi-connectivity:connectivity-context": {
 *       "connection": [ {
 *         "uuid": "c1",
 *         "route": [ { "local-id": "working", "link": ["f1", "f2"] },
 *                    { "local-id": "protection", "link": ["f3"] } ],
 *         "selected-route": "working" } ],
 *       "connectivity-service": [ {
 *         "uuid": "s1", "connection": ["c1"],
 *         "resilience-type": "ONE_PLUS_ONE_PROTECTION",  or NO_PROTECTION, any other: protected
 *         "ip-link": { "node-a": "r1", "address-a": "10.1.2.1",
 *                      "node-b": "r2", "address-b": "10.1.2.2" } } ] } }
 *
 * The outer object may be inside of one "tapi-common:context"; members of other names are passed
 * over. The first route is the one that was planned; without "selected-route" it carries the
 * signal. What follows for the IP link, in both directions:
 *
 *   risk groups   those of all its routes, for after a switch they are what it depends on
 *   at risk       the section that carries it is degraded or has failed, or it is protected and no
 *                 other route is whole: its protection is used up
 *   delay         the sum of its sections, while another route than the first carries it: the
 *                 measured delay is of the first until it is measured again
 */
#ifndef WAN_FEED_OPTICAL_H
#define WAN_FEED_OPTICAL_H

#include "base/arena.h"
#include "te/ted.h"

#define FEED_OPTICAL_TEXT_MAX ((size_t)16 << 20)
#define FEED_OPTICAL_BUDGET ((size_t)64 << 20)

enum optical_state {
    OPTICAL_NORMAL,
    OPTICAL_SWITCHED, /* carried by another route than the first */
    OPTICAL_DEGRADED, /* what carries it is below its margin */
    OPTICAL_EXPOSED,  /* protected, but nothing is left to switch to */
    OPTICAL_FAILED,   /* what carries it has failed */
};
/* "normal", "switched", "degraded", "exposed", "failed"; static. */
const char *optical_state_name(enum optical_state);

struct optical_link {
    const char *service, *node_a, *node_b;
    struct te_address address_a, address_b; /* family 0: not told */
    enum optical_state state;
    bool switched;
    uint32_t *srlgs, n_srlgs;
    uint32_t delay_us; /* of the route that carries it; TE_UNKNOWN_US */
    char why[128];     /* at risk; "" */
};

struct optical {
    struct arena *arena;
    struct optical_link *links;
    uint32_t n_links;
    uint32_t n_sections, n_connections;
};

/* ERR_MALFORMED, ERR_INVALID: the text says where: "connection[2].route[0].link[1]: there is no
 * link
 * \"f9\"". ERR_LIMIT: too large. */
MUST_CHECK enum err optical_read(const char *text, size_t size, struct optical *, struct diag *);
void optical_fini(struct optical *);
/* Makes it all that `source` says. What the database refuses it counts. */
void optical_tell(const struct optical *, struct ted *, uint32_t source, nsec_t now);

#endif

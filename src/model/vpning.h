/* vpning.h - how far each VPN is, and what is on its routers: the fold over the events vpn.*
 * (doc/events.md). Pure. */
#ifndef MODEL_VPNING_H
#define MODEL_VPNING_H

#include "base/err.h"
#include "base/time.h"
#include "model/phase.h"

#include <stdint.h>

#include <jansson.h>
#include <uthash.h>

#define VPN_VERSIONS_MAX 16 /* that are kept of each VPN */

/* What was once on the routers, or is. */
struct vpn_version {
    uint32_t number; /* from 1; never given twice while the VPN is stated */
    uint32_t order;  /* the work order that brought it there */
    nsec_t time;
    json_t *service; /* as in struct vpn */
};

struct vpn_status {
    char *vpn; /* key */
    enum circuit_phase phase;
    uint32_t order;    /* the work order that last changed it; 0: none */
    bool for_circuits; /* built since circuits need it, and for as long as any does */
    nsec_t since;      /* of the phase */
    nsec_t build_time; /* of the last version, from wanted to confirmed; 0: none was built */
    json_t *next;      /* what an order brings to the routers; NULL: none does */
    char *next_hash;   /* of its native configuration, which was approved */
    bool applied;      /* the newest version is on the routers, as far as we know */
    uint32_t n_versions, last_number;
    struct vpn_version versions[VPN_VERSIONS_MAX]; /* the newest last */
    UT_hash_handle hh;
};

struct vpning {
    struct vpn_status *vpns;
};

struct state_event; /* state.h */

void vpning_fini(struct vpning *); /* a zeroed one is fine */

/* NULL: nothing was ever done with a VPN of that name: it is proposed. */
const struct vpn_status *vpning_find(const struct vpning *, const char *vpn);
/* What is on its routers; NULL: nothing. `status` may be NULL. */
const struct vpn_version *vpn_status_applied(const struct vpn_status *);
/* NULL: it is not known (any more). */
const struct vpn_version *vpn_status_version(const struct vpn_status *, uint32_t number);

/* Is any VPN on its routers, or being brought there, that this tunnel carries? */
bool vpning_stands_on(const struct vpning *, const char *tunnel);

bool vpning_knows(const char *type);
/* Takes it one event further. ERR_MALFORMED: nothing is changed. */
MUST_CHECK enum err vpning_apply(struct vpning *, const struct state_event *, struct diag *);
/* The VPN is not there any more. */
void vpning_forget(struct vpning *, const char *vpn);

/* {phase, since, order?, for-circuits?, version?, build-time-ns?, versions?: [{number, order, time,
 * applied?}]}; the caller owns it. `status` may be NULL: proposed. */
json_t *vpn_status_json(const struct vpn_status *);

#endif

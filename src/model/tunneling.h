/* tunneling.h - how far each tunnel through the WAN is, and where its paths go: the fold over the
 * events tunnel.*, what is out of service: wan.drained, wan.restored, and what others than routers
 * say of the network: wan.told (doc/events.md). Pure. */
#ifndef MODEL_TUNNELING_H
#define MODEL_TUNNELING_H

#include "base/err.h"
#include "base/time.h"
#include "model/phase.h"

#include <stdint.h>

#include <jansson.h>
#include <uthash.h>

/* Of the paths of a tunnel. The standby path is there as well, with nothing in it, until the
 * primary one fails. */
enum tunnel_path { TUNNEL_PRIMARY, TUNNEL_STANDBY, TUNNEL_PATHS };
extern const char *const tunnel_path_words[TUNNEL_PATHS]; /* "primary", "standby" */

#define TUNNEL_NUMBER_MAX 65535u

/* What was computed for a tunnel that is reserved, and where it is now. */
struct tunnel_status {
    char *tunnel; /* key */
    enum circuit_phase phase;
    uint32_t order;    /* the work order that last changed it; 0: none */
    bool for_circuits; /* built since circuits need it, and for as long as any does */
    uint32_t number;   /* 1 to TUNNEL_NUMBER_MAX, unique among those that are reserved; 0: none */
    nsec_t since;      /* of the phase */
    nsec_t moved;      /* when a path of it was last laid another way; 0: never */
    uint32_t n_moved;  /* how often */
    char *reason;      /* why it was; NULL */
    bool gave_way;     /* it is where it is since a more important one needed its way; goes back */
    nsec_t build_time; /* from wanted to reported up by both ends; 0: not built */
    /* As wan/placement.h writes them: links by their keys in the TE database, with the labels and
     * latencies they had then. NULL: there is none. */
    json_t *paths[TUNNEL_PATHS];
    UT_hash_handle hh;
};

enum drain_kind { DRAIN_ROUTER, DRAIN_LINK, DRAIN_SRLG, DRAIN_KINDS };
extern const char *const drain_kind_words[DRAIN_KINDS]; /* "router", "link", "srlg" */

/* What an operator has taken out of service and nobody has restored. */
struct drain {
    char *element; /* key: as the operator called it */
    enum drain_kind kind;
    char *key; /* in the TE database; of a shared risk: its number */
    char *who, *why;
    nsec_t since;
    UT_hash_handle hh;
};

enum told_kind { TOLD_OPTICAL, TOLD_IMPORT, TOLD_KINDS };
extern const char *const told_kind_words[TOLD_KINDS]; /* "optical", "import" */

/* What was told last in the name of a source of the TE database. */
struct told_source {
    char *source; /* key */
    enum told_kind kind;
    char *text; /* as the kind has it: JSON, a table */
    char *who;
    nsec_t since;
    UT_hash_handle hh;
};

struct tunneling {
    struct tunnel_status *tunnels;
    struct drain *drains;
    struct told_source *told;
};

struct state_event; /* state.h */

void tunneling_fini(struct tunneling *); /* a zeroed one is fine */

/* NULL: nothing was ever done with a tunnel of that name: it is proposed. */
const struct tunnel_status *tunneling_find(const struct tunneling *, const char *tunnel);
/* NULL: it is not out of service. */
const struct drain *tunneling_drain(const struct tunneling *, const char *element);
/* NULL: nothing was told in that name. */
const struct told_source *tunneling_told(const struct tunneling *, const char *source);
/* The lowest number that no tunnel has; 0: all are taken. */
uint32_t tunneling_free_number(const struct tunneling *);

bool tunneling_knows(const char *type);
/* Takes it one event further. ERR_MALFORMED: nothing is changed. */
MUST_CHECK enum err tunneling_apply(struct tunneling *, const struct state_event *, struct diag *);
/* The tunnel is not there any more. */
void tunneling_forget(struct tunneling *, const char *tunnel);

/* {phase, since, order?, number?, for-circuits?, primary?, standby?, moved?, n-moved?, reason?,
 * gave-way?, build-time-ns?}; the caller owns it. `status` may be NULL: proposed. */
json_t *tunnel_status_json(const struct tunnel_status *);

#endif

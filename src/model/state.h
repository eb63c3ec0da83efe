/* state.h - what a site knows: the fold over its journal's events. Pure.
 *
 * Every program that needs to know where things stand applies the journal's events, in their order,
 * to a `struct state`; equal events make equal states, now or after any crash. Services share one
 * as constant and change it only by appending an event. doc/events.md is the list of all events;
 * those this fold understands, with their bodies, are in the table of state.c, the others do not
 * change it.
 *
 * What a workflow run is made of is not here but in orchestrate/workflow_run.h, over the same
 * events; this fold keeps of an order only what everybody shows. */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "model/access.h"
#include "model/local.h"
#include "model/model.h"
#include "model/phase.h"
#include "model/sensing.h"
#include "model/tunneling.h"
#include "model/vpning.h"

#include <jansson.h>

struct circuit_status {
    char *circuit; /* key */
    enum circuit_phase phase;
    uint32_t order;    /* the work order that last changed it; 0: none */
    nsec_t since;      /* of the phase */
    nsec_t build_time; /* from wanted to confirmed by all nodes; 0: not built */
    UT_hash_handle hh;
};

/* Sites number their exceptions from the number of the site times this, so that a number means the
 * same everywhere. */
#define EXCEPTION_IDS 4000000u
static inline uint32_t
exception_site(uint32_t id) /* the number of the site that raised it */
{
    return id / EXCEPTION_IDS;
}

enum exception_state { EXCEPTION_OPEN, EXCEPTION_ACKNOWLEDGED, EXCEPTION_CLOSED };
enum exception_severity {
    EXCEPTION_WARNING,
    EXCEPTION_MINOR,
    EXCEPTION_MAJOR,
    EXCEPTION_CRITICAL,
    EXCEPTION_SEVERITY_MAX
};
const char *exception_severity_word(enum exception_severity);
enum exception_severity exception_severity_from_word(const char *); /* _MAX: no such word */

/* Something is not as engineered. The same thing about the same object is one exception, counted.
 */
struct exception {
    uint32_t id;
    char *kind;   /* "rule-foreign", "traffic-denied" */
    char *object; /* "node/b2", "circuit/scada-a" */
    char *text;
    enum exception_severity severity;
    enum exception_state state;
    nsec_t first, last;
    uint32_t count;
    json_t *evidence;                /* {name: text}, of the latest occurrence */
    char *acknowledged_by, *comment; /* NULL */
    char *closed_by, *closed_reason; /* NULL while it is not closed */
    nsec_t closed;                   /* 0 */
    uint32_t order;                  /* the work order that repairs it; 0: none */
    UT_hash_handle hh;
};

/* The latest fingerprint of a circuit: what schema/tieline-work.yang says of list fingerprint. */
struct fingerprint {
    char *circuit;
    json_t *entries; /* array */
    nsec_t time;
    uint64_t seq; /* of its event */
    UT_hash_handle hh;
};

struct order {
    uint32_t id;
    char *workflow, *requester, *outcome; /* outcome NULL: it runs */
    char *comment;
    nsec_t created, closed;
    UT_hash_handle hh;
};

struct state {
    struct network *network; /* inventory, circuits, and the designs of those that are reserved */
    struct circuit_status *circuits; /* every circuit has one */
    struct exception *exceptions;    /* by id, in order; closed ones too */
    struct fingerprint *fingerprints;
    struct order *orders;
    struct access access;       /* sessions, grants, break-glass codes */
    struct local local;         /* what sites decided by themselves */
    struct sensing sensing;     /* what sensors have told */
    struct tunneling tunneling; /* how far the tunnels of the WAN are */
    struct vpning vpning;       /* ... and the VPNs on it */
    uint32_t last_order, last_exception;
    uint64_t seq; /* of the last event applied */
    /* ... and of the last one that changed what is wanted: circuits or the model. Among sites these
     * are the centre's alone, so that everybody who knows as much has the same number. */
    uint64_t plan_seq;
    /* Counts what changed, so that caches know: any change of the network's own objects. */
    uint64_t network_version;
};

struct state *state_new(void);
void state_free(struct state *);

struct state_event {
    uint64_t seq;
    nsec_t time;
    const char *type, *object, *actor;
    const json_t *body;
    uint32_t site; /* number of whose journal it is of; 0: the centre's, or of a site alone */
};

/* ERR_MALFORMED: says which member of its body. */
enum err state_event_malformed(const struct state_event *, const char *member, struct diag *);

/* Takes the state one event further. Events it does not know change only `seq`. An event it knows
 * whose body it cannot read leaves the rest as it was: ERR_MALFORMED, with the reason; the caller
 * logs it and goes on, as every other reader of this journal does. */
MUST_CHECK enum err state_apply(struct state *, const struct state_event *, struct diag *);

/* Forgets the exceptions, the local work and the sensors of the site of this number: its journal is
 * told anew. */
void state_forget_site(struct state *, uint32_t site);

/* NULL: none. */
const struct circuit_status *state_circuit(const struct state *, const char *circuit);
const struct exception *state_exception(const struct state *, uint32_t id);
/* The exception of this kind about this object that is not closed. */
const struct exception *state_open_exception(const struct state *, const char *kind,
                                             const char *object);
const struct fingerprint *state_fingerprint(const struct state *, const char *circuit);
const struct order *state_order(const struct state *, uint32_t id);

/* As in schema/tieline-work.yang. The caller owns the result. */
json_t *exception_to_json(const struct exception *);

#endif

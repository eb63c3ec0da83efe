/* local.h - what people at a site decided about its circuits while the centre could not be asked,
 * and which circuits are to be in the nodes, all things considered. Pure.
 *
 * A site's journal and the centre's are written independently, and each side folds both, in
 * whatever order they reach it. So the fold keeps facts only, each under a key of its own, and what
 * follows from them is computed when somebody asks: the same two journals make the same facts
 * whatever their order, and the same facts, inventory and time give the same answer at both.
 *
 * Events (doc/events.md): local.stopped, local.proposed, local.agreed and local.ended of the site's
 * journal; local.ended of the centre's, by who ends it there; and from the centre's what was meant
 * of each circuit since (circuit.reserved, .released, .wanted, .unwanted, model.*). A decision
 * names the last event of the centre that it was made in knowledge of. If the centre meant
 * something else of the circuit after that one, and before the decision ended, the two conflict. */
#ifndef MODEL_LOCAL_H
#define MODEL_LOCAL_H

#include "base/err.h"
#include "base/time.h"
#include "model/model.h"

#include <jansson.h>

/* A circuit whose window is over leaves the nodes by itself after so long: its order was to do it
 * before. */
#define WINDOW_GRACE (10 * NSEC_PER_SEC)

enum local_action { LOCAL_STOP, LOCAL_BUILD };

/* Somebody who has said something. */
struct local_voice {
    char *by; /* NULL: nobody */
    char *role, *right, *text;
    nsec_t time;
};

struct local_work {
    uint32_t id; /* as exceptions have them: EXCEPTION_IDS times the site's number, and more */
    bool known;  /* its first event is there, not only what refers to it */
    enum local_action action;
    char *circuit, *site;
    char *hash;        /* of a build: what both have looked at */
    uint64_t based_on; /* seq of the centre's journal */
    nsec_t until;
    struct local_voice asked, agreed;
    struct local_voice ended_here, ended_by_centre; /* .right is the reason, one word */
    uint64_t ended_seq;                             /* of the centre's journal, known then */
    uint64_t ended_centre_seq;                      /* of the event by which the centre ended it */
    UT_hash_handle hh;
};

/* What the centre meant of a circuit, event by event. */
struct local_intent {
    char *circuit;
    uint32_t n, capacity;
    struct local_meaning {
        uint64_t seq;
        nsec_t time;
        const char *type; /* static */
        uint32_t order;   /* 0: none */
    } * list;             /* by seq */
    UT_hash_handle hh;
};

/* The windows that were ended by ourselves: a circuit does not come back for the same window, even
 * if the clock is set back. */
struct local_expiry {
    char *circuit;
    nsec_t end;
    UT_hash_handle hh;
};

struct local {
    struct local_work *works; /* by id */
    struct local_intent *intents;
    struct local_expiry *expiries;
    uint64_t centre_seq; /* the last event of the centre's journal, and its time */
    nsec_t centre_time;
};

void local_fini(struct local *); /* a zeroed one is fine */
/* Forgets what the site of this number has said: its journal is told anew. */
void local_forget(struct local *, uint32_t site);

struct state; /* state.h */
struct state_event;

/* Takes it one event further; any event may be given. ERR_MALFORMED: nothing is changed. */
MUST_CHECK enum err local_apply(struct local *, const struct state_event *, struct diag *);

enum local_state {
    LOCAL_WAITS, /* for a second person */
    LOCAL_HOLDS,
    LOCAL_OVER
};

struct local_verdict {
    enum local_state state;
    /* Of LOCAL_OVER, one word: what the event said that ended it, or what is to be said: "expired",
     * "conflict", "policy", "elsewhere" (the circuit is not wholly at this site). Valid as long as
     * the state. */
    const char *reason;
    bool ended;                           /* an event says so */
    const struct local_meaning *conflict; /* NULL: there is none */
};

struct local_verdict local_judge(const struct state *, const struct local_work *, nsec_t now);
const struct local_work *local_find(const struct local *, uint32_t id); /* NULL: none */
/* The one about the circuit that is not over; NULL. */
const struct local_work *local_about(const struct state *, const char *circuit, nsec_t now);

/* Does the centre's policy let a site do that? */
bool local_policy_allows(const struct settings *, enum local_action);

/* The site that all hosts and links of the circuit are at, those of its design too if it has one;
 * NULL: there is no such circuit, or it is at several. The string is the network's. */
const char *local_site_of(const struct network *, const char *circuit);

/* Are the circuit's rules to be in the nodes? That is what the centre wants, within the circuit's
 * window, unless local work says otherwise. `grace`: how long its window may be over. `why`, which
 * may be NULL, gets a static text if not: "its window is over". */
bool local_is_wanted(const struct state *, const char *circuit, nsec_t now, nsec_t grace,
                     const char **why);
/* Was the window of this circuit over at this time? Not if it has none. */
bool local_window_is_over(const struct state *, const struct circuit *, nsec_t now);

/* What the API shows. The caller owns it. */
json_t *local_work_to_json(const struct state *, const struct local_work *, nsec_t now);
const char *local_action_word(enum local_action); /* "stop", "build" */
const char *local_state_word(enum local_state);   /* "waiting", "holds", "over" */

#endif

/* service_private.h - what the parts of the service share; for src/orchestrate only. */
#ifndef ORCHESTRATE_SERVICE_PRIVATE_H
#define ORCHESTRATE_SERVICE_PRIVATE_H

#include "orchestrate/appends.h"
#include "orchestrate/jobs.h"
#include "orchestrate/requests.h"
#include "orchestrate/service.h"
#include "orchestrate/turns.h"
#include "orchestrate/workflow.h"

#define ORCHESTRATE_ACTOR "system/orchestrate"
#define REQUEST_KINDS 21

/* A workflow that can be submitted, and what it does as far as that matters before it begins. */
struct definition {
    struct workflow *workflow;
    bool reserves; /* its circuits are to be free */
    bool removes;  /* and does not reserve: its circuits are to be there */
    bool repairs;  /* started by an exception */
    UT_hash_handle hh;
};

struct works;
struct effects;
struct exceptions;
struct local_works;
struct standing;

struct orchestrate_service {
    uv_loop_t *loop;
    struct journal *journal;
    struct bus *bus;
    const struct state *state;
    struct orchestrate_service_config config;
    nsec_t (*clock)(void);
    struct definition *definitions; /* by name */
    struct appends *appends;
    struct jobs *jobs;   /* of orders and of changes of the model */
    struct jobs *views;  /* of who only looks, and shall not wait for a proof */
    struct jobs *trials; /* of what-ifs, which are proofs that nobody waits for but who asked */
    struct standing *standing; /* the proof of what is reserved; of the jobs that prove orders */
    struct turns turns;        /* to change the network */
    struct works *works;
    struct effects *effects;
    struct exceptions *exceptions;
    struct local_works *local;
    struct request *requests;
    struct bus_subscription *subscriptions[REQUEST_KINDS];
    struct journal_subscription *events;
    bool live; /* the journal has been read: what comes now is new */
};

/* NULL: there is none. */
const struct definition *service_definition(const struct orchestrate_service *, const char *name);

/* One that repairs and closes an exception; NULL: there is none. */
const struct definition *service_repairing_definition(const struct orchestrate_service *);
request_fn service_list_workflows;

/* What the definition's steps call. */
bool workflow_calls(const json_t *definition, const char *action);

#endif

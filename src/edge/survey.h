/* survey.h - what a node has counted, read in one way by all who tell of it: metrics, top. Control
 * thread. */
#ifndef EDGE_SURVEY_H
#define EDGE_SURVEY_H

#include "edge/datapath.h"
#include "edge/mirror.h"
#include "edge/worker.h"

#include <jansson.h>

/* Every flow entry once. */
void survey_flows(const struct datapath *, void (*visit)(void *arg, struct entry *), void *arg);

/* What a node consists of, for those who tell of it. Borrowed. */
struct survey {
    struct datapath *datapath;
    struct workers *workers;
    struct fast_path *fast; /* NULL: there is none */
    const struct edge_port *ports[MAX_PORTS];
    uint32_t n_ports;
    const char *name;
    uint64_t datapath_id;
    nsec_t started;              /* wall clock */
    uint64_t punted;             /* packets given to the controllers */
    const struct mirror *mirror; /* NULL: there is none */
    const json_t *controllers;   /* openflow_agent_status() */
    const json_t *rpc;           /* rpc_agent_status() */
};

#endif

/* edge_options.h - the command line of tieline-edge. */
#ifndef EDGE_EDGE_OPTIONS_H
#define EDGE_EDGE_OPTIONS_H

#include "base/log.h"
#include "base/time.h"
#include "edge/datapath.h"
#include "edge/mirror.h"
#include "edge/openflow_agent.h"
#include "edge/ptp_worker.h"
#include "io/port.h"

struct edge_port_option {
    uint32_t number;    /* 1 to PORT_MAX */
    char interface[16]; /* a name the kernel could have given */
    enum port_choice driver;
    bool has_worker;
    unsigned worker; /* whose it is; else they take turns */
    struct scheduler_config scheduling;
    nsec_t heartbeat; /* interval; 0: none; HEARTBEAT_DEFAULT: the mode's */
};

#define HEARTBEAT_DEFAULT ((nsec_t)-1)

/* Texts point into the command line. */
struct edge_options {
    const char *name;
    uint64_t datapath_id;
    struct edge_port_option ports[MAX_PORTS];
    uint32_t n_ports;
    const char *controllers[OPENFLOW_AGENT_CONTROLLERS]; /* "tls:ADDRESS", "tcp:ADDRESS" */
    size_t n_controllers;
    const char *rpc;             /* the same; NULL: none */
    const char *controller_name; /* what the certificates of both must be issued to */
    bool has_management;
    uint32_t management;         /* the node's own address, IPv4 in host order */
    const char *ca, *cert, *key; /* files; all or none */
    const char *control;         /* path of the Unix socket; NULL: none */
    const char *openflow_listen; /* the same; NULL: `control` with .of behind it, if any */
    const char *metrics;         /* where metrics are asked for; NULL: nowhere */
    const char *take_over;       /* --control of the process to take over from; NULL: none */
    const char *trust;           /* file: who signs programs that may take over; NULL: any may */
    struct mirror_config mirror; /* off, unless it was asked for */
    nsec_t linger;               /* forward so long after the peers were told that it ends */
    nsec_t heartbeat_patience;   /* as heartbeat_node_config has it */
    nsec_t wait_to_restore;      /* as worker_set_wait_to_restore() takes it */
    uint32_t max_flows;
    uint32_t cache_programs;
    bool busy_poll;         /* the packet threads spin */
    bool realtime;          /* ... and have real-time priority */
    unsigned n_workers;     /* 0: as many as the machine has processors */
    struct ptp_options ptp; /* its address is left to the node */
    enum log_level log_level;
};

enum edge_command { EDGE_RUN, EDGE_HELP, EDGE_VERSION };

/* Parses and checks everything that can be checked without looking at the system.
 * ERR_INVALID: what is wrong, in words, with the option's name. */
MUST_CHECK enum err edge_options_parse(int argc, char **argv, struct edge_options *,
                                       enum edge_command *, struct diag *);
/* The text of --help. */
void edge_options_help(struct buf *);

/* "3=eth1", "3=eth1,driver=xdp,heartbeat=1ms,rate=10M,q0=weight:1" (scheduler_config.h).
 * ERR_INVALID. */
MUST_CHECK enum err edge_options_parse_port(const char *text, struct edge_port_option *,
                                            struct diag *);

#endif

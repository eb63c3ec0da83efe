/* lan_private.h - what the files of the LAN controller share:
 *
 *   service.c    life, bus requests        node.c       adoption, loss, agents' connections
 *   job.c        writing rules             waiter.c     requests that wait for that
 *   drift.c      judging what nodes hold
 *   discovery.c  links by LLDP             denied.c     packets the deny rules caught
 *   report.c     answers as JSON */
#ifndef LAN_LAN_PRIVATE_H
#define LAN_LAN_PRIVATE_H

#include "engineer/plan.h"
#include "io/rpc.h"
#include "io/stream.h"
#include "io/timer.h"
#include "lan/service.h"
#include "lan/switch.h"

#define READ_INTERVAL                                                                              \
    NSEC_PER_SEC /* of a node without a flow monitor; also of the others'                          \
                  * groups and meters */
#define DISCOVERY_INTERVAL NSEC_PER_SEC
#define LINK_LOST_AFTER (3 * NSEC_PER_SEC + NSEC_PER_SEC / 2)
#define OP_TIMEOUT (5 * NSEC_PER_SEC)
#define DENIED_INTERVAL NSEC_PER_SEC

/* Marks that this service keeps in rule_item.users of the sets it owns. */
enum item_mark {
    MARK_NEW = 0,       /* wanted; not confirmed yet */
    MARK_CONFIRMED = 1, /* the node has confirmed it once: if it is missing, somebody took it */
};

struct lan_node {
    char *name;
    struct lan_switch *sw; /* NULL: not connected */
    struct rpc *agent;     /* NULL: not connected */
    struct agent_link *agent_link;
    struct ruleset wanted;  /* what the plan says, with marks */
    struct ruleset retired; /* was wanted; not gone yet for all we know */
    bool known;             /* it has been adopted before, by this process or an earlier one */
    bool dirty;             /* something is to be written, or may be */
    bool busy;              /* a job is writing to it */
    nsec_t since;           /* wall: of being connected or not */
    nsec_t noticed;         /* monotonic: when drift was noticed that a job is about to repair; 0 */
    uint32_t n_drift_missing, n_drift_foreign; /* of that drift */
    bool repair_foreign; /* the next job takes foreign rules away whatever the policy */
    bool repair_missing;
    char refused[160]; /* why the last connection was refused; "" */
    UT_hash_handle hh;
};

/* A link as discovery sees it. */
struct lan_link {
    char *name;
    nsec_t seen[2]; /* monotonic: a to b, b to a; 0: never */
    bool up, known; /* known: its state has been told once */
    UT_hash_handle hh;
};

struct lan_waiter; /* a bus request that waits for rules to be confirmed or gone */
struct lan_job;

struct lan_service {
    struct lan_config config;
    struct stream_listener *openflow, *rpc;
    struct bus_subscription *subscriptions[16];
    uint32_t n_subscriptions;
    struct plan *plan;
    struct network
        *planned; /* the network the plan was made of: circuits are taken out as they went in */
    struct lan_node *nodes;
    struct lan_link *links;
    struct lan_waiter *waiters;
    struct lan_job *job;
    struct task *schedule;
    struct timer *read_timer, *discovery_timer, *denied_timer;
    uint8_t secret[32]; /* of discovery */
    struct denied *denied;
    struct connecting *connecting;
    uint64_t turn; /* of the read timer */
};

/* node.c */
struct lan_node *lan_node_find(const struct lan_service *, const char *name);
struct lan_node *lan_node_need(struct lan_service *, const char *name);
void lan_node_free(struct lan_service *, struct lan_node *);
struct lan_node *lan_node_of_switch(const struct lan_service *, const struct lan_switch *);
void lan_accept_switch(struct lan_service *, struct stream *);
void lan_accept_agent(struct lan_service *, struct stream *);
void lan_refuse(struct lan_service *, const char *name, const char *address, const char *reason);
void lan_configure_agent(struct lan_service *, struct lan_node *);
void lan_connecting_free(struct lan_service *);
static inline bool
lan_node_is_ready(const struct lan_node *n)
{
    return n->sw && lan_switch_is_ready(n->sw);
}

/* job.c */
/* Looks for something to write, soon. */
void lan_schedule(struct lan_service *);
void lan_job_try(struct lan_service *);
/* The switch of this node has gone; its part of the job has failed. */
void lan_job_forget(struct lan_service *, struct lan_node *);
void lan_job_free(struct lan_service *);
/* Does traffic enter the network by this rule? */
bool lan_is_entry(const struct lan_service *, const struct lan_node *, const struct rule *);

/* waiter.c */
void lan_check_waiters(struct lan_service *);
void lan_waiters_free(struct lan_service *);
void lan_serve_push(void *arg, struct bus *, const struct bus_message *);
void lan_serve_remove(void *arg, struct bus *, const struct bus_message *);
void lan_serve_readback(void *arg, struct bus *, const struct bus_message *);
void lan_serve_repair(void *arg, struct bus *, const struct bus_message *);

/* drift.c */
/* Compares what the node holds with what it should, and acts by policy. `first`: it has just
 * connected. */
void lan_judge(struct lan_service *, struct lan_node *, bool first);
/* What a job has repaired there, told as an event, and the exceptions closed. */
void lan_repaired(struct lan_service *, struct lan_node *, uint32_t added, uint32_t removed);

/* discovery.c */
void lan_discover(struct lan_service *);
void lan_take_lldp(struct lan_service *, struct lan_node *, uint32_t in_port, const uint8_t *frame,
                   size_t size);
void lan_port_changed(struct lan_service *, struct lan_node *, const struct openflow_port *);
/* A node has come or gone, or the inventory has changed. */
void lan_links_update(struct lan_service *);
void lan_links_free(struct lan_service *);

/* denied.c */
void lan_take_denied(struct lan_service *, struct lan_node *, const struct openflow_packet_in *);
void lan_tell_denied(struct lan_service *); /* once per DENIED_INTERVAL */
void lan_denied_free(struct lan_service *);
void lan_serve_denied(void *arg, struct bus *, const struct bus_message *);

/* report.c */
void lan_serve_nodes(void *arg, struct bus *, const struct bus_message *);
void lan_serve_rules(void *arg, struct bus *, const struct bus_message *);
void lan_serve_links(void *arg, struct bus *, const struct bus_message *);
void lan_serve_rpc(void *arg, struct bus *, const struct bus_message *);
void lan_serve_release(void *arg, struct bus *, const struct bus_message *);
void lan_publish_node(struct lan_service *, const struct lan_node *);

/* service.c */
/* Appends an event; nothing waits for it. */
void lan_record(struct lan_service *, const char *type, const char *object, json_t *body);
void lan_raise(struct lan_service *, const char *kind, const char *severity, const char *object,
               json_t *evidence, const char *format, ...) PRINTF_LIKE(6, 7);
void lan_clear(struct lan_service *, const char *kind, const char *object, const char *reason);
/* The names in an array of a payload; NULL if it is not there. Free the array only. */
const char **lan_names(const json_t *payload, const char *member, size_t *n);

#endif

/* lan_private.h - what the files of the LAN controller share:
 *
 *   service.c    life, bus requests        node.c       adoption, loss
 *   agent.c      agents' connections, what they say of their ports
 *   conditions.c what latency bounds rest on, asked of the nodes
 *   job.c        writing rules             waiter.c     requests that wait for that
 *   drift.c      judging what nodes hold
 *   discovery.c  links by LLDP             denied.c     packets the deny rules caught
 *   hold.c       ports of silent links     report.c     answers as JSON
 *   domain.c     several controllers, one plan
 *   intent.c     which circuits may be in the nodes now: windows, local work
 *   proof.c      whether what nodes hold is right; questions to it */
#ifndef LAN_LAN_PRIVATE_H
#define LAN_LAN_PRIVATE_H

#include "engineer/design.h"
#include "engineer/plan.h"
#include "io/rpc.h"
#include "io/stream.h"
#include "io/timer.h"
#include "lan/service.h"
#include "lan/switch.h"

#define READ_INTERVAL NSEC_PER_SEC /* and of another try of what could not be written */
#define READ_FLOWS 4000            /* in one interval, of nodes that report changes themselves */
#define DISCOVERY_INTERVAL NSEC_PER_SEC
#define LINK_LOST_AFTER (3 * NSEC_PER_SEC + NSEC_PER_SEC / 2)
#define OP_TIMEOUT (5 * NSEC_PER_SEC)
#define DENIED_INTERVAL NSEC_PER_SEC

/* Marks that this service keeps in rule_item.users of `wanted`. */
enum item_mark {
    MARK_CONFIRMED = 1, /* the node has confirmed it once: if it is missing, somebody took it */
    MARK_ENTRY = 2,     /* traffic enters the network by it */
};

struct repairs {
    uint32_t added, removed, changed;
};

struct lan_node {
    char *name;
    struct lan_switch *sw; /* NULL: not connected */
    uint64_t connection;   /* of the switch: no two of a service have the same number */
    struct rpc *agent;     /* NULL: not connected */
    struct agent_link *agent_link;
    struct lan_said *said; /* of its ports, by the agent that is connected */
    uint32_t n_said, said_capacity;
    json_t *told_scheduling; /* by port: how it was told to share itself; NULL: nothing was told */
    struct ruleset wanted;   /* what the plan says, with marks */
    struct ruleset retired;  /* was wanted; not gone yet for all we know */
    uint32_t n_open;         /* rules of circuits in `wanted` that are no entries nor confirmed */
    bool foreign;            /* another controller's; what it confirms is told by that one */
    struct ruleset touched;  /* rules that the plan has changed: to be compared */
    bool dirty;              /* everything is to be compared */
    bool busy;               /* a job is writing to it */
    bool look;               /* its tables have changed: to be judged */
    bool retry;              /* something was not written: it is to be tried again */
    bool restarted;          /* it came back without its rules, and does not have them all yet */
    enum err err;            /* why, if the node itself is the reason */
    char why[200];
    nsec_t since;            /* wall: of being connected or not */
    nsec_t noticed;          /* monotonic: when drift to be repaired was noticed; 0 */
    struct repairs drift;    /* as it was last told */
    uint64_t drift_digest;   /* of the rules it is about */
    struct repairs repaired; /* ever */
    bool repair_foreign;     /* the next job takes foreign rules away whatever the policy */
    bool repair_missing;     /* and brings missing ones back */
    char refused[160];       /* why the last connection was refused; "" */
    UT_hash_handle hh;
};

/* Why groups do not use a port, as its node says it (doc/edge.md, "Failover"). */
enum port_reason {
    PORT_IS_USED,
    PORT_IS_DOWN,
    PORT_IS_SILENT,
    PORT_IS_NOT_HEARD,
    PORT_PEER_ENDED,
    PORT_PEER_RESTARTED,
    PORT_IS_HELD,
    PORT_WAITS
};

/* What an agent has said of a port. */
struct lan_said {
    uint32_t port;
    bool up, live;
    enum port_reason reason;
};

/* Why a link is down. */
enum link_cause {
    CAUSE_NONE,
    CAUSE_PORT_DOWN, /* a port of it has no carrier, or was taken down */
    CAUSE_FAULT,     /* the node at an end says that it does not carry: heartbeats */
    CAUSE_WAITS,     /* it was that, and waits until somebody releases it */
    CAUSE_UNSEEN,    /* discovery does not see it both ways */
};

/* What the agent at an end of a link was last told of its port. */
enum hold_told { HOLD_NOT_TOLD, HOLD_TOLD, RELEASE_TOLD };

/* A link as discovery sees it. */
struct lan_link {
    char *name;
    nsec_t seen[2];        /* monotonic: a to b, b to a; 0: never */
    nsec_t stamp[2];       /* of the newest frame that was believed, likewise */
    nsec_t ready_since;    /* monotonic: both nodes are connected; 0: they are not */
    bool up, known;        /* known: its state has been told once */
    enum link_cause cause; /* as it was last judged */
    enum link_cause told_cause;
    nsec_t other_since;     /* monotonic: since when these two differ; 0: they do not */
    bool hold;              /* groups must not use its ports */
    nsec_t up_since;        /* monotonic; 0: it is not up */
    enum hold_told told[2]; /* at a, at b */
    UT_hash_handle hh;
};

/* Another controller's frames, by the site of the nodes that send them. */
struct lan_heard {
    char *site;
    nsec_t stamp; /* the newest that was believed, by its clock */
    nsec_t when;  /* monotonic: when that was */
    UT_hash_handle hh;
};

/* A port at which discovery saw what the inventory does not say. */
struct lan_misfit {
    char *at, *from; /* "node:port" */
    nsec_t seen;
    UT_hash_handle hh;
};

/* Somebody who was refused, so that it is not told with every try. */
struct lan_refusal {
    char *key;
    nsec_t told; /* monotonic */
    uint32_t n;  /* tries since */
    UT_hash_handle hh;
};

/* An exception that was raised or closed just now, and may not be in the state yet. */
struct lan_told {
    char *kind, *object;
    char *reason; /* it is to be closed as soon as it is open; NULL: it was raised */
    nsec_t since; /* monotonic */
    struct lan_told *next;
};

/* A circuit that was taken out because its window is over. */
struct lan_expired {
    char *circuit;
    nsec_t end;
    nsec_t since; /* monotonic: taken out */
    bool told;    /* the journal has it */
    bool checked; /* whether it is really out, and whether something hinders that */
    bool hindered;
    struct lan_expired *next;
};

struct lan_waiter; /* a bus request that waits for rules to be confirmed or gone */
struct lan_job;

struct lan_service {
    struct lan_config config;
    struct stream_listener *openflow, *rpc;
    struct bus_subscription *subscriptions[20];
    uint32_t n_subscriptions;
    struct plan *plan;
    struct network
        *planned; /* the network the plan was made of: circuits are taken out as they went in */
    struct lan_node *nodes;
    uint64_t n_connections; /* of switches that were adopted, ever */
    struct lan_link *links;
    struct lan_misfit *misfits;
    struct lan_heard *heard;
    struct lan_refusal *refusals;
    struct lan_told *told;
    struct lan_expired *expired;
    struct lan_waiter *waiters;
    struct lan_job *job;
    struct task *schedule;
    struct timer *read_timer, *discovery_timer, *denied_timer;
    uint8_t secret[LAN_SECRET_SIZE]; /* of discovery */
    json_t *told_progress;           /* domain.c; NULL: nothing yet */
    nsec_t discovered;               /* monotonic: when frames were last sent */
    uint32_t turn;                   /* whose flows are read next */
    struct denied *denied;
    struct lan_proof *proof;
    struct connecting *connecting;
    struct survey *surveys;               /* conditions.c: nodes are being asked */
    struct planned_proof *planned_proofs; /* proof.c: plans being proved */
};

/* node.c */
struct lan_node *lan_node_find(const struct lan_service *, const char *name);
struct lan_node *lan_node_need(struct lan_service *, const char *name);
void lan_node_free(struct lan_service *, struct lan_node *);
struct lan_node *lan_node_of_switch(const struct lan_service *, const struct lan_switch *);
void lan_accept_switch(struct lan_service *, struct stream *);
void lan_refuse(struct lan_service *, const char *name, const char *address, const char *reason);
/* Disconnects who is no longer in the inventory, or not as that node. */
void lan_recheck_nodes(struct lan_service *);
void lan_refusals_free(struct lan_service *);
void lan_connecting_free(struct lan_service *);
static inline bool
lan_node_is_ready(const struct lan_node *n)
{
    return n->sw && lan_switch_is_ready(n->sw);
}
/* Is there something that a job has not looked at? */
static inline bool
lan_node_has_work(const struct lan_node *n)
{
    return n->dirty || n->touched.items;
}

/* agent.c */
void lan_accept_agent(struct lan_service *, struct stream *);
/* Ends the connection, if there is one; what was said by it is forgotten. */
void lan_agent_drop(struct lan_node *);
/* The inventory or the settings may have changed: tells what they say about waiting before a link
 * that is back is used again, and asks how the ports are. */
void lan_configure_agent(struct lan_service *, struct lan_node *);
/* rpc_call() of the node's agent, which there is. ERR_BUSY: this program may not act any more. */
MUST_CHECK enum err lan_call_agent(struct lan_service *, struct lan_node *, const char *method,
                                   json_t *params, nsec_t timeout, call_done_fn *done, void *arg);
/* NULL: nothing. `node` may be NULL. */
const struct lan_said *lan_said(const struct lan_node *, uint32_t port);
/* Does the node say that the link does not carry? */
bool lan_reason_is_fault(enum port_reason);
const char *lan_reason_word(enum port_reason);
/* Appends it in words: "a1 port 2 hears nothing from a2 (heartbeat)"; nothing of a port in use. */
void lan_describe_port(struct buf *, const struct link_end *at, const struct link_end *far,
                       enum port_reason);

/* proof.c */
/* Of s->planned: made anew after the inventory has changed. */
void lan_proof_renew(struct lan_service *);
void lan_proof_free(struct lan_service *);
/* Nobody waits any more for plans that are being proved. */
void lan_proof_abandon(struct lan_service *);
/* This circuit of s->planned has come; goes now. */
void lan_proof_allow(struct lan_service *, const char *circuit);
void lan_proof_forbid(struct lan_service *, const char *circuit);
/* What is wrong with what the nodes hold, in one sentence for an exception: what it does to
 * circuits, or lets pass. The text is the caller's. */
char *lan_proof_sentence(struct lan_service *);
void lan_serve_prove(void *, struct bus *, const struct bus_message *);
void lan_serve_ask(void *, struct bus *, const struct bus_message *);

/* conditions.c */
void lan_serve_conditions(void *, struct bus *, const struct bus_message *);
void lan_surveys_free(struct lan_service *); /* before the nodes */

/* job.c */
/* Looks for something to write, soon. */
void lan_schedule(struct lan_service *);
void lan_job_try(struct lan_service *);
/* The switch of this node has gone, or is about to; its part of the job has failed. */
void lan_job_forget(struct lan_service *, struct lan_node *);
void lan_job_free(struct lan_service *);
/* Does traffic enter the network by this rule? */
bool lan_is_entry(const struct lan_service *, const struct lan_node *, const struct rule *);
/* Puts a rule into what is wanted, not confirmed yet; takes one out. */
void lan_want(struct lan_service *, struct lan_node *, const struct rule *);
void lan_unwant(struct lan_node *, struct rule_item *);
/* Says anew what is known of a wanted rule. */
void lan_mark(const struct lan_service *, struct lan_node *, struct rule_item *, bool confirmed);

/* Numbers of designs. */
struct number_set {
    uint64_t bits[(DESIGN_NUMBER_MAX + 64) / 64];
};
static inline void
number_set_add(struct number_set *set, uint32_t number)
{
    if (number <= DESIGN_NUMBER_MAX)
        set->bits[number / 64] |= UINT64_C(1) << number % 64;
}
static inline bool
number_set_has(const struct number_set *set, uint32_t number)
{
    return number <= DESIGN_NUMBER_MAX && set->bits[number / 64] >> number % 64 & 1;
}
/* Of circuits that all their nodes have confirmed. */
void lan_complete_circuits(const struct lan_service *, struct number_set *);
static inline uint32_t
rule_number(const struct rule *rule)
{
    return rule->kind == RULE_FLOW ? cookie_number(rule->flow->cookie) : 0;
}

/* Numbers of circuits that must not be let in: rules of theirs are not confirmed yet, by any node
 * or only ours or those of other controllers. Circuits that were built once are not among them.
 * False: there are none. */
enum whose { WHOSE_ANY, WHOSE_OURS, WHOSE_FOREIGN };
bool lan_find_open(const struct lan_service *, enum whose, struct number_set *);

/* domain.c */
bool lan_is_ours(const struct lan_service *, const struct node *);
bool lan_end_is_foreign(const struct lan_service *, const struct link_end *);
bool lan_link_is_ours(const struct lan_service *, const struct link *); /* an end of it is */
/* The inventory has changed. */
void lan_find_foreign(struct lan_service *);
/* Says which circuits our nodes are ready for, if that is news or `again`. */
void lan_tell_progress(struct lan_service *, bool again);
void lan_take_progress(void *arg, struct bus *, const struct bus_message *);

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
void lan_repaired(struct lan_service *, struct lan_node *, const struct repairs *);

/* discovery.c */
void lan_discover(struct lan_service *);
void lan_take_lldp(struct lan_service *, struct lan_node *, uint32_t in_port, const uint8_t *frame,
                   size_t size);
/* OpenFlow or the agent has said something new of a port. */
void lan_port_changed(struct lan_service *, struct lan_node *, uint32_t port);
/* A node has come or gone, or the inventory has changed. */
void lan_links_update(struct lan_service *);
json_t *lan_link_json(const struct lan_service *, const struct link *);
json_t *lan_misfits_json(const struct lan_service *);
void lan_links_free(struct lan_service *);
void lan_links_changed(struct lan_service *); /* the inventory has changed */

/* hold.c */
/* Of a link that has been judged. `unseen`: it is down, only discovery knows, and another may be
 * better. */
void lan_hold_update(struct lan_service *, const struct link *, struct lan_link *, bool unseen,
                     bool up);
/* Lets go of links at this port of the node, or all (PORT_ANY), that are up again. */
void lan_hold_release(struct lan_service *, const struct lan_node *, uint32_t port);
/* An agent has connected, or the inventory has changed: tells it all it should know. */
void lan_hold_tell_node(struct lan_service *, struct lan_node *);
/* Appends which ends of an unseen link are held, and which cannot be. */
void lan_hold_describe(const struct lan_service *, const struct link *, struct buf *held,
                       struct buf *not_held);

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
/* A subject that ends with a name, which may not be a token as it is. free() it. */
char *lan_subject(const char *prefix, const char *name);
void lan_publish_node(struct lan_service *, const struct lan_node *);

/* intent.c */
/* May the circuit be put into the nodes now? `why` as local_is_wanted() has it. */
bool lan_may_add(const struct lan_service *, const char *circuit, const char **why);
/* Looks at circuits that have a window, or that local work is about: puts in and takes out. */
void lan_review_intent(struct lan_service *);
void lan_expired_free(struct lan_service *);

/* waiter.c */
/* What of the circuit is still in our nodes, in words for people; NULL: nothing. free() it. */
char *lan_left_of(struct lan_service *, const char *circuit);

/* service.c */
/* Puts a circuit into the plan, or takes it out, and what nodes are wanted to hold with it. */
void lan_put_in(struct lan_service *, const char *circuit);
void lan_take_out(struct lan_service *, const char *circuit);
/* Appends an event; nothing waits for it. */
void lan_record(struct lan_service *, const char *type, const char *object, json_t *body);
void lan_raise(struct lan_service *, const char *kind, const char *severity, const char *object,
               json_t *evidence, const char *format, ...) PRINTF_LIKE(6, 7);
/* Closes the exception, if there is one or was one raised just now. */
void lan_clear(struct lan_service *, const char *kind, const char *object, const char *reason);
/* The names in an array of a payload; NULL if it is not there. Free the array only. */
const char **lan_names(const json_t *payload, const char *member, size_t *n);

#endif

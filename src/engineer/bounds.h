/* bounds.h - the worst case: how late a frame of each circuit can be, how early, and how far its
 * two directions can be apart, whatever all circuits send within their meters. Pure.
 *
 * Network calculus: a circuit is what its meter lets pass (a token bucket), a port is a server of
 * the link's rate with four strict queues, and total flow analysis gives the greatest delay of each
 * queue; rings are solved by fixpoint. doc/bounds.md has the equations, their sources, what is
 * assumed and what is not modelled.
 *
 * Times are nanoseconds: greatest ones are rounded up, least ones down. A delay begins when the
 * last bit of a frame has come in at the first node, and ends when the last bit has left the last
 * node's port to the host. */
#ifndef ENGINEER_BOUNDS_H
#define ENGINEER_BOUNDS_H

#include "base/buf.h"
#include "model/model.h"

/* What the model of the network does not say. Octets on the wire are those of the frame with check
 * sequence, preamble and gap, 24 more than meters count (IEEE 802.3 clauses 3.1.1 and 4.4.2). */
struct bounds_parameters {
    nsec_t processing_best, processing_worst; /* of each node, from the last bit in to its queue */
    uint32_t largest_octets;  /* on the wire; one of them may be on its way out when it counts */
    uint32_t smallest_octets; /* a meter's octets of the smallest frame: 60 on Ethernet */
    uint32_t access_kbps; /* of every host's port; 0: delays end where that port's queue begins */
    uint32_t interface_kbps;    /* no interface is faster; 0: each just as fast as its link */
    uint32_t port_burst_octets; /* what a port may send at the interface's own rate, on the wire */
    uint32_t ahead_octets;      /* what a node itself sends before all queues (heartbeats): burst */
    uint32_t ahead_kbps;        /* ... and rate */
    uint32_t test_octets;       /* tests of a failover path while nothing has failed: burst */
    uint32_t test_kbps;         /* ... and rate, of each circuit, both as its meter counts */
    bool line_shaping;          /* count on that nothing comes in faster than its link carries it */
    nsec_t limit;               /* a delay beyond it is no bound */
    uint32_t max_turns;         /* of the fixpoint; what still grows then has no bound */
};

/* The packet node's (NODE_DELAY_US, heartbeats each 10 ms), full-size frames, host ports of
 * 100 Mbit/s: that of most relays. */
extern const struct bounds_parameters bounds_defaults;

/* NORMAL: everything takes its primary path; failover paths carry tests.
 * FAILURE: any one link or node may have failed: every circuit is counted on all its ways at once:
 * primary, failover, and back to where they part. So it holds before, during and after, too. */
enum bounds_state { BOUNDS_NORMAL, BOUNDS_FAILURE, BOUNDS_STATE_MAX };

struct bounds; /* opaque; not thread-safe */

/* Lays out all circuits that have a design, and solves both states. The network must outlive the
 * result and not change meanwhile. Errors, which name the circuit:
 * ERR_NOT_FOUND: a design names a link, or a circuit a host or node, that is not there.
 * ERR_CONFLICT: a path does not lead where it should.
 * ERR_INVALID: its paths go in a circle; or a parameter makes no sense.
 * ERR_LIMIT: it makes more than BOUNDS_COPIES_MAX copies of a frame; or the ways of all circuits
 * take more than 1 GiB, or their bursts together are more than 2^40 octets. */
MUST_CHECK enum err bounds_new(const struct network *, const struct bounds_parameters *,
                               struct bounds **, struct diag *);
void bounds_free(struct bounds *); /* NULL is fine */

#define BOUNDS_COPIES_MAX 4096

/* The two halves of bounds_new(), for those who measure them. */
MUST_CHECK enum err bounds_lay_out(const struct network *, const struct bounds_parameters *,
                                   struct bounds **, struct diag *);
void bounds_solve(struct bounds *, enum bounds_state);

struct bounds_size {
    uint32_t circuits, ways; /* ways: of circuits to receivers */
    uint32_t hops;           /* of all circuits through queues, of all their copies */
    uint32_t steps;          /* the same, with those counted once that arrive alike */
    uint32_t queues, turns;
    double utilisation; /* of the fullest link, by what the meters let pass; 1 is full */
};
void bounds_get_size(const struct bounds *, enum bounds_state, struct bounds_size *);

/* One queue on a frame's way, and the greatest delay it can cause. The parts add up to `total`. */
struct bounds_hop {
    const struct node *node;
    uint32_t port;
    const struct link *link;  /* NULL: the host's port */
    enum service_class class; /* whose queue it is */
    nsec_t processing;        /* in the node */
    nsec_t blocked;           /* one frame of a lower class */
    nsec_t above;             /* higher classes */
    nsec_t beside;            /* its own class */
    nsec_t sending;
    nsec_t travelling;          /* the link's own delay */
    nsec_t total;               /* NSEC_NEVER: no bound */
    uint32_t n_above, n_beside; /* circuits in those classes, this one too; each copy of a frame */
};

/* From the source to one receiver. */
struct bounds_way {
    const struct host *from, *to;
    nsec_t worst; /* NSEC_NEVER: there is no bound */
    nsec_t best;
    uint32_t n_hops;
    struct bounds_hop *hops; /* of the worst way, in order */
    uint32_t costliest;      /* hop; meaningless without hops */
};

/* Of an IP circuit, client to server and back; of a multicast, to each subscriber. */
struct bounds_result {
    uint32_t n;
    struct bounds_way *ways;
    nsec_t worst; /* of all ways; NSEC_NEVER: there is no bound */
    /* How far the directions can be apart: the greater of |there's worst - back's best| and |back's
     * worst - there's best|. 0 of a multicast, NSEC_NEVER if there is no bound. */
    nsec_t asymmetry;
};

static inline nsec_t
bounds_way_jitter(const struct bounds_way *w)
{
    return w->worst == NSEC_NEVER ? NSEC_NEVER : w->worst - w->best;
}

/* ERR_NOT_FOUND: there is no such circuit, or it has no design. */
MUST_CHECK enum err bounds_circuit(const struct bounds *, const char *name, enum bounds_state,
                                   struct bounds_result *);
void bounds_result_fini(struct bounds_result *);

/* Only the figures, of all circuits, in the network's order; fast. */
struct bounds_figures {
    const struct circuit *circuit;
    nsec_t worst, best; /* of all its ways */
    nsec_t asymmetry;
};
/* An array of bounds_size.circuits elements, to free(). */
struct bounds_figures *bounds_all(const struct bounds *, enum bounds_state);

/* A queue for which there is no bound, and why. */
struct bounds_overload {
    const struct node *node;
    uint32_t port;
    const struct link *link; /* NULL: a host's port */
    enum service_class class;
    uint64_t asked_kbps; /* by this class and those above, on the wire */
    uint32_t kbps;       /* the port's; asked for less than this: bursts grow round a ring */
};
/* Those that are the cause, not those that suffer from others. Free the list. */
void bounds_overloads(const struct bounds *, enum bounds_state, struct bounds_overload **list,
                      uint32_t *n);
void bounds_overload_format(const struct bounds_overload *, struct buf *);

/* ---- Verdicts ---- */

/* 0: none. */
struct bounds_budget {
    nsec_t latency;   /* one way, to every receiver */
    nsec_t asymmetry; /* between the directions of an IP circuit */
};
struct bounds_budget bounds_budget_of(const struct circuit *);
bool bounds_budget_holds(const struct bounds_budget *, nsec_t worst, nsec_t asymmetry);

enum bounds_remedy_kind { REMEDY_CLASS, REMEDY_CAPACITY, REMEDY_BURST };

/* Something that was tried, and all of the network computed anew with it. */
struct bounds_remedy {
    enum bounds_remedy_kind kind;
    enum service_class class; /* REMEDY_CLASS */
    const struct link *link;  /* REMEDY_CAPACITY */
    uint32_t kbps;
    uint32_t burst_octets; /* REMEDY_BURST */
    nsec_t worst;
    nsec_t asymmetry;
    bool fits;       /* within the budget */
    uint32_t breaks; /* budgets of other circuits that hold without it */
};

struct bounds_broken {
    const struct circuit *circuit;
    bool asymmetry; /* which budget; of both, each is there */
    nsec_t before, after;
};

struct bounds_verdict {
    bool fits;       /* its budget holds, and all others that held before */
    bool is_bounded; /* its delay is */
    struct bounds_budget budget;
    struct bounds_result normal, failure;
    uint32_t n_broken;
    struct bounds_broken *broken; /* budgets that hold now, and would not with it */
    uint32_t n_remedies;
    struct bounds_remedy *remedies; /* if its own budget does not hold */
    char *text;                     /* one line for people, in every case */
};

/* Judges one circuit, with the design it is to have, against all that is laid out: a new one, or
 * another form of one that is there by that name. Budgets have to hold in both states. What is laid
 * out stays as it is. `budget` NULL: the circuit's own. Errors as bounds_new(). */
MUST_CHECK enum err bounds_judge(struct bounds *, const struct circuit *, const struct design *,
                                 const struct bounds_budget *, struct bounds_verdict *,
                                 struct diag *);
void bounds_verdict_fini(struct bounds_verdict *);

/* Adds a circuit for good, or replaces the one of that name; both must live as long as the bounds.
 * Remove takes it away again. Errors as bounds_new(); of remove, ERR_NOT_FOUND. */
MUST_CHECK enum err bounds_add(struct bounds *, const struct circuit *, const struct design *,
                               struct diag *);
MUST_CHECK enum err bounds_remove(struct bounds *, const char *name);

/* ---- What must hold on the devices ---- */

enum bounds_condition_kind {
    CONDITION_PORT,  /* the port sends `kbps`, its bursts are at most `burst_octets` */
    CONDITION_QUEUE, /* of that port, is strict; holds `burst_octets` on the wire */
    CONDITION_METER, /* drops what is above `kbps` and a burst of `burst_kbit` */
    CONDITION_KIND_MAX
};

struct bounds_condition {
    enum bounds_condition_kind kind;
    const struct node *node;
    uint32_t port;               /* PORT, QUEUE */
    const struct link *link;     /* ... NULL: a host's port */
    uint32_t queue;              /* QUEUE: 1 to 4, the highest first */
    uint32_t meter_id;           /* METER */
    const struct circuit *owner; /* METER */
    uint32_t kbps, burst_kbit;
    uint64_t burst_octets;
};

/* All of them, by node; what is not there on the devices makes every bound void. Free the list. */
void bounds_conditions(const struct bounds *, struct bounds_condition **list, uint32_t *n);
void bounds_condition_format(const struct bounds_condition *, struct buf *);

/* A circuit's bounds, hop by hop, as text. */
void bounds_result_format(const struct bounds_result *, struct buf *);

#endif

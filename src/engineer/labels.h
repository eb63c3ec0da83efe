/* labels.h - label-switched paths (MPLS, RFC 3031, RFC 3032) judged with their stacks: what happens
 * to each packet that is put into one, with all links up and with each that it uses down.
 *
 * Where a packet goes depends on the node and on the topmost label alone, so it is a pushdown
 * system (P. Jensen et al., "AalWiNes: A Fast and Quantitative What-If Analysis Tool for MPLS
 * Networks", CoNEXT 2020). A packet is in a loop for ever when it comes to a node with a topmost
 * label that it had there before, and no label below that one has been looked at since; the stack
 * may have grown meanwhile. That is exact. Stacks are followed to the depth given; what gets deeper
 * is a finding too.
 *
 * Labels mean the same whatever link a packet comes from (RFC 3031 3.14, per-platform label space).
 * Of the rules of a node for a label those of the lowest rank with a link that is up count: rank 0
 * is the way in good times, higher ones are fast reroute (RFC 4090). Several of the same rank are
 * ways that a packet may take. */
#ifndef ENGINEER_LABELS_H
#define ENGINEER_LABELS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LABELS_NONE UINT32_MAX
#define LABELS_HERE (UINT32_MAX - 1) /* a rule's link: the node looks at what is left again */
#define LABEL_MAX 1048575u           /* 20 bits */
#define LABEL_IMPLICIT_NULL 3u       /* is never in a packet: what it stands for is a pop */
#define LABELS_DEPTH_MAX 64u
#define LABELS_OPS_MAX 8u
#define LABELS_RULES_MAX 1000000u
#define LABELS_NODES_MAX 65536u
#define LABELS_LINKS_MAX 262144u

enum label_op_kind { LABEL_POP, LABEL_SWAP, LABEL_PUSH };

struct label_op {
    enum label_op_kind kind;
    uint32_t label; /* swap, push */
};

struct label_rule {
    uint32_t node;
    uint32_t label;  /* topmost; LABELS_NONE: an entry, packets without a label */
    uint32_t fec;    /* of an entry: which packets; the rules of a node and FEC are one entry */
    uint32_t egress; /* of an entry: where its packets are to come out, without a label */
    uint32_t rank;
    uint32_t link; /* LABELS_HERE: none */
    uint32_t n_ops;
    struct label_op ops[LABELS_OPS_MAX]; /* in this order */
};

struct labels_link {
    uint32_t from, to;
    uint32_t risk; /* links with the same number fail together: both directions of a cable */
};

struct labels_config {
    uint32_t n_nodes, n_links;
    const struct labels_link *links; /* copied */
    uint32_t depth;                  /* labels that a stack may have; 1 to LABELS_DEPTH_MAX */
    uint32_t steps; /* configurations of node and stack looked at of one entry and failure */
};

struct labels;

/* ERR_INVALID: a depth, or a link that cannot be; ERR_LIMIT: too many nodes or links, or no steps.
 */
MUST_CHECK enum err labels_new(const struct labels_config *, struct labels **, struct diag *);
void labels_free(struct labels *); /* NULL is fine */

/* Copies a rule. ERR_INVALID: a node, link or label that cannot be. ERR_LIMIT: too many rules. */
MUST_CHECK enum err labels_add(struct labels *, const struct label_rule *, struct diag *);

enum labels_kind {
    LABELS_LOOP,     /* for ever */
    LABELS_NO_RULE,  /* no rule for the label: dropped */
    LABELS_NO_LABEL, /* a label is taken from a stack that has none */
    LABELS_ASTRAY,   /* comes out of its path where it should not */
    LABELS_DOWN,     /* all links that it could take are down */
    LABELS_DEEP,     /* the stack gets deeper than it may */
    LABELS_UNJUDGED, /* the steps did not suffice */
};
const char *labels_kind_name(enum labels_kind); /* "loop"; static */

struct labels_finding {
    enum labels_kind kind;
    uint32_t entry;   /* of the rules as added, from 0 */
    uint32_t failure; /* risk; LABELS_NONE: with everything up */
    uint32_t node;    /* where it happens */
    uint32_t n_stack;
    uint32_t stack[LABELS_DEPTH_MAX]; /* as it came there, topmost last */
    uint32_t n_path;
    uint32_t *path; /* nodes, as far as it got */
    bool grows;     /* of a loop: the stack does */
};

struct labels_report {
    uint32_t n, capacity;
    struct labels_finding *findings;
    bool truncated;
    uint64_t entries, failures, configurations; /* looked at */
};
void labels_report_fini(struct labels_report *);

/* Judges all entries; each with everything up, and, if `failures`, with each risk of a link that it
 * then would use down alone. Stops after `limit` findings. */
void labels_judge(struct labels *, bool failures, uint32_t limit, struct labels_report *);

#endif

/* certificate.h - may this rule be on this node? Answered from the rule and the approved circuits,
 * without a look at any other rule.
 *
 * For each circuit the certifier draws up what its paths allow: the places where its packets may
 * come by (a node, an input port, headers) and where each may send them next. That is a directed
 * graph; it is drawn from the design alone and refused if it has a circle. A rule is certified if
 * its match lies within one place of one conversation, found by header and never by cookie, and
 * every output of its actions and of the groups it names leads along an edge of that graph, with
 * the headers that belong there; and if meter, queue and priority are the circuit's.
 *
 * Where every rule of a network is certified and every table drops what no rule takes, nothing else
 * passes and nothing goes round, whatever fails: by induction along the graph. That everything
 * arrives a certificate does not say; the walk does (prove.h), which shares no code with this. */
#ifndef ENGINEER_CERTIFICATE_H
#define ENGINEER_CERTIFICATE_H

#include "engineer/prove.h"

struct certifier;

/* For the nodes, links and hosts of this network, which must stay as they are. Never NULL. */
struct certifier *certifier_new(const struct network *);
void certifier_free(struct certifier *); /* NULL is fine */

/* The circuit on the design's paths; both must stay alive and unchanged until it is forbidden.
 * ERR_NOT_FOUND: something it names is not there. ERR_EXISTS. ERR_CONFLICT: its paths together lead
 * round in a circle. */
MUST_CHECK enum err certifier_allow(struct certifier *, const struct circuit *,
                                    const struct design *, struct diag *);
enum err certifier_forbid(struct certifier *, const char *circuit); /* ERR_NOT_FOUND */

/* What the node holds that a flow may name; NULL: it is not there. */
struct rule_lookup {
    const struct group *(*group)(void *arg, uint32_t group_id);
    const struct meter *(*meter)(void *arg, uint32_t meter_id);
    void *arg;
};

/* Of a rule set: what a node is planned or known to hold. It must outlive the result. */
struct rule_lookup rule_lookup_in(const struct ruleset *);

enum certificate_kind {
    CERTIFIED,         /* it forwards for one circuit, as approved */
    CERTIFIED_PASSIVE, /* it forwards nothing: it drops, or tells the controller */
    REFUSED,
};

struct certificate {
    enum certificate_kind kind;
    enum violation_kind violation; /* if refused */
    const struct circuit *circuit; /* whose packets these are; NULL: nobody's */
    const char *text;              /* one sentence; static */
};

/* ERR_NOT_FOUND: the network has no such node. */
MUST_CHECK enum err certify(const struct certifier *, const char *node, const struct flow *,
                            const struct rule_lookup *, struct certificate *);

#endif

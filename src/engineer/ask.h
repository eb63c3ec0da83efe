/* ask.h - questions to the tables of a network: who reaches whom, by which rules; who depends on a
 * link.
 *
 * The answers are what the tables in the prover do, walked anew for the question, not what circuits
 * say; which circuit a packet belongs to is found by its header. Each answer has "proved": false
 * where violations stand, which prover_report() names; then more may pass than the circuits know.
 *
 * Answers are JSON, owned by the caller. Packets and rules in them are texts as match_format() and
 * flow_format() write them. */
#ifndef ENGINEER_ASK_H
#define ENGINEER_ASK_H

#include "engineer/prove.h"

#include <jansson.h>

/* What a packet speaks: "tcp", "tcp/502", "udp/123", "icmp", "ip", "arp", "goose", "sv",
 * "0x88b8"; NULL or "any": anything. Sets the fields in a match that has none of them yet.
 * ERR_INVALID: none of these. */
MUST_CHECK enum err ask_protocol(const char *text, struct match *, struct diag *);

/* Can host `from` send to host `to`? ERR_NOT_FOUND: no such host, or it is attached nowhere.
 *
 *     {"from", "to", "protocol", "reaches", "proved",
 *      "ways": [{"circuit" (null: none allows it), "packet", "path", "rules": ["node: rule",
 * ...]}], "dropped": {"node", "rule" (null: no rule takes it), "packet"}}    if it does not reach
 */
MUST_CHECK enum err ask_reach(struct prover *, const char *from, const char *to,
                              const char *protocol, json_t **answer, struct diag *);

/* {"to", "proved", "from": [{"host", "circuits": [{"circuit", "packet", "arrives"}]}]} */
MUST_CHECK enum err ask_who_reaches(struct prover *, const char *host, json_t **answer,
                                    struct diag *);

/* What if this link, node or shared risk fails? ERR_NOT_FOUND: there is nothing of that name.
 *
 *     {"element": "link a1-a2", "proved", "fails-over": [circuit, ...], "lost": [...],
 *      "unprotected": [...]}      the last: works on, but its failover path is gone */
MUST_CHECK enum err ask_affected_by(struct prover *, const char *element, json_t **answer,
                                    struct diag *);

/* {"proved", "pairs": [{"from", "to", "circuits": [name, ...]}]} by name */
json_t *ask_matrix(struct prover *);

#endif

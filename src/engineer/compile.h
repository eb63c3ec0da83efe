/* compile.h - from a circuit and its paths to the rules of each node. Pure.
 *
 * Every rule names its input port and the whole conversation: nothing passes by being similar. What
 * is compiled for one circuit:
 *
 * IP. Per direction and node of the primary path, one rule: at the first node it has the circuit's
 * meter and, between subnets, rewrites the MAC addresses; everywhere it sets the class's queue.
 * Where the next hop can fail, the output is a fast-failover group. At a node where the failover
 * path leaves, its second bucket is that path; at a node behind, its second bucket sends the packet
 * back where it came from, and rules for packets that come back pass them on to the node where the
 * failover path leaves. So every node heals what breaks next to it, by itself, and a path is told
 * from the other by its input port.
 *
 * ARP. A request for the peer (or for the gateway, if the peer is in another subnet) is answered by
 * the first node: one rule turns the request round into the reply. No ARP packet crosses the
 * network.
 *
 * Multicast. Rules along the primary tree; its output groups send a frame that cannot go on back
 * towards the publisher's node, marked by VLAN_RETURN, and from there over the subscribers'
 * failover paths, marked by VLAN_FAILOVER. The frame's own VLAN is put back before it is delivered.
 * A subscriber may see a frame twice while something is broken; IEC 61850-8-1 subscribers drop the
 * repetition.
 *
 * Tests. Beside each conversation runs a test conversation: STAMP over UDP between the same
 * addresses, from the LOCAL port of the first node to that of the last, over the same groups,
 * meters and queues. Its UDP source port tells circuits apart, and whether the failover path is to
 * be tested (the odd one). */
#ifndef ENGINEER_COMPILE_H
#define ENGINEER_COMPILE_H

#include "model/model.h"
#include "packet/rule.h"

/* Priorities in table 0. */
#define PRIORITY_DISCOVERY 2000
#define PRIORITY_CONVERSATION 1000
#define PRIORITY_DENY 1
#define PRIORITY_MISS 0

#define VLAN_RETURN 4093   /* multicast frame on its way back to the publisher's node */
#define VLAN_FAILOVER 4094 /* multicast frame on a failover path */

#define TEST_UDP_PORT 862 /* RFC 8762 section 4.1 */
#define TEST_PORT_FIRST 49152
#define TEST_PORT_PAIRS 8192

/* Meters that every node has, besides the circuits' own (numbers 2n and 2n + 1 for circuit n). */
#define METER_ARP 200000
#define METER_DENY 200001
#define METER_DISCOVERY 200002

/* Cookies: the circuit's number in the high half; what the rule is for in the low half. */
enum rule_role {
    ROLE_DISCOVERY = 1,
    ROLE_DENY = 2,
    ROLE_MISS = 3,
    ROLE_ARP = 4,
    ROLE_FORWARD = 5,  /* client to server, publisher to subscribers */
    ROLE_BACKWARD = 6, /* server to client */
    ROLE_TEST = 7,
};

static inline uint64_t
rule_cookie(uint32_t number, enum rule_role role)
{
    return (uint64_t)number << 32 | (uint64_t)role;
}

static inline uint32_t
cookie_number(uint64_t cookie)
{
    return (uint32_t)(cookie >> 32);
}

/* Does something at this node send and reflect test packets? */
static inline bool
node_can_test(const struct node *node)
{
    return node->kind == NODE_TIELINE_EDGE || node->probe;
}

/* The UDP source port of a circuit's test packets. */
uint16_t test_port(uint32_t number, bool failover);
/* The MAC address that answers for a gateway: locally administered, made from its IPv4 address. */
void gateway_mac(uint32_t gateway, struct mac *);
/* The IPv4 group that a multicast circuit's test packets are sent to: 239.255.0.0 and the number.
 */
uint32_t test_group(uint32_t number);

/* Takes the rules one by one; what it is given is the caller's and must be copied. */
struct rule_sink {
    enum err (*flow)(void *arg, const struct node *, const struct flow *, struct diag *);
    enum err (*group)(void *arg, const struct node *, const struct group *, struct diag *);
    enum err (*meter)(void *arg, const struct node *, const struct meter *, struct diag *);
    void *arg;
};

/* The rules of one circuit. The same rule may come more than once, and from several circuits (ARP).
 * ERR_NOT_FOUND: the design names a link or host that is not there. Errors of the sink are passed
 * on; what it got until then is for it to take back. */
MUST_CHECK enum err compile_circuit(const struct network *, const struct circuit *,
                                    const struct design *, const struct rule_sink *, struct diag *);

/* What every node has, whatever the circuits: the discovery rule, the deny rule of each port, which
 * counts and samples, and the table-miss entry. */
MUST_CHECK enum err compile_node(const struct node *, const struct rule_sink *, struct diag *);

#endif

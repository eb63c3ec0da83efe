/* bounds_devices.h - what latency bounds rest on, compared with what the devices say. Pure.
 *
 * Three things are looked at: that a port sends no faster than its link carries, that the queues in
 * use are strict and may hold what can wait there, and that each circuit's meter is in the node by
 * which it enters. What a device does not say is unknown, which is not the same as right. */
#ifndef ENGINEER_BOUNDS_DEVICES_H
#define ENGINEER_BOUNDS_DEVICES_H

#include "engineer/bounds.h"
#include "engineer/ruleset.h"

#include <jansson.h>

/* How the devices are asked; each answer is borrowed until the next question. */
struct bounds_devices {
    /* Is it for us to ask the node? Conditions of others are counted by node, not judged. NULL: all
     * are. */
    bool (*is_ours)(void *arg, const struct node *);
    /* What `edge.queues` of the node's agent answered (doc/edge.md); NULL: nothing. */
    const json_t *(*queues)(void *arg, const struct node *);
    /* Of the port's interface; 0: not known. */
    uint32_t (*interface_kbps)(void *arg, const struct node *, uint32_t port);
    /* What the node holds; NULL: not known. */
    const struct ruleset *(*rules)(void *arg, const struct node *);
    void *arg;
};

/* {"ok": none is broken or unknown, "n", "n-broken", "n-unknown", "list": [{"state":
 * "broken|unknown|holds", "node", "port"?, "link"?, "queue"?, "meter"?, "circuit"?, "needs",
 * "seen", "remedy"?}], "elsewhere"? (where not all nodes are ours): {node: how many conditions}}:
 * all but the last of our nodes; first what is broken, then what is not known, then the rest, by
 * node; at most `limit`. The caller owns it. */
json_t *bounds_check_devices(const struct bounds *, const struct bounds_devices *, uint32_t limit);

#endif

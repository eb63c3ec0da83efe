/* openflow_canonical.h - one form for all flows, groups and meters that do the same.
 *
 * What a switch gives back is not octet for octet what it was told: instructions without actions
 * come and go, action sets come in another order, a switch fills in what does not apply. Bring both
 * sides into canonical form, then flow_equal(), group_equal() and meter_equal() compare what they
 * do. Everything is changed in place and nothing is allocated or freed: lists only get shorter. */
#ifndef PROTO_OPENFLOW_OPENFLOW_CANONICAL_H
#define PROTO_OPENFLOW_OPENFLOW_CANONICAL_H

#include "packet/rule.h"

/* An action list: max_len only where the controller gets the packet, ports as they are. */
void openflow_canonical_actions(struct actions *);
/* An action set (write-actions, buckets) in the order of its execution (OpenFlow 1.3.5 section
 * 5.10): one action of each kind, the last one given; no output where there is a group. */
void openflow_canonical_action_set(struct actions *);
/* Instructions without effect are gone, and flags that only matter while the flow is added. */
void openflow_canonical_flow(struct flow *);
/* Weights only in select groups, watches only where liveness counts (select, fast failover). */
void openflow_canonical_group(struct group *);
/* kbit/s where no unit is given; bursts and precedence levels only where they count; no STATS flag,
 * since a switch may count or not as it likes. */
void openflow_canonical_meter(struct meter *);

#endif

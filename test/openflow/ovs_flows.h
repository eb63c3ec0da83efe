/* ovs_flows.h - what ovs_controller.c puts into Open vSwitch. */
#ifndef TEST_OPENFLOW_OVS_FLOWS_H
#define TEST_OPENFLOW_OVS_FLOWS_H

#include "packet/rule.h"

#define N_FLOWS 256
#define N_GROUPS 8

struct flow_list {
    struct flow flows[N_FLOWS];
    uint32_t n;
};

struct group_list { /* groups 1 to n; some refer to group 1 */
    struct group groups[N_GROUPS];
    uint32_t n;
};

/* Flows with every match field, action and instruction that Open vSwitch 3.1 takes in OpenFlow 1.3;
 * they need meter 1 and group 1. */
void flow_list_init(struct flow_list *);
void flow_list_fini(struct flow_list *);
/* Groups of every type. */
void group_list_init(struct group_list *);
void group_list_fini(struct group_list *);

#endif

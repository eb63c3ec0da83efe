#include "edge/openflow_switch_private.h"

/* Commands have the same numbers on the wire and in the datapath. */
_Static_assert((int)OFPFC_DELETE_STRICT == (int)FLOW_DELETE_STRICT, "enum flow_command");
_Static_assert((int)OFPGC_DELETE == (int)GROUP_DELETE, "enum group_command");
_Static_assert((int)OFPGC_DELETE == (int)METER_DELETE, "enum meter_command");

/* There are no buffers, so a number cannot mean one. Deletes do not use it. */
bool
apply_flow_mod(struct openflow_channel *ch, const struct openflow_message *m)
{
    const struct openflow_flow_mod *fm = &m->flow_mod;
    bool removal = fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
    struct flow_request request = {
        .command = (enum flow_command)fm->command,
        .flow = &fm->flow,
        .cookie_mask = fm->cookie_mask,
        .out_port = removal ? fm->out_port : PORT_ANY,
        .out_group = removal ? fm->out_group : GROUP_ANY,
    };
    if (fm->buffer_id != NO_BUFFER && !removal)
        return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN);
    return accept(ch, datapath_flow_mod(ch->sw->dp, &request, ch->now));
}

bool
apply_group_mod(struct openflow_channel *ch, const struct openflow_message *m)
{
    if (m->group_mod.command > OFPGC_DELETE)
        return refuse(ch, OFPET_GROUP_MOD_FAILED, OFPGMFC_BAD_COMMAND);
    return accept(ch, datapath_group_mod(ch->sw->dp, (enum group_command)m->group_mod.command,
                                         &m->group_mod.group, ch->now));
}

bool
apply_meter_mod(struct openflow_channel *ch, const struct openflow_message *m)
{
    if (m->meter_mod.command > OFPGC_DELETE)
        return refuse(ch, OFPET_METER_MOD_FAILED, OFPMMFC_BAD_COMMAND);
    return accept(ch, datapath_meter_mod(ch->sw->dp, (enum meter_command)m->meter_mod.command,
                                         &m->meter_mod.meter, ch->now));
}

#define PORT_CONFIG_ALL (OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN)

bool
set_admin(struct openflow_channel *ch, const struct openflow_port_mod *pm)
{
    const struct openflow_switch_config *config = &ch->sw->config;
    if (!(pm->mask & OFPPC_PORT_DOWN) || !config->set_admin)
        return true;
    struct edge_port *port = datapath_port(ch->sw->dp, pm->port_no);
    return !config->set_admin(config->arg, port, !(pm->config & OFPPC_PORT_DOWN));
}

/* Section 7.3.4.3. What an interface advertises is its driver's affair. */
bool
apply_port_mod(struct openflow_channel *ch, const struct openflow_message *m)
{
    const struct openflow_port_mod *pm = &m->port_mod;
    struct openflow_switch *sw = ch->sw;
    struct edge_port *port = datapath_port(sw->dp, pm->port_no);
    if (!port)
        return refuse(ch, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_PORT);
    if (!mac_equal(&port->mac, &pm->hw_addr))
        return refuse(ch, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_HW_ADDR);
    if ((pm->config | pm->mask) & ~(uint32_t)PORT_CONFIG_ALL)
        return refuse(ch, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_CONFIG);
    if (pm->advertise)
        return refuse(ch, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_ADVERTISE);
    if (!ch->committing && !set_admin(ch, pm))
        return refuse(ch, OFPET_PORT_MOD_FAILED, OFPPMFC_EPERM);
    datapath_configure_port(sw->dp, port, pm->config, pm->mask);
    return true;
}

/* Section 7.3.4.2: nothing about a table can be configured in this version. */
bool
apply_table_mod(struct openflow_channel *ch, const struct openflow_message *m)
{
    if (m->table_mod.table_id >= N_TABLES && m->table_mod.table_id != TABLE_ALL)
        return refuse(ch, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_TABLE);
    if (m->table_mod.config)
        return refuse(ch, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_CONFIG);
    return true;
}

/* ---- Packet-out (section 7.3.7) ---- */

static bool
can_come_from(const struct datapath *dp, uint32_t in_port)
{
    return in_port == PORT_CONTROLLER || in_port == PORT_LOCAL || in_port == PORT_ANY ||
           datapath_port(dp, in_port);
}

static enum err
inject(struct openflow_channel *ch, const struct openflow_packet_out *po)
{
    const struct injection injection = {
        .frame = po->packet.octets,
        .size = (uint32_t)po->packet.size,
        .in_port = po->in_port == PORT_ANY ? PORT_CONTROLLER : po->in_port,
        .actions = &po->actions,
    };
    return ch->sw->config.inject(ch->sw->config.arg, &injection);
}

bool
handle_packet_out(struct openflow_channel *ch, const struct openflow_message *m)
{
    const struct openflow_packet_out *po = &m->packet_out;
    if (po->buffer_id != NO_BUFFER)
        return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN);
    if (!can_come_from(ch->sw->dp, po->in_port))
        return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT);
    if (po->packet.size < 14) /* no whole Ethernet header */
        return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_PACKET);
    if (!accept(ch, datapath_check_actions(ch->sw->dp, &po->actions, NULL)))
        return false;
    enum err err = inject(ch, po);
    if (err == ERR_LIMIT)
        return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_PACKET);
    if (err == ERR_BUSY)
        ch->job = (struct job){.kind = JOB_INJECT, .packet_out = po};
    return true;
}

bool
job_inject(struct openflow_channel *ch)
{
    if (inject(ch, ch->job.packet_out) == ERR_BUSY)
        return false;
    job_end(ch);
    return true;
}

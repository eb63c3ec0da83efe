/* openflow_switch_test.c - requests and their answers, by the book. */
#include "edge/openflow_switch_testing.h"

static void
says_what_it_is(void **state)
{
    struct controller *c = connect_controller(*state);
    const struct openflow_features *f =
        &ask(c, (struct openflow_message){.type = OFPT_FEATURES_REQUEST})->features;
    assert_int_equal(f->datapath_id, 0x1122334455667788);
    assert_int_equal(f->n_buffers, 0);
    assert_int_equal(f->n_tables, 254);
    assert_int_equal(f->capabilities, OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS |
                                          OFPC_GROUP_STATS | OFPC_QUEUE_STATS);
    const struct openflow_desc *d = ask_stats(c, OFPMP_DESC, NULL)->desc;
    assert_string_equal(d->serial_number, "node-1");
    assert_string_equal(d->manufacturer, "Tieline");
}

static void
fragments_are_forwarded_as_they_are_and_nothing_else(void **state)
{
    struct controller *c = connect_controller(*state);
    assert_done(c, {.type = OFPT_SET_CONFIG, .config = {OFPC_FRAG_NORMAL, 300}});
    assert_int_equal(
        ask(c, (struct openflow_message){.type = OFPT_GET_CONFIG_REQUEST})->config.miss_send_len,
        300);
    assert_refused(c, OFPET_SWITCH_CONFIG_FAILED, OFPSCFC_BAD_FLAGS,
                   {.type = OFPT_SET_CONFIG, .config = {OFPC_FRAG_DROP, 128}});
    assert_int_equal(
        ask(c, (struct openflow_message){.type = OFPT_GET_CONFIG_REQUEST})->config.miss_send_len,
        300);
}

static void
a_flow_is_added_used_shown_and_removed(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct openflow_message add = flow_mod(OFPFC_ADD, "in_port=1", 2);
    add.flow_mod.flow.cookie = 77;
    add.flow_mod.flow.flags = FLOW_SEND_FLOW_REM;
    assert_true(command(c, add));
    receive(b, 1, UDP);
    assert_string_equal(buf_cstr(&b->sent), "2:44 ");
    b->now += 3 * NSEC_PER_SEC / 2;
    struct openflow_flow_request all = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    const struct openflow_multipart *reply = ask_stats(c, OFPMP_FLOW, &all);
    assert_int_equal(reply->n, 1);
    assert_int_equal(reply->flows[0].packets, 1);
    assert_int_equal(reply->flows[0].octets, 44);
    assert_int_equal(reply->flows[0].duration_s, 1);
    assert_int_equal(reply->flows[0].duration_ns, 500000000);
    assert_int_equal(reply->flows[0].flow.cookie, 77);
    assert_true(flow_equal(&reply->flows[0].flow, &add.flow_mod.flow));
    const struct openflow_aggregate *sum = ask_stats(c, OFPMP_AGGREGATE, &all)->aggregate;
    assert_int_equal(sum->flows, 1);
    assert_int_equal(sum->octets, 44);
    all.out_port = 3;
    assert_int_equal(ask_stats(c, OFPMP_FLOW, &all)->n, 0);
    all.out_port = 2;
    assert_int_equal(ask_stats(c, OFPMP_FLOW, &all)->n, 1);

    struct openflow_message removal = flow_mod(OFPFC_DELETE, "any", 0);
    removal.flow_mod.flow.table_id = TABLE_ALL;
    assert_true(command(c, removal));
    const struct openflow_flow_removed *removed = &next_note(c, OFPT_FLOW_REMOVED)->flow_removed;
    assert_int_equal(removed->reason, OFPRR_DELETE);
    assert_int_equal(removed->packets, 1);
    assert_int_equal(removed->duration_s, 1);
    assert_true(flow_same(&removed->flow, &add.flow_mod.flow));
    receive(b, 1, UDP);
    assert_string_equal(buf_cstr(&b->sent), "");
}

static void
wrong_commands_are_refused_by_the_book(void **state)
{
    struct controller *c = connect_controller(*state);
    struct openflow_message m = flow_mod(OFPFC_ADD, "any", 2);
    m.flow_mod.buffer_id = 9;
    assert_false(command(c, m));
    assert_true(openflow_error_is(&c->error, OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN));
    m = flow_mod(OFPFC_ADD, "any", 2);
    m.flow_mod.flow.table_id = 254;
    assert_false(command(c, m));
    assert_true(openflow_error_is(&c->error, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_TABLE_ID));
    m = flow_mod(OFPFC_ADD, "any", PORT_NORMAL);
    assert_false(command(c, m));
    assert_true(openflow_error_is(&c->error, OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT));
    m = flow_mod(OFPFC_ADD, "any", 2);
    m.flow_mod.flow.meter_id = 3;
    assert_false(command(c, m));
    assert_true(openflow_error_is(&c->error, OFPET_METER_MOD_FAILED, OFPMMFC_UNKNOWN_METER));
    assert_refused(c, OFPET_GROUP_MOD_FAILED, OFPGMFC_UNKNOWN_GROUP,
                   {.type = OFPT_GROUP_MOD, .group_mod = {OFPGC_MODIFY, {.group_id = 4}}});
    assert_refused(c, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_TABLE,
                   {.type = OFPT_TABLE_MOD, .table_mod = {254, 0}});
    assert_refused(c, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_CONFIG,
                   {.type = OFPT_TABLE_MOD, .table_mod = {TABLE_ALL, 3}});
    assert_done(c, {.type = OFPT_TABLE_MOD, .table_mod = {TABLE_ALL, 0}});
    assert_refused(c, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER,
                   {.type = OFPT_EXPERIMENTER, .experimenter = {.experimenter = 0x1234}});
    struct openflow_flow_request bad = {.table_id = 254, .out_port = PORT_ANY};
    assert_denied(c, OFPET_BAD_REQUEST, OFPBRC_BAD_TABLE_ID,
                  {.type = OFPT_MULTIPART_REQUEST,
                   .multipart = {OFPMP_FLOW, false, 1, {.flow_request = &bad}}});
}

/* ---- Packets ---- */

static struct openflow_message
packet_out(uint32_t in_port, const struct actions *actions, const uint8_t *frame, size_t size)
{
    return (struct openflow_message){.type = OFPT_PACKET_OUT,
                                     .packet_out = {NO_BUFFER, in_port, *actions, {frame, size}}};
}

static void
a_packet_out_leaves_before_the_barrier_is_answered(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct action list = {.type = ACTION_OUTPUT, .id = 3};
    struct actions actions = {&list, 1};
    uint8_t frame[60] = {0};
    assert_true(command(c, packet_out(PORT_CONTROLLER, &actions, frame, sizeof frame)));
    assert_string_equal(buf_cstr(&b->sent), "3:60 ");
    assert_int_equal(b->n_settled, 1);
    assert_false(command(c, packet_out(PORT_CONTROLLER, &actions, frame, 13)));
    assert_true(openflow_error_is(&c->error, OFPET_BAD_REQUEST, OFPBRC_BAD_PACKET));
    assert_false(command(c, packet_out(77, &actions, frame, 60)));
    assert_true(openflow_error_is(&c->error, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT));
    list.id = PORT_NORMAL;
    assert_false(command(c, packet_out(1, &actions, frame, 60)));
    assert_true(openflow_error_is(&c->error, OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT));
    struct openflow_message buffered = packet_out(1, &actions, NULL, 0);
    buffered.packet_out.buffer_id = 1;
    assert_false(command(c, buffered));
    assert_true(openflow_error_is(&c->error, OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN));
}

static void
packet_outs_wait_for_room_and_nothing_overtakes_them(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct action list = {.type = ACTION_OUTPUT, .id = 3};
    struct actions actions = {&list, 1};
    uint8_t frame[60] = {0};
    b->inject_busy = true;
    struct openflow_message po = packet_out(PORT_CONTROLLER, &actions, frame, sizeof frame);
    struct openflow_message barrier = {.type = OFPT_BARRIER_REQUEST};
    assert_ok(openflow_session_request(c->session, &po, NULL, 0, b->now));
    assert_ok(openflow_session_request(c->session, &po, NULL, 0, b->now));
    assert_ok(openflow_session_request(c->session, &barrier, c, 0, b->now));
    pump(b);
    assert_false(c->answered);
    assert_true(openflow_channel_deadline(c->channel) <= b->now + NSEC_PER_MSEC);
    b->inject_busy = false;
    pump(b);
    assert_true(c->answered);
    assert_string_equal(buf_cstr(&b->sent), "3:60 3:60 ");
}

static void
packet_ins_go_to_those_who_want_them(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b), *other = connect_controller(b);
    struct openflow_async only_misses = {.packet_in = {1u << OFPR_NO_MATCH, 0}};
    struct openflow_message trap = flow_mod(OFPFC_ADD, "in_port=1", PORT_CONTROLLER);
    trap.flow_mod.flow.cookie = 9;
    assert_done(other, {.type = OFPT_SET_ASYNC, .async = only_misses});
    assert_int_equal(
        ask(other, (struct openflow_message){.type = OFPT_GET_ASYNC_REQUEST})->async.packet_in[0],
        1);
    assert_true(command(c, trap));
    receive(b, 1, UDP);
    const struct openflow_message *m = next_note(c, OFPT_PACKET_IN);
    assert_int_equal(m->packet_in.reason, OFPR_ACTION);
    assert_int_equal(m->packet_in.total_len, 44);
    assert_int_equal(m->packet_in.packet.size, 44);
    assert_int_equal(m->packet_in.cookie, 9);
    assert_int_equal(m->packet_in.buffer_id, NO_BUFFER);
    struct buf text = BUF_INIT;
    match_format(&m->packet_in.match, &text);
    assert_string_equal(buf_cstr(&text), "in_port=1");
    buf_fini(&text);
    assert_null(next_note(other, OFPT_PACKET_IN));
}

static void
a_controller_that_does_not_read_loses_packet_ins_only(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b), *other = connect_controller(b);
    assert_true(command(c, flow_mod(OFPFC_ADD, "in_port=1", PORT_CONTROLLER)));
    c->deaf = true;
    for (unsigned i = 0; i < 15000; i++) { /* 1.3 MB */
        receive(b, 1, UDP);
        arena_free(other->notes[0].arena);
        other->n_notes = 0;
    }
    struct openflow_channel_status status;
    openflow_channel_get_status(c->channel, &status);
    assert_true(status.packet_ins_dropped > 100);
    assert_int_equal(b->dp->drops[DROP_PUNT_FULL], status.packet_ins_dropped);
    assert_false(status.down);
}

/* ---- Ports ---- */

static void
ports_are_described_and_configured(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    datapath_port(b->dp, 2)->speed_kbps = 10000000;
    const struct openflow_multipart *ports = ask_stats(c, OFPMP_PORT_DESC, NULL);
    assert_int_equal(ports->n, 4);
    assert_string_equal(ports->ports[1].name, "p2");
    assert_int_equal(ports->ports[1].state, OFPPS_LIVE);
    assert_int_equal(ports->ports[1].curr, OFPPF_10GB_FD);
    struct openflow_port_mod down = {
        .port_no = 2, .hw_addr = {{2, 0, 0, 0, 0, 2}}, .config = 1, .mask = 1};
    assert_done(c, {.type = OFPT_PORT_MOD, .port_mod = down});
    assert_string_equal(buf_cstr(&b->admin), "2 down ");
    const struct openflow_port_status *status = &next_note(c, OFPT_PORT_STATUS)->port_status;
    assert_int_equal(status->reason, OFPPR_MODIFY);
    assert_int_equal(status->port.config, OFPPC_PORT_DOWN);
    assert_int_equal(status->port.state, 0); /* not live any more */
    assert_true(command(c, flow_mod(OFPFC_ADD, "in_port=1", 2)));
    receive(b, 1, UDP);
    assert_string_equal(buf_cstr(&b->sent), "");
    assert_int_equal(b->dp->drops[DROP_PORT_DOWN], 1);
    b->admin_refused = true;
    assert_refused(c, OFPET_PORT_MOD_FAILED, OFPPMFC_EPERM,
                   {.type = OFPT_PORT_MOD, .port_mod = down});
    down.hw_addr.octets[5] = 3;
    assert_refused(c, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_HW_ADDR,
                   {.type = OFPT_PORT_MOD, .port_mod = down});
    down.port_no = 9;
    assert_refused(c, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_PORT,
                   {.type = OFPT_PORT_MOD, .port_mod = down});
}

static void
a_change_of_carrier_is_told_also_to_slaves(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    ask(c, (struct openflow_message){.type = OFPT_ROLE_REQUEST, .role = {OFPCR_ROLE_SLAVE, 1}});
    struct edge_port *port = datapath_port(b->dp, 3);
    port->up = port->live = false;
    openflow_switch_port_changed(b->sw, port);
    pump(b);
    assert_int_equal(next_note(c, OFPT_PORT_STATUS)->port_status.port.state, OFPPS_LINK_DOWN);
}

static void
ports_and_queues_count(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct edge_port *port = datapath_port(b->dp, 3);
    port->rx.packets = 5;
    port->tx.octets = 600;
    port->queues[4].packets = 8;
    uint32_t any = PORT_ANY, three = 3, nine = 9;
    assert_int_equal(ask_stats(c, OFPMP_PORT_STATS, &any)->n, 4);
    const struct openflow_multipart *one = ask_stats(c, OFPMP_PORT_STATS, &three);
    assert_int_equal(one->n, 1);
    assert_int_equal(one->port_stats->rx_packets, 5);
    assert_int_equal(one->port_stats->tx_octets, 600);
    assert_denied(
        c, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT,
        {.type = OFPT_MULTIPART_REQUEST, .multipart = {OFPMP_PORT_STATS, false, 1, {.id = &nine}}});
    struct openflow_queue_request q = {PORT_ANY, QUEUE_ALL};
    assert_int_equal(ask_stats(c, OFPMP_QUEUE, &q)->n, 32);
    q = (struct openflow_queue_request){3, 4};
    assert_int_equal(ask_stats(c, OFPMP_QUEUE, &q)->queues->tx_packets, 8);
    q.queue_id = 8;
    assert_denied(c, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_QUEUE,
                  {.type = OFPT_MULTIPART_REQUEST,
                   .multipart = {OFPMP_QUEUE, false, 1, {.queue_request = &q}}});
    const struct openflow_message *config = ask(
        c, (struct openflow_message){.type = OFPT_QUEUE_GET_CONFIG_REQUEST,
                                     .queue_config = {2, 0, NULL}});
    assert_int_equal(config->queue_config.n_queues, 8);
    assert_int_equal(config->queue_config.queues[7].queue_id, 7);
    assert_int_equal(config->queue_config.queues[7].n_properties, 2);
    assert_int_equal(config->queue_config.queues[7].properties[0].rate, OFPQ_RATE_UNCFG);
    assert_denied(c, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT,
                  {.type = OFPT_QUEUE_GET_CONFIG_REQUEST, .queue_config = {9, 0, NULL}});
}

static void
queues_tell_their_rates(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct scheduler_config s;
    assert_ok(scheduler_config_parse("rate=10M,q3=weight:1+min:1M+max:2500k", &s, NULL));
    datapath_schedule_port(b->dp, datapath_port(b->dp, 2), &s);
    const struct openflow_message *config = ask(
        c, (struct openflow_message){.type = OFPT_QUEUE_GET_CONFIG_REQUEST,
                                     .queue_config = {2, 0, NULL}});
    const struct openflow_queue *q = &config->queue_config.queues[3];
    assert_int_equal(q->properties[0].type, OFPQT_MIN_RATE);
    assert_int_equal(q->properties[0].rate, 100);
    assert_int_equal(q->properties[1].type, OFPQT_MAX_RATE);
    assert_int_equal(q->properties[1].rate, 250);
}

/* ---- Groups and meters ---- */

static void
groups_are_shown_as_they_were_told(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct action outputs[2] = {{.type = ACTION_OUTPUT, .id = 2}, {.type = ACTION_OUTPUT, .id = 3}};
    struct bucket buckets[2] = {{0, 2, GROUP_ANY, {&outputs[0], 1}},
                                {0, 3, GROUP_ANY, {&outputs[1], 1}}};
    struct group group = {0x21, GROUP_TYPE_FF, 2, buckets};
    assert_done(c, {.type = OFPT_GROUP_MOD, .group_mod = {OFPGC_ADD, group}});
    struct openflow_message add = flow_mod(OFPFC_ADD, "in_port=1", 0);
    struct action to_group = {.type = ACTION_GROUP, .id = 0x21};
    add.flow_mod.flow.has_write = true;
    add.flow_mod.flow.write = (struct actions){&to_group, 1};
    assert_true(command(c, add));
    receive(b, 1, UDP);
    assert_string_equal(buf_cstr(&b->sent), "2:44 ");
    uint32_t all = GROUP_ALL, none = 5;
    const struct openflow_multipart *stats = ask_stats(c, OFPMP_GROUP, &all);
    assert_int_equal(stats->n, 1);
    assert_int_equal(stats->group_stats->ref_count, 1);
    assert_int_equal(stats->group_stats->packets, 1);
    assert_int_equal(stats->group_stats->buckets[0].packets, 1);
    assert_int_equal(stats->group_stats->buckets[1].packets, 0);
    const struct openflow_multipart *desc = ask_stats(c, OFPMP_GROUP_DESC, NULL);
    assert_int_equal(desc->n, 1);
    assert_true(group_equal(&desc->groups[0].group, &group));
    assert_int_equal(ask_stats(c, OFPMP_GROUP, &none)->n, 0);
    const struct openflow_group_features *f =
        ask_stats(c, OFPMP_GROUP_FEATURES, NULL)->group_features;
    assert_int_equal(f->types, 15);
    assert_int_equal(f->max_groups[3], 1000);
    assert_true(f->actions[0] & 1u << ACTION_PUSH_PBB && !(f->actions[0] & 1u << 1));

    assert_done(c, {.type = OFPT_GROUP_MOD, .group_mod = {OFPGC_DELETE, {.group_id = 0x21}}});
    assert_int_equal(b->dp->n_flows, 0);
}

static void
meters_are_shown_as_they_were_told(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct band band = {BAND_DROP, 0, 10, 1};
    struct meter meter = {7, METER_PKTPS | METER_BURST, 1, &band};
    assert_done(c, {.type = OFPT_METER_MOD, .meter_mod = {OFPGC_ADD, meter}});
    struct openflow_message add = flow_mod(OFPFC_ADD, "in_port=1", 2);
    add.flow_mod.flow.meter_id = 7;
    assert_true(command(c, add));
    receive(b, 1, UDP);
    receive(b, 1, UDP);
    uint32_t all = METER_ALL, none = 5;
    const struct openflow_meter_stats *stats = ask_stats(c, OFPMP_METER, &all)->meter_stats;
    assert_int_equal(stats->flow_count, 1);
    assert_int_equal(stats->packets, 2);
    assert_int_equal(stats->bands[0].packets, 1);
    band.rate = 20;
    assert_done(c, {.type = OFPT_METER_MOD, .meter_mod = {OFPGC_MODIFY, meter}});
    const struct openflow_multipart *config = ask_stats(c, OFPMP_METER_CONFIG, &all);
    assert_true(meter_equal(&config->meters[0].meter, &meter));
    assert_int_equal(ask_stats(c, OFPMP_METER, &meter.meter_id)->meter_stats->packets, 2);
    assert_denied(
        c, OFPET_METER_MOD_FAILED, OFPMMFC_UNKNOWN_METER,
        {.type = OFPT_MULTIPART_REQUEST, .multipart = {OFPMP_METER, false, 1, {.id = &none}}});
    assert_int_equal(ask_stats(c, OFPMP_METER_FEATURES, NULL)->meter_features->max_bands, 8);
    assert_refused(c, OFPET_METER_MOD_FAILED, OFPMMFC_METER_EXISTS,
                   {.type = OFPT_METER_MOD, .meter_mod = {OFPGC_ADD, meter}});
}

/* ---- Tables ---- */

static void
all_tables_can_do_the_same_and_it_cannot_be_changed(void **state)
{
    struct controller *c = connect_controller(*state);
    const struct openflow_multipart *reply = ask_stats(c, OFPMP_TABLE_FEATURES, NULL);
    assert_int_equal(reply->n, 254);
    const struct openflow_table_features *last = &reply->table_features[253];
    assert_int_equal(last->table_id, 253);
    assert_int_equal(last->max_entries, 100000);
    for (uint32_t i = 0; i < last->n_properties; i++)
        assert_true(last->properties[i].type != OFPTFPT_NEXT_TABLES || !last->properties[i].n);
    assert_int_equal(ask_stats(c, OFPMP_TABLE, NULL)->n, 254);

    /* What was read may be written, and nothing else. */
    struct openflow_message same = {.type = OFPT_MULTIPART_REQUEST};
    reply = ask_stats(c, OFPMP_TABLE_FEATURES, NULL);
    same.multipart = *reply;
    struct arena *arena = c->arena; /* keep what it points to */
    c->arena = NULL;
    assert_int_equal(ask(c, same)->type, OFPT_MULTIPART_REPLY);
    assert_ok(c->err);
    same.multipart.n--;
    assert_denied(c, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_EPERM,
                  {.type = same.type, .multipart = same.multipart});
    same.multipart.n++;
    same.multipart.table_features[7].properties[0].n--;
    assert_denied(c, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_ARGUMENT,
                  {.type = same.type, .multipart = same.multipart});
    same.multipart.table_features[7].properties[0].n++;
    same.multipart.table_features[9].metadata_write = 1;
    assert_denied(c, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_METADATA,
                  {.type = same.type, .multipart = same.multipart});
    arena_free(arena);
}

/* ---- Roles ---- */

static struct openflow_role_msg
ask_role(struct controller *c, enum openflow_role role, uint64_t generation_id)
{
    return ask(c,
               (struct openflow_message){.type = OFPT_ROLE_REQUEST, .role = {role, generation_id}})
        ->role;
}

static void
there_is_one_master_and_slaves_may_only_look(void **state)
{
    struct bench *b = *state;
    struct controller *one = connect_controller(b), *two = connect_controller(b);
    struct openflow_role_msg role = ask_role(one, OFPCR_ROLE_NOCHANGE, 0);
    assert_int_equal(role.role, OFPCR_ROLE_EQUAL);
    assert_int_equal(role.generation_id, UINT64_MAX);
    assert_int_equal(ask_role(one, OFPCR_ROLE_MASTER, 5).role, OFPCR_ROLE_MASTER);
    assert_int_equal(ask_role(two, OFPCR_ROLE_MASTER, 6).role, OFPCR_ROLE_MASTER);
    assert_int_equal(ask_role(one, OFPCR_ROLE_NOCHANGE, 0).role, OFPCR_ROLE_SLAVE);
    assert_false(command(one, flow_mod(OFPFC_ADD, "in_port=1", 2)));
    assert_true(openflow_error_is(&one->error, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE));
    assert_true(command(two, flow_mod(OFPFC_ADD, "in_port=1", 2)));
    struct openflow_flow_request all = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    assert_int_equal(ask_stats(one, OFPMP_FLOW, &all)->n, 1);
    assert_denied(one, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_STALE,
                  {.type = OFPT_ROLE_REQUEST, .role = {OFPCR_ROLE_MASTER, 5}});
    assert_int_equal(ask_role(one, OFPCR_ROLE_EQUAL, 0).role, OFPCR_ROLE_EQUAL);
    assert_true(command(one, flow_mod(OFPFC_ADD, "in_port=2", 2)));
    assert_denied(one, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_BAD_ROLE,
                  {.type = OFPT_ROLE_REQUEST, .role = {4, 5}});
}

static void
generations_wrap_round(void **state)
{
    struct controller *c = connect_controller(*state);
    ask_role(c, OFPCR_ROLE_MASTER, UINT64_MAX);
    assert_int_equal(ask_role(c, OFPCR_ROLE_MASTER, 3).generation_id, 3);
    assert_denied(c, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_STALE,
                  {.type = OFPT_ROLE_REQUEST, .role = {OFPCR_ROLE_SLAVE, UINT64_MAX}});
}

/* ---- Much of it ---- */

#define MANY 30000

static void
add_many(struct controller *c, unsigned n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct openflow_message m = flow_mod(OFPFC_ADD, "any", 2);
        match_set(&m.flow_mod.flow.match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
        match_set(&m.flow_mod.flow.match, FIELD_IPV4_DST, i);
        assert_ok(openflow_session_request(c->session, &m, NULL, 0, c->bench->now));
    }
    c->n_failed = 0;
    ask(c, (struct openflow_message){.type = OFPT_BARRIER_REQUEST});
    assert_int_equal(c->n_failed, 0);
}

/* A barrier behind a long reply is answered after it, whoever reads slowly. */
static void
long_replies_come_whole_and_in_order(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    add_many(c, MANY);
    struct openflow_flow_request all = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    assert_int_equal(ask_stats(c, OFPMP_FLOW, &all)->n, MANY);
    assert_int_equal(ask_stats(c, OFPMP_AGGREGATE, &all)->aggregate->flows, MANY);

    struct openflow_message dump = {.type = OFPT_MULTIPART_REQUEST,
                                    .multipart = {OFPMP_FLOW, false, 1, {.flow_request = &all}}};
    struct openflow_message barrier = {.type = OFPT_BARRIER_REQUEST};
    forget_answer(c);
    c->deaf = true;
    assert_ok(openflow_session_request(c->session, &dump, NULL, 0, b->now));
    assert_ok(openflow_session_request(c->session, &barrier, c, 0, b->now));
    pump(b);
    size_t waiting = c->kept.size;
    assert_true(waiting > OPENFLOW_SWITCH_PIECE / 2 && waiting < 2 * OPENFLOW_SWITCH_PIECE);
    assert_false(openflow_channel_wants_input(c->channel));
    c->deaf = false;
    pump(b);
    assert_true(c->answered);
    assert_int_equal(c->answer.type, OFPT_BARRIER_REPLY);
}

static void
a_controller_that_takes_nothing_is_given_up(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct openflow_channel_status status;
    add_many(c, 10000);
    struct openflow_flow_request all = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    struct openflow_message dump = {.type = OFPT_MULTIPART_REQUEST,
                                    .multipart = {OFPMP_FLOW, false, 1, {.flow_request = &all}}};
    c->deaf = true;
    assert_ok(openflow_session_request(c->session, &dump, NULL, 0, b->now));
    pump(b);
    b->now = openflow_channel_deadline(c->channel) - 1;
    pump(b);
    openflow_channel_get_status(c->channel, &status);
    assert_false(status.down);
    b->now++;
    pump(b);
    openflow_channel_get_status(c->channel, &status);
    assert_true(status.down);
    assert_string_equal(status.reason, "the controller does not take what it asked for");
    assert_int_equal(b->dp->n_flows, 10000); /* fail-secure */
}

static void
a_silent_controller_is_asked_and_given_up(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct openflow_channel_status status;
    c->deaf = true;
    for (unsigned i = 0; i < 3; i++) {
        nsec_t deadline = openflow_channel_deadline(c->channel);
        assert_true(deadline > b->now || deadline == NSEC_NEVER);
        b->now = deadline;
        openflow_channel_run(c->channel, 0, b->now);
        openflow_channel_get_status(c->channel, &status);
        if (status.down)
            break;
    }
    assert_err(status.err, ERR_TIMEOUT);
}

static void
many_groups_are_listed_whole(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    for (uint32_t i = 1; i <= 900; i++) {
        struct openflow_message m = {
            .type = OFPT_GROUP_MOD,
            .group_mod = {OFPGC_ADD, {.group_id = i, .type = GROUP_TYPE_ALL}}};
        assert_ok(openflow_session_request(c->session, &m, NULL, 0, b->now));
    }
    uint32_t all = GROUP_ALL;
    assert_int_equal(ask_stats(c, OFPMP_GROUP, &all)->n, 900);
    const struct openflow_multipart *desc = ask_stats(c, OFPMP_GROUP_DESC, NULL);
    assert_int_equal(desc->n, 900);
    assert_int_equal(desc->groups[899].group.group_id, 900);
}

/* ---- Time ---- */

static void
flows_expire_and_say_so(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct openflow_message add = flow_mod(OFPFC_ADD, "in_port=1", 2);
    add.flow_mod.flow.hard_timeout = 2;
    add.flow_mod.flow.flags = FLOW_SEND_FLOW_REM;
    assert_true(command(c, add));
    b->now += 2 * NSEC_PER_SEC;
    openflow_switch_tick(b->sw, b->now);
    pump(b);
    assert_int_equal(next_note(c, OFPT_FLOW_REMOVED)->flow_removed.reason, OFPRR_HARD_TIMEOUT);
}

static void
an_expired_ttl_goes_to_whoever_asked_for_it(void **state)
{
    struct bench *b = *state;
    struct controller *c = connect_controller(b);
    struct openflow_async async = {.packet_in = {1u << OFPR_INVALID_TTL, 0}};
    struct action actions[] = {{.type = ACTION_SET_NW_TTL, .ttl = 1}, {.type = ACTION_DEC_NW_TTL}};
    struct openflow_message m = flow_mod(OFPFC_ADD, "eth_type=0x0800", 0);
    m.flow_mod.flow.has_apply = true;
    m.flow_mod.flow.apply = (struct actions){actions, 2};
    assert_true(command(c, m));
    receive(b, 1, UDP);
    assert_null(next_note(c, OFPT_PACKET_IN));
    assert_done(c, {.type = OFPT_SET_ASYNC, .async = async});
    receive(b, 1, UDP);
    assert_int_equal(next_note(c, OFPT_PACKET_IN)->packet_in.reason, OFPR_INVALID_TTL);
    openflow_channel_close(c->channel);
    c->channel = openflow_channel_open(b->sw, c, b->now);
    assert_false(b->dp->punt_expired);
}

TEST_MAIN(WITH_BENCH(says_what_it_is),
          WITH_BENCH(fragments_are_forwarded_as_they_are_and_nothing_else),
          WITH_BENCH(a_flow_is_added_used_shown_and_removed),
          WITH_BENCH(wrong_commands_are_refused_by_the_book),
          WITH_BENCH(a_packet_out_leaves_before_the_barrier_is_answered),
          WITH_BENCH(packet_outs_wait_for_room_and_nothing_overtakes_them),
          WITH_BENCH(packet_ins_go_to_those_who_want_them),
          WITH_BENCH(a_controller_that_does_not_read_loses_packet_ins_only),
          WITH_BENCH(ports_are_described_and_configured),
          WITH_BENCH(a_change_of_carrier_is_told_also_to_slaves),
          WITH_BENCH(ports_and_queues_count), WITH_BENCH(queues_tell_their_rates),
          WITH_BENCH(groups_are_shown_as_they_were_told),
          WITH_BENCH(meters_are_shown_as_they_were_told),
          WITH_BENCH(all_tables_can_do_the_same_and_it_cannot_be_changed),
          WITH_BENCH(there_is_one_master_and_slaves_may_only_look),
          WITH_BENCH(generations_wrap_round), WITH_BENCH(long_replies_come_whole_and_in_order),
          WITH_BENCH(a_controller_that_takes_nothing_is_given_up),
          WITH_BENCH(a_silent_controller_is_asked_and_given_up),
          WITH_BENCH(many_groups_are_listed_whole), WITH_BENCH(flows_expire_and_say_so),
          WITH_BENCH(an_expired_ttl_goes_to_whoever_asked_for_it))

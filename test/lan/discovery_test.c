/* Links as they are found, and packets that no circuit allows. */
#include "links.h"

#include "proto/lldp/lldp.h"

static void
finds_every_link(void **state)
{
    struct bench *b = *state;
    wait_for_links(b);
    for (const struct link *l = b->centre->state->network->links; l; l = l->hh.next)
        assert_true(link_is(b, l->name, "up"));
    const struct note *n = centre_event(b->centre, "link.state", "link/a1-a2");
    assert_true(json_is_true(json_object_get(n->body, "up")));
    assert_int_equal(json_array_size(json_object_get(n->body, "seen")), 2);
    assert_int_equal(centre_count_events(b->centre, "exception.raised", NULL), 0);
}

static void
a_port_without_carrier_is_a_link_down_at_once(void **state)
{
    struct bench *b = *state;
    wait_for_links(b);
    struct cable c = cable_of(b, "a1-a2");
    sw_set_carrier(c.a, c.a_port, false);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", "link/a1-a2"));
    assert_true(link_is(b, "a1-a2", "down"));
    sw_set_carrier(c.a, c.a_port, true);
    RUN_UNTIL(b->centre->loop, !centre_is_open(b->centre, "link-down", "link/a1-a2"));
    assert_true(link_is(b, "a1-a2", "up"));
}

/* Both ports have carrier, but what one sends does not arrive. */
static void
a_link_that_carries_one_way_only_is_down(void **state)
{
    struct bench *b = *state;
    wait_for_links(b);
    struct cable c = cable_of(b, "a1-a2");
    c.a->peer[c.a_port] = NULL;
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", "link/a1-a2"));
    const struct note *n = centre_event(b->centre, "link.state", "link/a1-a2");
    json_t *seen = json_object_get(n->body, "seen");
    assert_int_equal(json_array_size(seen), 1);
    assert_string_equal(json_string_value(json_array_get(seen, 0)), "a2");
}

/* ---- Held ports */

static void
a_silent_link_is_held_at_both_ends_until_it_is_well(void **state)
{
    struct bench *b = *state;
    struct agent x = {0}, y = {0};
    wait_for_links(b);
    struct cable c = cable_of(b, "a1-a2");
    agent_connect(&x, c.a);
    agent_connect(&y, c.b);
    c.a->peer[c.a_port] = NULL; /* one way */
    RUN_UNTIL(b->centre->loop, port_at(c.a, c.a_port)->held && port_at(c.b, c.b_port)->held);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", "link/a1-a2"));
    const struct exception *e = centre_exception(b->centre, "link-down", "link/a1-a2");
    assert_int_equal(e->severity, EXCEPTION_MINOR); /* no circuit uses it */
    assert_non_null(strstr(e->text, "other path: a1 port"));
    assert_non_null(strstr(e->text, ", a2 port"));
    assert_null(strstr(e->text, "not held"));
    RUN_UNTIL(b->centre->loop, !is_told_live(b, "a1", c.a_port));
    /* Its carrier goes and comes: that alone does not make it well. */
    sw_set_carrier(c.a, c.a_port, false);
    RUN_UNTIL(b->centre->loop,
              strstr(state_open_exception(b->centre->state, "link-down", "link/a1-a2")->text,
                     " is down."));
    sw_set_carrier(c.a, c.a_port, true);
    RUN_UNTIL(b->centre->loop,
              !strstr(state_open_exception(b->centre->state, "link-down", "link/a1-a2")->text,
                      " is down."));
    assert_true(port_at(c.a, c.a_port)->held && port_at(c.b, c.b_port)->held);
    /* Frames have passed held ports all the time: else nobody would see that it is well. */
    plug(&c);
    RUN_UNTIL(b->centre->loop, !port_at(c.a, c.a_port)->held && !port_at(c.b, c.b_port)->held);
    assert_false(centre_is_open(b->centre, "link-down", "link/a1-a2"));
    RUN_UNTIL(b->centre->loop, is_told_live(b, "a1", c.a_port));
    rpc_free(x.rpc);
    rpc_free(y.rpc);
}

/* What an agent was told it may have forgotten. */
static void
an_agent_that_is_back_is_told_anew(void **state)
{
    struct bench *b = *state;
    struct agent x = {0}, y = {0};
    wait_for_links(b);
    struct cable c = cable_of(b, "a1-a2");
    agent_connect(&x, c.a);
    unplug(&c);
    RUN_UNTIL(b->centre->loop, port_at(c.a, c.a_port)->held);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", "link/a1-a2"));
    assert_non_null(strstr(centre_exception(b->centre, "link-down", "link/a1-a2")->text,
                           "; not held: a2 port"));
    assert_false(port_at(c.b, c.b_port)->held); /* nobody to tell */
    rpc_free(x.rpc);
    uint32_t other = c.a_port == 1 ? 2 : 1;
    port_at(c.a, c.a_port)->held = false;
    port_at(c.a, other)->held = true;
    agent_connect(&x, c.a);
    agent_connect(&y, c.b);
    RUN_UNTIL(b->centre->loop, port_at(c.a, c.a_port)->held && port_at(c.b, c.b_port)->held &&
                                   !port_at(c.a, other)->held);
    rpc_free(x.rpc);
    rpc_free(y.rpc);
}

/* Where the policy leaves it to people, a link that is well is held until they say so. */
static void
a_held_link_waits_for_people_where_the_policy_says_so(void **state)
{
    struct bench *b = *state;
    struct agent x = {0}, y = {0};
    b->centre->state->network->settings.revertive = false;
    wait_for_links(b);
    struct cable c = cable_of(b, "a1-a2");
    agent_connect(&x, c.a);
    agent_connect(&y, c.b);
    unplug(&c);
    RUN_UNTIL(b->centre->loop, port_at(c.a, c.a_port)->held && port_at(c.b, c.b_port)->held);
    json_t *release = json_pack("{ss si}", "node", "a1", "port", (int)c.a_port);
    struct answer a = centre_ask(b->centre, "lan.release-port", json_incref(release));
    answer_fini(&a);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", "link/a1-a2"));
    assert_true(port_at(c.a, c.a_port)->held); /* it is not well yet */
    plug(&c);
    RUN_UNTIL(b->centre->loop, !centre_is_open(b->centre, "link-down", "link/a1-a2"));
    assert_true(port_at(c.a, c.a_port)->held && port_at(c.b, c.b_port)->held);
    a = centre_ask(b->centre, "lan.release-port", release);
    answer_fini(&a);
    RUN_UNTIL(b->centre->loop, !port_at(c.a, c.a_port)->held && !port_at(c.b, c.b_port)->held);
    rpc_free(x.rpc);
    rpc_free(y.rpc);
}

/* A link that circuits need is worse to lose. */
static void
a_link_that_circuits_use_is_major(void **state)
{
    struct bench *b = *state;
    char object[128];
    wait_for_links(b);
    centre_build(b->centre, "scada");
    const char *link = network_design(b->centre->state->network, "scada")->primary.links[0];
    struct cable c = cable_of(b, link);
    unplug(&c);
    snprintf(object, sizeof object, "link/%s", link);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", object));
    const struct exception *e = centre_exception(b->centre, "link-down", object);
    assert_int_equal(e->severity, EXCEPTION_MAJOR);
    assert_non_null(strstr(e->text, "Neither port can be held"));
    assert_string_equal(json_string_value(json_object_get(e->evidence, "circuits")), "1");
}

/* Also when it never was up. */
static void
a_link_that_is_not_there_is_down(void **state)
{
    struct bench *b = *state;
    wait_for_links(b);
    struct cable c = cable_of(b, "a1-a2");
    centre_stop_controller(b->centre);
    unplug(&c);
    uint32_t before = b->centre->n_notes;
    centre_start_controller(b->centre);
    sw_connect(c.a);
    sw_connect(c.b);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", "link/a1-a2"));
    /* Nothing is said of links whose nodes are not there. */
    assert_null(centre_event_since(b->centre, before, "link.state", "link/b1-b2"));
    assert_true(link_is(b, "b1-b2", "not-seen"));
}

static void
a_miscabled_link_is_named(void **state)
{
    struct bench *b = *state;
    char at[2][64], from[64];
    wait_for_links(b);
    struct cable one = cable_of(b, "a1-a2"), other = cable_of(b, "b1-b2");
    unplug(&one);
    unplug(&other);
    struct cable wrong = {one.a, other.b, one.a_port, other.b_port};
    plug(&wrong);
    snprintf(at[0], sizeof at[0], "port/a1:%u", one.a_port);
    snprintf(at[1], sizeof at[1], "port/b2:%u", other.b_port);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-unexpected", at[0]) &&
                                   centre_is_open(b->centre, "link-unexpected", at[1]));
    const struct exception *e = centre_exception(b->centre, "link-unexpected", at[0]);
    snprintf(from, sizeof from, "b2:%u", other.b_port);
    assert_string_equal(json_string_value(json_object_get(e->evidence, "from")), from);
    assert_non_null(strstr(e->text, from));
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-down", "link/a1-a2") &&
                                   centre_is_open(b->centre, "link-down", "link/b1-b2"));
    struct answer a = centre_ask(b->centre, "lan.links", json_object());
    assert_int_equal(json_array_size(json_object_get(a.value, "unexpected")), 2);
    answer_fini(&a);
    assert_int_equal(centre_count_events(b->centre, "exception.raised", NULL), 4); /* once each */
    unplug(&wrong);
    plug(&one);
    plug(&other);
    RUN_UNTIL(b->centre->loop, !centre_is_open(b->centre, "link-unexpected", at[0]) &&
                                   !centre_is_open(b->centre, "link-unexpected", at[1]) &&
                                   !centre_is_open(b->centre, "link-down", "link/a1-a2"));
}

/* A cable to a port that the inventory says nothing about. */
static void
a_link_that_nobody_planned_is_named(void **state)
{
    struct bench *b = *state;
    wait_for_links(b);
    struct sw *x = plant_switch(b->plant, "cc1"), *y = plant_switch(b->plant, "b1");
    sw_add_port(x, 20, "p20");
    sw_add_port(y, 21, "p21");
    openflow_switch_port_changed(x->of, datapath_port(x->dp, 20));
    openflow_switch_port_changed(y->of, datapath_port(y->dp, 21));
    sw_wire(x, 20, y, 21);
    task_schedule(x->run);
    task_schedule(y->run);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "link-unexpected", "port/b1:21") &&
                                   centre_is_open(b->centre, "link-unexpected", "port/cc1:20"));
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "node-ports-differ", "node/cc1"));
}

/* True frames, recorded, do not keep a link alive that was cut. */
static void
a_replayed_frame_is_ignored(void **state)
{
    struct bench *b = *state;
    struct cable c = cable_of(b, "a1-a2");
    b->plant->tape_at[0] = c.a;
    b->plant->tape_port[0] = c.a_port;
    b->plant->tape_at[1] = c.b;
    b->plant->tape_port[1] = c.b_port;
    wait_for_links(b);
    RUN_UNTIL(b->centre->loop, b->plant->tape[0].frame.size && b->plant->tape[1].frame.size);
    unplug(&c);
    struct buf *tape[] = {&b->plant->tape[0].frame, &b->plant->tape[1].frame};
    for (int i = 0; i < 100 && !centre_is_open(b->centre, "link-down", "link/a1-a2"); i++) {
        uint32_t before = b->centre->n_notes;
        nsec_t next = clock_monotonic() + NSEC_PER_SEC / 4;
        sw_receive(c.a, c.a_port, tape[0]->data, tape[0]->size);
        sw_receive(c.b, c.b_port, tape[1]->data, tape[1]->size);
        RUN_UNTIL(b->centre->loop, b->centre->n_notes > before || clock_monotonic() > next);
    }
    assert_true(centre_is_open(b->centre, "link-down", "link/a1-a2"));
    assert_null(centre_event(b->centre, "exception.closed", NULL));
}

/* ---- Packets that no circuit allows */

static void
send_udp(struct sw *sw, uint32_t port, const struct mac *from, uint16_t to_port)
{
    uint8_t frame[60] = {0x02, 0x54, 10, 32, 0, 1};
    static const uint8_t ip[] = {0x08, 0x00, 0x45, 0,  0, 46, 0,  1,  0,  0, 64,   17,
                                 0,    0,    10,   32, 0, 17, 10, 66, 66, 6, 0x30, 0x39};
    memcpy(frame + 6, from->octets, 6);
    memcpy(frame + 12, ip, sizeof ip);
    put_be16(frame + 36, to_port);
    put_be16(frame + 38, 26);
    sw_receive(sw, port, frame, sizeof frame);
}

/* What an attacker at a host's port can send: it says what a true frame says, but for the code. */
static void
a_forged_frame_is_ignored(void **state)
{
    struct bench *b = *state;
    struct buf frame = BUF_INIT;
    wait_for_links(b);
    const struct host *host = network_host(b->centre->state->network, "rtu-a");
    struct lldp lldp = {.chassis_id = "cc1", .port_id = "1", .ttl_s = 4};
    struct sw *sw = plant_switch(b->plant, host->node);
    put_be64(lldp.token, 1);
    put_be32(lldp.token + 8, 1);
    put_be64(lldp.token + 12, (uint64_t)clock_monotonic());
    for (uint8_t size = 33; size <= 39; size++) { /* 36 is right */
        lldp.token_size = size;
        buf_clear(&frame);
        lldp_encode_frame(&lldp, &host->mac, &frame);
        sw_receive(sw, host->port, frame.data, frame.size);
    }
    for (size_t size = frame.size - 20; size < frame.size; size++)
        sw_receive(sw, host->port, frame.data, size);
    buf_fini(&frame);
    send_udp(sw, host->port, &host->mac, 1); /* something that takes the same way */
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "traffic-denied", "host/rtu-a"));
    assert_int_equal(centre_count_events(b->centre, "exception.raised", NULL), 1);
}

static void
denied_traffic_is_told_with_its_sender(void **state)
{
    struct bench *b = *state;
    wait_for_links(b);
    const struct host *host = network_host(b->centre->state->network, "rtu-a");
    struct sw *sw = plant_switch(b->plant, host->node);
    char at[64];
    for (int i = 0; i < 10; i++)
        send_udp(sw, host->port, &host->mac, 5353);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "traffic-denied", "host/rtu-a"));
    const struct exception *e = centre_exception(b->centre, "traffic-denied", "host/rtu-a");
    snprintf(at, sizeof at, "%s:%u", host->node, host->port);
    assert_string_equal(json_string_value(json_object_get(e->evidence, "port")), at);
    assert_string_equal(json_string_value(json_object_get(e->evidence, "at")), "rtu-a");
    assert_non_null(
        strstr(json_string_value(json_object_get(e->evidence, "packet")), "ipv4_dst=10.66.66.6"));
    assert_non_null(strstr(json_string_value(json_object_get(e->evidence, "packet")), "5353"));
    assert_non_null(strstr(e->text, "rtu-a, at node a2 port"));
    /* What the deny rules counted, and the newest of it. */
    json_t *row = NULL;
    struct answer a = {0};
    for (unsigned i = 0; !row; i++) {
        answer_fini(&a);
        a = centre_ask(b->centre, "lan.denied", json_object());
        row = json_array_get(json_object_get(a.value, "ports"), 0);
        uv_run(b->centre->loop, UV_RUN_ONCE);
    }
    assert_string_equal(json_string_value(json_object_get(row, "node")), "a2");
    assert_string_equal(json_string_value(json_object_get(row, "host")), "rtu-a");
    assert_int_equal(json_integer_value(json_object_get(row, "packets")), 10);
    json_t *last = json_object_get(row, "last");
    assert_non_null(
        strstr(json_string_value(json_object_get(last, "match")), "ipv4_src=10.32.0.17"));
    assert_non_null(json_object_get(last, "time"));
    answer_fini(&a);
}

/* At a port where nothing should be, it is worse. */
static void
denied_traffic_at_a_port_without_a_host_is_critical(void **state)
{
    struct bench *b = *state;
    wait_for_links(b);
    struct cable c = cable_of(b, "a1-a2");
    char object[64];
    send_udp(c.a, c.a_port, &(struct mac){{2, 9, 9, 9, 9, 9}}, 1);
    snprintf(object, sizeof object, "port/a1:%u", c.a_port);
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "traffic-denied", object));
    const struct exception *e = centre_exception(b->centre, "traffic-denied", object);
    assert_int_equal(e->severity, EXCEPTION_CRITICAL);
    assert_string_equal(json_string_value(json_object_get(e->evidence, "at")), "a1-a2");
}

/* A host whose packets are denied, and what is told of that. */
struct told {
    const struct host *host;
    struct sw *sw;
    struct bus_subscription *sub;
    unsigned n;
    char others[2048];
};

static void
note_told(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct told *told = arg;
    const char *others = json_string_value(
        json_object_get(json_object_get(m->payload, "evidence"), "others"));
    told->n++;
    snprintf(told->others, sizeof told->others, "%s", others ? others : "");
}

static void
listen_to_what_is_told(struct bench *b, struct told *told)
{
    wait_for_links(b);
    told->host = network_host(b->centre->state->network, "rtu-a");
    told->sw = plant_switch(b->plant, told->host->node);
    assert_ok(bus_subscribe(b->centre->bus, "exception.raise", note_told, told, &told->sub));
}

static void
send_denied(const struct told *told, uint16_t port)
{
    send_udp(told->sw, told->host->port, &told->host->mac, port);
}

/* The same conversation is told once, and again only when half a minute has passed. */
static void
the_same_conversation_is_told_once(void **state)
{
    struct bench *b = *state;
    struct told told = {0};
    listen_to_what_is_told(b, &told);
    send_denied(&told, 5353);
    RUN_UNTIL(b->centre->loop, told.n == 1);
    for (int i = 0; i < 5; i++)
        send_denied(&told, 5353);
    send_denied(&told, 5354); /* another one */
    RUN_UNTIL(b->centre->loop, told.n > 1);
    assert_int_equal(told.n, 2);
    bus_unsubscribe(told.sub);
}

/* One exception is for all that a host sends: what came last does not hide what came before. */
static void
what_came_last_does_not_hide_what_came_before(void **state)
{
    struct bench *b = *state;
    struct told told = {0};
    unsigned n = 1;
    listen_to_what_is_told(b, &told);
    for (uint16_t port = 5351; port <= 5361; port++) {
        send_denied(&told, port);
        RUN_UNTIL(b->centre->loop, told.n == port - 5350u);
        if (port == 5351)
            assert_string_equal(told.others, "");
    }
    for (const char *at = told.others; (at = strstr(at, "; ")); at++)
        n++;
    assert_int_equal(n, 8);
    assert_non_null(strstr(told.others, "udp_dst=5360"));
    assert_null(strstr(told.others, "udp_dst=5361")); /* this one itself */
    assert_null(strstr(told.others, "udp_dst=5351")); /* there is not room for all */
    bus_unsubscribe(told.sub);
}

static void
wait_seconds(struct bench *b, unsigned n)
{
    nsec_t end = clock_monotonic() + n * NSEC_PER_SEC;
    RUN_UNTIL(b->centre->loop, clock_monotonic() > end);
}

/* Of a scan as many conversations are kept as there is room for; what comes after it is told. */
static void
a_scan_does_not_hide_what_comes_behind_it(void **state)
{
    struct bench *b = *state;
    struct told told = {0};
    listen_to_what_is_told(b, &told);
    for (uint16_t port = 1; port <= 200; port++) {
        send_denied(&told, port);
        if (port % 50 == 0) /* a node samples 100 a second */
            wait_seconds(b, 1);
    }
    RUN_UNTIL(b->centre->loop, told.n == 200);
    wait_seconds(b, 3);
    send_denied(&told, 502);
    RUN_UNTIL(b->centre->loop, told.n == 201);
    bus_unsubscribe(told.sub);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        T(finds_every_link),
        T(a_port_without_carrier_is_a_link_down_at_once),
        T(a_link_that_carries_one_way_only_is_down),
        T(a_silent_link_is_held_at_both_ends_until_it_is_well),
        T(an_agent_that_is_back_is_told_anew),
        T(a_held_link_waits_for_people_where_the_policy_says_so),
        T(a_link_that_circuits_use_is_major),
        T(a_link_that_is_not_there_is_down),
        T(a_miscabled_link_is_named),
        T(a_link_that_nobody_planned_is_named),
        T(a_forged_frame_is_ignored),
        T(a_replayed_frame_is_ignored),
        T(denied_traffic_is_told_with_its_sender),
        T(denied_traffic_at_a_port_without_a_host_is_critical),
        T(the_same_conversation_is_told_once),
        T(what_came_last_does_not_hide_what_came_before),
        T(a_scan_does_not_hide_what_comes_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

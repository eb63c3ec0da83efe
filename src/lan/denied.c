/* Packets that a deny rule caught. The nodes send samples; the rules themselves count everything.
 * Samples of one sender and one conversation are one report: told at once, and again, with their
 * number, while it goes on. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define REPORTS_MAX 200 /* conversations at a time */
#define OTHERS_MAX 8u   /* of them, told beside one */
#define TELL_AGAIN (30 * NSEC_PER_SEC)
#define QUIET (3 * NSEC_PER_SEC)
#define FORGET_AFTER (60 * NSEC_PER_SEC)

/* The newest sample of a port. */
struct last_denied {
    char *at; /* "node:port" */
    struct match what;
    nsec_t time; /* wall */
    UT_hash_handle hh;
};

struct denied {
    struct report {
        char node[TLS_NAME_SIZE];
        uint32_t port;
        struct match what;  /* the conversation: addresses, protocol, ports */
        uint32_t samples;   /* since it was told */
        nsec_t told, heard; /* monotonic */
    } reports[REPORTS_MAX];
    uint32_t n, left_out;
    struct last_denied *last;
};

/* What a packet is about, for people and for telling one conversation from the next: a scan of a
 * thousand ports is one thing, so the client's port does not count. */
static void
describe(const struct flow_key *key, struct match *what)
{
    static const enum field fields[] = {
        FIELD_ETH_DST,  FIELD_ETH_SRC,  FIELD_ETH_TYPE, FIELD_VLAN_VID, FIELD_IP_PROTO,
        FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_TCP_DST,  FIELD_UDP_DST,  FIELD_ICMPV4_TYPE,
        FIELD_ARP_OP,   FIELD_ARP_SPA,  FIELD_ARP_TPA,  FIELD_IPV6_SRC, FIELD_IPV6_DST,
    };
    uint8_t mask[16];
    *what = MATCH_ANY;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!flow_key_has_field(key, fields[i]))
            continue;
        field_full_mask(fields[i], mask);
        if (match_add(what, fields[i], flow_key_field_const(key, fields[i]), mask)) {
            /* Excluded by another field: it says nothing then. */
        }
    }
}

static void
note_last(struct denied *d, const char *node, uint32_t port, const struct match *what)
{
    char *at = xasprintf("%s:%u", node, port);
    struct last_denied *last;
    HASH_FIND_STR(d->last, at, last);
    if (last) {
        free(at);
    } else {
        last = xcalloc(1, sizeof *last);
        last->at = at;
        HASH_ADD_KEYPTR(hh, d->last, last->at, strlen(last->at), last);
    }
    last->what = *what;
    last->time = clock_wall();
}

static struct report *
find_report(struct denied *d, const char *node, uint32_t port, const struct match *what)
{
    for (uint32_t i = 0; i < d->n; i++) {
        struct report *r = &d->reports[i];
        if (r->port == port && !strcmp(r->node, node) && match_equal(&r->what, what))
            return r;
    }
    return NULL;
}

/* A place for one more conversation; NULL: there is none. What was told and has been quiet for a
 * while makes room, the longest quiet first: a scan must not hide what comes behind it. */
static struct report *
new_report(struct denied *d, nsec_t now)
{
    struct report *oldest = NULL;
    if (d->n < REPORTS_MAX)
        return &d->reports[d->n++];
    for (uint32_t i = 0; i < d->n; i++) {
        struct report *r = &d->reports[i];
        if (!r->samples && now - r->heard > QUIET && (!oldest || r->heard < oldest->heard))
            oldest = r;
    }
    return oldest;
}

void
lan_take_denied(struct lan_service *s, struct lan_node *n, const struct openflow_packet_in *p)
{
    struct flow_key key = {{{0}}};
    struct packet_layout layout;
    struct match what;
    uint32_t port = (uint32_t)flow_key_get(&p->match.value, FIELD_IN_PORT);
    const struct node *node = network_node(s->config.state->network, n->name);
    if (!node || (port_is_real(port) && !node_port(node, port)))
        return; /* a port that no deny rule of ours is for */
    if (!s->denied)
        s->denied = xcalloc(1, sizeof *s->denied);
    flow_key_parse(&key, p->packet.octets, p->packet.size, &layout);
    describe(&key, &what);
    note_last(s->denied, n->name, port, &what);
    struct report *r = find_report(s->denied, n->name, port, &what);
    nsec_t now = clock_monotonic();
    if (!r) {
        if (!(r = new_report(s->denied, now))) {
            s->denied->left_out++;
            return;
        }
        *r = (struct report){.port = port, .what = what};
        snprintf(r->node, sizeof r->node, "%s", n->name);
    }
    r->samples++;
    r->heard = now;
    if (!timer_is_armed(s->denied_timer))
        timer_start(s->denied_timer, 0); /* the first one is told at once */
}

/* What else was denied at the port of late, the latest first. The exception is one for all of it,
 * and shows the evidence it was given last: nothing is to hide behind what came after it. */
static void
describe_others(struct buf *out, const struct denied *d, const struct report *r)
{
    const struct report *others[OTHERS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n; i++) {
        const struct report *other = &d->reports[i];
        uint32_t at = n;
        if (other == r || other->port != r->port || strcmp(other->node, r->node) != 0)
            continue;
        while (at > 0 && others[at - 1]->heard < other->heard)
            at--;
        if (at == OTHERS_MAX)
            continue;
        n = MIN(n + 1, OTHERS_MAX);
        memmove(&others[at + 1], &others[at], (n - 1 - at) * sizeof others[0]);
        others[at] = other;
    }
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(out, "%s", i ? "; " : "");
        match_format(&others[i]->what, out);
    }
}

static void
tell_one(struct lan_service *s, const struct report *r)
{
    const struct host *host = network_host_at(s->config.state->network, r->node, r->port);
    const struct link *link = network_link_at(s->config.state->network, r->node, r->port);
    struct buf what = BUF_INIT, others = BUF_INIT;
    char object[160], where[96];
    match_format(&r->what, &what);
    describe_others(&others, s->denied, r);
    snprintf(where, sizeof where, "%.70s:%u", r->node, r->port);
    if (host)
        snprintf(object, sizeof object, "host/%.120s", host->name);
    else
        snprintf(object, sizeof object, "port/%s", where);
    json_t *evidence = json_pack("{ss ss so so}", "port", where, "packet", buf_cstr(&what),
                                 "samples", json_sprintf("%u", r->samples), "at",
                                 json_string(host   ? host->name
                                             : link ? link->name
                                                    : "nothing known"));
    if (others.size)
        json_object_set_new(evidence, "others", json_string(buf_cstr(&others)));
    buf_fini(&others);
    lan_raise(s, "traffic-denied", host ? "major" : "critical", object, evidence,
              "%s, at node %s port %u, sent what no circuit allows: %s",
              host ? host->name : "Something", r->node, r->port, buf_cstr(&what));
    buf_fini(&what);
}

void
lan_tell_denied(struct lan_service *s)
{
    struct denied *d = s->denied;
    nsec_t now = clock_monotonic();
    uint32_t kept = 0;
    for (uint32_t i = 0; i < d->n; i++) {
        struct report *r = &d->reports[i];
        if (r->samples && (!r->told || now - r->told >= TELL_AGAIN)) {
            tell_one(s, r);
            r->told = now;
            r->samples = 0;
        }
    }
    for (uint32_t i = 0; i < d->n; i++) {
        if (now - d->reports[i].heard < FORGET_AFTER)
            d->reports[kept++] = d->reports[i];
    }
    d->n = kept;
    if (d->left_out)
        log_warn("%u more samples of denied packets than can be told", d->left_out);
    d->left_out = 0;
    if (d->n)
        timer_start(s->denied_timer, DENIED_INTERVAL);
}

void
lan_denied_free(struct lan_service *s)
{
    struct last_denied *last, *next;
    if (!s->denied)
        return;
    HASH_ITER (hh, s->denied->last, last, next) {
        HASH_DEL(s->denied->last, last);
        free(last->at);
        free(last);
    }
    free(s->denied);
}

static json_t *
last_json(const struct denied *d, const char *node, uint32_t port)
{
    char *at = xasprintf("%s:%u", node, port), time[TIME_TEXT_SIZE];
    struct buf text = BUF_INIT;
    const struct last_denied *last = NULL;
    json_t *json = NULL;
    if (d)
        HASH_FIND_STR(d->last, at, last);
    if (last) {
        match_format(&last->what, &text);
        json = json_pack("{ss ss}", "match", buf_cstr(&text), "time",
                         time_format(last->time, time));
    }
    buf_fini(&text);
    free(at);
    return json;
}

void
lan_serve_denied(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct lan_service *s = arg;
    json_t *ports = json_array();
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        for (struct rule_item *i = lan_node_is_ready(n) ? n->wanted.items : NULL; i;
             i = i->hh.next) {
            uint64_t packets, octets;
            if (i->rule.kind != RULE_FLOW || i->flow.cookie != rule_cookie(0, ROLE_DENY) ||
                !lan_switch_flow_counters(n->sw, &i->flow, &packets, &octets) || !packets)
                continue;
            uint32_t port = (uint32_t)flow_key_get(&i->flow.match.value, FIELD_IN_PORT);
            const struct host *host = network_host_at(s->config.state->network, n->name, port);
            json_t *row = json_pack("{ss sI sI sI}", "node", n->name, "port", (json_int_t)port,
                                    "packets", (json_int_t)packets, "octets", (json_int_t)octets);
            json_t *last = last_json(s->denied, n->name, port);
            if (host)
                json_object_set_new(row, "host", json_string(host->name));
            if (last)
                json_object_set_new(row, "last", last);
            json_array_append_new(ports, row);
        }
    }
    bus_reply(bus, m->reply_to, json_pack("{so}", "ports", ports));
}

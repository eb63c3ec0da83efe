/* Reading a switch's tables. */
#include "base/alloc.h"
#include "io/clock.h"
#include "lan/switch_private.h"
#include "proto/openflow/openflow_canonical.h"

#include <stdio.h>
#include <stdlib.h>

#define ALIENS_MAX 1000

#define SWAP(a, b)                                                                                 \
    do {                                                                                           \
        __typeof__(a) swapped_ = (a);                                                              \
        (a) = (b);                                                                                 \
        (b) = swapped_;                                                                            \
    } while (0)

void
alien_release(struct alien *a)
{
    if (!a || --a->holders)
        return;
    free(a->text);
    buf_fini(&a->match);
    free(a);
}

static void
aliens_fini(struct aliens *aliens)
{
    for (uint32_t i = 0; i < aliens->n; i++)
        alien_release(aliens->list[i]);
    free(aliens->list);
    *aliens = (struct aliens){0};
}

static void
aliens_add(struct aliens *aliens, struct alien *a)
{
    aliens->list = xrealloc(aliens->list, aliens->n + 1, sizeof(struct alien *));
    aliens->list[aliens->n++] = a;
}

static void
counts_free(struct flow_count **counts)
{
    struct flow_count *c, *next;
    HASH_ITER (hh, *counts, c, next) {
        HASH_DEL(*counts, c);
        rule_item_release(c->item);
        free(c);
    }
}

static void
reading_reset(struct reading *r)
{
    ruleset_fini(&r->rules);
    aliens_fini(&r->aliens);
    counts_free(&r->counts);
    r->active = r->dirty = r->failed = r->wanted = false;
    r->outstanding = 0;
}

/* What cannot be asked ends the reading as an answer would. */
static void
ask_part(struct lan_switch *s, uint32_t type, void *items, uint32_t n, enum purpose purpose)
{
    if (lan_switch_ask_multipart(s, type, items, n, purpose))
        s->reading.failed = true;
    else
        s->reading.outstanding++;
}

static void
begin_reading(struct lan_switch *s, bool flows)
{
    struct reading *r = &s->reading;
    uint32_t all_meters = METER_ALL;
    struct openflow_flow_request all_flows = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    r->active = true;
    r->again = false;
    r->flows = flows;
    r->dirty = s->batches != NULL;
    r->number = ++s->begun;
    ask_part(s, OFPMP_METER_CONFIG, &all_meters, 1, ASK_METERS);
    ask_part(s, OFPMP_GROUP_DESC, NULL, 0, ASK_GROUPS);
    if (flows)
        ask_part(s, OFPMP_FLOW, &all_flows, 1, ASK_FLOWS);
    if (!r->outstanding)
        reading_reset(r);
    lan_switch_flush(s);
}

uint64_t
lan_switch_read(struct lan_switch *s)
{
    struct reading *r = &s->reading;
    if (s->closed || !s->identified)
        return s->begun + 1;
    if (r->active) {
        r->again = true;
        return s->begun + 1;
    }
    begin_reading(s, true);
    r->wanted = r->active;
    return s->begun;
}

void
lan_switch_poll(struct lan_switch *s, bool flows)
{
    bool wanted = s->reading.again;
    if (s->closed || !s->identified || s->reading.active)
        return;
    begin_reading(s, !s->has_monitor || wanted || flows);
    s->reading.wanted = wanted && s->reading.active;
}

static void
add_alien(struct reading *r, enum rule_kind kind, const struct openflow_foreign *foreign,
          const struct flow *flow, uint32_t number)
{
    if (r->aliens.n == ALIENS_MAX)
        return;
    struct alien *a = xcalloc(1, sizeof *a);
    *a = (struct alien){.holders = 1, .kind = kind, .number = number};
    aliens_add(&r->aliens, a);
    struct buf text = BUF_INIT;
    if (flow) {
        a->table_id = flow->table_id;
        a->priority = flow->priority;
        a->cookie = flow->cookie;
        buf_put(&a->match, foreign->match.octets, foreign->match.size);
        flow_format(flow, &text);
    } else {
        buf_printf(&text, "%s=%u", kind == RULE_GROUP ? "group" : "meter", number);
    }
    buf_printf(&text, " (and %s, which has no form here)", foreign->what);
    a->text = buf_steal_cstr(&text);
}

static void
take_flows(struct lan_switch *s, struct openflow_multipart *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        struct openflow_flow_stats *f = &m->flows[i];
        if (f->foreign.what) {
            add_alien(&s->reading, RULE_FLOW, &f->foreign, &f->flow, 0);
            continue;
        }
        openflow_canonical_flow(&f->flow);
        struct rule rule = rule_of_flow(&f->flow);
        struct rule_item *item = ruleset_put(&s->reading.rules, &rule);
        item->users = i; /* its place in the reply: where its counters are, below */
    }
    /* Counters belong to the items that are about to become `held`. */
    for (struct rule_item *item = s->reading.rules.items; item; item = item->hh.next) {
        if (item->rule.kind != RULE_FLOW)
            continue;
        struct flow_count *c = xcalloc(1, sizeof *c);
        *c = (struct flow_count){.item = rule_item_hold(item),
                                 .packets = m->flows[item->users].packets,
                                 .octets = m->flows[item->users].octets};
        HASH_ADD_PTR(s->reading.counts, item, c);
    }
}

static void
take_groups(struct lan_switch *s, struct openflow_multipart *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        struct openflow_group_desc *g = &m->groups[i];
        struct rule rule = rule_of_group(&g->group);
        if (g->foreign.what) {
            add_alien(&s->reading, RULE_GROUP, &g->foreign, NULL, g->group.group_id);
            continue;
        }
        openflow_canonical_group(&g->group);
        ruleset_put(&s->reading.rules, &rule);
    }
}

static void
take_meters(struct lan_switch *s, struct openflow_multipart *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        struct openflow_meter_config *c = &m->meters[i];
        struct rule rule = rule_of_meter(&c->meter);
        if (c->foreign.what) {
            add_alien(&s->reading, RULE_METER, &c->foreign, NULL, c->meter.meter_id);
            continue;
        }
        openflow_canonical_meter(&c->meter);
        ruleset_put(&s->reading.rules, &rule);
    }
}

/* Groups and meters only: what is known of flows stays. False: nothing is new. */
static bool
adopt_groups_and_meters(struct lan_switch *s, struct reading *r)
{
    bool changed = r->aliens.n > 0;
    uint32_t n_flows = s->held.counts[RULE_FLOW];
    struct rule_item *item, *next;
    for (item = r->rules.items; item && !changed; item = item->hh.next) {
        const struct rule_item *there = ruleset_find(&s->held, &item->rule);
        changed = !there || !rule_equal(&item->rule, &there->rule);
    }
    if (!changed && ruleset_count(&r->rules) + n_flows == ruleset_count(&s->held))
        return false;
    s->version++;
    HASH_ITER (hh, s->held.items, item, next) {
        if (item->rule.kind != RULE_FLOW)
            ruleset_remove(&s->held, item);
    }
    for (item = r->rules.items; item; item = item->hh.next)
        ruleset_put(&s->held, &item->rule);
    for (uint32_t i = 0; i < s->aliens.n; i++) {
        struct alien *a = s->aliens.list[i];
        if (a->kind != RULE_FLOW)
            continue;
        a->holders++;
        aliens_add(&r->aliens, a);
    }
    SWAP(s->aliens, r->aliens);
    return true;
}

static bool
adopt_reading(struct lan_switch *s, struct reading *r)
{
    if (!r->flows)
        return adopt_groups_and_meters(s, r);
    s->version++;
    SWAP(s->held, r->rules);
    SWAP(s->aliens, r->aliens);
    SWAP(s->counts, r->counts);
    s->reads = r->number;
    return true;
}

/* All parts are in. */
static void
finish_reading(struct lan_switch *s)
{
    struct reading *r = &s->reading;
    bool clean = !r->dirty && !r->failed;
    bool again = r->again || (r->dirty && (r->wanted || !s->ready || !s->has_monitor));
    bool wanted = r->wanted || r->again;
    if (r->failed && !s->ready) {
        openflow_session_close(s->session, ERR_UNSUPPORTED, "its tables cannot be read");
        return;
    }
    bool changed = clean && adopt_reading(s, r);
    reading_reset(r);
    if (again && !s->batches && !s->closed) {
        begin_reading(s, true);
        r->wanted = wanted;
    } else {
        r->again = again || (wanted && !clean); /* when what is under way is done */
    }
    if (!changed)
        return;
    if (!s->ready) {
        s->ready = true;
        s->handler->ready(s->arg, s);
    } else {
        s->handler->tables_changed(s->arg, s, false);
    }
}

void
lan_switch_take_part(struct lan_switch *s, const struct request *r, const struct openflow_event *e)
{
    if (e->kind == OPENFLOW_FAILED || !e->message)
        s->reading.failed = true;
    else if (r->purpose == ASK_FLOWS)
        take_flows(s, &e->message->multipart);
    else if (r->purpose == ASK_GROUPS)
        take_groups(s, &e->message->multipart);
    else
        take_meters(s, &e->message->multipart);
    if (--s->reading.outstanding == 0)
        finish_reading(s);
}

void
lan_switch_forget_alien(struct lan_switch *s, struct alien *a)
{
    for (uint32_t i = 0; i < s->aliens.n; i++) {
        if (s->aliens.list[i] != a)
            continue;
        s->aliens.list[i] = s->aliens.list[--s->aliens.n];
        alien_release(a);
        return;
    }
}

void
lan_switch_reading_fini(struct lan_switch *s)
{
    reading_reset(&s->reading);
    counts_free(&s->counts);
    ruleset_fini(&s->held);
    aliens_fini(&s->aliens);
}

bool
lan_switch_flow_counters(const struct lan_switch *s, const struct flow *flow, uint64_t *packets,
                         uint64_t *octets)
{
    struct rule rule = rule_of_flow(flow);
    struct rule_item *item = ruleset_find(&s->held, &rule);
    struct flow_count *c = NULL;
    if (item)
        HASH_FIND_PTR(s->counts, &item, c);
    if (!c)
        return false;
    *packets = c->packets;
    *octets = c->octets;
    return true;
}

uint64_t
lan_switch_reads(const struct lan_switch *s)
{
    return s->reads;
}

uint32_t
lan_switch_n_aliens(const struct lan_switch *s)
{
    return s->aliens.n;
}

struct alien *
lan_switch_alien(const struct lan_switch *s, uint32_t i)
{
    return s->aliens.list[i];
}

/* maintenance.c - what operators take out of service, and give back.
 *
 * Who did it and why is an event first; the database is told when that is durable, and again when
 * the program begins anew: what is drained stays so until somebody says otherwise. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "model/text.h"
#include "model/way.h"
#include "wan/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* ---- Into the database, and out of it ---- */

static enum err
put(struct wan_service *s, const struct drain *d)
{
    const struct ted_override o = {
        .id = d->element,
        .target = d->kind == DRAIN_ROUTER ? TED_TARGET_NODE
                  : d->kind == DRAIN_LINK ? TED_TARGET_LINK
                                          : TED_TARGET_SRLG,
        .key = d->kind == DRAIN_SRLG ? NULL : d->key,
        .srlg = d->kind == DRAIN_SRLG ? (uint32_t)strtoul(d->key, NULL, 10) : 0,
        .set = TED_BIT(TED_STATE),
        .who = d->who,
        .why = d->why,
        .until = NSEC_NEVER};
    return ted_override_put(s->ted, &o, clock_monotonic());
}

void
wan_maintenance_begin(struct wan_service *s)
{
    for (const struct drain *d = s->config.state->tunneling.drains; d; d = d->hh.next) {
        enum err err = put(s, d);
        if (err)
            log_warn("wan: %s is not taken out of service: %s", d->element, err_text(err));
    }
}

static unsigned
count_without(const struct wan_service *s)
{
    unsigned n = 0;
    for (const struct wan_tunnel *t = s->tunnels; t; t = t->hh.next)
        n += t->without;
    return n;
}

/* Who asked is answered when the event is in the journal, which is after this. */
struct wan_maintenance {
    struct wan_handle *handle;
    struct bus *bus;
    char *reply_to, *element;
    bool applied;
    uint64_t moved;
    unsigned left; /* tunnels that pass it all the same: there is no other way */
    struct wan_maintenance *prev, *next;
};

void
wan_maintenance_event(struct wan_service *s, const struct state_event *e)
{
    const char *element = text_of(e->body, "element");
    const struct drain *d = element ? tunneling_drain(&s->config.state->tunneling, element) : NULL;
    uint64_t moves = s->n_moves;
    unsigned without = count_without(s), left;
    struct wan_maintenance *m = s->maintenance;
    if (!element)
        return;
    if (!d)
        ted_override_remove(s->ted, element, clock_monotonic());
    else if (put(s, d))
        log_warn("wan: %s is not taken out of service", element);
    wan_commit(s);
    left = count_without(s);
    while (m && (m->applied || strcmp(m->element, element) != 0))
        m = m->next;
    if (!m)
        return;
    m->applied = true;
    m->moved = s->n_moves - moves;
    m->left = left > without ? left - without : 0;
}

/* ---- What is asked ---- */

static void
on_durable(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct wan_maintenance *m = arg;
    struct wan_service *s = wan_handle_take(m->handle);
    if (s)
        DL_DELETE(s->maintenance, m);
    if (err)
        bus_reply_error(m->bus, m->reply_to, err, "%s", why);
    else if (s)
        bus_reply(m->bus, m->reply_to,
                  json_pack("{sI si}", "moved", (json_int_t)m->moved, "left", (int)m->left));
    free(m->reply_to);
    free(m->element);
    free(m);
}

static void
append(struct wan_service *s, struct bus *bus, const struct bus_message *message, const char *type,
       const char *element, json_t *body)
{
    struct wan_maintenance *m = xcalloc(1, sizeof *m);
    const char *actor = text_of(message->payload, "actor");
    char *object = xasprintf("wan-element/%s", element);
    *m = (struct wan_maintenance){.handle = wan_handle_give(s),
                                  .bus = bus,
                                  .reply_to = message->reply_to ? xstrdup(message->reply_to) : NULL,
                                  .element = xstrdup(element)};
    DL_APPEND(s->maintenance, m);
    wan_append(s, type, object, actor, body, on_durable, m);
    free(object);
}

/* "srlg-N" */
static bool
read_srlg(const char *name, char number[16])
{
    uint32_t srlg;
    bool read = srlg_read(name, &srlg);
    if (read)
        snprintf(number, 16, "%u", srlg);
    return read;
}

/* Keys are the database's, until its next change. */
static bool
find_target(const struct wan_service *s, const char *name, char number[16], enum drain_kind *kind,
            const char **key)
{
    const struct router *r = network_router(s->config.state->network, name);
    struct ted_node_info node;
    struct ted_link_info link;
    for (uint32_t i = 0; ted_node_info_at(s->ted, i, &node); i++) {
        uint32_t id = wan_address_ipv4(&node.node->router_id);
        *key = node.key;
        *kind = DRAIN_ROUTER;
        if (!strcmp(node.key, name) || !strcmp(node.node->name, name) || (r && id == r->router_id))
            return true;
    }
    for (uint32_t i = 0; ted_link_info_at(s->ted, i, &link); i++) {
        *key = link.key;
        *kind = DRAIN_LINK;
        if (!strcmp(link.key, name))
            return true;
    }
    *key = number;
    *kind = DRAIN_SRLG;
    return read_srlg(name, number);
}

/* {kind, key, element} -> as planner_drain(), with the plan's hash */
static enum err
plan(struct planner *p, const struct network *model, const json_t *ask, json_t **answer,
     struct diag *diag)
{
    json_t *found = NULL;
    enum err err = planner_drain(p, model,
                                 (enum drain_kind)json_integer_value(json_object_get(ask, "kind")),
                                 text_of(ask, "key"), &found, diag);
    if (err)
        return err;
    json_t *its = json_object_get(found, "plan");
    json_object_set(its, "element", json_object_get(ask, "element"));
    json_object_set(json_object_get(found, "summary"), "element", json_object_get(ask, "element"));
    *answer = wan_hashed(json_incref(its));
    json_object_update_missing(*answer, found);
    json_decref(found);
    return ERR_OK;
}

/* {element} -> what would have to move so that it can be taken out of service; changes nothing. */
void
wan_serve_plan_drain(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    const char *element = text_of(m->payload, "element"), *key = NULL;
    enum drain_kind kind = DRAIN_ROUTER;
    char number[16];
    if (!element) {
        bus_reply_error(bus, m->reply_to, ERR_INVALID, "element is expected");
    } else if (tunneling_drain(&s->config.state->tunneling, element)) {
        bus_reply_error(bus, m->reply_to, ERR_EXISTS, "%.100s is out of service already", element);
    } else if (!find_target(s, element, number, &kind, &key)) {
        bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND,
                        "there is no router, link or srlg-N %.100s in the network", element);
    } else {
        json_t *ask = json_pack("{ss ss si}", "element", element, "key", key, "kind", (int)kind);
        think_and_answer(s->thinker, bus, m, plan, ask);
        json_decref(ask);
    }
}

/* {actor, element, reason} -> {moved, left}: nothing may pass it, and what does is laid another way
 * now. */
void
wan_serve_drain(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    const char *actor = text_of(m->payload, "actor"), *element = text_of(m->payload, "element"),
               *reason = text_of(m->payload, "reason"), *key = NULL;
    enum drain_kind kind = DRAIN_ROUTER;
    char number[16];
    if (!actor || !element || !reason || !*reason || !text_is_valid(reason))
        bus_reply_error(bus, m->reply_to, ERR_INVALID, "element and reason are expected");
    else if (!find_target(s, element, number, &kind, &key))
        bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND,
                        "there is no router, link or srlg-N %.100s in the network", element);
    else
        append(s, bus, m, "wan.drained", element,
               json_pack("{ss ss ss ss}", "element", element, "kind", drain_kind_words[kind], "key",
                         key, "reason", reason));
}

/* {actor, element} -> {moved, left}: it may be used again. */
void
wan_serve_restore(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    const char *actor = text_of(m->payload, "actor"), *element = text_of(m->payload, "element");
    if (!actor || !element)
        bus_reply_error(bus, m->reply_to, ERR_INVALID, "element is expected");
    else if (!tunneling_drain(&s->config.state->tunneling, element))
        bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND, "%.100s is not out of service", element);
    else
        append(s, bus, m, "wan.restored", element, json_pack("{ss}", "element", element));
}

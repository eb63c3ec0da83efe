/* changes.c - that the network is another one, told in the journal as wan.changed, so that others
 * who keep a copy of it read it anew. Changes are gathered: a second, so that what goes together is
 * told together; a minute if only what is measured has changed, which it always does. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

#define SOON NSEC_PER_SEC
#define MEASURED_EVERY (60 * NSEC_PER_SEC)
#define MEASURED (TED_BIT(TED_DELAY) | TED_BIT(TED_JITTER) | TED_BIT(TED_LOSS))
#define IGNORED TED_BIT(TED_UNRESERVED) /* it follows what is done with tunnels */

/* A node or a link that is another one. */
struct wan_change {
    char *key; /* "node " or "link ", and the key in the database */
    enum ted_delta_kind kind;
    uint32_t attributes;
    bool up;
    UT_hash_handle hh;
};

struct wan_changes {
    struct timer *timer;
    struct wan_change *changes;
    nsec_t due, told; /* monotonic: when it is to be told, when it was; due 0: nothing is */
    uint64_t version; /* of the database, with them */
    uint64_t left_out;
};

static bool
is_of_node(enum ted_delta_kind kind)
{
    return kind == TED_NODE_ADDED || kind == TED_NODE_REMOVED || kind == TED_NODE_CHANGED;
}

static bool
is_of_link(enum ted_delta_kind kind)
{
    return kind == TED_LINK_ADDED || kind == TED_LINK_REMOVED || kind == TED_LINK_CHANGED;
}

static bool
is_change(enum ted_delta_kind kind)
{
    return kind == TED_NODE_CHANGED || kind == TED_LINK_CHANGED;
}

static void
drop_all(struct wan_changes *c)
{
    struct wan_change *change, *next;
    HASH_ITER (hh, c->changes, change, next) {
        HASH_DEL(c->changes, change);
        free(change->key);
        free(change);
    }
    c->left_out = 0;
    c->due = 0;
}

static void
merge(struct wan_changes *c, const struct ted_delta *d)
{
    char *key = xasprintf("%s %s", is_of_node(d->kind) ? "node" : "link", d->key);
    struct wan_change *change;
    HASH_FIND_STR(c->changes, key, change);
    if (!change && HASH_COUNT(c->changes) == WAN_CHANGES_TOLD) {
        c->left_out++;
        free(key);
        return;
    }
    if (!change) {
        change = xcalloc(1, sizeof *change);
        change->key = key;
        change->kind = d->kind;
        HASH_ADD_KEYPTR(hh, c->changes, change->key, strlen(change->key), change);
    } else {
        free(key);
    }
    if (!is_change(d->kind))
        change->kind = d->kind; /* what was new stays new when more of it is told */
    change->attributes |= d->attributes & ~IGNORED;
    change->up = d->up;
}

static json_t *
attributes_json(uint32_t attributes)
{
    json_t *list = json_array();
    for (unsigned a = 0; a < TED_ATTRIBUTES; a++) {
        if (attributes & TED_BIT(a))
            json_array_append_new(list, json_string(ted_attribute_name((enum ted_attribute)a)));
    }
    return list;
}

static json_t *
change_json(const struct wan_change *change)
{
    bool link = is_of_link(change->kind);
    const char *word = is_change(change->kind) ? "changed"
                       : change->kind == TED_NODE_ADDED || change->kind == TED_LINK_ADDED
                           ? "added"
                           : "removed";
    json_t *json = json_pack("{ss ss}", link ? "link" : "node", change->key + 5, "change", word);
    if (is_change(change->kind))
        json_object_set_new(json, "attributes", attributes_json(change->attributes));
    if (link && change->kind != TED_LINK_REMOVED)
        json_object_set_new(json, "up", json_boolean(change->up));
    return json;
}

static void
on_due(void *arg)
{
    struct wan_service *s = arg;
    struct wan_changes *c = s->changes;
    json_t *nodes = json_array(), *links = json_array();
    for (const struct wan_change *change = c->changes; change; change = change->hh.next)
        json_array_append_new(is_of_link(change->kind) ? links : nodes, change_json(change));
    json_t *body = json_pack("{sI so so}", "version", (json_int_t)c->version, "nodes", nodes,
                             "links", links);
    if (c->left_out)
        json_object_set_new(body, "left-out", json_integer((json_int_t)c->left_out));
    c->told = clock_monotonic();
    drop_all(c);
    wan_append(s, "wan.changed", "wan", ACTOR, body, NULL, NULL);
}

void
wan_note_change(struct wan_service *s, const struct ted_delta *d)
{
    struct wan_changes *c = s->changes;
    nsec_t now = clock_monotonic(), due;
    if (d->kind == TED_DELTAS_LOST)
        c->left_out++;
    else if (!is_of_node(d->kind) && !is_of_link(d->kind))
        return;
    else if (is_change(d->kind) && !(d->attributes & ~IGNORED))
        return;
    else
        merge(c, d);
    bool measured = is_change(d->kind) && !(d->attributes & ~(IGNORED | MEASURED));
    due = now + SOON;
    if (measured && c->told)
        due = MAX(due, c->told + MEASURED_EVERY);
    c->version = d->version;
    if (c->due && c->due <= due)
        return;
    c->due = due;
    timer_start(c->timer, due - now);
}

void
wan_changes_begin(struct wan_service *s)
{
    s->changes = xcalloc(1, sizeof *s->changes);
    s->changes->timer = timer_new(s->config.loop, on_due, s);
}

void
wan_changes_free(struct wan_service *s)
{
    if (!s->changes)
        return;
    timer_free(s->changes->timer);
    drop_all(s->changes);
    free(s->changes);
}

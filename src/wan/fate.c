/* fate.c - circuits whose primary and failover path are apart among the nodes, and meet in the WAN:
 * the tunnels that carry their links go over one link, or share a risk there. What fails then takes
 * both, until the tunnels are laid another way. It is an exception of the first of the two tunnels,
 * for as long as it is so. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "model/carried.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

#define KIND "carriers-share-fate"
#define SOON (200 * NSEC_PER_MSEC)

/* Two tunnels that circuits rely on to fail apart. */
struct fate {
    char *key;         /* "a b" */
    const char *a, *b; /* in `names`; a <= b */
    char *names;
    json_t *circuits;
    char shared[160]; /* what they have in common; "": nothing */
    bool raised;
    UT_hash_handle hh;
};

static void
fate_free(struct fate **all, struct fate *f)
{
    HASH_DEL(*all, f);
    json_decref(f->circuits);
    free(f->names);
    free(f->key);
    free(f);
}

static void
free_all(struct fate **all)
{
    struct fate *f, *next;
    HASH_ITER (hh, *all, f, next)
        fate_free(all, f);
}

void
wan_fates_free(struct wan_service *s)
{
    free_all(&s->fates);
    timer_free(s->fate);
}

/* ---- Which tunnels ---- */

static struct fate *
need(struct fate **all, const char *a, const char *b)
{
    struct fate *f;
    char *key = strcmp(a, b) <= 0 ? xasprintf("%s %s", a, b) : xasprintf("%s %s", b, a);
    HASH_FIND_STR(*all, key, f);
    if (f) {
        free(key);
        return f;
    }
    f = xcalloc(1, sizeof *f);
    f->key = key;
    f->names = xstrdup(key);
    char *space = strchr(f->names, ' ');
    *space = '\0';
    f->a = f->names;
    f->b = space + 1;
    f->circuits = json_array();
    HASH_ADD_KEYPTR(hh, *all, f->key, strlen(f->key), f);
    return f;
}

/* Once, though both its paths may have both tunnels. */
static void
note_circuit(struct fate *f, const char *circuit)
{
    size_t n = json_array_size(f->circuits);
    const char *last = n ? json_string_value(json_array_get(f->circuits, n - 1)) : NULL;
    if (!last || strcmp(last, circuit) != 0)
        json_array_append_new(f->circuits, json_string(circuit));
}

static void
add_design(struct fate **all, const struct network *net, const struct design *d)
{
    json_t *primary = carried_route_tunnels(net, &d->primary);
    json_t *failover = carried_route_tunnels(net, &d->failover);
    size_t i, j;
    const json_t *a, *b;
    json_array_foreach(primary, i, a)
    {
        json_array_foreach(failover, j, b)
        {
            note_circuit(need(all, json_string_value(a), json_string_value(b)), d->circuit);
        }
    }
    json_decref(primary);
    json_decref(failover);
}

static struct fate *
pairs_of(const struct network *net)
{
    struct fate *all = NULL;
    for (const struct design *d = net->designs; d; d = d->hh.next) {
        if (d->has_failover)
            add_design(&all, net, d);
    }
    return all;
}

/* ---- What they share ---- */

static uint32_t
link_at(const struct ted_view *view, const json_t *links, size_t i)
{
    const char *key = json_string_value(json_array_get(links, i));
    return key ? ted_view_find_link(view, key) : TE_NONE;
}

/* The number of a group that both links are in; false: there is none. */
static bool
share_risk(const struct te_network *net, const struct te_link *a, const struct te_link *b,
           uint32_t *id)
{
    for (uint32_t i = 0; i < a->n_srlgs; i++) {
        for (uint32_t j = 0; j < b->n_srlgs; j++) {
            *id = net->srlg_ids[net->link_srlgs[a->first_srlg + i]];
            if (net->link_srlgs[a->first_srlg + i] == net->link_srlgs[b->first_srlg + j])
                return true;
        }
    }
    return false;
}

/* Both directions of a link are one thing. */
static bool
is_one_link(const struct te_network *net, uint32_t a, uint32_t b)
{
    return a == b || net->links[a].reverse == b;
}

static void
compare(struct fate *f, const struct ted_view *view, const json_t *a, const json_t *b)
{
    const struct te_network *net = ted_view_network(view);
    uint32_t id;
    for (size_t i = 0; i < json_array_size(a); i++) {
        for (size_t j = 0; j < json_array_size(b); j++) {
            uint32_t x = link_at(view, a, i), y = link_at(view, b, j);
            if (x == TE_NONE || y == TE_NONE)
                continue;
            if (is_one_link(net, x, y)) {
                snprintf(f->shared, sizeof f->shared, "link %s",
                         json_string_value(json_array_get(a, i)));
                return;
            }
            if (!*f->shared && share_risk(net, &net->links[x], &net->links[y], &id))
                snprintf(f->shared, sizeof f->shared, "risk srlg-%u", id);
        }
    }
}

static const json_t *
links_of(const struct wan_service *s, const char *tunnel)
{
    const struct tunnel_status *t = tunneling_find(&s->config.state->tunneling, tunnel);
    return t ? json_object_get(t->paths[TUNNEL_PRIMARY], "links") : NULL;
}

static void
find_shared(struct wan_service *s, struct fate *all)
{
    const struct ted_view *view = ted_view(s->ted);
    for (struct fate *f = all; f; f = f->hh.next) {
        if (!strcmp(f->a, f->b))
            snprintf(f->shared, sizeof f->shared, "all of it: both are one tunnel");
        else
            compare(f, view, links_of(s, f->a), links_of(s, f->b));
    }
    ted_view_release(view);
}

/* ---- Telling ---- */

static void
tell(struct wan_service *s, struct fate *f)
{
    char *object = xasprintf("tunnel/%s", f->a), *circuits = names_text(f->circuits, NAMES_SHOWN);
    wan_raise(s, KIND, "minor", object,
              json_pack("{ss ss sO}", "other", f->b, "shared", f->shared, "circuits", f->circuits),
              "Tunnels %s and %s carry both paths of circuits, and share %s: %s.", f->a, f->b,
              f->shared, circuits);
    f->raised = true;
    free(object);
    free(circuits);
}

/* Is any other pair of this tunnel's told, too? Then its exception stays. */
static bool
has_another(const struct fate *all, const char *a)
{
    for (const struct fate *f = all; f; f = f->hh.next) {
        if (f->raised && !strcmp(f->a, a))
            return true;
    }
    return false;
}

static void
close_gone(struct wan_service *s, const struct fate *now)
{
    for (const struct exception *e = s->config.state->exceptions; e; e = e->hh.next) {
        const char *tunnel = strncmp(e->object, "tunnel/", 7) ? NULL : e->object + 7;
        if (tunnel && !strcmp(e->kind, KIND) && e->state != EXCEPTION_CLOSED &&
            !has_another(now, tunnel))
            wan_close(s, KIND, e->object, "they share nothing any more");
    }
}

/* What is over before it was in the journal is closed when it is. */
static void
look_again(struct wan_service *s, const struct fate *now)
{
    for (const struct fate *f = s->fates; f; f = f->hh.next) {
        char *object = xasprintf("tunnel/%s", f->a);
        if (f->raised && !has_another(now, f->a) &&
            !state_open_exception(s->config.state, KIND, object))
            timer_start(s->fate, NSEC_PER_SEC);
        free(object);
    }
}

void
wan_find_fates(void *arg)
{
    struct wan_service *s = arg;
    if (!s->version || s->blind)
        return;
    struct fate *now = pairs_of(s->config.state->network), *f;
    find_shared(s, now);
    for (f = now; f; f = f->hh.next) {
        struct fate *before;
        HASH_FIND_STR(s->fates, f->key, before);
        f->raised = *f->shared && before && before->raised;
        if (*f->shared && !f->raised)
            tell(s, f);
    }
    close_gone(s, now);
    look_again(s, now);
    free_all(&s->fates);
    s->fates = now;
}

void
wan_look_at_fates(struct wan_service *s)
{
    timer_start(s->fate, SOON);
}

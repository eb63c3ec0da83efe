#include "model/local.h"

#include "base/alloc.h"
#include "model/state.h"

#include <stdlib.h>
#include <string.h>

const char *
local_action_word(enum local_action action)
{
    return action == LOCAL_STOP ? "stop" : "build";
}

const char *
local_state_word(enum local_state state)
{
    static const char *const words[] = {"waiting", "holds", "over"};
    return words[state];
}

/* ---- Life --------------------------------------------------------------------------------------
 */

static void
voice_fini(struct local_voice *v)
{
    free(v->by);
    free(v->role);
    free(v->right);
    free(v->text);
}

static void
work_free(struct local *l, struct local_work *w)
{
    HASH_DEL(l->works, w);
    free(w->circuit);
    free(w->site);
    free(w->hash);
    voice_fini(&w->asked);
    voice_fini(&w->agreed);
    voice_fini(&w->ended_here);
    voice_fini(&w->ended_by_centre);
    free(w);
}

void
local_fini(struct local *l)
{
    struct local_intent *intent, *next_intent;
    struct local_expiry *expiry, *next_expiry;
    while (l->works)
        work_free(l, l->works);
    HASH_ITER (hh, l->intents, intent, next_intent) {
        HASH_DEL(l->intents, intent);
        free(intent->list);
        free(intent->circuit);
        free(intent);
    }
    HASH_ITER (hh, l->expiries, expiry, next_expiry) {
        HASH_DEL(l->expiries, expiry);
        free(expiry->circuit);
        free(expiry);
    }
}

/* What the centre has said of them stays: it is told once. */
void
local_forget(struct local *l, uint32_t site)
{
    struct local_work *w, *next;
    HASH_ITER (hh, l->works, w, next) {
        if (exception_site(w->id) != site)
            continue;
        struct local_work kept = *w;
        memset(&w->ended_by_centre, 0, sizeof w->ended_by_centre);
        work_free(l, w);
        if (!kept.ended_by_centre.by)
            continue;
        struct local_work *again = xcalloc(1, sizeof *again);
        again->id = kept.id;
        again->ended_by_centre = kept.ended_by_centre;
        again->ended_centre_seq = kept.ended_centre_seq;
        HASH_ADD(hh, l->works, id, sizeof again->id, again);
    }
}

/* ---- Finding -----------------------------------------------------------------------------------
 */

static struct local_work *
find_work(const struct local *l, uint32_t id)
{
    struct local_work *w;
    HASH_FIND(hh, l->works, &id, sizeof id, w);
    return w;
}

const struct local_work *
local_find(const struct local *l, uint32_t id)
{
    const struct local_work *w = find_work(l, id);
    return w && w->known ? w : NULL;
}

static struct local_work *
need_work(struct local *l, uint32_t id)
{
    struct local_work *w = find_work(l, id);
    if (!w) {
        w = xcalloc(1, sizeof *w);
        w->id = id;
        HASH_ADD(hh, l->works, id, sizeof w->id, w);
    }
    return w;
}

/* ---- The fold ----------------------------------------------------------------------------------
 */

static const char *
text_of(const struct state_event *e, const char *member)
{
    return json_string_value(json_object_get(e->body, member));
}

static char *
copy_of(const struct state_event *e, const char *member)
{
    const char *text = text_of(e, member);
    return xstrdup(text ? text : "");
}

static struct local_voice
voice_of(const struct state_event *e, const char *right, const char *text)
{
    return (struct local_voice){.by = xstrdup(e->actor),
                                .role = copy_of(e, "role"),
                                .right = copy_of(e, right),
                                .text = copy_of(e, text),
                                .time = e->time};
}

/* Of the site that says it. 0: not so. */
static uint32_t
id_of(const struct state_event *e)
{
    json_int_t id = json_integer_value(json_object_get(e->body, "id"));
    return id > 0 && id <= UINT32_MAX ? (uint32_t)id : 0;
}

static enum err
apply_decided(struct local *l, const struct state_event *e, struct diag *diag)
{
    bool stop = !strcmp(e->type, "local.stopped");
    uint32_t id = id_of(e);
    json_int_t based_on = json_integer_value(json_object_get(e->body, "based-on"));
    const char *until = text_of(e, "until");
    nsec_t end;
    if (!id || exception_site(id) != e->site || !e->site || local_find(l, id))
        return state_event_malformed(e, "id", diag);
    if (!text_of(e, "circuit") || !text_of(e, "site"))
        return state_event_malformed(e, text_of(e, "circuit") ? "site" : "circuit", diag);
    if (!stop && !text_of(e, "hash"))
        return state_event_malformed(e, "hash", diag);
    if (!until || time_parse(until, &end))
        return state_event_malformed(e, "until", diag);
    if (based_on < 0)
        return state_event_malformed(e, "based-on", diag);
    struct local_work *w = need_work(l, id);
    w->known = true;
    w->action = stop ? LOCAL_STOP : LOCAL_BUILD;
    w->circuit = copy_of(e, "circuit");
    w->site = copy_of(e, "site");
    w->hash = copy_of(e, "hash");
    w->based_on = (uint64_t)based_on;
    w->until = end;
    w->asked = voice_of(e, "right", "comment");
    return ERR_OK;
}

/* Four eyes: another person, and the same thing. It follows in the same journal. */
static enum err
apply_agreed(struct local *l, const struct state_event *e, struct diag *diag)
{
    struct local_work *w = find_work(l, id_of(e));
    const char *hash = text_of(e, "hash");
    if (!w || !w->known || w->action != LOCAL_BUILD || exception_site(w->id) != e->site ||
        w->agreed.by || !strcmp(w->asked.by, e->actor))
        return state_event_malformed(e, "id", diag);
    if (!hash || strcmp(hash, w->hash) != 0)
        return state_event_malformed(e, "hash", diag);
    w->agreed = voice_of(e, "right", "comment");
    return ERR_OK;
}

/* The first of each journal counts. */
static enum err
apply_ended(struct local *l, const struct state_event *e, struct diag *diag)
{
    uint32_t id = id_of(e);
    json_int_t known = json_integer_value(json_object_get(e->body, "known"));
    if (!id || !exception_site(id) || (e->site && exception_site(id) != e->site) || known < 0)
        return state_event_malformed(e, "id", diag);
    struct local_work *w = need_work(l, id);
    struct local_voice *voice = e->site ? &w->ended_here : &w->ended_by_centre;
    if (voice->by)
        return ERR_OK;
    *voice = voice_of(e, "reason", "text");
    if (e->site)
        w->ended_seq = (uint64_t)known;
    else
        w->ended_centre_seq = e->seq;
    return ERR_OK;
}

static enum err
apply_expired(struct local *l, const struct state_event *e, struct diag *diag)
{
    const char *circuit = text_of(e, "circuit"), *text = text_of(e, "end");
    struct local_expiry *expiry;
    nsec_t end;
    if (!circuit)
        return state_event_malformed(e, "circuit", diag);
    if (!text || time_parse(text, &end))
        return state_event_malformed(e, "end", diag);
    HASH_FIND_STR(l->expiries, circuit, expiry);
    if (!expiry) {
        expiry = xcalloc(1, sizeof *expiry);
        expiry->circuit = xstrdup(circuit);
        HASH_ADD_KEYPTR(hh, l->expiries, expiry->circuit, strlen(expiry->circuit), expiry);
    }
    expiry->end = MAX(expiry->end, end);
    return ERR_OK;
}

static void
add_meaning(struct local *l, const char *circuit, const char *type, const struct state_event *e)
{
    struct local_intent *intent;
    HASH_FIND_STR(l->intents, circuit, intent);
    if (!intent) {
        intent = xcalloc(1, sizeof *intent);
        intent->circuit = xstrdup(circuit);
        HASH_ADD_KEYPTR(hh, l->intents, intent->circuit, strlen(intent->circuit), intent);
    }
    json_int_t order = json_integer_value(json_object_get(e->body, "order"));
    GROW(intent->list, intent->n, intent->capacity);
    intent->list[intent->n++] = (struct local_meaning){
        .seq = e->seq,
        .time = e->time,
        .type = type,
        .order = order > 0 && order <= UINT32_MAX ? (uint32_t)order : 0};
}

static void
add_meanings(struct local *l, const json_t *list, const char *member, const char *type,
             const struct state_event *e)
{
    size_t i;
    const json_t *item;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        const char *name = json_string_value(member ? json_object_get(item, member) : item);
        if (name)
            add_meaning(l, name, type, e);
    }
}

/* What the centre means of circuits. */
static void
note_meaning(struct local *l, const struct state_event *e)
{
    static const struct {
        const char *type, *member, *name;
    } kinds[] = {
        {"circuit.reserved", "designs", "circuit"},
        {"circuit.released", "circuits", NULL},
        {"circuit.wanted", "circuits", NULL},
        {"circuit.unwanted", "circuits", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(e->type, kinds[i].type))
            add_meanings(l, json_object_get(e->body, kinds[i].member), kinds[i].name, kinds[i].type,
                         e);
    }
    if (!strcmp(e->type, "model.put"))
        add_meanings(
            l, json_object_get(json_object_get(e->body, "tieline-circuit:circuits"), "circuit"),
            "name", "model.put", e);
    const char *kind = text_of(e, "kind"), *name = text_of(e, "name");
    if (!strcmp(e->type, "model.remove") && kind && name && !strcmp(kind, "circuit"))
        add_meaning(l, name, "model.remove", e);
}

enum err
local_apply(struct local *l, const struct state_event *e, struct diag *diag)
{
    static const struct {
        const char *type;
        enum err (*apply)(struct local *, const struct state_event *, struct diag *);
    } table[] = {{"local.stopped", apply_decided},
                 {"local.proposed", apply_decided},
                 {"local.agreed", apply_agreed},
                 {"local.ended", apply_ended},
                 {"circuit.expired", apply_expired}};
    if (!e->site) {
        l->centre_seq = MAX(l->centre_seq, e->seq);
        l->centre_time = MAX(l->centre_time, e->time);
        note_meaning(l, e);
    }
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!strcmp(table[i].type, e->type))
            return table[i].apply(l, e, diag);
    }
    return ERR_OK;
}

/* ---- What follows ------------------------------------------------------------------------------
 */

/* False: it is not there, or at another site than what was looked at before. */
static bool
same_site(const struct network *net, const char *node_name, const char **site)
{
    const struct node *node = node_name ? network_node(net, node_name) : NULL;
    if (!node || (*site && strcmp(*site, node->site) != 0))
        return false;
    *site = node->site;
    return true;
}

static bool
host_at(const struct network *net, const char *name, const char **site)
{
    const struct host *host = network_host(net, name);
    return host && same_site(net, host->node, site);
}

static bool
route_at(const struct network *net, const struct route *route, const char **site)
{
    bool at = true;
    for (uint32_t i = 0; i < route->n_links && at; i++) {
        const struct link *link = network_link(net, route->links[i]);
        at = link && same_site(net, link->a.node, site) && same_site(net, link->b.node, site);
    }
    return at;
}

const char *
local_site_of(const struct network *net, const char *name)
{
    const struct circuit *c = network_circuit(net, name);
    const struct design *d = network_design(net, name);
    const char *site = NULL;
    if (!c)
        return NULL;
    bool at = c->kind == CIRCUIT_IP
                  ? host_at(net, c->ip.client, &site) && host_at(net, c->ip.server, &site)
                  : host_at(net, c->multicast.publisher, &site);
    for (uint32_t i = 0; c->kind != CIRCUIT_IP && i < c->multicast.n_subscribers && at; i++)
        at = host_at(net, c->multicast.subscribers[i], &site);
    if (d && at)
        at = route_at(net, &d->primary, &site) &&
             (!d->has_failover || route_at(net, &d->failover, &site));
    return at ? site : NULL;
}

/* What the centre meant after it was decided, and before it was over there. */
static const struct local_meaning *
find_conflict(const struct local *l, const struct local_work *w)
{
    const struct local_intent *intent;
    uint64_t last = UINT64_MAX;
    if (w->ended_here.by)
        last = w->ended_seq;
    if (w->ended_by_centre.by)
        last = MIN(last, w->ended_centre_seq);
    HASH_FIND_STR(l->intents, w->circuit, intent);
    for (uint32_t i = 0; intent && i < intent->n; i++) {
        if (intent->list[i].seq > w->based_on)
            return intent->list[i].seq <= last ? &intent->list[i] : NULL;
    }
    return NULL;
}

bool
local_policy_allows(const struct settings *settings, enum local_action action)
{
    return settings->local_work == LOCAL_WORK_ALL ||
           (settings->local_work == LOCAL_WORK_DISABLE && action == LOCAL_STOP);
}

/* Why it is over though no event says so; NULL: it is not. */
static const char *
why_over(const struct state *s, const struct local_work *w, const struct local_verdict *v,
         nsec_t now)
{
    const struct settings *settings = &s->network->settings;
    const char *site = local_site_of(s->network, w->circuit);
    nsec_t longest = w->asked.time + (nsec_t)settings->local_work_hours * 3600 * NSEC_PER_SEC;
    if (v->conflict && settings->local_conflict == CONFLICT_CENTRE_WINS)
        return "conflict";
    if (!site || strcmp(site, w->site) != 0 || !network_design(s->network, w->circuit))
        return "elsewhere";
    if (!local_policy_allows(settings, w->action))
        return "policy";
    return now >= w->until || now >= longest ? "expired" : NULL;
}

struct local_verdict
local_judge(const struct state *s, const struct local_work *w, nsec_t now)
{
    struct local_verdict v = {.state = LOCAL_OVER, .reason = ""};
    v.conflict = find_conflict(&s->local, w);
    v.ended = w->ended_here.by || w->ended_by_centre.by;
    if (v.ended) {
        v.reason = w->ended_here.by ? w->ended_here.right : w->ended_by_centre.right;
        return v;
    }
    const char *over = why_over(s, w, &v, now);
    if (over)
        v.reason = over;
    else
        v.state = w->action == LOCAL_BUILD && !w->agreed.by ? LOCAL_WAITS : LOCAL_HOLDS;
    return v;
}

const struct local_work *
local_about(const struct state *s, const char *circuit, nsec_t now)
{
    for (const struct local_work *w = s->local.works; w; w = w->hh.next) {
        if (w->known && !strcmp(w->circuit, circuit) && local_judge(s, w, now).state != LOCAL_OVER)
            return w;
    }
    return NULL;
}

/* ---- Which circuits are to be in the nodes ------------------------------------------------------
 */

bool
local_window_is_over(const struct state *s, const struct circuit *c, nsec_t now)
{
    const struct local_expiry *expiry;
    if (!c->window.end)
        return false;
    HASH_FIND_STR(s->local.expiries, c->name, expiry);
    return now >= c->window.end || (expiry && expiry->end >= c->window.end);
}

/* Does work of this kind hold? */
static bool
holds(const struct state *s, const char *circuit, enum local_action action, nsec_t now)
{
    for (const struct local_work *w = s->local.works; w; w = w->hh.next) {
        if (w->known && w->action == action && !strcmp(w->circuit, circuit) &&
            local_judge(s, w, now).state == LOCAL_HOLDS)
            return true;
    }
    return false;
}

static const char *
why_not_wanted(const struct state *s, const char *circuit, nsec_t now, nsec_t grace)
{
    const struct circuit_status *status = state_circuit(s, circuit);
    const struct circuit *c = network_circuit(s->network, circuit);
    if (!c || !status)
        return "there is no such circuit";
    if (!phase_is_wanted(status->phase) &&
        (status->phase != PHASE_RESERVED || !holds(s, circuit, LOCAL_BUILD, now)))
        return "it is not wanted in the network";
    if (c->window.start && now < c->window.start)
        return "its window has not begun";
    if (local_window_is_over(s, c, now - grace))
        return "its window is over";
    return holds(s, circuit, LOCAL_STOP, now) ? "it is stopped at its site" : NULL;
}

bool
local_is_wanted(const struct state *s, const char *circuit, nsec_t now, nsec_t grace,
                const char **why)
{
    const char *reason = why_not_wanted(s, circuit, now, grace);
    if (why)
        *why = reason;
    return !reason;
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static void
put_voice(json_t *out, const char *name, const struct local_voice *v, const char *right,
          const char *text)
{
    char time[TIME_TEXT_SIZE];
    if (!v->by)
        return;
    json_t *voice = json_pack("{ss ss}", "by", v->by, "time", time_format(v->time, time));
    if (*v->role)
        json_object_set_new(voice, "role", json_string(v->role));
    if (*v->right)
        json_object_set_new(voice, right, json_string(v->right));
    if (*v->text)
        json_object_set_new(voice, text, json_string(v->text));
    json_object_set_new(out, name, voice);
}

static json_t *
meaning_to_json(const struct local_meaning *m)
{
    char time[TIME_TEXT_SIZE];
    json_t *out = json_pack("{sI ss ss}", "seq", (json_int_t)m->seq, "type", m->type, "time",
                            time_format(m->time, time));
    if (m->order)
        json_object_set_new(out, "order", json_integer(m->order));
    return out;
}

json_t *
local_work_to_json(const struct state *s, const struct local_work *w, nsec_t now)
{
    char until[TIME_TEXT_SIZE];
    const struct local_verdict v = local_judge(s, w, now);
    json_t *out = json_pack("{sI ss ss ss ss sI ss}", "id", (json_int_t)w->id, "action",
                            local_action_word(w->action), "circuit", w->circuit, "site", w->site,
                            "state", local_state_word(v.state), "based-on", (json_int_t)w->based_on,
                            "until", time_format(w->until, until));
    if (v.state == LOCAL_OVER)
        json_object_set_new(out, "reason", json_string(v.reason));
    if (*w->hash)
        json_object_set_new(out, "hash", json_string(w->hash));
    put_voice(out, "asked", &w->asked, "right", "comment");
    put_voice(out, "agreed", &w->agreed, "right", "comment");
    put_voice(out, "ended", &w->ended_here, "reason", "text");
    put_voice(out, "ended-by-centre", &w->ended_by_centre, "reason", "text");
    if (v.conflict)
        json_object_set_new(out, "conflict", meaning_to_json(v.conflict));
    return out;
}

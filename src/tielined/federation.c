#include "tielined/federation.h"

#include "base/alloc.h"
#include "engineer/compile.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* Who has to be asked. */
enum reach { REACH_NODE, REACH_CIRCUITS, REACH_ALL };

/* How a member of several answers becomes one. */
enum how {
    APPEND, /* lists, one behind the other */
    LINKS,  /* lists of links, which two controllers may know */
    ADD,    /* counts */
    LARGER, /* numbers */
    BOTH,   /* yes, if all say so */
};

/* What an answer must have to be one; other members are taken from the first. */
struct member {
    const char *name;
    enum how how;
};

struct question;
struct part;

/* A request as the centre answers it. */
struct kind {
    enum reach reach;
    bool partial;   /* goes on without sites that do not answer */
    nsec_t timeout; /* of a part */
    struct member members[8];
    /* Says of what is of this part and not in the answer that it is not known, and why. NULL for
     * `part`: all that no controller has. */
    void (*absent)(const struct federation *, json_t *answer, const struct part *);
    void (*finish)(json_t *answer); /* when all of it is there; NULL: nothing is left to do */
};

/* What one controller was asked. */
struct part {
    struct question *question;
    const char *site; /* NULL: ours */
    size_t peer;      /* that site's place */
    uint64_t request; /* 0: none is under way */
    enum err err;
    bool away; /* it was not even asked */
    char why[320];
    json_t *answer;
};

struct question {
    struct federation *federation;
    const struct kind *kind;
    char *reply_to;
    struct part *parts; /* the first is ours */
    size_t n, open;
    bool all; /* it is about everything */
    struct question *prev, *next;
};

#define SHOWN_MAX 1000 /* conditions */

struct federation {
    struct federation_config config;
    struct bus_subscription *subscriptions[LAN_N_REQUESTS];
    struct question *questions;
};

/* ---- What is an answer ---- */

static enum err
check_member(const json_t *answer, const struct member *m, struct diag *diag)
{
    const json_t *value = json_object_get(answer, m->name);
    json_int_t number = json_integer_value(value);
    const char *what = NULL;
    if ((m->how == APPEND || m->how == LINKS) && !json_is_array(value))
        what = "list";
    else if (m->how == BOTH && !json_is_boolean(value))
        what = "yes or no";
    else if (m->how == ADD && (!json_is_integer(value) || number < 0 || number > INT32_MAX))
        what = "count";
    else if (m->how == LARGER && (!json_is_integer(value) || number < 0))
        what = "number";
    return what ? diag_set(diag, ERR_MALFORMED, "it answers nonsense: \"%s\" is no %s", m->name,
                           what)
                : ERR_OK;
}

static enum err
check_answer(const struct kind *kind, const json_t *answer, struct diag *diag)
{
    enum err err = ERR_OK;
    for (const struct member *m = kind->members; m->name && !err; m++)
        err = check_member(answer, m, diag);
    return err;
}

/* ---- Making one answer of several ---- */

static void
append(json_t *answer, const json_t *more, const char *key)
{
    json_t *list = json_object_get(answer, key), *rest = json_object_get(more, key);
    if (list && rest)
        json_array_extend(list, rest);
}

static json_int_t
number_of(const json_t *answer, const char *key)
{
    return json_integer_value(json_object_get(answer, key));
}

static void
set_number(json_t *answer, const char *key, json_int_t number)
{
    json_object_set_new(answer, key, json_integer(number));
}

static bool
is_true(const json_t *answer, const char *key)
{
    return json_is_true(json_object_get(answer, key));
}

static const char *
text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static json_t *
find_named(const json_t *list, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)list, i, row)
    {
        const char *other = json_string_value(json_object_get(row, "name"));
        if (other && !strcmp(other, name))
            return row;
    }
    return NULL;
}

/* How bad: of a link that two controllers know, the worse is told. */
static int
link_rank(const json_t *row)
{
    const char *state = json_string_value(json_object_get(row, "state"));
    return !state || !strcmp(state, "up") ? 0 : !strcmp(state, "down") ? 2 : 1;
}

static void
merge_link(json_t *links, json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    json_t *known = name ? find_named(links, name) : NULL;
    if (!known) {
        json_array_append(links, row);
        return;
    }
    append(row, known, "seen");
    json_object_set_new(row, "held", json_boolean(is_true(row, "held") || is_true(known, "held")));
    if (link_rank(row) >= link_rank(known)) {
        json_object_update(known, row);
    } else {
        json_object_set(known, "seen", json_object_get(row, "seen"));
        json_object_set(known, "held", json_object_get(row, "held"));
    }
}

static void
merge_links(json_t *answer, const json_t *more, const char *key)
{
    size_t i;
    json_t *row, *links = json_object_get(answer, key);
    json_array_foreach(json_object_get(more, key), i, row)
    {
        merge_link(links, row);
    }
}

static void
merge(const struct kind *kind, json_t *answer, const json_t *more)
{
    for (const struct member *m = kind->members; m->name; m++) {
        json_int_t a = number_of(answer, m->name), b = number_of(more, m->name);
        switch (m->how) {
        case APPEND:
            append(answer, more, m->name);
            break;
        case LINKS:
            merge_links(answer, more, m->name);
            break;
        case ADD:
            set_number(answer, m->name, a + b);
            break;
        case LARGER:
            set_number(answer, m->name, MAX(a, b));
            break;
        case BOTH:
            json_object_set_new(answer, m->name,
                                json_boolean(is_true(answer, m->name) && is_true(more, m->name)));
            break;
        }
    }
}

/* ---- Who does not answer ---- */

static const struct network *
network_of(const struct federation *f)
{
    return f->config.state->network;
}

/* A site that is neither in our domain nor among the peers. */
static bool
is_nobodys(const struct federation *f, const struct node *node)
{
    const char *const *ours = f->config.domain;
    while (*ours && strcmp(*ours, node->site) != 0)
        ours++;
    return !*ours && sites_find_peer(f->config.sites, node->site) == SIZE_MAX;
}

static bool
is_of(const struct federation *f, const struct part *part, const struct node *node)
{
    return part ? !strcmp(node->site, part->site) : is_nobodys(f, node);
}

static bool
has_answered(const struct part *part)
{
    return part && !part->err;
}

/* Why nothing is known of the node, for people. */
static json_t *
reason_of(const struct part *part, const struct node *node)
{
    if (!part)
        return json_sprintf("no controller has site %s", node->site);
    if (has_answered(part))
        return json_sprintf("site %s says nothing of it", node->site);
    return json_sprintf("site %s %s: %s", node->site,
                        part->away ? "is cut off" : "has not answered", part->why);
}

static void
absent_nodes(const struct federation *f, json_t *answer, const struct part *part)
{
    char time[TIME_TEXT_SIZE];
    json_t *nodes = json_object_get(answer, "nodes");
    for (const struct node *node = network_of(f)->nodes; node; node = node->hh.next) {
        if (!is_of(f, part, node) || find_named(nodes, node->name))
            continue;
        json_t *row = json_pack("{ss ss so sb s[]}", "name", node->name, "state", "absent",
                                "reason", reason_of(part, node), "agent", 0, "ports");
        if (part && part->away) {
            size_t peer = sites_find_peer(f->config.sites, part->site);
            nsec_t since = sites_peer_status(f->config.sites, peer).since;
            json_object_set_new(row, "since", json_string(time_format(since, time)));
        }
        json_array_append_new(nodes, row);
    }
}

static void
absent_links(const struct federation *f, json_t *answer, const struct part *part)
{
    json_t *links = json_object_get(answer, "links");
    for (const struct link *link = network_of(f)->links; link; link = link->hh.next) {
        const struct node *node = network_node(network_of(f), link->a.node);
        if (!node || !is_of(f, part, node) || find_named(links, link->name))
            continue;
        json_array_append_new(links, json_pack("{ss ss s[] sb so}", "name", link->name, "state",
                                               "not-seen", "seen", "held", 0, "reason",
                                               reason_of(part, node)));
    }
}

static void
absent_proof(const struct federation *f, json_t *answer, const struct part *part)
{
    for (const struct node *node = network_of(f)->nodes; node; node = node->hh.next) {
        if (has_answered(part) || !is_of(f, part, node))
            continue;
        json_array_append_new(json_object_get(answer, "unread"),
                              json_pack("{s:s, s:b}", "node", node->name, "known-before", 0));
        json_object_set_new(answer, "ok", json_false());
    }
}

/* What the answer says of these nodes is what is planned for them. */
static void
absent_ask(const struct federation *f, json_t *answer, const struct part *part)
{
    for (const struct node *node = network_of(f)->nodes; node; node = node->hh.next) {
        if (!has_answered(part) && is_of(f, part, node))
            json_object_set_new(answer, "proved", json_false());
    }
}

/* ---- Conditions ----
 *
 * Each controller judges those of its own nodes, and says of the others how many they have to judge
 * ("elsewhere"). What is more than they have judged, by what ours says, is unknown. */

static json_int_t
expected_of(const json_t *answer, const struct node *node)
{
    return number_of(json_object_get(answer, "elsewhere"), node->name);
}

static void
add_unknown(json_t *answer, json_int_t n, const char *node, json_t *seen)
{
    set_number(answer, "n", number_of(answer, "n") + n);
    set_number(answer, "n-unknown", number_of(answer, "n-unknown") + n);
    json_array_append_new(
        json_object_get(answer, "list"),
        json_pack("{ss ss so so}", "state", "unknown", "node", node, "needs",
                  json_sprintf("%s%s%lld conditions", node, *node ? ": " : "", (long long)n),
                  "seen", seen));
}

/* A site that has an older plan, or is an older program, may not have judged all of them. */
static void
add_unjudged(const struct federation *f, json_t *answer, const struct part *part)
{
    json_int_t n = -number_of(part->answer, "n");
    for (const struct node *node = network_of(f)->nodes; node; node = node->hh.next)
        n += is_of(f, part, node) ? expected_of(answer, node) : 0;
    if (n > 0)
        add_unknown(answer, n, "", json_sprintf("site %s has not judged them", part->site));
}

static void
absent_conditions(const struct federation *f, json_t *answer, const struct part *part)
{
    if (has_answered(part)) {
        add_unjudged(f, answer, part);
        return;
    }
    for (const struct node *node = network_of(f)->nodes; node; node = node->hh.next) {
        json_int_t n = is_of(f, part, node) ? expected_of(answer, node) : 0;
        if (n > 0)
            add_unknown(answer, n, node->name, reason_of(part, node));
    }
}

/* As one controller would tell them: the worst first. */
static void
finish_conditions(json_t *answer)
{
    static const char *const states[] = {"broken", "unknown", "holds"};
    json_t *list = json_object_get(answer, "list"), *sorted = json_array(), *row;
    for (size_t s = 0; s < ARRAY_SIZE(states); s++) {
        size_t i;
        json_array_foreach(list, i, row)
        {
            if (!strcmp(text_of(row, "state"), states[s]) && json_array_size(sorted) < SHOWN_MAX)
                json_array_append(sorted, row);
        }
    }
    bool all = is_true(answer, "ok") && !number_of(answer, "n-broken") &&
               !number_of(answer, "n-unknown");
    json_object_set_new(answer, "list", sorted);
    json_object_set_new(answer, "ok", json_boolean(all));
    json_object_del(answer, "elsewhere");
}

#define SECONDS(n) ((n)*NSEC_PER_SEC)
#define PUSHED                                                                                     \
    {                                                                                              \
        {"nodes", APPEND}, {"rules", ADD},                                                         \
        {                                                                                          \
            "duration-ns", LARGER                                                                  \
        }                                                                                          \
    }

static const struct kind kinds[LAN_N_REQUESTS] = {
    [LAN_NODES] = {REACH_ALL, true, SECONDS(2), {{"nodes", APPEND}}, absent_nodes, NULL},
    [LAN_LINKS] = {REACH_ALL,
                   true,
                   SECONDS(2),
                   {{"links", LINKS}, {"unexpected", APPEND}},
                   absent_links,
                   NULL},
    [LAN_DENIED] = {REACH_ALL, true, SECONDS(2), {{"ports", APPEND}}, NULL, NULL},
    [LAN_RULES] = {REACH_NODE, false, SECONDS(5), {{NULL, 0}}, NULL, NULL},
    [LAN_RPC] = {REACH_NODE, false, SECONDS(60), {{NULL, 0}}, NULL, NULL},
    [LAN_RELEASE_PORT] = {REACH_NODE, false, SECONDS(10), {{NULL, 0}}, NULL, NULL},
    [LAN_PUSH] = {REACH_CIRCUITS, false, SECONDS(100), PUSHED, NULL, NULL},
    [LAN_REMOVE] = {REACH_CIRCUITS, false, SECONDS(100), PUSHED, NULL, NULL},
    [LAN_READBACK] =
        {REACH_CIRCUITS, false, SECONDS(60), {{"ok", BOTH}, {"differences", APPEND}}, NULL, NULL},
    [LAN_REPAIR] = {REACH_CIRCUITS,
                    false,
                    SECONDS(60),
                    {{"added", ADD}, {"removed", ADD}, {"changed", ADD}, {"duration-ns", LARGER}},
                    NULL,
                    NULL},
    /* Each has proved its own nodes' tables among the planned ones of the others. */
    [LAN_PROVE] = {REACH_ALL,
                   true,
                   SECONDS(50),
                   {{"ok", BOTH},
                    {"violations", APPEND},
                    {"unread", APPEND},
                    {"unjudged", APPEND},
                    {"n-violations", ADD}},
                   absent_proof,
                   NULL},
    [LAN_ASK] = {REACH_ALL, true, SECONDS(30), {{"proved", BOTH}}, absent_ask, NULL},
    [LAN_CONDITIONS] =
        {REACH_ALL,
         true,
         SECONDS(10),
         {{"ok", BOTH}, {"n", ADD}, {"n-broken", ADD}, {"n-unknown", ADD}, {"list", APPEND}},
         absent_conditions,
         finish_conditions},
};

static const char *
name_of(const struct kind *kind)
{
    return lan_request_names[kind - kinds];
}

/* ---- Questions ---- */

static void
question_free(struct question *q)
{
    DL_DELETE(q->federation->questions, q);
    for (size_t i = 0; i < q->n; i++) {
        const struct part *p = &q->parts[i];
        if (p->request && p->site)
            sites_cancel(q->federation->config.sites, p->peer, p->request);
        else if (p->request)
            bus_cancel(q->federation->config.bus, p->request);
        json_decref(q->parts[i].answer);
    }
    free(q->parts);
    free(q->reply_to);
    free(q);
}

/* The first part that failed and must not. */
static const struct part *
find_failure(const struct question *q)
{
    for (size_t i = 0; i < q->n; i++) {
        const struct part *p = &q->parts[i];
        if (p->err && (!q->kind->partial || i == 0))
            return p;
    }
    return NULL;
}

/* The node, or the link, that a row is about. */
static const char *
subject_of(const char *key, const json_t *row)
{
    bool named = !strcmp(key, "nodes") || !strcmp(key, "links");
    return json_is_string(row) ? json_string_value(row) : text_of(row, named ? "name" : "node");
}

/* Is it about the site that says so? */
static bool
is_its_own(const struct federation *f, const char *site, const char *key, const json_t *row)
{
    const struct network *net = network_of(f);
    const char *name = subject_of(key, row);
    const struct link *link = !strcmp(key, "links") ? network_link(net, name) : NULL;
    const struct node *a = network_node(net, link ? link->a.node : name);
    const struct node *b = link ? network_node(net, link->b.node) : NULL;
    return (a && !strcmp(a->site, site)) || (b && !strcmp(b->site, site));
}

/* Drops what a site says of others. */
static void
confine(const struct federation *f, const struct part *p)
{
    static const char *const keys[] = {"nodes", "links", "ports", "unread", "unjudged", "list"};
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
        json_t *list = json_object_get(p->answer, keys[k]);
        for (size_t i = json_array_size(list); i-- > 0;) {
            if (!is_its_own(f, p->site, keys[k], json_array_get(list, i)))
                json_array_remove(list, i);
        }
    }
}

/* What is missing, and why. */
static void
tell_absences(const struct question *q, json_t *whole)
{
    for (size_t i = 1; i < q->n; i++)
        q->kind->absent(q->federation, whole, &q->parts[i]);
    q->kind->absent(q->federation, whole, NULL);
}

static json_t *
one_of_all(const struct question *q)
{
    json_t *whole = json_deep_copy(q->parts[0].answer);
    for (size_t i = 1; i < q->n; i++) {
        if (q->parts[i].err)
            continue;
        confine(q->federation, &q->parts[i]);
        merge(q->kind, whole, q->parts[i].answer);
    }
    if (q->all && q->kind->absent)
        tell_absences(q, whole);
    if (q->kind->finish)
        q->kind->finish(whole);
    return whole;
}

static void
answer(struct question *q)
{
    struct federation *f = q->federation;
    const struct part *failure = find_failure(q);
    if (failure && failure->site)
        bus_reply_error(f->config.bus, q->reply_to, failure->err, "site %s: %s", failure->site,
                        failure->why);
    else if (failure)
        bus_reply_error(f->config.bus, q->reply_to, failure->err, "%s", failure->why);
    else
        bus_reply(f->config.bus, q->reply_to, one_of_all(q));
    question_free(q);
}

static void
part_failed(struct part *p, enum err err, const char *why)
{
    p->err = err;
    snprintf(p->why, sizeof p->why, "%s", *why ? why : err_text(err));
    text_make_printable(p->why); /* another's, perhaps cut in a character */
}

static void
on_part(void *arg, const struct call_result *result)
{
    struct part *p = arg;
    struct question *q = p->question;
    struct diag diag;
    p->request = 0;
    enum err err = result->err;
    if (err)
        part_failed(p, err, result->text);
    else if (q->n > 1 && (err = check_answer(q->kind, result->value, &diag)))
        part_failed(p, err, diag.text);
    else
        p->answer = json_deep_copy(result->value); /* merging changes it */
    --q->open;
    if (!q->open || find_failure(q))
        answer(q);
}

static enum err
ask_here(struct part *p, const struct kind *kind, json_t *payload)
{
    char *subject = xasprintf(FEDERATION_HERE "%s", name_of(kind));
    enum err err = bus_request(p->question->federation->config.bus, subject, json_incref(payload),
                               kind->timeout, on_part, p, &p->request);
    free(subject);
    return err;
}

static enum err
ask_there(struct part *p, const struct kind *kind, json_t *payload)
{
    char *subject = xasprintf("lan.%s", name_of(kind));
    enum err err = sites_ask(p->question->federation->config.sites, p->peer, subject,
                             json_incref(payload), kind->timeout, on_part, p, &p->request);
    free(subject);
    return err;
}

static void
ask_part(struct question *q, size_t i, json_t *payload)
{
    struct part *p = &q->parts[i];
    struct sync_status status = {.state = SYNC_LEVEL};
    if (p->site)
        status = sites_peer_status(q->federation->config.sites, p->peer);
    p->away = status.state == SYNC_AWAY;
    enum err err = p->away   ? ERR_CLOSED
                   : p->site ? ask_there(p, q->kind, payload)
                             : ask_here(p, q->kind, payload);
    if (err) {
        p->request = 0;
        part_failed(p, err, p->away ? status.why : "");
        q->open--;
    }
}

static void
ask(struct question *q, json_t *payload)
{
    json_t *far = json_copy(payload);
    uint64_t seq = journal_head(q->federation->config.journal)->seq;
    json_object_set_new(far, "after-seq", json_integer((json_int_t)seq));
    q->open = q->n + 1; /* one for ourselves, so that nobody is ahead of us */
    for (size_t i = 0; i < q->n; i++)
        ask_part(q, i, q->parts[i].site ? far : payload);
    json_decref(far);
    if (!--q->open || find_failure(q))
        answer(q);
}

/* ---- Whom a question reaches ---- */

/* Which peers: bits by their place. */
struct reached {
    const struct federation *federation;
    bool here, all, peers[SITES_MAX];
};

static void
reach_site(struct reached *r, const char *site)
{
    size_t i = sites_find_peer(r->federation->config.sites, site);
    if (i == SIZE_MAX)
        r->here = true;
    else
        r->peers[i] = true;
}

static enum err
reach_flow(void *arg, const struct node *node, const struct flow *flow UNUSED,
           struct diag *diag UNUSED)
{
    reach_site(arg, node->site);
    return ERR_OK;
}

static enum err
reach_group(void *arg, const struct node *node, const struct group *group UNUSED,
            struct diag *diag UNUSED)
{
    reach_site(arg, node->site);
    return ERR_OK;
}

static enum err
reach_meter(void *arg, const struct node *node, const struct meter *meter UNUSED,
            struct diag *diag UNUSED)
{
    reach_site(arg, node->site);
    return ERR_OK;
}

static void
reach_circuit(struct reached *r, const char *name)
{
    const struct network *net = network_of(r->federation);
    const struct rule_sink sink = {reach_flow, reach_group, reach_meter, r};
    const struct circuit *c = network_circuit(net, name);
    const struct design *d = network_design(net, name);
    struct diag diag;
    if (!c || !d || compile_circuit(net, c, d, &sink, &diag))
        r->here = true; /* ours says what is wrong with it */
}

static void
reach_node(struct reached *r, const char *name)
{
    const struct node *node = name ? network_node(network_of(r->federation), name) : NULL;
    if (node)
        reach_site(r, node->site);
    else
        r->here = true;
}

static void
reach_all(struct reached *r)
{
    r->here = r->all = true;
    for (size_t i = 0; i < sites_n_peers(r->federation->config.sites); i++)
        r->peers[i] = true;
}

static void
reach_list(struct reached *r, const json_t *list, void (*reach)(struct reached *, const char *))
{
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)list, i, name)
    {
        const char *text = json_string_value(name);
        reach(r, text ? text : "");
    }
}

static void
find_reached(struct reached *r, const struct kind *kind, const json_t *payload)
{
    const json_t *circuits = json_object_get(payload, "circuits"),
                 *nodes = json_object_get(payload, "nodes");
    const char *of = json_string_value(json_object_get(payload, "of"));
    bool planned = of && !strcmp(of, "planned"); /* which everybody knows */
    if (planned)
        r->here = true;
    else if (kind->reach == REACH_NODE)
        reach_node(r, json_string_value(json_object_get(payload, "node")));
    else if (kind->reach == REACH_CIRCUITS && (json_array_size(circuits) || json_array_size(nodes)))
        reach_list(r, circuits, reach_circuit), reach_list(r, nodes, reach_node);
    else
        reach_all(r);
}

static void
add_part(struct question *q, const char *site, size_t peer)
{
    q->parts[q->n++] = (struct part){.question = q, .site = site, .peer = peer};
}

static void
on_request(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct federation *f = arg;
    const struct kind *kind = kinds;
    while (strcmp(name_of(kind), m->subject + strlen("lan.")) != 0)
        kind++; /* one of them: there are no other subscriptions */
    struct reached *r = xcalloc(1, sizeof *r);
    size_t n = sites_n_peers(f->config.sites);
    r->federation = f;
    find_reached(r, kind, m->payload);
    struct question *q = xcalloc(1, sizeof *q);
    *q = (struct question){.federation = f,
                           .kind = kind,
                           .all = r->all,
                           .reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL,
                           .parts = xcalloc(n + 1, sizeof *q->parts)};
    DL_APPEND(f->questions, q);
    bool any = r->here;
    for (size_t i = 0; i < n && !any; i++)
        any = r->peers[i];
    if (r->here || !any)
        add_part(q, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        if (r->peers[i])
            add_part(q, sites_peer(f->config.sites, i)->name, i);
    }
    free(r);
    ask(q, m->payload);
}

/* ---- Life ---- */

enum err
federation_new(const struct federation_config *config, struct federation **made, struct diag *diag)
{
    struct federation *f = xcalloc(1, sizeof *f);
    enum err err = ERR_OK;
    f->config = *config;
    for (size_t i = 0; i < LAN_N_REQUESTS && !err; i++) {
        char *subject = xasprintf("lan.%s", lan_request_names[i]);
        err = bus_subscribe(config->bus, subject, on_request, f, &f->subscriptions[i]);
        if (err)
            diag_set(diag, err, "%s: cannot be subscribed to", subject);
        free(subject);
    }
    if (err) {
        federation_free(f);
        return err;
    }
    *made = f;
    return ERR_OK;
}

void
federation_free(struct federation *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < LAN_N_REQUESTS; i++)
        bus_unsubscribe(f->subscriptions[i]);
    while (f->questions) {
        bus_reply_error(f->config.bus, f->questions->reply_to, ERR_CLOSED, "the program ends");
        question_free(f->questions);
    }
    free(f);
}

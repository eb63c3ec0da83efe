/* The proof over what the nodes hold, not what they were told. It is kept: a node whose tables have
 * changed since is compared with what was judged, and only the difference is judged again. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "engineer/ask.h"
#include "engineer/proof_json.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define VIOLATIONS_SHOWN 100

/* What was judged of a node. */
struct judged_node {
    char *name;
    struct ruleset rules;
    uint64_t connection; /* of which connection, */
    uint64_t version;    /* and which of its versions; 0: it has never been read */
    UT_hash_handle hh;
};

struct lan_proof {
    struct prover *prover;
    struct judged_node *nodes;
};

void
lan_proof_renew(struct lan_service *s)
{
    lan_proof_free(s);
    s->proof = xcalloc(1, sizeof *s->proof);
    s->proof->prover = prover_new(s->planned);
}

void
lan_proof_free(struct lan_service *s)
{
    struct judged_node *n, *next;
    if (!s->proof)
        return;
    prover_free(s->proof->prover);
    HASH_ITER (hh, s->proof->nodes, n, next) {
        HASH_DEL(s->proof->nodes, n);
        ruleset_fini(&n->rules);
        free(n->name);
        free(n);
    }
    free(s->proof);
    s->proof = NULL;
}

void
lan_proof_allow(struct lan_service *s, const char *circuit)
{
    struct diag diag;
    if (s->proof && prover_allow(s->proof->prover, network_circuit(s->planned, circuit),
                                 network_design(s->planned, circuit), &diag))
        log_error("circuit %s cannot be proved: %s", circuit, diag.text);
}

void
lan_proof_forbid(struct lan_service *s, const char *circuit)
{
    if (s->proof)
        (void)prover_forbid(s->proof->prover, circuit);
}

/* ---- What the nodes hold ---- */

struct difference {
    struct prover *prover;
    struct judged_node *node;
};

static void
put_rule(struct difference *d, const struct rule *rule)
{
    struct rule_item *item = ruleset_put(&d->node->rules, rule);
    if (prover_put(d->prover, d->node->name, &item->rule)) { /* a node that has just gone */
    }
}

static void
on_missing(void *arg, struct rule_item *held)
{
    put_rule(arg, &held->rule);
}

static void
on_changed(void *arg, struct rule_item *held, struct rule_item *judged)
{
    rule_item_hold(judged); /* the prover looks at it until it has the other */
    put_rule(arg, &held->rule);
    rule_item_release(judged);
}

static void
on_foreign(void *arg, struct rule_item *judged)
{
    struct difference *d = arg;
    if (prover_remove(d->prover, d->node->name, &judged->rule)) { /* likewise */
    }
    ruleset_remove(&d->node->rules, judged);
}

static struct judged_node *
judged_node(struct lan_proof *proof, const char *name)
{
    struct judged_node *n;
    HASH_FIND_STR(proof->nodes, name, n);
    if (!n) {
        n = xcalloc(1, sizeof *n);
        n->name = xstrdup(name);
        HASH_ADD_KEYPTR(hh, proof->nodes, n->name, strlen(n->name), n);
    }
    return n;
}

/* Another controller's node is taken to hold what is planned; whether it does is proved there. */
static void
read_node(struct lan_proof *proof, struct lan_node *n)
{
    struct judged_node *judged = judged_node(proof, n->name);
    uint64_t version = n->foreign ? 0 : lan_switch_version(n->sw);
    if (!n->foreign && judged->connection == n->connection && judged->version == version)
        return;
    struct difference d = {proof->prover, judged};
    const struct ruleset_difference difference = {on_missing, on_changed, on_foreign, NULL, &d};
    ruleset_compare(n->foreign ? &n->wanted : lan_switch_held(n->sw), &judged->rules, &difference);
    judged->connection = n->connection;
    judged->version = version;
}

/* Of a node that is not connected, what it was last seen to hold stays. */
static void
read_nodes(struct lan_service *s)
{
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        if (network_node(s->planned, n->name) && (n->foreign || lan_node_is_ready(n)))
            read_node(s->proof, n);
    }
    prover_judge(s->proof->prover);
}

/* ---- Answers ---- */

/* Nodes whose tables are not known as they are now. */
static json_t *
unread_nodes(const struct lan_service *s)
{
    json_t *list = json_array();
    for (const struct node *node = s->planned->nodes; node; node = node->hh.next) {
        struct lan_node *n = lan_node_find(s, node->name);
        struct judged_node *judged;
        HASH_FIND_STR(s->proof->nodes, node->name, judged);
        if (n && (n->foreign || lan_node_is_ready(n)))
            continue;
        json_array_append_new(list, json_pack("{s:s, s:b}", "node", node->name, "known-before",
                                              judged && judged->version));
    }
    return list;
}

/* Rules that nobody can judge, because they ask for or do what no plan knows. */
static json_t *
alien_rules(const struct lan_service *s)
{
    json_t *list = json_array();
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        for (uint32_t i = 0; lan_node_is_ready(n) && i < lan_switch_n_aliens(n->sw); i++)
            json_array_append_new(list, json_pack("{s:s, s:s}", "node", n->name, "rule",
                                                  lan_switch_alien(n->sw, i)->text));
    }
    return list;
}

static const char *
text_of(const json_t *payload, const char *key)
{
    return json_string_value(json_object_get(payload, key));
}

/* ---- What is planned ----
 * Planned and proved anew, beside the loop: the nodes are kept in step meanwhile. */

struct planned_proof {
    uv_work_t work;
    struct lan_service *service; /* NULL: it has gone */
    struct bus *bus;
    char *reply_to;
    struct network *network; /* as it is planned for; a copy */
    struct plan_size size;   /* of the plan that is kept, circuit by circuit */
    json_t *answer;
    enum err err;
    struct diag diag;
    struct planned_proof *next; /* of the service */
};

static void
compute_planned(uv_work_t *work)
{
    struct planned_proof *p = CONTAINER_OF(work, struct planned_proof, work);
    struct plan *plan;
    struct proof proof;
    p->err = plan_network(p->network, &plan, &p->diag);
    if (p->err)
        return;
    struct plan_size size;
    plan_get_size(plan, &size);
    if (memcmp(&size, &p->size, sizeof size) != 0)
        p->err = diag_set(&p->diag, ERR_CONFLICT,
                          "what is kept as the plan is not what would be planned anew");
    else
        p->err = prove_plan(p->network, plan, &proof, &p->diag);
    if (!p->err) {
        p->answer = proof_to_json(&proof, VIOLATIONS_SHOWN);
        proof_fini(&proof);
    }
    plan_free(plan);
}

static void
answer_planned(uv_work_t *work, int status)
{
    struct planned_proof *p = CONTAINER_OF(work, struct planned_proof, work);
    if (p->service) {
        LL_DELETE(p->service->planned_proofs, p);
        if (status || p->err)
            bus_reply_error(p->bus, p->reply_to, status ? ERR_CLOSED : p->err, "%s", p->diag.text);
        else
            bus_reply(p->bus, p->reply_to, json_incref(p->answer));
    }
    json_decref(p->answer);
    network_free(p->network);
    free(p->reply_to);
    free(p);
}

/* The loop must go on until those at work are through. */
void
lan_proof_abandon(struct lan_service *s)
{
    struct planned_proof *p, *next;
    LL_FOREACH_SAFE(s->planned_proofs, p, next)
    {
        bus_reply_error(p->bus, p->reply_to, ERR_CLOSED, "the service has ended");
        p->service = NULL;
    }
    s->planned_proofs = NULL;
}

static void
prove_planned(struct lan_service *s, struct bus *bus, const struct bus_message *m)
{
    if (s->planned_proofs) { /* each takes a processor and memory for all rules */
        bus_reply_error(bus, m->reply_to, ERR_BUSY, "the plan is being proved already");
        return;
    }
    struct planned_proof *p = xcalloc(1, sizeof *p);
    *p = (struct planned_proof){.service = s,
                                .bus = bus,
                                .reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL,
                                .network = network_copy(s->planned)};
    plan_get_size(s->plan, &p->size);
    LL_PREPEND(s->planned_proofs, p);
    if (uv_queue_work(s->config.loop, &p->work, compute_planned, answer_planned))
        answer_planned(&p->work, UV_ECANCELED);
}

void
lan_serve_prove(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct lan_service *s = arg;
    struct proof proof;
    const char *of = text_of(m->payload, "of");
    if (of && !strcmp(of, "planned")) {
        prove_planned(s, bus, m);
        return;
    }
    read_nodes(s);
    prover_report(s->proof->prover, 0, &proof);
    json_t *answer = proof_to_json(&proof, VIOLATIONS_SHOWN);
    json_t *unread = unread_nodes(s), *aliens = alien_rules(s);
    bool ok = !proof.n && !json_array_size(unread) && !json_array_size(aliens);
    json_object_set_new(answer, "ok", json_boolean(ok));
    json_object_set_new(answer, "unread", unread);
    json_object_set_new(answer, "unjudged", aliens);
    proof_fini(&proof);
    bus_reply(bus, m->reply_to, answer);
}

void
lan_serve_ask(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct lan_service *s = arg;
    const char *what = text_of(m->payload, "what"), *host = text_of(m->payload, "host");
    const char *from = text_of(m->payload, "from"), *to = text_of(m->payload, "to");
    const char *element = text_of(m->payload, "element");
    struct diag diag = {""};
    json_t *answer = NULL;
    enum err err = ERR_INVALID;
    read_nodes(s);
    struct prover *p = s->proof->prover;
    if (what && !strcmp(what, "reach") && from && to)
        err = ask_reach(p, from, to, text_of(m->payload, "protocol"), &answer, &diag);
    else if (what && !strcmp(what, "who-reaches") && host)
        err = ask_who_reaches(p, host, &answer, &diag);
    else if (what && !strcmp(what, "affected-by") && element)
        err = ask_affected_by(p, element, &answer, &diag);
    else if (what && !strcmp(what, "matrix"))
        err = (answer = ask_matrix(p)) ? ERR_OK : ERR_INVALID;
    else
        diag_set(&diag, err, "nobody knows what is asked");
    if (err)
        bus_reply_error(bus, m->reply_to, err, "%s", diag.text);
    else
        bus_reply(bus, m->reply_to, answer);
}

char *
lan_proof_sentence(struct lan_service *s)
{
    struct proof proof;
    read_nodes(s);
    prover_violations(s->proof->prover, 1, &proof);
    const struct violation *v = proof.n ? &proof.violations[0] : NULL;
    json_t *unread = unread_nodes(s);
    struct buf text = BUF_INIT;
    if (json_array_size(unread))
        buf_printf(&text, "%zu nodes are not connected; ", json_array_size(unread));
    if (v)
        buf_printf(&text, "%s: %s%s%s%s", violation_name(v->kind), v->text,
                   v->failure ? ", with " : "", v->failure ? v->failure : "",
                   proof.truncated ? "; and more" : "");
    else
        buf_str(&text, "every circuit passes, and nothing else does");
    json_decref(unread);
    proof_fini(&proof);
    return buf_steal_cstr(&text);
}

/* The proof over what the nodes hold, not what they were told. It is kept: a node whose tables have
 * changed since is compared with what was judged, and only the difference is judged again. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "engineer/ask.h"
#include "engineer/proof_json.h"

#include <stdlib.h>
#include <string.h>

#define VIOLATIONS_SHOWN 100

/* What was judged of a node. */
struct judged_node {
    char *name;
    struct ruleset rules;
    const struct lan_switch *sw; /* of which connection, */
    uint64_t version;            /* and which of its versions; 0: it has never been read */
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

/* Of a node that is not connected, what it was last seen to hold stays. */
static void
read_nodes(struct lan_service *s)
{
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        if (!lan_node_is_ready(n) || !network_node(s->planned, n->name))
            continue;
        struct judged_node *judged = judged_node(s->proof, n->name);
        uint64_t version = lan_switch_version(n->sw);
        if (judged->sw == n->sw && judged->version == version)
            continue;
        struct difference d = {s->proof->prover, judged};
        const struct ruleset_difference difference = {on_missing, on_changed, on_foreign, NULL, &d};
        ruleset_compare(lan_switch_held(n->sw), &judged->rules, &difference);
        judged->sw = n->sw;
        judged->version = version;
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
        if (n && lan_node_is_ready(n))
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

static void
prove_planned(struct lan_service *s, struct bus *bus, const struct bus_message *m)
{
    struct proof proof = {0};
    struct diag diag;
    enum err err = prove_plan(s->planned, s->plan, &proof, &diag);
    if (err)
        bus_reply_error(bus, m->reply_to, err, "%s", diag.text);
    else
        bus_reply(bus, m->reply_to, proof_to_json(&proof, VIOLATIONS_SHOWN));
    proof_fini(&proof);
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
    prover_report(s->proof->prover, 1, &proof);
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

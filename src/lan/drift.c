/* What a node holds and should not, or should and does not, when nobody ordered it. */
#include "lan/lan_private.h"

#include "base/hash.h"
#include "base/log.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define EXAMPLES 5 /* rules named in an exception */

struct judgement {
    struct lan_service *service;
    struct lan_node *node;
    bool first;
    bool restarted;             /* it is the first, and the node holds nothing of what it held */
    struct number_set complete; /* when it is the first */
    uint32_t n_missing, n_foreign;
    uint64_t digest;             /* of all of them, in any order */
    struct buf missing, foreign; /* some of them, as text */
};

static void
note_rule(struct judgement *j, struct buf *out, uint32_t n, const struct rule_item *item,
          const char *what)
{
    j->digest += item->hash * UINT64_C(0x9e3779b97f4a7c15);
    if (n > EXAMPLES)
        return;
    buf_printf(out, "%s%s", n > 1 ? "; " : "", what);
    rule_format(&item->rule, out);
}

static bool
was_complete(const struct judgement *j, const struct rule_item *wanted)
{
    return j->first && number_set_has(&j->complete, rule_number(&wanted->rule));
}

/* When a node has just connected, what is missing may simply not have been written yet: the
 * controller was down in the middle of a job. Only circuits that were complete count; an earlier
 * life of this program has had them confirmed. Of a node that was restarted, all it had confirmed
 * counts. */
static void
note_missing(struct judgement *j, struct rule_item *wanted, const char *what)
{
    bool complete = was_complete(j, wanted), confirmed = wanted->users & MARK_CONFIRMED;
    if (complete)
        lan_mark(j->service, j->node, wanted, true);
    if (complete || (confirmed && (!j->first || j->restarted)))
        note_rule(j, &j->missing, ++j->n_missing, wanted, what);
}

/* Has it been here before, and holds nothing of what it should? */
static bool
came_back_empty(const struct judgement *j)
{
    bool held_some = false;
    for (struct rule_item *i = j->node->wanted.items; i; i = i->hh.next) {
        if (ruleset_find(lan_switch_held(j->node->sw), &i->rule))
            return false;
        held_some |= i->users & MARK_CONFIRMED || was_complete(j, i);
    }
    return held_some;
}

static void
on_missing(void *arg, struct rule_item *wanted)
{
    note_missing(arg, wanted, "");
}

static void
on_changed(void *arg, struct rule_item *wanted, struct rule_item *held UNUSED)
{
    note_missing(arg, wanted, "(changed) ");
}

static void
on_foreign(void *arg, struct rule_item *held)
{
    struct judgement *j = arg;
    if (!ruleset_find(&j->node->retired, &held->rule))
        note_rule(j, &j->foreign, ++j->n_foreign, held, "");
}

static void
note_aliens(struct judgement *j)
{
    for (uint32_t i = 0; i < lan_switch_n_aliens(j->node->sw); i++) {
        const char *text = lan_switch_alien(j->node->sw, i)->text;
        j->digest += hash_bytes(text, strlen(text), 0);
        if (++j->n_foreign <= EXAMPLES)
            buf_printf(&j->foreign, "%s%s", j->n_foreign > 1 ? "; " : "", text);
    }
}

/* What it does, as the proof over what all nodes hold now says. */
static json_t *
drift_evidence(const struct judgement *j, uint32_t n, const struct buf *examples,
               enum drift_policy policy)
{
    char *proof = lan_proof_sentence(j->service);
    json_t *evidence = json_pack("{so ss ss ss}", "rules", json_sprintf("%u", n), "examples",
                                 buf_cstr((struct buf *)(uintptr_t)examples), "policy",
                                 policy == DRIFT_REPAIR ? "repair" : "report", "proof", proof);
    free(proof);
    return evidence;
}

static void
raise_missing(const struct judgement *j, const char *object)
{
    const struct settings *settings = &j->service->config.state->network->settings;
    json_t *evidence = drift_evidence(j, j->n_missing, &j->missing, settings->missing_rule);
    if (j->restarted && settings->missing_rule == DRIFT_REPAIR)
        lan_raise(j->service, "node-restarted", "minor", object, evidence,
                  "Node %s came back without its %u rules: it was restarted. They are written "
                  "again.",
                  j->node->name, j->n_missing);
    else if (j->restarted)
        lan_raise(j->service, "rule-missing", "major", object, evidence,
                  "Node %s came back without its %u rules: it was restarted. By the settings they "
                  "are not written again.",
                  j->node->name, j->n_missing);
    else
        lan_raise(j->service, "rule-missing", "major", object, evidence,
                  "Node %s lacks %u rules it was given, or has them changed; nobody ordered that.",
                  j->node->name, j->n_missing);
}

static void
raise_foreign(const struct judgement *j, const char *object)
{
    const struct settings *settings = &j->service->config.state->network->settings;
    json_t *evidence = drift_evidence(j, j->n_foreign, &j->foreign, settings->foreign_rule);
    lan_raise(j->service, "rule-foreign", "critical", object, evidence,
              "Node %s holds %u rules that no circuit has.", j->node->name, j->n_foreign);
}

/* An exception is about a change: the same drift seen again by the next read is not told again, nor
 * what is left of it while a node that was restarted gets its rules. */
static void
tell(struct judgement *j)
{
    char object[128];
    struct lan_node *n = j->node;
    bool news = j->digest != n->drift_digest;
    snprintf(object, sizeof object, "node/%.100s", n->name);
    if (news && (j->n_missing || j->n_foreign))
        log_warn("node %s: %u rules missing or changed, %u foreign", n->name, j->n_missing,
                 j->n_foreign);
    n->restarted = j->restarted || (n->restarted && !j->first);
    if (j->n_missing && news && (!n->restarted || j->first || j->n_missing > n->drift.added))
        raise_missing(j, object);
    if (j->n_foreign && news)
        raise_foreign(j, object);
    if (!j->n_missing && (n->drift.added || j->first))
        lan_clear(j->service, "rule-missing", object, "the rules are there again");
    if (n->restarted ? !j->n_missing : j->first) {
        lan_clear(j->service, "node-restarted", object, "it has its rules again");
        n->restarted = false;
    }
    if (!j->n_foreign && (n->drift.removed || j->first))
        lan_clear(j->service, "rule-foreign", object, "the rules are gone");
    n->drift = (struct repairs){.added = j->n_missing, .removed = j->n_foreign};
    n->drift_digest = j->digest;
}

void
lan_judge(struct lan_service *s, struct lan_node *n, bool first)
{
    struct judgement j = {.service = s, .node = n, .first = first};
    const struct ruleset_difference difference = {on_missing, on_changed, on_foreign, NULL, &j};
    n->look = true;
    if (n->busy) /* a job is writing to it: when that is done */
        return;
    n->look = false;
    if (first)
        lan_complete_circuits(s, &j.complete);
    j.restarted = first && came_back_empty(&j);
    ruleset_compare(&n->wanted, lan_switch_held(n->sw), &difference);
    note_aliens(&j);
    if (!j.n_missing && !j.n_foreign)
        n->noticed = 0;
    else if (!n->noticed)
        n->noticed = clock_monotonic();
    tell(&j);
    if (j.n_missing || j.n_foreign) {
        n->dirty = true;
        lan_schedule(s);
    }
    buf_fini(&j.missing);
    buf_fini(&j.foreign);
    lan_check_waiters(s);
}

void
lan_repaired(struct lan_service *s, struct lan_node *n, const struct repairs *r)
{
    char object[128];
    if (!r->added && !r->removed && !r->changed)
        return;
    nsec_t duration = n->noticed ? clock_monotonic() - n->noticed : 0;
    snprintf(object, sizeof object, "node/%.100s", n->name);
    log_info("node %s repaired in %lld us", n->name, (long long)(duration / NSEC_PER_USEC));
    lan_record(s, "node.repaired", object,
               json_pack("{ss si si si sI}", "node", n->name, "added", (int)r->added, "removed",
                         (int)r->removed, "changed", (int)r->changed, "duration-ns",
                         (json_int_t)duration));
    n->repaired.added += r->added;
    n->repaired.removed += r->removed;
    n->repaired.changed += r->changed;
    n->look = true; /* what is left of it; and the exceptions are closed */
}

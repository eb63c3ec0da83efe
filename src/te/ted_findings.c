/* ted_findings.c - contradictions and nonsense, in words: who says what. */
#include "te/ted_private.h"

#include <stdarg.h>
#include <stdio.h>

struct words {
    char *text;
    size_t size, at;
};

static void say(struct words *, const char *format, ...) PRINTF_LIKE(2, 3);
static void
say(struct words *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->text + w->at, w->size - w->at, format, args);
    va_end(args);
    if (n > 0)
        w->at = MIN(w->at + (size_t)n, w->size - 1);
}

static const char *
source_name(const struct ted *ted, uint32_t source)
{
    return ted->sources[source].name;
}

/* "SOURCE: VALUE, ..." of one attribute. */
static void
say_values(const struct ted *ted, const struct ted_mlink *link, enum ted_attribute attribute,
           struct words *w)
{
    bool first = true;
    for (uint32_t i = 0; i < link->n_parts; i++) {
        const struct ted_link_rec *rec = link->parts[i].rec;
        const struct ted_link_record *r = &rec->r;
        if (link->parts[i].far || !((r->told | r->bad) & TED_BIT(attribute)))
            continue;
        say(w, "%s%s says ", first ? "" : ", ", source_name(ted, rec->source));
        first = false;
        if (attribute == TED_CAPACITY)
            say(w, "%llu bit/s", (unsigned long long)r->capacity_bps);
        else if (attribute == TED_RESERVABLE)
            say(w, "%llu bit/s", (unsigned long long)r->reservable_bps);
        else if (attribute == TED_DELAY)
            say(w, "%u us", r->delay_us);
        else if (attribute == TED_IGP_METRIC)
            say(w, "%u", r->igp_metric);
        else if (attribute == TED_SRLG)
            say(w, "%u groups", r->n_srlgs);
    }
}

static void
say_state(const struct ted *ted, const struct ted_mlink *link, struct words *w)
{
    for (uint32_t i = 0; i < link->n_parts; i++) {
        const struct ted_link_rec *rec = link->parts[i].rec;
        if (!link->parts[i].far)
            say(w, "%s%s %s it", i ? ", " : "", source_name(ted, rec->source),
                rec->withdrawn ? "has withdrawn" : "tells of");
    }
}

static void
say_groups(const struct ted_mlink *a, const struct ted_mlink *b, struct words *w)
{
    for (uint32_t i = 0, j = 0; i < a->n_srlgs; i++) {
        while (j < b->n_srlgs && b->srlgs[j] < a->srlgs[i])
            j++;
        if (j == b->n_srlgs || b->srlgs[j] != a->srlgs[i])
            say(w, " %u", a->srlgs[i]);
    }
}

static void
explain_link(const struct ted *ted, const struct ted_mlink *link, enum ted_finding_code code,
             struct words *w)
{
    const struct ted_mlink *back = link->reverse;
    switch (code) {
    case TED_ONE_WAY:
        say(w, "%s",
            back ? "the other direction is not there: "
                 : "there is no other direction; nothing is routed over it");
        if (back)
            say(w, "%s", back->text);
        break;
    case TED_CAPACITIES_DIFFER:
        say_values(ted, link, TED_CAPACITY, w);
        if (back)
            say(w, "; the other direction has %llu bit/s",
                (unsigned long long)back->v.capacity_bps);
        break;
    case TED_BANDWIDTH_BAD:
        say(w, "a bandwidth is negative, infinite or no number: ");
        say_values(ted, link, TED_CAPACITY, w);
        break;
    case TED_BANDWIDTH_ABSENT:
        say(w, "nobody tells its capacity, or it is 0: nothing can be reserved");
        break;
    case TED_BANDWIDTH_TRUNCATED:
        say(w, "its capacity was cut to 32 bits by a router; the reservable one is taken: ");
        say_values(ted, link, TED_RESERVABLE, w);
        break;
    case TED_UNRESERVED_ABOVE:
        say(w, "more is unreserved than can be reserved: ");
        say_values(ted, link, TED_RESERVABLE, w);
        break;
    case TED_DELAY_ABSURD:
        say(w, "over a second, or the least above the most; not used");
        break;
    case TED_DELAYS_DIFFER:
        say_values(ted, link, TED_DELAY, w);
        break;
    case TED_SRLG_ONE_WAY:
        say(w, "on this direction only:");
        if (back)
            say_groups(link, back, w);
        break;
    case TED_TOO_MANY_SRLGS:
        say(w, "only %d of its groups are kept", TED_RECORD_SRLGS);
        break;
    case TED_METRIC_BAD:
        say_values(ted, link, TED_IGP_METRIC, w);
        break;
    case TED_LINK_NOT_HEARD:
    case TED_SOURCES_DISAGREE:
        say_state(ted, link, w);
        break;
    case TED_LINK_AT_RISK:
        say(w, "%s", *link->risk ? link->risk : "at risk");
        break;
    case TED_ADDRESS_TWICE:
        say(w, "two links leave by one address");
        break;
    default:
        break;
    }
}

#define TELLERS_MAX 8 /* that are named */

static void
say_tellers(const struct ted *ted, const struct ted_mnode *node, struct words *w)
{
    for (uint32_t i = 0; i < node->n_recs && i < TELLERS_MAX; i++) {
        const struct ted_node_rec *rec = node->recs[i];
        say(w, "%s%s%s%s", i ? ", " : "", source_name(ted, rec->source),
            rec->name ? " calls it " : "", rec->name ? rec->name : "");
    }
}

static void
explain_node(const struct ted *ted, const struct ted_mnode *node, enum ted_finding_code code,
             struct words *w)
{
    switch (code) {
    case TED_NODE_ID_CONFLICT: {
        const struct ted_mnode *other = node->contested_by ? node->contested_by : node->claimed_by;
        say(w, "two devices under one id: this one (");
        say_tellers(ted, node, w);
        say(w, ") and %s (", other ? other->key : "another");
        if (other)
            say_tellers(ted, other, w);
        say(w, "); nothing passes the one that came second");
        break;
    }
    case TED_NAMES_DIFFER:
        say_tellers(ted, node, w);
        break;
    case TED_NAME_AMBIGUOUS:
        say(w, "several nodes are called so; what was said of this one is not used: ");
        say_tellers(ted, node, w);
        break;
    case TED_ADDRESS_TWICE:
        say(w, "hundreds of records are of one link from here");
        break;
    case TED_LINK_AMBIGUOUS:
        say(w, "a link from here was told without address, and there are several");
        break;
    case TED_SID_CONFLICT:
        say(w, "another node has the same node segment; neither is used");
        break;
    case TED_LAN_TOO_LARGE:
        say(w, "over %u routers on one network of it; its links over that are not known",
            ted->config.max_lan);
        break;
    default:
        break;
    }
}

typedef void explain_fn(const struct ted *, const void *thing, enum ted_finding_code,
                        struct words *);

static void
each_mark(const struct ted *ted, const struct ted_marks *marks, const char *key, const void *thing,
          explain_fn *explain, ted_finding_fn *fn, void *arg)
{
    for (unsigned code = 0; code < TED_FINDING_CODES; code++) {
        if (!(marks->set & TED_BIT(code)))
            continue;
        struct ted_finding f = {.code = code, .key = key, .since = marks->since[code]};
        struct words w = {f.text, sizeof f.text, 0};
        explain(ted, thing, code, &w);
        fn(arg, &f);
    }
}

static void
explain_a_link(const struct ted *ted, const void *link, enum ted_finding_code code, struct words *w)
{
    explain_link(ted, link, code, w);
}

static void
explain_a_node(const struct ted *ted, const void *node, enum ted_finding_code code, struct words *w)
{
    explain_node(ted, node, code, w);
}

static void
explain_a_source(const struct ted *ted, const void *thing, enum ted_finding_code code,
                 struct words *w)
{
    const struct ted_source *s = thing;
    (void)ted;
    if (code == TED_SOURCE_STALE)
        say(w, s->state == TED_STALE ? "it has gone; what it said is kept for a while"
                                     : "it has gone, and what it said with it");
    else if (code == TED_SOURCE_SMALL)
        say(w,
            "it tells of %u nodes and links, and of %u before: has it just begun? The others "
            "are kept for a while",
            s->n_told, s->n_expected);
    else if (code == TED_SOURCE_GARBLED)
        say(w, "%llu of what it says could not be read and is left out, such as: %s",
            (unsigned long long)s->n_garbled, s->garbled);
    else
        say(w, "it says more than it may; %llu records were refused",
            (unsigned long long)s->n_refused);
}

static void
explain_an_override(const struct ted *ted, const void *thing, enum ted_finding_code code,
                    struct words *w)
{
    const struct ted_override_rec *rec = thing;
    (void)ted;
    (void)code;
    say(w, "there is no %s; set by %s: %s", rec->o.key ? rec->o.key : "such group", rec->o.who,
        rec->o.why);
}

void
ted_each_finding(const struct ted *ted, ted_finding_fn *fn, void *arg)
{
    for (uint32_t i = 0; i < ted->view->network.n_nodes; i++)
        each_mark(ted, &ted->node_at[i]->marks, ted->node_at[i]->key, ted->node_at[i],
                  explain_a_node, fn, arg);
    for (uint32_t i = 0; i < ted->view->network.n_links; i++)
        each_mark(ted, &ted->link_at[i]->marks, ted->link_at[i]->text, ted->link_at[i],
                  explain_a_link, fn, arg);
    for (uint32_t i = 0; i < ted->n_sources; i++)
        if (ted->sources[i].used)
            each_mark(ted, &ted->sources[i].marks, ted->sources[i].name, &ted->sources[i],
                      explain_a_source, fn, arg);
    for (const struct ted_override_rec *rec = ted->overrides; rec; rec = rec->hh.next)
        each_mark(ted, &rec->marks, rec->o.id, rec, explain_an_override, fn, arg);
}

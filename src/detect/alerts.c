#include "detect/alerts.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "detect/elapsed.h"
#include "detect/objects.h"
#include "sensor/message_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define QUIET (900 * NSEC_PER_SEC)
#define PAUSE (10 * NSEC_PER_SEC)
#define BURST 100
#define MINUTE (60 * NSEC_PER_SEC)
#define GRAVE_BURSTS 10 /* so many times as many that are high or critical */
#define EVIDENCE_MAX 4096
#define ENDS 32 /* of an incident that are named */
#define RULES_NAMED 32
#define HELD_RULES 64

/* Bits of the hashes of addresses: whether one of them may be among an incident's. */
struct shades {
    uint64_t sources, targets;
};

struct incident {
    uint32_t number;
    nsec_t first;
    uint32_t n_alerts, n_sources, n_targets, n_rules;
    enum rule_severity severity;
    struct who sources[ENDS], targets[ENDS];
    const struct rule *rules[RULES_NAMED];
};

struct alert {
    uint64_t key;
    uint32_t number, incident;
    const struct rule *rule;
    struct who source, target;
    nsec_t first, last, told;
    uint32_t count, told_count;
    uint32_t similar[ALERT_SIMILAR];
    unsigned n_similar, sure;
    enum rule_planned planned;
    const struct protocol *protocol;
    char *circuit, *object, *explanation, *evidence, *interface;
    struct alert *newer, *older; /* of the same rule */
    UT_hash_handle hh;
};

/* The alerts of a rule. */
struct kind {
    const struct rule *rule;
    struct alert *newest;
    UT_hash_handle hh;
};

struct held {
    const struct rule *rule;
    uint32_t n;
};

struct alerts {
    struct alerts_config config;
    char *sensor;
    struct alert *all;  /* hashed by key */
    struct kind *kinds; /* hashed by rule */
    struct incident incidents[INCIDENTS_MAX];
    nsec_t incidents_last[INCIDENTS_MAX];
    struct shades shades[INCIDENTS_MAX];
    uint32_t n_alerts, n_incidents;     /* ever */
    uint64_t alert_base, incident_base; /* added to their numbers where they are told */
    nsec_t minute;                      /* that is running since */
    uint32_t n_new;                     /* in it */
    struct held held[HELD_RULES];
    unsigned n_held;
    uint64_t n_held_back;
    struct buf json, text;
};

struct alerts *
alerts_new(const struct alerts_config *config)
{
    struct alerts *a = xcalloc(1, sizeof *a);
    a->config = *config;
    a->sensor = xstrdup(config->sensor);
    if (!a->config.quiet)
        a->config.quiet = QUIET;
    if (!a->config.pause)
        a->config.pause = PAUSE;
    if (!a->config.burst)
        a->config.burst = BURST;
    return a;
}

static void
dispose(struct alert *alert)
{
    free(alert->circuit);
    free(alert->object);
    free(alert->explanation);
    free(alert->evidence);
    free(alert->interface);
    free(alert);
}

static struct kind *
kind_of(struct alerts *a, const struct rule *rule)
{
    struct kind *kind;
    HASH_FIND_PTR(a->kinds, &rule, kind);
    if (kind)
        return kind;
    kind = xcalloc(1, sizeof *kind);
    kind->rule = rule;
    HASH_ADD_PTR(a->kinds, rule, kind);
    return kind;
}

static void
add(struct alerts *a, struct alert *x)
{
    struct kind *kind = kind_of(a, x->rule);
    x->older = kind->newest;
    if (x->older)
        x->older->newer = x;
    kind->newest = x;
    HASH_ADD(hh, a->all, key, sizeof x->key, x);
}

static void
take_out(struct alerts *a, struct alert *x)
{
    *(x->newer ? &x->newer->older : &kind_of(a, x->rule)->newest) = x->older;
    if (x->older)
        x->older->newer = x->newer;
    HASH_DEL(a->all, x);
}

static void
forget(struct alerts *a, struct alert *alert)
{
    take_out(a, alert);
    dispose(alert);
}

void
alerts_free(struct alerts *a)
{
    struct alert *alert, *next;
    struct kind *kind, *next_kind;
    if (!a)
        return;
    HASH_ITER (hh, a->all, alert, next) {
        forget(a, alert);
    }
    HASH_ITER (hh, a->kinds, kind, next_kind) {
        HASH_DEL(a->kinds, kind);
        free(kind);
    }
    buf_fini(&a->json);
    buf_fini(&a->text);
    free(a->sensor);
    free(a);
}

/* Only before the first: numbers that were told stay. */
void
alerts_go_on(struct alerts *a, uint64_t alert, uint64_t incident)
{
    if (!a->n_alerts) {
        a->alert_base = alert;
        a->incident_base = incident;
    }
}

uint32_t
alerts_number(const struct alerts *a)
{
    return a->n_alerts;
}

uint64_t
alerts_held_back(const struct alerts *a)
{
    return a->n_held_back;
}

/* ---- Words ---- */

static bool
is_word(const char *at, size_t n, const char *word)
{
    return strlen(word) == n && !memcmp(at, word, n);
}

static void
put_named_field(struct buf *out, const struct hit *h, const char *name, size_t n)
{
    for (uint32_t i = 0; h->pdu && i < h->pdu->n_fields; i++) {
        const struct field *f = &h->pdu->fields[i];
        if ((f->object == h->object_number || !f->object) &&
            is_word(name, n, h->pdu->protocol->fields[f->id].name)) {
            field_put(out, h->pdu->protocol, f);
            return;
        }
    }
    buf_u8(out, '?');
}

static const char *
protocol_title(const struct hit *h)
{
    const struct protocol *p = h->pdu            ? h->pdu->protocol
                               : h->conversation ? h->conversation->protocol
                                                 : NULL;
    return p ? p->title : "a protocol that is not known";
}

static void
put_somebody(struct buf *out, const struct who *who)
{
    if (who->is_there)
        who_put(out, who);
    else
        buf_str(out, "somebody");
}

static void
put_word(struct buf *out, const struct hit *h, const char *word, size_t n)
{
    if (is_word(word, n, "source"))
        put_somebody(out, &h->source);
    else if (is_word(word, n, "target"))
        put_somebody(out, &h->target);
    else if (is_word(word, n, "port"))
        buf_printf(out, "%u", h->target.port);
    else if (is_word(word, n, "protocol"))
        buf_str(out, protocol_title(h));
    else if (is_word(word, n, "function"))
        buf_str(out, h->pdu && h->pdu->info ? h->pdu->info->name : "a function that is not known");
    else if (is_word(word, n, "act"))
        buf_str(out, h->pdu ? act_word(h->pdu->act) : "?");
    else if (is_word(word, n, "object"))
        buf_str(out, *h->object ? h->object : "an object without a name");
    else if (is_word(word, n, "detail"))
        buf_str(out, *h->detail ? h->detail : "no more is known");
    else if (is_word(word, n, "count"))
        buf_printf(out, "%u", h->count);
    else if (is_word(word, n, "within"))
        buf_printf(out, "%" PRId64 " s", h->rule->within / NSEC_PER_SEC);
    else
        put_named_field(out, h, word, n);
}

/* Words in braces are replaced; rule.c has seen to it that they end, and that there are such. */
static char *
explain(struct alerts *a, const struct hit *h)
{
    buf_clear(&a->text);
    for (const char *at = h->rule->explanation; *at && a->text.size < ALERT_TEXT_MAX;) {
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (!end) {
            buf_u8(&a->text, (uint8_t)*at++);
            continue;
        }
        put_word(&a->text, h, at + 1, (size_t)(end - at - 1));
        at = end + 1;
    }
    if (a->text.size > ALERT_TEXT_MAX)
        a->text.size = ALERT_TEXT_MAX;
    return xstrdup(buf_cstr(&a->text));
}

/* ---- JSON ---- */

static void
put_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "\"%s\":", key);
    text_json_put(out, text, strlen(text));
}

static void
put_time(struct buf *out, const char *key, nsec_t time)
{
    char text[TIME_TEXT_SIZE];
    buf_printf(out, ",\"%s\":\"%s\"", key, time_format(time, text));
}

static void
put_who(struct alerts *a, struct buf *out, const char *key, const struct who *who)
{
    char text[MAC_TEXT_SIZE];
    if (!who->is_there)
        return;
    buf_printf(out, ",\"%s\":{\"address\":\"", key);
    who_put(out, who);
    buf_u8(out, '"');
    if (who->ip && !mac_is_zero(&who->mac))
        buf_printf(out, ",\"mac\":\"%s\"", mac_format(&who->mac, text));
    if (who->port)
        buf_printf(out, ",\"port\":%u", who->port);
    if (a->config.describe) {
        size_t before = out->size;
        buf_str(out, ",\"device\":");
        size_t empty = out->size;
        a->config.describe(a->config.arg, who, out);
        if (out->size == empty)
            out->size = before;
    }
    buf_u8(out, '}');
}

static void
put_texts(struct buf *out, const char *key, const char *const *texts, unsigned n)
{
    buf_printf(out, ",\"%s\":[", key);
    for (unsigned i = 0; i < n; i++) {
        if (i)
            buf_u8(out, ',');
        text_json_put(out, texts[i], strlen(texts[i]));
    }
    buf_u8(out, ']');
}

static const char *
planned_word(enum rule_planned planned)
{
    return planned == RULE_PLANNED_YES ? "yes" : planned == RULE_PLANNED_NO ? "no" : "unknown";
}

static void
put_alert(struct alerts *a, struct buf *out, const struct alert *x)
{
    const struct rule *r = x->rule;
    buf_printf(out, "{\"id\":\"%s/%" PRIu64 "\",", a->sensor, a->alert_base + x->number);
    put_text(out, "rule", r->name);
    buf_u8(out, ',');
    if (r->number)
        buf_printf(out, "\"number\":%u,", r->number);
    put_text(out, "title", r->title);
    buf_printf(out, ",\"severity\":\"%s\"", rule_severity_word(r->severity));
    put_texts(out, "techniques", r->techniques, r->n_techniques);
    put_who(a, out, "source", &x->source);
    put_who(a, out, "target", &x->target);
    if (x->protocol)
        buf_printf(out, ",\"protocol\":\"%s\"", x->protocol->name);
    buf_printf(out, ",\"planned\":\"%s\",\"circuit\":", planned_word(x->planned));
    if (x->circuit)
        text_json_put(out, x->circuit, strlen(x->circuit));
    else
        buf_str(out, "null");
    if (x->interface) {
        buf_u8(out, ',');
        put_text(out, "interface", x->interface);
    }
    if (*x->object) {
        buf_u8(out, ',');
        put_text(out, "object", x->object);
    }
    buf_u8(out, ',');
    put_text(out, "explanation", x->explanation);
    buf_printf(out, ",\"sure\":%u", x->sure);
    put_texts(out, "playbook", r->playbook, r->n_playbook);
    buf_printf(out, ",\"evidence\":%s", x->evidence);
    put_time(out, "first", x->first);
    put_time(out, "last", x->last);
    buf_printf(out, ",\"count\":%u", x->count);
    if (x->incident)
        buf_printf(out, ",\"incident\":\"%s/I%" PRIu64 "\"", a->sensor,
                   a->incident_base + x->incident);
    buf_str(out, ",\"similar\":[");
    for (unsigned i = 0; i < x->n_similar; i++)
        buf_printf(out, "%s\"%s/%" PRIu64 "\"", i ? "," : "", a->sensor,
                   a->alert_base + x->similar[i]);
    buf_str(out, "],\"state\":\"open\"}");
}

static void
tell(struct alerts *a, struct alert *x, nsec_t now, bool is_new)
{
    x->told = now;
    x->told_count = x->count;
    if (!a->config.told)
        return;
    buf_clear(&a->json);
    put_alert(a, &a->json, x);
    a->config.told(a->config.arg, buf_cstr(&a->json), a->json.size, x->rule->severity, is_new);
}

/* ---- Incidents ---- */

static bool
is_same(const struct who *a, const struct who *b)
{
    return a->is_there && b->is_there && a->ip == b->ip &&
           !memcmp(a->address, b->address, sizeof a->address);
}

static bool
is_in(const struct who *list, uint32_t n, const struct who *who)
{
    for (uint32_t i = 0; i < n; i++) {
        if (is_same(&list[i], who))
            return true;
    }
    return false;
}

static void
add_who(struct who *list, uint32_t *n, const struct who *who)
{
    if (who->is_there && *n < ENDS && !is_in(list, *n, who))
        list[(*n)++] = *who;
}

static uint64_t
shade_of(const struct who *who)
{
    uint64_t hash = hash_bytes(who->address, sizeof who->address, who->ip);
    return who->is_there ? UINT64_C(1) << hash % 64 : 0;
}

static struct incident *
find_incident(struct alerts *a, const struct hit *h)
{
    struct incident *behind = NULL;
    uint64_t source = shade_of(&h->source), target = shade_of(&h->target);
    for (uint32_t i = 0; i < MIN(a->n_incidents, (uint32_t)INCIDENTS_MAX); i++) {
        struct incident *x = &a->incidents[i];
        if (has_elapsed(h->time, a->incidents_last[i], a->config.quiet))
            continue;
        if (a->shades[i].sources & source && is_in(x->sources, x->n_sources, &h->source))
            return x;
        if ((a->shades[i].targets & source && is_in(x->targets, x->n_targets, &h->source)) ||
            (!source && a->shades[i].targets & target &&
             is_in(x->targets, x->n_targets, &h->target)))
            behind = x;
    }
    return behind;
}

static struct incident *
quietest_incident(struct alerts *a)
{
    if (a->n_incidents < INCIDENTS_MAX)
        return &a->incidents[a->n_incidents];
    uint32_t quietest = 0;
    for (uint32_t i = 1; i < INCIDENTS_MAX; i++) {
        if (a->incidents_last[i] < a->incidents_last[quietest])
            quietest = i;
    }
    return &a->incidents[quietest];
}

static struct incident *
incident_of(struct alerts *a, const struct hit *h)
{
    struct incident *x = find_incident(a, h);
    bool is_new = !x;
    if (is_new)
        x = quietest_incident(a);
    size_t at = (size_t)(x - a->incidents);
    if (is_new) {
        *x = (struct incident){.number = ++a->n_incidents, .first = h->time};
        a->shades[at] = (struct shades){0, 0};
    }
    a->incidents_last[at] = h->time;
    a->shades[at].sources |= shade_of(&h->source);
    a->shades[at].targets |= shade_of(&h->target);
    x->n_alerts++;
    x->severity = MAX(x->severity, h->rule->severity);
    add_who(x->sources, &x->n_sources, &h->source);
    add_who(x->targets, &x->n_targets, &h->target);
    for (uint32_t i = 0; i < x->n_rules; i++) {
        if (x->rules[i] == h->rule)
            return x;
    }
    if (x->n_rules < RULES_NAMED)
        x->rules[x->n_rules++] = h->rule;
    return x;
}

static void
put_whos(struct buf *out, const char *key, const struct who *list, uint32_t n)
{
    buf_printf(out, ",\"%s\":[", key);
    for (uint32_t i = 0; i < n; i++) {
        buf_str(out, i ? ",\"" : "\"");
        who_put(out, &list[i]);
        buf_u8(out, '"');
    }
    buf_u8(out, ']');
}

static void
put_incident(struct alerts *a, struct buf *out, const struct incident *x)
{
    const char *rules[RULES_NAMED], *techniques[RULES_NAMED * RULE_TECHNIQUES];
    unsigned n = 0;
    for (uint32_t i = 0; i < x->n_rules; i++) {
        rules[i] = x->rules[i]->name;
        for (unsigned k = 0; k < x->rules[i]->n_techniques; k++) {
            unsigned j = 0;
            while (j < n && strcmp(techniques[j], x->rules[i]->techniques[k]))
                j++;
            if (j == n)
                techniques[n++] = x->rules[i]->techniques[k];
        }
    }
    buf_printf(out, "{\"incident\":\"%s/I%" PRIu64 "\"", a->sensor, a->incident_base + x->number);
    put_time(out, "first", x->first);
    put_time(out, "last", a->incidents_last[x - a->incidents]);
    buf_printf(out, ",\"alerts\":%u,\"severity\":\"%s\"", x->n_alerts,
               rule_severity_word(x->severity));
    put_texts(out, "rules", rules, x->n_rules);
    put_texts(out, "techniques", techniques, n);
    put_whos(out, "sources", x->sources, x->n_sources);
    put_whos(out, "targets", x->targets, x->n_targets);
    buf_u8(out, '}');
}

void
incidents_each(struct alerts *a, bool (*each)(void *arg, const char *json, size_t), void *arg)
{
    for (uint32_t i = 0; i < MIN(a->n_incidents, (uint32_t)INCIDENTS_MAX); i++) {
        buf_clear(&a->json);
        put_incident(a, &a->json, &a->incidents[i]);
        if (!each(arg, buf_cstr(&a->json), a->json.size))
            return;
    }
}

/* ---- Alerts ---- */

static char *
gather_evidence(struct alerts *a, const struct hit *h, uint32_t number)
{
    static const struct frame nothing;
    const char *capture = a->config.keep ? a->config.keep(a->config.arg, h, a->alert_base + number)
                                         : NULL;
    buf_clear(&a->text);
    buf_u8(&a->text, '{');
    if (h->pdu && h->conversation) {
        buf_str(&a->text, "\"message\":");
        message_json_put(&a->text, h->conversation, h->way, h->frame ? h->frame : &nothing, h->pdu);
        a->text.size--; /* its line feed */
        if (a->text.size > EVIDENCE_MAX) {
            a->text.size = 1;
            buf_str(&a->text, "\"message\":\"too long to be kept\"");
        }
    }
    if (*h->detail) {
        buf_str(&a->text, a->text.size > 1 ? "," : "");
        put_text(&a->text, "detail", h->detail);
    }
    if (capture) {
        buf_str(&a->text, a->text.size > 1 ? "," : "");
        put_text(&a->text, "capture", capture);
    }
    buf_u8(&a->text, '}');
    return xstrdup(buf_cstr(&a->text));
}

/* The latest of the rule, of the same source or the same target; the earliest of them first. */
static void
find_similar(struct alerts *a, struct alert *x)
{
    uint32_t found[ALERT_SIMILAR];
    unsigned n = 0;
    for (const struct alert *other = kind_of(a, x->rule)->newest; other && n < ALERT_SIMILAR;
         other = other->older) {
        if (is_same(&other->source, &x->source) || is_same(&other->target, &x->target))
            found[n++] = other->number;
    }
    while (n)
        x->similar[x->n_similar++] = found[--n];
}

static void
make_room(struct alerts *a)
{
    struct alert *x, *next, *oldest = NULL;
    if (HASH_COUNT(a->all) < ALERTS_MAX)
        return;
    HASH_ITER (hh, a->all, x, next) {
        if (!oldest || x->last < oldest->last)
            oldest = x;
    }
    forget(a, oldest);
}

static void
begin(struct alerts *a, const struct hit *h, uint64_t key, const struct alert *was)
{
    struct alert *x = xcalloc(1, sizeof *x);
    make_room(a);
    *x = (struct alert){.key = key,
                        .number = ++a->n_alerts,
                        .rule = h->rule,
                        .source = h->source,
                        .target = h->target,
                        .first = h->time,
                        .last = h->time,
                        .count = 1,
                        .sure = h->sure,
                        .planned = h->planned,
                        .protocol = h->pdu            ? h->pdu->protocol
                                    : h->conversation ? h->conversation->protocol
                                                      : NULL,
                        .circuit = h->circuit ? xstrdup(h->circuit) : NULL,
                        .object = xstrdup(h->object),
                        .interface = h->frame && h->frame->interface ? xstrdup(h->frame->interface)
                                                                     : NULL,
                        .explanation = explain(a, h),
                        .evidence = gather_evidence(a, h, a->n_alerts)};
    if (was) {
        x->similar[0] = was->number;
        x->n_similar = 1;
    } else {
        find_similar(a, x);
    }
    x->incident = incident_of(a, h)->number;
    add(a, x);
    tell(a, x, h->time, true);
}

static void
hold_back(struct alerts *a, const struct hit *h)
{
    a->n_held_back++;
    for (unsigned i = 0; i < a->n_held; i++) {
        if (a->held[i].rule == h->rule) {
            a->held[i].n++;
            return;
        }
    }
    if (a->n_held < HELD_RULES)
        a->held[a->n_held++] = (struct held){.rule = h->rule, .n = 1};
}

static void
tell_held_back(struct alerts *a, nsec_t now)
{
    static const char *const steps[] = {
        "Look at the incident with the most alerts first: one cause often has many effects.",
        "If one rule alone is loud, look whether something in the network was changed on purpose."};
    static struct rule rule = {.name = "alerts-held-back",
                               .title = "More alerts than can be told one by one",
                               .techniques = {"T0814"},
                               .n_techniques = 1,
                               .playbook = (const char **)steps,
                               .n_playbook = ARRAY_SIZE(steps)};
    struct alert x = {.rule = &rule,
                      .number = ++a->n_alerts,
                      .object = "",
                      .sure = 100,
                      .first = a->minute,
                      .last = now,
                      .planned = RULE_PLANNED_UNKNOWN};
    buf_clear(&a->text);
    buf_str(&a->text, "Held back in a minute:");
    rule.severity = RULE_LOW;
    for (unsigned i = 0; i < a->n_held; i++) {
        buf_printf(&a->text, "%s %u of %s", i ? "," : "", a->held[i].n, a->held[i].rule->name);
        x.count += a->held[i].n;
        rule.severity = MAX(rule.severity, a->held[i].rule->severity);
    }
    char *text = xstrdup(buf_cstr(&a->text));
    x.explanation = text;
    x.evidence = "{}";
    tell(a, &x, now, true);
    free(text);
    a->n_held = 0;
}

static void
turn_minute(struct alerts *a, nsec_t now)
{
    if (a->minute && !has_elapsed(now, a->minute, MINUTE - 1))
        return;
    if (a->n_held)
        tell_held_back(a, now);
    a->minute = now;
    a->n_new = 0;
}

void
alerts_hit(struct alerts *a, const struct hit *h)
{
    struct alert *x;
    uint64_t key = h->key;
    turn_minute(a, h->time);
    HASH_FIND(hh, a->all, &key, sizeof key, x);
    if (x && !has_elapsed(h->time, x->last, a->config.quiet)) {
        x->last = MAX(x->last, h->time);
        x->count += x->count < UINT32_MAX;
        if (x->count / 2 >= x->told_count && has_elapsed(h->time, x->told, a->config.pause - 1))
            tell(a, x, h->time, false);
        return;
    }
    if (a->n_new >= a->config.burst * (h->rule->severity >= RULE_HIGH ? GRAVE_BURSTS : 1u)) {
        hold_back(a, h);
        return;
    }
    a->n_new++;
    if (x)
        take_out(a, x);
    begin(a, h, key, x);
    if (x)
        dispose(x);
}

void
alerts_tick(struct alerts *a, nsec_t now)
{
    struct alert *x, *next;
    turn_minute(a, now);
    HASH_ITER (hh, a->all, x, next) {
        if (x->count > x->told_count && has_elapsed(now, x->told, MINUTE - 1))
            tell(a, x, now, false);
        if (has_elapsed(now, x->last, 4 * a->config.quiet))
            forget(a, x);
    }
}

#include "assure/watch.h"

#include "assure/rules.h"
#include "assure/tally.h"
#include "assure/verdict.h"
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Something that is raised and cleared. */
struct alarm {
    bool raised;
    bool untold;      /* nobody has heard the last news */
    bool was_cleared; /* at `cleared` */
    uint32_t good;    /* rounds in a row, while it is raised */
    uint32_t hold;    /* times as many as usual are asked for */
    uint32_t flaps;   /* in a row: how often it came back soon */
    nsec_t cleared, told;
};

/* One direction of a path, to one receiver. */
struct end {
    enum test_direction direction;
    char *receiver;
    bool has_base;
    struct entry base; /* of the fingerprint; its receiver is not set */
    bool has_last;
    struct entry last;               /* of the last round; likewise */
    bool is_new;                     /* `last` is of this round */
    uint32_t n_silent, n_off;        /* rounds in a row: nothing arrived; the latency is off */
    uint32_t lost[rule_loss_window]; /* of the last rounds, the latest first */
    uint32_t sent[rule_loss_window];
    struct tally tally;
};

struct path {
    uint32_t rounds;
    uint32_t n, capacity;
    struct end *ends;
    struct alarm alarms[WATCH_UNWATCHED]; /* the kinds before it */
};

struct watch {
    struct path paths[TEST_PATH_MAX];
    uint32_t n_missed; /* rounds in a row */
    struct alarm unwatched;
};

static const struct {
    const char *name;
    enum exception_severity severity, beyond_budget;
} exceptions[TEST_PATH_MAX][WATCH_KIND_MAX] = {
    [PATH_PRIMARY] = {{"circuit-dead", EXCEPTION_CRITICAL, 0},
                      {"circuit-loss", EXCEPTION_MAJOR, 0},
                      {"circuit-latency", EXCEPTION_MINOR, EXCEPTION_MAJOR},
                      {"circuit-unwatched", EXCEPTION_MINOR, 0}},
    [PATH_FAILOVER] = {{"failover-dead", EXCEPTION_MAJOR, 0},
                       {"failover-loss", EXCEPTION_MINOR, 0},
                       {"failover-latency", EXCEPTION_WARNING, EXCEPTION_MINOR},
                       {"circuit-unwatched", EXCEPTION_MINOR, 0}},
};

/* ---- Its ends ---- */

static void
end_fini(struct end *e)
{
    free(e->receiver);
}

static struct end *
need_end(struct path *p, const struct entry *entry)
{
    for (uint32_t i = 0; i < p->n; i++) {
        struct end *e = &p->ends[i];
        if (e->direction == entry->direction && !strcmp(e->receiver, entry->receiver))
            return e;
    }
    GROW(p->ends, p->n, p->capacity);
    struct end *e = &p->ends[p->n++];
    *e = (struct end){.direction = entry->direction, .receiver = xstrdup(entry->receiver)};
    return e;
}

static struct entry
without_receiver(const struct entry *entry)
{
    struct entry copy = *entry;
    copy.receiver = NULL;
    return copy;
}

static void
drop_ends(struct watch *w)
{
    for (unsigned p = 0; p < TEST_PATH_MAX; p++) {
        struct path *path = &w->paths[p];
        for (uint32_t i = 0; i < path->n; i++)
            end_fini(&path->ends[i]);
        free(path->ends);
        path->ends = NULL;
        path->n = path->capacity = 0;
    }
}

void
watch_rebase(struct watch *w, const struct entries *fingerprint)
{
    drop_ends(w);
    for (uint32_t i = 0; i < fingerprint->n; i++) {
        const struct entry *entry = &fingerprint->list[i];
        struct end *e = need_end(&w->paths[entry->path], entry);
        e->has_base = true;
        e->base = without_receiver(entry);
    }
}

struct watch *
watch_new(const struct entries *fingerprint)
{
    struct watch *w = xcalloc(1, sizeof *w);
    watch_rebase(w, fingerprint);
    return w;
}

void
watch_free(struct watch *w)
{
    if (!w)
        return;
    drop_ends(w);
    free(w);
}

/* ---- One round at one end ---- */

/* Both latencies are known and came about in the same way. */
static bool
is_comparable(const struct end *e)
{
    return e->has_base && e->has_last && e->base.has_latency && e->last.has_latency &&
           e->base.synchronised == e->last.synchronised;
}

static bool
is_beyond_budget(const struct circuit *c, const struct end *e)
{
    return c->max_latency_us && e->last.p50 > c->max_latency_us * NSEC_PER_USEC;
}

static bool
is_off(const struct circuit *c, const struct end *e)
{
    return e->last.p50 > latency_ceiling(&e->base) || e->last.p50 < latency_floor(&e->base) ||
           is_beyond_budget(c, e);
}

static void
shift_in(uint32_t *window, uint32_t value)
{
    memmove(window + 1, window, (rule_loss_window - 1) * sizeof *window);
    window[0] = value;
}

static void
end_take(struct end *e, const struct circuit *c, const struct entry *entry)
{
    e->last = without_receiver(entry);
    e->has_last = e->is_new = true;
    e->n_silent = entry->sent && entry->lost == entry->sent ? e->n_silent + 1 : 0;
    shift_in(e->lost, entry->lost);
    shift_in(e->sent, entry->sent);
    if (is_comparable(e))
        e->n_off = is_off(c, e) ? e->n_off + 1 : 0;
    tally_add(&e->tally, entry);
}

static bool
has_losses(const struct end *e)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < rule_loss_window; i++)
        n += e->lost[i] > 0;
    return n >= rule_loss_rounds;
}

static bool
is_bad(const struct end *e, enum watch_kind kind)
{
    switch (kind) {
    case WATCH_DEAD:
        return e->n_silent >= rule_dead_rounds;
    case WATCH_LOSS:
        return has_losses(e);
    default:
        return e->n_off >= rule_latency_rounds;
    }
}

static bool
is_good(const struct end *e, enum watch_kind kind)
{
    switch (kind) {
    case WATCH_DEAD:
        return !e->n_silent;
    case WATCH_LOSS:
        return !e->last.lost;
    default:
        return !e->n_off;
    }
}

static bool
is_judged(const struct end *e, enum watch_kind kind)
{
    return e->is_new && (kind != WATCH_LATENCY || is_comparable(e));
}

/* ---- Raising and clearing ---- */

enum quality { QUALITY_UNKNOWN, QUALITY_GOOD, QUALITY_POOR };

static void
raise_alarm(struct alarm *a, nsec_t now)
{
    bool soon = a->was_cleared && now - a->cleared < rule_hold_window_s * NSEC_PER_SEC;
    a->hold = soon ? MIN(a->hold * 2, rule_hold_most) : 1;
    a->flaps = soon ? a->flaps + 1 : 0;
    a->raised = true;
    a->good = 0;
}

/* Takes an alarm one round further. False: there is nothing to tell. `bad`: by the rules, it is a
 * deviation now; `quality`: of this round alone. */
static bool
alarm_step(struct alarm *a, bool bad, enum quality quality, uint32_t clear_rounds, nsec_t now,
           enum watch_change *change)
{
    bool untold = a->untold;
    if (!a->raised && bad) {
        raise_alarm(a, now);
        *change = WATCH_RAISED;
    } else if (!a->raised) {
        *change = WATCH_CLEARED;
        if (!untold)
            return false;
    } else {
        a->good = quality == QUALITY_GOOD ? a->good + 1 : quality == QUALITY_POOR ? 0 : a->good;
        *change = a->good >= clear_rounds * a->hold ? WATCH_CLEARED : WATCH_REPEATED;
        if (*change == WATCH_CLEARED) {
            a->raised = false;
            a->was_cleared = true;
            a->cleared = now;
        } else if (!bad || (!untold && now - a->told < rule_repeat_s * NSEC_PER_SEC)) {
            return false;
        }
    }
    a->untold = false;
    a->told = now;
    return true;
}

/* ---- Telling ---- */

/* What an alarm has to tell. */
struct telling {
    enum test_path path;
    enum watch_kind kind;
    enum watch_change change;
    const struct alarm *alarm;
    const struct watch_context *context;
};

static void PRINTF_LIKE(3, 4)
    add_evidence(json_t *evidence, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    set_json_text(evidence, name, text);
    free(text);
}

static void
tell(const struct telling *t, enum exception_severity severity, const char *text,
     const json_t *evidence)
{
    struct watch_news news = {.change = t->change,
                              .exception = exceptions[t->path][t->kind].name,
                              .severity = severity,
                              .text = text,
                              .evidence = evidence};
    t->context->tell(t->context->arg, &news);
}

static void
tell_bad(const struct telling *t, enum exception_severity severity, char *text, json_t *evidence)
{
    if (t->alarm->flaps)
        add_evidence(evidence, "flapping", "it came back %u times, each within %u s of clearing",
                     t->alarm->flaps, (unsigned)rule_hold_window_s);
    tell(t, severity, text, evidence);
    free(text);
    json_decref(evidence);
}

static void
tell_cleared(const struct telling *t)
{
    char *text = t->alarm->good ? xasprintf("%u good rounds in a row", t->alarm->good)
                                : xstrdup("it is well again");
    tell(t, exceptions[t->path][t->kind].severity, text, NULL);
    free(text);
}

static uint32_t
sum(const uint32_t *window)
{
    uint32_t total = 0;
    for (unsigned i = 0; i < rule_loss_window; i++)
        total += window[i];
    return total;
}

/* "primary path, forward to rtu-a" */
static char *
place(const struct telling *t, const struct end *e)
{
    return xasprintf("%s path, %s to %s", test_path_word(t->path),
                     test_direction_word(e->direction), e->receiver);
}

/* Where the numbers come from that do not fit: often from the other path. */
static void
add_likeness(const struct watch *w, const struct telling *t, const struct end *e, json_t *evidence)
{
    char text[LATENCY_TEXT_SIZE];
    const struct path *other = &w->paths[PATH_FAILOVER];
    for (uint32_t i = 0; i < other->n && t->path == PATH_PRIMARY; i++) {
        const struct end *o = &other->ends[i];
        if (o->direction == e->direction && !strcmp(o->receiver, e->receiver) && o->has_base &&
            o->base.has_latency && o->base.synchronised == e->last.synchronised &&
            e->last.p50 >= latency_floor(&o->base) && e->last.p50 <= latency_ceiling(&o->base))
            add_evidence(evidence, "as-failover", "the failover path's fingerprint has %s",
                         latency_format(o->base.p50, text));
    }
}

static void
add_latency(const struct watch *w, const struct telling *t, const struct end *e, json_t *evidence)
{
    char text[LATENCY_TEXT_SIZE], high[LATENCY_TEXT_SIZE];
    const struct circuit *c = t->context->circuit;
    add_evidence(evidence, "latency", "%s", latency_format(e->last.p50, text));
    add_evidence(evidence, "fingerprint", "%s", latency_format(e->base.p50, text));
    add_evidence(evidence, "allowed", "%s to %s",
                 latency_format(MAX(latency_floor(&e->base), 0), text),
                 latency_format(latency_ceiling(&e->base), high));
    if (c->max_latency_us)
        add_evidence(evidence, "budget", "%s",
                     latency_format(c->max_latency_us * NSEC_PER_USEC, text));
    add_evidence(evidence, "rounds", "%u in a row", e->n_off);
    add_likeness(w, t, e, evidence);
}

static char *
describe(const struct watch *w, const struct telling *t, const struct end *e, json_t *evidence)
{
    char is[LATENCY_TEXT_SIZE], was[LATENCY_TEXT_SIZE];
    const char *circuit = t->context->circuit->name;
    char *where = place(t, e), *text;
    if (t->kind == WATCH_DEAD) {
        text = xasprintf("Circuit %s: nothing arrives on its %s.", circuit, where);
        add_evidence(evidence, "rounds", "%u in a row with nothing received", e->n_silent);
    } else if (t->kind == WATCH_LOSS) {
        text = xasprintf("Circuit %s: %u of %u packets were lost on its %s.", circuit, sum(e->lost),
                         sum(e->sent), where);
        add_evidence(evidence, "lost", "%u of %u packets in %u rounds", sum(e->lost), sum(e->sent),
                     (unsigned)rule_loss_window);
    } else {
        text = xasprintf("Circuit %s: the latency on its %s, is %s, its fingerprint has %s.",
                         circuit, where, latency_format(e->last.p50, is),
                         latency_format(e->base.p50, was));
        add_latency(w, t, e, evidence);
    }
    free(where);
    return text;
}

static void
tell_end(const struct watch *w, const struct telling *t, const struct end *e, uint32_t n_bad)
{
    json_t *evidence = json_pack("{ss ss ss}", "path", test_path_word(t->path), "direction",
                                 test_direction_word(e->direction), "receiver", e->receiver);
    char *text = describe(w, t, e, evidence);
    bool beyond = t->kind == WATCH_LATENCY && is_beyond_budget(t->context->circuit, e);
    if (n_bad > 1)
        add_evidence(evidence, "also", "%u other ends", n_bad - 1);
    tell_bad(t,
             beyond ? exceptions[t->path][t->kind].beyond_budget
                    : exceptions[t->path][t->kind].severity,
             text, evidence);
}

/* ---- Rounds ---- */

static enum quality
round_quality(const struct path *p, enum watch_kind kind)
{
    enum quality quality = QUALITY_UNKNOWN;
    for (uint32_t i = 0; i < p->n; i++) {
        if (!is_judged(&p->ends[i], kind))
            continue;
        if (!is_good(&p->ends[i], kind))
            return QUALITY_POOR;
        quality = QUALITY_GOOD;
    }
    return quality;
}

/* The first end that is bad; how many are. */
static const struct end *
find_bad(const struct path *p, enum watch_kind kind, uint32_t *n)
{
    const struct end *first = NULL;
    *n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        if (!is_bad(&p->ends[i], kind))
            continue;
        first = first ? first : &p->ends[i];
        ++*n;
    }
    return first;
}

static void
judge(struct watch *w, enum test_path path, enum watch_kind kind,
      const struct watch_context *context)
{
    struct path *p = &w->paths[path];
    struct telling t = {path, kind, WATCH_RAISED, &p->alarms[kind], context};
    uint32_t n_bad;
    const struct end *bad = find_bad(p, kind, &n_bad);
    if (kind == WATCH_LOSS && p->alarms[WATCH_DEAD].raised)
        bad = NULL;
    uint32_t clear = path == PATH_PRIMARY ? rule_clear_rounds : rule_clear_rounds_failover;
    if (!alarm_step(&p->alarms[kind], bad != NULL, round_quality(p, kind), clear, context->now,
                    &t.change))
        return;
    if (t.change == WATCH_CLEARED)
        tell_cleared(&t);
    else
        tell_end(w, &t, bad, n_bad);
}

static void
judge_unwatched(struct watch *w, const char *why, const struct watch_context *context)
{
    struct telling t = {PATH_PRIMARY, WATCH_UNWATCHED, WATCH_RAISED, &w->unwatched, context};
    if (!alarm_step(&w->unwatched, w->n_missed >= rule_blind_rounds,
                    w->n_missed ? QUALITY_POOR : QUALITY_GOOD, rule_clear_rounds, context->now,
                    &t.change))
        return;
    if (t.change == WATCH_CLEARED) {
        tell_cleared(&t);
        return;
    }
    json_t *evidence = json_pack("{ss}", "reason", why);
    add_evidence(evidence, "rounds", "%u in a row could not be made", w->n_missed);
    tell_bad(&t, exceptions[PATH_PRIMARY][WATCH_UNWATCHED].severity,
             xasprintf("Circuit %s is not watched: %s.", context->circuit->name, why), evidence);
}

void
watch_round(struct watch *w, enum test_path path, const struct entries *entries,
            const struct watch_context *context)
{
    struct path *p = &w->paths[path];
    for (uint32_t i = 0; i < p->n; i++)
        p->ends[i].is_new = false;
    for (uint32_t i = 0; i < entries->n; i++) {
        if (entries->list[i].path == path)
            end_take(need_end(p, &entries->list[i]), context->circuit, &entries->list[i]);
    }
    p->rounds++;
    for (unsigned kind = 0; kind < WATCH_UNWATCHED; kind++)
        judge(w, path, kind, context);
    w->n_missed = 0;
    if (path == PATH_PRIMARY)
        judge_unwatched(w, "", context);
}

void
watch_missed(struct watch *w, const char *why, const struct watch_context *context)
{
    w->n_missed++;
    judge_unwatched(w, why, context);
}

/* ---- All alarms ---- */

/* The one of this exception; NULL: none. */
static struct alarm *
find_alarm(struct watch *w, const char *exception)
{
    if (!strcmp(exception, exceptions[PATH_PRIMARY][WATCH_UNWATCHED].name))
        return &w->unwatched;
    for (unsigned p = 0; p < TEST_PATH_MAX; p++) {
        for (unsigned k = 0; k < WATCH_UNWATCHED; k++) {
            if (!strcmp(exception, exceptions[p][k].name))
                return &w->paths[p].alarms[k];
        }
    }
    return NULL;
}

const char *
watch_exception(const char *kind)
{
    for (unsigned p = 0; p < TEST_PATH_MAX; p++) {
        for (unsigned k = 0; k < WATCH_KIND_MAX; k++) {
            if (!strcmp(kind, exceptions[p][k].name))
                return exceptions[p][k].name;
        }
    }
    return NULL;
}

void
watch_adopt(struct watch *w, const char *exception, nsec_t now)
{
    struct alarm *a = find_alarm(w, exception);
    if (!a || a->raised)
        return;
    raise_alarm(a, now);
    a->told = now;
}

void
watch_untold(struct watch *w, const char *exception)
{
    struct alarm *a = find_alarm(w, exception);
    if (a)
        a->untold = true;
}

static void
end_alarm(struct alarm *a, enum test_path path, enum watch_kind kind, const char *why,
          const struct watch_context *context)
{
    struct telling t = {path, kind, WATCH_CLEARED, a, context};
    if (a->raised || a->untold)
        tell(&t, exceptions[path][kind].severity, why, NULL);
    *a = (struct alarm){0};
}

void
watch_end(struct watch *w, const char *why, const struct watch_context *context)
{
    for (unsigned p = 0; p < TEST_PATH_MAX; p++) {
        for (unsigned k = 0; k < WATCH_UNWATCHED; k++)
            end_alarm(&w->paths[p].alarms[k], p, k, why, context);
    }
    end_alarm(&w->unwatched, PATH_PRIMARY, WATCH_UNWATCHED, why, context);
}

/* ---- Reports ---- */

static const char *
path_verdict(const struct path *p)
{
    static const char *const words[] = {"dead", "loss", "latency"};
    for (unsigned kind = 0; kind < WATCH_UNWATCHED; kind++) {
        if (p->alarms[kind].raised)
            return words[kind];
    }
    return p->rounds ? "good" : "unknown";
}

const char *
watch_verdict(const struct watch *w, enum test_path path)
{
    const struct path *primary = &w->paths[PATH_PRIMARY], *failover = &w->paths[PATH_FAILOVER];
    if (path != TEST_PATH_MAX)
        return path_verdict(&w->paths[path]);
    if (w->unwatched.raised)
        return "unwatched";
    for (unsigned kind = 0; kind < WATCH_UNWATCHED; kind++) {
        if (primary->alarms[kind].raised)
            return path_verdict(primary);
        if (failover->alarms[kind].raised)
            return path_verdict(failover);
    }
    return path_verdict(primary);
}

bool
watch_is_flapping(const struct watch *w)
{
    bool flapping = w->unwatched.raised && w->unwatched.flaps;
    for (unsigned p = 0; p < TEST_PATH_MAX; p++) {
        for (unsigned k = 0; k < WATCH_UNWATCHED; k++) {
            const struct alarm *a = &w->paths[p].alarms[k];
            flapping = flapping || (a->raised && a->flaps);
        }
    }
    return flapping;
}

static json_t *
end_to_json(const struct end *e)
{
    json_t *json = json_pack("{ss ss}", "direction", test_direction_word(e->direction), "receiver",
                             e->receiver);
    if (e->has_last) {
        json_object_set_new(json, "sent", json_integer(e->last.sent));
        json_object_set_new(json, "lost", json_integer(e->last.lost));
    }
    if (e->has_last && e->last.has_latency)
        json_object_set_new(json, "latency-p50-ns", json_integer(e->last.p50));
    if (e->has_base && e->base.has_latency) {
        json_object_set_new(json, "fingerprint-p50-ns", json_integer(e->base.p50));
        json_object_set_new(json, "allowed-min-ns", json_integer(MAX(latency_floor(&e->base), 0)));
        json_object_set_new(json, "allowed-max-ns", json_integer(latency_ceiling(&e->base)));
    }
    json_object_set_new(json, "latency-compared", json_boolean(is_comparable(e)));
    return json;
}

json_t *
watch_to_json(const struct watch *w)
{
    json_t *paths = json_array();
    for (unsigned p = 0; p < TEST_PATH_MAX; p++) {
        const struct path *path = &w->paths[p];
        json_t *ends = json_array();
        for (uint32_t i = 0; i < path->n; i++)
            json_array_append_new(ends, end_to_json(&path->ends[i]));
        if (path->n || path->rounds)
            json_array_append_new(paths, json_pack("{ss ss sI sO}", "path", test_path_word(p),
                                                   "verdict", path_verdict(path), "rounds",
                                                   (json_int_t)path->rounds, "ends", ends));
        json_decref(ends);
    }
    return paths;
}

void
watch_summary(struct watch *w, nsec_t wall, struct entries *out)
{
    for (unsigned p = 0; p < TEST_PATH_MAX; p++) {
        for (uint32_t i = 0; i < w->paths[p].n; i++) {
            struct end *e = &w->paths[p].ends[i];
            if (!e->tally.rounds)
                continue;
            GROW(out->list, out->n, out->capacity);
            struct entry *entry = &out->list[out->n++];
            *entry = (struct entry){.path = p,
                                    .direction = e->direction,
                                    .receiver = xstrdup(e->receiver),
                                    .time = wall,
                                    .synchronised = e->last.synchronised,
                                    .sender_source = e->last.sender_source,
                                    .receiver_source = e->last.receiver_source};
            tally_fill(&e->tally, entry);
            entry->p99 = entry->max;
            tally_reset(&e->tally);
        }
    }
}

#include "orchestrate/local_work.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "base/log.h"
#include "io/timer.h"
#include "model/json.h"
#include "orchestrate/service_private.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY NSEC_PER_SEC
#define SITE_WAITS 5 /* looks, before a site tells of a conflict: the centre has told first */
#define COMMENT_MAX 255

/* What is being done about one, so that it is done once. */
struct care {
    uint32_t id; /* key */
    bool ending; /* its local.ended is on its way */
    bool told, told_conflict;
    unsigned looks; /* at a conflict that nobody has told of */
    UT_hash_handle hh;
};

struct local_works {
    struct orchestrate_service *service;
    struct care *cares;
    struct timer *timer;
    uint32_t last_id; /* of ours, also those on their way */
};

static nsec_t
time_now(const struct orchestrate_service *s)
{
    return s->config.now ? s->config.now(s->config.arg) : s->clock();
}

static const struct settings *
settings_of(const struct orchestrate_service *s)
{
    return &s->state->network->settings;
}

static struct care *
need_care(struct local_works *l, uint32_t id)
{
    struct care *care;
    HASH_FIND(hh, l->cares, &id, sizeof id, care);
    if (!care) {
        care = xcalloc(1, sizeof *care);
        care->id = id;
        HASH_ADD(hh, l->cares, id, sizeof care->id, care);
    }
    return care;
}

/* ---- What has been looked at -------------------------------------------------------------------
 */

/* Of what is to be built: circuit and design, word for word. The caller owns it. */
static char *
hash_of(const struct orchestrate_service *s, const char *name)
{
    const struct network *net = s->state->network;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char *text = xcalloc(1, 2 * sizeof digest + 1);
    json_t *json = json_pack("{ss ss so so}", "action", "build", "site", s->config.site, "circuit",
                             circuit_to_json(network_circuit(net, name)), "design",
                             design_to_json(network_design(net, name)));
    char *dump = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    SHA256((const uint8_t *)dump, strlen(dump), digest);
    hex_format(digest, sizeof digest, text);
    free(dump);
    json_decref(json);
    return text;
}

/* ---- May it be done? ---------------------------------------------------------------------------
 */

static enum err
check_site(const struct orchestrate_service *s, const struct request *r, struct diag *diag)
{
    if (!s->config.cut_off)
        return diag_set(diag, ERR_UNSUPPORTED,
                        "local work is for a site that has a control centre elsewhere");
    if (s->config.cut_off(s->config.arg) || request_flag(r, "even-if-connected"))
        return ERR_OK;
    return diag_set(diag, ERR_CONFLICT,
                    "the control centre can be reached: its orders do that; or say "
                    "even-if-connected");
}

static enum err
check_policy(const struct orchestrate_service *s, enum local_action action, struct diag *diag)
{
    enum local_policy policy = settings_of(s)->local_work;
    if (local_policy_allows(settings_of(s), action))
        return ERR_OK;
    return diag_set(diag, ERR_DENIED, "local-work: the control centre does not allow it here (%s)",
                    policy == LOCAL_WORK_NONE ? "none" : "disable");
}

static enum err
check_phase(const struct orchestrate_service *s, const char *circuit, enum local_action action,
            struct diag *diag)
{
    const struct circuit_status *status = state_circuit(s->state, circuit);
    bool good = action == LOCAL_STOP ? phase_is_wanted(status->phase)
                                     : status->phase == PHASE_RESERVED;
    return good ? ERR_OK
                : diag_set(diag, ERR_CONFLICT, "circuit %s is %s", circuit,
                           circuit_phase_word(status->phase));
}

static enum err
check_circuit(const struct orchestrate_service *s, const char *circuit, enum local_action action,
              struct diag *diag)
{
    if (!circuit || !network_circuit(s->state->network, circuit) ||
        !state_circuit(s->state, circuit))
        return diag_set(diag, ERR_NOT_FOUND, "there is no circuit %s", circuit ? circuit : "");
    const char *site = local_site_of(s->state->network, circuit);
    if (!site || strcmp(site, s->config.site) != 0)
        return diag_set(diag, ERR_DENIED, "circuit %s is not wholly at this site", circuit);
    enum err err = check_phase(s, circuit, action, diag);
    const struct local_work *other = local_about(s->state, circuit, time_now(s));
    if (!err && other)
        err = diag_set(diag, ERR_CONFLICT, "circuit %s: local/%u holds", circuit, other->id);
    return err;
}

static enum err
check_words(const struct request *r, uint32_t longest, uint32_t *hours, struct diag *diag)
{
    const char *comment = request_text(r, "comment");
    const json_t *said = json_object_get(r->payload, "hours");
    *hours = request_number(r, "hours");
    if (!comment || !*comment || strlen(comment) > COMMENT_MAX)
        return diag_set(diag, ERR_INVALID, "comment: why, in up to %d characters, is expected",
                        COMMENT_MAX);
    if (said && (!*hours || *hours > longest))
        return diag_set(diag, ERR_DENIED, "hours: the control centre allows 1 to %u", longest);
    if (!said)
        *hours = longest;
    return ERR_OK;
}

/* ---- Deciding ----------------------------------------------------------------------------------
 */

static void
decided(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct request *r = arg;
    const struct orchestrate_service *s = r->service;
    uint32_t id = (uint32_t)json_integer_value(r->kept);
    const struct local_work *w = local_find(&s->state->local, id);
    if (err || !w)
        request_refuse(r, err ? err : ERR_CORRUPT, "%s", err ? why : "it is not in the state");
    else
        request_answer(r, local_work_to_json(s->state, w, time_now(s)));
}

/* What every event of this kind says of who says it. */
static json_t *
body_of(const struct request *r, uint32_t id, const char *circuit)
{
    static const char *const words[] = {"role", "right", "right-id", "comment"};
    json_t *body = json_pack("{sI ss ss}", "id", (json_int_t)id, "circuit", circuit, "site",
                             r->service->config.site);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        const char *text = request_text(r, words[i]);
        if (text)
            json_object_set_new(body, words[i], json_string(text));
    }
    return body;
}

static void
append_for(struct request *r, const char *type, uint32_t id, json_t *body)
{
    char object[32];
    snprintf(object, sizeof object, "local/%u", id);
    struct new_event event = {type, object, r->actor, body};
    r->kept = json_integer(id);
    append_start(r->service->appends, &event, 1, !r->reply_to, decided, r);
}

/* No number is used twice, not even when our journal is another one and only the centre knows the
 * old ones. */
static uint32_t
next_id(struct local_works *l)
{
    const struct orchestrate_service *s = l->service;
    uint32_t last = MAX(l->last_id, s->config.number * EXCEPTION_IDS);
    for (const struct local_work *w = s->state->local.works; w; w = w->hh.next) {
        if (exception_site(w->id) == s->config.number)
            last = MAX(last, w->id);
    }
    for (const struct exception *e = s->state->exceptions; e; e = e->hh.next) {
        uint32_t id = strncmp(e->object, "local/", 6) ? 0
                                                      : (uint32_t)strtoul(e->object + 6, NULL, 10);
        if (exception_site(id) == s->config.number)
            last = MAX(last, id);
    }
    l->last_id = last + 1;
    return l->last_id;
}

static void
decide(struct request *r, enum local_action action)
{
    struct orchestrate_service *s = r->service;
    const char *circuit = request_text(r, "circuit");
    char until[TIME_TEXT_SIZE];
    uint32_t hours = 0;
    struct diag diag = {""};
    enum err err = check_site(s, r, &diag);
    if (!err)
        err = check_policy(s, action, &diag);
    if (!err)
        err = check_circuit(s, circuit, action, &diag);
    if (!err)
        err = check_words(r, settings_of(s)->local_work_hours, &hours, &diag);
    if (err) {
        request_refuse(r, err, "%s", diag.text);
        return;
    }
    uint32_t id = next_id(s->local);
    json_t *body = body_of(r, id, circuit);
    json_object_set_new(body, "based-on", json_integer((json_int_t)s->state->local.centre_seq));
    time_format(time_now(s) + (nsec_t)hours * 3600 * NSEC_PER_SEC, until);
    json_object_set_new(body, "until", json_string(until));
    json_object_set_new(body, "cut-off", json_boolean(s->config.cut_off(s->config.arg)));
    if (action == LOCAL_BUILD) {
        char *hash = hash_of(s, circuit);
        json_object_set_new(body, "hash", json_string(hash));
        free(hash);
    }
    append_for(r, action == LOCAL_STOP ? "local.stopped" : "local.proposed", id, body);
}

void
local_stop(struct request *r)
{
    decide(r, LOCAL_STOP);
}

void
local_propose(struct request *r)
{
    decide(r, LOCAL_BUILD);
}

/* NULL: the request has been refused. */
static const struct local_work *
named_work(struct request *r)
{
    const struct orchestrate_service *s = r->service;
    uint32_t id = request_number(r, "id");
    const char *circuit = request_text(r, "circuit");
    const struct local_work *w = id        ? local_find(&s->state->local, id)
                                 : circuit ? local_about(s->state, circuit, time_now(s))
                                           : NULL;
    if (!w && id)
        request_refuse(r, ERR_NOT_FOUND, "there is no local work %u", id);
    else if (!w)
        request_refuse(r, ERR_NOT_FOUND, "no local work holds on circuit %s",
                       circuit ? circuit : "");
    else if (local_judge(s->state, w, time_now(s)).state == LOCAL_OVER)
        request_refuse(r, ERR_CONFLICT, "local/%u is over: %s", w->id,
                       local_judge(s->state, w, time_now(s)).reason);
    else
        return w;
    return NULL;
}

static enum err
check_second(const struct orchestrate_service *s, const struct local_work *w,
             const struct request *r, struct diag *diag)
{
    const char *hash = request_text(r, "hash");
    if (!s->config.cut_off || exception_site(w->id) != s->config.number)
        return diag_set(diag, ERR_UNSUPPORTED, "local/%u is agreed to at its site", w->id);
    if (w->action != LOCAL_BUILD || w->agreed.by)
        return diag_set(diag, ERR_CONFLICT, "local/%u waits for nobody", w->id);
    if (!strcmp(w->asked.by, r->actor))
        return diag_set(diag, ERR_DENIED, "local/%u: %s proposed it; another person is needed",
                        w->id, r->actor);
    char *now = hash_of(s, w->circuit);
    bool same = hash && !strcmp(hash, w->hash) && !strcmp(now, w->hash);
    free(now);
    return same ? ERR_OK
                : diag_set(diag, ERR_CONFLICT,
                           "local/%u: that is not the hash of what was proposed, or it is not that "
                           "any more",
                           w->id);
}

void
local_agree(struct request *r)
{
    struct orchestrate_service *s = r->service;
    struct diag diag = {""};
    const struct local_work *w = named_work(r);
    if (!w)
        return;
    enum err err = check_second(s, w, r, &diag);
    if (!err)
        err = check_policy(s, LOCAL_BUILD, &diag);
    if (!err)
        err = check_phase(s, w->circuit, LOCAL_BUILD, &diag);
    if (err) {
        request_refuse(r, err, "%s", diag.text);
        return;
    }
    json_t *body = body_of(r, w->id, w->circuit);
    json_object_set_new(body, "hash", json_string(w->hash));
    append_for(r, "local.agreed", w->id, body);
}

/* What of the centre's journal was known when it ended: what comes later does not conflict. */
static json_t *
ended_body(const struct orchestrate_service *s, const struct local_work *w, const char *reason,
           const char *text)
{
    return json_pack("{sI ss ss sI ss ss}", "id", (json_int_t)w->id, "circuit", w->circuit, "site",
                     w->site, "known", (json_int_t)s->state->local.centre_seq, "reason", reason,
                     "text", text ? text : "");
}

void
local_end(struct request *r)
{
    const struct orchestrate_service *s = r->service;
    const char *comment = request_text(r, "comment");
    const struct local_work *w = named_work(r);
    if (!w)
        return;
    if (s->config.cut_off && exception_site(w->id) != s->config.number) {
        request_refuse(r, ERR_UNSUPPORTED, "local/%u is of another site", w->id);
        return;
    }
    json_t *body = ended_body(s, w, s->config.cut_off ? "resumed" : "centre", comment);
    const char *role = request_text(r, "role");
    if (role)
        json_object_set_new(body, "role", json_string(role));
    append_for(r, "local.ended", w->id, body);
}

void
local_list(struct request *r)
{
    static const char *const policies[] = {"none", "disable", "all"};
    static const char *const conflicts[] = {"centre-wins", "local-stays"};
    const struct orchestrate_service *s = r->service;
    const struct settings *settings = settings_of(s);
    json_t *works = json_array();
    for (const struct local_work *w = s->state->local.works; w; w = w->hh.next) {
        if (w->known)
            json_array_append_new(works, local_work_to_json(s->state, w, time_now(s)));
    }
    json_t *answer = json_pack(
        "{so ss si ss}", "works", works, "policy", policies[settings->local_work], "hours",
        (int)settings->local_work_hours, "conflict", conflicts[settings->local_conflict]);
    if (s->config.cut_off)
        json_object_set_new(answer, "cut-off", json_boolean(s->config.cut_off(s->config.arg)));
    request_answer(r, answer);
}

/* ---- What becomes of it ------------------------------------------------------------------------
 */

static void
end_stored(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct care *care = arg;
    care->ending = err == ERR_OK; /* otherwise it is tried again */
    if (err)
        log_error("orchestrate: local/%u: %s", care->id, why);
}

/* The event that says what has become of it. */
static void
say_it_is_over(struct local_works *l, const struct local_work *w, const struct local_verdict *v)
{
    static const struct {
        const char *reason, *text;
    } texts[] = {
        {"expired", "its time is over: what the control centre wants holds again"},
        {"conflict", "the control centre has meant something else meanwhile, and wins"},
        {"policy", "the control centre does not allow it any more"},
        {"elsewhere", "the circuit is not reserved any more, or not wholly at this site"},
    };
    struct orchestrate_service *s = l->service;
    struct care *care = need_care(l, w->id);
    const char *text = "";
    char object[32];
    if (care->ending)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (!strcmp(texts[i].reason, v->reason))
            text = texts[i].text;
    }
    care->ending = true;
    snprintf(object, sizeof object, "local/%u", w->id);
    struct new_event event = {"local.ended", object, ORCHESTRATE_ACTOR,
                              ended_body(s, w, v->reason, text)};
    append_start(s->appends, &event, 1, true, end_stored, care);
}

/* Was it ever raised, by whomever? It may be closed. */
static bool
was_raised(const struct state *state, const char *kind, const char *object)
{
    for (const struct exception *e = state->exceptions; e; e = e->hh.next) {
        if (!strcmp(e->kind, kind) && !strcmp(e->object, object))
            return true;
    }
    return false;
}

static void
raise_about(struct local_works *l, const struct local_work *w, const char *kind,
            const char *severity, json_t *evidence, char *text)
{
    (void)bus_publish(l->service->bus, "exception.raise",
                      json_pack("{ss ss ss so ss so}", "actor", ORCHESTRATE_ACTOR, "kind", kind,
                                "severity", severity, "object", json_sprintf("local/%u", w->id),
                                "text", text, "evidence", evidence));
    free(text);
}

/* Who, when, why, until when. */
static json_t *
story(const struct local_work *w)
{
    char asked[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE];
    json_t *evidence = json_pack("{ss ss ss ss ss ss ss so}", "circuit", w->circuit, "site",
                                 w->site, "action", local_action_word(w->action), "by", w->asked.by,
                                 "when", time_format(w->asked.time, asked), "why", w->asked.text,
                                 "until", time_format(w->until, until), "based-on",
                                 json_sprintf("%llu", (unsigned long long)w->based_on));
    if (*w->asked.role)
        json_object_set_new(evidence, "role", json_string(w->asked.role));
    if (w->agreed.by)
        json_object_set_new(evidence, "agreed-by", json_string(w->agreed.by));
    return evidence;
}

static void
tell_work(struct local_works *l, const struct local_work *w)
{
    char until[TIME_TEXT_SIZE];
    time_format(w->until, until);
    raise_about(l, w, "local-work", "minor", story(w),
                xasprintf("%s: %s has %s circuit %s there, until %s: %s", w->site, w->asked.by,
                          w->action == LOCAL_STOP ? "stopped" : "built", w->circuit, until,
                          w->asked.text));
}

static void
tell_conflict(struct local_works *l, const struct local_work *w, const struct local_verdict *v)
{
    char time[TIME_TEXT_SIZE], by[32] = "";
    const struct local_meaning *m = v->conflict;
    bool stays = v->state != LOCAL_OVER;
    json_t *evidence = story(w);
    time_format(m->time, time);
    if (m->order)
        snprintf(by, sizeof by, " by order %u", m->order);
    json_object_set_new(
        evidence, "centre",
        json_sprintf("%s%s, event %llu at %s", m->type, by, (unsigned long long)m->seq, time));
    json_object_set_new(
        evidence, "outcome",
        json_string(stays ? "the local work stays until it ends" : "the local work has ended"));
    raise_about(l, w, "local-conflict", "major", evidence,
                xasprintf("Circuit %s: %s has %s it at %s knowing event %llu of the control "
                          "centre, which meant otherwise in event %llu (%s%s). %s",
                          w->circuit, w->asked.by, w->action == LOCAL_STOP ? "stopped" : "built",
                          w->site, (unsigned long long)w->based_on, (unsigned long long)m->seq,
                          m->type, by,
                          stays ? "The local work stays." : "The local work has ended."));
}

/* At a site: the centre's exception is on its way with what made the conflict. */
static bool
is_patient(const struct orchestrate_service *s, struct care *care)
{
    return s->config.cut_off && ++care->looks < SITE_WAITS;
}

static void
look_at(struct local_works *l, const struct local_work *w)
{
    const struct orchestrate_service *s = l->service;
    const struct local_verdict v = local_judge(s->state, w, time_now(s));
    bool ours = s->config.cut_off && exception_site(w->id) == s->config.number;
    bool done = w->action == LOCAL_STOP || w->agreed.by;
    struct care *care = need_care(l, w->id);
    char object[32];
    snprintf(object, sizeof object, "local/%u", w->id);
    if (ours && v.state == LOCAL_OVER && !v.ended)
        say_it_is_over(l, w, &v);
    if (!s->config.cut_off && done && !care->told) {
        care->told = true;
        if (!was_raised(s->state, "local-work", object))
            tell_work(l, w);
    }
    if (!v.conflict || !done || care->told_conflict)
        return;
    if (was_raised(s->state, "local-conflict", object)) {
        care->told_conflict = true;
    } else if (!is_patient(s, care)) {
        care->told_conflict = true;
        tell_conflict(l, w, &v);
    }
}

static void
look(void *arg)
{
    struct local_works *l = arg;
    for (const struct local_work *w = l->service->state->local.works; w; w = w->hh.next) {
        if (w->known)
            look_at(l, w);
    }
    timer_start(l->timer, LOOK_EVERY);
}

struct local_works *
local_works_new(struct orchestrate_service *s)
{
    struct local_works *l = xcalloc(1, sizeof *l);
    l->service = s;
    l->timer = timer_new(s->loop, look, l);
    return l;
}

void
local_works_begin(struct local_works *l)
{
    timer_start(l->timer, LOOK_EVERY);
}

void
local_works_free(struct local_works *l)
{
    struct care *care, *next;
    if (!l)
        return;
    HASH_ITER (hh, l->cares, care, next) {
        HASH_DEL(l->cares, care);
        free(care);
    }
    timer_free(l->timer);
    free(l);
}

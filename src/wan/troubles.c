/* troubles.c - what people are told of routers' sessions, and of what routers do that they should
 * not. A router that comes and goes, or floods, or lies with every message, may not fill the
 * journal: of sessions each router has a few tellings, and one more in each `quiet`; the others are
 * withheld, and what is so then is told when there is one again. What it does besides is one
 * exception for each router, which names all of it, and ends when it has done nothing of the kind
 * for `quiet`. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/jsontext.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "router-misbehaves"
#define QUIET (60 * NSEC_PER_SEC)
#define TELLINGS 6              /* of sessions, one after the other */
#define LOOK_AGAIN NSEC_PER_SEC /* at the earliest */
#define EVIDENCE_SIZE 400       /* octets of what is told of one kind of misbehaviour */

struct wan_trouble {
    char *object; /* "router/r2", "address/192.0.2.1" */
    char address[PCE_ADDRESS_SIZE];

    /* Its session. */
    bool known;       /* one has been told of */
    bool up, told_up; /* as it is, and as it was told */
    uint64_t lsps;
    char *reason;       /* that it is down */
    uint32_t n_changes; /* since the last that was told */
    nsec_t spent;       /* monotonic: then it has all its tellings again */

    /* What it does besides. */
    uint64_t n[PCE_N_MISBEHAVIOURS]; /* since the exception is open */
    json_t *evidence;                /* NULL: there is none */
    nsec_t seen, told;               /* monotonic */
    UT_hash_handle hh;
};

static char *
object_of(const struct wan_service *s, const char *address)
{
    const char *name = wan_router_name(s, address);
    return name ? xasprintf("router/%s", name) : xasprintf("address/%s", address);
}

static struct wan_trouble *
trouble_need(struct wan_service *s, const char *address)
{
    struct wan_trouble *t;
    char *object = object_of(s, address);
    HASH_FIND_STR(s->troubles, object, t);
    if (t) {
        free(object);
    } else {
        t = xcalloc(1, sizeof *t);
        t->object = object;
        HASH_ADD_KEYPTR(hh, s->troubles, t->object, strlen(t->object), t);
    }
    snprintf(t->address, sizeof t->address, "%s", address);
    return t;
}

static void
trouble_free(struct wan_service *s, struct wan_trouble *t)
{
    HASH_DEL(s->troubles, t);
    json_decref(t->evidence);
    free(t->reason);
    free(t->object);
    free(t);
}

static void
look_at(struct wan_service *s, nsec_t due)
{
    if (due >= s->calm_at)
        return;
    s->calm_at = due;
    timer_start(s->calm, MAX(due - clock_monotonic(), LOOK_AGAIN));
}

/* ---- Sessions ---- */

static bool
is_withheld(const struct wan_trouble *t)
{
    return t->known && t->up != t->told_up;
}

/* When it may be told of again. */
static nsec_t
may_be_told(const struct wan_service *s, const struct wan_trouble *t)
{
    return t->spent - (TELLINGS - 1) * s->settings.quiet;
}

/* When there is something to be done about it; NSEC_NEVER: it may be forgotten. */
static nsec_t
due_of(const struct wan_service *s, const struct wan_trouble *t, nsec_t now)
{
    nsec_t due = t->evidence ? t->seen + s->settings.quiet : NSEC_NEVER;
    if (is_withheld(t))
        due = MIN(due, may_be_told(s, t));
    else if (t->spent > now)
        due = MIN(due, t->spent);
    return due;
}

static void
tell_up(struct wan_service *s, const struct wan_trouble *t, json_t *body)
{
    json_object_set_new(body, "lsps", json_integer((json_int_t)t->lsps));
    wan_append(s, "router.session", t->object, ACTOR, body, NULL, NULL);
    wan_close(s, "router-session-lost", t->object, "it is connected");
}

static void
tell_down(struct wan_service *s, const struct wan_trouble *t, json_t *body)
{
    json_object_set_new(body, "reason", jsontext_string(t->reason));
    wan_append(s, "router.session", t->object, ACTOR, body, NULL, NULL);
    if (!strncmp(t->object, "router/", 7))
        wan_raise(s, "router-session-lost", "major", t->object, NULL,
                  "Router %s has no session with the path computation element: %s.", t->object + 7,
                  t->reason);
}

static void
tell_session(struct wan_service *s, struct wan_trouble *t, nsec_t now)
{
    json_t *body = json_pack("{sb ss}", "up", t->up, "address", t->address);
    if (t->n_changes > 1)
        json_object_set_new(body, "left-out", json_integer(t->n_changes - 1));
    if (t->up)
        tell_up(s, t, body);
    else
        tell_down(s, t, body);
    t->known = true;
    t->told_up = t->up;
    t->n_changes = 0;
    t->spent = MAX(t->spent, now) + s->settings.quiet;
}

void
wan_tell_session(struct wan_service *s, const struct pce_event *e, bool up)
{
    struct wan_trouble *t = trouble_need(s, e->address);
    nsec_t now = clock_monotonic();
    if (!t->known || t->up != up) /* not: it has reported all again */
        t->n_changes++;
    t->up = up;
    t->lsps = e->n;
    if (!up) {
        free(t->reason);
        t->reason = xstrdup(e->text ? e->text : "?");
    }
    if (t->known && !is_withheld(t))
        return; /* as it was told */
    if (may_be_told(s, t) <= now)
        tell_session(s, t, now);
    look_at(s, due_of(s, t, now));
}

bool
wan_session_is_withheld(const struct wan_service *s, const char *object)
{
    const struct wan_trouble *t;
    HASH_FIND_STR(s->troubles, object, t);
    return t && is_withheld(t);
}

/* ---- What they do that they should not ---- */

void
wan_tell_misbehaviour(struct wan_service *s, const struct pce_event *e)
{
    struct wan_trouble *t = trouble_need(s, e->address);
    const char *what = pce_misbehaviour_name(e->misbehaviour);
    nsec_t now = clock_monotonic();
    bool is_new = !t->n[e->misbehaviour];
    char text[EVIDENCE_SIZE];
    t->n[e->misbehaviour] += e->n;
    t->seen = now;
    if (!t->evidence)
        t->evidence = json_object();
    snprintf(text, sizeof text, "%" PRIu64 " times: %.300s", t->n[e->misbehaviour],
             e->text ? e->text : "");
    json_object_set_new(t->evidence, what, jsontext_string(text));
    if (is_new || now - t->told >= s->settings.quiet) {
        t->told = now;
        wan_raise(s, KIND, "warning", t->object, json_copy(t->evidence),
                  "The router at %s: %s, %s.", t->address, what, e->text ? e->text : "");
    }
    look_at(s, due_of(s, t, now));
}

static void
end_of_it(struct wan_service *s, struct wan_trouble *t)
{
    wan_close(s, KIND, t->object, "it has behaved for a while");
    json_decref(t->evidence);
    t->evidence = NULL;
    memset(t->n, 0, sizeof t->n);
}

/* Of a program that ran before this one. */
static void
close_old(struct wan_service *s)
{
    for (const struct exception *e = s->config.state->exceptions; e; e = e->hh.next) {
        const struct wan_trouble *t;
        if (e->state == EXCEPTION_CLOSED || strcmp(e->kind, KIND) != 0)
            continue;
        HASH_FIND_STR(s->troubles, e->object, t);
        if (!t || !t->evidence)
            wan_close(s, KIND, e->object, "it has behaved for a while");
    }
    s->is_calm = true;
}

/* ---- Time ---- */

static void
calm(void *arg)
{
    struct wan_service *s = arg;
    struct wan_trouble *t, *next;
    nsec_t now = clock_monotonic(), due = NSEC_NEVER;
    s->calm_at = NSEC_NEVER;
    if (now - s->begun < s->settings.quiet)
        due = s->begun + s->settings.quiet;
    else if (!s->is_calm)
        close_old(s);
    HASH_ITER (hh, s->troubles, t, next) {
        if (is_withheld(t) && may_be_told(s, t) <= now)
            tell_session(s, t, now);
        if (t->evidence && now - t->seen >= s->settings.quiet)
            end_of_it(s, t);
        nsec_t its = due_of(s, t, now);
        due = MIN(due, its);
        if (its == NSEC_NEVER)
            trouble_free(s, t);
    }
    look_at(s, due);
}

void
wan_troubles_begin(struct wan_service *s)
{
    if (!s->settings.quiet)
        s->settings.quiet = QUIET;
    s->calm_at = NSEC_NEVER;
    s->calm = timer_new(s->config.loop, calm, s);
    look_at(s, s->begun + s->settings.quiet);
}

void
wan_troubles_free(struct wan_service *s)
{
    struct wan_trouble *t, *next;
    timer_free(s->calm);
    HASH_ITER (hh, s->troubles, t, next)
        trouble_free(s, t);
}

/* Each device walks along a row of steps; a table has for each step its request and what comes
 * next. Three steps are gates, where a device waits until all that take part have arrived. A
 * failure anywhere turns all devices around: each, as soon as it is not waiting for an answer, goes
 * on from the step of the way back that belongs to how far it had come. */
#include "wan/provision_private.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the beginning */

struct provision *
provision_new(const struct provision_config *config, const struct provision_device *devices,
              size_t n, nsec_t now)
{
    struct provision *p = xcalloc(1, sizeof *p);
    p->config = *config;
    p->marker = xstrdup(config->marker);
    p->name = xstrdup(config->name);
    p->persist = xstrdup(config->persist);
    if (!p->config.confirm_timeout_s)
        p->config.confirm_timeout_s = 120;
    if (!p->config.connect_timeout)
        p->config.connect_timeout = 30 * NSEC_PER_SEC;
    if (!p->config.lock_timeout)
        p->config.lock_timeout = 30 * NSEC_PER_SEC;
    if (!p->config.lock_retry)
        p->config.lock_retry = 500 * NSEC_PER_MSEC;
    if (!p->config.verify_timeout)
        p->config.verify_timeout = p->config.confirm_timeout_s * NSEC_PER_SEC / 2;
    p->devices = xcalloc(n ? n : 1, sizeof *p->devices);
    p->n = n;
    p->now = p->started = now;
    for (size_t i = 0; i < n; i++)
        p->devices[i] = (struct device){.name = xstrdup(devices[i].name),
                                        .before = devices[i].before,
                                        .now = devices[i].now,
                                        .retry_at = NSEC_NEVER};
    return p;
}

void
provision_free(struct provision *p)
{
    for (size_t i = 0; p && i < p->n; i++) {
        free(p->devices[i].name);
        free(p->devices[i].edit);
        free(p->devices[i].undo);
        free(p->devices[i].filter);
        free(p->devices[i].pretty);
    }
    if (p) {
        free(p->devices);
        free(p->marker);
        free(p->name);
        free(p->persist);
    }
    free(p);
}

/* ---- failure */

/* How a device goes back, by how far it came. */
static enum step
way_back(const struct device *d)
{
    switch (d->reach) {
    case SENT_CONFIRM:
        return d->lost ? FINISHED : UNDO_EDIT;
    case SENT_COMMIT:
        return d->lost && !provision_persists(d) ? FINISHED : UNDO_CANCEL;
    case EDITED:
        return d->lost ? FINISHED : UNDO_DISCARD;
    case LOCKED:
        return d->lost ? FINISHED : UNLOCK_CANDIDATE;
    case LOCKED_RUNNING:
        return d->lost ? FINISHED : UNLOCK_RUNNING;
    default:
        return FINISHED;
    }
}

static void
finish(struct device *d, enum provision_outcome outcome)
{
    if (d->outcome == PROVISION_PENDING)
        d->outcome = outcome;
    d->step = FINISHED;
}

static void
turn_around(struct device *d)
{
    d->retry_at = NSEC_NEVER;
    if (d->asked || d->step >= SAVE)
        return;
    enum step to = way_back(d);
    if (to != FINISHED)
        d->step = to;
    else if (d->reach == SENT_CONFIRM)
        finish(d, PROVISION_UNKNOWN);
    else if (d->reach == SENT_COMMIT)
        finish(d, PROVISION_WILL_ROLL_BACK);
    else
        finish(d, d->reach >= EDITED ? PROVISION_ROLLED_BACK : PROVISION_UNCHANGED);
}

static void
fail_all(struct provision *p, enum err err, const char *text)
{
    if (!p->err) {
        p->err = err;
        diag_set(&p->diag, err, "%s", text);
    }
    p->backwards = true;
    p->verifying = false;
    for (size_t i = 0; i < p->n; i++)
        turn_around(&p->devices[i]);
}

static void
fail_device(struct provision *p, struct device *d, enum err err, const char *text)
{
    struct diag whole;
    if (!d->err) {
        d->err = err;
        diag_set(&d->diag, err, "%s: %s", provision_steps[d->step].name, text);
    }
    diag_set(&whole, err, "%s: %s: %s", d->name, provision_steps[d->step].name, text);
    fail_all(p, err, whole.text);
}

/* ---- what is to be sent */

static char *
children_text(const struct netconf_xml *of, bool pretty)
{
    struct buf text = BUF_INIT;
    for (const struct netconf_xml *e = of->first; e; e = e->next) {
        if (pretty)
            netconf_xml_put_pretty(&text, e, 0);
        else
            netconf_xml_put(&text, e);
    }
    return buf_steal_cstr(&text);
}

#define EDIT_BUDGET ((size_t)64 << 20)

static struct netconf_xml *
make_edit(const struct provision *p, const struct device *d, struct arena *arena)
{
    bool has_remove = d->capabilities & NETCONF_BASE_1_1;
    return p->config.restore ? vpn_config_restore(arena, d->before, d->now, has_remove)
                             : vpn_config_edit(arena, d->before, d->now, has_remove);
}

static void
keep_edit(struct device *d, const struct netconf_xml *edit)
{
    free(d->edit);
    free(d->pretty);
    d->edit = children_text(edit, false);
    d->pretty = children_text(edit, true);
}

static bool
make_texts(struct provision *p, struct device *d)
{
    struct arena *arena = arena_new(EDIT_BUDGET);
    const struct netconf_xml *edit = make_edit(p, d, arena);
    const struct netconf_xml *undo = vpn_config_edit(arena, d->now, d->before,
                                                     d->capabilities & NETCONF_BASE_1_1);
    const struct netconf_xml *filter = vpn_config_filter(arena, d->before, d->now);
    bool whole = edit && undo && filter;
    if (whole) {
        keep_edit(d, edit);
        d->undo = children_text(undo, false);
        d->filter = children_text(filter, false);
    }
    arena_free(arena);
    return whole;
}

/* Where running can be changed by commits alone, the lock of the candidate keeps others from it;
 * and a lock on running keeps netconfd from going back to what was before an unconfirmed commit. */
static bool
locks_running(const struct device *d)
{
    return d->capabilities & NETCONF_WRITABLE_RUNNING;
}

static const uint32_t needs[] = {
    NETCONF_CANDIDATE,
    NETCONF_CONFIRMED_COMMIT_1_0 | NETCONF_CONFIRMED_COMMIT_1_1,
    NETCONF_VALIDATE_1_0 | NETCONF_VALIDATE_1_1,
};

void
provision_up(struct provision *p, size_t device, const struct netconf_hello *hello, nsec_t now)
{
    struct device *d = &p->devices[device];
    char text[128];
    p->now = now;
    if (d->up || d->step != WAIT_UP)
        return;
    d->up = true;
    d->capabilities = hello->capabilities;
    d->tagged = netconf_hello_tags_defaults(hello);
    /* It forgets what was edited when the candidate is validated: the commit behind it says ok and
     * does nothing. It validates with the edit instead. */
    d->edit_validates = netconf_hello_is_yuma123(hello);
    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        if (d->capabilities & needs[i])
            continue;
        snprintf(text, sizeof text,
                 "the device has not %s, without which nothing can be taken back",
                 netconf_capability_name(needs[i]));
        fail_device(p, d, ERR_UNSUPPORTED, text);
        return;
    }
    if (!make_texts(p, d))
        fail_device(p, d, ERR_LIMIT, "the change takes more memory than is allowed");
    else if (!*d->edit)
        finish(d, PROVISION_UNCHANGED);
    else if (!p->backwards)
        d->step = locks_running(d) ? LOCK_RUNNING : LOCK_CANDIDATE;
}

/* ---- answers */

/* What was read before the change: is there anything of others where ours is to be? */
static void
check_read(struct provision *p, struct device *d, const struct netconf_message *reply)
{
    struct arena *arena = arena_new(EDIT_BUDGET);
    struct diag diag;
    const char *path = vpn_config_conflict(arena, d->before, d->now, reply ? reply->data : NULL,
                                           p->marker, p->name);
    if (path) {
        diag_set(&diag, ERR_CONFLICT, "%s is there already, and not ours", path);
        fail_device(p, d, ERR_CONFLICT, diag.text);
    } else if (!(d->capabilities & NETCONF_BASE_1_1)) {
        struct netconf_xml *edit = make_edit(p, d, arena);
        if (edit) {
            vpn_config_drop_absent(edit, reply ? reply->data : NULL);
            keep_edit(d, edit);
        }
        if (edit && !*d->edit) /* all that was to go has gone */
            d->step = UNLOCK_CANDIDATE;
    }
    arena_free(arena);
}

static void
check_read_back(struct provision *p, struct device *d, const struct netconf_message *reply)
{
    struct arena *arena = arena_new(EDIT_BUDGET);
    struct vpn_differences found = {0};
    struct diag diag;
    const struct netconf_xml *data = reply ? reply->data : NULL;
    enum err err = d->now ? vpn_config_compare(arena, d->now, data, &found) : ERR_OK;
    if (err) {
        fail_device(p, d, err, "what is there takes more memory than is allowed");
    } else if (found.n > 0) {
        diag_set(&diag, ERR_CONFLICT, "%s is %s%s%.60s%s%.60s", found.list[0].path,
                 vpn_drift_name(found.list[0].kind), *found.list[0].want ? ", wanted " : "",
                 found.list[0].want, *found.list[0].have ? ", has " : "", found.list[0].have);
        fail_device(p, d, ERR_CONFLICT, diag.text);
    }
    arena_free(arena);
}

static void
note_reach(struct device *d)
{
    static const struct {
        enum step step;
        enum reach reach;
    } reached[] = {{LOCK_RUNNING, LOCKED_RUNNING}, {LOCK_CANDIDATE, LOCKED}, {EDIT, EDITED}};
    for (size_t i = 0; i < ARRAY_SIZE(reached); i++) {
        if (reached[i].step == d->step)
            d->reach = reached[i].reach;
    }
}

/* The end of the last step that counts. */
static void
note_outcome(const struct provision *p, struct device *d)
{
    if (d->step == CONFIRM && !p->backwards)
        return;
    if (d->step == UNDO_CANCEL && !provision_persists(d)) /* it must, but nobody sees it */
        finish(d, PROVISION_WILL_ROLL_BACK);
    else if (d->step == UNDO_CANCEL || d->step == UNDO_COMMIT || d->step == UNDO_DISCARD)
        d->outcome = d->outcome == PROVISION_PENDING ? PROVISION_ROLLED_BACK : d->outcome;
}

static enum step
next_of(const struct provision *p, const struct device *d)
{
    enum step next = provision_steps[d->step].next;
    if ((next == SAVE || next == UNDO_SAVE) && !(d->capabilities & NETCONF_STARTUP))
        next = UNLOCK_CANDIDATE;
    if (next == UNLOCK_RUNNING && !(d->capabilities & NETCONF_WRITABLE_RUNNING))
        next = FINISHED;
    if (d->step == UNDO_CANCEL && !provision_persists(d)) /* the session has ended */
        next = FINISHED;
    if (d->step == UNDO_CANCEL && d->lost)
        next = FINISHED;
    if (d->step == EDIT && d->edit_validates)
        next = READY;
    if (next == READY && p->config.dry_run)
        next = UNDO_DISCARD;
    return next;
}

static void
go_on(struct provision *p, struct device *d)
{
    enum step next = next_of(p, d);
    if (next == UNDO_DISCARD && !p->backwards)
        d->outcome = PROVISION_ACCEPTED;
    note_outcome(p, d);
    d->step = next;
    if (next == FINISHED)
        finish(d, PROVISION_UNCHANGED);
}

static void
wait_for_lock(struct provision *p, struct device *d, const char *text)
{
    struct diag diag;
    if (p->now - p->started >= p->config.lock_timeout) {
        diag_set(&diag, ERR_BUSY, "still locked after %lld s: %s",
                 (long long)(p->config.lock_timeout / NSEC_PER_SEC), text);
        fail_device(p, d, ERR_BUSY, diag.text);
    } else {
        d->retry_at = p->now + p->config.lock_retry;
    }
}

/* On the way back there is nothing more to try: what is known is told. */
static void
fail_backwards(const struct provision *p, struct device *d, enum err err, const char *text)
{
    enum step step = d->step;
    if (!d->err) {
        d->err = err;
        diag_set(&d->diag, err, "%s: %s", provision_steps[step].name, text);
    }
    if (step == UNDO_CANCEL)
        finish(d, PROVISION_WILL_ROLL_BACK);
    else if (step == UNDO_EDIT || step == UNDO_COMMIT)
        finish(d, PROVISION_UNKNOWN);
    else if (err == ERR_CLOSED) /* locks and candidate have gone with the session */
        finish(d, d->reach >= EDITED ? PROVISION_ROLLED_BACK : PROVISION_UNCHANGED);
    else
        d->step = next_of(p, d); /* an unlock that fails: nothing depends on it */
    if (d->step == FINISHED && d->outcome == PROVISION_PENDING)
        finish(d, PROVISION_UNCHANGED);
}

static bool
is_lock(enum step step)
{
    return step == LOCK_RUNNING || step == LOCK_CANDIDATE;
}

/* Junos tells that somebody has the lock in words only, without lock-denied. */
static bool
is_locked(enum err err, bool refused)
{
    return err == ERR_BUSY || (refused && err != ERR_DENIED && err != ERR_UNSUPPORTED);
}

/* What the device itself refused has not happened; if there was no answer, it may have. */
static void
take_failure(struct provision *p, struct device *d, enum err err, const char *text, bool refused)
{
    d->lost |= err == ERR_CLOSED;
    if (refused && d->step == COMMIT)
        d->reach = EDITED;
    else if (refused && d->step == CONFIRM)
        d->reach = SENT_COMMIT;
    if (d->step >= SAVE) {
        fail_backwards(p, d, err, text);
    } else if (is_lock(d->step) && is_locked(err, refused) && !p->backwards) {
        wait_for_lock(p, d, text);
    } else if (d->step == DISCARD && !p->backwards && !d->lost) {
        d->step = provision_steps[DISCARD].next; /* there may be nothing to discard */
    } else if (p->backwards) {
        if (!d->err) {
            d->err = err;
            diag_set(&d->diag, err, "%s: %s", provision_steps[d->step].name, text);
        }
        turn_around(d);
    } else {
        fail_device(p, d, err, text);
    }
}

void
provision_answer(struct provision *p, size_t device, enum err err, const char *text,
                 const struct netconf_message *reply, nsec_t now)
{
    struct device *d = &p->devices[device];
    p->now = now;
    if (!d->asked)
        return;
    d->asked = false;
    if (err) {
        take_failure(p, d, err, text, reply != NULL);
        return;
    }
    enum step step = d->step;
    note_reach(d);
    if (p->backwards && step < SAVE) {
        turn_around(d);
        return;
    }
    if (step == READ)
        check_read(p, d, reply);
    else if (step == READ_BACK)
        check_read_back(p, d, reply);
    if (d->step == step) /* it has not turned around just now */
        go_on(p, d);
}

void
provision_verified(struct provision *p, enum err err, const char *text, nsec_t now)
{
    p->now = now;
    if (!p->verifying)
        return;
    p->verifying = false;
    if (err) {
        struct diag diag;
        diag_set(&diag, err, "verification: %s", text);
        fail_all(p, err, diag.text);
    } else {
        p->verified = true;
    }
}

void
provision_cancel(struct provision *p, const char *why, nsec_t now)
{
    p->now = now;
    if (!p->backwards)
        fail_all(p, ERR_CLOSED, why);
}

/* ---- time */

void
provision_tick(struct provision *p, nsec_t now)
{
    p->now = now;
    for (size_t i = 0; i < p->n; i++) {
        struct device *d = &p->devices[i];
        if (d->step == WAIT_UP && now - p->started >= p->config.connect_timeout && !p->backwards)
            fail_device(p, d, ERR_TIMEOUT, "no connection in time");
        if (d->retry_at <= now)
            d->retry_at = NSEC_NEVER;
    }
    if (p->verifying && now >= p->verify_by)
        provision_verified(p, ERR_TIMEOUT, "no answer in time", now);
}

nsec_t
provision_deadline(const struct provision *p)
{
    nsec_t next = p->verifying ? p->verify_by : NSEC_NEVER;
    for (size_t i = 0; i < p->n; i++) {
        const struct device *d = &p->devices[i];
        if (d->step == WAIT_UP && !p->backwards)
            next = MIN(next, p->started + p->config.connect_timeout);
        next = MIN(next, d->retry_at);
    }
    return next;
}

/* ---- what to do next */

static bool
all_at(const struct provision *p, enum step step)
{
    bool any = false;
    for (size_t i = 0; i < p->n; i++) {
        if (p->devices[i].step != FINISHED && p->devices[i].step != step)
            return false;
        any |= p->devices[i].step == step;
    }
    return any;
}

static void
open_gate(struct provision *p, enum step gate)
{
    for (size_t i = 0; i < p->n; i++) {
        struct device *d = &p->devices[i];
        if (d->step != gate)
            continue;
        if (gate == CONFIRMED)
            d->outcome = PROVISION_CHANGED;
        d->step = next_of(p, d);
    }
}

static void
open_gates(struct provision *p)
{
    if (p->backwards)
        return;
    if (all_at(p, READY))
        open_gate(p, READY);
    if (all_at(p, COMMITTED) && p->verified)
        open_gate(p, COMMITTED);
    else if (all_at(p, COMMITTED) && !p->told_verify) {
        p->verifying = true;
        p->verify_by = p->now + p->config.verify_timeout;
    }
    if (all_at(p, CONFIRMED))
        open_gate(p, CONFIRMED);
}

static bool
ask_device(struct provision *p, size_t i, struct provision_action *action)
{
    struct device *d = &p->devices[i];
    if (d->asked || !provision_steps[d->step].ask || d->retry_at != NSEC_NEVER)
        return false;
    p->request = (struct netconf_request){0};
    provision_steps[d->step].ask(p, d, &p->request);
    if (d->step == COMMIT) /* from here on its outcome is unknown until it is told */
        d->reach = SENT_COMMIT;
    else if (d->step == CONFIRM)
        d->reach = SENT_CONFIRM;
    d->asked = true;
    action->kind = PROVISION_ASK;
    action->device = i;
    action->request = &p->request;
    action->any_connection = d->step == UNDO_CANCEL && provision_persists(d);
    return true;
}

bool
provision_next(struct provision *p, struct provision_action *action)
{
    *action = (struct provision_action){0};
    open_gates(p);
    for (size_t i = 0; i < p->n; i++) {
        if (ask_device(p, i, action))
            return true;
    }
    if (p->verifying && !p->told_verify) {
        p->told_verify = true;
        action->kind = PROVISION_VERIFY;
        return true;
    }
    for (size_t i = 0; i < p->n; i++) {
        if (p->devices[i].step != FINISHED)
            return false;
    }
    if (p->told_end)
        return false;
    p->told_end = true;
    action->kind = PROVISION_END;
    action->err = p->err;
    action->diag = p->diag;
    return true;
}

void
provision_report(const struct provision *p, size_t device, struct provision_report *report)
{
    const struct device *d = &p->devices[device];
    *report = (struct provision_report){.outcome = d->outcome,
                                        .name = d->name,
                                        .err = d->err,
                                        .text = d->err ? d->diag.text : "",
                                        .edit = d->pretty ? d->pretty : ""};
}

const char *
provision_outcome_name(enum provision_outcome outcome)
{
    static const char *const names[] = {
        [PROVISION_PENDING] = "pending",
        [PROVISION_UNCHANGED] = "unchanged",
        [PROVISION_CHANGED] = "changed",
        [PROVISION_ACCEPTED] = "accepted",
        [PROVISION_ROLLED_BACK] = "rolled back",
        [PROVISION_WILL_ROLL_BACK] = "will roll back by itself",
        [PROVISION_UNKNOWN] = "unknown",
    };
    return names[outcome];
}

#include "orchestrate/appends.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/timer.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define RETRY_AFTER (500 * NSEC_PER_MSEC)

enum append_place {
    APPEND_IN_JOURNAL, /* it has the events; its answer is awaited */
    APPEND_WAITING,    /* for the journal to work again */
    APPEND_REFUSED,    /* to be told on the loop's next turn */
};

struct append {
    struct appends *appends; /* NULL: nobody waits any more */
    enum append_place place;
    bool patient;
    append_done_fn *done;
    void *arg;
    size_t n;
    struct journal_entry *entries; /* their texts are owned */
    enum err err;                  /* APPEND_REFUSED */
    struct diag why;
    struct append *prev, *next;
};

struct appends {
    struct journal *journal;
    struct append *list; /* in the order they were started */
    struct timer *retry;
    struct task *refuse;
    enum err failing;
    void (*tried)(void *arg);
    void *arg;
};

static void
append_free(struct append *append)
{
    for (size_t i = 0; i < append->n; i++) {
        free((char *)append->entries[i].object);
        free((char *)append->entries[i].actor);
        free((char *)append->entries[i].type);
        free((char *)append->entries[i].body);
    }
    free(append->entries);
    free(append);
}

static void
unlink_append(struct append *append)
{
    DL_DELETE(append->appends->list, append);
    append->appends = NULL;
}

/* Time may heal it. */
static bool
is_transient(enum err err)
{
    return err == ERR_IO || err == ERR_BUSY || err == ERR_CORRUPT;
}

static void
note_failure(struct appends *appends, enum err err, const char *why)
{
    if (!appends->failing)
        log_error("orchestrate: the journal takes nothing, work waits: %s", why);
    appends->failing = err;
    if (!timer_is_armed(appends->retry))
        timer_start(appends->retry, RETRY_AFTER);
}

static void
note_success(struct appends *appends)
{
    if (!appends->failing)
        return;
    log_info("orchestrate: the journal works again");
    appends->failing = ERR_OK;
    timer_start(appends->retry, 0);
}

static void
end_append(struct append *append, enum err err, uint64_t seq, const char *why)
{
    append_done_fn *done = append->done;
    void *arg = append->arg;
    unlink_append(append);
    append_free(append);
    done(arg, err, seq, why);
}

static void
journal_answered(void *arg, enum err err, uint64_t first_seq, const char *why)
{
    struct append *append = arg;
    struct appends *appends = append->appends;
    if (!appends) {
        append_free(append);
        return;
    }
    if (is_transient(err))
        note_failure(appends, err, why);
    else if (!err)
        note_success(appends);
    append->place = APPEND_WAITING;
    if (!is_transient(err) || !append->patient)
        end_append(append, err, first_seq, why);
}

static void
hand_over(struct append *append)
{
    struct appends *appends = append->appends;
    struct diag why = {""};
    enum err err = journal_append(appends->journal, append->entries, append->n, journal_answered,
                                  append, &why);
    append->place = APPEND_IN_JOURNAL;
    if (!err)
        return;
    append->place = append->patient && is_transient(err) ? APPEND_WAITING : APPEND_REFUSED;
    append->err = err;
    append->why = why;
    if (is_transient(err))
        note_failure(appends, err, why.text);
    if (append->place == APPEND_REFUSED)
        task_schedule(appends->refuse);
}

/* Whoever is told may do anything, but not free `appends`: the list is searched anew each time. */
static void
tell_refused(void *arg)
{
    struct appends *appends = arg;
    struct append *append = appends->list;
    while (append) {
        if (append->place != APPEND_REFUSED) {
            append = append->next;
            continue;
        }
        struct diag why = append->why;
        end_append(append, append->err, 0, why.text);
        append = appends->list;
    }
    task_cancel(appends->refuse);
}

static void
try_again(void *arg)
{
    struct appends *appends = arg;
    struct append *append, *next;
    DL_FOREACH_SAFE(appends->list, append, next)
    {
        if (append->place == APPEND_WAITING)
            hand_over(append);
    }
    if (appends->failing && !timer_is_armed(appends->retry))
        timer_start(appends->retry, RETRY_AFTER);
    appends->tried(appends->arg);
}

struct appends *
appends_new(uv_loop_t *loop, struct journal *journal, void (*tried)(void *arg), void *arg)
{
    struct appends *appends = xcalloc(1, sizeof *appends);
    appends->journal = journal;
    appends->retry = timer_new(loop, try_again, appends);
    appends->refuse = task_new(loop, tell_refused, appends);
    appends->tried = tried;
    appends->arg = arg;
    return appends;
}

void
appends_free(struct appends *appends)
{
    if (!appends)
        return;
    while (appends->list)
        append_forget(appends->list);
    timer_free(appends->retry);
    task_free(appends->refuse);
    free(appends);
}

bool
appends_failing(const struct appends *appends)
{
    return appends->failing != ERR_OK;
}

struct append *
append_start(struct appends *appends, const struct new_event *events, size_t n, bool patient,
             append_done_fn *done, void *arg)
{
    struct append *append = xcalloc(1, sizeof *append);
    *append = (struct append){.appends = appends, .patient = patient, .done = done, .arg = arg};
    append->n = n;
    append->entries = xcalloc(n, sizeof *append->entries);
    for (size_t i = 0; i < n; i++) {
        char *body = json_dumps(events[i].body, JSON_COMPACT);
        append->entries[i] = (struct journal_entry){
            .type = xstrdup(events[i].type),
            .object = xstrdup(events[i].object),
            .actor = xstrdup(events[i].actor),
            .body = body ? body : xstrdup(""), /* refused by the journal */
        };
        json_decref(events[i].body);
    }
    DL_APPEND(appends->list, append);
    hand_over(append);
    return append;
}

bool
append_withdraw(struct append *append)
{
    if (append->place == APPEND_IN_JOURNAL)
        return false;
    unlink_append(append);
    append_free(append);
    return true;
}

void
append_forget(struct append *append)
{
    if (!append || append_withdraw(append))
        return;
    unlink_append(append);
}

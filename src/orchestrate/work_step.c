/* work_step.c - from a run's commands to events and effects.
 *
 * A command's event goes into the journal first; when it is durable, and the run has accepted it,
 * the action begins. If it could not be stored, the command is retracted, and asked for again when
 * the journal works: people may have cancelled the order meanwhile.
 *
 * The clock people read can be set at any time. Points in time (a window's start, an approval's
 * end) are its business, so the runs are looked at once a second if anything is due, however far
 * away. How long an action has taken is not: a time-out that comes before the action has had its
 * time is not recorded but retracted, and its patience begins anew. */
#include "orchestrate/work_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "orchestrate/effects.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define LOOK_EVERY NSEC_PER_SEC

void
command_free(struct command *command)
{
    struct works *works = command->work->service->works;
    append_forget(command->append);
    if (command->prev)
        DL_DELETE(works->commands, command);
    json_decref(command->body);
    json_decref(command->params);
    free(command->type);
    free(command->step);
    free(command->action);
    free(command->key);
    free(command);
}

void
commands_end(struct works *works, const struct work *work)
{
    struct command *command, *next;
    DL_FOREACH_SAFE(works->commands, command, next)
    {
        if (command->work == work)
            command_free(command);
    }
}

/* So that it is asked for again. */
static void
retract(const struct command *command)
{
    struct workflow_command was = {
        .kind = command->kind,
        .type = command->type,
        .step = command->step,
        .item = command->item,
    };
    workflow_run_retract(command->work->run, &was);
}

static void
set_alarm(struct works *works, nsec_t now)
{
    nsec_t wake = NSEC_NEVER;
    for (const struct work *work = works->open; work; work = work->next)
        wake = MIN(wake, work->wake);
    if (wake == NSEC_NEVER)
        timer_stop(works->alarm);
    else
        timer_start(works->alarm, MIN(wake > now ? wake - now : 0, LOOK_EVERY));
}

static bool
is_action(const struct command *command)
{
    return command->kind == WORKFLOW_START || command->kind == WORKFLOW_UNDO;
}

/* The command's event is durable, or was not stored. */
static void
appended(void *arg, enum err err, uint64_t seq, const char *why)
{
    struct command *command = arg;
    struct works *works = command->work->service->works;
    command->append = NULL;
    enum err refused = err ? ERR_OK : works_refusal(works, seq, &why);
    if (err || refused)
        retract(command);
    if (err && !appends_failing(works->service->appends)) { /* not for want of a disk */
        log_error("orchestrate: order %u, %s: %s", command->work->id, command->type, why);
        command->work->wake = works->service->clock() + LOOK_EVERY;
        set_alarm(works, works->service->clock());
    } else {
        work_stir(command->work);
    }
    if (err || refused || !is_action(command))
        command_free(command);
    else
        effects_begin(command->work->service->effects, command);
}

static char *
key_of(const struct command *command)
{
    bool undo = !strncmp(command->type, "undo.", 5);
    return xasprintf("%u/%s/%u%s", command->work->id, command->step, command->item,
                     undo ? "/undo" : "");
}

/* A time-out of an action that has not had its time yet, as the clock was set forward, or that
 * waits for the journal. */
static bool
is_premature(const struct command *command)
{
    if (command->kind != WORKFLOW_RECORD ||
        (strcmp(command->type, "step.failed") && strcmp(command->type, "undo.failed")))
        return false;
    char *key = key_of(command);
    bool premature = effects_has_time(command->work->service->effects, key);
    free(key);
    return premature;
}

static void
obey(struct command *command)
{
    struct orchestrate_service *s = command->work->service;
    if (is_premature(command)) {
        retract(command);
        work_stir(command->work);
        command_free(command);
    } else if (command->recover) {
        effects_begin(s->effects, command);
    } else {
        struct new_event event = {command->type, command->work->object, ORCHESTRATE_ACTOR,
                                  json_incref(command->body)};
        command->append = append_start(s->appends, &event, 1, false, appended, command);
    }
}

/* ---- Asking for commands -----------------------------------------------------------------------
 */

struct collection {
    struct work *work;
    struct command *list;
    nsec_t now;
};

static char *
copy_text(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static struct command *
command_new(struct work *work, const struct workflow_command *from, nsec_t now)
{
    struct command *command = xcalloc(1, sizeof *command);
    *command = (struct command){
        .work = work,
        .kind = from->kind,
        .type = copy_text(from->type),
        .step = copy_text(from->step),
        .action = copy_text(from->action),
        .key = copy_text(from->key),
        .item = from->item,
        .attempt = from->attempt,
        .body = json_incref(from->body),
        .params = json_incref(from->params),
        .recover = from->recover,
        .patience = from->deadline == NSEC_NEVER ? NSEC_NEVER : from->deadline - now,
    };
    return command;
}

static void
collect(void *arg, const struct workflow_command *command)
{
    struct collection *collection = arg;
    struct command *new = command_new(collection->work, command, collection->now);
    DL_APPEND(collection->list, new);
}

static void
step_work(struct works *works, struct work *work, nsec_t now)
{
    struct collection collection = {work, NULL, now};
    work->dirty = false;
    work->wake = workflow_run_next(work->run, now, collect, &collection);
    DL_CONCAT(works->commands, collection.list);
    for (struct command *command = collection.list, *next; command; command = next) {
        next = command->next;
        obey(command);
    }
}

void
works_step(void *arg)
{
    struct works *works = arg;
    struct orchestrate_service *s = works->service;
    nsec_t now = s->clock();
    if (appends_failing(s->appends))
        return; /* works_stir() follows when there is reason to try again */
    for (struct work *work = works->open; work; work = work->next) {
        if (work->dirty || now >= work->wake)
            step_work(works, work, now);
    }
    set_alarm(works, now);
}

/* ---- Events that runs wait for -----------------------------------------------------------------
 */

static void
offer_stored(void *arg UNUSED, enum err err, uint64_t seq UNUSED, const char *why)
{
    if (err)
        log_error("orchestrate: wait.matched: %s", why);
}

static void
append_offer(struct work *work, json_t *body)
{
    struct new_event event = {"wait.matched", work->object, ORCHESTRATE_ACTOR, json_incref(body)};
    append_start(work->service->appends, &event, 1, true, offer_stored, NULL);
}

void
take_offer(void *arg, const struct workflow_command *command)
{
    const struct offer *offer = arg;
    append_offer(offer->work, command->body);
}

void
keep_offer(void *arg, const struct workflow_command *command)
{
    const struct offer *offer = arg;
    if (!offer->work->offers)
        offer->work->offers = json_array();
    json_array_append(offer->work->offers, command->body);
}

/* What happened while nobody was there to tell the run. */
static void
make_offers(struct work *work, nsec_t now)
{
    size_t i;
    json_t *body;
    json_array_foreach(work->offers, i, body)
    {
        struct workflow_event event = {"wait.matched", now, work->object, body};
        if (!workflow_run_check(work->run, &event, NULL))
            append_offer(work, body);
    }
    json_decref(work->offers);
    work->offers = NULL;
}

void
works_begin(struct works *works)
{
    works->begun = true;
    for (struct work *work = works->open; work; work = work->next)
        make_offers(work, works->service->clock());
    works_stir(works);
}

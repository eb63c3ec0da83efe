#include "tielined/asker.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "tielined/once.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define TRIES 4 /* sessions may end in between, but not for ever */

struct question {
    struct asker *asker;
    uint64_t id, request; /* of ours, of the bus */
    char *subject;
    json_t *payload;
    nsec_t deadline;
    unsigned tries;
    call_done_fn *done;
    void *arg;
    struct question *prev, *next;
};

struct asker {
    struct bus *to;
    char run[ONCE_NAME_LENGTH + 1], session[ONCE_NAME_LENGTH + 1]; /* session "": not known */
    json_int_t number;                                             /* the last */
    uint64_t last_id;
    struct question *questions;
};

static void
question_free(struct question *q)
{
    DL_DELETE(q->asker->questions, q);
    json_decref(q->payload);
    free(q->subject);
    free(q);
}

static void
finish(struct question *q, const struct call_result *result)
{
    call_done_fn *done = q->done;
    void *arg = q->arg;
    question_free(q);
    done(arg, result);
}

static void on_answer(void *arg, const struct call_result *);

static enum err
send_question(struct question *q)
{
    struct asker *a = q->asker;
    json_t *payload = json_copy(q->payload);
    json_t *once = json_pack("{ss sI}", "run", a->run, "number", ++a->number);
    if (a->session[0])
        json_object_set_new(once, "session", json_string(a->session));
    json_object_set_new(payload, "once", once);
    q->tries++;
    return bus_request(a->to, q->subject, payload, q->deadline - clock_monotonic(), on_answer, q,
                       &q->request);
}

static void
ask_again(struct question *q, const char *session)
{
    snprintf(q->asker->session, sizeof q->asker->session, "%s", session);
    enum err err = q->tries == TRIES                  ? ERR_BUSY
                   : clock_monotonic() >= q->deadline ? ERR_TIMEOUT
                                                      : send_question(q);
    if (err)
        finish(q, &(struct call_result){err, err_text(err), NULL});
}

static void
on_answer(void *arg, const struct call_result *result)
{
    struct question *q = arg;
    const char *session = json_string_value(json_object_get(result->value, "session"));
    json_t *answer = json_object_get(result->value, "answer");
    q->request = 0;
    if (result->err)
        finish(q, result);
    else if (answer)
        finish(q, &(struct call_result){ERR_OK, "", answer});
    else if (session && strlen(session) == ONCE_NAME_LENGTH)
        ask_again(q, session);
    else
        finish(q, &(struct call_result){ERR_MALFORMED, "that is no answer of a site", NULL});
}

enum err
asker_ask(struct asker *a, const char *subject, json_t *payload, nsec_t timeout, call_done_fn *done,
          void *arg, uint64_t *id)
{
    struct question *q = xcalloc(1, sizeof *q);
    *q = (struct question){.asker = a,
                           .id = ++a->last_id,
                           .subject = xstrdup(subject),
                           .payload = payload,
                           .deadline = clock_monotonic() + timeout,
                           .done = done,
                           .arg = arg};
    DL_APPEND(a->questions, q);
    enum err err = send_question(q);
    if (err)
        question_free(q);
    else
        *id = q->id;
    return err;
}

void
asker_cancel(struct asker *a, uint64_t id)
{
    struct question *q;
    DL_FOREACH(a->questions, q)
    {
        if (q->id != id)
            continue;
        bus_cancel(a->to, q->request);
        question_free(q);
        return;
    }
}

enum err
asker_new(struct bus *to, struct asker **made, struct diag *diag)
{
    struct asker *a = xcalloc(1, sizeof *a);
    a->to = to;
    if (!once_name(a->run)) {
        free(a);
        return diag_set(diag, ERR_IO, "no random numbers");
    }
    *made = a;
    return ERR_OK;
}

void
asker_free(struct asker *a)
{
    if (!a)
        return;
    while (a->questions) {
        bus_cancel(a->to, a->questions->request);
        question_free(a->questions);
    }
    free(a);
}

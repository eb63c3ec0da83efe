/* vpn_agents.c - the FRR routers of a change: their agents apply lines, and take them back by
 * themselves if these are not confirmed. All are asked the same at the same time; then the change
 * goes on. */
#include "base/alloc.h"
#include "wan/lines_client.h"
#include "wan/vpn_lines.h"
#include "wan/vpns.h"

#include <stdlib.h>
#include <string.h>

/* An answer on its way, which may outlive the change. */
struct vpn_agent_question {
    struct vpn_change *change; /* NULL: nobody wants it any more */
    size_t at;
};

struct vpn_agent {
    struct vpn_router *router;
    const char *before, *now; /* lines; NULL: nothing */
    struct buf lines, undo;   /* what makes the one of the other */
    const char *outcome;
    char *text; /* what it said; NULL */
    struct vpn_agent_question *question;
};

void
vpn_agents_add(struct vpn_change *c, struct vpn_router *router,
               const struct vpn_device_plan *before, const struct vpn_device_plan *now)
{
    c->agents = xrealloc(c->agents, c->n_agents + 1, sizeof *c->agents);
    struct vpn_agent *a = &c->agents[c->n_agents++];
    *a = (struct vpn_agent){.router = router,
                            .before = before ? before->lines : NULL,
                            .now = now ? now->lines : NULL,
                            .lines = BUF_INIT,
                            .undo = BUF_INIT,
                            .outcome = "unchanged"};
    vpn_lines_change(a->before, a->now, &a->lines);
    vpn_lines_change(a->now, a->before, &a->undo);
}

bool
vpn_agents_has(const struct vpn_change *c, const char *router)
{
    for (size_t i = 0; i < c->n_agents; i++) {
        if (!strcmp(c->agents[i].router->name, router))
            return true;
    }
    return false;
}

void
vpn_agents_free(struct vpn_change *c)
{
    for (size_t i = 0; i < c->n_agents; i++) {
        struct vpn_agent *a = &c->agents[i];
        if (a->question)
            a->question->change = NULL;
        buf_fini(&a->lines);
        buf_fini(&a->undo);
        free(a->text);
    }
    free(c->agents);
}

void
vpn_agents_report(const struct vpn_change *c, json_t *list)
{
    for (size_t i = 0; i < c->n_agents; i++) {
        struct vpn_agent *a = &c->agents[i];
        json_t *one = json_pack("{ss ss}", "router", a->router->name, "outcome", a->outcome);
        if (a->text)
            json_object_set_new(one, "text", json_string(a->text));
        if (a->lines.size)
            json_object_set_new(one, "edit", json_string(buf_cstr(&a->lines)));
        json_array_append_new(list, one);
    }
}

/* ---- Asking all of them ---- */

static void
go_on(struct vpn_change *c)
{
    vpn_agents_fn *next = c->agents_next;
    struct diag why = c->agents_why;
    enum err err = c->agents_err;
    if (c->n_asked)
        return;
    c->agents_next = NULL;
    next(c, err, why.text);
}

/* It has what the router had, or has now. */
static void
take_lines(struct vpn_agent *a, const char *have)
{
    buf_clear(&a->lines);
    buf_clear(&a->undo);
    vpn_lines_restore(a->now, have, &a->lines, &a->undo);
}

static void
on_answer(void *arg, enum err err, const char *text, const json_t *result)
{
    struct vpn_agent_question *q = arg;
    struct vpn_change *c = q->change;
    struct vpn_agent *a = c ? &c->agents[q->at] : NULL;
    free(q);
    if (!c)
        return;
    a->question = NULL;
    c->n_asked--;
    const char *have = json_string_value(json_object_get(result, "lines"));
    if (err) {
        free(a->text);
        a->text = xstrdup(text);
        a->outcome = c->agents_failed;
        if (!c->agents_err)
            c->agents_err = diag_set(&c->agents_why, err, "%s: %s", a->router->name, text);
    } else {
        const char *warning = json_string_value(json_object_get(result, "warning"));
        a->outcome = c->agents_outcome;
        free(a->text);
        a->text = warning ? xstrdup(warning) : NULL;
    }
    if (have)
        take_lines(a, have);
    go_on(c);
}

static json_t *
params_of(const struct vpn_change *c, const struct vpn_agent *a)
{
    return json_pack("{ss ss sI}", "lines", buf_cstr((struct buf *)(uintptr_t)&a->lines), "undo",
                     buf_cstr((struct buf *)(uintptr_t)&a->undo), "timeout-s",
                     (json_int_t)(vpn_change_confirm(c) / NSEC_PER_SEC));
}

void
vpn_agents_ask(struct vpn_change *c, const char *method, const char *outcome, const char *failed,
               vpn_agents_fn *next)
{
    bool all = !strcmp(method, "frr.read");
    c->agents_next = next;
    c->agents_outcome = outcome;
    c->agents_failed = failed;
    c->agents_err = ERR_OK;
    c->agents_why = (struct diag){""};
    c->n_asked = 1;
    for (size_t i = 0; i < c->n_agents; i++) {
        struct vpn_agent *a = &c->agents[i];
        if (!all && !a->lines.size)
            continue; /* nothing changes there */
        a->question = xmalloc(sizeof *a->question);
        *a->question = (struct vpn_agent_question){c, i};
        c->n_asked++;
        lines_client_ask(a->router->lines, method, params_of(c, a), on_answer, a->question);
    }
    c->n_asked--;
    go_on(c);
}

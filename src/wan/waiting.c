/* waiting.c - who waits until a tunnel is as far as was asked for. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

static void
waiter_free(struct wan_waiter *w)
{
    DL_DELETE(w->service->waiters, w);
    json_decref(w->paths);
    free(w->tunnel);
    free(w->reply_to);
    free(w);
}

void
wan_waiters_free(struct wan_service *s)
{
    while (s->waiters)
        waiter_free(s->waiters);
}

void
wan_wait(struct wan_service *s, const struct bus_message *m, const char *tunnel, enum wan_wait what,
         const json_t *paths, uint32_t order)
{
    struct wan_waiter *w, *next;
    DL_FOREACH_SAFE(s->waiters, w, next)
    {
        if (!strcmp(w->tunnel, tunnel) && w->order == order)
            waiter_free(w); /* the same asks again, after it gave up waiting */
    }
    w = xcalloc(1, sizeof *w);
    *w = (struct wan_waiter){.service = s,
                             .tunnel = xstrdup(tunnel),
                             .reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL,
                             .what = what,
                             .paths = json_incref((json_t *)(uintptr_t)paths),
                             .begun = clock_monotonic(),
                             .order = order};
    DL_APPEND(s->waiters, w);
}

/* Has it gone another way than this one waits for? */
static bool
is_elsewhere(const struct wan_waiter *w)
{
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        const json_t *path = json_object_get(w->paths, tunnel_path_words[i]);
        if (path &&
            !planner_holds(w->service->planner, w->tunnel, i, json_object_get(path, "links")))
            return true;
    }
    return false;
}

/* ERR_BUSY: it is not so far yet. */
static enum err
look(const struct wan_waiter *w, const struct tunnel_status *t, bool up, struct diag *why)
{
    enum circuit_phase phase = t ? t->phase : PHASE_PROPOSED;
    bool there = w->what == WAN_WAIT_BUILT     ? phase == PHASE_BUILT || phase == PHASE_ACTIVE
                 : w->what == WAN_WAIT_REMOVED ? phase == PHASE_RESERVED || phase == PHASE_PROPOSED
                                               : up;
    if (w->what == WAN_WAIT_UP && !phase_is_wanted(phase))
        return diag_set(why, ERR_CONFLICT, "tunnel %s is taken out of the routers", w->tunnel);
    if (w->what == WAN_WAIT_UP && is_elsewhere(w))
        return diag_set(why, ERR_CONFLICT, "tunnel %s has gone another way meanwhile", w->tunnel);
    return there ? ERR_OK : ERR_BUSY;
}

void
wan_answer_waiters(struct wan_service *s, const char *tunnel, bool up, enum err failed,
                   const char *reason)
{
    const struct tunnel_status *t = tunneling_find(&s->config.state->tunneling, tunnel);
    struct wan_waiter *w, *next;
    DL_FOREACH_SAFE(s->waiters, w, next)
    {
        struct diag why = {""};
        if (strcmp(w->tunnel, tunnel) != 0)
            continue;
        enum err err = failed ? diag_set(&why, failed, "%s", reason) : look(w, t, up, &why);
        if (err == ERR_BUSY && !failed)
            continue;
        nsec_t took = w->what == WAN_WAIT_UP ? clock_monotonic() - w->begun : t ? t->build_time : 0;
        if (err)
            bus_reply_error(s->config.bus, w->reply_to, err, "%s", why.text);
        else
            bus_reply(s->config.bus, w->reply_to,
                      json_pack("{sI}", "duration-ns", (json_int_t)took));
        waiter_free(w);
    }
}

/* Which circuits may be in the nodes now.
 *
 * The centre's orders say which are wanted; they also end an access whose window is over. But a
 * controller may be cut off from who would say so, or that one may not work. So no circuit is in
 * the nodes outside its window, whoever is to blame: it is not put in before the start nor after
 * the end, and taken out some seconds after the end if no order did that meanwhile. That is an
 * event, told once its rules are gone, or an exception about what hinders it; and it is for good:
 * the window does not open again if somebody sets the clock back (model/local.h).
 *
 * Local work takes a circuit out, or puts it in, in the same way. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_AFTER (3 * NSEC_PER_SEC) /* nodes need a moment */

static nsec_t
time_now(const struct lan_service *s)
{
    return s->config.now ? s->config.now(s->config.now_arg) : clock_wall();
}

bool
lan_may_add(const struct lan_service *s, const char *circuit, const char **why)
{
    return local_is_wanted(s->config.state, circuit, time_now(s), 0, why);
}

/* ---- Windows that are over ---- */

static struct lan_expired *
find_expired(const struct lan_service *s, const char *circuit)
{
    struct lan_expired *e = s->expired;
    while (e && strcmp(e->circuit, circuit) != 0)
        e = e->next;
    return e;
}

static void
expired_free(struct lan_service *s, struct lan_expired *e)
{
    struct lan_expired **at = &s->expired;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    free(e->circuit);
    free(e);
}

void
lan_expired_free(struct lan_service *s)
{
    while (s->expired)
        expired_free(s, s->expired);
}

/* Do we have a node that the circuit goes through? */
static bool
is_partly_ours(const struct lan_service *s, const struct circuit *c)
{
    const struct network *net = s->config.state->network;
    const struct design *d = network_design(net, c->name);
    const char *host = c->kind == CIRCUIT_IP ? c->ip.client : c->multicast.publisher;
    const struct host *from = network_host(net, host);
    const struct node *node = from ? network_node(net, from->node) : NULL;
    bool ours = node && lan_is_ours(s, node);
    for (unsigned way = 0; d && way < 2; way++) {
        const struct route *route = way ? &d->failover : &d->primary;
        for (uint32_t i = 0; i < route->n_links && !ours; i++) {
            const struct link *link = network_link(net, route->links[i]);
            ours = link && lan_link_is_ours(s, link);
        }
    }
    return ours;
}

/* Once for a window, unless the journal has it. */
static void
note_expired(struct lan_service *s, const struct circuit *c)
{
    const struct local_expiry *known;
    struct lan_expired *e = find_expired(s, c->name);
    HASH_FIND_STR(s->config.state->local.expiries, c->name, known);
    if (e && e->end == c->window.end)
        return;
    if (e)
        expired_free(s, e);
    if (!is_partly_ours(s, c))
        return;
    e = xcalloc(1, sizeof *e);
    *e = (struct lan_expired){.circuit = xstrdup(c->name),
                              .end = c->window.end,
                              .since = clock_monotonic(),
                              .told = known && known->end >= c->window.end,
                              .next = s->expired};
    s->expired = e;
}

static void
tell_expired(struct lan_service *s, struct lan_expired *e, const char *object, const char *left)
{
    char end[TIME_TEXT_SIZE], now[TIME_TEXT_SIZE];
    if (e->told)
        return;
    e->told = true;
    time_format(e->end, end);
    time_format(time_now(s), now);
    log_info("circuit %s: its window is over since %s: %s", e->circuit, end,
             left ? left : "it is out of the nodes");
    json_t *body = json_pack("{ss ss ss}", "circuit", e->circuit, "end", end, "judged-at", now);
    if (left)
        json_object_set_new(body, "left", json_string(left));
    lan_record(s, "circuit.expired", object, body);
}

static void
check_expired(struct lan_service *s, struct lan_expired *e)
{
    char object[128], end[TIME_TEXT_SIZE];
    if (clock_monotonic() - e->since < TELL_AFTER)
        return;
    snprintf(object, sizeof object, "circuit/%.100s", e->circuit);
    char *left = lan_left_of(s, e->circuit);
    if (left && !e->hindered)
        lan_raise(s, "window-not-ended", "major", object,
                  json_pack("{ss ss}", "left", left, "end", time_format(e->end, end)),
                  "The window of circuit %s is over, and its rules cannot be taken out: %s.",
                  e->circuit, left);
    else if (!left)
        lan_clear(s, "window-not-ended", object, "its rules are out of the nodes");
    e->hindered = left;
    e->checked = true;
    /* That it is over stays true whatever hinders it: a clock that is set back changes nothing. */
    tell_expired(s, e, object, left);
    free(left);
}

static void
check_all_expired(struct lan_service *s)
{
    for (struct lan_expired *e = s->expired, *next; e; e = next) {
        next = e->next;
        const struct circuit *c = network_circuit(s->config.state->network, e->circuit);
        const struct circuit_status *status = state_circuit(s->config.state, e->circuit);
        bool done = e->checked && !e->hindered;
        if (!c || c->window.end != e->end || network_design(s->planned, e->circuit) ||
            (status && !phase_is_wanted(status->phase) && !e->hindered))
            expired_free(s, e);
        else if (!done)
            check_expired(s, e);
    }
}

/* ---- All of it ---- */

static void
review(struct lan_service *s, const struct circuit *c)
{
    const struct state *state = s->config.state;
    const struct circuit_status *status = state_circuit(state, c->name);
    bool planned = network_design(s->planned, c->name);
    nsec_t now = time_now(s), grace = planned ? WINDOW_GRACE : 0;
    bool wanted = local_is_wanted(state, c->name, now, grace, NULL);
    if (wanted && !planned)
        lan_put_in(s, c->name);
    else if (!wanted && planned)
        lan_take_out(s, c->name);
    if (!wanted && status && phase_is_wanted(status->phase) && local_window_is_over(state, c, now))
        note_expired(s, c);
}

void
lan_review_intent(struct lan_service *s)
{
    const struct network *net = s->config.state->network;
    for (const struct circuit *c = net->circuits; c; c = c->hh.next) {
        if (c->window.end || c->window.start)
            review(s, c);
    }
    for (const struct local_work *w = s->config.state->local.works; w; w = w->hh.next) {
        const struct circuit *c = w->known ? network_circuit(net, w->circuit) : NULL;
        if (c)
            review(s, c);
    }
    check_all_expired(s);
}

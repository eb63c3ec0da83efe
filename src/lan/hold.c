/* Holding: a link that carries nothing although its ports have carrier, and of which no heartbeat
 * says so, is lost for the nodes at its ends too, whose groups choose by what they know. So the
 * agents there are told to keep groups from these ports, until the link was seen both ways for the
 * wait-to-restore time. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"

#include <stdlib.h>

/* One order to an agent. */
struct hold_call {
    struct lan_service *service;
    char *node, *link; /* link NULL: of a port that no link has */
    uint32_t port;
    bool hold;
};

static void
on_answer(void *arg, const struct call_result *result)
{
    struct hold_call *call = arg;
    struct lan_link *l = NULL;
    if (result->err && result->err != ERR_CLOSED)
        log_warn("node %s port %u could not be %s: %s", call->node, call->port,
                 call->hold ? "held" : "let go", result->text);
    if (call->link)
        HASH_FIND_STR(call->service->links, call->link, l);
    if (l && result->err == ERR_TIMEOUT) /* say it again */
        l->told[0] = l->told[1] = HOLD_NOT_TOLD;
    free(call->node);
    free(call->link);
    free(call);
}

static void
tell_agent(struct lan_service *s, struct lan_node *n, const char *link, uint32_t port, bool hold)
{
    struct hold_call *call = xcalloc(1, sizeof *call);
    *call = (struct hold_call){s, xstrdup(n->name), link ? xstrdup(link) : NULL, port, hold};
    enum err err = lan_call_agent(s, n, "edge.hold-port",
                                  json_pack("{sI sb}", "port", (json_int_t)port, "hold", hold),
                                  OP_TIMEOUT, on_answer, call);
    if (err)
        on_answer(call, &(struct call_result){.err = err, .text = err_text(err)});
}

/* The node whose agent can hold a port; NULL: it is another kind of switch, or not connected. */
static struct lan_node *
holder(const struct lan_service *s, const char *name)
{
    const struct node *node = network_node(s->config.state->network, name);
    struct lan_node *n = lan_node_find(s, name);
    return node && node->kind == NODE_TIELINE_EDGE && n && n->agent ? n : NULL;
}

/* Nothing is said of a link that nothing is known of yet: what an earlier life of this program has
 * held stays held. */
static void
tell_end(struct lan_service *s, const struct link *link, struct lan_link *l, int end)
{
    const struct link_end *at = end ? &link->b : &link->a;
    struct lan_node *n = holder(s, at->node);
    enum hold_told want = l->hold ? HOLD_TOLD : RELEASE_TOLD;
    if (!n || (!l->known && !l->hold) || l->told[end] == want)
        return;
    l->told[end] = want;
    if (l->hold)
        log_info("node %s port %u is held: link %s carries nothing", n->name, at->port, link->name);
    tell_agent(s, n, link->name, at->port, l->hold);
}

void
lan_hold_update(struct lan_service *s, const struct link *link, struct lan_link *l, bool unseen,
                bool up)
{
    const struct settings *settings = &s->config.state->network->settings;
    nsec_t now = clock_monotonic();
    if (!up)
        l->up_since = 0;
    else if (!l->up_since)
        l->up_since = now;
    if (unseen)
        l->hold = true;
    else if (l->hold && up && settings->revertive &&
             now - l->up_since >= settings->wait_to_restore_ms * NSEC_PER_MSEC)
        l->hold = false;
    tell_end(s, link, l, 0);
    tell_end(s, link, l, 1);
}

void
lan_hold_release(struct lan_service *s, const struct lan_node *n, uint32_t port)
{
    for (const struct link *link = s->config.state->network->links; link; link = link->hh.next) {
        const struct link_end *at = !strcmp(link->a.node, n->name)   ? &link->a
                                    : !strcmp(link->b.node, n->name) ? &link->b
                                                                     : NULL;
        struct lan_link *l;
        HASH_FIND_STR(s->links, link->name, l);
        if (!at || (port != PORT_ANY && at->port != port) || !l || !l->hold || !l->up_since)
            continue;
        l->hold = false;
        tell_end(s, link, l, 0);
        tell_end(s, link, l, 1);
    }
}

void
lan_hold_tell_node(struct lan_service *s, struct lan_node *n)
{
    const struct network *net = s->config.state->network;
    const struct node *node = network_node(net, n->name);
    if (!holder(s, n->name))
        return;
    for (uint32_t i = 0; i < node->n_ports; i++) {
        uint32_t port = node->ports[i].number;
        const struct link *link = network_link_at(net, n->name, port);
        struct lan_link *l = NULL;
        if (link)
            HASH_FIND_STR(s->links, link->name, l);
        if (!link)
            tell_agent(s, n, NULL, port, false);
        if (!l)
            continue;
        int end = strcmp(link->a.node, n->name) != 0;
        l->told[end] = HOLD_NOT_TOLD;
        tell_end(s, link, l, end);
    }
}

static void
say_end(const struct lan_service *s, const struct link_end *at, struct buf *held,
        struct buf *not_held)
{
    struct buf *out = holder(s, at->node) ? held : not_held;
    buf_printf(out, "%s%s port %u", out->size ? ", " : "", at->node, at->port);
}

void
lan_hold_describe(const struct lan_service *s, const struct link *link, struct buf *held,
                  struct buf *not_held)
{
    say_end(s, &link->a, held, not_held);
    say_end(s, &link->b, held, not_held);
}

/* Links, by LLDP: every second a frame leaves each port that is not a host's, and where it comes in
 * tells what is connected to what. The frame carries the time, and a code made with a secret of
 * this process, so that nothing else on the wire can pretend to be a link, nor a frame that was
 * recorded be believed later. What is seen is compared with the inventory. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "proto/lldp/lldp.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#define CODE_SIZE 16
#define SIGNED_SIZE (8 + 4 + 8) /* datapath id, port, when it was sent */
#define TOKEN_SIZE (SIGNED_SIZE + CODE_SIZE)
#define FRAME_LIFE (DISCOVERY_INTERVAL + DISCOVERY_INTERVAL / 2)

static void
make_code(const struct lan_service *s, const uint8_t *what, uint8_t code[CODE_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), s->secret, sizeof s->secret, what, SIGNED_SIZE, digest, &size))
        memset(digest, 0, sizeof digest);
    memcpy(code, digest, CODE_SIZE);
}

static void
send_frame(struct lan_service *s, struct lan_node *n, const struct openflow_port *port)
{
    struct lldp lldp = {.ttl_s = 4, .token_size = TOKEN_SIZE};
    struct buf frame = BUF_INIT;
    snprintf(lldp.chassis_id, sizeof lldp.chassis_id, "%s", n->name);
    snprintf(lldp.port_id, sizeof lldp.port_id, "%u", port->port_no);
    put_be64(lldp.token, lan_switch_datapath_id(n->sw));
    put_be32(lldp.token + 8, port->port_no);
    put_be64(lldp.token + 12, (uint64_t)clock_monotonic());
    make_code(s, lldp.token, lldp.token + SIGNED_SIZE);
    lldp_encode_frame(&lldp, &port->hw_addr, &frame);
    lan_switch_packet_out(n->sw, port->port_no, frame.data, frame.size);
    buf_fini(&frame);
}

static struct lan_link *
link_status(struct lan_service *s, const char *name)
{
    struct lan_link *l;
    HASH_FIND_STR(s->links, name, l);
    if (!l) {
        l = xcalloc(1, sizeof *l);
        l->name = xstrdup(name);
        HASH_ADD_KEYPTR(hh, s->links, l->name, strlen(l->name), l);
    }
    return l;
}

static bool
port_is_down(const struct lan_service *s, const struct link_end *end)
{
    const struct lan_node *n = lan_node_find(s, end->node);
    if (!n || !lan_node_is_ready(n))
        return false; /* not known to be */
    for (uint32_t i = 0; i < lan_switch_n_ports(n->sw); i++) {
        const struct openflow_port *p = &lan_switch_ports(n->sw)[i];
        if (p->port_no == end->port)
            return p->state & OFPPS_LINK_DOWN || p->config & OFPPC_PORT_DOWN;
    }
    return true;
}

static bool
end_is_ready(const struct lan_service *s, const struct link_end *end)
{
    const struct lan_node *n = lan_node_find(s, end->node);
    return n && lan_node_is_ready(n);
}

static bool
was_seen(const struct lan_link *l, int way)
{
    return l->seen[way] && clock_monotonic() - l->seen[way] <= LINK_LOST_AFTER;
}

enum verdict { LINK_DOWN, LINK_UP, LINK_NOT_KNOWN };

/* A link is up when it was seen lately both ways and no end says it is down. Seen one way only,
 * with both ends there, it is down: half a link carries nothing back. Of a link whose nodes are not
 * both there, or have not been for long enough to see it, nothing can be said. */
static enum verdict
judge_link(const struct lan_service *s, const struct link *link, struct lan_link *l)
{
    nsec_t now = clock_monotonic();
    if (!end_is_ready(s, &link->a) || !end_is_ready(s, &link->b))
        l->ready_since = 0;
    else if (!l->ready_since)
        l->ready_since = now;
    if (port_is_down(s, &link->a) || port_is_down(s, &link->b)) {
        l->ready_since = 0; /* when it has carrier again, it gets its time to be seen */
        return LINK_DOWN;
    }
    if (was_seen(l, 0) && was_seen(l, 1))
        return LINK_UP;
    if (!l->ready_since || now - s->discovered > 2 * DISCOVERY_INTERVAL)
        return LINK_NOT_KNOWN;
    return now - l->ready_since > LINK_LOST_AFTER ? LINK_DOWN : LINK_NOT_KNOWN;
}

static json_t *
seen_json(const struct link *link, const struct lan_link *l)
{
    json_t *seen = json_array();
    for (int way = 0; l && way < 2; way++) {
        if (was_seen(l, way))
            json_array_append_new(seen, json_string(way ? link->b.node : link->a.node));
    }
    return seen;
}

static bool
route_uses(const struct route *route, const char *link)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        if (!strcmp(route->links[i], link))
            return true;
    }
    return false;
}

/* How many circuits have a path over it. */
static uint32_t
count_users(const struct lan_service *s, const struct link *link)
{
    uint32_t n = 0;
    for (const struct design *d = s->planned->designs; d; d = d->hh.next)
        n += route_uses(&d->primary, link->name) ||
             (d->has_failover && route_uses(&d->failover, link->name));
    return n;
}

static void
raise_down(struct lan_service *s, const struct link *link, const char *object, bool silent)
{
    struct buf held = BUF_INIT, not_held = BUF_INIT;
    uint32_t n_users = count_users(s, link);
    const char *severity = n_users ? "major" : "minor";
    if (silent)
        lan_hold_describe(s, link, &held, &not_held);
    json_t *evidence = json_pack("{ss ss so ss ss}", "a", link->a.node, "b", link->b.node,
                                 "circuits", json_sprintf("%u", n_users), "held", buf_cstr(&held),
                                 "not-held", buf_cstr(&not_held));
    if (!silent)
        lan_raise(s, "link-down", severity, object, evidence,
                  "Link %s is down: a port of it is down.", link->name);
    else if (!held.size)
        lan_raise(
            s, "link-down", severity, object, evidence,
            "Link %s does not carry both ways, though its ports have carrier. Neither port can "
            "be held: traffic still goes there.",
            link->name);
    else
        lan_raise(s, "link-down", severity, object, evidence,
                  "Link %s does not carry both ways, though its ports have carrier. Held, so that "
                  "traffic takes its other path: %s%s%s.",
                  link->name, buf_cstr(&held), not_held.size ? "; not held: " : "",
                  buf_cstr(&not_held));
    buf_fini(&held);
    buf_fini(&not_held);
}

static void
tell_link(struct lan_service *s, const struct link *link, const struct lan_link *l, bool silent)
{
    char object[128];
    char *subject = lan_subject("lan.link.", link->name);
    snprintf(object, sizeof object, "link/%.100s", link->name);
    log_info("link %s is %s%s", link->name, l->up ? "up" : "down",
             silent ? ", though its ports have carrier" : "");
    lan_record(
        s, "link.state", object,
        json_pack("{ss sb so}", "link", link->name, "up", l->up, "seen", seen_json(link, l)));
    (void)bus_publish(s->config.bus, subject,
                      json_pack("{ss sb}", "link", link->name, "up", l->up));
    free(subject);
    if (l->up)
        lan_clear(s, "link-down", object, "it is up again");
    else
        raise_down(s, link, object, silent);
}

static void
tell_other_reason(struct lan_service *s, const struct link *link, bool silent)
{
    char object[128];
    snprintf(object, sizeof object, "link/%.100s", link->name);
    lan_clear(s, "link-down", object, "it is down for another reason now");
    raise_down(s, link, object, silent);
}

static void
update_link(struct lan_service *s, const struct link *link)
{
    struct lan_link *l = link_status(s, link->name);
    enum verdict verdict = judge_link(s, link, l);
    bool up = verdict == LINK_UP, news = verdict != LINK_NOT_KNOWN && (!l->known || l->up != up);
    bool silent = verdict == LINK_DOWN && !port_is_down(s, &link->a) && !port_is_down(s, &link->b);
    if (news) {
        l->known = true;
        l->up = up;
    }
    lan_hold_update(s, link, l, silent, up); /* what heals comes first */
    if (news)
        tell_link(s, link, l, silent);
    else if (verdict == LINK_DOWN && silent != l->silent)
        tell_other_reason(s, link, silent);
    if (verdict != LINK_NOT_KNOWN)
        l->silent = silent;
}

void
lan_links_update(struct lan_service *s)
{
    for (const struct link *link = s->config.state->network->links; link; link = link->hh.next)
        update_link(s, link);
}

static void
status_free(struct lan_service *s, struct lan_link *l)
{
    HASH_DEL(s->links, l);
    free(l->name);
    free(l);
}

void
lan_links_changed(struct lan_service *s)
{
    struct lan_link *l, *next;
    bool held = false;
    HASH_ITER (hh, s->links, l, next) {
        char object[128];
        held |= l->hold;
        snprintf(object, sizeof object, "link/%.100s", l->name);
        if (network_link(s->config.state->network, l->name))
            continue;
        lan_clear(s, "link-down", object, "it is no longer in the inventory");
        status_free(s, l);
    }
    for (struct lan_node *n = held ? s->nodes : NULL; n; n = n->hh.next)
        lan_hold_tell_node(s, n); /* a port may have no link now, or another one */
}

/* ---- What the inventory does not say ---- */

static void
misfit_free(struct lan_service *s, struct lan_misfit *m)
{
    HASH_DEL(s->misfits, m);
    free(m->at);
    free(m->from);
    free(m);
}

static void
clear_misfit(struct lan_service *s, struct lan_misfit *m, const char *reason)
{
    char object[160];
    snprintf(object, sizeof object, "port/%.150s", m->at);
    lan_clear(s, "link-unexpected", object, reason);
    misfit_free(s, m);
}

static void
expire_misfits(struct lan_service *s)
{
    struct lan_misfit *m, *next;
    HASH_ITER (hh, s->misfits, m, next) {
        if (clock_monotonic() - m->seen > LINK_LOST_AFTER)
            clear_misfit(s, m, "nothing is seen there any more");
    }
}

void
lan_links_free(struct lan_service *s)
{
    while (s->links)
        status_free(s, s->links);
    while (s->misfits)
        misfit_free(s, s->misfits);
}

static void
take_misfit(struct lan_service *s, const char *at, const char *from)
{
    char object[160];
    struct lan_misfit *m;
    HASH_FIND_STR(s->misfits, at, m);
    bool same = m && !strcmp(m->from, from);
    if (!m) {
        m = xcalloc(1, sizeof *m);
        m->at = xstrdup(at);
        HASH_ADD_KEYPTR(hh, s->misfits, m->at, strlen(m->at), m);
    }
    m->seen = clock_monotonic();
    if (same)
        return;
    free(m->from);
    m->from = xstrdup(from);
    snprintf(object, sizeof object, "port/%.150s", at);
    lan_raise(s, "link-unexpected", "major", object, json_pack("{ss ss}", "from", from, "to", at),
              "Port %s is connected to %s, which the inventory does not say.", at, from);
}

json_t *
lan_misfits_json(const struct lan_service *s)
{
    json_t *list = json_array();
    for (const struct lan_misfit *m = s->misfits; m; m = m->hh.next)
        json_array_append_new(list, json_pack("{ss ss}", "at", m->at, "from", m->from));
    return list;
}

json_t *
lan_link_json(const struct lan_service *s, const struct link *link)
{
    const struct lan_link *l;
    HASH_FIND_STR(s->links, link->name, l);
    return json_pack("{ss ss so sb}", "name", link->name, "state",
                     !l || !l->known ? "not-seen"
                     : l->up         ? "up"
                                     : "down",
                     "seen", seen_json(link, l), "held", l && l->hold);
}

/* ---- Sending and receiving ---- */

/* If this program itself was kept from working, frames are missing that nobody has lost: all links
 * have to be seen anew before anything is said of them. */
static void
allow_for_delay(struct lan_service *s)
{
    nsec_t now = clock_monotonic();
    if (s->discovered && now - s->discovered > 2 * DISCOVERY_INTERVAL) {
        for (struct lan_link *l = s->links; l; l = l->hh.next)
            l->ready_since = l->ready_since ? now : 0;
    }
    s->discovered = now;
}

void
lan_discover(struct lan_service *s)
{
    const struct network *net = s->config.state->network;
    allow_for_delay(s);
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        if (!lan_node_is_ready(n))
            continue;
        for (uint32_t i = 0; i < lan_switch_n_ports(n->sw); i++) {
            const struct openflow_port *port = &lan_switch_ports(n->sw)[i];
            if (port_is_real(port->port_no) && !network_host_at(net, n->name, port->port_no))
                send_frame(s, n, port);
        }
    }
    lan_links_update(s);
    expire_misfits(s);
}

/* Is it a frame of ours, sent just now? */
static bool
is_genuine(const struct lan_service *s, const struct lldp *lldp)
{
    uint8_t code[CODE_SIZE];
    if (lldp->token_size != TOKEN_SIZE)
        return false; /* a device of somebody else's, saying who it is */
    make_code(s, lldp->token, code);
    if (CRYPTO_memcmp(code, lldp->token + SIGNED_SIZE, CODE_SIZE))
        return false; /* of an earlier life of ours, or forged */
    nsec_t age = clock_monotonic() - (nsec_t)get_be64(lldp->token + 12);
    return age >= 0 && age <= FRAME_LIFE;
}

void
lan_take_lldp(struct lan_service *s, struct lan_node *n, uint32_t in_port, const uint8_t *frame,
              size_t size)
{
    struct lldp lldp;
    char at[160], from[160];
    struct lan_misfit *m;
    if (size < 14 || lldp_decode(frame + 14, size - 14, &lldp, NULL) || !is_genuine(s, &lldp))
        return;
    const struct node *sender = network_node_by_dpid(s->config.state->network,
                                                     get_be64(lldp.token));
    if (!sender)
        return;
    uint32_t from_port = get_be32(lldp.token + 8);
    nsec_t stamp = (nsec_t)get_be64(lldp.token + 12);
    struct link *link = network_link_at(s->config.state->network, n->name, in_port);
    const struct link_end *far = link ? link_far_end(link, n->name) : NULL;
    snprintf(at, sizeof at, "%.140s:%u", n->name, in_port);
    snprintf(from, sizeof from, "%.140s:%u", sender->name, from_port);
    if (!far || strcmp(far->node, sender->name) || far->port != from_port) {
        take_misfit(s, at, from);
        return;
    }
    HASH_FIND_STR(s->misfits, at, m);
    if (m)
        clear_misfit(s, m, "it is connected as the inventory says");
    struct lan_link *l = link_status(s, link->name);
    int way = !strcmp(link->a.node, n->name);
    if (stamp <= l->stamp[way])
        return; /* once more */
    l->stamp[way] = stamp;
    l->seen[way] = clock_monotonic();
    update_link(s, link);
}

void
lan_port_changed(struct lan_service *s, struct lan_node *n, const struct openflow_port *port)
{
    struct link *link = network_link_at(s->config.state->network, n->name, port->port_no);
    if (link)
        update_link(s, link);
    lan_publish_node(s, n);
}

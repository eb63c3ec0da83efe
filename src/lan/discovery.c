/* Links, by LLDP: every second a frame leaves each port that is not a host's, and where it comes in
 * tells what is connected to what. The frame carries the time, and a code made with a secret of
 * this process, or of all controllers that share links, so that nothing else on the wire can
 * pretend to be a link, nor a frame that was recorded be believed later. What is seen is compared
 * with the inventory. */
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
#define FOREIGN_SILENCE (10 * NSEC_PER_SEC)
#define FAULT_PATIENCE NSEC_PER_SEC /* with a fault that follows on another reason */

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

/* Of another controller's node nothing is known here: it is taken to be there. */
static bool
end_is_ready(const struct lan_service *s, const struct link_end *end)
{
    const struct lan_node *n = lan_node_find(s, end->node);
    return n && (n->foreign || lan_node_is_ready(n));
}

static bool
was_seen(const struct lan_link *l, int way)
{
    return l->seen[way] && clock_monotonic() - l->seen[way] <= LINK_LOST_AFTER;
}

/* What leaves towards another controller's node is seen there. */
static bool
is_seen_both_ways(const struct lan_service *s, const struct link *link, const struct lan_link *l)
{
    return (was_seen(l, 0) || lan_end_is_foreign(s, &link->b)) &&
           (was_seen(l, 1) || lan_end_is_foreign(s, &link->a));
}

/* What the agent at an end of a link says of its port; nothing said is nothing wrong. */
static enum port_reason
said_at(const struct lan_service *s, const struct link_end *end)
{
    const struct lan_said *said = lan_said(lan_node_find(s, end->node), end->port);
    return said ? said->reason : PORT_IS_USED;
}

static bool
is_faulty(const struct lan_service *s, const struct link *link)
{
    return lan_reason_is_fault(said_at(s, &link->a)) || lan_reason_is_fault(said_at(s, &link->b));
}

/* It was said to be faulty, and an end does not use it again yet. */
static bool
is_still_waiting(const struct lan_service *s, const struct link *link, const struct lan_link *l)
{
    return l->known && !l->up && (l->cause == CAUSE_FAULT || l->cause == CAUSE_WAITS) &&
           (said_at(s, &link->a) == PORT_WAITS || said_at(s, &link->b) == PORT_WAITS);
}

enum verdict { LINK_DOWN, LINK_UP, LINK_NOT_KNOWN };

/* Down by what its ports say, at once. When they say nothing of the kind any more, it gets its time
 * to be seen. */
static enum link_cause
down_by_ports(const struct lan_service *s, const struct link *link, const struct lan_link *l)
{
    if (port_is_down(s, &link->a) || port_is_down(s, &link->b))
        return CAUSE_PORT_DOWN;
    if (is_faulty(s, link))
        return CAUSE_FAULT;
    if (is_still_waiting(s, link, l)) /* by itself it ends soon, and is not worth telling */
        return s->config.state->network->settings.revertive ? l->cause : CAUSE_WAITS;
    return CAUSE_NONE;
}

/* A link is up when it was seen lately both ways and no end says it is down. Seen one way only,
 * with both ends there, it is down: half a link carries nothing back. Of a link whose nodes are not
 * both there, or have not been for long enough to see it, nothing can be said, unless one of them
 * says it. `cause` is set where it is down. */
static enum verdict
judge_link(const struct lan_service *s, const struct link *link, struct lan_link *l,
           enum link_cause *cause)
{
    nsec_t now = clock_monotonic();
    if (!end_is_ready(s, &link->a) || !end_is_ready(s, &link->b))
        l->ready_since = 0;
    else if (!l->ready_since)
        l->ready_since = now;
    *cause = down_by_ports(s, link, l);
    if (*cause) {
        l->ready_since = 0;
        return LINK_DOWN;
    }
    if (is_seen_both_ways(s, link, l))
        return LINK_UP;
    if (!l->ready_since || now - s->discovered > 2 * DISCOVERY_INTERVAL ||
        now - l->ready_since <= LINK_LOST_AFTER)
        return LINK_NOT_KNOWN;
    *cause = CAUSE_UNSEEN;
    return LINK_DOWN;
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
describe_end(const struct lan_service *s, const struct link_end *at, const struct link_end *far,
             struct buf *out)
{
    lan_describe_port(out, at, far, port_is_down(s, at) ? PORT_IS_DOWN : said_at(s, at));
}

/* Why the link is down or not used, in words; nothing if it is neither. */
static void
describe_link(const struct lan_service *s, const struct link *link, const struct lan_link *l,
              struct buf *out)
{
    const struct link_end *from[] = {&link->a, &link->b}, *to[] = {&link->b, &link->a};
    describe_end(s, &link->a, &link->b, out);
    describe_end(s, &link->b, &link->a, out);
    for (int way = 0; l && l->known && !l->up && l->cause == CAUSE_UNSEEN && way < 2; way++) {
        if (!was_seen(l, way))
            buf_printf(out, "%s%s port %u does not see %s (discovery)", out->size ? "; " : "",
                       to[way]->node, to[way]->port, from[way]->node);
    }
}

static void
raise_unseen(struct lan_service *s, const struct link *link, const char *severity,
             const char *object, json_t *evidence)
{
    struct buf held = BUF_INIT, not_held = BUF_INIT;
    lan_hold_describe(s, link, &held, &not_held);
    json_object_set_new(evidence, "held", json_string(buf_cstr(&held)));
    json_object_set_new(evidence, "not-held", json_string(buf_cstr(&not_held)));
    if (!held.size)
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
raise_down(struct lan_service *s, const struct link *link, const struct lan_link *l,
           const char *object)
{
    struct buf reason = BUF_INIT;
    uint32_t n_users = count_users(s, link);
    const char *severity = n_users ? "major" : "minor";
    describe_link(s, link, l, &reason);
    json_t *evidence = json_pack("{ss ss so ss ss ss}", "a", link->a.node, "b", link->b.node,
                                 "circuits", json_sprintf("%u", n_users), "held", "", "not-held",
                                 "", "reason", buf_cstr(&reason));
    if (l->cause == CAUSE_UNSEEN)
        raise_unseen(s, link, severity, object, evidence);
    else if (l->cause == CAUSE_WAITS)
        lan_raise(s, "link-down", severity, object, evidence,
                  "Link %s carries again, but is not used until somebody releases it: %s.",
                  link->name, buf_cstr(&reason));
    else
        lan_raise(s, "link-down", severity, object, evidence, "Link %s is down: %s.", link->name,
                  buf_cstr(&reason));
    buf_fini(&reason);
}

static json_t *
link_news(const struct link *link, const struct lan_link *l, const char *reason)
{
    json_t *news = json_pack("{ss sb}", "link", link->name, "up", l->up);
    if (!l->up)
        json_object_set_new(news, "reason", json_string(reason));
    return news;
}

static void
tell_link(struct lan_service *s, const struct link *link, struct lan_link *l)
{
    char object[128];
    char *subject = lan_subject("lan.link.", link->name);
    struct buf reason = BUF_INIT;
    describe_link(s, link, l, &reason);
    snprintf(object, sizeof object, "link/%.100s", link->name);
    if (l->up)
        log_info("link %s is up", link->name);
    else
        log_info("link %s is down: %s", link->name, buf_cstr(&reason));
    json_t *event = link_news(link, l, buf_cstr(&reason));
    json_object_set_new(event, "seen", seen_json(link, l));
    lan_record(s, "link.state", object, event);
    (void)bus_publish(s->config.bus, subject, link_news(link, l, buf_cstr(&reason)));
    free(subject);
    buf_fini(&reason);
    l->told_cause = l->cause;
    l->other_since = 0;
    if (l->up)
        lan_clear(s, "link-down", object, "it is up again");
    else
        raise_down(s, link, l, object);
}

/* A port that has its carrier again is silent until its peer is found, which is soon. */
static bool
is_other_cause(struct lan_link *l)
{
    nsec_t now = clock_monotonic();
    if (l->up || l->cause == l->told_cause) {
        l->other_since = 0;
        return false;
    }
    l->other_since = l->other_since ? l->other_since : now;
    return l->cause != CAUSE_FAULT || now - l->other_since >= FAULT_PATIENCE;
}

static void
tell_other_cause(struct lan_service *s, const struct link *link, struct lan_link *l)
{
    char object[128];
    l->told_cause = l->cause;
    l->other_since = 0;
    snprintf(object, sizeof object, "link/%.100s", link->name);
    lan_clear(s, "link-down", object, "it is down for another reason now");
    raise_down(s, link, l, object);
}

/* Do other controllers send frames at all? When none comes by any link, theirs have ended rather
 * than all links at once: groups keep these ports, for there is no better one. Less than what a
 * link may be silent for: frames of one controller leave within a moment. */
static bool
others_are_heard(const struct lan_service *s)
{
    nsec_t now = clock_monotonic();
    for (const struct lan_heard *heard = s->heard; heard; heard = heard->hh.next) {
        if (now - heard->when <= 2 * DISCOVERY_INTERVAL)
            return true;
    }
    return false;
}

static bool
is_to_be_held(const struct lan_service *s, const struct link *link, enum link_cause cause)
{
    bool ours = !lan_end_is_foreign(s, &link->a) && !lan_end_is_foreign(s, &link->b);
    return cause == CAUSE_UNSEEN && (ours || others_are_heard(s));
}

static void
update_link(struct lan_service *s, const struct link *link)
{
    struct lan_link *l = link_status(s, link->name);
    enum link_cause cause;
    enum verdict verdict = judge_link(s, link, l, &cause);
    bool up = verdict == LINK_UP, news = verdict != LINK_NOT_KNOWN && (!l->known || l->up != up);
    bool fails = cause == CAUSE_FAULT && l->cause != CAUSE_FAULT;
    if (news) {
        l->known = true;
        l->up = up;
    }
    if (verdict != LINK_NOT_KNOWN)
        l->cause = cause;
    lan_hold_update(s, link, l, is_to_be_held(s, link, cause), up); /* what heals comes first */
    if (news)
        tell_link(s, link, l);
    else if (verdict == LINK_DOWN && is_other_cause(l))
        tell_other_cause(s, link, l);
    if (fails) /* what was seen before does not make it well */
        l->seen[0] = l->seen[1] = 0;
}

void
lan_links_update(struct lan_service *s)
{
    for (const struct link *link = s->config.state->network->links; link; link = link->hh.next) {
        if (lan_link_is_ours(s, link))
            update_link(s, link);
    }
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

static void
heard_free(struct lan_service *s)
{
    struct lan_heard *heard, *next;
    HASH_ITER (hh, s->heard, heard, next) {
        HASH_DEL(s->heard, heard);
        free(heard->site);
        free(heard);
    }
}

void
lan_links_free(struct lan_service *s)
{
    while (s->links)
        status_free(s, s->links);
    while (s->misfits)
        misfit_free(s, s->misfits);
    heard_free(s);
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
    struct buf reason = BUF_INIT;
    json_t *row = json_pack("{ss ss so sb}", "name", link->name, "state",
                            !l || !l->known ? "not-seen"
                            : l->up         ? "up"
                                            : "down",
                            "seen", seen_json(link, l), "held", l && l->hold);
    describe_link(s, link, l, &reason);
    if (reason.size)
        json_object_set_new(row, "reason", json_string(buf_cstr(&reason)));
    buf_fini(&reason);
    return row;
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

static struct lan_heard *
find_heard(const struct lan_service *s, const struct node *sender)
{
    struct lan_heard *heard;
    HASH_FIND_STR(s->heard, sender->site, heard);
    return heard;
}

static void
note_heard(struct lan_service *s, const struct node *sender, nsec_t stamp)
{
    struct lan_heard *heard = find_heard(s, sender);
    if (!heard) {
        heard = xcalloc(1, sizeof *heard);
        heard->site = xstrdup(sender->site);
        HASH_ADD_KEYPTR(hh, s->heard, heard->site, strlen(heard->site), heard);
    }
    nsec_t now = clock_monotonic();
    heard->stamp = now - heard->when > FOREIGN_SILENCE ? stamp : MAX(stamp, heard->stamp);
    heard->when = now;
}

/* Was it sent just now? Another controller's clock began to count at another time: what says so is
 * older than what was heard of its site by any link. Only after silence of all of them it may be
 * one that was restarted and counts anew. */
static bool
is_fresh(const struct lan_service *s, const struct node *sender, nsec_t stamp)
{
    nsec_t now = clock_monotonic();
    if (lan_is_ours(s, sender))
        return now - stamp >= 0 && now - stamp <= FRAME_LIFE;
    const struct lan_heard *heard = find_heard(s, sender);
    return stamp >= 0 &&
           (!heard || now - heard->when > FOREIGN_SILENCE || stamp > heard->stamp - FRAME_LIFE);
}

/* No frame is believed twice. Of a link that was silent for long the stamp may be of an earlier
 * life of its controller. */
static bool
is_again(const struct lan_service *s, const struct node *sender, const struct lan_link *l, int way,
         nsec_t stamp)
{
    if (!lan_is_ours(s, sender) && clock_monotonic() - l->seen[way] > FOREIGN_SILENCE)
        return false;
    return stamp <= l->stamp[way];
}

/* Is it a frame of ours, or of another controller that has our secret? */
static bool
is_genuine(const struct lan_service *s, const struct lldp *lldp)
{
    uint8_t code[CODE_SIZE];
    if (lldp->token_size != TOKEN_SIZE)
        return false; /* a device of somebody else's, saying who it is */
    make_code(s, lldp->token, code);
    return !CRYPTO_memcmp(code, lldp->token + SIGNED_SIZE, CODE_SIZE); /* else of an earlier life */
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
    nsec_t stamp = (nsec_t)get_be64(lldp.token + 12);
    if (!sender || !is_fresh(s, sender, stamp))
        return;
    uint32_t from_port = get_be32(lldp.token + 8);
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
    if (is_again(s, sender, l, way, stamp))
        return;
    if (!lan_is_ours(s, sender))
        note_heard(s, sender, stamp);
    l->stamp[way] = stamp;
    l->seen[way] = clock_monotonic();
    update_link(s, link);
}

void
lan_port_changed(struct lan_service *s, struct lan_node *n, uint32_t port)
{
    struct link *link = network_link_at(s->config.state->network, n->name, port);
    if (link)
        update_link(s, link);
    lan_publish_node(s, n);
}

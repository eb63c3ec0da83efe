/* Links, by LLDP: every second a frame leaves each port that is not a host's, and where it comes in
 * tells what is connected to what. The frame carries a code made with a secret of this process, so
 * that nothing else on the wire can pretend to be a link. What is seen is compared with the
 * inventory. */
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
#define TOKEN_SIZE (8 + 4 + CODE_SIZE) /* datapath id, port, code */

static void
make_code(const struct lan_service *s, const uint8_t *what, uint8_t code[CODE_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), s->secret, sizeof s->secret, what, 12, digest, &size))
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
    make_code(s, lldp.token, lldp.token + 12);
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

/* A link is up when it was seen lately both ways and no end says it is down. Seen one way only,
 * with both ends there, it is down: half a link carries nothing back. */
static bool
judge_link(const struct lan_service *s, const struct link *link, const struct lan_link *l)
{
    nsec_t now = clock_monotonic();
    if (port_is_down(s, &link->a) || port_is_down(s, &link->b))
        return false;
    for (int way = 0; way < 2; way++) {
        if (!l->seen[way] || now - l->seen[way] > LINK_LOST_AFTER)
            return false;
    }
    return true;
}

static void
update_link(struct lan_service *s, const struct link *link)
{
    struct lan_link *l = link_status(s, link->name);
    bool up = judge_link(s, link, l);
    char object[128];
    if (l->known && l->up == up)
        return;
    /* Nothing can be said of a link whose nodes are not both there, unless an end says it is down.
     */
    if (!up && (!end_is_ready(s, &link->a) || !end_is_ready(s, &link->b)) &&
        !port_is_down(s, &link->a) && !port_is_down(s, &link->b))
        return;
    /* Just connected: give discovery time to see it. */
    if (!up && !l->known && !l->seen[0] && !l->seen[1] && !port_is_down(s, &link->a) &&
        !port_is_down(s, &link->b))
        return;
    l->known = true;
    l->up = up;
    snprintf(object, sizeof object, "link/%.100s", link->name);
    log_info("link %s is %s", link->name, up ? "up" : "down");
    lan_record(s, "link.state", object, json_pack("{ss sb}", "link", link->name, "up", up));
    (void)bus_publish(s->config.bus, "lan.link.changed",
                      json_pack("{ss sb}", "link", link->name, "up", up));
    if (up)
        lan_clear(s, "link-down", object, "it is up again");
    else
        lan_raise(s, "link-down", "minor", object,
                  json_pack("{ss ss}", "a", link->a.node, "b", link->b.node), "Link %s is down.",
                  link->name);
}

void
lan_links_update(struct lan_service *s)
{
    for (const struct link *link = s->config.state->network->links; link; link = link->hh.next)
        update_link(s, link);
}

void
lan_links_free(struct lan_service *s)
{
    struct lan_link *l, *next;
    HASH_ITER (hh, s->links, l, next) {
        HASH_DEL(s->links, l);
        free(l->name);
        free(l);
    }
}

void
lan_discover(struct lan_service *s)
{
    const struct network *net = s->config.state->network;
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
}

static void
tell_unexpected(struct lan_service *s, const struct lan_node *from, uint32_t from_port,
                const struct lan_node *to, uint32_t to_port)
{
    char object[128], a[96], b[96];
    snprintf(a, sizeof a, "%.80s:%u", from->name, from_port);
    snprintf(b, sizeof b, "%.80s:%u", to->name, to_port);
    snprintf(object, sizeof object, "node/%.100s", to->name);
    lan_raise(s, "link-unexpected", "major", object, json_pack("{ss ss}", "from", a, "to", b),
              "Port %s is connected to %s, which the inventory does not say.", b, a);
}

void
lan_take_lldp(struct lan_service *s, struct lan_node *n, uint32_t in_port, const uint8_t *frame,
              size_t size)
{
    struct lldp lldp;
    uint8_t code[CODE_SIZE];
    if (size < 14 || lldp_decode(frame + 14, size - 14, &lldp, NULL) ||
        lldp.token_size != TOKEN_SIZE)
        return; /* a device of somebody else's, saying who it is */
    make_code(s, lldp.token, code);
    const struct node *sender = network_node_by_dpid(s->config.state->network,
                                                     get_be64(lldp.token));
    if (CRYPTO_memcmp(code, lldp.token + 12, CODE_SIZE) || !sender)
        return; /* of an earlier life of ours, or forged: either way no link */
    struct lan_node *from = lan_node_find(s, sender->name);
    uint32_t from_port = get_be32(lldp.token + 8);
    struct link *link = network_link_at(s->config.state->network, n->name, in_port);
    const struct link_end *far = link ? link_far_end(link, n->name) : NULL;
    if (!from)
        return;
    if (!far || strcmp(far->node, from->name) || far->port != from_port) {
        tell_unexpected(s, from, from_port, n, in_port);
        return;
    }
    link_status(s, link->name)->seen[!strcmp(link->a.node, n->name)] = clock_monotonic();
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

#include "edge/ptp_worker_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>

#define PEER_TOKEN 0x40000000u /* in a token: ptp_peer.h's, not ptp_clock.h's */

struct ptp_node *
ptp_node_new(const struct ptp_options *options)
{
    if (options->mode == PTP_OFF)
        return NULL;
    struct ptp_node *n = xcalloc(1, sizeof *n);
    n->options = *options;
    n->clock = ptp_clock_new(options->mode, &options->domains);
    return n;
}

void
ptp_node_free(struct ptp_node *n)
{
    if (!n)
        return;
    for (unsigned i = 0; i < ptp_clock_n_ports(n->clock); i++)
        ptp_peer_free(n->ports[i].peer);
    ptp_clock_free(n->clock);
    free(n);
}

struct ptp_worker *
ptp_worker_new(struct ptp_node *node, const struct ptp_worker_io *io)
{
    if (!node)
        return NULL;
    struct ptp_worker *w = xcalloc(1, sizeof *w);
    w->node = node;
    w->io = *io;
    w->next_run = NSEC_NEVER;
    return w;
}

void
ptp_worker_free(struct ptp_worker *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < w->n_held; i++)
        packet_unref(w->held[i].packet);
    free(w);
}

static uint8_t
first_domain(const struct ptp_domains *domains)
{
    unsigned domain = 0;
    while (domain < 255 && !ptp_domains_has(domains, (uint8_t)domain))
        domain++;
    return (uint8_t)domain;
}

static struct ptp_peer *
new_peer(struct ptp_worker *w, unsigned i, const struct edge_port *port, const struct port_io *io)
{
    struct ptp_peer_config config = {
        .identity = {.port = (uint16_t)port->number},
        .domain = first_domain(&w->node->options.domains),
        .headers = {.src = port->mac, .dst = ptp_peer_delay_mac},
        .tx_stamps = port_has_tx_stamps(io),
        .hardware = port_hardware_clock(io) >= 0,
        .first = clock_monotonic() + (i + 1) * (PTP_PEER_INTERVAL / 16),
    };
    /* One clock, so one identity: that of its first port. */
    const struct mac *mac = i ? &w->node->ports[0].port->mac : &port->mac;
    ptp_clock_from_mac(mac->octets, config.identity.clock);
    return ptp_peer_new(&config);
}

/* RFC 3927: one of 169.254.1.0 to 169.254.254.255, from the MAC address. */
static uint32_t
automatic_address(const struct mac *mac)
{
    return 0xa9fe0000u + (uint32_t)(mac->octets[4] % 254 + 1) * 256 + mac->octets[5];
}

unsigned
ptp_worker_add_port(struct ptp_worker *w, struct edge_port *port, struct port_io *io)
{
    unsigned i = ptp_clock_add_port(w->node->clock, port->number, port_hardware_clock(io),
                                    port_has_tx_stamps(io));
    w->node->ports[i] = (struct ptp_worker_port){.owner = w, .port = port, .io = io};
    w->node->ports[i].address = w->node->options.address ? w->node->options.address
                                                         : automatic_address(&port->mac);
    if (w->node->options.mode != PTP_P2P)
        return i;
    w->node->ports[i].peer = new_peer(w, i, port, io);
    w->next_run = 0;
    return i;
}

static unsigned
index_of(const struct ptp_worker *w, uint32_t number)
{
    unsigned n = ptp_clock_n_ports(w->node->clock), i = 0;
    while (i < n && w->node->ports[i].port->number != number)
        i++;
    return i;
}

/* ---- In ---- */

/* Whether a frame that is not parsed yet may have a message for the link: two tags at most. */
static bool
may_be_peer_delay(const struct packet *p)
{
    uint32_t at = 12;
    while (at < 20 && p->size >= at + 48 &&
           (get_be16(p->data + at) == ETH_TYPE_VLAN || get_be16(p->data + at) == ETH_TYPE_SVLAN))
        at += 4;
    if (p->size < at + 2 + PTP_PDELAY_SIZE)
        return false;
    const uint8_t *type = p->data + at;
    switch (get_be16(type)) {
    case ETH_TYPE_PTP:
        return (type[2] & 0x0f) == PTP_PDELAY_REQ || (type[2] & 0x0f) == PTP_PDELAY_RESP ||
               (type[2] & 0x0f) == PTP_PDELAY_RESP_FOLLOW_UP;
    case ETH_TYPE_IPV4:
        return type[2 + 9] == IP_PROTO_UDP;
    case ETH_TYPE_IPV6:
        return type[2 + 6] == IP_PROTO_UDP;
    default:
        return false;
    }
}

static bool
is_peer_delay(const struct ptp_worker *w, const struct ptp_message *m)
{
    return (m->type == PTP_PDELAY_REQ || m->type == PTP_PDELAY_RESP ||
            m->type == PTP_PDELAY_RESP_FOLLOW_UP) &&
           m->sdo == 0 && ptp_domains_has(&w->node->options.domains, m->domain);
}

/* True: it was the link's, or is nobody's in this mode. */
static bool
take_peer_delay(struct ptp_worker *w, unsigned port, struct packet *p, nsec_t now)
{
    struct ptp_worker_port *wp = &w->node->ports[port];
    struct ptp_place place;
    struct ptp_message m;
    struct ptp_headers reply;
    struct flow_key key;
    struct mac to;
    packet_parse(p, &key);
    if (!ptp_frame_may_be(p) || !ptp_frame_find(p, &place) ||
        ptp_decode(p->data + place.message, place.size, &m) || !is_peer_delay(w, &m))
        return false;
    memcpy(to.octets, p->data, 6);
    if (mac_is_group(&to) || mac_equal(&to, &wp->port->mac)) {
        const struct ptp_stamp arrival = {p->rx_time, p->rx_time_kernel, p->rx_hardware};
        ptp_frame_reply(p, &wp->port->mac, wp->address, &reply);
        ptp_peer_input(wp->peer, &m, &reply, &arrival, now);
        w->next_run = 0;
    } else {
        counter_add(&w->io.dp->drops[DROP_PTP], 1);
    }
    packet_unref(p);
    return true;
}

unsigned
ptp_worker_receive(struct ptp_worker *w, unsigned port, struct packet **packets, unsigned n,
                   nsec_t now)
{
    unsigned kept = 0;
    if (!w->node->ports[port].peer)
        return n;
    for (unsigned i = 0; i < n; i++) {
        if (!may_be_peer_delay(packets[i]) || !take_peer_delay(w, port, packets[i], now))
            packets[kept++] = packets[i];
    }
    return kept;
}

/* ---- Out ---- */

static void
discard(struct ptp_worker *w, unsigned port, struct packet *p, enum drop_reason reason)
{
    counter_add(&w->io.dp->drops[reason], 1);
    counter_add(&w->node->ports[port].port->tx.dropped, 1);
    packet_unref(p);
}

/* A message that waits for the stamp of the one before it; without a place it goes as it is. */
static bool
hold(struct ptp_worker *w, unsigned port, struct packet *p, nsec_t until)
{
    if (w->n_held == PTP_HELD)
        return false;
    w->held[w->n_held++] = (struct held){p, port, until};
    w->next_run = MIN(w->next_run, until);
    return true;
}

/* Sends the packet, or its own copy of one that others have too, corrected; if there is no room, as
 * if it had not been tried. */
static enum ptp_sent
send_corrected(struct ptp_worker *w, unsigned port, struct packet *p, const struct ptp_place *place,
               const struct ptp_departure *d)
{
    bool changes = d->correction || d->token;
    struct packet *own = changes && p->n_refs > 1 ? packet_copy(p) : p;
    if (!own) {
        discard(w, port, p, DROP_NO_BUFFER);
        return PTP_TAKEN;
    }
    int64_t added = d->correction ? ptp_frame_correct(own, place, d->correction) : 0;
    if (changes)
        own->tx_token = d->token ? PACKET_TOKEN_PTP | d->token : 0;
    struct packet *sent = own;
    if (port_send(w->node->ports[port].io, &sent, 1)) {
        if (own != p)
            packet_unref(p);
        return PTP_SENT;
    }
    if (own != p)
        packet_unref(own);
    else if (changes) {
        ptp_frame_correct(p, place, -added);
        p->tx_token = 0;
    }
    return PTP_NO_ROOM;
}

static enum ptp_sent
send_message(struct ptp_worker *w, unsigned port, struct packet *p, nsec_t now, unsigned in,
             const struct ptp_place *place)
{
    const struct ptp_stamp arrival = {p->rx_time, p->rx_time_kernel, p->rx_hardware};
    struct ptp_departure d;
    nsec_t wall = clock_wall();
    ptp_clock_depart(w->node->clock, in, port, &arrival, p->data + place->message, place->size,
                     wall, now, &d);
    if (d.verdict == PTP_WAIT && hold(w, port, p, d.until))
        return PTP_TAKEN;
    enum ptp_sent sent = PTP_TAKEN;
    if (d.verdict == PTP_DISCARD)
        discard(w, port, p, DROP_PTP);
    else
        sent = send_corrected(w, port, p, place, &d);
    if (sent == PTP_SENT || d.verdict == PTP_DISCARD)
        ptp_clock_departed(w->node->clock, &d, wall, now);
    return sent;
}

enum ptp_sent
ptp_worker_send(struct ptp_worker *w, unsigned port, struct packet *p, nsec_t now)
{
    struct ptp_place place;
    unsigned in = index_of(w, p->in_port);
    if (in < ptp_clock_n_ports(w->node->clock) && p->rx_time && ptp_frame_find(p, &place))
        return send_message(w, port, p, now, in, &place);
    return port_send(w->node->ports[port].io, &p, 1) ? PTP_SENT : PTP_NO_ROOM;
}

bool
ptp_worker_stamp(struct ptp_worker *w, unsigned port, const struct port_tx_stamp *stamp)
{
    const struct ptp_stamp left = {stamp->wall, true, stamp->hardware};
    if (!(stamp->token & PACKET_TOKEN_PTP))
        return false;
    uint32_t token = stamp->token & ~PACKET_TOKEN_PTP;
    if (token & PEER_TOKEN) {
        ptp_peer_left(w->node->ports[port].peer, token & ~PEER_TOKEN, &left, 0);
        w->next_run = 0;
        return true;
    }
    ptp_clock_stamp(w->node->clock, port, token, &left);
    for (unsigned i = 0; i < w->n_held; i++) /* perhaps the one that is waited for */
        w->held[i].until = 0;
    w->next_run = w->n_held ? 0 : w->next_run;
    return true;
}

/* ---- What is due ---- */

/* They are asked about again; those that still must wait come back here. */
static void
release_held(struct ptp_worker *w, nsec_t now)
{
    unsigned n = w->n_held;
    struct held held[PTP_HELD];
    memcpy(held, w->held, n * sizeof *held);
    w->n_held = 0;
    for (unsigned i = 0; i < n; i++) {
        if (held[i].until > now) {
            w->held[w->n_held++] = held[i];
            w->next_run = MIN(w->next_run, held[i].until);
            continue;
        }
        w->io.queue(w->io.arg, w->node->ports[held[i].port].port, held[i].packet);
        packet_unref(held[i].packet);
    }
}

static void
send_own(struct ptp_worker *w, struct ptp_worker_port *wp, const struct ptp_peer_output *out,
         nsec_t now)
{
    struct packet *p = packet_new(w->io.pool, PTP_FRAME_MAX);
    if (!p) {
        counter_add(&w->io.dp->drops[DROP_NO_BUFFER], 1);
        return;
    }
    p->size = ptp_frame_write(&out->headers, &out->message, p->data);
    p->tx_token = out->token ? PACKET_TOKEN_PTP | PEER_TOKEN | out->token : 0;
    uint32_t octets = p->size;
    const struct ptp_stamp left = {.software = clock_wall()};
    if (!port_send(wp->io, &p, 1)) { /* as if it had been lost on the wire */
        packet_unref(p);
        return;
    }
    counter_add(&wp->port->tx.packets, 1);
    counter_add(&wp->port->tx.octets, octets);
    if (out->token)
        ptp_peer_left(wp->peer, out->token, &left, now);
}

static void
run_peer(struct ptp_worker *w, unsigned i, nsec_t now)
{
    struct ptp_worker_port *wp = &w->node->ports[i];
    struct ptp_peer_output out;
    nsec_t delay;
    bool up = atomic_load_explicit(&wp->port->up, memory_order_acquire);
    if (!up && wp->was_up)
        ptp_peer_reset(wp->peer, now);
    if (up && !wp->was_up)
        ptp_peer_reset(wp->peer, now + NSEC_PER_SEC / 4); /* the other end, too, has to come up */
    wp->was_up = up;
    while (up && ptp_peer_output(wp->peer, now, &out))
        send_own(w, wp, &out, now);
    bool known = ptp_peer_delay(wp->peer, &delay);
    ptp_clock_set_link_delay(w->node->clock, i, known ? delay : -1);
    w->next_run = MIN(w->next_run, up ? ptp_peer_deadline(wp->peer) : now + NSEC_PER_SEC / 4);
}

void
ptp_worker_run(struct ptp_worker *w, nsec_t now)
{
    if (now < w->next_run)
        return;
    w->next_run = NSEC_NEVER;
    release_held(w, now);
    for (unsigned i = 0; i < ptp_clock_n_ports(w->node->clock); i++) {
        if (w->node->ports[i].peer && w->node->ports[i].owner == w)
            run_peer(w, i, now);
    }
}

nsec_t
ptp_worker_deadline(const struct ptp_worker *w)
{
    return w->next_run;
}

#include "detect/tcp_watch.h"

#include "base/alloc.h"

#include <stdlib.h>

#define CONNECTIONS 8192
#define PROTO_TCP 6
#define FAR (1 << 24) /* octets; windows are smaller, and so is what captures lose */
#define TTL_STEP 5    /* routes that change have not so many routers more or less */
#define STORM 25      /* acknowledgements of the same, each way, in a second */

struct source {
    struct mac mac, before; /* zero: not heard yet */
    uint8_t ttl;            /* 0: not heard yet */
    uint32_t seq, ack;      /* of the last acknowledgement without data */
    uint32_t n_same;
    uint32_t confirmed; /* that the other end has told it to have */
    bool is_confirmed;
};

struct connection {
    struct conversation_key key;
    struct source sources[2];
    nsec_t window;
    bool is_storm;
};

struct tcp_watch {
    struct watch_config config;
    struct watch_table *connections;
};

struct tcp_watch *
tcp_watch_new(const struct watch_config *config)
{
    struct tcp_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->connections = watch_table_of(config, CONNECTIONS, sizeof(struct connection),
                                    sizeof(struct conversation_key));
    return w;
}

void
tcp_watch_free(struct tcp_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->connections);
    free(w);
}

#define TELL(name, ...) watch_tell(&w->config, at, name, NULL, __VA_ARGS__)

/* ---- Who sends ---- */

static bool
is_other_mac(const struct source *s, const struct layers *l)
{
    return l->has_mac && !mac_is_zero(&s->mac) && !mac_equal(&s->mac, &l->src_mac) &&
           !watch_mac_is_virtual(&s->mac) && !watch_mac_is_virtual(&l->src_mac);
}

static bool
is_other_ttl(const struct source *s, const struct layers *l)
{
    return s->ttl && abs(s->ttl - l->ttl) >= TTL_STEP;
}

static void
judge_reset(struct tcp_watch *w, const struct source *s, const struct layers *l,
            const struct sight *at)
{
    char a[MAC_TEXT_SIZE], b[MAC_TEXT_SIZE];
    if (is_other_mac(s, l))
        TELL("tcp-reset-by-other", "from %s, the end is behind %s", mac_format(&l->src_mac, a),
             mac_format(&s->mac, b));
    else if (is_other_ttl(s, l))
        TELL("tcp-reset-by-other", "TTL %u, the end's is %u", l->ttl, s->ttl);
}

static void
judge_source(struct tcp_watch *w, struct source *s, const struct layers *l, const struct sight *at)
{
    char a[MAC_TEXT_SIZE], b[MAC_TEXT_SIZE];
    if (is_other_mac(s, l) && mac_equal(&s->before, &l->src_mac))
        TELL("tcp-second-mac", "from %s and %s by turns", mac_format(&l->src_mac, a),
             mac_format(&s->mac, b));
    else if (is_other_mac(s, l))
        TELL("tcp-source-moved", "from %s after %s", mac_format(&l->src_mac, a),
             mac_format(&s->mac, b));
    if (is_other_ttl(s, l))
        TELL("tcp-ttl-changed", "TTL %u after %u", l->ttl, s->ttl);
    if (l->has_mac && !mac_equal(&s->mac, &l->src_mac)) {
        s->before = s->mac;
        s->mac = l->src_mac;
    }
    s->ttl = l->ttl;
}

/* ---- Acknowledgements ---- */

static void
judge_acknowledgement(struct tcp_watch *w, struct connection *c, const struct layers *l,
                      const struct sight *at)
{
    struct source *s = &c->sources[at->way];
    if (at->now - c->window >= NSEC_PER_SEC || at->now < c->window) {
        c->window = at->now;
        c->is_storm = false;
        c->sources[0].n_same = c->sources[1].n_same = 0;
    }
    s->n_same += s->seq == l->tcp_seq && s->ack == l->tcp_ack;
    s->seq = l->tcp_seq;
    s->ack = l->tcp_ack;
    if (c->is_storm || c->sources[0].n_same < STORM || c->sources[1].n_same < STORM)
        return;
    c->is_storm = true;
    TELL("tcp-ack-storm", "both ends acknowledge the same again, %u and %u times in a second",
         c->sources[0].n_same, c->sources[1].n_same);
}

/* ---- Packets ---- */

/* Far from what was heard, and from what the other end has: it is not the capture that lost much.
 */
static bool
is_outside(const struct source *s, const struct stream *stream, const struct layers *l)
{
    int32_t begins = (int32_t)(l->tcp_seq - stream->next);
    int32_t ahead = (int32_t)(l->tcp_seq - s->confirmed);
    if (!stream->is_begun || (begins <= FAR && begins >= -FAR))
        return false;
    return !s->is_confirmed || ahead > FAR || ahead < -FAR;
}

static void
begin_anew(struct connection *c)
{
    memset((char *)c + sizeof c->key, 0, sizeof *c - sizeof c->key);
}

static struct connection *
connection_of(struct tcp_watch *w, const struct sight *at)
{
    struct connection *c = watch_table_again(w->connections, at->memory->connection);
    bool is_new;
    if (c)
        return c;
    c = watch_table_get(w->connections, &at->conversation->key, &is_new);
    at->memory->connection = watch_table_place(w->connections, c);
    return c;
}

void
tcp_watch_packet(struct tcp_watch *w, const struct sight *at, const struct layers *l)
{
    bool has_data = l->size > 0;
    if (!l->ip || l->proto != PROTO_TCP || !l->has_ports)
        return;
    const struct stream *stream = &at->conversation->streams[at->way];
    struct connection *c = connection_of(w, at);
    if ((l->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
        begin_anew(c);
    struct source *s = &c->sources[at->way];
    if (l->tcp_flags & TCP_SYN)
        return;
    if (l->tcp_flags & TCP_ACK) {
        c->sources[!at->way].confirmed = l->tcp_ack;
        c->sources[!at->way].is_confirmed = true;
    }
    int32_t begins = stream->is_begun ? (int32_t)(l->tcp_seq - stream->next) : 0;
    if (has_data && is_outside(s, stream, l))
        TELL("tcp-outside-window", "%d octets from where the connection is", begins);
    else if (l->tcp_flags & TCP_RST)
        judge_reset(w, s, l, at);
    else if (has_data && begins + (int64_t)l->size > 0)
        judge_source(w, s, l, at);
    else if (!has_data && !(l->tcp_flags & TCP_FIN))
        judge_acknowledgement(w, c, l, at);
}

void
tcp_watch_odd(struct tcp_watch *w, const struct sight *at, enum stream_news news)
{
    if (news == STREAM_DIFFERS)
        TELL("tcp-octets-differ", "octets come again, and are others");
}

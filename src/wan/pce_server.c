/* pce_server.c - one turn of the loop: octets that came were given to the PCE as they came; then
 * the links that are ready are served, and events told, until there are neither. What is sent in a
 * turn leaves together, so that thousands of orders or answers are few packets.
 *
 * Routers that flood must not keep the loop from all else. What is done for them is taken from an
 * account that fills with three quarters of the time; when it is empty nobody is read until it is
 * not. Who was read longest ago is then read first. */
#include "wan/pce_server.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/timer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define BURST (50 * NSEC_PER_MSEC)
#define UNREAD_ENOUGH ((size_t)512 << 10) /* octets that the peer has not taken */

struct conn {
    struct pce_server *server;
    struct stream *stream;
    struct pce_link *link;
    struct tls_session *tls;
    bool shaken; /* the TLS handshake is done */
    struct conn *prev, *next;
};

struct pce_server {
    uv_loop_t *loop;
    struct stream_listener *listener;
    struct pce *pce;
    struct tls *tls;
    struct task *turn;
    struct timer *timer;
    struct conn *conns; /* who was read longest ago is first */
    nsec_t burst, account, filled;
    bool held; /* nobody is read */
    struct timer *resume;
    pce_event_fn *event;
    void *arg;
};

/* ---- a connection */

static void
conn_free(struct conn *c)
{
    struct pce_server *s = c->server;
    DL_DELETE(s->conns, c);
    if (c->link)
        pce_link_detach(c->link, clock_monotonic());
    stream_free(c->stream);
    tls_session_free(c->tls);
    free(c);
    task_schedule(s->turn);
}

static void
send_cipher(struct conn *c)
{
    struct buf out = BUF_INIT;
    tls_session_output(c->tls, &out);
    if (out.size)
        (void)stream_send(c->stream, out.data, out.size); /* `closed` says so */
    buf_fini(&out);
}

/* As much as the peer can be expected to take. */
static void
send_output(struct conn *c)
{
    struct buf *out = pce_link_output(c->link);
    if (!out->size || (stream_pending(c->stream) > UNREAD_ENOUGH && !pce_link_is_over(c->link)))
        return;
    if (!c->tls) {
        (void)stream_send(c->stream, out->data, out->size); /* `closed` says so */
        buf_clear(out);
    } else if (c->shaken) {
        struct diag diag;
        enum err err = tls_session_write(c->tls, out->data, out->size, &diag);
        buf_clear(out);
        if (err)
            pce_link_close(c->link, err, diag.text, clock_monotonic());
        send_cipher(c);
    }
}

static void
give_plain(struct conn *c)
{
    uint8_t plain[16384];
    struct diag diag;
    for (;;) {
        size_t n = 0;
        enum err err = tls_session_read(c->tls, plain, sizeof plain, &n, &diag);
        if (err)
            pce_link_close(c->link, err, diag.text, clock_monotonic());
        if (err || !n)
            return;
        pce_link_input(c->link, plain, n, clock_monotonic());
    }
}

static void
take_cipher(struct conn *c, const uint8_t *data, size_t size)
{
    struct diag diag;
    enum err err = tls_session_input(c->tls, data, size, &diag);
    if (err) {
        send_cipher(c); /* the alert */
        pce_link_close(c->link, err, diag.text, clock_monotonic());
        return;
    }
    if (!c->shaken && tls_session_is_established(c->tls)) {
        c->shaken = true;
        pce_link_tls_done(c->link, tls_session_peer_name(c->tls), clock_monotonic());
    }
    if (c->shaken)
        give_plain(c);
    send_cipher(c);
}

static void
start_tls(struct conn *c, struct pcep_octets rest)
{
    struct diag diag;
    enum err err = tls_session_new(c->server->tls, TLS_SERVER, NULL, &c->tls, &diag);
    if (err)
        pce_link_close(c->link, err, diag.text, clock_monotonic());
    else if (rest.size)
        take_cipher(c, rest.data, rest.size);
}

/* What is left is sent, and the stream goes in its own time. */
static void
finish(struct conn *c)
{
    send_output(c);
    if (c->shaken) {
        tls_session_end(c->tls);
        send_cipher(c);
    }
    conn_free(c);
}

static void
serve(struct conn *c)
{
    struct pcep_octets rest;
    send_output(c);
    if (pce_link_wants_tls(c->link, &rest))
        start_tls(c, rest);
    if (pce_link_is_over(c->link))
        finish(c);
    else
        stream_pause(c->stream, c->server->held || pce_link_is_paused(c->link));
}

/* ---- the account */

static void
on_resume(void *arg)
{
    struct pce_server *s = arg;
    struct conn *c;
    s->held = false;
    DL_FOREACH(s->conns, c)
    stream_pause(c->stream, pce_link_is_paused(c->link));
}

/* Takes what was spent since `begun`. */
static void
spend(struct pce_server *s, nsec_t begun)
{
    nsec_t now = clock_monotonic();
    struct conn *c;
    s->account = MIN(s->burst, s->account + (now - s->filled) * 3 / 4) - (now - begun);
    s->filled = now;
    if (s->account > 0 || s->held)
        return;
    s->held = true;
    DL_FOREACH(s->conns, c)
    stream_pause(c->stream, true);
    timer_start(s->resume, (s->burst / 4 - s->account) * 4 / 3);
}

/* ---- the turn */

static void
set_timer(struct pce_server *s)
{
    nsec_t due = pce_deadline(s->pce);
    if (due == NSEC_NEVER)
        timer_stop(s->timer);
    else
        timer_start(s->timer, MAX(due - clock_monotonic(), 0));
}

static void
on_turn(void *arg)
{
    struct pce_server *s = arg;
    struct pce_event event;
    struct pce_link *link;
    nsec_t begun = clock_monotonic();
    bool more = true;
    while (more) {
        more = false;
        while ((link = pce_next_ready(s->pce))) {
            serve(pce_link_arg(link));
            more = true;
        }
        while (pce_next(s->pce, &event)) {
            s->event(s->arg, &event);
            more = true;
        }
    }
    set_timer(s);
    spend(s, begun);
}

static void
on_timer(void *arg)
{
    struct pce_server *s = arg;
    pce_tick(s->pce, clock_monotonic());
    on_turn(s);
}

/* ---- streams */

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct conn *c = arg;
    struct pce_server *s = c->server;
    nsec_t begun = clock_monotonic();
    DL_DELETE(s->conns, c);
    DL_APPEND(s->conns, c);
    if (c->tls)
        take_cipher(c, data, size);
    else
        pce_link_input(c->link, data, size, begun);
    task_schedule(s->turn);
    spend(s, begun);
}

static void
on_drained(void *arg, struct stream *stream UNUSED)
{
    struct conn *c = arg;
    send_output(c);
    pce_link_drained(c->link, clock_monotonic());
    task_schedule(c->server->turn);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err, const char *reason)
{
    struct conn *c = arg;
    pce_link_close(c->link, err, reason, clock_monotonic());
    conn_free(c);
}

static const struct stream_handler stream_handler = {
    .received = on_received,
    .drained = on_drained,
    .closed = on_closed,
};

/* "10.1.0.5:53412" and "[2001:db8::5]:4189" without the port. */
static void
machine_of(const char *peer, char *address, size_t size)
{
    const char *begin = *peer == '[' ? peer + 1 : peer;
    const char *end = *peer == '[' ? strchr(peer, ']') : strrchr(peer, ':');
    int length = end ? (int)(end - begin) : (int)strlen(begin);
    snprintf(address, size, "%.*s", length, begin);
}

static void
on_accepted(void *arg, struct stream *stream)
{
    struct pce_server *s = arg;
    char address[PCE_ADDRESS_SIZE];
    struct diag diag;
    struct conn *c = xcalloc(1, sizeof *c);
    machine_of(stream_peer_address(stream), address, sizeof address);
    task_schedule(s->turn); /* there is an event either way */
    if (pce_attach(s->pce, address, c, clock_monotonic(), &c->link, &diag)) {
        stream_free(stream);
        free(c);
        return;
    }
    c->server = s;
    c->stream = stream;
    DL_APPEND(s->conns, c);
    stream_set_handler(stream, &stream_handler, c);
}

static const struct stream_listener_handler listener_handler = {.accepted = on_accepted};

/* ---- the server */

/* Of what it listens on; none if that is every address of the machine. */
static struct te_address
own_address(const char *listen)
{
    static const uint8_t any[16];
    char text[PCE_ADDRESS_SIZE];
    struct te_address address = {.family = *listen == '[' ? 6 : 4};
    machine_of(listen, text, sizeof text);
    if (inet_pton(address.family == 6 ? AF_INET6 : AF_INET, text, address.octets) != 1 ||
        !memcmp(address.octets, any, sizeof any))
        return (struct te_address){0};
    return address;
}

enum err
pce_server_new(uv_loop_t *loop, const struct pce_server_config *config, pce_event_fn *event,
               void *arg, struct pce_server **result, struct diag *diag)
{
    const struct stream_config listen = {.address = config->address};
    if (!config->tls && config->pce.tls != PCEP_TLS_NONE)
        return diag_set(diag, ERR_INVALID, "TLS needs a certificate and a key");
    struct pce_server *s = xcalloc(1, sizeof *s);
    enum err err = stream_listen(loop, &listen, &listener_handler, s, &s->listener, diag);
    if (err) {
        free(s);
        return err;
    }
    s->loop = loop;
    s->event = event;
    s->arg = arg;
    s->tls = config->tls ? tls_ref(config->tls) : NULL;
    struct pce_config pce = config->pce;
    pce.address = own_address(config->address);
    s->pce = pce_new(&pce, clock_monotonic());
    s->turn = task_new(loop, on_turn, s);
    s->timer = timer_new(loop, on_timer, s);
    s->resume = timer_new(loop, on_resume, s);
    s->burst = s->account = config->burst ? config->burst : BURST;
    s->filled = clock_monotonic();
    *result = s;
    return ERR_OK;
}

void
pce_server_free(struct pce_server *s)
{
    if (!s)
        return;
    stream_listener_free(s->listener);
    for (uint32_t i = 0; i < pce_n_pccs(s->pce); i++)
        pce_disconnect(s->pce, i, "the PCE ends", clock_monotonic());
    while (s->conns)
        finish(s->conns);
    task_free(s->turn);
    timer_free(s->timer);
    timer_free(s->resume);
    tls_free(s->tls);
    pce_free(s->pce);
    free(s);
}

struct pce *
pce_server_pce(struct pce_server *s)
{
    task_schedule(s->turn);
    return s->pce;
}

const char *
pce_server_address(const struct pce_server *s)
{
    return stream_listener_address(s->listener);
}

#include "sensors/syslog.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/reconnect.h"
#include "io/stream.h"
#include "io/timer.h"
#include "io/udp.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX ((size_t)1 << 20) /* octets, while there is no connection */

struct syslog {
    uv_loop_t *loop;
    char *address;   /* without "tcp:" */
    struct udp *udp; /* NULL: over TCP */
    uint32_t to;
    uint16_t port;
    struct reconnect reconnect;
    struct timer *timer;
    struct stream *stream;
    bool is_open;
    struct buf waiting; /* whole messages */
    uint64_t dropped;
};

static void
drop(struct syslog *l, const char *why)
{
    if (!l->dropped++)
        log_warn("syslog: alerts are not sent: %s", why);
}

/* ---- TCP ---- */

static void
schedule(struct syslog *l)
{
    nsec_t wake = reconnect_wake(&l->reconnect);
    if (wake != NSEC_NEVER)
        timer_start(l->timer, wake - clock_monotonic());
}

static void
lost(struct syslog *l, const char *reason)
{
    if (!l->reconnect.failures)
        log_warn("syslog at %s: %s", l->address, reason);
    l->is_open = false;
    reconnect_lost(&l->reconnect, clock_monotonic());
    schedule(l);
}

static void
on_opened(void *arg, struct stream *stream)
{
    struct syslog *l = arg;
    l->is_open = true;
    reconnect_connected(&l->reconnect, clock_monotonic());
    if (l->waiting.size)
        stream_send(stream, l->waiting.data, l->waiting.size);
    buf_clear(&l->waiting);
}

/* A log server says nothing. */
static void
on_received(void *arg UNUSED, struct stream *stream UNUSED, const uint8_t *data UNUSED,
            size_t size UNUSED)
{
}

static void
on_closed(void *arg, struct stream *stream, enum err err UNUSED, const char *reason)
{
    struct syslog *l = arg;
    l->stream = NULL;
    lost(l, reason);
    stream_free(stream);
}

static const struct stream_handler handler = {
    .opened = on_opened, .received = on_received, .closed = on_closed};

static void
on_timer(void *arg)
{
    struct syslog *l = arg;
    struct diag diag;
    const struct stream_config config = {.address = l->address, .send_limit = WAITING_MAX};
    if (reconnect_run(&l->reconnect, clock_monotonic()) &&
        stream_connect(l->loop, &config, &handler, l, &l->stream, &diag)) {
        l->stream = NULL;
        lost(l, diag.text);
        return;
    }
    schedule(l);
}

static void
send_tcp(struct syslog *l, const struct buf *message)
{
    struct buf framed = BUF_INIT;
    buf_printf(&framed, "%zu ", message->size);
    buf_put(&framed, message->data, message->size);
    if (l->is_open && stream_pending(l->stream) + framed.size <= WAITING_MAX)
        stream_send(l->stream, framed.data, framed.size);
    else if (!l->is_open && l->waiting.size + framed.size <= WAITING_MAX)
        buf_put(&l->waiting, framed.data, framed.size);
    else
        drop(l, "the server takes nothing");
    buf_fini(&framed);
}

/* ---- Both ---- */

void
syslog_send(struct syslog *l, const struct buf *message)
{
    if (!l->udp)
        send_tcp(l, message);
    else if (udp_send(l->udp, l->to, l->port, message->data, message->size))
        drop(l, "the datagram could not be sent");
}

static enum err
open_udp(struct syslog *l, const union address *address, struct diag *diag)
{
    if (address->any.sa_family != AF_INET)
        return diag_set(diag, ERR_INVALID, "udp: an IPv4 address and a port are expected");
    l->to = ntohl(address->ipv4.sin_addr.s_addr);
    l->port = ntohs(address->ipv4.sin_port);
    return udp_open(l->loop, &(struct udp_config){0}, &l->udp, diag);
}

enum err
syslog_new(uv_loop_t *loop, const char *address, struct syslog **result, struct diag *diag)
{
    union address parsed;
    bool udp = !strncmp(address, "udp:", 4);
    if (!udp && strncmp(address, "tcp:", 4) != 0)
        return diag_set(diag, ERR_INVALID, "\"%s\": udp:HOST:PORT or tcp:HOST:PORT is expected",
                        address);
    enum err err = address_parse(address + 4, &parsed, diag);
    if (err)
        return err;
    struct syslog *l = xcalloc(1, sizeof *l);
    l->loop = loop;
    l->address = xstrdup(address + 4);
    if (udp)
        err = open_udp(l, &parsed, diag);
    if (err) {
        syslog_free(l);
        return err;
    }
    if (!udp) {
        nsec_t now = clock_monotonic();
        l->timer = timer_new(loop, on_timer, l);
        reconnect_init(&l->reconnect, &(struct reconnect_config){.seed = (uint64_t)now}, now);
        timer_start(l->timer, 0);
    }
    *result = l;
    return ERR_OK;
}

void
syslog_free(struct syslog *l)
{
    if (!l)
        return;
    udp_close(l->udp);
    stream_free(l->stream);
    timer_free(l->timer);
    buf_fini(&l->waiting);
    free(l->address);
    free(l);
}

uint64_t
syslog_dropped(const struct syslog *l)
{
    return l->dropped;
}

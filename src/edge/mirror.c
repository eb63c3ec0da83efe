#include "edge/mirror.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/options.h"
#include "io/timer.h"
#include "packet/addr.h"
#include "packet/erspan.h"
#include "packet/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN (2 * NSEC_PER_MSEC) /* between two looks into the rings */
#define TURN_MAX 512u            /* copies, before others of the loop get their turn */
#define RATE_MAX 1000000u
#define SEND_BUFFER (4 << 20)

struct mirror {
    const struct mirror_config *config;
    struct captures *captures;
    struct tap_capture *taken[WORKERS_MAX];
    unsigned n_taken;              /* 0: it has not begun */
    uint64_t arrived[WORKERS_MAX]; /* the last arrival of each */
    int fd;
    uint32_t sequence;
    struct timer *timer;
    struct mirror_counters counters;
};

/* ---- What is to be mirrored ---- */

/* "1+2" */
static enum err
parse_ports(const char *text, struct tap_filter *f, struct diag *diag)
{
    char number[12];
    uint64_t value;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, "+");
        snprintf(number, sizeof number, "%.*s", (int)MIN(length, sizeof number), at);
        if (f->n_ports == TAP_PORTS)
            return diag_set(diag, ERR_INVALID, "at most %d ports", TAP_PORTS);
        if (length >= sizeof number || !option_number(number, 10, 1, ERSPAN_PORT_MAX, &value))
            return diag_set(diag, ERR_INVALID, "\"%s\" is not ports from 1 to %u, as 1+2", text,
                            ERSPAN_PORT_MAX);
        f->ports[f->n_ports++] = (uint32_t)value;
        at += length;
        if (!*at)
            return ERR_OK;
    }
}

static enum err
parse_direction(const char *text, struct tap_filter *f, struct diag *diag)
{
    bool both = !strcmp(text, "both");
    f->in = both || !strcmp(text, "in");
    f->out = both || !strcmp(text, "out");
    return f->in || f->out ? ERR_OK
                           : diag_set(diag, ERR_INVALID, "\"%s\" is none of in, out, both", text);
}

static enum err
parse_limit(const char *name, const char *text, uint32_t min, uint32_t max, uint32_t *number,
            struct diag *diag)
{
    uint64_t value;
    if (!option_number(text, 10, min, max, &value))
        return diag_set(diag, ERR_INVALID, "%s: \"%s\" is not a number from %u to %u", name, text,
                        min, max);
    *number = (uint32_t)value;
    return ERR_OK;
}

/* "ports=1+2" */
static enum err
parse_item(char *item, struct mirror_config *c, struct diag *diag)
{
    uint32_t session = c->session;
    char *value = strchr(item, '=');
    enum err err;
    if (!value)
        return diag_set(diag, ERR_INVALID, "\"%s\" is not NAME=VALUE", item);
    *value++ = '\0';
    if (!strcmp(item, "ports"))
        return parse_ports(value, &c->filter, diag);
    if (!strcmp(item, "direction"))
        return parse_direction(value, &c->filter, diag);
    if (!strcmp(item, "snap"))
        return parse_limit(item, value, ERSPAN_WITHIN, PACKET_MAX, &c->filter.snap, diag);
    if (!strcmp(item, "rate"))
        return parse_limit(item, value, 1, RATE_MAX, &c->filter.packets_per_second, diag);
    if (strcmp(item, "session"))
        return diag_set(diag, ERR_INVALID,
                        "\"%s\" is none of ports, direction, session, snap, rate", item);
    err = parse_limit(item, value, 1, ERSPAN_SESSION_MAX, &session, diag);
    c->session = (uint16_t)session;
    return err;
}

enum err
mirror_config_parse(const char *text, struct mirror_config *result, struct diag *diag)
{
    struct mirror_config c = {
        .is_on = true,
        .session = 1,
        .filter = {.in = true, .snap = MIRROR_SNAP, .packets_per_second = MIRROR_RATE}};
    char *copy = xstrdup(text), *rest = copy, *address = strsep(&rest, ","), *item;
    enum err err = ERR_OK;
    if (strncmp(address, "erspan:", 7) || ipv4_parse(address + 7, &c.to) || !c.to)
        err = diag_set(diag, ERR_INVALID, "\"%s\" is not erspan: and an IPv4 address", address);
    while (!err && (item = strsep(&rest, ",")))
        err = parse_item(item, &c, diag);
    free(copy);
    if (!err)
        *result = c;
    return err;
}

/* ---- Sending ---- */

static void
send_copy(struct mirror *m, const struct tap_record *r)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(m->config->to)}};
    const struct erspan e = {.session = m->config->session,
                             .is_truncated = r->captured < r->size,
                             .sequence = m->sequence,
                             .index = r->port | (r->event == TAP_SENT ? ERSPAN_OUT : 0)};
    uint8_t header[ERSPAN_HEADER_SIZE];
    struct iovec parts[] = {{header, sizeof header}, {(void *)(uintptr_t)r->frame, r->captured}};
    const struct msghdr message = {.msg_name = (void *)(uintptr_t)&to,
                                   .msg_namelen = sizeof to,
                                   .msg_iov = parts,
                                   .msg_iovlen = ARRAY_SIZE(parts)};
    erspan_put(&e, header);
    m->sequence++; /* of one that is refused, too: the other end sees that it is missing */
    if (sendmsg(m->fd, &message, MSG_DONTWAIT) < 0)
        m->counters.refused++;
    else
        m->counters.sent++;
}

/* One of several outputs of an arrival that was told already may have failed; and no copy is made
 * of copies. */
static bool
is_wanted(struct mirror *m, unsigned worker, const struct tap_record *r)
{
    bool again = r->event == TAP_DROPPED && r->id == m->arrived[worker];
    if (r->event != TAP_SENT)
        m->arrived[worker] = r->id;
    return !again && r->port <= ERSPAN_PORT_MAX && !erspan_is_within(r->frame, r->captured);
}

static void
on_timer(void *arg)
{
    struct mirror *m = arg;
    unsigned n = 0, i;
    if (!m->n_taken)
        m->n_taken = captures_begin_mirror(m->captures, &m->config->filter, m->taken);
    for (; n < TURN_MAX && (i = tap_oldest(m->taken, m->n_taken)) < m->n_taken; n++) {
        const struct tap_record *r = tap_peek(m->taken[i]);
        if (is_wanted(m, i, r))
            send_copy(m, r);
        tap_release(m->taken[i]);
    }
    timer_start(m->timer, n == TURN_MAX ? 0 : TURN);
}

/* ---- Life ---- */

/* A raw socket hears what comes for its protocol, which nobody here reads: it is left out. The
 * address may come later than the node, which has to forward: until then nothing can be sent. */
static enum err
open_socket(struct mirror *m, uint32_t from, struct diag *diag)
{
    struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog filter = {1, &none};
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(from)}};
    const int size = SEND_BUFFER, on = 1;
    char text[IPV4_TEXT_SIZE];
    m->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, ERSPAN_IP_PROTO);
    if (m->fd < 0)
        return diag_set(diag, errno == EPERM ? ERR_DENIED : ERR_IO, "mirror: a raw socket: %s",
                        strerror(errno));
    if (setsockopt(m->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter))
        return diag_set(diag, ERR_IO, "mirror: a filter: %s", strerror(errno));
    (void)setsockopt(m->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    (void)setsockopt(m->fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
    if (from && bind(m->fd, (const struct sockaddr *)&address, sizeof address))
        return diag_set(diag, ERR_IO, "mirror: from %s: %s", ipv4_format(from, text),
                        strerror(errno));
    return ERR_OK;
}

static bool
has_port(const struct capture_config *node, uint32_t number)
{
    for (uint32_t i = 0; i < node->n_ports; i++) {
        if (node->ports[i]->number == number)
            return true;
    }
    return false;
}

static enum err
check_ports(const struct mirror_config *config, const struct capture_config *node,
            struct diag *diag)
{
    for (uint32_t i = 0; i < config->filter.n_ports; i++) {
        if (!has_port(node, config->filter.ports[i]))
            return diag_set(diag, ERR_NOT_FOUND, "mirror: there is no port %u",
                            config->filter.ports[i]);
    }
    return ERR_OK;
}

enum err
mirror_new(uv_loop_t *loop, const struct mirror_config *config, uint32_t from,
           const struct capture_config *node, struct captures *captures, struct mirror **result,
           struct diag *diag)
{
    struct mirror *m = xcalloc(1, sizeof *m);
    char to[IPV4_TEXT_SIZE];
    m->config = config;
    m->captures = captures;
    m->fd = -1;
    m->timer = timer_new(loop, on_timer, m);
    enum err err = check_ports(config, node, diag);
    if (!err)
        err = open_socket(m, from, diag);
    if (err) {
        mirror_free(m);
        return err;
    }
    timer_start(m->timer, 0);
    log_info("what passes is mirrored to %s, at most %u packets a second",
             ipv4_format(config->to, to), config->filter.packets_per_second);
    *result = m;
    return ERR_OK;
}

void
mirror_free(struct mirror *m)
{
    if (!m)
        return;
    timer_free(m->timer);
    if (m->n_taken)
        captures_end_mirror(m->captures, m->taken);
    if (m->fd >= 0)
        close(m->fd);
    free(m);
}

void
mirror_count(const struct mirror *m, struct mirror_counters *counters)
{
    *counters = m ? m->counters : (struct mirror_counters){0};
    for (unsigned i = 0; m && i < m->n_taken; i++) {
        for (uint32_t slot = 0; slot < captures_slots(m->captures); slot++)
            counters->lost += tap_capture_counts(m->taken[i], slot).lost;
    }
}

/* A frame's way: the kernel stamps its arrival at one end, the model says when it arrives at the
 * other, a queue holds it until then. The stamp, not the moment we got to run, starts the delay, so
 * that our own latency does not add to the cable's. Queues are in order of arrival, because frames
 * in a cable do not overtake each other. */
#include "lab/tools/wire.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "lab/tools/tool.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define BURST 64                   /* frames taken from one socket before the others get a turn */
#define MAX_FLYING (64u << 20)     /* octets that one direction may hold */
#define SMALL 2048                 /* frames up to this size are kept for reuse */
#define MAX_STAMP_AGE NSEC_PER_SEC /* an older stamp than this comes from a clock that was set */

struct flying {
    struct flying *next;
    nsec_t arrival;
    struct virtio_net_hdr vnet;
    uint32_t size;
    uint8_t data[];
};

enum drop {
    DROP_LOSS,
    DROP_QUEUE,
    DROP_BLOCKED,
    DROP_DOWN,
    DROP_SIZE,
    DROP_MEMORY,
    DROP_BUSY,
    DROPS
};

static const char *const drop_names[DROPS] = {
    [DROP_LOSS] = "loss",      [DROP_QUEUE] = "queue", [DROP_BLOCKED] = "blocked",
    [DROP_DOWN] = "down",      /* the far end's interface is, or the cable was cut */
    [DROP_SIZE] = "too_large", /* for the far end's interface */
    [DROP_MEMORY] = "memory",  /* MAX_FLYING */
    [DROP_BUSY] = "busy",      /* the kernel had no room */
};

struct way {
    struct wire_way model;
    struct flying *first, **last;
    size_t flying_octets;
    uint64_t received, delivered, octets, drops[DROPS];
    struct latency late; /* delivered after its time by */
};

struct link {
    char name[WIRE_NAME_SIZE];
    char interface[2][WIRE_INTERFACE_SIZE];
    struct rawsock end[2];
    struct way way[2]; /* way[0] from end[0] to end[1] */
    bool is_cut;
};

struct wires {
    int epoll;
    size_t n;
    struct link *links;
    struct flying *spare; /* of SMALL octets */
    struct raw_frame frame;
};

/* ---- Interfaces ---------------------------------------------------------------------------- */

/* No address, no router solicitation: this namespace itself must stay silent. */
static void
silence_ipv6(const char *interface)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", interface);
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    fputs("1\n", f);
    fclose(f);
}

static enum err
open_end(struct wires *w, size_t link, int end, struct diag *diag)
{
    struct link *l = &w->links[link];
    const char *interface = l->interface[end];
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u64 = WIRE_EVENT | (uint64_t)link << 1 | (unsigned)end};
    enum err err = rawsock_open(&l->end[end], interface, RAWSOCK_OFFLOADS, diag);
    if (err)
        return err;
    silence_ipv6(interface);
    err = l->is_cut ? ERR_OK : interface_set_up(interface, true, diag);
    if (!err && epoll_ctl(w->epoll, EPOLL_CTL_ADD, l->end[end].fd, &event))
        err = diag_set(diag, ERR_IO, "%s: epoll: %s", interface, strerror(errno));
    if (err)
        rawsock_close(&l->end[end]);
    return err;
}

enum err
wires_open(const struct wire_link_config *config, size_t n, uint64_t seed, int epoll,
           struct wires **wires, struct diag *diag)
{
    struct wires *w = xcalloc(1, sizeof *w);
    enum err err = ERR_OK;
    w->epoll = epoll;
    w->n = n;
    w->links = xcalloc(n, sizeof *w->links);
    for (size_t i = 0; i < n; i++) {
        struct link *l = &w->links[i];
        memcpy(l->name, config[i].name, sizeof l->name);
        memcpy(l->interface, config[i].interface, sizeof l->interface);
        for (int a = 0; a < 2; a++) {
            l->end[a].fd = -1;
            l->way[a].last = &l->way[a].first;
            l->way[a].model.settings = config[i].way[a];
            l->way[a].model.random = hash_bytes(l->name, strlen(l->name), seed + (uint64_t)a);
        }
    }
    for (size_t i = 0; i < 2 * n && !err; i++)
        err = open_end(w, i / 2, i % 2, diag);
    if (err)
        wires_close(w);
    else
        *wires = w;
    return err;
}

static void
drop_flying(struct way *y)
{
    for (struct flying *f; (f = y->first);) {
        y->first = f->next;
        y->drops[DROP_DOWN]++;
        free(f);
    }
    y->last = &y->first;
    y->flying_octets = 0;
}

void
wires_close(struct wires *w)
{
    for (size_t i = 0; i < w->n; i++) {
        for (int a = 0; a < 2; a++) {
            drop_flying(&w->links[i].way[a]);
            rawsock_close(&w->links[i].end[a]);
        }
    }
    for (struct flying *f; (f = w->spare);) {
        w->spare = f->next;
        free(f);
    }
    free(w->links);
    free(w);
}

void
wires_interfaces_changed(struct wires *w)
{
    for (size_t i = 0; i < 2 * w->n; i++) {
        struct rawsock *end = &w->links[i / 2].end[i % 2];
        const char *interface = w->links[i / 2].interface[i % 2];
        unsigned ifindex = if_nametoindex(interface);
        struct diag diag;
        if (end->fd >= 0 && ifindex != end->ifindex) {
            rawsock_close(end); /* epoll forgets it too */
            tool_warn("%s has gone", interface);
        }
        if (end->fd < 0 && ifindex) {
            if (open_end(w, i / 2, i % 2, &diag))
                tool_warn("%s", diag.text);
            else
                tool_warn("%s is back", interface);
        }
    }
}

/* ---- Frames -------------------------------------------------------------------------------- */

/* How many frames a segment will become, and the size of their headers. */
static unsigned
count_segments(const struct raw_frame *f, size_t *header_size)
{
    *header_size = f->vnet.hdr_len;
    if (f->vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE || !f->vnet.gso_size ||
        f->size <= f->vnet.hdr_len)
        return 1;
    return (unsigned)((f->size - f->vnet.hdr_len + f->vnet.gso_size - 1) / f->vnet.gso_size);
}

/* When the frame came, on the monotonic clock. */
static nsec_t
arrival_time(const struct raw_frame *f)
{
    nsec_t now = tool_monotonic(), age = tool_wall() - f->wall;
    return f->wall && age > 0 && age < MAX_STAMP_AGE ? now - age : now;
}

static struct flying *
new_flying(struct wires *w, size_t size)
{
    if (size <= SMALL && w->spare) {
        struct flying *f = w->spare;
        w->spare = f->next;
        return f;
    }
    return xmalloc(sizeof(struct flying) + MAX(size, (size_t)SMALL));
}

static void
free_flying(struct wires *w, struct flying *f)
{
    if (f->size > SMALL) {
        free(f);
        return;
    }
    f->next = w->spare;
    w->spare = f;
}

static void
carry(struct wires *w, struct link *l, struct way *y, const struct raw_frame *f)
{
    static const enum drop drops[] = {
        [WIRE_BLOCKED] = DROP_BLOCKED, [WIRE_LOST] = DROP_LOSS, [WIRE_QUEUE_FULL] = DROP_QUEUE};
    size_t header_size;
    unsigned segments = count_segments(f, &header_size);
    nsec_t arrival;
    y->received++;
    if (l->is_cut || y->flying_octets + f->size > MAX_FLYING) {
        y->drops[l->is_cut ? DROP_DOWN : DROP_MEMORY]++;
        return;
    }
    enum wire_verdict verdict = wire_way_pass(&y->model, wire_size(f->size, segments, header_size),
                                              arrival_time(f), &arrival);
    if (verdict != WIRE_PASS) {
        y->drops[drops[verdict]]++;
        return;
    }
    struct flying *flying = new_flying(w, f->size);
    flying->next = NULL;
    flying->arrival = arrival;
    flying->vnet = f->vnet;
    flying->size = (uint32_t)f->size;
    memcpy(flying->data, f->data, f->size);
    *y->last = flying;
    y->last = &flying->next;
    y->flying_octets += f->size;
}

void
wires_input(struct wires *w, uint64_t event)
{
    struct link *l = &w->links[(event & 0xffffffff) >> 1];
    int end = event & 1;
    for (int i = 0; i < BURST && l->end[end].fd >= 0; i++) {
        enum err err = rawsock_receive(&l->end[end], &w->frame);
        if (err == ERR_OK)
            carry(w, l, &l->way[end], &w->frame);
        else if (err != ERR_CLOSED) /* down: said once, and there may be frames behind it */
            return;
    }
}

static void
deliver_one(struct link *l, int from, const struct flying *f)
{
    struct way *y = &l->way[from];
    struct rawsock *end = &l->end[!from];
    enum err err = end->fd < 0 ? ERR_CLOSED : rawsock_send(end, &f->vnet, f->data, f->size);
    switch (err) {
    case ERR_OK:
        y->delivered++;
        y->octets += f->size;
        break;
    case ERR_LIMIT:
        y->drops[DROP_SIZE]++;
        break;
    case ERR_BUSY:
        y->drops[DROP_BUSY]++;
        break;
    default:
        y->drops[DROP_DOWN]++;
    }
}

nsec_t
wires_deliver(struct wires *w, nsec_t now)
{
    nsec_t next = NSEC_NEVER;
    for (size_t i = 0; i < 2 * w->n; i++) {
        struct link *l = &w->links[i / 2];
        struct way *y = &l->way[i % 2];
        for (struct flying *f; (f = y->first) && f->arrival <= now;) {
            y->first = f->next;
            if (!y->first)
                y->last = &y->first;
            y->flying_octets -= f->size;
            latency_add(&y->late, tool_monotonic() - f->arrival);
            deliver_one(l, i % 2, f);
            free_flying(w, f);
        }
        if (y->first)
            next = MIN(next, y->first->arrival);
    }
    return next;
}

/* ---- Commands ------------------------------------------------------------------------------ */

static struct link *
find_link(struct wires *w, const char *name, struct diag *diag)
{
    for (size_t i = 0; i < w->n; i++) {
        if (!strcmp(w->links[i].name, name))
            return &w->links[i];
    }
    diag_set(diag, ERR_NOT_FOUND, "there is no link '%s'", name);
    return NULL;
}

enum err
wires_set(struct wires *w, const char *name, char *const *settings, size_t n, struct diag *diag)
{
    struct link *l = find_link(w, name, diag);
    if (!l)
        return ERR_NOT_FOUND;
    struct wire_settings way[2] = {l->way[0].model.settings, l->way[1].model.settings};
    enum err err = wire_settings_parse(settings, n, way, diag);
    if (err)
        return err;
    l->way[0].model.settings = way[0];
    l->way[1].model.settings = way[1];
    return ERR_OK;
}

static enum err
set_ends(struct link *l, bool up, struct diag *diag)
{
    enum err err = ERR_OK;
    for (int a = 0; a < 2; a++) {
        enum err one = interface_set_up(l->interface[a], up, diag);
        err = one ? one : err;
    }
    return err;
}

enum err
wires_cut(struct wires *w, const char *name, struct diag *diag)
{
    struct link *l = find_link(w, name, diag);
    if (!l)
        return ERR_NOT_FOUND;
    l->is_cut = true;
    enum err err = set_ends(l, false, diag);
    drop_flying(&l->way[0]);
    drop_flying(&l->way[1]);
    return err;
}

enum err
wires_block(struct wires *w, const char *name, const char *direction, struct diag *diag)
{
    struct link *l = find_link(w, name, diag);
    if (!l)
        return ERR_NOT_FOUND;
    bool both = !strcmp(direction, "both");
    bool there = both || !strcmp(direction, "a-to-b"), back = both || !strcmp(direction, "b-to-a");
    if (!there && !back)
        return diag_set(diag, ERR_INVALID, "'%s' is not a-to-b, b-to-a or both", direction);
    l->way[0].model.blocked |= there;
    l->way[1].model.blocked |= back;
    return ERR_OK;
}

enum err
wires_restore(struct wires *w, const char *name, struct diag *diag)
{
    struct link *l = find_link(w, name, diag);
    if (!l)
        return ERR_NOT_FOUND;
    l->way[0].model.blocked = l->way[1].model.blocked = false;
    l->is_cut = false;
    return set_ends(l, true, diag);
}

static json_t *
way_json(const struct way *y)
{
    const struct wire_settings *s = &y->model.settings;
    json_t *drops = json_object();
    for (int i = 0; i < DROPS; i++)
        json_object_set_new(drops, drop_names[i], json_integer((json_int_t)y->drops[i]));
    return json_pack(
        "{s:b,s:f,s:I,s:I,s:f,s:I,s:I,s:I,s:I,s:o,s:o}", "blocked", y->model.blocked, "delay_us",
        (double)s->delay / 1e3, "rate_kbps", (json_int_t)(s->rate_bps / 1000), "queue",
        (json_int_t)s->queue, "loss", s->loss, "received", (json_int_t)y->received, "delivered",
        (json_int_t)y->delivered, "octets", (json_int_t)y->octets, "in_flight",
        (json_int_t)y->flying_octets, "dropped", drops, "late", latency_json(&y->late));
}

json_t *
wires_json(const struct wires *w)
{
    json_t *links = json_array();
    for (size_t i = 0; i < w->n; i++) {
        const struct link *l = &w->links[i];
        json_array_append_new(links, json_pack("{s:s,s:s,s:s,s:b,s:o,s:o}", "name", l->name, "a",
                                               l->interface[0], "b", l->interface[1], "cut",
                                               l->is_cut, "a_to_b", way_json(&l->way[0]), "b_to_a",
                                               way_json(&l->way[1])));
    }
    return json_pack("{s:o}", "links", links);
}

#include "edge/heartbeat_node.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/reflector.h"
#include "io/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#define PUBLISH_EVERY (100 * NSEC_PER_MSEC)
#define READS_PER_TURN 64u /* of one port: nobody may keep us from the others */
#define PRIORITY 40        /* SCHED_FIFO, above what has none and below the kernel's own threads */
#define FAREWELLS 3

const struct frame_kind heartbeat_frames = {.destination = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}},
                                            .type = HEARTBEAT_ETHERTYPE,
                                            .unheard_at = HEARTBEAT_KIND_OFFSET,
                                            .unheard = HEARTBEAT_REQUEST};

struct link {
    struct edge_port *port;
    struct frame_socket *socket;
    struct reflector *reflector; /* NULL: there is none, and no echoes */
    struct heartbeat heartbeat;
    nsec_t restore_at;   /* while it waits: when it is used again; NSEC_NEVER: not by itself */
    _Atomic bool forget; /* asked for */
    struct {             /* heartbeat_status, for other threads */
        _Atomic int state;
        _Atomic uint32_t peer_port;
        _Atomic nsec_t detection;
        _Atomic uint64_t sent, received, missed, ignored, echoes, replies, losses;
    } shown;
};

struct heartbeat_node {
    struct heartbeat_node_config config;
    struct link *links[MAX_PORTS];
    uint32_t n_links;
    uint32_t id;
    int epoll_fd, event_fd;
    pthread_t thread;
    bool started, realtime, said_farewell;
    nsec_t next; /* the next turn */
    nsec_t publish_at;
    _Atomic bool stop, ending, asked; /* asked: something of a link was asked for */
    _Atomic nsec_t wait_to_restore;
    _Atomic uint64_t n_late;
    _Atomic nsec_t latest;
};

/* ---- What follows from it ---- */

static enum heartbeat_fault
fault_of(const struct link *l)
{
    return (enum heartbeat_fault)atomic_load_explicit(&l->port->fault, memory_order_relaxed);
}

static void
publish(struct link *l)
{
    const struct heartbeat *h = &l->heartbeat;
#define SHOW(what, value) atomic_store_explicit(&l->shown.what, value, memory_order_relaxed)
    SHOW(state, (int)h->state);
    SHOW(peer_port, h->peer.port);
    SHOW(detection, heartbeat_detection(h));
    SHOW(sent, h->counters.sent);
    SHOW(received, h->counters.received);
    SHOW(missed, h->counters.missed);
    SHOW(ignored, h->counters.ignored);
    SHOW(echoes, h->counters.echoes);
    SHOW(replies, h->counters.replies);
    SHOW(losses, h->counters.losses);
#undef SHOW
}

static void
set_fault(struct heartbeat_node *n, struct link *l, enum heartbeat_fault fault)
{
    if (fault == fault_of(l))
        return;
    atomic_store_explicit(&l->port->fault, (uint8_t)fault, memory_order_release);
    publish(l);
    n->config.wake(n->config.wake_arg);
}

/* A link that carries again waits before it is used, or is used at once. */
static void
begin_waiting(struct heartbeat_node *n, struct link *l, nsec_t now)
{
    nsec_t wait = atomic_load_explicit(&n->wait_to_restore, memory_order_relaxed);
    l->restore_at = wait < 0 ? NSEC_NEVER : now + wait;
    set_fault(n, l, wait ? HEARTBEAT_WAITS : HEARTBEAT_NO_FAULT);
}

static void
apply(struct heartbeat_node *n, struct link *l, nsec_t now)
{
    enum heartbeat_fault shown = fault_of(l);
    if (l->heartbeat.fault) {
        set_fault(n, l, l->heartbeat.fault);
    } else if (shown == HEARTBEAT_WAITS) {
        if (l->restore_at <= now)
            set_fault(n, l, HEARTBEAT_NO_FAULT);
    } else if (shown) {
        begin_waiting(n, l, now);
    }
}

/* ---- A turn ---- */

static void
read_link(struct link *l, nsec_t now)
{
    uint8_t frame[HEARTBEAT_FRAME_SIZE];
    size_t size;
    for (unsigned i = 0; i < READS_PER_TURN; i++) {
        if (!(size = frame_socket_receive(l->socket, frame, sizeof frame)))
            return;
        if (size > 14)
            heartbeat_input(&l->heartbeat, frame + 14, size - 14, now);
    }
}

/* What cannot be sent is not sent again: the next one follows soon enough. */
static void
write_link(struct link *l, nsec_t now)
{
    uint8_t frame[HEARTBEAT_FRAME_SIZE];
    while (heartbeat_output(&l->heartbeat, now, frame)) {
        if (frame_socket_send(l->socket, frame, sizeof frame)) { /* a link that is down */
        }
    }
}

static void
judge_link(struct link *l, nsec_t now, nsec_t lateness)
{
    struct heartbeat *h = &l->heartbeat;
    if (heartbeat_silent_at(h) <= now) {
        read_link(l, now);
        if (lateness > h->config.interval / 2)
            heartbeat_excuse(h, lateness);
    }
    heartbeat_check(h, now);
}

static void
do_what_was_asked(struct heartbeat_node *n, nsec_t now)
{
    if (!atomic_exchange_explicit(&n->asked, false, memory_order_acquire))
        return;
    for (uint32_t i = 0; i < n->n_links; i++) {
        struct link *l = n->links[i];
        if (atomic_exchange_explicit(&l->forget, false, memory_order_relaxed)) {
            heartbeat_forget(&l->heartbeat, now);
            set_fault(n, l, HEARTBEAT_NO_FAULT);
        }
    }
}

static void
say_farewell(struct heartbeat_node *n)
{
    n->said_farewell = true;
    for (uint32_t i = 0; i < n->n_links; i++) {
        struct heartbeat *h = &n->links[i]->heartbeat;
        reflector_close(n->links[i]->reflector);
        n->links[i]->reflector = NULL;
        heartbeat_end(h, n->next);
        for (unsigned k = 0; k < FAREWELLS; k++)
            write_link(n->links[i], h->send_at);
    }
}

static void
note_lateness(struct heartbeat_node *n, nsec_t lateness)
{
    atomic_fetch_add_explicit(&n->n_late, 1, memory_order_relaxed);
    if (lateness > atomic_load_explicit(&n->latest, memory_order_relaxed))
        atomic_store_explicit(&n->latest, lateness, memory_order_relaxed);
}

/* After what is known to wait has been read. */
static void
take_turn(struct heartbeat_node *n, nsec_t now)
{
    nsec_t lateness = MAX(now - n->next, 0), next = NSEC_NEVER, shortest = NSEC_NEVER;
    bool show = n->publish_at <= now;
    do_what_was_asked(n, now);
    if (atomic_load_explicit(&n->ending, memory_order_relaxed) && !n->said_farewell)
        say_farewell(n);
    for (uint32_t i = 0; i < n->n_links && !n->said_farewell; i++) {
        struct link *l = n->links[i];
        reflector_touch(l->reflector, now);
        judge_link(l, now, lateness);
        apply(n, l, now);
        write_link(l, now);
        if (show)
            publish(l);
        next = MIN(next, heartbeat_deadline(&l->heartbeat));
        if (fault_of(l) == HEARTBEAT_WAITS)
            next = MIN(next, l->restore_at);
        shortest = MIN(shortest, l->heartbeat.config.interval);
    }
    if (lateness > shortest)
        note_lateness(n, lateness);
    if (show)
        n->publish_at = now + PUBLISH_EVERY;
    /* A turn is due for the reflector, however long the intervals. */
    n->next = MIN(MIN(next, n->publish_at), now + n->config.patience / 3);
    if (n->config.polled) /* sockets are looked at several times in an interval */
        n->next = MIN(n->next, now + shortest / 4);
}

nsec_t
heartbeat_node_poll(struct heartbeat_node *n, nsec_t now)
{
    if (now < n->next)
        return now;
    for (uint32_t i = 0; i < n->n_links; i++)
        read_link(n->links[i], now);
    take_turn(n, now);
    return clock_monotonic();
}

static void
read_events(struct heartbeat_node *n, const struct epoll_event *events, int n_events, nsec_t now)
{
    for (int i = 0; i < n_events; i++) {
        uint64_t count;
        if (events[i].data.ptr != n)
            read_link(events[i].data.ptr, now);
        else if (read(n->event_fd, &count, sizeof count) < 0) { /* somebody was faster */
        }
    }
}

static void *
run(void *arg)
{
    struct heartbeat_node *n = arg;
    pthread_setname_np(pthread_self(), "heartbeats");
    prctl(PR_SET_TIMERSLACK, 1UL); /* 50 us by default */
    while (!atomic_load_explicit(&n->stop, memory_order_acquire)) {
        struct epoll_event events[64];
        nsec_t wait = clock_left(n->next);
        struct timespec timeout = {wait / NSEC_PER_SEC, wait % NSEC_PER_SEC};
        int got = epoll_pwait2(n->epoll_fd, events, ARRAY_SIZE(events), &timeout, NULL);
        nsec_t now = clock_monotonic();
        read_events(n, events, got, now);
        take_turn(n, now);
    }
    return NULL;
}

/* ---- Life ---- */

static int
watch(struct heartbeat_node *n, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

struct heartbeat_node *
heartbeat_node_new(const struct heartbeat_node_config *config)
{
    struct heartbeat_node *n = xcalloc(1, sizeof *n);
    n->config = *config;
    n->wait_to_restore = config->wait_to_restore;
    n->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    n->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (getrandom(&n->id, sizeof n->id, 0) != (ssize_t)sizeof n->id)
        n->id = (uint32_t)(clock_wall() / NSEC_PER_MSEC);
    (void)watch(n, n->event_fd, n);
    return n;
}

/* For the thread: there is something to do. */
static void
rouse(struct heartbeat_node *n)
{
    uint64_t one = 1;
    if (write(n->event_fd, &one, sizeof one) < 0) { /* the counter is high: it will wake */
    }
}

static void
link_free(struct link *l)
{
    reflector_close(l->reflector);
    frame_socket_close(l->socket);
    free(l);
}

void
heartbeat_node_free(struct heartbeat_node *n)
{
    if (!n)
        return;
    if (n->started) {
        atomic_store_explicit(&n->stop, true, memory_order_release);
        rouse(n);
        pthread_join(n->thread, NULL);
    }
    if (!n->said_farewell)
        say_farewell(n);
    for (uint32_t i = 0; i < n->n_links; i++) {
        link_free(n->links[i]);
    }
    close(n->epoll_fd);
    close(n->event_fd);
    free(n);
}

static enum err
open_link(struct link *l, nsec_t patience, struct diag *diag)
{
    const struct reflector_config reflection = {
        .kind = {.destination = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}},
                 .type = HEARTBEAT_ETHERTYPE},
        .identifier = HEARTBEAT_IDENTIFIER,
        .at = HEARTBEAT_KIND_OFFSET,
        .request = HEARTBEAT_REQUEST,
        .reply = HEARTBEAT_REPLY,
        .patience = patience};
    enum err err = frame_socket_open(l->port->name, &heartbeat_frames, &l->socket, diag);
    if (!err && reflector_open(l->port->name, &reflection, &l->reflector, NULL))
        l->reflector = NULL; /* it works without, if less evenly */
    return err;
}

enum err
heartbeat_node_add(struct heartbeat_node *n, struct edge_port *port, nsec_t interval,
                   struct diag *diag)
{
    if (n->n_links == MAX_PORTS)
        return diag_set(diag, ERR_LIMIT, "at most %d ports", MAX_PORTS);
    struct link *l = xcalloc(1, sizeof *l);
    l->port = port;
    l->restore_at = NSEC_NEVER;
    enum err err = open_link(l, n->config.patience, diag);
    if (!err && watch(n, frame_socket_fd(l->socket), l))
        err = diag_set(diag, ERR_IO, "epoll: %s", strerror(errno));
    if (err) {
        link_free(l);
        return err;
    }
    const struct heartbeat_config config = {.mac = port->mac,
                                            .port = port->number,
                                            .node = n->id,
                                            .index = (uint8_t)n->n_links,
                                            .interval = interval,
                                            .slow = MAX(interval, 2 * n->config.patience / 3),
                                            .reflects = l->reflector != NULL,
                                            .multiplier = HEARTBEAT_MULTIPLIER};
    heartbeat_init(&l->heartbeat, &config, clock_monotonic());
    publish(l);
    n->links[n->n_links++] = l;
    return ERR_OK;
}

enum err
heartbeat_node_start(struct heartbeat_node *n, struct diag *diag)
{
    n->next = clock_monotonic();
    if (n->config.polled)
        return ERR_OK;
    int error = thread_start(&n->thread, PRIORITY, run, n, &n->realtime);
    if (error)
        return diag_set(diag, ERR_IO, "thread: %s", strerror(error));
    n->started = true;
    return ERR_OK;
}

bool
heartbeat_node_is_realtime(const struct heartbeat_node *n)
{
    return n->realtime;
}

/* ---- For the control thread ---- */

static struct link *
find_link(const struct heartbeat_node *n, uint32_t number)
{
    for (uint32_t i = 0; n && i < n->n_links; i++) {
        if (n->links[i]->port->number == number)
            return n->links[i];
    }
    return NULL;
}

void
heartbeat_node_end(struct heartbeat_node *n)
{
    if (!n)
        return;
    atomic_store_explicit(&n->ending, true, memory_order_relaxed);
    rouse(n);
}

void
heartbeat_node_set_wait_to_restore(struct heartbeat_node *n, nsec_t wait)
{
    if (n)
        atomic_store_explicit(&n->wait_to_restore, wait, memory_order_relaxed);
}

void
heartbeat_node_release(struct heartbeat_node *n, uint32_t number)
{
    for (uint32_t i = 0; n && i < n->n_links; i++) {
        struct edge_port *port = n->links[i]->port;
        uint8_t waits = HEARTBEAT_WAITS; /* what has become of it meanwhile stays */
        if (number == PORT_ANY || port->number == number)
            atomic_compare_exchange_strong(&port->fault, &waits, HEARTBEAT_NO_FAULT);
    }
}

bool
heartbeat_node_forget(struct heartbeat_node *n, uint32_t number)
{
    struct link *l = find_link(n, number);
    if (!l)
        return false;
    atomic_store_explicit(&l->forget, true, memory_order_relaxed);
    atomic_store_explicit(&n->asked, true, memory_order_release);
    rouse(n);
    return true;
}

bool
heartbeat_node_status(const struct heartbeat_node *n, uint32_t number, struct heartbeat_status *s)
{
    struct link *l = find_link(n, number);
    if (!l)
        return false;
#define SHOWN(what) atomic_load_explicit(&l->shown.what, memory_order_relaxed)
    *s = (struct heartbeat_status){
        .state = (enum heartbeat_state)SHOWN(state),
        .peer_port = SHOWN(peer_port),
        .interval = l->heartbeat.config.interval,
        .detection = SHOWN(detection),
        .counters = {SHOWN(sent), SHOWN(received), SHOWN(missed), SHOWN(ignored), SHOWN(echoes),
                     SHOWN(replies), SHOWN(losses)},
        .n_late = atomic_load_explicit(&n->n_late, memory_order_relaxed),
        .latest = atomic_load_explicit(&n->latest, memory_order_relaxed),
    };
#undef SHOWN
    return true;
}

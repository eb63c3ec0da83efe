#include "edge/worker_private.h"

#include <sched.h>

#define RECORDS_PER_TURN 2048u
#define SAMPLE_OCTETS 128u

struct command {
    uint32_t in_port, size, n_actions, tx_token;
    uint16_t stamp_offset;
    /* Then the actions, then the frame. */
};

/* The worker's time may be a little behind another's: then it takes from what is to come. */
static bool
take_token(struct shared_limit *limit, nsec_t now)
{
    nsec_t due = atomic_load_explicit(&limit->due, memory_order_relaxed), next;
    do {
        next = MAX(due, now) + limit->cost;
        if (next > now + NSEC_PER_SEC)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&limit->due, &due, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

/* ---- To the control thread ---- */

struct record *
worker_new_record(struct worker *w, enum record_kind kind, const uint8_t *frame, uint32_t size)
{
    struct record *r = ring_reserve(&w->records, (uint32_t)sizeof *r + size);
    if (!r)
        return NULL;
    *r = (struct record){.kind = kind, .size = size};
    if (size)
        memcpy(r->frame, frame, size);
    return r;
}

void
worker_publish(struct worker *w)
{
    ring_commit(&w->records);
    w->late = w->woken;
    if (!w->woken) {
        w->woken = true;
        w->all->options.wake(w->all->options.wake_arg);
    }
}

void
worker_end_turn(struct worker *w)
{
    if (w->late)
        w->all->options.wake(w->all->options.wake_arg);
    w->woken = w->late = false;
}

void
worker_on_punt(void *arg, const struct punt *p)
{
    struct worker *w = arg;
    uint8_t level;
    struct meter_entry *meter = idmap_get(&w->dp->meters, METER_CONTROLLER);
    if ((meter && meter_pass(meter, p->packet->size, w->now, &level) == METER_DROP) ||
        !take_token(&w->all->punts, w->now)) {
        counter_add(&w->dp->drops[DROP_PUNT_LIMIT], 1);
        worker_tap(w, p->packet, PORT_CONTROLLER, DROP_PUNT_LIMIT);
        return;
    }
    struct record *r = worker_new_record(w, RECORD_PUNT, p->packet->data,
                                         MIN(p->packet->size, p->max_len));
    if (!r) {
        counter_add(&w->dp->drops[DROP_PUNT_FULL], 1);
        worker_tap(w, p->packet, PORT_CONTROLLER, DROP_PUNT_FULL);
        return;
    }
    worker_tap(w, p->packet, PORT_CONTROLLER, DROP_NONE);
    r->in_port = p->packet->in_port;
    r->total_size = p->packet->size;
    r->time = p->packet->rx_time;
    r->table_id = p->table_id;
    r->reason = (uint16_t)p->reason;
    r->max_len = p->max_len;
    r->cookie = p->cookie;
    r->metadata = from_be64(p->key->metadata);
    r->tunnel_id = from_be64(p->key->tunnel_id);
    worker_publish(w);
}

void
worker_on_local(void *arg, struct packet *p)
{
    struct worker *w = arg;
    struct record *r = worker_new_record(w, RECORD_LOCAL, p->data, p->size);
    if (!r) {
        counter_add(&w->dp->drops[DROP_LOCAL_FULL], 1);
        worker_tap(w, p, PORT_LOCAL, DROP_LOCAL_FULL);
        return;
    }
    worker_tap(w, p, PORT_LOCAL, DROP_NONE);
    r->in_port = p->in_port;
    r->time = p->rx_time;
    r->kernel_time = p->rx_time_kernel;
    worker_publish(w);
}

void
worker_on_dropped(void *arg, const struct packet *p, enum drop_reason reason)
{
    struct worker *w = arg;
    if (!take_token(&w->all->samples, w->now))
        return;
    struct record *r = worker_new_record(w, RECORD_DROP, p->data, MIN(p->size, SAMPLE_OCTETS));
    if (!r)
        return;
    r->in_port = p->in_port;
    r->total_size = p->size;
    r->reason = (uint16_t)reason;
    worker_publish(w);
}

void
worker_tell_port(struct worker *w, struct edge_port *port)
{
    struct record *r = worker_new_record(w, RECORD_PORT, NULL, 0);
    if (!r)
        return;
    r->port = port;
    worker_publish(w);
}

/* ---- From it ---- */

void
worker_run_commands(struct worker *w)
{
    uint32_t size;
    struct command *c;
    while ((c = ring_peek(&w->commands, &size))) {
        struct action *list = (struct action *)(void *)(c + 1);
        struct actions actions = {list, c->n_actions};
        struct packet *p = packet_new(w->pool, c->size);
        if (p) {
            memcpy(p->data, list + c->n_actions, c->size);
            p->size = c->size;
            p->in_port = c->in_port;
            p->stamp_offset = c->stamp_offset;
            p->tx_token = c->tx_token;
            pipeline_inject(w->pipeline, p, &actions, w->now);
        } else {
            counter_add(&w->dp->drops[DROP_NO_BUFFER], 1);
        }
        ring_release(&w->commands);
    }
    worker_flush_ports(w);
}

enum err
workers_inject(struct workers *all, const struct injection *in)
{
    struct worker *w = all->list[0];
    uint32_t actions_size = in->actions->n * (uint32_t)sizeof *in->actions->list;
    if (in->size > PACKET_ROOM || in->actions->n > 4096)
        return ERR_LIMIT;
    struct command *c = ring_reserve(&w->commands, (uint32_t)sizeof *c + actions_size + in->size);
    if (!c)
        return ERR_BUSY;
    *c = (struct command){in->in_port, in->size, in->actions->n, in->tx_token, in->stamp_offset};
    uint8_t *at = (uint8_t *)(c + 1);
    if (actions_size)
        memcpy(at, in->actions->list, actions_size);
    memcpy(at + actions_size, in->frame, in->size);
    ring_commit(&w->commands);
    worker_wake(w);
    return ERR_OK;
}

void
workers_settle(struct workers *all)
{
    struct worker *w = all->list[0];
    while (w->started && !ring_is_empty(&w->commands))
        sched_yield();
    workers_settle_handover(all);
}

static void
deliver_punt(const struct record *r, const struct worker_handler *h)
{
    struct flow_key key = {.metadata = to_be64(r->metadata), .tunnel_id = to_be64(r->tunnel_id)};
    struct punt p = {.key = &key,
                     .reason = r->reason,
                     .max_len = r->max_len,
                     .table_id = r->table_id,
                     .cookie = r->cookie};
    h->punt(h->arg, &p, r->frame, r->size, r->total_size, r->in_port);
}

static bool
drain(struct worker *w, const struct worker_handler *h)
{
    uint32_t size;
    struct record *r;
    for (unsigned n = 0; (r = ring_peek(&w->records, &size)); n++) {
        if (n == RECORDS_PER_TURN)
            return true;
        switch (r->kind) {
        case RECORD_PUNT:
            deliver_punt(r, h);
            break;
        case RECORD_LOCAL:
            h->local(h->arg, r->frame, r->size, r->in_port, r->time, r->kernel_time);
            break;
        case RECORD_DROP:
            h->dropped(h->arg, r->frame, r->size, r->in_port, r->reason);
            break;
        case RECORD_TX_STAMP:
            h->transmitted(h->arg, r->token, r->time);
            break;
        case RECORD_PORT:
            h->port_changed(h->arg, r->port);
            break;
        }
        ring_release(&w->records);
    }
    return false;
}

bool
workers_drain(struct workers *all, const struct worker_handler *h)
{
    bool more = false;
    for (unsigned i = 0; i < all->n; i++)
        more |= drain(all->list[i], h);
    return more;
}

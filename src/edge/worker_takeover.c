/* worker_takeover.c - how packet threads end so that another process can go on (handover.h). */
#include "edge/worker_private.h"

#include "io/clock.h"

#include <time.h>

#define PAUSE (NSEC_PER_MSEC / 20)

/* With no thread running they are all ours. True: something still waits. */
static bool
send_more(struct workers *all)
{
    bool waits = false;
    for (unsigned i = 0; i < all->n; i++) {
        struct worker *w = all->list[i];
        w->now = clock_monotonic();
        worker_run_commands(w);
        if (w->inbox)
            worker_take_handed(w);
        worker_flush_ports(w);
    }
    for (unsigned i = 0; i < all->n; i++)
        waits |= all->list[i]->n_dirty || (all->list[i]->inbox && worker_is_handed(all->list[i]));
    return waits;
}

void
workers_stop(struct workers *all)
{
    const struct timespec pause = {0, PAUSE};
    const nsec_t end = clock_monotonic() + WORKERS_STOP_LIMIT;
    workers_end_threads(all);
    while (send_more(all) && clock_monotonic() < end)
        nanosleep(&pause, NULL);
    for (unsigned i = 0; i < all->n; i++) {
        struct worker *w = all->list[i];
        for (uint32_t k = 0; k < w->n_ports && w->n_dirty; k++)
            worker_discard_queues(w, w->ports[k]);
        worker_count_losses(w);
        worker_end_turn(w);
    }
}

struct worker_port_state
workers_port_state(const struct workers *all, uint32_t number)
{
    const struct worker_port *wp = workers_find_port(all, number);
    return wp ? (struct worker_port_state){wp->known, wp->restore_at, port_position(wp->io)}
              : (struct worker_port_state){false, NSEC_NEVER, 0};
}

void
workers_set_port_state(struct workers *all, uint32_t number, const struct worker_port_state *state)
{
    struct worker_port *wp = workers_find_port(all, number);
    if (!wp)
        return;
    wp->known = state->known;
    wp->restore_at = state->restore_at;
    port_set_position(wp->io, state->position);
}

nsec_t
workers_wait_to_restore(const struct workers *all)
{
    return atomic_load_explicit(&all->wait_to_restore, memory_order_relaxed);
}

enum err
workers_get_parts(const struct workers *all, uint32_t number, struct port_parts *parts,
                  struct diag *diag)
{
    const struct worker_port *wp = workers_find_port(all, number);
    return wp ? port_get_parts(wp->io, parts, diag)
              : diag_set(diag, ERR_NOT_FOUND, "there is no port %u", number);
}

enum err
workers_own_ports(struct workers *all, struct diag *diag)
{
    const struct fast_path *fast = all->options.fast;
    const struct port_options options = {
        .program_in = fast ? fast_path_program_in(fast) : -1,
        .program_out = fast ? fast_path_program_out(fast) : -1,
    };
    enum err err = ERR_OK;
    for (unsigned i = 0; i < all->n; i++) {
        struct worker *w = all->list[i];
        for (uint32_t k = 0; k < w->n_ports && !err; k++) {
            if (port_is_foreign(w->ports[k]->io))
                err = port_own(w->ports[k]->io, &options, diag);
        }
    }
    return err;
}

void
workers_disown_ports(struct workers *all)
{
    for (unsigned i = 0; i < all->n; i++) {
        struct worker *w = all->list[i];
        for (uint32_t k = 0; k < w->n_ports; k++)
            port_disown(w->ports[k]->io);
    }
}

#include "sensors/service_private.h"

#include "base/log.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "sensors/circuits.h"

#include <inttypes.h>
#include <string.h>

/* What sensors are told is made once, in pieces of text, and told piece by piece: the next when the
 * one before was answered. So a sensor that does not listen holds nothing up, and costs one piece.
 * Who is in the middle of it when something changes begins anew. */

#define ANSWER_WITHIN (30 * NSEC_PER_SEC)

/* ---- Pieces ---- */

struct pieces {
    json_t *list;    /* of objects of lists */
    json_t *current; /* the last of it */
    size_t size;
};

static void
add_row(struct pieces *p, const char *name, json_t *row)
{
    size_t size = json_dumpb(row, NULL, 0, JSON_COMPACT) + 1;
    if (!p->current || p->size + size > TOLD_SIZE) {
        p->current = json_pack("{s[]}", "circuits");
        json_array_append_new(p->list, p->current);
        p->size = 0;
    }
    if (!json_object_get(p->current, name))
        json_object_set_new(p->current, name, json_array());
    json_array_append_new(json_object_get(p->current, name), row);
    p->size += size;
}

static bool
is_active(const struct sensors_service *s, const char *circuit)
{
    nsec_t now = s->config.now ? s->config.now(s->config.now_arg) : clock_wall();
    return local_is_wanted(s->config.state, circuit, now, WINDOW_GRACE, NULL);
}

static void
add_all(struct sensors_service *s, struct pieces *p)
{
    const struct network *net = s->config.state->network;
    for (const struct circuit *c = net->circuits; c; c = c->hh.next) {
        const struct design *d = network_design(net, c->name);
        if (sensors_circuit_is_at(net, c, d, s->config.domain))
            add_row(p, "circuits", sensors_circuit_json(net, c, d, is_active(s, c->name)));
    }
    for (const struct host *h = net->hosts; h; h = h->hh.next)
        add_row(p, "hosts", sensors_host_json(net, h));
    size_t i;
    json_t *row, *own = sensors_own_json(net);
    json_array_foreach(own, i, row)
    {
        add_row(p, "own", json_incref(row));
    }
    json_decref(own);
}

static void
make_pieces(struct sensors_service *s)
{
    struct pieces p = {.list = json_array()};
    size_t i, n;
    json_t *piece;
    add_all(s, &p);
    n = json_array_size(p.list);
    json_decref(s->pieces);
    s->pieces = json_array();
    json_array_foreach(p.list, i, piece)
    {
        json_object_set_new(piece, "generation", json_integer((json_int_t)s->generation));
        json_object_set_new(piece, "part", json_integer((json_int_t)i + 1));
        json_object_set_new(piece, "parts", json_integer((json_int_t)n));
        char *text = json_dumps(piece, JSON_COMPACT);
        json_array_append_new(s->pieces, json_string(text));
        free(text);
    }
    json_decref(p.list);
}

/* ---- Telling ---- */

static struct caller *
find_caller(struct sensors_service *s, const struct caller *wanted)
{
    struct caller *l = s->links;
    while (l && l != wanted)
        l = l->next;
    return l;
}

static void
on_answer(void *arg, const struct call_result *result)
{
    struct caller *l = arg;
    if (result->err == ERR_CLOSED) /* it is going */
        return;
    if (result->err)
        log_warn("sensor %s does not take its circuits: %s", l->name, result->text);
    if (result->err == ERR_TIMEOUT) {
        sensors_link_free(l);
        return;
    }
    l->part = result->err ? 0 : l->part + 1;
    if (result->err)
        l->generation = l->service->generation; /* not again, until something changes */
    else
        sensors_tell_link(l);
}

static void
send_part(struct caller *l)
{
    struct sensors_service *s = l->service;
    const json_t *text = json_array_get(s->pieces, l->part - 1);
    json_t *piece = json_loads(json_string_value(text), 0, NULL);
    if (rpc_call(l->rpc, "sensor.circuits", piece, ANSWER_WITHIN, on_answer, l, NULL))
        l->part = 0;
}

/* With `part` the one that is to be sent, or behind the last. */
void
sensors_tell_link(struct caller *l)
{
    struct sensors_service *s = l->service;
    if (!l->name || !s->pieces)
        return;
    if (l->generation != s->generation) {
        l->generation = s->generation;
        l->part = 1;
    }
    if (l->part > json_array_size(s->pieces))
        l->part = 0;
    if (l->part)
        send_part(l);
}

void
sensors_tell(struct sensors_service *s)
{
    s->stale = false;
    s->generation++;
    make_pieces(s);
    for (struct caller *l = s->links, *next; l; l = next) {
        next = l->next;
        if (!l->part && find_caller(s, l)) /* the others go on with it by themselves */
            sensors_tell_link(l);
    }
}

/* Which circuits are active hangs on the time as well. */
void
sensors_look_at_plan(struct sensors_service *s)
{
    const struct state *state = s->config.state;
    uint64_t active = 14695981039346656037u; /* FNV-1a */
    for (const struct circuit *c = state->network->circuits; c; c = c->hh.next)
        active = (active ^ is_active(s, c->name)) * 1099511628211u;
    if (s->pieces && !s->stale && active == s->active && state->plan_seq == s->plan_seq &&
        state->network_version == s->network_version)
        return;
    s->active = active;
    s->plan_seq = state->plan_seq;
    s->network_version = state->network_version;
    sensors_tell(s);
}

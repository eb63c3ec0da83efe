/* congestion.c - links that have more reserved than they can have: the capacity fell, or a tunnel
 * had no other way. Each is an exception, which says what would end it; nobody is moved here. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MOVES_SHOWN 20
#define KIND "wan-link-congested"

static void
congestion_free(struct wan_service *s, struct wan_congestion *c)
{
    HASH_DEL(s->congestions, c);
    free(c->link);
    free(c);
}

void
wan_congestions_free(struct wan_service *s)
{
    struct wan_congestion *c, *next;
    HASH_ITER (hh, s->congestions, c, next)
        congestion_free(s, c);
}

/* ---- What is told ---- */

static void
put_routers(struct buf *out, const json_t *routers)
{
    size_t i;
    const json_t *router;
    json_array_foreach(routers, i, router)
        buf_printf(out, "%s%s", i ? " > " : "", json_string_value(router));
}

/* "c1 primary: a > b to a > c > b; ..." */
static char *
moves_text(const json_t *answer)
{
    const json_t *moves = json_object_get(json_object_get(answer, "summary"), "moves"), *m;
    struct buf text = BUF_INIT;
    size_t i;
    json_array_foreach(moves, i, m)
    {
        if (i == MOVES_SHOWN) {
            buf_printf(&text, "; and %zu more", json_array_size(moves) - i);
            break;
        }
        buf_printf(&text, "%s%s %s: ", i ? "; " : "",
                   json_string_value(json_object_get(m, "tunnel")),
                   json_string_value(json_object_get(m, "path")));
        put_routers(&text, json_object_get(m, "from"));
        buf_str(&text, " to ");
        put_routers(&text, json_object_get(m, "to"));
    }
    if (!i)
        buf_str(&text, "none would help");
    return buf_steal_cstr(&text);
}

/* What stays above, of this link, when all these moves are made. */
static uint64_t
left_of(const json_t *answer, const char *link)
{
    const json_t *left = json_object_get(json_object_get(answer, "summary"), "left"), *l;
    size_t i;
    json_array_foreach(left, i, l)
    {
        const char *its = json_string_value(json_object_get(l, "link"));
        if (its && !strcmp(its, link))
            return (uint64_t)json_integer_value(json_object_get(l, "over-bps"));
    }
    return 0;
}

static char *
object_of(struct wan_service *s, const struct wan_congestion *c)
{
    char *name = wan_link_name(s, c->link),
         *object = xasprintf("wan-link/%s", name ? name : c->link);
    free(name);
    return object;
}

static void
tell(struct wan_service *s, struct wan_congestion *c, const json_t *answer, const char *why)
{
    uint64_t over = c->reserved_bps - c->capacity_bps, left = left_of(answer, c->link);
    char *object = object_of(s, c), *moves = answer ? moves_text(answer) : xstrdup(why);
    json_t *evidence = json_pack("{ss so so so ss}", "link", c->link, "capacity-bps",
                                 json_sprintf("%" PRIu64, c->capacity_bps), "reserved-bps",
                                 json_sprintf("%" PRIu64, c->reserved_bps), "over-bps",
                                 json_sprintf("%" PRIu64, over), "moves", moves);
    if (left)
        json_object_set_new(evidence, "left-bps", json_sprintf("%" PRIu64, left));
    wan_raise(
        s, KIND, "major", object, evidence,
        "Link %s of the WAN has %" PRIu64 " kbit/s reserved of %" PRIu64 ", %" PRIu64 " too much.",
        object + strlen("wan-link/"), c->reserved_bps / 1000, c->capacity_bps / 1000, over / 1000);
    c->told = true;
    free(moves);
    free(object);
}

static void
on_moves(void *arg, enum err err, json_t *answer, const char *why)
{
    struct wan_service *s = arg;
    s->relieving = false;
    if (err != ERR_CLOSED) {
        for (struct wan_congestion *c = s->congestions; c; c = c->hh.next) {
            if (!c->told)
                tell(s, c, answer, why);
        }
    }
    json_decref(answer);
}

static void
find_moves(struct wan_service *s)
{
    json_t *ask = json_pack("{sf}", "threshold", 100.0);
    s->relieving = !think(s->thinker, wan_optimise, ask, on_moves, s);
    if (!s->relieving) /* it is told without */
        on_moves(s, ERR_BUSY, NULL, "not computed: too many questions wait");
    json_decref(ask);
}

/* ---- What there is ---- */

static void
note(void *arg, const struct planner_congestion *now)
{
    struct wan_service *s = arg;
    struct wan_congestion *c;
    HASH_FIND_STR(s->congestions, now->link, c);
    if (!c) {
        c = xcalloc(1, sizeof *c);
        c->link = xstrdup(now->link);
        HASH_ADD_KEYPTR(hh, s->congestions, c->link, strlen(c->link), c);
    }
    c->told = c->told && c->reserved_bps == now->reserved_bps &&
              c->capacity_bps == now->capacity_bps;
    c->reserved_bps = now->reserved_bps;
    c->capacity_bps = now->capacity_bps;
    c->there = true;
}

/* Those of a program that ran before this one, too. */
static void
close_what_is_over(struct wan_service *s)
{
    struct wan_congestion *c, *next;
    HASH_ITER (hh, s->congestions, c, next) {
        if (c->there)
            continue;
        char *object = object_of(s, c);
        if (c->told && !state_open_exception(s->config.state, KIND, object))
            timer_start(s->look, NSEC_PER_SEC); /* it is on its way into the journal */
        free(object);
        congestion_free(s, c);
    }
    for (const struct exception *e = s->config.state->exceptions; e; e = e->hh.next) {
        const char *link = json_string_value(json_object_get(e->evidence, "link"));
        if (e->state == EXCEPTION_CLOSED || strcmp(e->kind, KIND) != 0 || !link)
            continue;
        HASH_FIND_STR(s->congestions, link, c);
        if (!c)
            wan_close(s, KIND, e->object, "there is room for all");
    }
}

void
wan_look_at_congestion(struct wan_service *s)
{
    bool news = false;
    for (struct wan_congestion *c = s->congestions; c; c = c->hh.next)
        c->there = false;
    planner_congested(s->planner, note, s);
    close_what_is_over(s);
    for (const struct wan_congestion *c = s->congestions; c; c = c->hh.next)
        news = news || !c->told;
    if (news && !s->relieving)
        find_moves(s);
}

/* lsps.c - what routers should hold, and bringing it there.
 *
 * A tunnel has up to four label-switched paths: primary and standby, each from its head and from
 * its tail. What should be there follows from the state alone; what is there, the routers report.
 * Whenever either changes the two are compared, and one order at a time leaves for each path until
 * they agree. So nothing has to be remembered over a crash, a lost session or a router that was
 * replaced. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "io/clock.h"
#include "wan/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_PREFIX "tl."
#define NAME_SIZE 80
#define PREFERENCE 100 /* of candidate paths: as if it were not said (RFC 9256 section 2.7) */
#define PAUSE_FIRST (500 * NSEC_PER_MSEC)
#define PAUSE_MAX (30 * NSEC_PER_SEC)
#define TRIES_SILENT 3                     /* failures before people are told */
#define CALM (10 * NSEC_PER_SEC)           /* what was done and lasts as long, lasts */
#define RETRY_GATHER (20 * NSEC_PER_MSEC)  /* paths whose pauses end one after the other */
#define GOING_UP_MAX (10 * NSEC_PER_SEC)   /* FRR's pathd takes three seconds */
#define REPEATS 4                          /* even: the last one is as it should be */
#define REPEAT_AFTER (500 * NSEC_PER_MSEC) /* a change of the network */

/* ---- Who and where ---- */

struct wan_tunnel *
wan_tunnel(struct wan_service *s, const char *name)
{
    struct wan_tunnel *t;
    HASH_FIND_STR(s->tunnels, name, t);
    return t;
}

/* Is there an exception about it, perhaps of a program that ran before this one? */
static bool
is_told(const struct wan_service *s, const char *kind, const char *tunnel)
{
    char *object = xasprintf("tunnel/%s", tunnel);
    bool told = state_open_exception(s->config.state, kind, object) != NULL;
    free(object);
    return told;
}

struct wan_tunnel *
wan_tunnel_need(struct wan_service *s, const char *name)
{
    struct wan_tunnel *t = wan_tunnel(s, name);
    if (!t) {
        t = xcalloc(1, sizeof *t);
        t->name = xstrdup(name);
        t->wanted = clock_monotonic();
        t->failed = is_told(s, "tunnel-not-installed", name);
        t->without = is_told(s, "tunnel-without-path", name);
        HASH_ADD_KEYPTR(hh, s->tunnels, t->name, strlen(t->name), t);
    }
    return t;
}

void
wan_tunnel_free(struct wan_service *s, struct wan_tunnel *t)
{
    HASH_DEL(s->tunnels, t);
    free(t->name);
    free(t);
}

/* "tl.NAME.p", "tl.NAME.s": whose an LSP is, over restarts of either side. */
static char *
put_name(const char *tunnel, enum tunnel_path path, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, NAME_PREFIX "%s.%c", tunnel, tunnel_path_words[path][0]);
    return name;
}

bool
wan_read_lsp_name(const char *name, char tunnel[64], enum tunnel_path *path)
{
    size_t length = strlen(name), prefix = strlen(NAME_PREFIX);
    if (strncmp(name, NAME_PREFIX, prefix) || length < prefix + 3 || length - prefix - 2 > 63 ||
        name[length - 2] != '.')
        return false;
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        if (name[length - 1] != tunnel_path_words[i][0])
            continue;
        snprintf(tunnel, 64, "%.*s", (int)(length - prefix - 2), name + prefix);
        *path = i;
        return true;
    }
    return false;
}

const struct router *
wan_router_at(const struct wan_service *s, const struct tunnel *t, enum wan_end end)
{
    return network_router(s->config.state->network, end == WAN_HEAD ? t->head : t->tail);
}

static uint32_t
pcc_by_ipv4(struct wan_service *s, uint32_t ipv4)
{
    char text[WAN_ADDRESS_TEXT];
    struct te_address address = wan_address_of(ipv4);
    return ipv4 ? pce_find_pcc(wan_pce(s), wan_address_text(&address, text)) : PCE_NO_PCC;
}

static bool
is_ready(struct wan_service *s, uint32_t pcc)
{
    struct pce_pcc_info info;
    return pcc != PCE_NO_PCC && pce_pcc_info(wan_pce(s), pcc, &info) && info.state == PCE_PCC_READY;
}

/* Routers come from their router id, or from the management network; what one has from before it
 * came from the other one is not what it has now. */
uint32_t
wan_pcc_of(struct wan_service *s, const struct router *r)
{
    if (!r || !wan_pce(s))
        return PCE_NO_PCC;
    uint32_t pcc = pcc_by_ipv4(s, r->router_id);
    if (is_ready(s, pcc))
        return pcc;
    uint32_t other = pcc_by_ipv4(s, r->management_address);
    return pcc == PCE_NO_PCC || is_ready(s, other) ? other : pcc;
}

uint32_t
wan_pcc_at(struct wan_service *s, const struct tunnel *t, enum wan_end end)
{
    return wan_pcc_of(s, wan_router_at(s, t, end));
}

bool
wan_is_ready(struct wan_service *s, const struct tunnel *t, enum wan_end end)
{
    return is_ready(s, wan_pcc_at(s, t, end));
}

bool
wan_has_session(struct wan_service *s, const char *object)
{
    const struct router *r = strncmp(object, "router/", 7)
                                 ? NULL
                                 : network_router(s->config.state->network, object + 7);
    return r && is_ready(s, wan_pcc_of(s, r));
}

const struct lsp *
wan_find_lsp(struct wan_service *s, const struct tunnel *t, enum tunnel_path path, enum wan_end end)
{
    char name[NAME_SIZE];
    uint32_t pcc = wan_pcc_at(s, t, end);
    put_name(t->name, path, name);
    return pcc == PCE_NO_PCC ? NULL
                             : lsp_db_find_name(pce_lsps(wan_pce(s)), pcc, name, strlen(name));
}

/* ---- Is it as it should be? ---- */

bool
wan_lsp_is(const struct lsp *lsp, const struct planner_segment *segments, size_t n)
{
    struct lsp_hops hops = lsp_ero(lsp);
    struct lsp_hop hop;
    size_t i = 0;
    while (lsp_hops_next(&hops, &hop)) {
        if (i == n || !hop.is_label || hop.label != segments[i++].label)
            return false;
    }
    return i == n;
}

static uint64_t
rate_of(const struct tunnel *t)
{
    return (uint64_t)t->rate_kbps * 1000;
}

/* Rates are told as a float of octets a second: RFC 5440 section 7.7. */
static bool
same_rate(uint64_t a, uint64_t b)
{
    uint64_t most = MAX(a, b);
    return most - MIN(a, b) <= most >> 20;
}

/* Does the router say another rate or other priorities than the tunnel has? Many tell none. */
static bool
has_other_terms(const struct lsp *lsp, const struct tunnel *t)
{
    bool rate = lsp->bandwidth_bps && !same_rate(lsp->bandwidth_bps, rate_of(t));
    return rate || (lsp->has_priorities && (lsp->setup_priority != t->setup_priority ||
                                            lsp->holding_priority != t->hold_priority));
}

static bool
carries(const struct lsp *lsp)
{
    return lsp->operational == LSP_UP || lsp->operational == LSP_ACTIVE;
}

/* ---- Orders ---- */

static void
note_order(struct wan_service *s, struct wan_lsp *lsp, uint64_t id, const char *tunnel,
           enum tunnel_path path, enum wan_end end)
{
    struct wan_order *o = xcalloc(1, sizeof *o);
    *o = (struct wan_order){.id = id, .tunnel = xstrdup(tunnel), .path = path, .end = end};
    HASH_ADD(hh, s->orders, id, sizeof o->id, o);
    lsp->order = id;
}

static void
set_alarm(struct wan_service *s, nsec_t again)
{
    if (again >= s->alarm)
        return;
    s->alarm = again;
    timer_start(s->retry, MAX(again - clock_monotonic(), RETRY_GATHER));
}

/* When something is to be done about it; NSEC_NEVER: not by itself. */
static nsec_t
due_at(const struct wan_lsp *lsp)
{
    nsec_t again = lsp->again ? lsp->again : NSEC_NEVER;
    nsec_t remind = lsp->remind ? lsp->remind : NSEC_NEVER;
    return lsp->order ? NSEC_NEVER : MIN(again, remind);
}

static bool
is_due(const struct wan_tunnel *t, nsec_t now, nsec_t *next)
{
    bool due = false;
    for (unsigned i = 0; i < TUNNEL_PATHS * WAN_ENDS; i++) {
        nsec_t at = due_at(&t->lsps[i / WAN_ENDS][i % WAN_ENDS]);
        due |= at <= now;
        *next = MIN(*next, at);
    }
    return due;
}

void
wan_retry(struct wan_service *s)
{
    nsec_t now = clock_monotonic(), next = NSEC_NEVER, unused = NSEC_NEVER;
    s->alarm = NSEC_NEVER;
    for (const struct wan_tunnel *t = s->tunnels; t; t = t->hh.next) {
        if (is_due(t, now, &unused))
            wan_reconcile(s, t->name, PCE_CHANGE);
        (void)is_due(t, now, &next);
    }
    set_alarm(s, next);
}

void
wan_put_off(struct wan_service *s, struct wan_lsp *lsp, const char *why)
{
    nsec_t pause = PAUSE_FIRST << MIN(lsp->tries, 6);
    snprintf(lsp->why, sizeof lsp->why, "%s", why);
    lsp->tries++;
    lsp->again = clock_monotonic() + MIN(pause, PAUSE_MAX);
    set_alarm(s, lsp->again);
}

/* Labels alone: whose they are (the NAI of RFC 8664) may be told besides, but FRR leaves the old
 * stack in place when it is the address of an adjacency. */
void
wan_fill_path(const struct planner_segment *segments, size_t n, struct lsp_hop *hops)
{
    for (size_t i = 0; i < n; i++)
        hops[i] = (struct lsp_hop){
            .kind = LSP_HOP_SEGMENT, .is_label = true, .label = segments[i].label};
}

struct wish {
    const struct tunnel *tunnel;
    const struct tunnel_status *status;
    enum tunnel_path path;
    enum wan_end end;
    enum pce_urgency urgency;
};

static void
give(struct wan_service *s, struct wan_lsp *its, const struct wish *w,
     const struct pce_order *order)
{
    struct diag why = {""};
    uint64_t id;
    enum err err = pce_order(wan_pce(s), order, clock_monotonic(), &id, &why);
    if (err)
        wan_put_off(s, its, why.text);
    else
        note_order(s, its, id, w->tunnel->name, w->path, w->end);
}

/* What all orders for a way say of it. */
static struct pce_order
order_of(const struct wish *w, enum pce_order_kind kind, const struct lsp_hop *hops, size_t n)
{
    const struct tunnel *t = w->tunnel;
    return (struct pce_order){.kind = kind,
                              .urgency = w->urgency,
                              .until = PCE_UNTIL_ACCEPTED,
                              .setup_type = PCEP_PST_SR,
                              .path = hops,
                              .n_path = n,
                              .bandwidth_bps = rate_of(t),
                              .setup_priority = t->setup_priority,
                              .holding_priority = t->hold_priority,
                              .has_priorities = true};
}

static void
order_initiation(struct wan_service *s, struct wan_lsp *its, const struct wish *w, uint32_t pcc,
                 const struct lsp_hop *hops, size_t n)
{
    char name[NAME_SIZE];
    uint32_t color = w->status->number * TUNNEL_PATHS + w->path;
    const struct router *from = wan_router_at(s, w->tunnel, w->end),
                        *to = wan_router_at(s, w->tunnel, !w->end);
    struct pce_order order = order_of(w, PCE_INITIATE, hops, n);
    order.pcc = pcc;
    order.name = put_name(w->tunnel->name, w->path, name);
    order.source = wan_address_of(from->router_id);
    order.destination = wan_address_of(to->router_id);
    order.has_color = true;
    order.color = color;
    order.preference = PREFERENCE;
    order.binding_label = s->settings.binding ? s->settings.binding + color : 0;
    give(s, its, w, &order);
}

static void
order_update(struct wan_service *s, struct wan_lsp *its, const struct wish *w, uint64_t lsp,
             const struct lsp_hop *hops, size_t n)
{
    struct pce_order order = order_of(w, PCE_UPDATE, hops, n);
    order.lsp = lsp;
    give(s, its, w, &order);
}

/* ---- Orders that a router may have lost ---- */

void
wan_repeat(struct wan_service *s, struct wan_lsp *its, bool at_once)
{
    its->moved = false;
    if (!s->settings.repeat || clock_monotonic() > s->changed + REPEAT_AFTER)
        return;
    its->repeats = REPEATS + at_once;
    if (!timer_is_armed(s->repeat))
        timer_start(s->repeat, at_once ? 0 : s->settings.repeat / REPEATS);
}

/* FRR's zebra may lose the label of a list that comes while the IGP changes labels, and looks at no
 * list that is the same (doc/wan-frr.md): every other one begins with the segment of the first
 * link, which makes another list of it and not another way. */
static void
repeat_order(struct wan_service *s, struct wan_lsp *its, const struct wish *w)
{
    struct planner_segment segments[PLANNER_SEGMENTS_MAX];
    struct lsp_hop hops[PLANNER_SEGMENTS_MAX];
    const struct lsp *lsp = wan_find_lsp(s, w->tunnel, w->path, w->end);
    struct diag why = {""};
    size_t n = 0;
    bool back = w->end == WAN_TAIL;
    if (!lsp || !lsp->delegated || lsp->stale || !wan_is_ready(s, w->tunnel, w->end)) {
        its->repeats = 0; /* it is looked at as ever */
        return;
    }
    its->repeats--;
    enum err err = its->repeats % 2 ? planner_segments_from_link(s->planner, w->tunnel->name,
                                                                 w->path, back, segments, &n, &why)
                                    : planner_segments(s->planner, w->tunnel->name, w->path, back,
                                                       segments, &n, &why);
    if (err)
        return;
    wan_fill_path(segments, n, hops);
    order_update(s, its, w, lsp->id, hops, n);
}

void
wan_on_repeat(void *arg)
{
    struct wan_service *s = arg;
    const struct state *state = s->config.state;
    bool more = false;
    for (struct wan_tunnel *t = s->tunnels; t; t = t->hh.next) {
        const struct tunnel *tunnel = network_tunnel(state->network, t->name);
        const struct tunnel_status *status = tunneling_find(&state->tunneling, t->name);
        bool ended = false;
        for (unsigned i = 0; i < TUNNEL_PATHS * WAN_ENDS; i++) {
            struct wan_lsp *its = &t->lsps[i / WAN_ENDS][i % WAN_ENDS];
            const struct wish w = {tunnel, status, i / WAN_ENDS, i % WAN_ENDS, PCE_RESTORATION};
            bool wanted = tunnel && status && phase_is_wanted(status->phase);
            if (!its->repeats)
                continue;
            if (wanted)
                repeat_order(s, its, &w);
            else
                its->repeats = 0;
            more = more || its->repeats;
            ended = ended || (!its->repeats && !its->order);
        }
        if (ended)
            wan_reconcile(s, t->name, PCE_CHANGE);
    }
    if (more)
        timer_start(s->repeat, s->settings.repeat / REPEATS);
}

static uint64_t
hash_of(const struct tunnel *t, const struct planner_segment *segments, size_t n)
{
    uint64_t hash =
        hash_mix((uint64_t)t->rate_kbps << 16 | t->setup_priority << 8 | t->hold_priority) + n;
    for (size_t i = 0; i < n; i++)
        hash = hash_mix(hash ^ segments[i].label);
    return hash;
}

/* It was done, and is not so: the router does not what it says, or somebody else gives it orders,
 * too. True: it is put off, and more each time, lest that goes on as fast as the two can. */
static bool
has_relapsed(struct wan_service *s, struct wan_lsp *its, uint64_t way, const struct lsp *lsp)
{
    bool was_done = its->done && its->way == way;
    bool soon = was_done && clock_monotonic() - its->done < CALM;
    its->done = 0;
    if (was_done && !soon)
        its->relapses = 0;
    if (!soon)
        return false;
    its->tries = MAX(its->tries, its->relapses);
    its->relapses++;
    wan_put_off(s, its,
                !lsp             ? "the router had it, and has it no more"
                : lsp->delegated ? "the router reports another path than it was ordered"
                                 : "the router has given it away");
    return true;
}

/* One that was left without a PCE, perhaps by this one when it began anew, is taken over first. */
static void
take_over(struct wan_service *s, struct wan_lsp *its, const struct wish *w, const struct lsp *lsp)
{
    if (its->taken && clock_monotonic() - its->taken < CALM)
        wan_put_off(s, its, "the router has taken it back");
    else
        give(s, its, w,
             &(struct pce_order){.kind = PCE_TAKE_OVER, .urgency = w->urgency, .lsp = lsp->id});
}

static void
note_good(struct wan_lsp *its, const struct lsp *lsp)
{
    if (!lsp->orphan) {
        its->tries = 0;
        its->again = 0;
    }
    its->is_set = true;
    its->is_up = carries(lsp);
    snprintf(its->why, sizeof its->why, "%s",
             its->is_up ? "" : lsp_operational_name(lsp->operational));
}

/* Has the router what it should, and has been going up for too long? It may have forgotten to say
 * that it is up, and does when it is told again. */
static bool
lingers(struct wan_service *s, struct wan_lsp *its, const struct lsp *lsp, nsec_t remind)
{
    nsec_t now = clock_monotonic();
    bool going = lsp->operational == LSP_GOING_UP && lsp->delegated && !lsp->orphan;
    bool late = going && remind && remind <= now;
    if (going && !late) {
        its->remind = remind ? remind : now + GOING_UP_MAX;
        set_alarm(s, its->remind);
    }
    return late;
}

/* It has the labels, and says another rate or other priorities: it is told them once. A router that
 * goes on saying others has no place for them, and forwards all the same. */
static bool
must_be_told_terms(const struct wan_lsp *its, const struct wish *w, const struct lsp *lsp,
                   uint64_t way)
{
    return its->way != way && lsp->delegated && !lsp->orphan && has_other_terms(lsp, w->tunnel);
}

/* What is there and should be: as it should be, or an order to make it so, unless it must wait. */
static void
bring(struct wan_service *s, struct wan_lsp *its, const struct wish *w, const struct lsp *lsp,
      bool must_wait, nsec_t remind)
{
    struct planner_segment segments[PLANNER_SEGMENTS_MAX];
    struct lsp_hop hops[PLANNER_SEGMENTS_MAX];
    uint32_t pcc = wan_pcc_at(s, w->tunnel, w->end);
    struct diag why = {""};
    size_t n = 0;
    if (planner_segments(s->planner, w->tunnel->name, w->path, w->end == WAN_TAIL, segments, &n,
                         &why)) {
        if (!must_wait)
            wan_put_off(s, its, why.text);
        return;
    }
    bool same = lsp && wan_lsp_is(lsp, segments, n) && !lsp->stale;
    if (same && its->moved) /* by the same labels: a router may not look where they lead now */
        wan_repeat(s, its, true);
    if (same && its->repeats) {
        snprintf(its->why, sizeof its->why, "it is told again");
        return;
    }
    uint64_t way = hash_of(w->tunnel, segments, n);
    if (same) {
        note_good(its, lsp);
        if (lsp->orphan && !must_wait) /* the router would remove it by and by */
            take_over(s, its, w, lsp);
        bool late = lingers(s, its, lsp, remind);
        if (!late && (must_wait || !must_be_told_terms(its, w, lsp, way)))
            return;
        if (late && s->settings.repeat) { /* another list, then this one again */
            its->repeats = REPEATS;
            timer_start(s->repeat, s->settings.repeat / REPEATS);
            return;
        }
    }
    if (!same && (must_wait || has_relapsed(s, its, way, lsp)))
        return;
    its->way = way;
    wan_fill_path(segments, n, hops);
    if (!lsp) {
        order_initiation(s, its, w, pcc, hops, n);
    } else if (lsp->orphan || !lsp->delegated) {
        take_over(s, its, w, lsp);
    } else {
        order_update(s, its, w, lsp->id, hops, n);
        wan_repeat(s, its, false);
    }
}

/* Is somebody being taken out of the way? */
static bool
others_yield(const struct wan_service *s)
{
    return s->yields > clock_monotonic();
}

static void
take_out(struct wan_service *s, struct wan_lsp *its, const struct wish *w, const struct lsp *lsp)
{
    if (lsp->orphan || !lsp->delegated)
        take_over(s, its, w, lsp);
    else
        give(s, its, w,
             &(struct pce_order){
                 .kind = PCE_REMOVE, .urgency = w->urgency, .lsp = lsp->id, .is_certain = true});
}

static void
look_at_lsp(struct wan_service *s, struct wan_tunnel *t, const struct wish *w, bool wanted)
{
    struct wan_lsp *its = &t->lsps[w->path][w->end];
    const struct lsp *lsp = wan_find_lsp(s, w->tunnel, w->path, w->end);
    if (its->order || (its->repeats && wanted))
        return; /* its result comes, and then this again */
    its->is_set = its->is_up = false;
    nsec_t remind = its->remind;
    its->remind = 0;
    if (!wan_is_ready(s, w->tunnel, w->end)) {
        const struct router *r = wan_router_at(s, w->tunnel, w->end);
        snprintf(its->why, sizeof its->why, "router %s has no session", r ? r->name : "?");
        return; /* looked at again when it has */
    }
    nsec_t now = clock_monotonic();
    if (now < s->settled && wanted) {
        its->again = s->settled;
        set_alarm(s, its->again);
    }
    bool begins = wanted && !lsp && w->status->phase == PHASE_BUILDING;
    if (begins && timer_is_armed(s->push))
        return;
    if (begins && others_yield(s)) {
        its->again = s->yields;
        set_alarm(s, its->again);
        return;
    }
    bool must_wait = its->again > now && (w->urgency != PCE_RESTORATION || now < s->settled);
    if (!must_wait)
        its->again = 0;
    if (wanted)
        bring(s, its, w, lsp, must_wait, remind);
    else if (must_wait)
        return;
    else if (lsp && lsp->created_by_pce)
        take_out(s, its, w, lsp);
    else
        *its = (struct wan_lsp){0};
}

/* ---- What it comes to ---- */

static const char *
first_reason(const struct wan_tunnel *t, unsigned *tries)
{
    const char *why = "";
    for (unsigned i = 0; i < TUNNEL_PATHS * WAN_ENDS; i++) {
        const struct wan_lsp *lsp = &t->lsps[i / WAN_ENDS][i % WAN_ENDS];
        *tries = MAX(*tries, lsp->tries);
        if (!*why)
            why = lsp->why;
    }
    return why;
}

static void
on_built(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct wan_service *s = wan_handle_take(arg);
    if (err)
        log_warn("wan: %s", why);
    for (struct wan_tunnel *t = err && s ? s->tunnels : NULL; t; t = t->hh.next)
        t->built_told = false; /* said again */
}

static bool
all_up(const struct wan_tunnel *t, const struct tunnel_status *status)
{
    for (unsigned p = 0; p < TUNNEL_PATHS; p++) {
        for (unsigned e = 0; e < WAN_ENDS && status->paths[p]; e++) {
            if (!t->lsps[p][e].is_up)
                return false;
        }
    }
    return true;
}

static bool
all_set(const struct wan_tunnel *t, const struct tunnel_status *status)
{
    for (unsigned p = 0; p < TUNNEL_PATHS; p++) {
        for (unsigned e = 0; e < WAN_ENDS && status->paths[p]; e++) {
            if (!t->lsps[p][e].is_set)
                return false;
        }
    }
    return true;
}

static nsec_t
latest_yield(const struct wan_service *s)
{
    nsec_t latest = 0;
    for (const struct wan_tunnel *t = s->tunnels; t; t = t->hh.next)
        latest = MAX(latest, t->yields);
    return latest;
}

/* It is out of the way: who waited for that goes on, if it was the last one. */
static void
end_yielding(struct wan_service *s, struct wan_tunnel *t, const struct tunnel_status *status)
{
    if (!t->yields || !all_set(t, status))
        return;
    bool last = t->yields == s->yields;
    t->yields = 0;
    if (last)
        s->yields = latest_yield(s);
    if (others_yield(s))
        return;
    for (const struct tunnel_status *other = s->config.state->tunneling.tunnels; other;
         other = other->hh.next) {
        struct wan_tunnel *its = other->phase == PHASE_BUILDING ? wan_tunnel(s, other->tunnel)
                                                                : NULL;
        for (unsigned i = 0; its && i < TUNNEL_PATHS * WAN_ENDS; i++) {
            if (!its->lsps[i / WAN_ENDS][i % WAN_ENDS].tries)
                its->lsps[i / WAN_ENDS][i % WAN_ENDS].again = 0;
        }
        if (its)
            wan_reconcile(s, other->tunnel, PCE_CHANGE);
    }
}

static void
conclude_wanted(struct wan_service *s, struct wan_tunnel *t, const struct tunnel_status *status)
{
    char *object = xasprintf("tunnel/%s", t->name);
    unsigned tries = 0;
    const char *why = first_reason(t, &tries);
    end_yielding(s, t, status);
    if (all_up(t, status)) {
        if (t->failed)
            wan_close(s, "tunnel-not-installed", object, "the routers hold it");
        t->failed = false;
        wan_answer_waiters(s, t->name, true, ERR_OK, NULL);
        if (status->phase == PHASE_BUILDING && !t->built_told) {
            t->built_told = true;
            wan_append(s, "tunnel.built", object, ACTOR,
                       json_pack("{sI ss sI}", "order", (json_int_t)status->order, "tunnel",
                                 t->name, "duration-ns",
                                 (json_int_t)(clock_monotonic() - t->wanted)),
                       on_built, wan_handle_give(s));
        }
    } else if (tries >= TRIES_SILENT) {
        if (!t->failed)
            wan_raise(s, "tunnel-not-installed", "major", object, NULL,
                      "Tunnel %s is not in the routers as it should be: %s.", t->name, why);
        t->failed = true;
        wan_answer_waiters(s, t->name, false, ERR_IO, why);
    }
    free(object);
}

/* Nothing of it is left, as far as its routers can say. */
static void
conclude_unwanted(struct wan_service *s, struct wan_tunnel *t, const struct tunnel *tunnel,
                  const struct tunnel_status *status)
{
    unsigned tries = 0;
    const char *why = first_reason(t, &tries);
    if (tries >= TRIES_SILENT)
        wan_answer_waiters(s, t->name, false, ERR_IO, why);
    for (unsigned i = 0; i < TUNNEL_PATHS * WAN_ENDS; i++) {
        if (t->lsps[i / WAN_ENDS][i % WAN_ENDS].order || !wan_is_ready(s, tunnel, i % WAN_ENDS) ||
            wan_find_lsp(s, tunnel, i / WAN_ENDS, i % WAN_ENDS))
            return;
    }
    if (status->phase != PHASE_REMOVING || t->built_told)
        return;
    char *object = xasprintf("tunnel/%s", t->name);
    t->built_told = true;
    wan_append(s, "tunnel.removed", object, ACTOR,
               json_pack("{sI ss}", "order", (json_int_t)status->order, "tunnel", t->name),
               on_built, wan_handle_give(s));
    free(object);
}

void
wan_reconcile(struct wan_service *s, const char *name, enum pce_urgency urgency)
{
    const struct state *state = s->config.state;
    const struct tunnel *tunnel = network_tunnel(state->network, name);
    const struct tunnel_status *status = tunneling_find(&state->tunneling, name);
    if (!tunnel || !status || !wan_pce(s))
        return;
    bool wanted = phase_is_wanted(status->phase);
    if (!wanted && status->phase != PHASE_REMOVING && !wan_tunnel(s, name))
        return; /* nothing of it was ever there */
    struct wan_tunnel *t = wan_tunnel_need(s, name);
    for (unsigned p = 0; p < TUNNEL_PATHS; p++) {
        for (unsigned e = 0; e < WAN_ENDS; e++) {
            const struct wish w = {tunnel, status, p, e, urgency};
            look_at_lsp(s, t, &w, wanted && status->paths[p]);
        }
    }
    if (!wanted && t->failed) {
        char *object = xasprintf("tunnel/%s", name);
        wan_close(s, "tunnel-not-installed", object, "it is not wanted any more");
        free(object);
        t->failed = false;
    }
    if (wanted)
        conclude_wanted(s, t, status);
    else
        conclude_unwanted(s, t, tunnel, status);
}

void
wan_reconcile_all(struct wan_service *s, enum pce_urgency urgency)
{
    const struct tunnel_status *t = s->config.state->tunneling.tunnels;
    for (; t; t = t->hh.next)
        wan_reconcile(s, t->tunnel, urgency);
}

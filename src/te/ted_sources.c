/* ted_sources.c - who says something, whether it is there, and for how long what it said counts. */
#include "te/ted_private.h"

#define MUCH 8 /* nodes and links: of fewer half may well go at once */

/* ---- sources */

static int
compare_sources(const void *a, const void *b)
{
    const struct ted_source *x = *(struct ted_source *const *)a,
                            *y = *(struct ted_source *const *)b;
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

static void
order_sources(struct ted *ted)
{
    struct ted_source *all[TED_SOURCES_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < ted->n_sources; i++)
        if (ted->sources[i].used)
            all[n++] = &ted->sources[i];
    qsort(all, n, sizeof *all, compare_sources);
    for (uint32_t i = 0; i < n; i++)
        all[i]->order = i;
}

enum err
ted_source_add(struct ted *ted, enum ted_kind kind, const char *name, const char *domain,
               uint32_t *source)
{
    uint32_t free_place = ted->n_sources;
    for (uint32_t i = ted->n_sources; i-- > 0;) {
        if (!ted->sources[i].used)
            free_place = i;
        else if (!strcmp(ted->sources[i].name, name))
            return ERR_EXISTS;
    }
    if (free_place == TED_SOURCES_MAX)
        return ERR_LIMIT;
    ted->sources[free_place] = (struct ted_source){
        .used = true, .kind = kind, .name = xstrdup(name), .domain = xstrdup(domain ? domain : "")};
    ted->n_sources = MAX(ted->n_sources, free_place + 1);
    order_sources(ted);
    ted_todo(ted, TED_DO_STRUCTURE);
    *source = free_place;
    return ERR_OK;
}

static void
source_state(struct ted *ted, struct ted_source *s, enum ted_source_state state, nsec_t now)
{
    ted->now = MAX(ted->now, now);
    if (s->state == state)
        return;
    bool stale = s->state == TED_STALE || state == TED_STALE;
    /* Evidence of different devices counts when both sources are complete. */
    bool complete = (s->state == TED_SYNCING) != (state == TED_SYNCING);
    s->state = state;
    s->state_since = now;
    ted_todo(ted, complete ? TED_DO_STRUCTURE : stale ? TED_DO_RESOLVE : TED_DO_PATCH);
    ted_delta(ted, TED_SOURCE_CHANGED, s->name, 0, state == TED_UP, 0);
}

/* What it tells from now on is the whole of it, and is judged anew. */
static void
begin_epoch(struct ted *ted, struct ted_source *s)
{
    if (s->over_limit || s->n_garbled)
        ted_todo(ted, TED_DO_PATCH);
    s->epoch++;
    s->over_limit = false;
    s->n_garbled = 0;
    free(s->garbled);
    s->garbled = NULL;
}

void
ted_source_up(struct ted *ted, uint32_t source, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    if (!s)
        return;
    begin_epoch(ted, s);
    source_state(ted, s, TED_SYNCING, now);
}

/* Withdraws what no synchronisation since `epoch` told. */
static void
sweep(struct ted *ted, struct ted_source *s, uint32_t epoch, nsec_t now)
{
    struct ted_prefix_rec *prefix, *next_prefix;
    struct ted_link_rec *link, *next_link;
    struct ted_node_rec *node, *next_node;
    HASH_ITER (hh, s->prefixes, prefix, next_prefix)
        if (prefix->epoch != epoch)
            ted_free_prefix_record(ted, prefix);
    HASH_ITER (hh, s->links, link, next_link)
        if (link->epoch != epoch)
            ted_withdraw_link_record(ted, link, s->state != TED_STALE, now);
    HASH_ITER (hh, s->nodes, node, next_node)
        if (node->epoch != epoch)
            ted_withdraw_node_record(ted, node, now);
}

void
ted_source_refresh(struct ted *ted, uint32_t source, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    if (!s)
        return;
    if (s->state != TED_UP) {
        ted_source_up(ted, source, now);
        return;
    }
    begin_epoch(ted, s);
    s->refreshing = true;
}

static void
set_small(struct ted *ted, struct ted_source *s, bool small, nsec_t now)
{
    if (s->small == small)
        return;
    s->small = small;
    s->small_since = now;
    ted_todo(ted, TED_DO_PATCH);
}

/* Has it told less than half of what counts? */
static bool
is_small(struct ted_source *s)
{
    uint32_t n = 0, n_told = 0;
    for (const struct ted_node_rec *node = s->nodes; node; node = node->hh.next) {
        n += node->told && !node->withdrawn;
        n_told += node->told && !node->withdrawn && node->epoch == s->epoch;
    }
    for (const struct ted_link_rec *link = s->links; link; link = link->hh.next) {
        n += !link->withdrawn;
        n_told += !link->withdrawn && link->epoch == s->epoch;
    }
    s->n_told = n_told;
    s->n_expected = n;
    return ted_hears(s->kind) && n >= MUCH && n_told < n / 2;
}

/* What it told is the whole of it. */
static void
believe(struct ted *ted, struct ted_source *s, nsec_t now)
{
    set_small(ted, s, false, now);
    s->refreshing = false;
    sweep(ted, s, s->epoch, now);
    source_state(ted, s, TED_UP, now);
}

/* When it is believed all the same. What is missing may be just what could not be read: then it is
 * like a source that has gone. */
static nsec_t
end_of_doubt(const struct ted *ted, const struct ted_source *s)
{
    bool unreadable = s->n_garbled >= s->n_expected - s->n_told;
    return s->small_since + (unreadable ? ted->config.stale_hold : ted->config.small_hold);
}

void
ted_source_synced(struct ted *ted, uint32_t source, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    if (!s || (s->state != TED_SYNCING && !s->refreshing))
        return;
    bool small = is_small(s);
    if (small)
        set_small(ted, s, true, now);
    if (!small || now >= end_of_doubt(ted, s))
        believe(ted, s, now);
}

void
ted_source_down(struct ted *ted, uint32_t source, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    if (!s || s->state == TED_DOWN || s->state == TED_STALE)
        return;
    set_small(ted, s, false, now);
    source_state(ted, s, TED_STALE, now);
}

void
ted_source_garbled(struct ted *ted, uint32_t source, uint64_t n, const char *what, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    if (!s || !n)
        return;
    ted->now = MAX(ted->now, now);
    if (!s->n_garbled)
        ted_todo(ted, TED_DO_PATCH);
    s->n_garbled += n;
    free(s->garbled);
    s->garbled = xstrndup(what, strnlen(what, TED_TEXT_MAX));
}

static void
forget_source(struct ted *ted, struct ted_source *s)
{
    struct ted_prefix_rec *prefix, *next_prefix;
    struct ted_link_rec *link, *next_link;
    struct ted_node_rec *node, *next_node;
    HASH_ITER (hh, s->prefixes, prefix, next_prefix)
        ted_free_prefix_record(ted, prefix);
    HASH_ITER (hh, s->links, link, next_link)
        ted_free_link_record(ted, link);
    HASH_ITER (hh, s->nodes, node, next_node) {
        node->told = false;
        ted_node_unref(ted, node);
    }
}

void
ted_source_remove(struct ted *ted, uint32_t source, nsec_t now)
{
    struct ted_source *s = ted_source_of(ted, source);
    if (!s)
        return;
    ted->now = MAX(ted->now, now);
    forget_source(ted, s);
    ted_mark(ted, &s->marks, s->name, 0);
    ted_delta(ted, TED_SOURCE_CHANGED, s->name, 0, false, 0);
    free(s->marks.since);
    free(s->name);
    free(s->domain);
    free(s->garbled);
    memset(s, 0, sizeof *s);
    order_sources(ted);
    ted_todo(ted, TED_DO_STRUCTURE);
}

bool
ted_source_info(const struct ted *ted, uint32_t source, struct ted_source_info *info)
{
    const struct ted_source *s = source < ted->n_sources ? &ted->sources[source] : NULL;
    if (!s || !s->used)
        return false;
    *info = (struct ted_source_info){.kind = s->kind,
                                     .name = s->name,
                                     .domain = s->domain,
                                     .state = s->state,
                                     .since = s->state_since,
                                     .n_nodes = HASH_COUNT(s->nodes),
                                     .n_links = HASH_COUNT(s->links),
                                     .n_prefixes = HASH_COUNT(s->prefixes),
                                     .n_puts = s->n_puts,
                                     .n_withdrawals = s->n_withdrawals,
                                     .n_refused = s->n_refused};
    return true;
}

uint32_t
ted_n_sources(const struct ted *ted)
{
    return ted->n_sources;
}

/* ---- time */

static bool
is_over(const struct ted_timed *queue, nsec_t hold, nsec_t now)
{
    return queue->next != queue && now - queue->next->at >= hold;
}

static void
forget_node(struct ted *ted, struct ted_node_rec *rec)
{
    ted_timed_remove(&rec->gone);
    rec->told = rec->withdrawn = false;
    free(rec->name);
    rec->name = NULL;
    memset(&rec->r, 0, sizeof rec->r);
    ted_todo(ted, TED_DO_STRUCTURE);
    ted_node_unref(ted, rec);
}

void
ted_expire(struct ted *ted, nsec_t now)
{
    ted->now = MAX(ted->now, now);
    for (uint32_t i = 0; i < ted->n_sources; i++) {
        struct ted_source *s = &ted->sources[i];
        if (s->used && s->state == TED_STALE && now - s->state_since >= ted->config.stale_hold) {
            sweep(ted, s, ++s->epoch, now);
            source_state(ted, s, TED_DOWN, now);
        }
        if (s->used && s->small && now >= end_of_doubt(ted, s))
            believe(ted, s, now);
    }
    while (is_over(&ted->doubted, ted->config.withdrawn_hold, now)) {
        struct ted_link_rec *rec = CONTAINER_OF(ted->doubted.next, struct ted_link_rec, doubted);
        ted_timed_remove(&rec->doubted);
        ted_mark_record(ted, rec);
    }
    while (is_over(&ted->gone, ted->config.forget_after, now)) {
        struct ted_timed *t = ted->gone.next;
        if (t->of_node)
            forget_node(ted, CONTAINER_OF(t, struct ted_node_rec, gone));
        else
            ted_free_link_record(ted, CONTAINER_OF(t, struct ted_link_rec, gone));
    }
}

nsec_t
ted_next_expiry(const struct ted *ted)
{
    nsec_t next = NSEC_NEVER;
    for (uint32_t i = 0; i < ted->n_sources; i++) {
        const struct ted_source *s = &ted->sources[i];
        if (s->used && s->state == TED_STALE)
            next = MIN(next, s->state_since + ted->config.stale_hold);
        if (s->used && s->small)
            next = MIN(next, end_of_doubt(ted, s));
    }
    if (ted->doubted.next != &ted->doubted)
        next = MIN(next, ted->doubted.next->at + ted->config.withdrawn_hold);
    if (ted->gone.next != &ted->gone)
        next = MIN(next, ted->gone.next->at + ted->config.forget_after);
    return next;
}

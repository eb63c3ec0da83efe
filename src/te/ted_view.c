/* ted_view.c - snapshots. Those of one structure share all but the links. The last one that nobody
 * has any more lies idle, and the next snapshot is made of one of them by repeating what changed
 * since: whoever takes a new snapshot and then gives the old one back costs no copy. */
#include "te/network_build.h"
#include "te/ted_private.h"

/* ---- keys to places */

static void
places_init(struct ted_places *p, uint32_t n)
{
    uint32_t size = 16;
    while (size < 2 * n && size < UINT32_C(1) << 30)
        size *= 2;
    p->mask = size - 1;
    p->places = xcalloc(size, sizeof *p->places);
}

static uint32_t
places_start(const struct ted_places *p, const char *key)
{
    return (uint32_t)hash_bytes(key, strlen(key), hash_secret()) & p->mask;
}

static void
places_put(struct ted_places *p, const char *key, uint32_t place)
{
    uint32_t i = places_start(p, key);
    while (p->places[i])
        i = (i + 1) & p->mask;
    p->places[i] = place + 1;
}

static const char *
node_key(const struct ted_frame *frame, uint32_t place)
{
    return frame->base->nodes[place].key;
}

static const char *
link_key(const struct ted_frame *frame, uint32_t place)
{
    return frame->link_keys[place];
}

static uint32_t
places_find(const struct ted_frame *frame, const struct ted_places *p, const char *key,
            const char *(*key_at)(const struct ted_frame *, uint32_t))
{
    for (uint32_t i = places_start(p, key); p->places[i]; i = (i + 1) & p->mask)
        if (!strcmp(key_at(frame, p->places[i] - 1), key))
            return p->places[i] - 1;
    return TE_NONE;
}

/* ---- life of a view */

#define TOUCHED_MAX 65536 /* then an idle view is copied anew */

static void
view_destroy(struct ted_view *view)
{
    if (view && view->own)
        free(view->links);
    free(view);
}

static void
frame_unref(struct ted_frame *frame)
{
    if (__atomic_sub_fetch(&frame->refs, 1, __ATOMIC_ACQ_REL))
        return;
    view_destroy(frame->idle[0]);
    view_destroy(frame->idle[1]);
    te_network_free(frame->base);
    free(frame->texts);
    free(frame->link_keys);
    free(frame->nodes.places);
    free(frame->links.places);
    free(frame);
}

void
ted_view_release(const struct ted_view *view)
{
    struct ted_view *mine = (struct ted_view *)view; /* of its count */
    if (!mine || __atomic_sub_fetch(&mine->refs, 1, __ATOMIC_ACQ_REL))
        return;
    struct ted_frame *frame = mine->frame;
    mine = __atomic_exchange_n(&frame->idle[0], mine, __ATOMIC_ACQ_REL);
    if (mine)
        mine = __atomic_exchange_n(&frame->idle[1], mine, __ATOMIC_ACQ_REL);
    view_destroy(mine);
    frame_unref(frame);
}

const struct ted_view *
ted_view_keep(const struct ted_view *view)
{
    __atomic_add_fetch(&((struct ted_view *)view)->refs, 1, __ATOMIC_RELAXED);
    return view;
}

const struct te_network *
ted_view_network(const struct ted_view *view)
{
    return &view->network;
}

uint32_t
ted_view_find_node(const struct ted_view *view, const char *key)
{
    return places_find(view->frame, &view->frame->nodes, key, node_key);
}

uint32_t
ted_view_find_link(const struct ted_view *view, const char *key)
{
    return places_find(view->frame, &view->frame->links, key, link_key);
}

const char *
ted_view_link_key(const struct ted_view *view, uint32_t link)
{
    return view->frame->link_keys[link];
}

static struct ted_view *
view_new(struct ted_frame *frame, bool own)
{
    struct ted_view *view = xcalloc(1, sizeof *view);
    size_t size = frame->base->n_links * sizeof *view->links;
    view->refs = 1;
    view->frame = frame;
    __atomic_add_fetch(&frame->refs, 1, __ATOMIC_RELAXED);
    view->network = *frame->base;
    view->own = own;
    /* The builder's memory, which is ours; const is for readers. */
    view->links = (struct te_link *)frame->base->links;
    if (own) {
        view->links = xmalloc(size ? size : 1);
    }
    view->network.links = view->links;
    return view;
}

void
ted_free_views(struct ted *ted)
{
    ted_view_release(ted->view);
    ted->view = NULL;
    ted->n_touched = 0;
    ted->touched_since = ted->patches;
}

/* ---- built anew */

static int
compare_nodes(const void *a, const void *b)
{
    return strcmp((*(struct ted_mnode *const *)a)->key, (*(struct ted_mnode *const *)b)->key);
}

static struct te_builder *
begin_builder(void)
{
    return te_builder_new(SIZE_MAX / 4); /* records have limits already */
}

/* The nodes, in the order of their keys. */
static void
lay_out_nodes(struct ted *ted, struct te_builder *b)
{
    uint32_t n = 0;
    ted->node_at = xrealloc(ted->node_at, HASH_COUNT(ted->nodes) + 1, sizeof *ted->node_at);
    for (struct ted_mnode *node = ted->nodes; node; node = node->hh.next)
        ted->node_at[n++] = node;
    qsort(ted->node_at, n, sizeof *ted->node_at, compare_nodes);
    for (uint32_t i = 0; i < n; i++)
        if (te_builder_add_node(b, &ted->node_at[i]->n, &ted->node_at[i]->index))
            ted->node_at[i]->index = TE_NONE; /* cannot be: keys differ, and the budget is large */
}

static const struct te_network *
lay_out(struct ted *ted)
{
    struct te_builder *b = begin_builder();
    uint32_t n = HASH_COUNT(ted->by_text);
    lay_out_nodes(ted, b);
    for (struct ted_mlink *link = ted->links; link; link = link->hh.next) {
        link->l.from = link->key.from->index;
        link->l.to = link->key.to->index;
        if (te_builder_add_link(b, &link->l, link->srlgs, link->n_srlgs, &link->index))
            link->index = TE_NONE;
    }
    const struct te_network *network = te_builder_finish(b, ted->version + 1);
    ted->link_at = xrealloc(ted->link_at, n + 1, sizeof *ted->link_at);
    for (struct ted_mlink *link = ted->links; link; link = link->hh.next) {
        link->index = te_builder_place(b, link->index);
        ted->link_at[link->index] = link;
    }
    te_builder_free(b);
    return network;
}

static struct ted_frame *
frame_new(struct ted *ted, const struct te_network *network)
{
    struct ted_frame *frame = xcalloc(1, sizeof *frame);
    size_t size = 1;
    frame->refs = 1;
    frame->base = network;
    for (uint32_t i = 0; i < network->n_links; i++)
        size += strlen(ted->link_at[i]->text) + 1;
    char *at = frame->texts = xmalloc(size);
    frame->link_keys = xcalloc(network->n_links + 1, sizeof *frame->link_keys);
    places_init(&frame->nodes, network->n_nodes);
    places_init(&frame->links, network->n_links);
    for (uint32_t i = 0; i < network->n_nodes; i++)
        places_put(&frame->nodes, network->nodes[i].key, i);
    for (uint32_t i = 0; i < network->n_links; i++) {
        size_t length = strlen(ted->link_at[i]->text) + 1;
        frame->link_keys[i] = memcpy(at, ted->link_at[i]->text, length);
        at += length;
        places_put(&frame->links, frame->link_keys[i], i);
    }
    return frame;
}

void
ted_build_view(struct ted *ted)
{
    const struct te_network *network = lay_out(ted);
    struct te_link *links = (struct te_link *)network->links;
    for (uint32_t i = 0; i < network->n_links; i++) {
        uint32_t reverse = links[i].reverse;
        ted->link_at[i]->reverse = reverse == TE_NONE ? NULL : ted->link_at[reverse];
        ted->link_at[i]->l.reverse = reverse;
        ted->link_at[i]->l.first_srlg = links[i].first_srlg;
        ted->link_at[i]->l.n_srlgs = links[i].n_srlgs;
    }
    for (uint32_t i = 0; i < network->n_links; i++) {
        ted_settle_link(ted, ted->link_at[i]);
        links[i] = ted->link_at[i]->l;
    }
    ted_free_views(ted);
    struct ted_frame *frame = frame_new(ted, network);
    ted->view = view_new(frame, false);
    ted->view->patch = ted->patches;
    struct ted_view *second = view_new(frame, true);
    if (network->n_links)
        memcpy(second->links, links, network->n_links * sizeof *links);
    second->patch = ted->patches;
    ted_view_release(second);
    frame_unref(frame);
}

/* ---- patched */

/* Another view, as the current one is. */
static struct ted_view *
second_view(struct ted *ted)
{
    struct ted_frame *frame = ted->view->frame;
    struct ted_view *view = __atomic_exchange_n(&frame->idle[0], NULL, __ATOMIC_ACQ_REL);
    if (!view)
        view = __atomic_exchange_n(&frame->idle[1], NULL, __ATOMIC_ACQ_REL);
    if (!view) {
        view = view_new(frame, true);
    } else {
        view->refs = 1;
        __atomic_add_fetch(&frame->refs, 1, __ATOMIC_RELAXED);
        if (view->patch >= ted->touched_since) {
            for (uint32_t i = ted->n_touched; i-- > 0 && ted->touched[i].patch > view->patch;)
                view->links[ted->touched[i].place] = ted->view->links[ted->touched[i].place];
            return view;
        }
    }
    memcpy(view->links, ted->view->links, view->network.n_links * sizeof *view->links);
    return view;
}

void
ted_patch_view(struct ted *ted, struct ted_mlink *const *links, uint32_t n)
{
    struct ted_view *view = second_view(ted);
    if (ted->n_touched + n > TOUCHED_MAX) {
        ted->n_touched = 0;
        ted->touched_since = ted->patches;
    }
    ted->patches++;
    for (uint32_t i = 0; i < n; i++) {
        view->links[links[i]->index] = links[i]->l;
        GROW(ted->touched, ted->n_touched, ted->touched_capacity);
        ted->touched[ted->n_touched++] = (struct ted_touched){ted->patches, links[i]->index};
    }
    view->network.version = ted->version + 1;
    view->patch = ted->patches;
    ted_view_release(ted->view);
    ted->view = view;
}

const struct ted_view *
ted_view(struct ted *ted)
{
    return ted_view_keep(ted->view);
}

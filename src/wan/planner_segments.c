/* planner_segments.c - label stacks for the routers where paths begin. */
#include "wan/planner_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct te_igp *
planner_igp(struct planner *p)
{
    if (!p->igp)
        p->igp = te_igp_new(p->router, NULL);
    return p->igp;
}

/* A stack that the router can put on a packet. */
static enum err
find_segments(struct planner *p, const uint32_t *links, uint32_t n, struct te_segments *segments,
              struct diag *diag)
{
    const struct te_segments_request request = {
        .links = links, .n_links = n, .max_depth = PLANNER_SEGMENTS_MAX};
    struct diag why = {""};
    uint32_t needed = 0;
    enum err err = te_segments_find(planner_igp(p), &request, segments, &needed, &why);
    if (err == ERR_LIMIT)
        return diag_set(diag, err, "it takes %u labels, more than router %s can put on a packet",
                        needed, p->net->nodes[p->net->links[links[0]].from].name);
    return err ? diag_set(diag, err, "%s", why.text) : ERR_OK;
}

json_t *
planner_labels_json(struct planner *p, const uint32_t *links, uint32_t n, struct diag *diag)
{
    struct te_segments segments = {0};
    if (find_segments(p, links, n, &segments, diag))
        return NULL;
    json_t *list = json_array();
    for (uint32_t i = 0; i < segments.n; i++)
        json_array_append_new(list, json_integer(segments.list[i].label));
    te_segments_fini(&segments);
    return list;
}

uint32_t *
planner_turn(const uint32_t *reverses, uint32_t n)
{
    uint32_t *back = xcalloc(n + 1, sizeof *back);
    for (uint32_t i = 0; i < n; i++)
        back[i] = reverses[n - 1 - i];
    return back;
}

static bool
has_stack(struct planner *p, const uint32_t *links, uint32_t n)
{
    struct te_segments segments = {0};
    enum err err = find_segments(p, links, n, &segments, NULL);
    te_segments_fini(&segments);
    return !err;
}

bool
planner_can_label(struct planner *p, const uint32_t *links, uint32_t n)
{
    uint32_t *back = xcalloc(n + 1, sizeof *back);
    for (uint32_t i = 0; i < n; i++)
        back[i] = p->net->links[links[n - 1 - i]].reverse;
    bool can = has_stack(p, links, n) && has_stack(p, back, n);
    free(back);
    return can;
}

enum err
planner_stack(struct planner *p, const uint32_t *links, uint32_t n_links,
              struct planner_segment out[PLANNER_SEGMENTS_MAX], size_t *n, struct diag *diag)
{
    struct te_segments segments = {0};
    enum err err = find_segments(p, links, n_links, &segments, diag);
    if (err)
        return err;
    for (uint32_t i = 0; i < segments.n; i++) {
        const struct te_segment *s = &segments.list[i];
        const struct te_link *link = s->link == TE_NONE ? NULL : &p->net->links[s->link];
        out[i] = (struct planner_segment){.label = s->label,
                                          .local = link ? link->local
                                                        : p->net->nodes[s->node].router_id,
                                          .remote = link ? link->remote : (struct te_address){0}};
    }
    *n = segments.n;
    te_segments_fini(&segments);
    return ERR_OK;
}

enum err
planner_segments(struct planner *p, const char *tunnel, enum tunnel_path path, bool back,
                 struct planner_segment out[PLANNER_SEGMENTS_MAX], size_t *n, struct diag *diag)
{
    const struct held *h = planner_held(p, tunnel);
    if (!h || !p->net || !planner_is_whole(&h->paths[path]))
        return diag_set(diag, ERR_NOT_FOUND, "its %s path is not in the network",
                        tunnel_path_words[path]);
    const struct held_path *its = &h->paths[path];
    uint32_t *turned = back ? planner_turn(its->reverses, its->n) : NULL;
    enum err err = planner_stack(p, back ? turned : its->links, its->n, out, n, diag);
    free(turned);
    return err;
}

enum err
planner_segments_from_link(struct planner *p, const char *tunnel, enum tunnel_path path, bool back,
                           struct planner_segment out[PLANNER_SEGMENTS_MAX], size_t *n,
                           struct diag *diag)
{
    struct planner_segment plain[PLANNER_SEGMENTS_MAX];
    size_t n_plain = 0, skipped = 0;
    enum err err = planner_segments(p, tunnel, path, back, plain, &n_plain, diag);
    if (err)
        return err;
    const struct held_path *its = &planner_held(p, tunnel)->paths[path];
    const struct te_link *link = &p->net->links[back ? its->reverses[its->n - 1] : its->links[0]];
    const struct te_node *head = &p->net->nodes[link->from], *next = &p->net->nodes[link->to];
    bool is_first = n_plain && plain[0].label == link->adjacency_label;
    if (link->adjacency_label == TE_NO_LABEL ||
        (is_first && (next->sid_index == TE_NO_LABEL || next->sid_index >= next->srgb_size)))
        return diag_set(diag, ERR_NOT_FOUND, "the first link has no segment");
    if (n_plain + 1 > PLANNER_SEGMENTS_MAX ||
        (head->max_sid_depth && n_plain + 1 > head->max_sid_depth))
        return diag_set(diag, ERR_LIMIT, "it takes %zu labels", n_plain + 1);
    *n = 0;
    out[(*n)++] = (struct planner_segment){link->adjacency_label, link->local, link->remote};
    if (is_first) { /* then the router behind it pops its own */
        out[(*n)++] = (struct planner_segment){.label = next->srgb_base + next->sid_index,
                                               .local = next->router_id};
        skipped = 1;
    }
    memcpy(&out[*n], &plain[skipped], (n_plain - skipped) * sizeof *out);
    *n += n_plain - skipped;
    return ERR_OK;
}

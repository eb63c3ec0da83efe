/* ted_merge.c - which link records are of one link, and what became of nodes and links.
 *
 * Records that call their link by an address come first, then those that have but a number, then
 * those that have neither and can only be of the one link that is there. */
#include "te/ted_private.h"

#include <stdio.h>

enum { BY_ADDRESS, BY_ADDRESS6, BY_NUMBER, BY_FAR_END, BARE, CLASSES };

#define PARTS_MAX 256 /* records of one link; no network has as many */

struct alias {
    struct ted_link_key key;
    struct ted_mlink *link;
    uint32_t n;
    UT_hash_handle hh;
};

struct merging {
    struct ted *ted;
    struct ted_link_rec **recs[CLASSES];
    uint32_t n[CLASSES], capacity[CLASSES];
    bool with_aliases;
    struct alias *aliases; /* second and third ways to call a link; or all between two nodes */
};

/* ---- tokens */

static struct ted_token
token_of_number(uint8_t kind, uint32_t number)
{
    struct ted_token t = {.kind = kind};
    memcpy(t.octets, &number, sizeof number);
    return t;
}

static struct ted_token
token_of_address(uint8_t kind, const struct te_address *a)
{
    struct ted_token t = {.kind = kind};
    memcpy(t.octets, a->octets, sizeof t.octets);
    return t;
}

static int
class_of(const struct ted_link_id *id)
{
    if (id->local_address.family)
        return BY_ADDRESS;
    if (id->local_address6.family)
        return BY_ADDRESS6;
    if (id->local_link_id)
        return BY_NUMBER;
    return id->remote_address.family || id->remote_address6.family || id->remote_link_id
               ? BY_FAR_END
               : BARE;
}

static bool
is_told(const struct ted_link_id *id, int class)
{
    return class == BY_ADDRESS    ? id->local_address.family != 0
           : class == BY_ADDRESS6 ? id->local_address6.family != 0
                                  : id->local_link_id != 0;
}

static struct ted_token
token_of(const struct ted_link_id *id, int class)
{
    switch (class) {
    case BY_ADDRESS:
        return token_of_address(4, &id->local_address);
    case BY_ADDRESS6:
        return token_of_address(6, &id->local_address6);
    case BY_NUMBER:
        return token_of_number(1, id->local_link_id);
    case BY_FAR_END:
        return id->remote_address.family    ? token_of_address(24, &id->remote_address)
               : id->remote_address6.family ? token_of_address(26, &id->remote_address6)
                                            : token_of_number(21, id->remote_link_id);
    default:
        return (struct ted_token){0};
    }
}

static void
link_text(const struct ted_link_key *key, char *text, size_t size)
{
    const struct ted_token *t = &key->token;
    int at = snprintf(text, size, "%s>%s", key->from->key, key->to->key);
    struct te_address a = {.family = t->kind % 10 == 6 ? 6 : 4};
    uint32_t number;
    char local[64];
    if (!t->kind || at < 0 || (size_t)at >= size)
        return;
    memcpy(a.octets, t->octets, sizeof a.octets);
    memcpy(&number, t->octets, sizeof number);
    if (t->kind % 10 == 1)
        snprintf(local, sizeof local, "#%u", number);
    else
        ted_address_text(&a, local, sizeof local);
    snprintf(text + at, size - (size_t)at, "/%s%s", t->kind > 20 ? "@" : "", local);
}

/* ---- merged links */

static void
link_key(struct ted_link_key *key, struct ted_mnode *from, struct ted_mnode *to,
         const struct ted_token *token)
{
    memset(key, 0, sizeof *key);
    key->from = from;
    key->to = to;
    key->token = *token;
}

static struct ted_mlink *
find_link(struct ted *ted, const struct ted_link_key *key)
{
    struct ted_mlink *link;
    HASH_FIND(hh, ted->links, key, sizeof *key, link);
    return link;
}

static struct ted_mlink *
new_link(struct ted *ted, const struct ted_link_key *key)
{
    char text[2048];
    struct ted_mlink *link = xcalloc(1, sizeof *link);
    link->key = *key;
    link_text(key, text, sizeof text);
    link->text = xstrdup(text);
    link->fresh = true;
    HASH_ADD(hh, ted->links, key, sizeof link->key, link);
    HASH_ADD_KEYPTR(hh_text, ted->by_text, link->text, strlen(link->text), link);
    return link;
}

static struct ted_mlink *
make_link(struct ted *ted, const struct ted_link_key *key)
{
    struct ted_mlink *link = find_link(ted, key);
    if (!link)
        link = new_link(ted, key);
    link->seen = true;
    return link;
}

static int
compare_parts(const void *a, const void *b, void *arg)
{
    const struct ted *ted = arg;
    const struct ted_part *x = a, *y = b;
    uint32_t p = ted->sources[x->rec->source].order, q = ted->sources[y->rec->source].order;
    return p != q ? (p < q ? -1 : 1) : memcmp(&x->rec->key, &y->rec->key, sizeof x->rec->key);
}

static void
add_part(struct ted_mlink *link, struct ted_link_rec *rec, bool far)
{
    GROW(link->parts, link->n_parts, link->parts_capacity);
    link->parts[link->n_parts++] = (struct ted_part){rec, far};
    GROW(rec->links, rec->n_links, rec->links_capacity);
    rec->links[rec->n_links++] = link;
}

static struct alias *
find_alias(struct merging *m, const struct ted_link_key *key)
{
    struct alias *alias;
    HASH_FIND(hh, m->aliases, key, sizeof *key, alias);
    return alias;
}

static void
add_alias(struct merging *m, const struct ted_link_key *key, struct ted_mlink *link)
{
    struct alias *alias = find_alias(m, key);
    if (!alias) {
        alias = xcalloc(1, sizeof *alias);
        alias->key = *key;
        alias->link = link;
        HASH_ADD(hh, m->aliases, key, sizeof alias->key, alias);
    }
    if (alias->link != link || !alias->n)
        alias->n++;
}

static void
free_aliases(struct merging *m)
{
    struct alias *alias, *next;
    HASH_ITER (hh, m->aliases, alias, next) {
        HASH_DEL(m->aliases, alias);
        free(alias);
    }
}

static void
place_link(struct merging *m, struct ted_link_rec *rec, int class)
{
    struct ted_mnode *from = rec->local->node, *to = rec->remote->node;
    struct ted_link_key key, first;
    struct ted_mlink *link = NULL, *before = NULL; /* before: of the last structure */
    if (from == to)
        return; /* two ids of one node */
    for (int c = class; c < BY_FAR_END && !link; c++) {
        if (!is_told(&rec->id, c))
            continue;
        struct ted_token token = token_of(&rec->id, c);
        link_key(&key, from, to, &token);
        struct ted_mlink *found = find_link(m->ted, &key);
        struct alias *alias = found && found->seen ? NULL : find_alias(m, &key);
        link = found && found->seen ? found : alias ? alias->link : NULL;
        if (c == class)
            before = found;
    }
    if (!link) {
        struct ted_token token = token_of(&rec->id, class);
        link_key(&first, from, to, &token);
        link = before                ? before
               : class == BY_FAR_END ? make_link(m->ted, &first)
                                     : new_link(m->ted, &first);
        link->seen = true;
    }
    if (link->n_parts >= PARTS_MAX) {
        from->own_findings |= TED_BIT(TED_ADDRESS_TWICE);
        return;
    }
    add_part(link, rec, false);
    for (int c = class + 1; m->with_aliases && c < BY_FAR_END; c++) {
        struct ted_token token = token_of(&rec->id, c);
        link_key(&key, from, to, &token);
        if (is_told(&rec->id, c))
            add_alias(m, &key, link);
    }
}

/* Records that say neither address nor number. */
static void
place_bare(struct merging *m)
{
    struct ted *ted = m->ted;
    struct ted_token none = {0};
    struct ted_link_key key;
    if (!m->n[BARE])
        return;
    free_aliases(m);
    for (struct ted_mlink *link = ted->links; link; link = link->hh.next)
        if (link->seen) {
            link_key(&key, link->key.from, link->key.to, &none);
            add_alias(m, &key, link);
        }
    for (uint32_t i = 0; i < m->n[BARE]; i++) {
        struct ted_link_rec *rec = m->recs[BARE][i];
        struct ted_mnode *from = rec->local->node, *to = rec->remote->node;
        if (from == to)
            continue;
        link_key(&key, from, to, &none);
        struct alias *alias = find_alias(m, &key);
        if (alias && alias->n > 1) {
            from->own_findings |= TED_BIT(TED_LINK_AMBIGUOUS);
            continue;
        }
        struct ted_mlink *link = alias ? alias->link : make_link(ted, &key);
        add_part(link, rec, false);
        add_alias(m, &key, link);
    }
}

/* ---- broadcast networks */

static uint32_t
routers_at(const struct ted_lan *lan, uint32_t most)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < lan->n_in && n <= most; i++) {
        bool again = false;
        for (uint32_t j = 0; j < i && !again; j++)
            again = lan->in[j]->local->node == lan->in[i]->local->node;
        n += !again;
    }
    return n;
}

static void
resolve_pair(struct ted *ted, struct ted_lan *lan, struct ted_link_rec *a, struct ted_link_rec *b)
{
    struct ted_link_key key;
    struct ted_mnode *to = b->local->node;
    int class = class_of(&a->id);
    struct ted_token token = token_of(&a->id, class);
    if (class > BY_NUMBER) /* nothing of its own: by the pseudonode */
        token = token_of_number(1, get_be32(lan->key.id.router_id + lan->key.id.size - 4));
    link_key(&key, a->local->node, to, &token);
    struct ted_mlink *link = make_link(ted, &key);
    for (uint32_t i = 0; i < link->n_parts; i++)
        if (link->parts[i].rec == a)
            return; /* by another record of b's */
    bool first = !link->n_parts;
    link->lan = true;
    if (first || !link->lan_remote.family)
        link->lan_remote = b->id.local_address;
    add_part(link, a, false);
    for (uint32_t i = 0; first && i < lan->n_out; i++)
        if (lan->out[i]->remote->node == to)
            add_part(link, lan->out[i], true);
}

static void
resolve_lans(struct ted *ted)
{
    uint32_t most = ted->config.max_lan;
    for (struct ted_lan *lan = ted->lans; lan; lan = lan->hh.next) {
        /* Several sources may tell of each router, but not more than there can be. */
        bool large = lan->n_in > 8 * most || routers_at(lan, most) > most;
        for (uint32_t i = 0; i < lan->n_in; i++)
            if (large)
                lan->in[i]->local->node->own_findings |= TED_BIT(TED_LAN_TOO_LARGE);
        for (uint32_t i = 0; !large && i < lan->n_in; i++)
            for (uint32_t j = 0; j < lan->n_in; j++)
                if (lan->in[i]->local->node != lan->in[j]->local->node)
                    resolve_pair(ted, lan, lan->in[i], lan->in[j]);
    }
}

/* ---- all of it */

static void
forget_lans(struct ted *ted)
{
    struct ted_lan *lan, *next;
    HASH_ITER (hh, ted->lans, lan, next) {
        HASH_DEL(ted->lans, lan);
        free(lan->in);
        free(lan->out);
        free(lan);
    }
}

static void
sort_record(struct merging *m, struct ted_link_rec *rec)
{
    struct ted_lan *from = rec->local->lan, *to = rec->remote->lan;
    rec->n_links = 0;
    if (from && to)
        return;
    if (from) {
        GROW(from->out, from->n_out, from->out_capacity);
        from->out[from->n_out++] = rec;
    } else if (to) {
        GROW(to->in, to->n_in, to->in_capacity);
        to->in[to->n_in++] = rec;
    } else {
        int class = class_of(&rec->id);
        GROW(m->recs[class], m->n[class], m->capacity[class]);
        m->recs[class][m->n[class]++] = rec;
    }
}

static void
free_mlink(struct ted *ted, struct ted_mlink *link)
{
    HASH_DEL(ted->links, link);
    HASH_DELETE(hh_text, ted->by_text, link);
    free(link->text);
    free(link->parts);
    free(link->srlgs);
    free(link->marks.since);
    free(link);
}

static void
free_mnode(struct ted *ted, struct ted_mnode *node)
{
    HASH_DEL(ted->nodes, node);
    free(node->key);
    free(node->name);
    free(node->recs);
    free(node->marks.since);
    free(node);
}

/* What no record speaks of any more is removed. */
static void
remove_unseen(struct ted *ted)
{
    struct ted_mlink *link, *next_link;
    struct ted_mnode *node, *next_node;
    HASH_ITER (hh, ted->links, link, next_link) {
        if (link->seen) {
            qsort_r(link->parts, link->n_parts, sizeof *link->parts, compare_parts, ted);
            continue;
        }
        ted_mark(ted, &link->marks, link->text, 0);
        if (!link->fresh)
            ted_delta(ted, TED_LINK_REMOVED, link->text, 0, false, 0);
        free_mlink(ted, link);
        ted->changed = true;
    }
    HASH_ITER (hh, ted->nodes, node, next_node) {
        if (node->seen)
            continue;
        ted_mark(ted, &node->marks, node->key, 0);
        if (!node->fresh)
            ted_delta(ted, TED_NODE_REMOVED, node->key, 0, false, 0);
        free_mnode(ted, node);
        ted->changed = true;
    }
}

static void
begin(struct ted *ted)
{
    forget_lans(ted);
    for (struct ted_mnode *node = ted->nodes; node; node = node->hh.next) {
        node->seen = false;
        node->contested_by = node->claimed_by = NULL;
        node->n_recs = 0;
        node->own_findings = 0;
    }
    for (struct ted_mlink *link = ted->links; link; link = link->hh.next) {
        link->seen = link->dirty = link->lan = false;
        link->n_parts = 0;
        link->lan_remote = (struct te_address){0};
        link->reverse = NULL;
        link->next_dirty = NULL;
    }
    ted->dirty = NULL;
}

void
ted_make_structure(struct ted *ted)
{
    struct merging m = {.ted = ted};
    begin(ted);
    ted_cluster(ted);
    for (uint32_t i = 0; i < ted->n_sources; i++)
        for (struct ted_link_rec *rec = ted->sources[i].links; rec; rec = rec->hh.next)
            sort_record(&m, rec);
    m.with_aliases = m.n[BY_ADDRESS6] || m.n[BY_NUMBER];
    for (int class = BY_ADDRESS; class < BARE; class ++)
        for (uint32_t i = 0; i < m.n[class]; i++)
            place_link(&m, m.recs[class][i], class);
    resolve_lans(ted);
    place_bare(&m);
    free_aliases(&m);
    for (int class = 0; class < CLASSES; class ++)
        free(m.recs[class]);
    remove_unseen(ted);
}

void
ted_free_merged(struct ted *ted)
{
    struct ted_mlink *link, *next_link;
    struct ted_mnode *node, *next_node;
    HASH_ITER (hh, ted->links, link, next_link)
        free_mlink(ted, link);
    HASH_ITER (hh, ted->nodes, node, next_node)
        free_mnode(ted, node);
    forget_lans(ted);
}

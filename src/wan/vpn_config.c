#include "wan/vpn_config.h"

#include "base/buf.h"

#include <string.h>

#define KEYS_MAX 4

/* ---- which entry is which */

static bool
is_owned(const struct netconf_xml *e)
{
    const char *owned = netconf_xml_attribute(e, VPN_TEMPLATE_NS, "owned");
    return owned && !strcmp(owned, "true");
}

struct keys {
    const struct netconf_xml *leaves[KEYS_MAX];
    unsigned n;
    bool by_text;
};

/* The child that a word of t:key names. */
static const struct netconf_xml *
child_named(const struct netconf_xml *e, const char *name, size_t length)
{
    for (const struct netconf_xml *child = e->first; child; child = child->next) {
        if (strlen(child->name) == length && !memcmp(child->name, name, length))
            return child;
    }
    return NULL;
}

static struct keys
keys_of(const struct netconf_xml *e)
{
    struct keys keys = {.n = 0};
    const char *names = netconf_xml_attribute(e, VPN_TEMPLATE_NS, "key");
    keys.by_text = netconf_xml_attribute(e, VPN_TEMPLATE_NS, "leaf-list") != NULL;
    if (keys.by_text)
        return keys;
    if (!names) {
        if (e->first && !e->first->first && *e->first->text)
            keys.leaves[keys.n++] = e->first;
        return keys;
    }
    while (*names && keys.n < KEYS_MAX) {
        size_t length = strcspn(names, " ");
        const struct netconf_xml *leaf = child_named(e, names, length);
        if (leaf)
            keys.leaves[keys.n++] = leaf;
        names += length + strspn(names + length, " ");
    }
    return keys;
}

static bool
same_name(const struct netconf_xml *a, const struct netconf_xml *b)
{
    return !strcmp(a->name, b->name) && (!*a->ns || !*b->ns || !strcmp(a->ns, b->ns));
}

static bool
has_keys(const struct netconf_xml *e, const struct keys *keys)
{
    for (unsigned i = 0; i < keys->n; i++) {
        const struct netconf_xml *leaf = netconf_xml_child(e, NULL, keys->leaves[i]->name);
        if (!leaf || !netconf_xml_same_text(leaf, keys->leaves[i]))
            return false;
    }
    return true;
}

/* The one of `list` and what follows it that is `want`; containers and leaves are known by their
 * name alone. */
static const struct netconf_xml *
find(const struct netconf_xml *list, const struct netconf_xml *want)
{
    struct keys keys = keys_of(want);
    for (const struct netconf_xml *e = list; e; e = e->next) {
        if (same_name(e, want) &&
            (keys.by_text ? netconf_xml_same_text(e, want) : has_keys(e, &keys)))
            return e;
    }
    return NULL;
}

static const struct netconf_xml *
children(const struct netconf_xml *e)
{
    return e ? e->first : NULL;
}

/* ---- merging */

static void
move_children(struct netconf_xml *to, const struct netconf_xml *from)
{
    struct keys keys = keys_of(from);
    for (struct netconf_xml *e = from->first, *next; e; e = next) {
        bool is_key = false;
        next = e->next;
        for (unsigned i = 0; i < keys.n; i++)
            is_key |= keys.leaves[i] == e;
        if (is_key)
            continue;
        e->next = NULL;
        e->parent = to;
        to->last->next = e;
        to->last = e;
        to->n_children++;
    }
}

/* The first of the elements before `e` that is the same way. */
static struct netconf_xml *
same_way(struct netconf_xml *first, const struct netconf_xml *e)
{
    struct keys keys = keys_of(e);
    for (; first != e; first = first->next) {
        if (same_name(first, e) && first->first && !is_owned(first) && has_keys(first, &keys))
            return first;
    }
    return NULL;
}

void
vpn_config_merge(struct netconf_xml *config)
{
    struct netconf_xml *last = NULL;
    for (struct netconf_xml *e = config->first, *next; e; e = next) {
        next = e->next;
        struct netconf_xml *other = e->first && !is_owned(e) ? same_way(config->first, e) : NULL;
        if (!other) {
            last = e;
            continue;
        }
        move_children(other, e);
        last->next = next;
        config->n_children--;
    }
    config->last = last;
    for (struct netconf_xml *e = config->first; e; e = e->next) {
        if (!is_owned(e))
            vpn_config_merge(e);
    }
}

/* ---- native */

static struct netconf_xml *
copy_native(struct arena *arena, struct netconf_xml *parent, const struct netconf_xml *from)
{
    struct netconf_xml bare = *from;
    bare.first = bare.last = bare.next = NULL;
    bare.n_attributes = bare.n_children = 0;
    struct netconf_xml *e = netconf_xml_copy(arena, parent, &bare);
    for (uint32_t i = 0; e && i < from->n_attributes; i++) {
        const struct netconf_xml_attribute *a = &from->attributes[i];
        if (strcmp(a->ns, VPN_TEMPLATE_NS) && netconf_xml_set(arena, e, a->ns, a->name, a->value))
            return NULL;
    }
    for (const struct netconf_xml *child = from->first; e && child; child = child->next) {
        if (!copy_native(arena, e, child))
            return NULL;
    }
    return e;
}

struct netconf_xml *
vpn_config_native(struct arena *arena, const struct netconf_xml *config)
{
    return copy_native(arena, NULL, config);
}

/* ---- the way to what is owned: elements above it, with their keys and nothing else */

static struct netconf_xml *
copy_leaf(struct arena *arena, struct netconf_xml *parent, const struct netconf_xml *leaf)
{
    return copy_native(arena, parent, leaf);
}

static struct netconf_xml *
copy_step(struct arena *arena, struct netconf_xml *parent, const struct netconf_xml *from)
{
    struct keys keys = keys_of(from);
    struct netconf_xml *e = netconf_xml_add(arena, parent, from->ns, from->name, "");
    for (unsigned i = 0; e && i < keys.n; i++) {
        if (!copy_leaf(arena, e, keys.leaves[i]))
            return NULL;
    }
    return e;
}

/* The same, or the one that is there: containers are there once. */
static struct netconf_xml *
step_to(struct arena *arena, struct netconf_xml *parent, const struct netconf_xml *from)
{
    struct keys keys = keys_of(from);
    for (struct netconf_xml *e = parent->first; e; e = e->next) {
        if (same_name(e, from) && has_keys(e, &keys) &&
            !netconf_xml_attribute(e, NETCONF_NS, "operation"))
            return e;
    }
    return copy_step(arena, parent, from);
}

static bool
has_owned(const struct netconf_xml *e)
{
    bool found = is_owned(e);
    for (const struct netconf_xml *child = e->first; child && !found; child = child->next)
        found = has_owned(child);
    return found;
}

static const char *
remove_word(bool has_remove)
{
    return has_remove ? "remove" : "delete";
}

/* Those of `from` that are owned and not in `against`, as removals. */
static bool
add_removals(struct arena *arena, struct netconf_xml *to, const struct netconf_xml *from,
             const struct netconf_xml *against, bool has_remove)
{
    for (const struct netconf_xml *e = from->first; e; e = e->next) {
        const struct netconf_xml *other = find(children(against), e);
        if (!has_owned(e) || (is_owned(e) && other && is_owned(other)))
            continue;
        struct netconf_xml *step = copy_step(arena, to, e);
        if (!step)
            return false;
        if (is_owned(e)) {
            if (netconf_xml_set(arena, step, NETCONF_NS, "operation", remove_word(has_remove)))
                return false;
            if (!step->first)
                step->text = e->first ? "" : e->text;
        } else if (!add_removals(arena, step, e, other, has_remove)) {
            return false;
        }
    }
    return true;
}

static bool
add_replacements(struct arena *arena, struct netconf_xml *to, const struct netconf_xml *from,
                 const struct netconf_xml *against)
{
    for (const struct netconf_xml *e = from->first; e; e = e->next) {
        const struct netconf_xml *other = find(children(against), e);
        if (!has_owned(e) || (is_owned(e) && other && netconf_xml_same(e, other)))
            continue;
        if (is_owned(e)) {
            struct netconf_xml *copy = copy_native(arena, to, e);
            if (!copy || netconf_xml_set(arena, copy, NETCONF_NS, "operation", "replace"))
                return false;
            continue;
        }
        struct netconf_xml *step = step_to(arena, to, e);
        if (!step || !add_replacements(arena, step, e, other))
            return false;
    }
    return true;
}

/* Does the way lead to anything? An owned element always has its operation. */
static bool
leads_somewhere(const struct netconf_xml *e)
{
    bool found = netconf_xml_attribute(e, NETCONF_NS, "operation") != NULL;
    for (const struct netconf_xml *child = e->first; child && !found; child = child->next)
        found = leads_somewhere(child);
    return found;
}

static void
prune(struct netconf_xml *e)
{
    struct netconf_xml **link = &e->first, *last = NULL;
    for (struct netconf_xml *child = e->first; child; child = child->next) {
        bool has_children = child->first != NULL;
        if (leads_somewhere(child)) {
            if (!netconf_xml_attribute(child, NETCONF_NS, "operation"))
                prune(child);
        } else if (has_children || !*child->text) {
            e->n_children--;
            continue;
        }
        *link = child;
        link = &child->next;
        last = child;
    }
    *link = NULL;
    e->last = last;
}

static struct netconf_xml *
make_edit(struct arena *arena, const struct netconf_xml *before, const struct netconf_xml *now,
          bool has_remove, bool all)
{
    struct netconf_xml *edit = netconf_xml_add(arena, NULL, "", "config", "");
    if (!edit || (before && !add_removals(arena, edit, before, now, has_remove)) ||
        (now && !add_replacements(arena, edit, now, all ? NULL : before)))
        return NULL;
    prune(edit);
    return edit;
}

static void
drop_absent(struct netconf_xml *edit, const struct netconf_xml *have)
{
    struct netconf_xml **link = &edit->first, *last = NULL;
    for (struct netconf_xml *e = edit->first; e; e = e->next) {
        const struct netconf_xml *other = find(children(have), e);
        const char *operation = netconf_xml_attribute(e, NETCONF_NS, "operation");
        if (operation && !strcmp(operation, "delete") && !other) {
            edit->n_children--;
            continue;
        }
        if (!operation)
            drop_absent(e, other);
        *link = e;
        link = &e->next;
        last = e;
    }
    *link = NULL;
    edit->last = last;
}

void
vpn_config_drop_absent(struct netconf_xml *edit, const struct netconf_xml *have)
{
    drop_absent(edit, have);
    prune(edit);
}

struct netconf_xml *
vpn_config_edit(struct arena *arena, const struct netconf_xml *before,
                const struct netconf_xml *now, bool has_remove)
{
    return make_edit(arena, before, now, has_remove, false);
}

struct netconf_xml *
vpn_config_restore(struct arena *arena, const struct netconf_xml *before,
                   const struct netconf_xml *now, bool has_remove)
{
    return make_edit(arena, before, now, has_remove, true);
}

/* ---- filter */

/* What both configurations have is asked for once. Leaves with text select by value (RFC 6241
 * section 6.2.5), and with them the whole entry; an element without children selects all that is in
 * it. */
static bool
add_filter(struct arena *arena, struct netconf_xml *to, const struct netconf_xml *from)
{
    for (const struct netconf_xml *e = from->first; e; e = e->next) {
        if (!has_owned(e))
            continue;
        struct netconf_xml *step = step_to(arena, to, e);
        if (!step || (!is_owned(e) && !add_filter(arena, step, e)))
            return false;
    }
    return true;
}

struct netconf_xml *
vpn_config_filter(struct arena *arena, const struct netconf_xml *one,
                  const struct netconf_xml *other)
{
    struct netconf_xml *filter = netconf_xml_add(arena, NULL, "", "filter", "");
    if (!filter || (one && !add_filter(arena, filter, one)) ||
        (other && !add_filter(arena, filter, other)))
        return NULL;
    return filter;
}

/* ---- comparing */

struct comparison {
    struct arena *arena;
    struct vpn_differences *found;
    struct buf path;
    enum err err;
};

static void
add_difference(struct comparison *c, enum vpn_drift kind, const struct netconf_xml *want,
               const struct netconf_xml *have)
{
    struct vpn_differences *d = c->found;
    if (c->err || d->n == VPN_DIFFERENCES_MAX)
        return;
    if (d->n == d->capacity) {
        uint32_t capacity = d->capacity ? 2 * d->capacity : 8;
        struct vpn_difference *list = arena_calloc(c->arena, capacity, sizeof *list);
        if (list && d->n)
            memcpy(list, d->list, d->n * sizeof *list);
        if (!list) {
            c->err = ERR_LIMIT;
            return;
        }
        d->list = list;
        d->capacity = capacity;
    }
    struct vpn_difference *difference = &d->list[d->n];
    difference->kind = kind;
    difference->path = arena_strdup(c->arena, buf_cstr(&c->path));
    difference->want = want ? arena_strdup(c->arena, want->text) : "";
    difference->have = have ? arena_strdup(c->arena, have->text) : "";
    if (!difference->path || !difference->want || !difference->have)
        c->err = ERR_LIMIT;
    else
        d->n++;
}

/* Adds "/name[key=value]"; returns the length before. */
static size_t
descend(struct buf *path, const struct netconf_xml *e, const struct keys *keys)
{
    size_t length = path->size;
    buf_printf(path, "/%.64s", e->name);
    for (unsigned i = 0; i < keys->n; i++)
        buf_printf(path, "[%.64s=%.100s]", keys->leaves[i]->name, keys->leaves[i]->text);
    if (keys->by_text)
        buf_printf(path, "[.=%.100s]", e->text);
    return length;
}

static bool
is_default(const struct netconf_xml *e)
{
    return netconf_xml_attribute(e, NETCONF_NS_WD_ATTRIBUTE, "default") != NULL;
}

static uint32_t
count(const struct netconf_xml *list, const struct netconf_xml *like)
{
    uint32_t n = 0;
    for (; list; list = list->next)
        n += same_name(list, like);
    return n;
}

/* The same below what is owned, where little is marked: leaves of which there are several are told
 * apart by their text, entries that are the same in all go before those with the same key, and what
 * is alone on both sides is the same thing even if its first leaf, no key then, is different. */
static const struct netconf_xml *
find_inside(const struct netconf_xml *have, const struct netconf_xml *want)
{
    bool alone = count(have->first, want) == 1 && count(want->parent->first, want) == 1;
    for (const struct netconf_xml *e = alone ? NULL : have->first; e; e = e->next) {
        if (same_name(e, want) && netconf_xml_same(e, want))
            return e;
    }
    if (!want->first && !alone)
        return NULL;
    const struct netconf_xml *found = find(have->first, want);
    if (found || !alone || netconf_xml_attribute(want, VPN_TEMPLATE_NS, "key"))
        return found;
    for (found = have->first; !same_name(found, want);)
        found = found->next;
    return found;
}

static void compare_owned(struct comparison *, const struct netconf_xml *want,
                          const struct netconf_xml *have);

static bool
is_among(const struct netconf_xml *const *list, uint32_t n, const struct netconf_xml *e)
{
    uint32_t i = 0;
    while (i < n && list[i] != e)
        i++;
    return i < n;
}

static void
compare_children(struct comparison *c, const struct netconf_xml *want,
                 const struct netconf_xml *have)
{
    uint32_t n = 0;
    const struct netconf_xml **met = arena_calloc(c->arena, want->n_children + 1, sizeof *met);
    if (!met) {
        c->err = ERR_LIMIT;
        return;
    }
    for (const struct netconf_xml *e = want->first; e; e = e->next) {
        struct keys keys = keys_of(e);
        const struct netconf_xml *other = find_inside(have, e);
        size_t length = descend(&c->path, e, &keys);
        if (!other)
            add_difference(c, VPN_MISSING, e, NULL);
        else
            compare_owned(c, e, other);
        met[n++] = other;
        c->path.size = length;
    }
    for (const struct netconf_xml *e = have->first; e && !c->err; e = e->next) {
        if (is_default(e) || is_among(met, n, e))
            continue;
        struct keys keys = keys_of(e);
        size_t length = descend(&c->path, e, &keys);
        add_difference(c, VPN_UNEXPECTED, NULL, e);
        c->path.size = length;
    }
}

static void
compare_owned(struct comparison *c, const struct netconf_xml *want, const struct netconf_xml *have)
{
    if (!want->first && !have->first) {
        if (!netconf_xml_same_text(want, have))
            add_difference(c, VPN_DIFFERENT, want, have);
        return;
    }
    compare_children(c, want, have);
}

static void
compare_ways(struct comparison *c, const struct netconf_xml *want, const struct netconf_xml *have)
{
    for (const struct netconf_xml *e = want->first; e && !c->err; e = e->next) {
        if (!has_owned(e))
            continue;
        const struct netconf_xml *other = find(children(have), e);
        struct keys keys = keys_of(e);
        size_t length = descend(&c->path, e, &keys);
        if (!is_owned(e))
            compare_ways(c, e, other);
        else if (!other)
            add_difference(c, VPN_MISSING, e, NULL);
        else
            compare_owned(c, e, other);
        c->path.size = length;
    }
}

enum err
vpn_config_compare(struct arena *arena, const struct netconf_xml *want,
                   const struct netconf_xml *have, struct vpn_differences *found)
{
    struct comparison c = {.arena = arena, .found = found, .path = BUF_INIT};
    *found = (struct vpn_differences){0};
    compare_ways(&c, want, have);
    buf_fini(&c.path);
    return c.err;
}

/* ---- conflicts */

struct owner {
    const char *marker, *name;
};

/* `text` is `with`, or begins with it and with what parts it from more. */
static bool
begins(const char *text, const char *with, const char *parting)
{
    size_t length = strlen(with);
    text += strspn(text, " \t\r\n");
    if (strncmp(text, with, length))
        return false;
    text += length;
    return !strncmp(text, parting, strlen(parting)) || !text[strspn(text, " \t\r\n")];
}

static bool
is_marked(const struct netconf_xml *e, const struct owner *owner)
{
    bool found = !e->first && begins(e->text, owner->marker, " ");
    for (const struct netconf_xml *child = e->first; child && !found; child = child->next)
        found = is_marked(child, owner);
    return found;
}

static bool
is_ours(const struct netconf_xml *want, const struct netconf_xml *have, const struct owner *owner)
{
    struct keys keys = keys_of(want);
    bool named = keys.n > 0 && begins(keys.leaves[0]->text, owner->name, "--");
    return named || is_marked(have, owner) || netconf_xml_same(want, have);
}

static const struct netconf_xml *
find_conflict(const struct netconf_xml *before, const struct netconf_xml *now,
              const struct netconf_xml *have, const struct owner *owner, struct buf *path)
{
    const struct netconf_xml *found = NULL;
    for (const struct netconf_xml *e = now->first; e && !found; e = e->next) {
        const struct netconf_xml *old = find(children(before), e);
        const struct netconf_xml *other = find(children(have), e);
        if (!other || !has_owned(e))
            continue;
        struct keys keys = keys_of(e);
        size_t length = descend(path, e, &keys);
        if (!is_owned(e))
            found = find_conflict(old, e, other, owner, path);
        else if (!(old && is_owned(old)) && !is_ours(e, other, owner))
            found = other;
        if (!found)
            path->size = length;
    }
    return found;
}

const char *
vpn_config_conflict(struct arena *arena, const struct netconf_xml *before,
                    const struct netconf_xml *now, const struct netconf_xml *have,
                    const char *marker, const char *name)
{
    struct owner owner = {marker, name};
    struct buf path = BUF_INIT;
    const char *result = NULL;
    if (now && have && find_conflict(before, now, have, &owner, &path)) {
        result = arena_strdup(arena, buf_cstr(&path));
        if (!result)
            result = "";
    }
    buf_fini(&path);
    return result;
}

const char *
vpn_drift_name(enum vpn_drift kind)
{
    static const char *const names[] = {"missing", "different", "unexpected"};
    return names[kind];
}

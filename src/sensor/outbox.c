#include "sensor/outbox.h"

#include "base/alloc.h"
#include "base/hash_table.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

struct item {
    uint64_t number;
    char *key, *text;
    size_t size;
    unsigned weight;
    bool away;   /* under way */
    char *newer; /* came meanwhile; NULL */
    size_t newer_size;
    unsigned newer_weight;
    struct item *prev, *next; /* of those that wait, or of those under way */
    UT_hash_handle hh, by_number;
};

struct outbox {
    uint32_t most;
    size_t octets_most, octets;
    uint64_t last;
    struct item *keys, *numbers;
    struct item *waiting[OUTBOX_WEIGHTS], *away; /* the oldest first */
    struct outbox_counters counters;
};

struct outbox *
outbox_new(uint32_t most, size_t octets)
{
    struct outbox *o = xcalloc(1, sizeof *o);
    o->most = most;
    o->octets_most = octets;
    return o;
}

static size_t
cost_of(const struct item *i)
{
    return OUTBOX_OVERHEAD + strlen(i->key) + i->size + i->newer_size;
}

static void
item_free(struct outbox *o, struct item *i)
{
    if (i->away)
        DL_DELETE(o->away, i);
    else
        DL_DELETE(o->waiting[i->weight], i);
    o->octets -= cost_of(i);
    HASH_DELETE(hh, o->keys, i);
    HASH_DELETE(by_number, o->numbers, i);
    free(i->key);
    free(i->text);
    free(i->newer);
    free(i);
}

void
outbox_free(struct outbox *o)
{
    if (!o)
        return;
    while (o->keys)
        item_free(o, o->keys);
    free(o);
}

static bool
is_over(const struct outbox *o)
{
    return HASH_COUNT(o->keys) > o->most || o->octets > o->octets_most;
}

/* True: `kept` (NULL: nobody) is still there. */
static bool
make_room(struct outbox *o, const struct item *kept)
{
    bool there = true;
    for (unsigned weight = 0; weight < OUTBOX_WEIGHTS;) {
        struct item *i = o->waiting[weight];
        if (!is_over(o))
            break;
        if (!i) {
            weight++;
            continue;
        }
        there = there && i != kept;
        o->counters.dropped[weight]++;
        item_free(o, i);
    }
    return there;
}

static struct item *
find_key(const struct outbox *o, const char *key)
{
    struct item *i;
    HASH_FIND_STR(o->keys, key, i);
    return i;
}

static struct item *
find_number(const struct outbox *o, uint64_t number)
{
    struct item *i;
    HASH_FIND(by_number, o->numbers, &number, sizeof number, i);
    return i;
}

/* Behind those that came before it. */
static void
insert(struct outbox *o, struct item *i)
{
    struct item **list = &o->waiting[i->weight], *before = *list;
    while (before && before->number < i->number)
        before = before->next;
    if (before)
        DL_PREPEND_ELEM(*list, before, i);
    else
        DL_APPEND(*list, i);
}

/* What is under way stays what it is until it has arrived. */
static void
put_newer(struct outbox *o, struct item *i, unsigned weight, const char *text, size_t size)
{
    o->octets -= i->newer_size;
    free(i->newer);
    i->newer = xmemdup(text, size);
    i->newer_size = size;
    i->newer_weight = weight;
    o->octets += size;
}

static void
replace(struct outbox *o, struct item *i, unsigned weight, char *text, size_t size)
{
    o->octets -= cost_of(i);
    free(i->text);
    i->text = text;
    i->size = size;
    i->weight = weight;
    o->octets += cost_of(i);
}

bool
outbox_put(struct outbox *o, const char *key, unsigned weight, const char *text, size_t size)
{
    struct item *i = find_key(o, key);
    o->counters.put++;
    o->counters.replaced += i != NULL;
    if (i && i->away) {
        put_newer(o, i, weight, text, size);
    } else if (i) {
        DL_DELETE(o->waiting[i->weight], i);
        replace(o, i, weight, xmemdup(text, size), size);
        insert(o, i);
    } else {
        i = xcalloc(1, sizeof *i);
        *i = (struct item){.number = ++o->last,
                           .key = xstrdup(key),
                           .text = xmemdup(text, size),
                           .size = size,
                           .weight = weight};
        HASH_ADD_KEYPTR(hh, o->keys, i->key, strlen(i->key), i);
        HASH_ADD(by_number, o->numbers, number, sizeof i->number, i);
        DL_APPEND(o->waiting[weight], i);
        o->octets += cost_of(i);
    }
    return make_room(o, i);
}

const char *
outbox_next(struct outbox *o, size_t *size, uint64_t *number)
{
    struct item *first = NULL;
    for (unsigned weight = 0; weight < OUTBOX_WEIGHTS; weight++) {
        struct item *i = o->waiting[weight];
        if (i && (!first || i->number < first->number))
            first = i;
    }
    if (!first)
        return NULL;
    DL_DELETE(o->waiting[first->weight], first);
    DL_APPEND(o->away, first);
    first->away = true;
    *size = first->size;
    *number = first->number;
    return first->text;
}

static void
come_back(struct outbox *o, struct item *i)
{
    if (i->newer) {
        char *text = i->newer;
        size_t size = i->newer_size;
        o->octets -= size;
        i->newer = NULL;
        i->newer_size = 0;
        DL_DELETE(o->away, i);
        replace(o, i, i->newer_weight, text, size);
    } else {
        DL_DELETE(o->away, i);
    }
    i->away = false;
    insert(o, i);
}

void
outbox_done(struct outbox *o, uint64_t number)
{
    struct item *i = find_number(o, number);
    if (!i || !i->away)
        return;
    o->counters.done++;
    if (i->newer)
        come_back(o, i);
    else
        item_free(o, i);
}

void
outbox_refuse(struct outbox *o, uint64_t number)
{
    struct item *i = find_number(o, number);
    if (!i || !i->away)
        return;
    outbox_done(o, number);
    o->counters.done--;
    o->counters.refused++;
}

void
outbox_retry(struct outbox *o, uint64_t number)
{
    struct item *i = find_number(o, number);
    if (i && i->away)
        come_back(o, i);
    make_room(o, NULL);
}

void
outbox_retry_all(struct outbox *o)
{
    while (o->away)
        come_back(o, o->away);
    make_room(o, NULL);
}

uint32_t
outbox_number(const struct outbox *o)
{
    return HASH_COUNT(o->keys);
}

const struct outbox_counters *
outbox_counters(const struct outbox *o)
{
    return &o->counters;
}

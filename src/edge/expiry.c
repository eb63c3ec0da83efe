#include "edge/expiry.h"

#include "base/alloc.h"

#include <stdlib.h>

void
expiry_fini(struct expiry *e)
{
    free(e->items);
    *e = (struct expiry){0};
}

nsec_t
entry_deadline(const struct entry *entry)
{
    nsec_t deadline = NSEC_NEVER;
    if (entry->hard_timeout)
        deadline = entry->created + entry->hard_timeout * NSEC_PER_SEC;
    if (entry->idle_timeout) {
        nsec_t used = MAX(counters_get(&entry->counters).used, entry->created);
        deadline = MIN(deadline, used + entry->idle_timeout * NSEC_PER_SEC);
    }
    return deadline;
}

static void
place(struct expiry *e, uint32_t slot, struct expiry_item item)
{
    e->items[slot] = item;
    item.entry->expiry_slot = slot;
}

/* Lets an item rise from this place to where it belongs. */
static void
rise(struct expiry *e, uint32_t slot, struct expiry_item item)
{
    for (; slot && e->items[(slot - 1) / 2].at > item.at; slot = (slot - 1) / 2)
        place(e, slot, e->items[(slot - 1) / 2]);
    place(e, slot, item);
}

static void
sink(struct expiry *e, uint32_t slot, struct expiry_item item)
{
    for (;;) {
        uint32_t child = 2 * slot + 1;
        if (child >= e->n)
            break;
        if (child + 1 < e->n && e->items[child + 1].at < e->items[child].at)
            child++;
        if (e->items[child].at >= item.at)
            break;
        place(e, slot, e->items[child]);
        slot = child;
    }
    place(e, slot, item);
}

void
expiry_add(struct expiry *e, struct entry *entry)
{
    GROW(e->items, e->n, e->capacity);
    e->n++;
    rise(e, e->n - 1, (struct expiry_item){entry_deadline(entry), entry});
}

void
expiry_remove(struct expiry *e, struct entry *entry)
{
    uint32_t slot = entry->expiry_slot;
    if (slot == UINT32_MAX)
        return;
    entry->expiry_slot = UINT32_MAX;
    struct expiry_item last = e->items[--e->n];
    if (slot == e->n)
        return;
    if (slot && e->items[(slot - 1) / 2].at > last.at)
        rise(e, slot, last);
    else
        sink(e, slot, last);
}

struct entry *
expiry_first(const struct expiry *e, nsec_t now)
{
    return e->n && e->items[0].at <= now ? e->items[0].entry : NULL;
}

void
expiry_put_off_first(struct expiry *e)
{
    struct entry *entry = e->items[0].entry;
    sink(e, 0, (struct expiry_item){entry_deadline(entry), entry});
}

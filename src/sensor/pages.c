#include "sensor/pages.h"

#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SOUGHT 1024 /* pages that are looked at for free ones */

struct pages {
    uint8_t *memory;
    size_t n;    /* pages */
    size_t next; /* from here on free ones are sought */
    size_t high; /* pages from here on were never taken, and are zero */
    bool *is_taken;
};

struct pages *
pages_new(size_t size)
{
    struct pages *p = xcalloc(1, sizeof *p);
    size_t n = (size + PAGES_SIZE - 1) / PAGES_SIZE;
    void *memory = n ? mmap(NULL, n * PAGES_SIZE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                     : MAP_FAILED;
    if (memory == MAP_FAILED)
        return p;
    p->memory = memory;
    p->n = n;
    p->is_taken = xcalloc(n + 1, sizeof *p->is_taken);
    return p;
}

void
pages_free(struct pages *p)
{
    if (!p)
        return;
    if (p->memory)
        munmap(p->memory, p->n * PAGES_SIZE);
    free(p->is_taken);
    free(p);
}

/* The first of `n` free pages in a row; SIZE_MAX: none nearby. */
static size_t
seek(const struct pages *p, size_t n)
{
    size_t run = 0, at = p->next;
    for (unsigned i = 0; i < SOUGHT; i++, at++) {
        if (at >= p->n)
            at = run = 0; /* a piece does not go on at the beginning */
        run = p->is_taken[at] ? 0 : run + 1;
        if (run == n)
            return at + 1 - n;
    }
    return SIZE_MAX;
}

void *
pages_take(struct pages *p, size_t size)
{
    size_t n = size / PAGES_SIZE + (size % PAGES_SIZE != 0);
    size_t first = n && n <= p->n ? seek(p, n) : SIZE_MAX;
    if (first == SIZE_MAX)
        return NULL;
    uint8_t *memory = p->memory + first * PAGES_SIZE;
    if (first < p->high)
        memset(memory, 0, (MIN(first + n, p->high) - first) * PAGES_SIZE);
    else
        *(volatile uint8_t *)memory = 0; /* or what reads it first makes the kernel map it twice */
    memset(p->is_taken + first, true, n);
    p->next = first + n;
    p->high = MAX(p->high, p->next);
    return memory;
}

bool
pages_give_back(struct pages *p, void *memory, size_t size)
{
    uintptr_t at = (uintptr_t)memory - (uintptr_t)p->memory;
    if (!memory || at >= p->n * PAGES_SIZE)
        return false;
    memset(p->is_taken + at / PAGES_SIZE, false, size / PAGES_SIZE + (size % PAGES_SIZE != 0));
    return true;
}

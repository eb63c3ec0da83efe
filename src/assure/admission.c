#include "assure/admission.h"

#include "base/alloc.h"
#include "base/hash_table.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

struct node_load {
    char *name;
    uint32_t begun; /* tickets that use it */
    uint32_t users; /* tickets that name it */
    uint64_t rate;  /* of the loads that go on */
    UT_hash_handle hh;
};

enum ticket_state { WAITING, LOADING, PAUSED, RESUMING };

struct admission_ticket {
    void *who;
    enum ticket_state state;
    uint32_t rate; /* of the load that goes on, or is waited for */
    uint32_t overtaken;
    struct admission_ticket *prev, *next; /* in its line */
    uint32_t n_nodes;
    struct node_load *nodes[];
};

struct admission {
    struct admission_limits limits;
    uint32_t begun, waiting;
    struct node_load *nodes;
    struct admission_ticket *resuming, *line; /* those that have begun, and the others */
};

struct admission *
admission_new(const struct admission_limits *limits)
{
    struct admission *a = xcalloc(1, sizeof *a);
    a->limits = *limits;
    return a;
}

void
admission_free(struct admission *a)
{
    free(a);
}

static struct node_load *
need_node(struct admission *a, const char *name)
{
    struct node_load *node;
    HASH_FIND_STR(a->nodes, name, node);
    if (!node) {
        node = xcalloc(1, sizeof *node);
        node->name = xstrdup(name);
        HASH_ADD_KEYPTR(hh, a->nodes, node->name, strlen(node->name), node);
    }
    node->users++;
    return node;
}

struct admission_ticket *
admission_wait(struct admission *a, void *who, uint32_t rate, uint32_t n_nodes,
               const char *const *nodes)
{
    struct admission_ticket *t = xcalloc(1, sizeof *t + n_nodes * sizeof t->nodes[0]);
    t->who = who;
    t->rate = rate;
    t->n_nodes = n_nodes;
    for (uint32_t i = 0; i < n_nodes; i++)
        t->nodes[i] = need_node(a, nodes[i]);
    DL_APPEND(a->line, t);
    a->waiting++;
    return t;
}

static bool
fits(const struct admission *a, const struct admission_ticket *t)
{
    for (uint32_t i = 0; i < t->n_nodes; i++) {
        const struct node_load *node = t->nodes[i];
        if (t->state == WAITING && node->begun >= a->limits.tests_per_node)
            return false;
        if (node->rate && node->rate + t->rate > a->limits.rate_per_node)
            return false;
    }
    return t->state != WAITING || a->begun < a->limits.tests;
}

static bool
is_impatient(const struct admission_ticket *first)
{
    return first && first->overtaken >= ADMISSION_PATIENCE;
}

/* The first in this line that fits; only its head if that is impatient. */
static struct admission_ticket *
first_fit(const struct admission *a, struct admission_ticket *line)
{
    struct admission_ticket *t = line;
    if (is_impatient(line))
        return fits(a, line) ? line : NULL;
    while (t && !fits(a, t))
        t = t->next;
    return t;
}

static void
leave_line(struct admission *a, struct admission_ticket *t)
{
    if (t->state == RESUMING) {
        DL_DELETE(a->resuming, t);
    } else if (t->state == WAITING) {
        DL_DELETE(a->line, t);
        a->waiting--;
    }
}

/* Counts the load of a ticket that has left its line. */
static void
go_on(struct admission *a, struct admission_ticket *t)
{
    bool begins = t->state == WAITING;
    a->begun += begins;
    for (uint32_t i = 0; i < t->n_nodes; i++) {
        t->nodes[i]->begun += begins;
        t->nodes[i]->rate += t->rate;
    }
    t->state = LOADING;
}

void *
admission_next(struct admission *a)
{
    struct admission_ticket *t = first_fit(a, a->resuming);
    if (!t && !is_impatient(a->resuming) && a->begun < a->limits.tests)
        t = first_fit(a, a->line);
    if (!t)
        return NULL;
    if (a->resuming)
        a->resuming->overtaken += t != a->resuming;
    if (t->state == WAITING)
        a->line->overtaken += t != a->line;
    leave_line(a, t);
    go_on(a, t);
    return t->who;
}

void
admission_pause(struct admission *a UNUSED, struct admission_ticket *t)
{
    for (uint32_t i = 0; i < t->n_nodes && t->state == LOADING; i++)
        t->nodes[i]->rate -= t->rate;
    t->state = PAUSED;
}

void
admission_resume(struct admission *a, struct admission_ticket *t, uint32_t rate)
{
    t->state = RESUMING;
    t->rate = rate;
    t->overtaken = 0;
    DL_APPEND(a->resuming, t);
}

void
admission_leave(struct admission *a, struct admission_ticket *t)
{
    bool begun = admission_has_begun(t);
    leave_line(a, t);
    if (begun) {
        admission_pause(a, t);
        a->begun--;
    }
    for (uint32_t i = 0; i < t->n_nodes; i++) {
        struct node_load *node = t->nodes[i];
        node->begun -= begun;
        if (--node->users)
            continue;
        HASH_DEL(a->nodes, node);
        free(node->name);
        free(node);
    }
    free(t);
}

bool
admission_has_begun(const struct admission_ticket *t)
{
    return t->state != WAITING;
}

uint32_t
admission_waiting(const struct admission *a)
{
    return a->waiting;
}

uint32_t
admission_begun(const struct admission *a)
{
    return a->begun;
}

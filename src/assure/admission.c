#include "assure/admission.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

struct node_load {
    char *name;
    uint32_t admitted; /* tickets that use it */
    uint32_t users;    /* tickets that name it */
    UT_hash_handle hh;
};

struct admission_ticket {
    void *who;
    bool admitted;
    uint32_t overtaken;
    struct admission_ticket *prev, *next; /* in line */
    uint32_t n_nodes;
    struct node_load *nodes[];
};

struct admission {
    uint32_t most, most_per_node, admitted, waiting;
    struct node_load *nodes;
    struct admission_ticket *line;
};

struct admission *
admission_new(uint32_t most, uint32_t most_per_node)
{
    struct admission *a = xcalloc(1, sizeof *a);
    a->most = most;
    a->most_per_node = most_per_node;
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
admission_wait(struct admission *a, void *who, uint32_t n_nodes, const char *const *nodes)
{
    struct admission_ticket *t = xcalloc(1, sizeof *t + n_nodes * sizeof t->nodes[0]);
    t->who = who;
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
        if (t->nodes[i]->admitted >= a->most_per_node)
            return false;
    }
    return true;
}

void *
admission_next(struct admission *a)
{
    struct admission_ticket *t = a->line;
    if (!t || a->admitted >= a->most)
        return NULL;
    if (a->line->overtaken < ADMISSION_PATIENCE) {
        while (t && !fits(a, t))
            t = t->next;
    } else if (!fits(a, t)) {
        return NULL;
    }
    if (!t)
        return NULL;
    a->line->overtaken += t != a->line;
    DL_DELETE(a->line, t);
    a->waiting--;
    a->admitted++;
    t->admitted = true;
    for (uint32_t i = 0; i < t->n_nodes; i++)
        t->nodes[i]->admitted++;
    return t->who;
}

void
admission_leave(struct admission *a, struct admission_ticket *t)
{
    if (t->admitted) {
        a->admitted--;
    } else {
        DL_DELETE(a->line, t);
        a->waiting--;
    }
    for (uint32_t i = 0; i < t->n_nodes; i++) {
        struct node_load *node = t->nodes[i];
        node->admitted -= t->admitted;
        if (--node->users)
            continue;
        HASH_DEL(a->nodes, node);
        free(node->name);
        free(node);
    }
    free(t);
}

bool
admission_is_admitted(const struct admission_ticket *t)
{
    return t->admitted;
}

uint32_t
admission_waiting(const struct admission *a)
{
    return a->waiting;
}

uint32_t
admission_admitted(const struct admission *a)
{
    return a->admitted;
}

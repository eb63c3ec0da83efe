#include "sensor/conversation.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>

#define NONE UINT32_MAX

struct conversations {
    struct conversation *all;
    uint32_t n, most, mask;
    uint32_t *heads;         /* of chains */
    uint32_t newest, oldest; /* by what was heard of them */
    uint32_t unused;         /* chained */
    uint64_t secret, serial; /* of the last that was made */
    struct stream_budget *budget;
    bool is_ending; /* one; what is told of it must not end another */
    void (*ended)(void *, struct conversation *);
    void *arg;
};

struct conversations *
conversations_new(uint32_t most, struct stream_budget *budget,
                  void (*ended)(void *, struct conversation *), void *arg)
{
    struct conversations *t = xcalloc(1, sizeof *t);
    uint32_t n_heads = 1;
    while (n_heads < most)
        n_heads *= 2;
    t->all = xcalloc(most, sizeof *t->all);
    t->heads = xmalloc(n_heads * sizeof *t->heads);
    memset(t->heads, 0xff, n_heads * sizeof *t->heads);
    t->most = most;
    t->mask = n_heads - 1;
    t->newest = t->oldest = t->unused = NONE;
    t->secret = hash_secret();
    t->budget = budget;
    t->ended = ended;
    t->arg = arg;
    return t;
}

/* ---- The list by age ---- */

static void
unlink_age(struct conversations *t, struct conversation *c)
{
    if (c->newer == NONE)
        t->newest = c->older;
    else
        t->all[c->newer].older = c->older;
    if (c->older == NONE)
        t->oldest = c->newer;
    else
        t->all[c->older].newer = c->newer;
}

static void
link_newest(struct conversations *t, struct conversation *c)
{
    uint32_t i = (uint32_t)(c - t->all);
    c->newer = NONE;
    c->older = t->newest;
    if (t->newest != NONE)
        t->all[t->newest].newer = i;
    t->newest = i;
    if (t->oldest == NONE)
        t->oldest = i;
}

/* ---- Ending ---- */

void
conversation_forget_state(struct conversations *t, struct conversation *c)
{
    t->budget->used -= c->state_size;
    free(c->state);
    c->state = NULL;
    c->state_size = 0;
}

static void
forget(struct conversations *t, struct conversation *c)
{
    for (unsigned way = 0; way < 2; way++) {
        stream_reset(&c->streams[way], t->budget);
        t->budget->used -= c->unfinished[way].capacity;
        free(c->unfinished[way].data);
    }
    conversation_forget_state(t, c);
}

static uint64_t
hash_of(const struct conversations *t, const struct conversation_key *key)
{
    return hash_bytes(key, sizeof *key, t->secret);
}

static void
end(struct conversations *t, struct conversation *c)
{
    uint32_t i = (uint32_t)(c - t->all);
    uint32_t *at = &t->heads[hash_of(t, &c->key) & t->mask];
    bool was = t->is_ending;
    t->is_ending = true;
    if (t->ended)
        t->ended(t->arg, c);
    t->is_ending = was;
    while (*at != i)
        at = &t->all[*at].chain;
    *at = c->chain;
    unlink_age(t, c);
    forget(t, c);
    c->chain = t->unused;
    t->unused = i;
    t->n--;
}

void *
conversation_state(struct conversations *t, struct conversation *c, size_t size)
{
    struct stream_budget *b = t->budget;
    if (c->state)
        return c->state;
    while (b->used + size > b->limit && t->oldest != NONE && &t->all[t->oldest] != c &&
           !t->is_ending)
        end(t, &t->all[t->oldest]);
    if (b->used + size > b->limit) {
        b->n_refused++;
        return NULL;
    }
    c->state = xcalloc(1, size);
    c->state_size = size;
    b->used += size;
    return c->state;
}

void
conversations_expire(struct conversations *t, nsec_t before)
{
    while (t->oldest != NONE && t->all[t->oldest].last < before)
        end(t, &t->all[t->oldest]);
}

void
conversations_end(struct conversations *t)
{
    while (t->oldest != NONE)
        end(t, &t->all[t->oldest]);
}

void
conversations_free(struct conversations *t)
{
    if (!t)
        return;
    conversations_end(t);
    free(t->heads);
    free(t->all);
    free(t);
}

void
conversation_restart(struct conversations *t, struct conversation *c, nsec_t now)
{
    struct conversation fresh = {.key = c->key,
                                 .macs = {c->macs[0], c->macs[1]},
                                 .slot = c->slot,
                                 .first = now,
                                 .last = now,
                                 .serial = ++t->serial,
                                 .chain = c->chain,
                                 .newer = c->newer,
                                 .older = c->older};
    if (t->ended)
        t->ended(t->arg, c);
    forget(t, c);
    *c = fresh;
}

/* ---- Finding ---- */

bool
conversation_key_of(const struct layers *l, struct conversation_key *key, unsigned *way)
{
    struct end from = {{0}, 0}, to = {{0}, 0};
    memset(key, 0, sizeof *key);
    if (l->ip) {
        size_t n = l->ip == 4 ? 4 : 16;
        memcpy(from.address, l->src, n);
        memcpy(to.address, l->dst, n);
        from.port = l->has_ports ? l->src_port : 0;
        to.port = l->has_ports ? l->dst_port : 0;
        key->ip = l->ip;
        key->proto = l->proto;
    } else if (l->has_mac) {
        memcpy(from.address, &l->src_mac, 6);
        memcpy(to.address, &l->dst_mac, 6);
        key->eth_type = l->eth_type;
    } else {
        return false;
    }
    *way = memcmp(&from, &to, sizeof from) > 0;
    key->ends[*way] = from;
    key->ends[!*way] = to;
    return true;
}

static struct conversation *
take_place(struct conversations *t)
{
    if (t->unused != NONE) {
        struct conversation *c = &t->all[t->unused];
        t->unused = c->chain;
        return c;
    }
    if (t->n == t->most) {
        end(t, &t->all[t->oldest]);
        return take_place(t);
    }
    return &t->all[t->n];
}

struct conversation *
conversations_find(struct conversations *t, const struct layers *l, nsec_t now, unsigned *way)
{
    struct conversation_key key;
    if (!conversation_key_of(l, &key, way))
        return NULL;
    uint32_t *head = &t->heads[hash_of(t, &key) & t->mask];
    for (uint32_t i = *head; i != NONE; i = t->all[i].chain) {
        struct conversation *c = &t->all[i];
        if (memcmp(&c->key, &key, sizeof key) != 0)
            continue;
        if (t->newest != i) {
            unlink_age(t, c);
            link_newest(t, c);
        }
        c->last = now;
        return c;
    }
    struct conversation *c = take_place(t);
    head = &t->heads[hash_of(t, &key) & t->mask]; /* a chain may have lost one */
    uint32_t slot = (uint32_t)(c - t->all);
    *c = (struct conversation){.key = key,
                               .first = now,
                               .last = now,
                               .serial = ++t->serial,
                               .slot = slot,
                               .chain = *head};
    *head = slot;
    t->n++;
    link_newest(t, c);
    return c;
}

uint32_t
conversations_number(const struct conversations *t)
{
    return t->n;
}

#include "sensor/conversation.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "sensor/pages.h"

#include <stdlib.h>

#define NONE UINT32_MAX
#define ORDER (NSEC_PER_SEC / 16) /* the order of age is as exact as that, but of the last */
#define LINE 64u
#define LARGE_STATE PAGES_SIZE
#define OLDEST 8 /* of which the longest silent makes room */

struct conversations {
    struct conversation *all; /* from a line of the cache on */
    void *memory;             /* that they lie in */
    uint32_t n, most, mask;
    uint32_t *heads;         /* of chains */
    uint32_t newest, oldest; /* by what was heard of them */
    uint32_t unused;         /* chained */
    uint64_t secret, serial; /* of the last that was made */
    struct stream_budget *budget;
    struct pages *states; /* the large ones */
    bool is_ending;       /* one; what is told of it must not end another */
    void (*ended)(void *, struct conversation *);
    void *arg;
};

char *
end_address_format(const uint8_t address[16], uint8_t ip, char *text)
{
    struct mac mac;
    if (ip)
        return ip == 4 ? ipv4_format(get_be32(address), text) : ipv6_format(address, text);
    memcpy(mac.octets, address, sizeof mac.octets);
    return mac_format(&mac, text);
}

struct conversations *
conversations_new(uint32_t most, struct stream_budget *budget,
                  void (*ended)(void *, struct conversation *), void *arg)
{
    struct conversations *t = xcalloc(1, sizeof *t);
    uint32_t n_heads = 1;
    while (n_heads < most)
        n_heads *= 2;
    t->memory = xcalloc((size_t)most + 1, sizeof *t->all);
    t->all = (void *)(((uintptr_t)t->memory + LINE - 1) / LINE * LINE);
    t->heads = xmalloc(n_heads * sizeof *t->heads);
    memset(t->heads, 0xff, n_heads * sizeof *t->heads);
    t->most = most;
    t->mask = n_heads - 1;
    t->newest = t->oldest = t->unused = NONE;
    t->secret = hash_secret();
    t->budget = budget;
    t->states = pages_new(budget->limit);
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
    c->linked = c->last;
    c->newer = NONE;
    c->older = t->newest;
    if (t->newest != NONE)
        t->all[t->newest].newer = i;
    t->newest = i;
    if (t->oldest == NONE)
        t->oldest = i;
}

static struct conversation *
longest_silent(const struct conversations *t)
{
    struct conversation *oldest = &t->all[t->oldest];
    uint32_t i = oldest->newer;
    for (unsigned n = 1; n < OLDEST && i != NONE; n++, i = t->all[i].newer) {
        if (t->all[i].last < oldest->last)
            oldest = &t->all[i];
    }
    return oldest;
}

/* ---- Ending ---- */

void
conversation_forget_state(struct conversations *t, struct conversation *c)
{
    t->budget->used -= c->state_size;
    if (!pages_give_back(t->states, c->state, c->state_size))
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

static uint32_t
u32_of(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* The ends of a conversation of IPv4, as numbers: what is written octet by octet and read again at
 * once as a key makes a processor wait. */
struct pair {
    uint32_t low, high; /* addresses, as they lie in memory */
    uint16_t low_port, high_port;
    uint8_t proto;
};

static uint64_t
hash_of_pair(const struct conversations *t, const struct pair *p)
{
    uint64_t h = hash_add(t->secret, (uint64_t)p->low << 32 | p->high);
    return hash_mix(
        hash_add(h, (uint64_t)p->low_port << 32 | (uint64_t)p->high_port << 16 | p->proto));
}

static struct pair
pair_of(const struct conversation_key *key)
{
    const struct end *low = &key->ends[0], *high = &key->ends[1];
    return (struct pair){.low = u32_of(low->address),
                         .high = u32_of(high->address),
                         .low_port = low->port,
                         .high_port = high->port,
                         .proto = key->proto};
}

static uint64_t
hash_of(const struct conversations *t, const struct conversation_key *key)
{
    if (key->ip != 4)
        return hash_bytes(key, sizeof *key, t->secret);
    const struct pair pair = pair_of(key);
    return hash_of_pair(t, &pair);
}

static bool
key_equal(const struct conversation_key *a, const struct conversation_key *b)
{
    uint64_t x[sizeof *a / 8], y[sizeof *a / 8], differ = 0;
    _Static_assert(sizeof x == sizeof *a, "a key is of whole words");
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    for (size_t i = 0; i < ARRAY_SIZE(x); i++)
        differ |= x[i] ^ y[i];
    return !differ;
}

static void
tell_end(struct conversations *t, struct conversation *c)
{
    bool was = t->is_ending;
    t->is_ending = true;
    if (t->ended)
        t->ended(t->arg, c);
    t->is_ending = was;
}

static void
end(struct conversations *t, struct conversation *c)
{
    uint32_t i = (uint32_t)(c - t->all);
    uint32_t *at = &t->heads[hash_of(t, &c->key) & t->mask];
    tell_end(t, c);
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
    while (b->used + size > b->limit && t->n && !t->is_ending) {
        struct conversation *oldest = longest_silent(t);
        if (oldest == c)
            break;
        end(t, oldest);
    }
    if (b->used + size > b->limit) {
        b->n_refused++;
        return NULL;
    }
    c->state = size >= LARGE_STATE ? pages_take(t->states, size) : NULL;
    if (!c->state)
        c->state = xcalloc(1, size);
    c->state_size = size;
    b->used += size;
    return c->state;
}

void
conversations_each(struct conversations *t, nsec_t since,
                   void (*fn)(void *arg, struct conversation *), void *arg)
{
    for (uint32_t i = t->newest; i != NONE && t->all[i].last >= since; i = t->all[i].older)
        fn(arg, &t->all[i]);
}

void
conversations_expire(struct conversations *t, nsec_t before)
{
    while (t->oldest != NONE && t->all[t->oldest].last < before)
        end(t, &t->all[t->oldest]);
}

struct conversation *
conversations_put(struct conversations *t, uint32_t place, const struct conversation *c)
{
    t->all[place] = *c;
    return &t->all[place];
}

struct conversation *
conversations_at(struct conversations *t, uint32_t place)
{
    return &t->all[place];
}

void
conversations_take_out(struct conversations *t, uint32_t place)
{
    if (t->ended)
        t->ended(t->arg, &t->all[place]);
    forget(t, &t->all[place]);
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
    pages_free(t->states);
    free(t->heads);
    free(t->memory);
    free(t);
}

unsigned
conversation_server(const struct conversation *c)
{
    if (c->side != SIDE_UNKNOWN) /* the lower end's */
        return c->side == SIDE_CLIENT;
    return c->key.ends[1].port < c->key.ends[0].port;
}

void
conversation_restart(struct conversations *t, struct conversation *c, nsec_t now)
{
    struct conversation fresh = {.key = c->key,
                                 .macs = {c->macs[0], c->macs[1]},
                                 .slot = c->slot,
                                 .first = now,
                                 .last = now,
                                 .linked = c->linked,
                                 .serial = ++t->serial,
                                 .chain = c->chain,
                                 .newer = c->newer,
                                 .older = c->older};
    tell_end(t, c);
    forget(t, c);
    *c = fresh;
}

/* ---- Finding ---- */

static inline void
set_ends(struct conversation_key *key, const uint8_t *src, const uint8_t *dst, size_t n,
         uint16_t src_port, uint16_t dst_port, unsigned *way)
{
    int order = memcmp(src, dst, n);
    *way = order > 0 || (!order && src_port > dst_port);
    struct end *from = &key->ends[*way], *to = &key->ends[!*way];
    memcpy(from->address, src, n);
    memcpy(to->address, dst, n);
    from->port = src_port;
    to->port = dst_port;
}

bool
conversation_key_of(const struct layers *l, struct conversation_key *key, unsigned *way)
{
    uint16_t src_port = l->has_ports ? l->src_port : 0, dst_port = l->has_ports ? l->dst_port : 0;
    memset(key, 0, sizeof *key);
    key->ip = l->ip;
    if (l->ip)
        key->proto = l->proto;
    else
        key->eth_type = l->eth_type;
    if (l->ip == 4)
        set_ends(key, l->src, l->dst, 4, src_port, dst_port, way);
    else if (l->ip)
        set_ends(key, l->src, l->dst, 16, src_port, dst_port, way);
    else if (l->has_mac)
        set_ends(key, l->src_mac.octets, l->dst_mac.octets, 6, 0, 0, way);
    else
        return false;
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
        end(t, longest_silent(t));
        return take_place(t);
    }
    return &t->all[t->n];
}

static struct conversation *
make(struct conversations *t, const struct conversation_key *key, nsec_t now)
{
    struct conversation *c = take_place(t);
    uint32_t *head = &t->heads[hash_of(t, key) & t->mask]; /* a chain may have lost one */
    uint32_t slot = (uint32_t)(c - t->all);
    *c = (struct conversation){.key = *key,
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

static bool
is_pair(const struct conversation_key *key, const struct pair *p)
{
    return u32_of(key->ends[0].address) == p->low && u32_of(key->ends[1].address) == p->high &&
           key->ends[0].port == p->low_port && key->ends[1].port == p->high_port && key->ip == 4 &&
           key->proto == p->proto;
}

static struct conversation *
find_pair(const struct conversations *t, const struct layers *l, unsigned *way)
{
    uint32_t src = u32_of(l->src), dst = u32_of(l->dst);
    uint16_t src_port = l->has_ports ? l->src_port : 0, dst_port = l->has_ports ? l->dst_port : 0;
    bool back = src == dst ? src_port > dst_port : get_be32(l->src) > get_be32(l->dst);
    const struct pair p = {.low = back ? dst : src,
                           .high = back ? src : dst,
                           .low_port = back ? dst_port : src_port,
                           .high_port = back ? src_port : dst_port,
                           .proto = l->proto};
    *way = back;
    for (uint32_t i = t->heads[hash_of_pair(t, &p) & t->mask]; i != NONE; i = t->all[i].chain) {
        if (is_pair(&t->all[i].key, &p))
            return &t->all[i];
    }
    return NULL;
}

static struct conversation *
find_key(const struct conversations *t, const struct conversation_key *key)
{
    for (uint32_t i = t->heads[hash_of(t, key) & t->mask]; i != NONE; i = t->all[i].chain) {
        if (key_equal(&t->all[i].key, key))
            return &t->all[i];
    }
    return NULL;
}

struct conversation *
conversations_find(struct conversations *t, const struct layers *l, nsec_t now, unsigned *way)
{
    struct conversation_key key;
    struct conversation *c = l->ip == 4 ? find_pair(t, l, way) : NULL;
    if (!c) {
        if (!conversation_key_of(l, &key, way))
            return NULL;
        if (l->ip != 4)
            c = find_key(t, &key);
        if (!c)
            return make(t, &key, now);
    }
    c->last = now;
    if ((uint64_t)now - (uint64_t)c->linked >= (uint64_t)ORDER) { /* or the time went back */
        unlink_age(t, c);
        link_newest(t, c);
    }
    return c;
}

uint32_t
conversations_number(const struct conversations *t)
{
    return t->n;
}

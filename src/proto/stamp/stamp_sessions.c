#include "proto/stamp/stamp_sessions.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>

struct stamp_sessions {
    struct stamp_session *table;
    uint32_t *buckets; /* heads of chains through bucket_next */
    uint32_t n_buckets, max, n;
    uint32_t free;           /* head of the free ones, through bucket_next */
    uint32_t oldest, newest; /* ends of the chain through older and newer */
};

struct stamp_sessions *
stamp_sessions_new(unsigned max)
{
    struct stamp_sessions *s = xcalloc(1, sizeof *s);
    s->max = max;
    for (s->n_buckets = 8; s->n_buckets < max;)
        s->n_buckets *= 2;
    s->table = xcalloc(max, sizeof *s->table);
    s->buckets = xcalloc(s->n_buckets, sizeof *s->buckets);
    memset(s->buckets, 0xff, s->n_buckets * sizeof *s->buckets);
    s->oldest = s->newest = STAMP_NO_SESSION;
    s->free = max ? 0 : STAMP_NO_SESSION;
    for (uint32_t i = 0; i < max; i++)
        s->table[i].bucket_next = i + 1 < max ? i + 1 : STAMP_NO_SESSION;
    return s;
}

void
stamp_sessions_free(struct stamp_sessions *s)
{
    if (!s)
        return;
    free(s->table);
    free(s->buckets);
    free(s);
}

static uint32_t *
bucket_of(const struct stamp_sessions *s, const struct stamp_session_key *key)
{
    return &s->buckets[hash_bytes(key, sizeof *key, hash_secret()) & (s->n_buckets - 1)];
}

static uint32_t
index_of(const struct stamp_sessions *s, const struct stamp_session *session)
{
    return (uint32_t)(session - s->table);
}

static struct stamp_session *
at(struct stamp_sessions *s, uint32_t index)
{
    return index == STAMP_NO_SESSION ? NULL : &s->table[index];
}

struct stamp_session *
stamp_sessions_find(struct stamp_sessions *s, const struct stamp_session_key *key)
{
    struct stamp_session *session = at(s, *bucket_of(s, key));
    while (session && memcmp(&session->key, key, sizeof *key))
        session = at(s, session->bucket_next);
    return session;
}

static void
unlink_use(struct stamp_sessions *s, struct stamp_session *session)
{
    *(session->older == STAMP_NO_SESSION ? &s->oldest
                                         : &s->table[session->older].newer) = session->newer;
    *(session->newer == STAMP_NO_SESSION ? &s->newest
                                         : &s->table[session->newer].older) = session->older;
}

static void
link_newest(struct stamp_sessions *s, struct stamp_session *session)
{
    session->older = s->newest;
    session->newer = STAMP_NO_SESSION;
    *(s->newest == STAMP_NO_SESSION ? &s->oldest : &s->table[s->newest].newer) = index_of(s,
                                                                                          session);
    s->newest = index_of(s, session);
}

struct stamp_session *
stamp_sessions_add(struct stamp_sessions *s, const struct stamp_session_key *key)
{
    struct stamp_session *session = at(s, s->free);
    if (!session)
        return NULL;
    s->free = session->bucket_next;
    uint32_t *bucket = bucket_of(s, key), generation = session->generation + 1;
    *session = (struct stamp_session){
        .key = *key,
        .used = true,
        .generation = generation ? generation : 1,
        .bucket_next = *bucket,
    };
    *bucket = index_of(s, session);
    link_newest(s, session);
    s->n++;
    return session;
}

void
stamp_sessions_touch(struct stamp_sessions *s, struct stamp_session *session, nsec_t now)
{
    session->last_used = now;
    unlink_use(s, session);
    link_newest(s, session);
}

void
stamp_sessions_remove(struct stamp_sessions *s, struct stamp_session *session)
{
    uint32_t *link = bucket_of(s, &session->key);
    while (*link != index_of(s, session))
        link = &s->table[*link].bucket_next;
    *link = session->bucket_next;
    unlink_use(s, session);
    session->used = false;
    session->bucket_next = s->free;
    s->free = index_of(s, session);
    s->n--;
}

struct stamp_session *
stamp_sessions_oldest(struct stamp_sessions *s)
{
    return at(s, s->oldest);
}

unsigned
stamp_sessions_count(const struct stamp_sessions *s)
{
    return s->n;
}

uint64_t
stamp_sessions_handle(const struct stamp_sessions *s, const struct stamp_session *session)
{
    return (uint64_t)session->generation << 32 | index_of(s, session);
}

struct stamp_session *
stamp_sessions_get(struct stamp_sessions *s, uint64_t handle)
{
    uint32_t index = (uint32_t)handle;
    if (index >= s->max)
        return NULL;
    struct stamp_session *session = &s->table[index];
    return session->used && session->generation == handle >> 32 ? session : NULL;
}

unsigned
stamp_sessions_remove_matching(struct stamp_sessions *s, const uint8_t from[16], uint16_t ssid)
{
    unsigned n = 0;
    for (struct stamp_session *session = at(s, s->oldest), *next; session; session = next) {
        next = at(s, session->newer);
        if (session->key.ssid != ssid || memcmp(session->key.from, from, 16))
            continue;
        stamp_sessions_remove(s, session);
        n++;
    }
    return n;
}

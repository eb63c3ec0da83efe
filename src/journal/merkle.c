#include "journal/merkle.h"

#include "base/alloc.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* ---- Hashes: leaves and nodes are told apart by their first octet, so that none passes for the
 * other ---- */

void
merkle_leaf(const void *data, size_t size, struct merkle_hash *hash)
{
    uint8_t *text = xmalloc(size + 1);
    text[0] = 0;
    if (size)
        memcpy(text + 1, data, size);
    SHA256(text, size + 1, hash->octets);
    free(text);
}

static struct merkle_hash
node_of(const struct merkle_hash *left, const struct merkle_hash *right)
{
    uint8_t text[1 + 2 * MERKLE_HASH_SIZE] = {1};
    struct merkle_hash hash;
    memcpy(text + 1, left->octets, MERKLE_HASH_SIZE);
    memcpy(text + 1 + MERKLE_HASH_SIZE, right->octets, MERKLE_HASH_SIZE);
    SHA256(text, sizeof text, hash.octets);
    return hash;
}

static bool
is_same(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return !memcmp(a->octets, b->octets, MERKLE_HASH_SIZE);
}

/* ---- Growing ---- */

void
merkle_append(struct merkle_tree *t, const struct merkle_hash *leaf)
{
    struct merkle_hash hash = *leaf;
    uint32_t i = 0;
    for (; t->n >> i & 1; i++)
        hash = node_of(&t->peaks[i], &hash);
    t->peaks[i] = hash;
    t->n++;
}

void
merkle_root(const struct merkle_tree *t, struct merkle_hash *root)
{
    bool any = false;
    SHA256((const uint8_t *)"", 0, root->octets);
    for (uint32_t i = 0; i < MERKLE_DEPTH_MAX; i++) {
        if (!(t->n >> i & 1))
            continue;
        *root = any ? node_of(&t->peaks[i], root) : t->peaks[i];
        any = true;
    }
}

/* ---- Proofs ---- */

/* The greatest power of two below n; n is at least 2. */
static uint64_t
split(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static struct merkle_hash
root_of(const struct merkle_hash *leaves, uint64_t n)
{
    struct merkle_tree t = {0};
    struct merkle_hash root;
    for (uint64_t i = 0; i < n; i++)
        merkle_append(&t, &leaves[i]);
    merkle_root(&t, &root);
    return root;
}

/* PATH(m, D[n]) of RFC 6962 section 2.1.1. From the root down; turned round at the end. */
void
merkle_prove_inclusion(const struct merkle_hash *leaves, uint64_t n, uint64_t index,
                       struct merkle_proof *proof)
{
    struct merkle_hash down[MERKLE_DEPTH_MAX + 1];
    uint32_t depth = 0;
    while (n > 1) {
        uint64_t k = split(n);
        if (index < k) {
            down[depth++] = root_of(leaves + k, n - k);
            n = k;
        } else {
            down[depth++] = root_of(leaves, k);
            leaves += k;
            index -= k;
            n -= k;
        }
    }
    proof->n = depth;
    for (uint32_t i = 0; i < depth; i++)
        proof->hashes[i] = down[depth - 1 - i];
}

/* SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2. */
void
merkle_prove_consistency(const struct merkle_hash *leaves, uint64_t n, uint64_t older,
                         struct merkle_proof *proof)
{
    struct merkle_hash down[MERKLE_DEPTH_MAX + 1];
    uint32_t depth = 0;
    bool known = true; /* the older tree's root is the one whoever checks has */
    while (older != n) {
        uint64_t k = split(n);
        if (older <= k) {
            down[depth++] = root_of(leaves + k, n - k);
            n = k;
        } else {
            down[depth++] = root_of(leaves, k);
            leaves += k;
            older -= k;
            n -= k;
            known = false;
        }
    }
    if (!known)
        down[depth++] = root_of(leaves, n);
    proof->n = depth;
    for (uint32_t i = 0; i < depth; i++)
        proof->hashes[i] = down[depth - 1 - i];
}

/* ---- Checks ---- */

bool
merkle_check_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t n,
                       const struct merkle_hash *root, const struct merkle_proof *proof)
{
    struct merkle_hash hash = *leaf;
    uint64_t at = index, last = n - 1;
    if (index >= n)
        return false;
    for (uint32_t i = 0; i < proof->n; i++) {
        if (!last)
            return false; /* longer than the tree is high */
        if (at & 1 || at == last) {
            hash = node_of(&proof->hashes[i], &hash);
            for (; at && !(at & 1); at >>= 1)
                last >>= 1;
        } else {
            hash = node_of(&hash, &proof->hashes[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return !last && is_same(&hash, root);
}

/* The older tree is not empty and smaller. */
static bool
check_growth(uint64_t older, const struct merkle_hash *older_root, uint64_t n,
             const struct merkle_hash *root, const struct merkle_proof *proof)
{
    uint32_t next = 0;
    uint64_t at = older - 1, last = n - 1;
    struct merkle_hash was, is;
    for (; at & 1; at >>= 1)
        last >>= 1;
    if (at) { /* otherwise the older root is a node of the newer tree itself */
        if (!proof->n)
            return false;
        was = proof->hashes[next++];
    } else {
        was = *older_root;
    }
    is = was;
    for (; next < proof->n; next++) {
        const struct merkle_hash *beside = &proof->hashes[next];
        if (!last)
            return false;
        if (at & 1 || at == last) {
            was = node_of(beside, &was);
            is = node_of(beside, &is);
            for (; at && !(at & 1); at >>= 1)
                last >>= 1;
        } else {
            is = node_of(&is, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    return !last && is_same(&was, older_root) && is_same(&is, root);
}

bool
merkle_check_consistency(uint64_t older, const struct merkle_hash *older_root, uint64_t n,
                         const struct merkle_hash *root, const struct merkle_proof *proof)
{
    if (older > n)
        return false;
    if (!older || older == n)
        return !proof->n && (!older || is_same(older_root, root));
    return check_growth(older, older_root, n, root, proof);
}

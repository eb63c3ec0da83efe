/* merkle.h - a tree of hashes over a growing list (RFC 6962 section 2.1; RFC 9162 section 2.1 has
 * the checks): its root says what the whole list is, a few hashes prove that an entry is in it, or
 * that a longer list begins with a shorter one. Pure. */
#ifndef JOURNAL_MERKLE_H
#define JOURNAL_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_SIZE 32 /* SHA-256 */
#define MERKLE_DEPTH_MAX 64

struct merkle_hash {
    uint8_t octets[MERKLE_HASH_SIZE];
};

void merkle_leaf(const void *data, size_t size, struct merkle_hash *);

/* A tree that grows, in constant memory; zeroed, it is empty. */
struct merkle_tree {
    uint64_t n;
    struct merkle_hash peaks[MERKLE_DEPTH_MAX]; /* of complete subtrees, by rising size: of bit i of
                                                 * n, if it is set, 2^i leaves */
};
void merkle_append(struct merkle_tree *, const struct merkle_hash *leaf);
void merkle_root(const struct merkle_tree *, struct merkle_hash *);

/* Of both kinds; the hashes from the leaves upwards. */
struct merkle_proof {
    uint32_t n;
    struct merkle_hash hashes[MERKLE_DEPTH_MAX + 1];
};

/* That leaf number `index` (from 0, below n) is in the tree of these n leaves. */
void merkle_prove_inclusion(const struct merkle_hash *leaves, uint64_t n, uint64_t index,
                            struct merkle_proof *);
/* That the tree of these n leaves begins with the tree of the first `older` of them (1 to n). */
void merkle_prove_consistency(const struct merkle_hash *leaves, uint64_t n, uint64_t older,
                              struct merkle_proof *);

/* Do the proofs hold? RFC 9162 sections 2.1.3.2 and 2.1.4.2. An empty tree is consistent with any,
 * by an empty proof. */
bool merkle_check_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t n,
                            const struct merkle_hash *root, const struct merkle_proof *);
bool merkle_check_consistency(uint64_t older, const struct merkle_hash *older_root, uint64_t n,
                              const struct merkle_hash *root, const struct merkle_proof *);

#endif

#include "journal/merkle.h"

#include "base/testing.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

/* The leaves and roots that Certificate Transparency's implementations are tested with. */
static const struct {
    const char *leaf; /* in hexadecimal */
    const char *root; /* of all so far */
} known[] = {
    {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
    {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
    {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
    {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
    {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
    {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
    {"606162636465666768696a6b6c6d6e6f",
     "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static void
assert_hex(const struct merkle_hash *hash, const char *hex)
{
    char text[2 * MERKLE_HASH_SIZE + 1];
    for (int i = 0; i < MERKLE_HASH_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", hash->octets[i]);
    assert_string_equal(text, hex);
}

static struct merkle_hash
leaf_of(const char *hex)
{
    uint8_t data[32];
    size_t size = strlen(hex) / 2;
    struct merkle_hash hash;
    for (size_t i = 0; i < size; i++)
        sscanf(hex + 2 * i, "%2hhx", &data[i]);
    merkle_leaf(data, size, &hash);
    return hash;
}

static void
roots_are_those_of_others(void **state UNUSED)
{
    struct merkle_tree t = {0};
    struct merkle_hash root;
    merkle_root(&t, &root);
    assert_hex(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        struct merkle_hash leaf = leaf_of(known[i].leaf);
        merkle_append(&t, &leaf);
        merkle_root(&t, &root);
        assert_hex(&root, known[i].root);
    }
}

#define LEAVES 70

static void
make_leaves(struct merkle_hash *leaves, struct merkle_hash *roots)
{
    struct merkle_tree t = {0};
    merkle_root(&t, &roots[0]);
    for (uint32_t i = 0; i < LEAVES; i++) {
        merkle_leaf(&i, sizeof i, &leaves[i]);
        merkle_append(&t, &leaves[i]);
        merkle_root(&t, &roots[i + 1]);
    }
}

/* Every leaf of every tree is in it, and in no other place, tree, or with another proof. */
static void
inclusion(void **state UNUSED)
{
    struct merkle_hash leaves[LEAVES], roots[LEAVES + 1];
    struct merkle_proof proof, wrong;
    make_leaves(leaves, roots);
    for (uint64_t n = 1; n <= LEAVES; n++) {
        for (uint64_t i = 0; i < n; i++) {
            merkle_prove_inclusion(leaves, n, i, &proof);
            assert_true(merkle_check_inclusion(&leaves[i], i, n, &roots[n], &proof));
            assert_false(
                merkle_check_inclusion(&leaves[(i + 1) % LEAVES], i, n, &roots[n], &proof));
            assert_false(merkle_check_inclusion(&leaves[i], i, n, &roots[n - 1], &proof));
            assert_false(merkle_check_inclusion(&leaves[i], n, n, &roots[n], &proof));
            for (uint64_t k = 0; k < n; k++) {
                if (k != i)
                    assert_false(merkle_check_inclusion(&leaves[i], k, n, &roots[n], &proof));
            }
            for (uint32_t k = 0; k < proof.n; k++) {
                wrong = proof;
                wrong.hashes[k].octets[k % 32] ^= 1;
                assert_false(merkle_check_inclusion(&leaves[i], i, n, &roots[n], &wrong));
            }
            wrong = proof;
            wrong.hashes[wrong.n++] = roots[n];
            assert_false(merkle_check_inclusion(&leaves[i], i, n, &roots[n], &wrong));
            wrong.n = proof.n ? proof.n - 1 : 0;
            assert_int_equal(merkle_check_inclusion(&leaves[i], i, n, &roots[n], &wrong),
                             proof.n == 0);
        }
    }
}

/* Every tree begins with every smaller one, and with no other. */
static void
consistency(void **state UNUSED)
{
    struct merkle_hash leaves[LEAVES], roots[LEAVES + 1];
    struct merkle_proof proof, wrong;
    make_leaves(leaves, roots);
    for (uint64_t n = 1; n <= LEAVES; n++) {
        for (uint64_t older = 1; older <= n; older++) {
            merkle_prove_consistency(leaves, n, older, &proof);
            assert_true(merkle_check_consistency(older, &roots[older], n, &roots[n], &proof));
            assert_false(merkle_check_consistency(older, &roots[older - 1], n, &roots[n], &proof));
            assert_false(merkle_check_consistency(older, &roots[older], n, &roots[n - 1], &proof));
            assert_false(merkle_check_consistency(n + 1, &roots[older], n, &roots[n], &proof));
            for (uint32_t k = 0; k < proof.n; k++) {
                wrong = proof;
                wrong.hashes[k].octets[k % 32] ^= 1;
                assert_false(merkle_check_consistency(older, &roots[older], n, &roots[n], &wrong));
            }
            wrong = proof;
            wrong.hashes[wrong.n++] = roots[n];
            assert_false(merkle_check_consistency(older, &roots[older], n, &roots[n], &wrong));
        }
        proof.n = 0;
        assert_true(merkle_check_consistency(0, &roots[0], n, &roots[n], &proof));
    }
}

/* MTH of RFC 6962 section 2.1, word for word, over the hashes of leaves. */
static struct merkle_hash
whole(const struct merkle_hash *leaves, size_t n)
{
    uint8_t text[1 + 2 * MERKLE_HASH_SIZE] = {1};
    struct merkle_hash hash;
    size_t k = 1;
    if (!n)
        SHA256((const uint8_t *)"", 0, hash.octets);
    if (n <= 1)
        return n ? leaves[0] : hash;
    while (2 * k < n)
        k *= 2;
    struct merkle_hash left = whole(leaves, k), right = whole(leaves + k, n - k);
    memcpy(text + 1, left.octets, MERKLE_HASH_SIZE);
    memcpy(text + 1 + MERKLE_HASH_SIZE, right.octets, MERKLE_HASH_SIZE);
    SHA256(text, sizeof text, hash.octets);
    return hash;
}

/* What grows in constant memory is the whole tree, at each size up to 300 and at some beyond, also
 * where it was put away and taken up again. */
static void
the_edge_is_the_whole_tree(void **state UNUSED)
{
    enum { MOST = 20000 };
    struct merkle_hash *leaves = calloc(MOST, sizeof *leaves);
    struct merkle_tree t = {0}, kept = {0};
    uint64_t next = 301, seed = 6962;
    for (uint32_t n = 0; n <= MOST; n++) {
        if (n <= 300 || n == next) {
            struct merkle_hash root, other = whole(leaves, n);
            merkle_root(&t, &root);
            assert_memory_equal(&root, &other, sizeof root);
            for (; kept.n < n;)
                merkle_append(&kept, &leaves[kept.n]);
            assert_int_equal(kept.n, t.n);
            merkle_root(&kept, &root);
            assert_memory_equal(&root, &other, sizeof root);
            kept = t;
            seed = seed * UINT64_C(6364136223846793005) + 1;
            next = n < 300 ? 301 : n + 1 + (seed >> 33) % 700;
        }
        if (n == MOST)
            break;
        merkle_leaf(&n, sizeof n, &leaves[n]);
        merkle_append(&t, &leaves[n]);
    }
    assert_true(next > MOST);
    free(leaves);
}

TEST_MAIN(cmocka_unit_test(roots_are_those_of_others), cmocka_unit_test(inclusion),
          cmocka_unit_test(consistency), cmocka_unit_test(the_edge_is_the_whole_tree))

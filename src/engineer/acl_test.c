#include "engineer/acl.h"

#include "base/testing.h"
#include "engineer/classifier.h"

#include <stdio.h>

static uint64_t seed = 3;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* ---- Small worlds, in which every packet can be looked at: two bits of each address, in odd
 * places; four ports; three protocols ---- */

#define SRC_BITS 0x80000001u
#define DST_BITS 0x00100400u
#define N_WORLD (4 * 4 * 4 * 4 * 3)

static uint32_t
spread(uint32_t two, uint32_t bits)
{
    uint32_t high = UINT32_C(1) << (31 - __builtin_clz(bits)), low = bits & ~high;
    return (two & 2 ? high : 0) | (two & 1 ? low : 0);
}

static struct packet5
world_packet(uint32_t i)
{
    return (struct packet5){.src = spread(i & 3, SRC_BITS),
                            .dst = spread(i >> 2 & 3, DST_BITS),
                            .sport = (uint16_t)(i >> 4 & 3),
                            .dport = (uint16_t)(65532 + (i >> 6 & 3)),
                            .proto = (uint8_t)(i >> 8)};
}

static void
random_range(uint16_t range[2], uint16_t first, uint16_t n, uint16_t max)
{
    if (draw(2)) {
        range[0] = 0;
        range[1] = max;
        return;
    }
    uint16_t a = (uint16_t)(first + draw(n)), b = (uint16_t)(first + draw(n));
    range[0] = MIN(a, b);
    range[1] = MAX(a, b);
}

static struct cube
random_cube(void)
{
    struct cube c = cube_all;
    uint16_t proto[2];
    c.src_mask = spread(draw(4), SRC_BITS);
    c.dst_mask = spread(draw(4), DST_BITS);
    c.src = spread(draw(4), SRC_BITS) & c.src_mask;
    c.dst = spread(draw(4), DST_BITS) & c.dst_mask;
    random_range(c.sport, 0, 4, UINT16_MAX);
    random_range(c.dport, 65532, 4, UINT16_MAX);
    random_range(proto, 0, 3, 255);
    c.proto[0] = (uint8_t)proto[0];
    c.proto[1] = (uint8_t)proto[1];
    return c;
}

static void
cubes_are_sets_of_packets(void **state UNUSED)
{
    for (uint32_t round = 0; round < 2000; round++) {
        struct cube a = random_cube(), b = random_cube(), both, parts[CUBE_PARTS_MAX];
        bool overlap = false, contains = true;
        bool cut = cube_intersect(&a, &b, &both);
        uint32_t n = cube_subtract(&a, &b, parts);
        for (uint32_t i = 0; i < N_WORLD; i++) {
            struct packet5 p = world_packet(i);
            bool in_a = cube_has(&a, &p), in_b = cube_has(&b, &p);
            uint32_t found = 0;
            overlap |= in_a && in_b;
            contains &= in_a || !in_b;
            if (cut)
                assert_int_equal(cube_has(&both, &p), in_a && in_b);
            for (uint32_t k = 0; k < n; k++)
                found += cube_has(&parts[k], &p);
            assert_int_equal(found, in_a && !in_b);
        }
        assert_int_equal(cut, overlap);
        assert_int_equal(cube_overlaps(&a, &b), overlap);
        if (cube_contains(&a, &b))
            assert_true(contains);
        struct packet5 p = cube_sample(&a);
        assert_true(cube_has(&a, &p));
    }
}

/* ---- Filters against a list ---- */

#define RULES_MAX 24u

struct filter {
    struct acl *acl;
    uint32_t n;
    struct acl_rule rules[RULES_MAX];
};

static const struct acl_rule *
by_list(const struct filter *f, const struct packet5 *p, uint32_t without)
{
    const struct acl_rule *best = NULL;
    for (uint32_t i = 0; i < f->n; i++) {
        const struct acl_rule *r = &f->rules[i];
        if (r->priority != without && cube_has(&r->cube, p) &&
            (!best || r->priority > best->priority))
            best = r;
    }
    return best;
}

static bool
permits(const struct acl_rule *rule)
{
    return rule && rule->permit;
}

static struct filter
random_filter(void)
{
    struct filter f = {.acl = acl_new(ACL_BUDGET)};
    uint32_t n = 1 + draw(RULES_MAX);
    for (uint32_t i = 0; i < n; i++) {
        struct acl_rule r = {random_cube(), draw(1000), draw(2)};
        enum err err = acl_add(f.acl, &r, NULL);
        if (!err)
            f.rules[f.n++] = r;
        else
            assert_err(err, ERR_EXISTS);
    }
    while (f.n > 3 && draw(3)) {
        uint32_t at = draw(f.n);
        assert_ok(acl_remove(f.acl, f.rules[at].priority, NULL));
        f.rules[at] = f.rules[--f.n];
    }
    return f;
}

static void
decides_as_the_list_does(void **state UNUSED)
{
    for (uint32_t round = 0; round < 300; round++) {
        struct filter f = random_filter();
        for (uint32_t i = 0; i < N_WORLD; i++) {
            struct packet5 p = world_packet(i);
            const struct acl_rule *a = acl_decides(f.acl, &p), *b = by_list(&f, &p, UINT32_MAX);
            assert_int_equal(a != NULL, b != NULL);
            if (a)
                assert_int_equal(a->priority, b->priority);
        }
        acl_free(f.acl);
    }
}

struct seen {
    const struct filter *f;
    uint8_t times[N_WORLD];
    uint32_t without;
};

static bool
on_part(void *arg, const struct cube *part, const struct acl_rule *by)
{
    struct seen *s = arg;
    for (uint32_t i = 0; i < N_WORLD; i++) {
        struct packet5 p = world_packet(i);
        if (!cube_has(part, &p))
            continue;
        const struct acl_rule *b = by_list(s->f, &p, s->without);
        s->times[i]++;
        assert_int_equal(by ? by->priority : UINT32_MAX, b ? b->priority : UINT32_MAX);
    }
    return false;
}

static void
cuts_a_class_into_what_each_rule_decides(void **state UNUSED)
{
    for (uint32_t round = 0; round < 200; round++) {
        struct filter f = random_filter();
        struct cube whole = random_cube();
        struct seen seen = {.f = &f, .without = UINT32_MAX};
        uint32_t steps = ACL_STEPS;
        assert_ok(acl_cut(f.acl, &whole, on_part, &seen, &steps));
        for (uint32_t i = 0; i < N_WORLD; i++) {
            struct packet5 p = world_packet(i);
            assert_int_equal(seen.times[i], cube_has(&whole, &p));
        }
        acl_free(f.acl);
    }
}

static bool
on_common(void *arg, const struct cube *part, const struct acl_rule *by UNUSED)
{
    struct seen *s = arg;
    for (uint32_t i = 0; i < N_WORLD; i++) {
        struct packet5 p = world_packet(i);
        if (cube_has(part, &p))
            s->times[i] = 1;
    }
    return false;
}

static void
what_filters_have_in_common_is_what_each_permits(void **state UNUSED)
{
    for (uint32_t round = 0; round < 400; round++) {
        struct filter f[3] = {random_filter(), random_filter(), random_filter()};
        const struct acl *acls[] = {f[0].acl, f[1].acl, f[2].acl};
        uint32_t n = draw(4), steps = ACL_STEPS;
        struct cube whole = random_cube();
        struct seen seen = {.f = f};
        assert_ok(acl_common(acls, n, &whole, on_common, &seen, &steps));
        for (uint32_t i = 0; i < N_WORLD; i++) {
            struct packet5 p = world_packet(i);
            bool permitted = cube_has(&whole, &p);
            for (uint32_t k = 0; k < n; k++)
                permitted &= permits(by_list(&f[k], &p, UINT32_MAX));
            assert_int_equal(seen.times[i], permitted);
        }
        steps = draw(5);
        if (n && f[0].n > 5)
            assert_err(acl_common(acls, n, &cube_all, on_common, &seen, &steps), ERR_LIMIT);
        for (uint32_t k = 0; k < 3; k++)
            acl_free(f[k].acl);
    }
}

static void
tells_what_a_rule_does(void **state UNUSED)
{
    for (uint32_t round = 0; round < 400; round++) {
        struct filter f = random_filter();
        const struct acl_rule *rule = &f.rules[draw(f.n)];
        struct seen seen = {.f = &f};
        uint32_t steps = ACL_STEPS;
        assert_ok(acl_effect(f.acl, rule->priority, on_common, &seen, &steps));
        for (uint32_t i = 0; i < N_WORLD; i++) {
            struct packet5 p = world_packet(i);
            bool differs = permits(by_list(&f, &p, UINT32_MAX)) !=
                           permits(by_list(&f, &p, rule->priority));
            assert_int_equal(seen.times[i], differs);
        }
        acl_free(f.acl);
    }
}

static void
judges_with_a_packet_that_shows_it(void **state UNUSED)
{
    for (uint32_t round = 0; round < 500; round++) {
        struct filter f = random_filter();
        struct cube whole = random_cube();
        struct acl_answer answer;
        acl_judge(f.acl, &whole, ACL_STEPS, &answer);
        if (answer.has_permitted) {
            assert_true(cube_has(&whole, &answer.permitted_packet));
            assert_true(acl_permits(f.acl, &answer.permitted_packet));
        }
        if (answer.has_denied) {
            assert_true(cube_has(&whole, &answer.denied_packet));
            assert_false(acl_permits(f.acl, &answer.denied_packet));
        }
        for (uint32_t i = 0; i < N_WORLD; i++) {
            struct packet5 p = world_packet(i);
            if (!cube_has(&whole, &p))
                continue;
            assert_true(permits(by_list(&f, &p, UINT32_MAX)) ? answer.has_permitted
                                                             : answer.has_denied);
        }
        assert_int_equal(answer.permitted, answer.has_permitted && answer.has_denied ? ACL_SOME
                                           : answer.has_permitted                    ? ACL_ALL
                                                                                     : ACL_NONE);
        acl_free(f.acl);
    }
}

static struct acl_rule
rule_of(uint32_t priority, bool permit, uint32_t src, unsigned length, uint16_t dport)
{
    struct acl_rule r = {cube_all, priority, permit};
    r.cube.src_mask = cube_prefix_mask(length);
    r.cube.src = src;
    if (dport)
        r.cube.dport[0] = r.cube.dport[1] = dport;
    return r;
}

static void
finds_rules_that_do_nothing(void **state UNUSED)
{
    const struct acl_rule rules[] = {
        rule_of(90, false, 0x0a000000, 9, 0),  /* the halves of 10/8 */
        rule_of(80, false, 0x0a800000, 9, 0),  /* the halves of 10/8 */
        rule_of(70, true, 0x0a000000, 8, 22),  /* shadowed by both together */
        rule_of(60, true, 0x0a010000, 16, 80), /* shadowed by the first alone */
        rule_of(50, true, 0x0b000000, 8, 22),  /* needed */
        rule_of(40, true, 0x0c010000, 16, 22), /* redundant: the next one permits it too */
        rule_of(30, true, 0x0c000000, 8, 0),   /* needed */
        rule_of(20, false, 0x0d000000, 8, 0),  /* redundant: nobody permits it */
    };
    struct acl *acl = acl_new(ACL_BUDGET);
    struct acl_flaw *flaws;
    uint32_t n;
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        assert_ok(acl_add(acl, &rules[i], NULL));
    acl_flaws(acl, ACL_STEPS, &flaws, &n);
    assert_int_equal(n, 4);
    const struct acl_flaw expected[] = {
        {ACL_SHADOWED, 70, UINT32_MAX},
        {ACL_SHADOWED, 60, 90},
        {ACL_REDUNDANT, 40, 30},
        {ACL_REDUNDANT, 20, UINT32_MAX},
    };
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(flaws[i].kind, expected[i].kind);
        assert_int_equal(flaws[i].priority, expected[i].priority);
        assert_int_equal(flaws[i].other, expected[i].other);
    }
    free(flaws);
    acl_free(acl);
}

/* What is never reported as doing nothing does something, and the other way round. */
static void
flaws_are_those_a_list_would_find(void **state UNUSED)
{
    for (uint32_t round = 0; round < 100; round++) {
        struct filter f = random_filter();
        struct acl_flaw *flaws;
        uint32_t n;
        acl_flaws(f.acl, ACL_STEPS, &flaws, &n);
        for (uint32_t k = 0; k < n; k++) {
            for (uint32_t i = 0; i < N_WORLD; i++) {
                struct packet5 p = world_packet(i);
                const struct acl_rule *by = by_list(&f, &p, UINT32_MAX);
                if (flaws[k].kind == ACL_SHADOWED)
                    assert_false(by && by->priority == flaws[k].priority);
                assert_int_equal(permits(by), permits(by_list(&f, &p, flaws[k].priority)));
            }
        }
        free(flaws);
        acl_free(f.acl);
    }
}

/* A rule for every other address: the rest is very many parts. The answer that needs them all is
 * not given; the one that does not, is. */
static void
answers_nothing_when_steps_run_out(void **state UNUSED)
{
    struct acl *acl = acl_new(ACL_BUDGET);
    struct acl_answer answer;
    for (uint32_t i = 0; i < 2000; i++) {
        struct acl_rule r = rule_of(10000 - i, true, i << 1, 32, 0);
        assert_ok(acl_add(acl, &r, NULL));
    }
    struct cube odd = cube_all;
    odd.src = 1;
    odd.src_mask = 1;
    acl_judge(acl, &odd, ACL_STEPS, &answer);
    assert_int_equal(answer.permitted, ACL_NONE);
    acl_judge(acl, &cube_all, 100, &answer);
    assert_int_equal(answer.permitted, ACL_UNJUDGED);
    acl_judge(acl, &cube_all, ACL_STEPS, &answer);
    assert_int_equal(answer.permitted, ACL_SOME);
    assert_string_equal(acl_verdict_name(ACL_UNJUDGED), "unjudged");
    acl_free(acl);
}

static void
refuses_what_cannot_be(void **state UNUSED)
{
    struct acl *acl = acl_new(ACL_BUDGET);
    struct acl_rule r = rule_of(5, true, 0, 0, 0);
    struct diag diag;
    assert_ok(acl_add(acl, &r, &diag));
    assert_err(acl_add(acl, &r, &diag), ERR_EXISTS);
    assert_err(acl_remove(acl, 6, &diag), ERR_NOT_FOUND);
    assert_string_equal(diag.text, "the filter has no rule 6");
    r = rule_of(6, true, 0x0a000001, 8, 0);
    assert_err(acl_add(acl, &r, &diag), ERR_INVALID);
    r = rule_of(6, true, 0, 0, 0);
    r.cube.dport[0] = 9;
    r.cube.dport[1] = 8;
    assert_err(acl_add(acl, &r, &diag), ERR_INVALID);
    assert_string_equal(diag.text, "destination ports 9 to 8");
    acl_free(acl);
    acl = acl_new(4096);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < 1000 && !err; i++) {
        r = rule_of(i, true, i << 8, 24, 0);
        err = acl_add(acl, &r, &diag);
        assert_true(acl_memory(acl) <= 4096 + 256);
    }
    assert_err(err, ERR_LIMIT);
    acl_free(acl);
}

static void
writes_what_people_read(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    struct cube c = cube_all;
    cube_format(&c, &out);
    assert_string_equal(buf_cstr(&out), "any");
    buf_clear(&out);
    c = (struct cube){.src = 0x0a000001,
                      .src_mask = 0xff0000ff,
                      .dst = 0x80000000,
                      .dst_mask = 0x80000000,
                      .sport = {0, UINT16_MAX},
                      .dport = {20, 21},
                      .proto = {6, 6}};
    cube_format(&c, &out);
    assert_string_equal(buf_cstr(&out),
                        "proto=6 src=10.0.0.1/255.0.0.255 dst=128.0.0.0/1 dport=20-21");
    buf_clear(&out);
    packet5_format(&(struct packet5){0x0a000001, 0x0a000002, 1, 2, 17}, &out);
    assert_string_equal(buf_cstr(&out), "proto=17 src=10.0.0.1 sport=1 dst=10.0.0.2 dport=2");
    buf_fini(&out);
}

/* ---- The index with many rules ---- */

static struct cube
large_cube(void)
{
    static const unsigned lengths[] = {0, 8, 16, 20, 24, 27, 32, 32};
    struct cube c = cube_all;
    c.src_mask = draw(10) ? cube_prefix_mask(lengths[draw(8)]) : 0x00ff00ff;
    c.dst_mask = cube_prefix_mask(lengths[draw(8)]);
    c.src = (draw(4) << 24 | draw(3) << 16 | draw(5) << 8 | draw(256)) & c.src_mask;
    c.dst = (draw(4) << 24 | draw(3) << 16 | draw(5) << 8 | draw(256)) & c.dst_mask;
    if (draw(2))
        c.proto[0] = c.proto[1] = (uint8_t)(6 + draw(3));
    if (draw(2))
        c.dport[0] = c.dport[1] = (uint16_t)draw(30);
    else if (draw(2))
        c.dport[0] = 1024;
    if (!draw(4))
        c.sport[0] = 1024;
    return c;
}

static void
the_index_finds_what_a_search_finds(void **state UNUSED)
{
    enum { N = 3000 };
    static struct cube cubes[N];
    static uint32_t priorities[N];
    struct classifier *c = classifier_new(ACL_BUDGET);
    struct classifier_size size;
    uint32_t n = 0;
    for (uint32_t round = 0; round < 4; round++) {
        while (n < N) {
            cubes[n] = large_cube();
            priorities[n] = n * 7 + round; /* 7 and 4: never the same twice */
            assert_ok(classifier_add(c, &cubes[n], priorities[n]));
            n++;
        }
        for (uint32_t i = 0; i < 3000; i++) {
            struct packet5 p = cube_sample(&cubes[draw(n)]);
            int64_t best = CLASSIFIER_NONE;
            p.src |= draw(2) ? draw(256) : 0;
            p.dst ^= draw(3) ? 0 : draw(1024);
            p.dport = (uint16_t)(draw(3) ? p.dport : draw(2000));
            for (uint32_t k = 0; k < n; k++) {
                if (cube_has(&cubes[k], &p))
                    best = MAX(best, (int64_t)priorities[k]);
            }
            assert_int_equal(classifier_lookup(c, &p), best);
        }
        while (n > (round < 3 ? N / 2 : 0)) {
            uint32_t at = round < 3 ? n - 1 : draw(n);
            assert_ok(classifier_remove(c, &cubes[at], priorities[at]));
            assert_err(classifier_remove(c, &cubes[at], priorities[at]), ERR_NOT_FOUND);
            n--;
            cubes[at] = cubes[n];
            priorities[at] = priorities[n];
        }
    }
    classifier_get_size(c, &size);
    assert_int_equal(size.rules, 0);
    assert_int_equal(size.tables, 0);
    assert_int_equal(size.memory, 0);
    classifier_free(c);
}

TEST_MAIN(cmocka_unit_test(cubes_are_sets_of_packets), cmocka_unit_test(decides_as_the_list_does),
          cmocka_unit_test(cuts_a_class_into_what_each_rule_decides),
          cmocka_unit_test(what_filters_have_in_common_is_what_each_permits),
          cmocka_unit_test(tells_what_a_rule_does),
          cmocka_unit_test(judges_with_a_packet_that_shows_it),
          cmocka_unit_test(finds_rules_that_do_nothing),
          cmocka_unit_test(flaws_are_those_a_list_would_find),
          cmocka_unit_test(answers_nothing_when_steps_run_out),
          cmocka_unit_test(refuses_what_cannot_be), cmocka_unit_test(writes_what_people_read),
          cmocka_unit_test(the_index_finds_what_a_search_finds))

/* Rules of others judged one by one: the Stanford backbone's update sequence, with and without its
 * packet filters. Of each update it is measured how long it takes to make it and to judge it: new
 * loops, new black holes, whose packets come out elsewhere; what the filters let pass of that.
 * Reading the text, and finding what its names stand for, is not counted. Also: how many rules a
 * second go into one switch with a million.
 *
 * The data are in $STANFORD, or shared/data/stanford beside the worktree. */
#include "bench.h"

#include "base/alloc.h"
#include "engineer/import_stanford.h"

#include <string.h>
#include <unistd.h>

#define ROUNDS 9
#define MILLION 1000000u

struct text {
    char *data;
    size_t size;
};

struct sequence {
    struct text topology, vlans, text;
    uint32_t n, capacity;
    struct import_update *updates;
};

struct tally {
    uint64_t classes, loops, holes, mended, reachable, refuted, unjudged, effects;
    size_t memory;
    uint32_t prefixes, rules;
};

static const char *
data_directory(void)
{
    const char *directory = getenv("STANFORD");
    if (directory)
        return directory;
    return !access("../shared/data/stanford", R_OK) ? "../shared/data/stanford"
                                                    : "../../shared/data/stanford";
}

static bool
read_file(const char *set, const char *name, struct text *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s/%s", data_directory(), set, name);
    FILE *file = fopen(path, "r");
    *text = (struct text){0};
    if (!file) {
        fprintf(stderr, "prove-prefix: skipped: there is no %s\n", path);
        return false;
    }
    size_t capacity = 1 << 16, n;
    text->data = xmalloc(capacity);
    while ((n = fread(text->data + text->size, 1, capacity - text->size, file)) > 0) {
        text->size += n;
        if (text->size == capacity)
            text->data = xrealloc(text->data, capacity *= 2, 1);
    }
    fclose(file);
    return true;
}

static void
must(enum err err, const struct diag *diag)
{
    if (err) {
        fprintf(stderr, "prove-prefix: %s: %s\n", err_name(err), diag->text);
        exit(1);
    }
}

static bool
read_sequence(const char *set, struct sequence *s)
{
    struct import_reader reader;
    struct import_line *line = xmalloc(sizeof *line);
    struct diag diag;
    bool more = true;
    *s = (struct sequence){0};
    if (!read_file(set, "topo.txt", &s->topology) || !read_file(set, "vlan.txt", &s->vlans) ||
        !read_file(set, "updates", &s->text)) {
        free(line);
        return false;
    }
    must(import_open(&reader, s->text.data, s->text.size, &diag), &diag);
    while (more) {
        GROW(s->updates, s->n, s->capacity);
        must(import_stanford_next(&reader, line, &s->updates[s->n], &more, &diag), &diag);
        s->n += more;
    }
    free(line);
    return true;
}

static void
sequence_free(struct sequence *s)
{
    free(s->topology.data);
    free(s->vlans.data);
    free(s->text.data);
    free(s->updates);
}

/* An update with numbers for names. */
struct resolved {
    bool add, is_route;
    struct imported_route route;
    uint32_t port, filter;
    struct acl_rule rule;
};

static struct resolved *
resolve(const struct imported *imp, const struct sequence *s)
{
    struct resolved *list = xcalloc(s->n, sizeof *list);
    struct diag diag;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct import_update *u = &s->updates[i];
        struct resolved *r = &list[i];
        *r = (struct resolved){.add = u->add, .is_route = u->is_route, .rule = u->rule};
        if (!u->is_route) {
            must(imported_find_filter(imp, u->name, &r->filter, &diag), &diag);
            continue;
        }
        r->route = (struct imported_route){.prefix = u->prefix,
                                           .length = u->length,
                                           .priority = u->priority,
                                           .ports = &r->port,
                                           .n_ports = u->n_outs};
        must(imported_find_node(imp, u->name, &r->route.node, &diag), &diag);
        must(imported_find_port(imp, r->route.node, u->outs, &r->port, &diag), &diag);
    }
    return list;
}

static struct imported *
network_of(const struct sequence *s)
{
    struct imported *imp = imported_new(&(struct imported_config){.budget = ATOMS_BUDGET});
    struct diag diag;
    must(import_stanford(imp, s->topology.data, s->topology.size, s->vlans.data, s->vlans.size,
                         &diag),
         &diag);
    for (uint32_t i = 0; i < s->n; i++)
        must(import_stanford_port(imp, &s->updates[i], &diag), &diag);
    must(imported_seal(imp, &diag), &diag);
    return imp;
}

static void
count(const struct imported *imp, const struct imported_change *c, struct tally *t)
{
    struct atoms_size size;
    t->classes += c->atoms.classes;
    t->loops += c->loops;
    t->holes += c->holes;
    t->mended += c->atoms.mended;
    t->reachable += c->atoms.reachable;
    t->refuted += c->refuted;
    t->unjudged += c->unjudged;
    t->effects += c->has_packet;
    if (imported_memory(imp) <= t->memory)
        return;
    atoms_get_size(imported_atoms(imp), &size);
    t->memory = imported_memory(imp);
    t->prefixes = MAX(t->prefixes, size.prefixes);
    t->rules = MAX(t->rules, size.rules);
}

/* The whole sequence; how long each update took, in microseconds, in `took`. */
static void
run(const struct sequence *s, double *took, struct tally *tally)
{
    struct imported *imp = network_of(s);
    struct resolved *updates = resolve(imp, s);
    struct diag diag;
    *tally = (struct tally){0};
    for (uint32_t i = 0; i < s->n; i++) {
        struct imported_change change;
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        const struct resolved *u = &updates[i];
        enum err err = u->is_route
                           ? imported_put_route(imp, u->add, &u->route, &change, &diag)
                           : imported_put_rule(imp, u->add, u->filter, &u->rule, &change, &diag);
        clock_gettime(CLOCK_MONOTONIC, &end);
        must(err, &diag);
        took[i] = (double)(end.tv_sec - start.tv_sec) * 1e6 +
                  (double)(end.tv_nsec - start.tv_nsec) / 1e3;
        count(imp, &change, tally);
    }
    imported_free(imp);
    free(updates);
}

static bool
print(const char *set, const char *what, double value, const char *unit, double goal,
      const char *note)
{
    char name[64];
    snprintf(name, sizeof name, "%s %s", set, what);
    return bench_print(&(struct bench_figure){.bench = "prove-prefix",
                                              .what = name,
                                              .value = value,
                                              .unit = unit,
                                              .goal = goal,
                                              .smaller_is_better = true,
                                              .note = note});
}

static const char *
best_note(double best)
{
    static char note[64];
    snprintf(note, sizeof note, "best round %.2f", best);
    return note;
}

static void
measure(const char *set)
{
    struct sequence s;
    struct tally t;
    double p50[ROUNDS], p99[ROUNDS], worst[ROUNDS], mean[ROUNDS];
    char note[400];
    if (!read_sequence(set, &s)) {
        sequence_free(&s);
        return;
    }
    double *took = xcalloc(s.n, sizeof *took);
    for (unsigned i = 0; i < ROUNDS; i++) {
        run(&s, took, &t);
        mean[i] = 0;
        for (uint32_t k = 0; k < s.n; k++)
            mean[i] += took[k] / s.n;
        p50[i] = bench_percentile(took, s.n, 50);
        p99[i] = bench_percentile(took, s.n, 99);
        worst[i] = took[s.n - 1];
    }
    double best50 = bench_percentile(p50, ROUNDS, 0), best99 = bench_percentile(p99, ROUNDS, 0);
    snprintf(note, sizeof note,
             "best round %.2f; %u updates, each made and judged; found: %llu loops, %llu black "
             "holes, %llu of "
             "either mended, %llu sources of classes whose packets come out elsewhere; by "
             "filters: %llu refuted, %llu unjudged, %llu rules that do something",
             best50, s.n, (unsigned long long)t.loops, (unsigned long long)t.holes,
             (unsigned long long)t.mended, (unsigned long long)t.reachable,
             (unsigned long long)t.refuted, (unsigned long long)t.unjudged,
             (unsigned long long)t.effects);
    print(set, "p50", bench_median(p50, ROUNDS), "us", 0.5, note);
    print(set, "p99", bench_median(p99, ROUNDS), "us", 20, best_note(best99));
    print(set, "mean", bench_median(mean, ROUNDS), "us", NAN, "");
    print(set, "worst", bench_median(worst, ROUNDS), "us", NAN, "");
    snprintf(note, sizeof note, "at most; with %u rules, %u prefixes", t.rules, t.prefixes);
    print(set, "memory", (double)t.memory / 1e6, "MB", NAN, note);
    free(took);
    sequence_free(&s);
}

/* Prefixes of 16 to 24 bits, many in each other. */
static void
measure_million(void)
{
    struct imported *imp = imported_new(&(struct imported_config){.budget = ATOMS_BUDGET});
    static const char *const names[] = {"a", "b", "c", "d"};
    uint32_t ports[ARRAY_SIZE(names)];
    struct diag diag;
    char note[160];
    uint32_t n = 0, tried = 0;
    must(imported_add_node(imp, "big", &diag), &diag);
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        must(imported_add_port(imp, "big", names[i], &diag), &diag);
        must(imported_find_port(imp, 0, names[i], &ports[i], &diag), &diag);
    }
    must(imported_seal(imp, &diag), &diag);
    double start = bench_seconds();
    for (; n < MILLION; tried++) {
        uint32_t length = 24 - tried % 9 % 5 - tried % 7 / 3;
        struct imported_change change;
        struct imported_route route = {.prefix = tried * 2654435761u & cube_prefix_mask(length),
                                       .length = length,
                                       .priority = length,
                                       .ports = &ports[tried % 4],
                                       .n_ports = 1};
        enum err err = imported_put_route(imp, true, &route, &change, &diag);
        if (err != ERR_EXISTS) {
            must(err, &diag);
            n++;
        }
    }
    double took = bench_seconds() - start;
    snprintf(note, sizeof note, "%u rules on one switch, %u tries", n, tried);
    print("million", "mean", took / tried * 1e6, "us", NAN, note);
    print("million", "memory", (double)imported_memory(imp) / 1e6, "MB", NAN, note);
    imported_free(imp);
}

int
main(int argc, char **argv)
{
    static const char *const sets[] = {"stanford-noacl", "stanford"};
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        if (argc < 2 || !strcmp(argv[1], sets[i]))
            measure(sets[i]);
    }
    if (argc < 2 || !strcmp(argv[1], "million"))
        measure_million();
    return 0;
}

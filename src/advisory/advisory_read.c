/* CSAF 2.0: document, product tree, vulnerabilities. What is not needed to match is not kept. */
#include "advisory/advisory_private.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "base/hash.h"
#include "io/file.h"
#include "io/jsontext.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

#define WORDS_MAX 512
#define NUMBERS_MAX 4096 /* model numbers of a product */
#define ID_MAX 255       /* octets of an advisory's id */

struct indexed {
    const struct product *product;
    UT_hash_handle hh;
};

struct group {
    const char *id;
    const json_t *product_ids;
    UT_hash_handle hh;
};

struct reader {
    struct arena *arena;
    struct advisory *advisory;
    struct group *groups;
    struct indexed *by_id;
    enum err err;
};

/* What a branch hands on to those below. */
struct branch {
    const char *vendor, *model, *version, *range;
};

/* ---- Words ---- */

const char *
advisory_words(const char *text, char *words, size_t size)
{
    size_t n = 0;
    bool gap = false;
    for (; *text && n + 2 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (!isalnum(c) && c < 0x80) {
            gap = n > 0;
            continue;
        }
        if (gap)
            words[n++] = ' ';
        gap = false;
        words[n++] = (char)tolower(c);
    }
    words[n] = '\0';
    return words;
}

static const char *
keep(struct reader *r, const char *text)
{
    const char *copy = text ? arena_strdup(r->arena, text) : NULL;
    if (text && !copy)
        r->err = ERR_LIMIT;
    return copy;
}

static void *
make(struct reader *r, size_t n, size_t size)
{
    void *made = arena_calloc(r->arena, n ? n : 1, size);
    if (!made)
        r->err = ERR_LIMIT;
    return made;
}

static const char *
keep_words(struct reader *r, const char *text)
{
    char words[WORDS_MAX];
    return keep(r, advisory_words(text ? text : "", words, sizeof words));
}

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- Products ---- */

static void
take_numbers(struct reader *r, struct product *p, const json_t *helper)
{
    static const char *const keys[] = {"model_numbers", "skus"};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        n += json_array_size(json_object_get(helper, keys[i]));
    n = MIN(n, (size_t)NUMBERS_MAX);
    p->numbers = make(r, n, sizeof *p->numbers);
    for (size_t i = 0; i < ARRAY_SIZE(keys) && p->numbers; i++) {
        size_t k;
        json_t *each;
        json_array_foreach(json_object_get(helper, keys[i]), k, each)
        {
            if (json_is_string(each) && p->n_numbers < n)
                p->numbers[p->n_numbers++] = keep(r, json_string_value(each));
        }
    }
}

/* cpe:2.3:h:VENDOR:PRODUCT:VERSION:..., cpe:/h:VENDOR:PRODUCT:VERSION */
static void
take_cpe(struct reader *r, struct product *p, const char *cpe)
{
    char parts[3][128] = {"", "", ""};
    if (!cpe)
        return;
    const char *at = !strncmp(cpe, "cpe:2.3:", 8) ? cpe + 8
                     : !strncmp(cpe, "cpe:/", 5)  ? cpe + 5
                                                  : "";
    at += strcspn(at, ":"); /* which part */
    for (unsigned i = 0; i < 3 && *at == ':'; i++) {
        size_t n = 0;
        for (at++; *at && *at != ':'; at++) {
            if (*at == '\\' && at[1])
                at++;
            if (n + 1 < sizeof parts[i])
                parts[i][n++] = *at;
        }
    }
    char name[VENDOR_MAX];
    for (char *c = parts[0]; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    if (!*p->vendor && isalnum((unsigned char)parts[0][0]))
        p->vendor = keep(r, vendor_name(parts[0], name));
    if (isalnum((unsigned char)parts[1][0]))
        p->cpe_product = keep_words(r, parts[1]);
    if (!p->has_range && isalnum((unsigned char)parts[2][0]) && version_is_one(parts[2])) {
        p->has_range = true;
        r->err = r->err ? r->err : version_range_read(r->arena, parts[2], &p->range);
    }
}

static struct product *
new_product(struct reader *r, const json_t *full, const struct branch *b)
{
    const char *id = text_of(full, "product_id"), *name = text_of(full, "name");
    char vendor[VENDOR_MAX];
    if (!id || r->err)
        return NULL;
    struct product *p = make(r, 1, sizeof *p);
    if (!p)
        return NULL;
    p->index = r->advisory->n_products++;
    p->id = keep(r, id);
    p->name = keep(r, name ? name : id);
    p->vendor = keep(r, vendor_name(b->vendor ? b->vendor : "", vendor));
    p->model = keep_words(r, b->model ? b->model : name);
    const char *range = b->range ? b->range : b->version;
    if (range && !r->err) {
        p->has_range = true;
        r->err = version_range_read(r->arena, range, &p->range);
    }
    const json_t *helper = json_object_get(full, "product_identification_helper");
    take_numbers(r, p, helper);
    if (!r->err)
        take_cpe(r, p, text_of(helper, "cpe"));
    if (r->err)
        return NULL;
    struct indexed *other, *index;
    HASH_FIND(hh, r->by_id, p->id, strlen(p->id), other);
    if (!other) { /* the first that has it */
        index = xcalloc(1, sizeof *index);
        index->product = p;
        HASH_ADD_KEYPTR(hh, r->by_id, p->id, strlen(p->id), index);
    }
    return p;
}

static void
take_branches(struct reader *r, const json_t *branches, const struct branch *above)
{
    size_t i;
    json_t *each;
    json_array_foreach(branches, i, each)
    {
        struct branch b = *above;
        const char *category = text_of(each, "category"), *name = text_of(each, "name");
        if (!category || !name)
            continue;
        if (!strcmp(category, "vendor"))
            b.vendor = name;
        else if (!strcmp(category, "product_name") ||
                 (!b.model && !strcmp(category, "product_family")))
            b.model = name;
        else if (!strcmp(category, "product_version_range"))
            b.range = name;
        else if (!strcmp(category, "product_version"))
            b.version = name;
        char longer[WORDS_MAX]; /* cut: there may be many, one below the other */
        if (!strcmp(category, "patch_level") || !strcmp(category, "service_pack")) {
            (void)snprintf(longer, sizeof longer, "%s %s", b.version ? b.version : "", name);
            b.version = longer;
        }
        const json_t *product = json_object_get(each, "product");
        if (json_is_object(product))
            (void)new_product(r, product, &b);
        take_branches(r, json_object_get(each, "branches"), &b);
    }
}

static const struct product *
find_product(const struct reader *r, const char *id)
{
    struct indexed *index = NULL;
    if (id)
        HASH_FIND(hh, r->by_id, id, strlen(id), index);
    return index ? index->product : NULL;
}

/* "Firmware below 4.5 installed on a controller": of the controller, with the firmware's version.
 */
static void
take_relationship(struct reader *r, const json_t *relation)
{
    const struct product *what = find_product(r, text_of(relation, "product_reference"));
    const struct product *where = find_product(r,
                                               text_of(relation, "relates_to_product_reference"));
    static const struct branch nothing;
    struct product *p = new_product(r, json_object_get(relation, "full_product_name"), &nothing);
    if (!p || !what || !where || r->err)
        return;
    p->vendor = *where->vendor ? where->vendor : what->vendor;
    p->model = where->model;
    p->numbers = where->n_numbers ? where->numbers : what->numbers;
    p->n_numbers = where->n_numbers ? where->n_numbers : what->n_numbers;
    p->cpe_product = where->cpe_product;
    p->has_range = what->has_range || where->has_range;
    p->range = what->has_range ? what->range : where->range;
}

/* The first that has an id. */
static void
take_group(struct reader *r, const json_t *json)
{
    const char *id = text_of(json, "group_id");
    struct group *group = NULL;
    if (id)
        HASH_FIND_STR(r->groups, id, group);
    if (!id || group)
        return;
    group = xcalloc(1, sizeof *group);
    group->id = id;
    group->product_ids = json_object_get(json, "product_ids");
    HASH_ADD_KEYPTR(hh, r->groups, group->id, strlen(group->id), group);
}

static void
take_products(struct reader *r, const json_t *tree)
{
    static const struct branch nothing;
    size_t i;
    json_t *each;
    take_branches(r, json_object_get(tree, "branches"), &nothing);
    json_array_foreach(json_object_get(tree, "full_product_names"), i, each)(void)
        new_product(r, each, &nothing);
    json_array_foreach(json_object_get(tree, "relationships"), i, each) take_relationship(r, each);
    json_array_foreach(json_object_get(tree, "product_groups"), i, each) take_group(r, each);
}

/* ---- Vulnerabilities ---- */

static void
add_ids(struct reader *r, const json_t *ids, struct listed *l)
{
    size_t i;
    json_t *each;
    json_array_foreach(ids, i, each)
    {
        const struct product *p = find_product(r, json_string_value(each));
        if (p)
            l->products[l->n++] = p;
    }
}

static const json_t *
group_of(const struct reader *r, const char *id)
{
    struct group *group = NULL;
    if (id)
        HASH_FIND_STR(r->groups, id, group);
    return group ? group->product_ids : NULL;
}

/* The products of several lists of ids, and of groups. */
static void
take_list(struct reader *r, const json_t *const *lists, size_t n_lists, const json_t *groups,
          struct listed *l)
{
    size_t n = 0, i;
    json_t *each;
    for (size_t k = 0; k < n_lists; k++)
        n += json_array_size(lists[k]);
    json_array_foreach(groups, i, each) n += json_array_size(group_of(r, json_string_value(each)));
    l->products = make(r, n, sizeof *l->products);
    if (!l->products)
        return;
    for (size_t k = 0; k < n_lists; k++)
        add_ids(r, lists[k], l);
    json_array_foreach(groups, i, each) add_ids(r, group_of(r, json_string_value(each)), l);
}

static void
take_scores(struct reader *r, const json_t *scores, struct vulnerability *v)
{
    static const char *const kinds[] = {"cvss_v4", "cvss_v3", "cvss_v2"};
    size_t i;
    json_t *each;
    v->scores = make(r, json_array_size(scores), sizeof *v->scores);
    json_array_foreach(scores, i, each)
    {
        const json_t *cvss = NULL;
        for (size_t k = 0; k < ARRAY_SIZE(kinds) && !cvss; k++)
            cvss = json_object_get(each, kinds[k]);
        if (!cvss || r->err)
            continue;
        struct score *s = &v->scores[v->n_scores++];
        const json_t *base = json_object_get(cvss, "baseScore");
        const json_t *ids = json_object_get(each, "products");
        s->base = json_is_number(base) ? json_number_value(base) : -1;
        s->severity = keep(r, text_of(cvss, "baseSeverity"));
        take_list(r, &ids, 1, NULL, &s->products);
    }
}

static void
take_remedies(struct reader *r, const json_t *remedies, struct vulnerability *v)
{
    size_t i;
    json_t *each;
    v->remedies = make(r, json_array_size(remedies), sizeof *v->remedies);
    json_array_foreach(remedies, i, each)
    {
        const char *category = text_of(each, "category"), *details = text_of(each, "details");
        if (!category || !details || r->err)
            continue;
        struct remedy *m = &v->remedies[v->n_remedies++];
        char *text = xasprintf("%s: %s", category, details);
        m->text = keep(r, text);
        free(text);
        m->url = keep(r, text_of(each, "url"));
        const json_t *ids = json_object_get(each, "product_ids");
        take_list(r, &ids, 1, json_object_get(each, "group_ids"), &m->products);
    }
}

static void
take_vulnerability(struct reader *r, const json_t *json, struct vulnerability *v)
{
    const json_t *status = json_object_get(json, "product_status");
    const json_t *affected[] = {json_object_get(status, "known_affected"),
                                json_object_get(status, "first_affected"),
                                json_object_get(status, "last_affected")};
    const json_t *not_affected[] = {
        json_object_get(status, "known_not_affected"), json_object_get(status, "fixed"),
        json_object_get(status, "first_fixed"), json_object_get(status, "recommended")};
    const json_t *investigated = json_object_get(status, "under_investigation");
    v->cve = keep(r, text_of(json, "cve"));
    v->title = keep(r, text_of(json, "title"));
    take_list(r, affected, ARRAY_SIZE(affected), NULL, &v->affected);
    take_list(r, not_affected, ARRAY_SIZE(not_affected), NULL, &v->not_affected);
    take_list(r, &investigated, 1, NULL, &v->investigated);
    if (!r->err)
        take_scores(r, json_object_get(json, "scores"), v);
    if (!r->err)
        take_remedies(r, json_object_get(json, "remediations"), v);
}

/* ---- The document ---- */

/* A line that everybody can show and keep. */
static bool
is_id(const char *id)
{
    size_t n = 0;
    while (id[n] >= ' ' && id[n] <= '~')
        n++;
    return n && n <= ID_MAX && !id[n];
}

static enum err
take_document(struct reader *r, const json_t *json, struct diag *diag)
{
    const json_t *document = json_object_get(json, "document");
    const json_t *tracking = json_object_get(document, "tracking");
    const char *version = text_of(document, "csaf_version"), *id = text_of(tracking, "id");
    size_t i;
    json_t *each;
    if (!version)
        return diag_set(diag, ERR_MALFORMED, "it is no advisory: document has no csaf_version");
    if (strcmp(version, "2.0") != 0)
        return diag_set(diag, ERR_UNSUPPORTED, "CSAF %.20s", version);
    if (!id || !is_id(id))
        return diag_set(diag, ERR_MALFORMED, "document.tracking has no id%s",
                        id ? " of 1 to 255 printable characters of ASCII" : "");
    struct advisory *a = r->advisory = make(r, 1, sizeof *a);
    if (!a)
        return ERR_LIMIT;
    a->id = keep(r, id);
    a->title = keep(r, text_of(document, "title"));
    a->publisher = keep(r, text_of(json_object_get(document, "publisher"), "name"));
    take_products(r, json_object_get(json, "product_tree"));
    const json_t *vulnerabilities = json_object_get(json, "vulnerabilities");
    a->vulnerabilities = make(r, json_array_size(vulnerabilities), sizeof *a->vulnerabilities);
    json_array_foreach(vulnerabilities, i, each)
    {
        if (!r->err)
            take_vulnerability(r, each, &a->vulnerabilities[a->n_vulnerabilities++]);
    }
    return r->err;
}

struct advisories *
advisories_new(void)
{
    struct advisories *all = xcalloc(1, sizeof *all);
    all->arena = arena_new(ADVISORY_BUDGET);
    all->end = &all->first;
    return all;
}

void
advisories_free(struct advisories *all)
{
    if (!all)
        return;
    arena_free(all->arena);
    free(all);
}

size_t
advisories_number(const struct advisories *all)
{
    return all->n;
}

enum err
advisories_read(struct advisories *all, const char *name, const char *text, size_t size,
                struct diag *diag)
{
    struct reader r = {.arena = all->arena};
    struct indexed *index, *next;
    struct group *group, *next_group;
    json_t *json;
    enum err err = jsontext_parse(text, size, &json, diag);
    if (err) {
        diag_prefix(diag, "%s", name);
        return err;
    }
    err = take_document(&r, json, diag);
    HASH_ITER (hh, r.groups, group, next_group) {
        HASH_DEL(r.groups, group);
        free(group);
    }
    json_decref(json);
    HASH_ITER (hh, r.by_id, index, next) {
        HASH_DEL(r.by_id, index);
        free(index);
    }
    if (err == ERR_LIMIT)
        return diag_set(diag, err, "%s: advisories need more than %zu MiB", name,
                        ADVISORY_BUDGET >> 20);
    if (err) {
        diag_prefix(diag, "%s", name);
        return err;
    }
    *all->end = r.advisory;
    all->end = &r.advisory->next;
    all->n++;
    return ERR_OK;
}

/* ---- Files ---- */

static enum err
load_file(struct advisories *all, const char *path, struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = file_read(path, ADVISORY_FILE_MAX, &text, diag);
    if (!err)
        err = advisories_read(all, path, (const char *)text.data, text.size, diag);
    buf_fini(&text);
    return err;
}

static int
is_wanted(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Calls for each file, in the order of names. */
static enum err
walk(const char *path, unsigned depth,
     void (*each)(void *arg, const char *file, const struct stat *),
     void (*bad)(void *arg, const struct diag *), void *arg, struct diag *diag)
{
    struct dirent **names;
    int n = scandir(path, &names, is_wanted, alphasort);
    if (n < 0)
        return file_fail(diag, path, errno);
    for (int i = 0; i < n; i++) {
        char *file = xasprintf("%s/%s", path, names[i]->d_name);
        size_t size = strlen(file);
        struct stat st;
        struct diag why = {""};
        enum err err = stat(file, &st) ? file_fail(&why, file, errno) : ERR_OK;
        if (!err && S_ISDIR(st.st_mode) && depth < ADVISORY_DEPTH)
            err = walk(file, depth + 1, each, bad, arg, &why);
        else if (!err && S_ISREG(st.st_mode) && size > 5 && !strcmp(file + size - 5, ".json"))
            each(arg, file, &st);
        if (err)
            bad(arg, &why);
        free(file);
        free(names[i]);
    }
    free(names);
    return ERR_OK;
}

struct loading {
    struct advisories *all;
    void (*bad)(void *arg, const struct diag *); /* NULL: nobody is told */
    void *arg;
};

static void
on_bad(void *arg, const struct diag *why)
{
    const struct loading *l = arg;
    if (l->bad)
        l->bad(l->arg, why);
}

static void
load_one(void *arg, const char *file, const struct stat *st UNUSED)
{
    const struct loading *l = arg;
    struct diag why = {""};
    if (load_file(l->all, file, &why))
        on_bad(arg, &why);
}

enum err
advisories_load(struct advisories *all, const char *path, void (*bad)(void *, const struct diag *),
                void *arg, struct diag *diag)
{
    struct stat st;
    struct loading loading = {all, bad, arg};
    if (stat(path, &st))
        return file_fail(diag, path, errno);
    return S_ISDIR(st.st_mode) ? walk(path, 0, load_one, on_bad, &loading, diag)
                               : load_file(all, path, diag);
}

static void
add_stamp(void *arg, const char *file, const struct stat *st)
{
    uint64_t *stamp = arg;
    *stamp = hash_bytes(file, strlen(file), *stamp);
    *stamp = hash_add(*stamp, (uint64_t)st->st_mtim.tv_sec);
    *stamp = hash_add(*stamp, (uint64_t)st->st_mtim.tv_nsec);
    *stamp = hash_add(*stamp, (uint64_t)st->st_size);
}

static void
ignore(void *arg UNUSED, const struct diag *why UNUSED)
{
}

uint64_t
advisories_stamp(const char *path)
{
    struct stat st;
    struct diag diag;
    uint64_t stamp = 0;
    if (stat(path, &st))
        return 0;
    if (!S_ISDIR(st.st_mode))
        add_stamp(&stamp, path, &st);
    else if (walk(path, 0, add_stamp, ignore, &stamp, &diag))
        return 0;
    return stamp;
}

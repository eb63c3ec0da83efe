#include "detect/rule_private.h"

#include "base/alloc.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)4 << 20)
#define BUDGET ((size_t)1 << 30)
#define BUDGET_PER_OCTET 128 /* of a file: no list of a rule takes more */
#define FILES_MAX 1024

static struct rules *
rules_new(const struct rules_source *source)
{
    struct rules *rules = xcalloc(1, sizeof *rules);
    rules->arena = arena_new(BUDGET);
    rules->protocols = source->protocols;
    while (rules->n_protocols < RULE_PROTOCOLS && source->protocols[rules->n_protocols])
        rules->n_protocols++;
    return rules;
}

void
rules_free(struct rules *rules)
{
    if (!rules)
        return;
    arena_free(rules->arena);
    free(rules->rules);
    free(rules->marks);
    free(rules);
}

static enum err
add_text(struct rules *rules, const struct rules_source *source, const char *text, size_t size,
         const char *file, struct diag *diag)
{
    struct reader r = {.rules = rules, .source = source, .diag = diag};
    if (arena_used(rules->arena) + BUDGET_PER_OCTET * size > BUDGET)
        return diag_set(diag, ERR_LIMIT, "%s: too many rules", file);
    const struct yaml_limits limits = {.size = FILE_MAX, .depth = 8, .nodes = 400000};
    enum err err = yaml_tree_parse(text, size, file, limits, &r.tree, diag);
    if (err)
        return err;
    err = reader_read(&r);
    yaml_tree_free(r.tree);
    return err;
}

enum err
rules_parse(const struct rules_source *source, const char *text, size_t size, const char *file,
            struct rules **out, struct diag *diag)
{
    struct rules *rules = rules_new(source);
    enum err err = add_text(rules, source, text, size, file, diag);
    if (err) {
        rules_free(rules);
        return err;
    }
    *out = rules;
    return ERR_OK;
}

static enum err
add_file(struct rules *rules, const struct rules_source *source, const char *path,
         struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = file_read(path, FILE_MAX, &text, diag);
    if (!err)
        err = add_text(rules, source, (const char *)text.data, text.size, path, diag);
    buf_fini(&text);
    return err;
}

static int
is_rules_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name && !strcmp(dot, ".yaml");
}

static enum err
add_directory(struct rules *rules, const struct rules_source *source, const char *path,
              struct diag *diag)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_rules_file, alphasort);
    enum err err = n < 0 ? file_fail(diag, path, errno) : ERR_OK;
    if (n > FILES_MAX)
        err = diag_set(diag, ERR_LIMIT, "%s: more than %d files", path, FILES_MAX);
    for (int i = 0; i < n; i++) {
        char *file = xasprintf("%s/%s", path, entries[i]->d_name);
        if (!err)
            err = add_file(rules, source, file, diag);
        free(file);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return err;
}

enum err
rules_read(const struct rules_source *source, const char *const *paths, size_t n,
           struct rules **out, struct diag *diag)
{
    struct rules *rules = rules_new(source);
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < n; i++) {
        struct stat is;
        if (stat(paths[i], &is))
            err = file_fail(diag, paths[i], errno);
        else if (S_ISDIR(is.st_mode))
            err = add_directory(rules, source, paths[i], diag);
        else
            err = add_file(rules, source, paths[i], diag);
    }
    if (err) {
        rules_free(rules);
        return err;
    }
    *out = rules;
    return ERR_OK;
}

size_t
rules_number(const struct rules *rules)
{
    return rules->n;
}

const struct rule *
rules_at(const struct rules *rules, size_t i)
{
    return &rules->rules[i];
}

uint32_t
rules_marks(const struct rules *rules)
{
    return (uint32_t)rules->n_marks;
}

int
rules_protocol(const struct rules *rules, const struct protocol *p)
{
    for (unsigned k = 0; k < rules->n_protocols; k++) {
        if (rules->protocols[k] == p)
            return (int)k;
    }
    return -1;
}

#include "gateway/identity.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gateway/duties.h"
#include "io/jsontext.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((off_t)4 << 20) /* octets */

struct identity {
    char *file, *site;
    json_t *users; /* as in the file, checked */
    struct stat seen;
    struct diag problem; /* "": none */
};

struct identity_change {
    struct identity *identity;
    char *path; /* of the new file, to be renamed */
};

/* ---- roles */

static const char *const role_words[] = {
    [ROLE_VIEWER] = "VIEWER",       [ROLE_OPERATOR] = "OPERATOR", [ROLE_ENGINEER] = "ENGINEER",
    [ROLE_INSTALLER] = "INSTALLER", [ROLE_SECADM] = "SECADM",     [ROLE_SECAUD] = "SECAUD",
    [ROLE_RBACMNT] = "RBACMNT",
};

const char *
role_word(enum role role)
{
    return role_words[role];
}

enum role
role_from_word(const char *word)
{
    for (enum role i = 0; i < ROLE_MAX; i++) {
        if (!strcmp(role_words[i], word))
            return i;
    }
    return ROLE_MAX;
}

json_t *
roles_to_json(role_set roles)
{
    json_t *list = json_array();
    for (enum role i = 0; i < ROLE_MAX; i++) {
        if (roles & 1u << i)
            json_array_append_new(list, json_string(role_words[i]));
    }
    return list;
}

enum err
roles_from_json(const json_t *list, role_set *roles, struct diag *diag)
{
    role_set result = 0;
    size_t i;
    json_t *word;
    if (!json_is_array(list))
        return diag_set(diag, ERR_INVALID, "roles are an array");
    json_array_foreach(list, i, word)
    {
        enum role role = json_is_string(word) ? role_from_word(json_string_value(word)) : ROLE_MAX;
        if (role == ROLE_MAX)
            return diag_set(diag, ERR_INVALID, "role %zu is none of IEC 62351-8", i + 1);
        if (result & 1u << role)
            return diag_set(diag, ERR_INVALID, "role %s is there twice", role_words[role]);
        result |= 1u << role;
    }
    *roles = result;
    return ERR_OK;
}

/* ---- what a user is */

/* As typedef person of schema/tieline-types.yang, but for the services' own names. */
bool
person_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > PERSON_NAME_MAX || !isalnum((unsigned char)name[0]) ||
        !strncmp(name, "system/", 7) || !strncmp(name, "break-glass/", 12))
        return false;
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("._@/-", *at))
            return false;
    }
    return true;
}

static enum err
check_sites(const json_t *sites, struct diag *diag)
{
    size_t i;
    json_t *site;
    if (!json_is_array(sites))
        return diag_set(diag, ERR_INVALID, "sites are an array");
    json_array_foreach(sites, i, site)
    {
        if (!json_is_string(site))
            return diag_set(diag, ERR_INVALID, "site %zu is not a text", i + 1);
    }
    return ERR_OK;
}

static enum err
check_members(const json_t *user, role_set *roles, struct diag *diag)
{
    const char *key;
    json_t *value;
    if (json_is_array(user))
        return roles_from_json(user, roles, diag);
    if (!json_is_object(user) || !json_object_get(user, "roles"))
        return diag_set(diag, ERR_INVALID, "neither roles nor an object with roles");
    json_object_foreach((json_t *)(uintptr_t)user, key, value)
    {
        enum err err = !strcmp(key, "roles") ? roles_from_json(value, roles, diag)
                       : !strcmp(key, "sites")
                           ? check_sites(value, diag)
                           : diag_set(diag, ERR_INVALID, "%.60s is unknown", key);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err
check_user(const json_t *user, struct diag *diag)
{
    role_set roles = 0;
    enum err err = check_members(user, &roles, diag);
    if (!err && duties_check_roles(roles, diag))
        err = ERR_INVALID;
    return err;
}

static enum err
check_users(json_t *document, struct diag *diag)
{
    const char *name;
    json_t *user, *users = json_object_get(document, "users");
    if (!json_is_object(users) || json_object_size(document) != 1)
        return diag_set(diag, ERR_INVALID, "it must be {\"users\": {...}}");
    json_object_foreach(users, name, user)
    {
        if (!person_name_is_valid(name))
            return diag_set(diag, ERR_INVALID, "\"%.60s\" is not a person's name", name);
        enum err err = check_user(user, diag);
        if (err) {
            diag_prefix(diag, "user %s", name);
            return err;
        }
    }
    return ERR_OK;
}

/* ---- the file */

static enum err
read_file(const char *path, int fd, struct stat *seen, struct buf *text, struct diag *diag)
{
    if (fstat(fd, seen))
        return diag_set(diag, ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(seen->st_mode) || seen->st_size > FILE_MAX)
        return diag_set(diag, ERR_INVALID, "%s: not a file of a reasonable size", path);
    for (;;) {
        uint8_t piece[4096];
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0)
            return diag_set(diag, ERR_IO, "%s: %s", path, strerror(errno));
        if (n == 0)
            return ERR_OK;
        buf_put(text, piece, (size_t)n);
    }
}

static enum err
parse_users(const char *path, struct buf *text, json_t **users, struct diag *diag)
{
    json_t *document;
    enum err err = jsontext_parse(buf_cstr(text), text->size, &document, diag);
    if (!err) {
        err = check_users(document, diag);
        if (!err)
            *users = json_incref(json_object_get(document, "users"));
        json_decref(document);
    }
    if (err)
        diag_prefix(diag, "%s", path);
    return err;
}

static enum err
load(struct identity *identity, struct diag *diag)
{
    int fd = open(identity->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return diag_set(diag, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", identity->file,
                        strerror(errno));
    struct buf text = BUF_INIT;
    json_t *users = NULL;
    enum err err = read_file(identity->file, fd, &identity->seen, &text, diag);
    close(fd);
    if (!err)
        err = parse_users(identity->file, &text, &users, diag);
    buf_fini(&text);
    if (err)
        return err;
    json_decref(identity->users);
    identity->users = users;
    return ERR_OK;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* One system call for each request buys that a role that was taken away is gone with the next. */
static void
refresh(struct identity *identity)
{
    struct stat now = {0};
    bool there = stat(identity->file, &now) == 0;
    if (there ? same_file(&now, &identity->seen) : identity->problem.text[0] != '\0')
        return;
    identity->problem.text[0] = '\0';
    if (load(identity, &identity->problem)) {
        identity->seen = now;
        log_error("%s; what it said before goes on to hold", identity->problem.text);
    } else {
        log_info("%s: read again", identity->file);
    }
}

enum err
identity_open(const char *file, const char *site, struct identity **result, struct diag *diag)
{
    struct identity *identity = xcalloc(1, sizeof *identity);
    identity->file = xstrdup(file);
    identity->site = xstrdup(site);
    enum err err = load(identity, diag);
    if (err)
        identity_close(identity);
    else
        *result = identity;
    return err;
}

void
identity_close(struct identity *identity)
{
    if (!identity)
        return;
    json_decref(identity->users);
    free(identity->file);
    free(identity->site);
    free(identity);
}

const char *
identity_problem(const struct identity *identity)
{
    return identity->problem.text[0] ? identity->problem.text : NULL;
}

/* ---- asking */

static bool
holds_here(const struct identity *identity, const json_t *user)
{
    const json_t *sites = json_is_object(user) ? json_object_get(user, "sites") : NULL;
    size_t i;
    json_t *site;
    if (!sites)
        return true;
    json_array_foreach(sites, i, site)
    {
        if (!strcmp(json_string_value(site), identity->site))
            return true;
    }
    return false;
}

static const json_t *
roles_of(const json_t *user)
{
    return json_is_array(user) ? user : json_object_get(user, "roles");
}

enum err
identity_resolve(struct identity *identity, const char *common_name, struct person *person,
                 struct diag *diag)
{
    refresh(identity);
    if (!person_name_is_valid(common_name))
        return diag_set(diag, ERR_DENIED, "the certificate's name is none a person can have");
    const json_t *user = json_object_get(identity->users, common_name);
    if (!user)
        return diag_set(diag, ERR_DENIED, "nobody here is known as %s", common_name);
    snprintf(person->name, sizeof person->name, "%s", common_name);
    person->roles = 0;
    if (!holds_here(identity, user))
        return ERR_OK;
    return roles_from_json(roles_of(user), &person->roles, diag); /* checked when it was read */
}

static json_t *
describe(const char *name, const json_t *user)
{
    json_t *row = json_pack("{sssO}", "name", name, "roles", roles_of(user));
    json_t *sites = json_is_object(user) ? json_object_get(user, "sites") : NULL;
    if (sites)
        json_object_set(row, "sites", sites);
    return row;
}

json_t *
identity_list(struct identity *identity)
{
    const char *name;
    json_t *user, *list = json_array();
    refresh(identity);
    json_object_foreach(identity->users, name, user)
        json_array_append_new(list, describe(name, user));
    return list;
}

json_t *
identity_get(struct identity *identity, const char *name)
{
    refresh(identity);
    const json_t *user = json_object_get(identity->users, name);
    return user ? describe(name, user) : NULL;
}

/* ---- changing */

static enum err
write_file(const char *path, const json_t *document, struct diag *diag)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return diag_set(diag, ERR_IO, "%s: %s", path, strerror(errno));
    bool written = json_dumpfd(document, fd, JSON_INDENT(1)) == 0 && fsync(fd) == 0;
    int error = errno;
    if (close(fd) || !written) {
        unlink(path);
        return diag_set(diag, ERR_IO, "%s: %s", path, strerror(error));
    }
    return ERR_OK;
}

static enum err
check_change(const struct identity *identity, const char *name, const json_t *user,
             struct diag *diag)
{
    if (!user && !json_object_get(identity->users, name))
        return diag_set(diag, ERR_NOT_FOUND, "nobody here is known as %.127s", name);
    if (!person_name_is_valid(name))
        return diag_set(diag, ERR_INVALID, "not a name a person can have");
    return user ? check_user(user, diag) : ERR_OK;
}

enum err
identity_prepare(struct identity *identity, const char *name, const json_t *user,
                 struct identity_change **result, struct diag *diag)
{
    refresh(identity);
    enum err err = check_change(identity, name, user, diag);
    if (err)
        return err;
    json_t *users = json_copy(identity->users);
    if (user)
        json_object_set(users, name, (json_t *)(uintptr_t)user);
    else
        json_object_del(users, name);
    json_t *document = json_pack("{so}", "users", users);
    char *path = xasprintf("%s.new", identity->file);
    err = write_file(path, document, diag);
    json_decref(document);
    if (err) {
        free(path);
        return err;
    }
    *result = xcalloc(1, sizeof **result);
    **result = (struct identity_change){identity, path};
    return ERR_OK;
}

static void
sync_directory(const char *file)
{
    char *directory = xstrdup(file);
    char *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(directory);
}

enum err
identity_commit(struct identity_change *change, struct diag *diag)
{
    struct identity *identity = change->identity;
    enum err err = ERR_OK;
    if (rename(change->path, identity->file))
        err = diag_set(diag, ERR_IO, "%s: %s", identity->file, strerror(errno));
    else
        sync_directory(identity->file);
    if (err)
        unlink(change->path);
    free(change->path);
    free(change);
    refresh(identity);
    return err;
}

void
identity_drop(struct identity_change *change)
{
    if (!change)
        return;
    unlink(change->path);
    free(change->path);
    free(change);
}

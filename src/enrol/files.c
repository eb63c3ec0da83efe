#include "enrol/files.h"

#include "base/alloc.h"
#include "io/file.h"
#include "io/jsontext.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CURRENT "current"

static enum err
fail(struct diag *diag, const char *path)
{
    return file_fail(diag, path, errno == ENOTEMPTY ? EEXIST : errno);
}

char *
files_path(const char *dir, const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

char *
files_generation(const char *dir, unsigned generation)
{
    return xasprintf("%s/%u", dir, generation);
}

/* ---- Reading ---- */

enum err
files_read(const char *dir, const char *name, struct buf *text, struct diag *diag)
{
    char *path = files_path(dir, name);
    *text = BUF_INIT;
    enum err err = file_read(path, FILES_MAX, text, diag);
    free(path);
    return err;
}

enum err
files_read_json(const char *dir, const char *name, json_t **json, struct diag *diag)
{
    struct buf text;
    enum err err = files_read(dir, name, &text, diag);
    if (err)
        return err;
    err = jsontext_parse((const char *)text.data, text.size, json, diag);
    if (err)
        diag_prefix(diag, "%s/%s", dir, name);
    buf_fini(&text);
    return err;
}

/* ---- Writing ---- */

enum err
files_write(const char *dir, const char *name, const void *data, size_t size, enum files_kind kind,
            bool fresh, struct diag *diag)
{
    char *path = files_path(dir, name);
    enum err err = file_write(path, data, size, kind == FILES_SECRET ? 0600 : 0644, fresh, diag);
    free(path);
    return err;
}

enum err
files_write_json(const char *dir, const char *name, const json_t *json, bool fresh,
                 struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = jsontext_put(&text, json);
    buf_str(&text, "\n");
    if (err)
        diag_set(diag, err, "%s/%s: it cannot be written", dir, name);
    else
        err = files_write(dir, name, text.data, text.size, FILES_PUBLIC, fresh, diag);
    buf_fini(&text);
    return err;
}

/* ---- Generations ---- */

static enum err
check_name(const char *path, struct diag *diag)
{
    for (const char *at = path; *at; at++)
        if ((uint8_t)*at < ' ' || strchr("\"\\\x7f", *at))
            return diag_set(diag, ERR_INVALID,
                            "%s: the server's configuration cannot name this directory", path);
    return ERR_OK;
}

enum err
files_home(const char *dir, char **home, struct diag *diag)
{
    char *path = realpath(dir, NULL);
    enum err err = path ? check_name(path, diag) : fail(diag, dir);
    if (err)
        free(path);
    else
        *home = path;
    return err;
}

/* The absolute name of what need not be there, in a directory that must. */
static enum err
absolute(const char *dir, char **home, struct diag *diag)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    char *path = xstrndup(dir, n), *slash = strrchr(path, '/'), *parent = NULL;
    const char *name = slash ? slash + 1 : path;
    if (slash)
        *slash = 0;
    if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
        free(path);
        return diag_set(diag, ERR_INVALID, "%s: name a new directory", dir);
    }
    enum err err = files_home(!slash ? "." : *path ? path : "/", &parent, diag);
    if (!err)
        *home = xasprintf("%s/%s", strcmp(parent, "/") ? parent : "", name);
    free(parent);
    free(path);
    return err;
}

enum err
files_begin(const char *dir, char **work, char **home, struct diag *diag)
{
    enum err err = absolute(dir, home, diag);
    if (err)
        return err;
    err = check_name(*home, diag);
    if (!err && rmdir(*home) && errno != ENOENT) /* rename() would replace an empty one, too */
        err = errno == ENOTEMPTY || errno == EEXIST
                  ? diag_set(diag, ERR_EXISTS, "%s: it is there already, and not empty", dir)
                  : fail(diag, dir);
    *work = xasprintf("%s.XXXXXX", *home);
    if (!err && !mkdtemp(*work)) /* 0700 */
        err = fail(diag, *work);
    if (err) {
        free(*work);
        free(*home);
    }
    return err;
}

static void
remove_files(const char *path)
{
    DIR *handle = opendir(path);
    for (struct dirent *entry; handle && (entry = readdir(handle));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(handle), entry->d_name, 0);
    if (handle)
        closedir(handle);
}

enum err
files_finish(char *work, char *home, enum err err, struct diag *diag)
{
    if (!err && rename(work, home))
        err = errno == ENOTEMPTY || errno == EEXIST
                  ? diag_set(diag, ERR_EXISTS, "%s: it is there already, and not empty", home)
                  : fail(diag, home);
    if (err) {
        char *first = files_generation(work, 1);
        remove_files(first);
        (void)rmdir(first);
        remove_files(work);
        (void)rmdir(work);
        free(first);
    }
    free(work);
    free(home);
    return err;
}

static unsigned
number_of(const char *name)
{
    char *end;
    unsigned long n = *name >= '1' && *name <= '9' ? strtoul(name, &end, 10) : 0;
    return n && !*end && n < 1000000 ? (unsigned)n : 0;
}

unsigned
files_current(const char *dir)
{
    char *path = files_path(dir, CURRENT), target[32];
    ssize_t n = readlink(path, target, sizeof target - 1);
    free(path);
    if (n <= 0)
        return 0;
    target[n] = 0;
    return number_of(target);
}

unsigned
files_last(const char *dir)
{
    DIR *handle = opendir(dir);
    unsigned last = 0;
    for (struct dirent *entry; handle && (entry = readdir(handle));) {
        unsigned n = number_of(entry->d_name);
        last = n > last ? n : last;
    }
    if (handle)
        closedir(handle);
    return last;
}

enum err
files_next(const char *dir, unsigned *generation, struct diag *diag)
{
    unsigned next = files_last(dir) + 1;
    char *path = files_generation(dir, next);
    enum err err = mkdir(path, 0700) ? fail(diag, path) : ERR_OK;
    free(path);
    if (!err)
        *generation = next;
    return err;
}

/* Only files; whatever else is in it stays, and the directory with it. */
static void
remove_generation(const char *dir, unsigned generation)
{
    char *path = files_generation(dir, generation);
    remove_files(path);
    (void)rmdir(path);
    free(path);
}

enum err
files_switch(const char *dir, unsigned generation, struct diag *diag)
{
    char target[32], *path = files_path(dir, CURRENT), *temporary = files_path(dir, ".current");
    snprintf(target, sizeof target, "%u", generation);
    (void)unlink(temporary);
    bool good = !symlink(target, temporary) && !rename(temporary, path) &&
                file_sync_directory(path);
    enum err err = good ? ERR_OK : fail(diag, path);
    free(temporary);
    free(path);
    for (unsigned old = generation; !err && old-- > 1;)
        remove_generation(dir, old);
    return err;
}

enum err
files_lock(const char *dir, int *fd, struct diag *diag)
{
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return fail(diag, dir);
    if (!flock(*fd, LOCK_EX | LOCK_NB))
        return ERR_OK;
    close(*fd);
    *fd = -1;
    return diag_set(diag, ERR_BUSY, "%s: another command is at work there", dir);
}

#include "io/file.h"

#include "base/alloc.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum err
file_fail(struct diag *diag, const char *path, int error)
{
    enum err err = error == ENOENT || error == ENOTDIR ? ERR_NOT_FOUND
                   : error == EACCES || error == EPERM ? ERR_DENIED
                   : error == EEXIST                   ? ERR_EXISTS
                                                       : ERR_IO;
    return diag_set(diag, err, "%s: %s", path, strerror(error));
}

/* ---- Reading ---- */

static void
wipe(struct buf *text)
{
    if (text->data)
        OPENSSL_cleanse(text->data, text->capacity);
    buf_fini(text);
}

/* Growing copies what is secret: so there is room for all of it from the beginning, if that is
 * known. */
static void
make_room(int fd, size_t limit, struct buf *text)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 || (size_t)st.st_size > limit)
        return;
    size_t size = text->size;
    if (buf_reserve(text, (size_t)st.st_size))
        text->size = size;
}

enum err
file_read_from(int fd, const char *path, size_t limit, struct buf *text, struct diag *diag)
{
    uint8_t piece[4096];
    ssize_t n;
    text->limit = limit;
    make_room(fd, limit, text);
    while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0)
            buf_put(text, piece, (size_t)n);
        if (buf_err(text))
            break;
    }
    int error = errno;
    OPENSSL_cleanse(piece, sizeof piece);
    enum err err = ERR_OK;
    if (n < 0)
        err = file_fail(diag, path, error);
    else if (buf_err(text))
        err = diag_set(diag, ERR_LIMIT, "%s: larger than %zu octets", path, limit);
    if (err)
        wipe(text);
    return err;
}

enum err
file_read(const char *path, size_t limit, struct buf *text, struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(diag, path, errno);
    enum err err = file_read_from(fd, path, limit, text, diag);
    close(fd);
    return err;
}

/* ---- Writing ---- */

static bool
write_all(int fd, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

bool
file_allow_many(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return false;
    limit.rlim_cur = limit.rlim_max;
    return !setrlimit(RLIMIT_NOFILE, &limit);
}

bool
file_sync_directory(const char *path)
{
    char *directory = xstrdup(path), *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && !fsync(fd);
    int error = errno;
    if (fd >= 0)
        close(fd);
    free(directory);
    errno = error;
    return good;
}

/* link() does not replace what is there, rename() does. */
static bool
put_in_place(const char *temporary, const char *path, bool fresh)
{
    return fresh ? !link(temporary, path) && !unlink(temporary) : !rename(temporary, path);
}

enum err
file_write(const char *path, const void *data, size_t size, mode_t mode, bool fresh,
           struct diag *diag)
{
    char *temporary = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC); /* O_EXCL, 0600 */
    bool good = fd >= 0 && write_all(fd, data, size) && !fchmod(fd, mode) && !fsync(fd);
    int error = errno;
    if (fd >= 0 && close(fd) && good) {
        good = false;
        error = errno;
    }
    if (good && !put_in_place(temporary, path, fresh)) {
        good = false;
        error = errno;
    }
    if (!good && fd >= 0)
        unlink(temporary);
    if (good && !file_sync_directory(path)) {
        good = false;
        error = errno;
    }
    free(temporary);
    return good ? ERR_OK : file_fail(diag, path, error);
}

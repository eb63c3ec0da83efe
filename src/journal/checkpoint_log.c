#include "journal/checkpoint_log.h"

#include "base/alloc.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DASH "\u2014 " /* what a line with a signature begins with */

struct checkpoint_log {
    char *path;
    int fd;
    off_t size;
};

/* ---- Reading ---- */

/* The line at `at`, without its end. False: it has none. */
static bool
line_at(const char *text, size_t size, size_t at, size_t *length)
{
    const char *end = at < size ? memchr(text + at, '\n', size - at) : NULL;
    *length = end ? (size_t)(end - text) - at : 0;
    return end;
}

enum checkpoint_log_step
checkpoint_log_next(const char *text, size_t size, size_t *at, const char **note, size_t *note_size)
{
    size_t next = *at, length, n = 0;
    if (next == size)
        return CHECKPOINT_LOG_END;
    for (;; next += length + 1, n++) { /* the text */
        if (!line_at(text, size, next, &length))
            return size - *at > CHECKPOINT_NOTE_MAX ? CHECKPOINT_LOG_DAMAGED : CHECKPOINT_LOG_TORN;
        if (!length)
            break;
    }
    if (!n)
        return CHECKPOINT_LOG_DAMAGED;
    next++;
    for (n = 0;; next += length + 1, n++) { /* the signatures */
        if (!line_at(text, size, next, &length))
            return size - *at > CHECKPOINT_NOTE_MAX ? CHECKPOINT_LOG_DAMAGED : CHECKPOINT_LOG_TORN;
        if (!length)
            break;
        if (length < strlen(DASH) || memcmp(text + next, DASH, strlen(DASH)) != 0)
            return CHECKPOINT_LOG_DAMAGED;
    }
    if (!n || next - *at > CHECKPOINT_NOTE_MAX)
        return CHECKPOINT_LOG_DAMAGED;
    *note = text + *at;
    *note_size = next - *at;
    *at = next + 1;
    return CHECKPOINT_LOG_NOTE;
}

enum err
checkpoint_log_read(const char *path, struct buf *text, struct diag *diag)
{
    return file_read(path, CHECKPOINT_LOG_MAX, text, diag);
}

/* ---- Writing ---- */

static enum err
fail(const struct checkpoint_log *log, struct diag *diag)
{
    return diag_set(diag, ERR_IO, "%s: %s", log->path, strerror(errno));
}

static enum err
tell(struct checkpoint_log *log, const struct buf *text, checkpoint_log_fn *fn, void *arg,
     struct diag *diag)
{
    size_t at = 0, size;
    const char *note, *all = (const char *)text->data;
    enum checkpoint_log_step step;
    while ((step = checkpoint_log_next(all, text->size, &at, &note, &size)) ==
           CHECKPOINT_LOG_NOTE) {
        struct checkpoint c;
        if (checkpoint_parse(note, size, &c, NULL))
            return diag_set(diag, ERR_CORRUPT, "%s: no checkpoint before octet %zu", log->path, at);
        char *copy = xstrndup(note, size);
        fn(arg, copy, &c);
        free(copy);
    }
    if (step == CHECKPOINT_LOG_DAMAGED)
        return diag_set(diag, ERR_CORRUPT, "%s: no checkpoint at octet %zu", log->path, at);
    log->size = (off_t)at;
    if (step == CHECKPOINT_LOG_TORN && (ftruncate(log->fd, log->size) || fsync(log->fd)))
        return fail(log, diag);
    return ERR_OK;
}

enum err
checkpoint_log_open(const char *path, checkpoint_log_fn *fn, void *arg,
                    struct checkpoint_log **result, struct diag *diag)
{
    struct checkpoint_log *log = xcalloc(1, sizeof *log);
    struct buf text = BUF_INIT;
    log->path = xstrdup(path);
    log->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum err err = log->fd < 0 || !file_sync_directory(path) ? fail(log, diag) : ERR_OK;
    if (!err)
        err = file_read_from(log->fd, path, CHECKPOINT_LOG_MAX, &text, diag);
    if (!err)
        err = tell(log, &text, fn, arg, diag);
    buf_fini(&text);
    if (err) {
        checkpoint_log_close(log);
        return err;
    }
    *result = log;
    return ERR_OK;
}

void
checkpoint_log_close(struct checkpoint_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    free(log->path);
    free(log);
}

enum err
checkpoint_log_append(struct checkpoint_log *log, const char *note, size_t size, struct diag *diag)
{
    struct buf record = BUF_INIT;
    buf_put(&record, note, size);
    buf_str(&record, "\n");
    ssize_t n = pwrite(log->fd, record.data, record.size, log->size);
    if (n >= 0 && (size_t)n != record.size)
        errno = ENOSPC;
    bool ok = n == (ssize_t)record.size && !fdatasync(log->fd);
    enum err err = ok ? ERR_OK : fail(log, diag);
    if (ok)
        log->size += n;
    else if (ftruncate(log->fd, log->size))
        err = ERR_IO; /* what is left there is torn, and written over by the next */
    buf_fini(&record);
    return err;
}

/* powerloss.c - makes kill -9 as bad as a loss of power, for the files of one directory.
 *
 * kill -9 leaves what a program has written in the kernel's page cache, so it proves nothing about
 * syncing. This is preloaded into a program (LD_PRELOAD, POWERLOSS_DIR): before a write to a file
 * there it keeps what the write covers, in FILE.undo, until the file is synced. `lab-powerloss
 * DIR` puts it all back, the last first: then the files are what they were when each was last
 * synced, as after the worst loss of power that a disk which keeps its word allows.
 *
 * Only what SQLite does to its files is looked at: pwrite, pwrite64, ftruncate, fsync, fdatasync.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is in FILE.undo, before the octets that were there. */
struct undo {
    uint64_t offset, size; /* of what was covered */
    uint64_t file_size;    /* before */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *
real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        abort();
    return function;
}

/* The FILE.undo of a descriptor; -1: it is no file of ours. A descriptor may be another file by
 * now: so it is looked at each time. */
static int
undo_of(int fd)
{
    const char *directory = getenv("POWERLOSS_DIR");
    char link[64], path[PATH_MAX], undo[PATH_MAX + 8];
    if (!directory || fd < 0)
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return -1;
    path[n] = '\0';
    const char *slash = strrchr(path, '/');
    size_t length = strlen(directory);
    bool ours = slash && (size_t)(slash - path) == length && !strncmp(path, directory, length) &&
                (strstr(slash, ".db") != NULL) && !strstr(slash, "-shm") && !strstr(slash, ".undo");
    if (!ours)
        return -1;
    snprintf(undo, sizeof undo, "%s.undo", path);
    return open(undo, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void
keep(int fd, uint64_t offset, uint64_t size)
{
    ssize_t (*real_pread)(int, void *, size_t, off_t) = real("pread");
    ssize_t (*real_write)(int, const void *, size_t) = real("write");
    int saved = errno, undo = undo_of(fd);
    struct stat s;
    if (undo < 0 || fstat(fd, &s)) {
        errno = saved;
        return;
    }
    struct undo u = {offset, 0, (uint64_t)s.st_size};
    if (offset < u.file_size)
        u.size = u.file_size - offset < size ? u.file_size - offset : size;
    char *record = malloc(sizeof u + u.size);
    memcpy(record, &u, sizeof u);
    if (real_pread(fd, record + sizeof u, u.size, (off_t)offset) != (ssize_t)u.size ||
        real_write(undo, record, sizeof u + u.size) != (ssize_t)(sizeof u + u.size))
        abort(); /* what cannot be undone must not happen */
    free(record);
    close(undo);
    errno = saved;
}

static ssize_t
do_pwrite(const char *name, int fd, const void *data, size_t size, off_t offset)
{
    ssize_t (*function)(int, const void *, size_t, off_t) = real(name);
    pthread_mutex_lock(&lock);
    keep(fd, (uint64_t)offset, size);
    ssize_t n = function(fd, data, size, offset);
    pthread_mutex_unlock(&lock);
    return n;
}

static int
do_sync(const char *name, int fd)
{
    int (*function)(int) = real(name);
    pthread_mutex_lock(&lock);
    int status = function(fd), undo = status ? -1 : undo_of(fd), saved = errno;
    if (undo >= 0) {
        if (ftruncate(undo, 0))
            abort();
        close(undo);
    }
    errno = saved;
    pthread_mutex_unlock(&lock);
    return status;
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return do_pwrite("pwrite", fd, data, size, offset);
}

ssize_t
pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return do_pwrite("pwrite64", fd, data, size, offset);
}

int
fsync(int fd)
{
    return do_sync("fsync", fd);
}

int
fdatasync(int fd)
{
    return do_sync("fdatasync", fd);
}

static int
do_truncate(const char *name, int fd, off_t size)
{
    int (*function)(int, off_t) = real(name);
    pthread_mutex_lock(&lock);
    keep(fd, (uint64_t)size, UINT64_MAX);
    int status = function(fd, size);
    pthread_mutex_unlock(&lock);
    return status;
}

int
ftruncate64(int fd, off64_t size)
{
    return do_truncate("ftruncate64", fd, size);
}

/* lab-powerloss DIR: the files of DIR become what they were when each was last synced, after the
 * program that wrote them (with powerloss.so preloaded) was killed. Prints what was lost. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct undo {
    uint64_t offset, size, file_size;
};

static int
fail(const char *what)
{
    perror(what);
    return 1;
}

/* The last first. */
static int
put_back(int fd, const uint8_t *records, size_t size, uint64_t *n, uint64_t *octets)
{
    size_t *starts = malloc((size / sizeof(struct undo) + 1) * sizeof *starts), count = 0;
    struct undo u;
    for (size_t at = 0; at + sizeof u <= size; at += sizeof u + u.size) {
        memcpy(&u, records + at, sizeof u);
        if (u.size > size - at - sizeof u)
            break; /* the last one, which was being written: its write had not begun */
        starts[count++] = at;
    }
    *n = count;
    while (count--) {
        memcpy(&u, records + starts[count], sizeof u);
        *octets += u.size;
        if (pwrite(fd, records + starts[count] + sizeof u, u.size, (off_t)u.offset) !=
                (ssize_t)u.size ||
            ftruncate(fd, (off_t)u.file_size))
            return fail("put back");
    }
    free(starts);
    return 0;
}

static int
undo_file(const char *path)
{
    char file[PATH_MAX];
    struct stat s;
    uint64_t n = 0, octets = 0;
    snprintf(file, sizeof file, "%.*s", (int)(strlen(path) - strlen(".undo")), path);
    int undo = open(path, O_RDONLY | O_CLOEXEC), fd = open(file, O_RDWR | O_CLOEXEC);
    if (undo < 0 || fstat(undo, &s))
        return fail(path);
    uint8_t *records = malloc((size_t)s.st_size + 1);
    int status = read(undo, records, (size_t)s.st_size) == s.st_size ? 0 : fail(path);
    if (!status && fd >= 0)
        status = put_back(fd, records, (size_t)s.st_size, &n, &octets);
    printf("%s: %llu writes undone, %llu octets put back\n", file, (unsigned long long)n,
           (unsigned long long)octets);
    free(records);
    close(undo);
    if (fd >= 0)
        close(fd);
    unlink(path);
    return status;
}

int
main(int argc, char **argv)
{
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
    int status = 0;
    if (!directory) {
        fprintf(stderr, "usage: lab-powerloss DIRECTORY\n");
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        char path[PATH_MAX];
        size_t length = strlen(entry->d_name);
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (length > 5 && !strcmp(entry->d_name + length - 5, ".undo"))
            status |= undo_file(path);
        if (length > 4 && !strcmp(entry->d_name + length - 4, "-shm"))
            unlink(path); /* memory: gone */
    }
    closedir(directory);
    return status;
}

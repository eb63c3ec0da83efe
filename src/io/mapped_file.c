#include "io/mapped_file.h"

#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP ((size_t)4 << 20)

static enum err
map(int fd, const char *path, struct mapped_file *f, struct diag *diag)
{
    struct stat st;
    if (fstat(fd, &st))
        return file_fail(diag, path, errno);
    if (!S_ISREG(st.st_mode))
        return diag_set(diag, ERR_INVALID, "%s: not a file", path);
    if (!st.st_size)
        return ERR_OK;
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return file_fail(diag, path, errno);
    (void)madvise(data, (size_t)st.st_size, MADV_SEQUENTIAL);
    *f = (struct mapped_file){.data = data, .size = (size_t)st.st_size};
    return ERR_OK;
}

enum err
mapped_file_open(const char *path, struct mapped_file *f, struct diag *diag)
{
    *f = (struct mapped_file){.data = NULL};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(diag, path, errno);
    enum err err = map(fd, path, f, diag);
    close(fd);
    return err;
}

void
mapped_file_read_on(struct mapped_file *f, size_t at)
{
    uint8_t *data = (uint8_t *)(uintptr_t)f->data;
    size_t here = at / STEP * STEP;
    if (!data || at >= f->size)
        return;
    if (here > f->kept + STEP) {
        (void)madvise(data + f->kept, here - STEP - f->kept, MADV_DONTNEED);
        f->kept = here - STEP;
    }
    f->next = f->size - here > STEP ? here + STEP : SIZE_MAX;
#ifdef MADV_POPULATE_READ /* Linux 5.14 */
    (void)madvise(data + here, f->next == SIZE_MAX ? f->size - here : STEP, MADV_POPULATE_READ);
#endif
}

void
mapped_file_close(struct mapped_file *f)
{
    if (f->data)
        munmap((void *)(uintptr_t)f->data, f->size);
    *f = (struct mapped_file){.data = NULL};
}

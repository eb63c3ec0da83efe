#include "detect/evidence.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PCAP_NANOSECONDS 0xa1b23c4du
#define SNAP 65535u

/* In the ring, before the frame's octets. */
struct record {
    nsec_t time;
    uint32_t size, wire;
    uint16_t link; /* enum link_type */
};

struct aged {
    char *path;
    nsec_t time;
};

struct evidence {
    char *directory;
    uint8_t *ring;
    size_t head, tail; /* octets ever written, and those that are gone */
    char *names[EVIDENCE_FILES];
    unsigned n_names, oldest;
    struct buf file;
    char *name;
};

/* NAME-SECONDS-NUMBER.pcap, as the program names them. */
static int
is_evidence(const struct dirent *entry)
{
    const char *name = entry->d_name, *end = strstr(name, ".pcap");
    unsigned numbers = 0;
    if (!end || end[5])
        return 0;
    while (end > name && numbers < 2) {
        const char *digits = end;
        while (digits > name && digits[-1] >= '0' && digits[-1] <= '9')
            digits--;
        if (digits == end || digits == name || digits[-1] != '-')
            return 0;
        numbers++;
        end = digits - 1;
    }
    return numbers == 2 && end > name;
}

static int
by_age(const void *x, const void *y)
{
    const struct aged *a = x, *b = y;
    return a->time < b->time ? -1 : a->time > b->time;
}

/* Those of earlier runs count, too; what is more than there may be goes. */
static void
find_earlier(struct evidence *e)
{
    struct dirent **entries;
    int n = scandir(e->directory, &entries, is_evidence, NULL);
    struct aged *all = xcalloc(n > 0 ? (size_t)n : 1, sizeof *all);
    for (int i = 0; i < n; i++) {
        struct stat is;
        all[i].path = xasprintf("%s/%s", e->directory, entries[i]->d_name);
        all[i].time = stat(all[i].path, &is)
                          ? 0
                          : (nsec_t)is.st_mtim.tv_sec * NSEC_PER_SEC + is.st_mtim.tv_nsec;
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    qsort(all, n > 0 ? (size_t)n : 0, sizeof *all, by_age);
    for (int i = 0; i < n; i++) {
        if (n - i > EVIDENCE_FILES) {
            unlink(all[i].path);
            free(all[i].path);
        } else {
            e->names[e->n_names++] = all[i].path;
        }
    }
    free(all);
}

enum err
evidence_new(const char *directory, struct evidence **out, struct diag *diag)
{
    if (access(directory, W_OK | X_OK))
        return file_fail(diag, directory, errno);
    struct evidence *e = xcalloc(1, sizeof *e);
    e->directory = xstrdup(directory);
    e->ring = xmalloc(EVIDENCE_RING);
    find_earlier(e);
    *out = e;
    return ERR_OK;
}

void
evidence_free(struct evidence *e)
{
    if (!e)
        return;
    for (unsigned i = 0; i < EVIDENCE_FILES; i++)
        free(e->names[i]);
    free(e->name);
    buf_fini(&e->file);
    free(e->ring);
    free(e->directory);
    free(e);
}

/* ---- The ring ---- */

static void
ring_put(struct evidence *e, const void *data, size_t size)
{
    size_t at = e->head % EVIDENCE_RING, first = MIN(size, EVIDENCE_RING - at);
    memcpy(e->ring + at, data, first);
    memcpy(e->ring, (const uint8_t *)data + first, size - first);
    e->head += size;
}

static void
ring_get(const struct evidence *e, size_t from, void *data, size_t size)
{
    size_t at = from % EVIDENCE_RING, first = MIN(size, EVIDENCE_RING - at);
    memcpy(data, e->ring + at, first);
    memcpy((uint8_t *)data + first, e->ring, size - first);
}

void
evidence_frame(struct evidence *e, const struct frame *f)
{
    struct record r = {
        .time = f->time, .size = MIN(f->size, SNAP), .wire = f->wire, .link = f->link};
    while (e->head + sizeof r + r.size - e->tail > EVIDENCE_RING) {
        struct record gone;
        ring_get(e, e->tail, &gone, sizeof gone);
        e->tail += sizeof gone + gone.size;
    }
    ring_put(e, &r, sizeof r);
    ring_put(e, f->data, r.size);
}

/* ---- Files ---- */

static bool
is_of(const struct frame *f, const struct conversation_key *key)
{
    struct layers l;
    struct conversation_key its;
    unsigned way;
    layers_parse(f, &l);
    return conversation_key_of(&l, &its, &way) && !memcmp(&its, key, sizeof its);
}

static void
put_header(struct buf *b)
{
    buf_be32(b, PCAP_NANOSECONDS);
    buf_be16(b, 2);
    buf_be16(b, 4);
    buf_be32(b, 0);
    buf_be32(b, 0);
    buf_be32(b, SNAP);
    buf_be32(b, LINK_ETHERNET);
}

static void
put_frame(struct buf *b, const struct frame *f)
{
    buf_be32(b, (uint32_t)(f->time / NSEC_PER_SEC));
    buf_be32(b, (uint32_t)(f->time % NSEC_PER_SEC));
    buf_be32(b, f->size);
    buf_be32(b, f->wire);
    buf_put(b, f->data, f->size);
}

/* Those of the conversation, the first ones dropped that the file has no room for. */
static void
gather(struct evidence *e, const struct conversation_key *key)
{
    static uint8_t octets[SNAP];
    buf_clear(&e->file);
    put_header(&e->file);
    for (size_t at = e->tail; at < e->head;) {
        struct record r;
        ring_get(e, at, &r, sizeof r);
        ring_get(e, at + sizeof r, octets, r.size);
        at += sizeof r + r.size;
        const struct frame f = {
            .data = octets, .size = r.size, .wire = r.wire, .time = r.time, .link = r.link};
        if (r.link == LINK_ETHERNET && (!key || is_of(&f, key)))
            put_frame(&e->file, &f);
    }
    size_t skip = 24;
    while (e->file.size - skip > EVIDENCE_FILE)
        skip += 16 + get_be32(e->file.data + skip + 8);
    memmove(e->file.data + 24, e->file.data + skip, e->file.size - skip);
    e->file.size -= skip - 24;
}

static void
make_room(struct evidence *e, char *path)
{
    if (e->n_names == EVIDENCE_FILES) {
        unlink(e->names[e->oldest]);
        free(e->names[e->oldest]);
        e->names[e->oldest] = path;
        e->oldest = (e->oldest + 1) % EVIDENCE_FILES;
    } else {
        e->names[e->n_names++] = path;
    }
}

const char *
evidence_keep(struct evidence *e, const char *name, const struct conversation_key *key)
{
    struct diag diag = {""};
    free(e->name);
    e->name = xasprintf("%s.pcap", name);
    char *path = xasprintf("%s/%s", e->directory, e->name);
    gather(e, key);
    if (file_write(path, e->file.data, e->file.size, 0640, false, &diag)) {
        log_warn("evidence is not kept: %s", diag.text);
        free(path);
        return NULL;
    }
    make_room(e, path);
    return e->name;
}

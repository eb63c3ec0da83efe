#include "detect/file_watch.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "proto/it/ftp/ftp.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define EXPECTED 64 /* data connections of FTP */
#define EXPECTED_FOR (60 * NSEC_PER_SEC)
#define BLOCK_SIZE 512u /* of TFTP (RFC 1350) */
#define PROTO_TCP 6

struct file {
    uint64_t serial; /* of its conversation; 0: none */
    unsigned way;
    nsec_t last;
    uint64_t n; /* octets */
    uint32_t block, block_size;
    bool is_stream;                  /* it ends with the connection */
    bool is_data;                    /* a data connection of FTP */
    EVP_MD_CTX *hashes[FEED_HASHES]; /* NULL: the feed has none of them */
};

/* Where data is to go, as an FTP server or client has said. */
struct expected {
    uint8_t address[4];
    uint16_t port;
    nsec_t time;
};

struct file_watch {
    struct watch_config config;
    const struct feed *feed;
    struct file files[FILE_WATCH_FILES];
    struct expected expected[EXPECTED];
    unsigned n_expected;
    struct file_watch_counters counters;
};

static const EVP_MD *
kind_of(unsigned kind)
{
    return kind == FEED_MD5 ? EVP_md5() : kind == FEED_SHA1 ? EVP_sha1() : EVP_sha256();
}

struct file_watch *
file_watch_new(const struct watch_config *config, const struct feed *feed)
{
    struct file_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->feed = feed;
    for (unsigned i = 0; i < FILE_WATCH_FILES; i++) {
        for (unsigned k = 0; k < FEED_HASHES; k++) {
            if (feed_hashes(feed) >> k & 1 && !(w->files[i].hashes[k] = EVP_MD_CTX_new()))
                abort();
        }
    }
    return w;
}

void
file_watch_free(struct file_watch *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < FILE_WATCH_FILES; i++) {
        for (unsigned k = 0; k < FEED_HASHES; k++)
            EVP_MD_CTX_free(w->files[i].hashes[k]);
    }
    free(w);
}

const struct file_watch_counters *
file_watch_counters(const struct file_watch *w)
{
    return &w->counters;
}

/* ---- A file ---- */

static struct file *
find(struct file_watch *w, const struct conversation *c, unsigned way)
{
    for (unsigned i = 0; i < FILE_WATCH_FILES; i++) {
        if (w->files[i].serial == c->serial && w->files[i].way == way && c->serial)
            return &w->files[i];
    }
    return NULL;
}

static void
leave(struct file_watch *w, struct file *f)
{
    w->counters.broken++;
    f->serial = 0;
}

static struct file *
begin(struct file_watch *w, const struct conversation *c, unsigned way, nsec_t now)
{
    struct file *f = find(w, c, way), *oldest = &w->files[0];
    for (unsigned i = 0; !f && i < FILE_WATCH_FILES; i++) {
        bool is_older = w->files[i].serial ? w->files[i].last < oldest->last : oldest->serial;
        oldest = is_older && oldest->serial ? &w->files[i] : oldest;
    }
    f = f ? f : oldest;
    if (f->serial)
        leave(w, f);
    f->serial = c->serial;
    f->way = way;
    f->last = now;
    f->n = f->block = f->block_size = 0;
    f->is_stream = f->is_data = false;
    for (unsigned k = 0; k < FEED_HASHES; k++) {
        if (f->hashes[k] && !EVP_DigestInit_ex(f->hashes[k], kind_of(k), NULL))
            abort();
    }
    return f;
}

static void
add(struct file *f, const uint8_t *octets, size_t size, nsec_t now)
{
    f->last = now;
    f->n += size;
    for (unsigned k = 0; size && k < FEED_HASHES; k++) {
        if (f->hashes[k])
            EVP_DigestUpdate(f->hashes[k], octets, size);
    }
}

static void
end(struct file_watch *w, struct file *f, const struct sight *at)
{
    static const char *const names[FEED_HASHES] = {"MD5", "SHA-1", "SHA-256"};
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size;
    w->counters.files++;
    f->serial = 0;
    for (unsigned k = 0; k < FEED_HASHES; k++) {
        if (!f->hashes[k] || !EVP_DigestFinal_ex(f->hashes[k], hash, &size) ||
            !feed_has_hash(w->feed, (enum feed_hash)k, hash))
            continue;
        char text[2 * EVP_MAX_MD_SIZE + 1];
        hex_format(hash, size, text);
        watch_tell(&w->config, at, "file-known-bad", text, "%s %s, %" PRIu64 " octets", names[k],
                   text, f->n);
        return;
    }
}

/* Block after block; the last is shorter than the others. The first alone says how long they are;
 * below the usual size there is only one. */
static void
take_block(struct file_watch *w, struct file *f, const struct file_part *content,
           const struct sight *at)
{
    if (f && content->block == f->block)
        return; /* it comes again */
    if (content->block == 1) {
        f = begin(w, at->conversation, at->way, at->now);
        f->block_size = (uint32_t)MAX(content->size, BLOCK_SIZE);
    } else if (!f) {
        return; /* its beginning was not heard */
    } else if (content->block != f->block + 1 || content->size > f->block_size) {
        leave(w, f);
        return;
    }
    f->block = content->block;
    add(f, content->octets, content->size, at->now);
    if (content->size < f->block_size)
        end(w, f, at);
}

void
file_watch_content(struct file_watch *w, const struct conversation *c, unsigned way,
                   const struct frame *frame, const struct file_part *content)
{
    const struct sight at = sight_of(c, way, frame, NULL, NULL);
    struct file *f = content->flags & CONTENT_BEGINS ? begin(w, c, way, at.now) : find(w, c, way);
    if (content->block) {
        take_block(w, f, content, &at);
        return;
    }
    if (!f)
        return;
    f->is_stream |= (content->flags & CONTENT_CLOSES) != 0;
    if (content->flags & CONTENT_BROKEN) {
        leave(w, f);
        return;
    }
    add(f, content->octets, content->size, at.now);
    if (content->flags & CONTENT_ENDS)
        end(w, f, &at);
}

/* ---- Data connections of FTP ---- */

void
file_watch_message(struct file_watch *w, const struct conversation *c UNUSED, unsigned way UNUSED,
                   const struct frame *frame, const struct pdu *p)
{
    if (p->protocol != &ftp_protocol)
        return;
    const struct field *address = pdu_field(p, FTP_ADDRESS, 0), *port = pdu_field(p, FTP_PORT, 0);
    if (!address || !port)
        return;
    struct expected *e = &w->expected[w->n_expected++ % EXPECTED];
    *e = (struct expected){.port = (uint16_t)port->u, .time = frame->time};
    put_be32(e->address, (uint32_t)address->u);
}

static bool
is_expected(struct file_watch *w, const struct conversation *c, nsec_t now)
{
    for (unsigned i = 0; i < EXPECTED; i++) {
        struct expected *e = &w->expected[i];
        if (!e->port || now - e->time > EXPECTED_FOR)
            continue;
        for (unsigned end = 0; end < 2; end++) {
            if (c->key.ends[end].port == e->port &&
                !memcmp(c->key.ends[end].address, e->address, sizeof e->address)) {
                e->port = 0;
                return true;
            }
        }
    }
    return false;
}

void
file_watch_data(struct file_watch *w, const struct conversation *c, unsigned way,
                const struct frame *frame, const uint8_t *octets, uint32_t size, uint32_t lost)
{
    const struct sight at = sight_of(c, way, frame, NULL, NULL);
    if (!w->n_expected || c->key.ip != 4 || c->key.proto != PROTO_TCP)
        return;
    struct file *f = find(w, c, way);
    if (!f && c->side_is_seen && is_expected(w, c, at.now)) {
        f = begin(w, c, way, at.now);
        f->is_stream = f->is_data = true;
    }
    if (!f || !f->is_data)
        return;
    if (lost)
        leave(w, f);
    else
        add(f, octets, size, at.now);
}

/* The end of the connection is that of the file. */
void
file_watch_taken(struct file_watch *w, const struct conversation *c, unsigned way,
                 const struct frame *frame, const struct layers *l)
{
    if (l->proto != PROTO_TCP || !(l->tcp_flags & TCP_FIN))
        return;
    struct file *f = find(w, c, way);
    const struct sight at = sight_of(c, way, frame, NULL, NULL);
    if (!f || !f->is_stream)
        return;
    if ((int32_t)(l->tcp_seq + l->size - c->streams[way].next) > 0)
        leave(w, f); /* not all of it has come */
    else
        end(w, f, &at);
}

#include "io/signed_content.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE "tieline-content/1"
#define TRUST_MAX ((size_t)1 << 20)
#define TRUST_KEYS_MAX 2048
#define CHUNK ((size_t)64 << 10)
#define PATH_SIZE 1024 /* of a path in a manifest, with its end */

/* ---- Files ---- */

static enum err
hash_fd(int fd, uint64_t *size, uint8_t hash[CONTENT_HASH_SIZE])
{
    uint8_t *chunk = xcalloc(1, CHUNK);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ssize_t n = -1;
    bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    *size = 0;
    while (good && (n = read(fd, chunk, CHUNK)) > 0) {
        *size += (uint64_t)n;
        good = EVP_DigestUpdate(ctx, chunk, (size_t)n) == 1;
    }
    good = good && !n && EVP_DigestFinal_ex(ctx, hash, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    free(chunk);
    return good ? ERR_OK : ERR_IO;
}

/* Can it stand in a line of a manifest, and does it stay below the directory? */
static bool
is_path(const char *path)
{
    size_t n = strlen(path);
    if (!n || n >= PATH_SIZE || *path == '/' || path[n - 1] == '/' || strstr(path, "//"))
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((uint8_t)path[i] < 0x20 || path[i] == 0x7f)
            return false;
    }
    for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
        size_t length = strcspn(at, "/");
        if ((length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.'))
            return false;
    }
    return true;
}

/* ---- A directory ---- */

struct walk {
    const char *directory;
    struct content *content;
    struct diag *diag;
};

static enum err walk_directory(struct walk *, int fd, const char *path, unsigned depth);

static enum err
take_file(struct walk *w, int fd, const char *path)
{
    struct content *c = w->content;
    if (c->n_files == CONTENT_FILES_MAX)
        return diag_set(w->diag, ERR_LIMIT, "%s: more than %d files", w->directory,
                        CONTENT_FILES_MAX);
    c->files = xrealloc(c->files, c->n_files + 1, sizeof *c->files);
    struct content_file *f = &c->files[c->n_files];
    if (hash_fd(fd, &f->size, f->hash))
        return diag_set(w->diag, ERR_IO, "%s/%s: it cannot be read", w->directory, path);
    f->path = xstrdup(path);
    c->n_files++;
    return ERR_OK;
}

/* A link is not followed: what it leads to is elsewhere. */
static enum err
take_entry(struct walk *w, int parent, const char *name, const char *path, unsigned depth)
{
    struct stat st;
    if (!is_path(path))
        return diag_set(w->diag, ERR_INVALID, "%s: it has a file whose name cannot be written down",
                        w->directory);
    int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno != ELOOP && errno != ENXIO)
        return diag_set(w->diag, ERR_IO, "%s/%s: %s", w->directory, path, strerror(errno));
    enum err err;
    if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
        err = take_file(w, fd, path);
    else if (fd >= 0 && !fstat(fd, &st) && S_ISDIR(st.st_mode))
        err = walk_directory(w, fd, path, depth + 1);
    else
        err = diag_set(w->diag, ERR_INVALID, "%s/%s: neither a file nor a directory", w->directory,
                       path);
    if (fd >= 0)
        close(fd);
    return err;
}

/* `fd` stays the caller's. `path` is "" at the top. */
static enum err
walk_directory(struct walk *w, int fd, const char *path, unsigned depth)
{
    if (depth > CONTENT_DEPTH_MAX)
        return diag_set(w->diag, ERR_LIMIT, "%s/%s: more than %d directories deep", w->directory,
                        path, CONTENT_DEPTH_MAX);
    int own = dup(fd);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    struct dirent *entry;
    enum err err = ERR_OK;
    if (!dir) {
        if (own >= 0)
            close(own);
        return diag_set(w->diag, ERR_IO, "%s/%s: %s", w->directory, path, strerror(errno));
    }
    while (!err && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (!strcmp(name, ".") || !strcmp(name, "..") ||
            (!*path && !strcmp(name, CONTENT_MANIFEST)))
            continue;
        char *below = xasprintf("%s%s%s", path, *path ? "/" : "", name);
        err = take_entry(w, fd, name, below, depth);
        free(below);
    }
    closedir(dir);
    return err;
}

static int
by_path(const void *a, const void *b)
{
    const struct content_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

enum err
content_describe(const char *directory, struct content *c, struct diag *diag)
{
    struct content own = {.n_files = 0};
    struct walk walk = {directory, &own, diag};
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return diag_set(diag, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", directory,
                        strerror(errno));
    enum err err = walk_directory(&walk, fd, "", 0);
    close(fd);
    if (err) {
        content_fini(&own);
        return err;
    }
    if (own.n_files)
        qsort(own.files, own.n_files, sizeof *own.files, by_path);
    *c = own;
    return ERR_OK;
}

void
content_fini(struct content *c)
{
    for (size_t i = 0; i < c->n_files; i++)
        free(c->files[i].path);
    free(c->files);
    *c = (struct content){.n_files = 0};
}

/* ---- Whom to trust ---- */

struct content_trust {
    size_t n_keys;
    struct {
        char name[NOTE_NAME_MAX + 1];
        EVP_PKEY *key;
    } keys[TRUST_KEYS_MAX];
};

static enum err
take_key(struct content_trust *t, const char *line, size_t length, struct diag *diag)
{
    while (length && (line[length - 1] == '\r' || line[length - 1] == ' '))
        length--;
    if (!length || *line == '#')
        return ERR_OK;
    if (t->n_keys == TRUST_KEYS_MAX)
        return diag_set(diag, ERR_LIMIT, "more than %d keys", TRUST_KEYS_MAX);
    enum err err = note_verifier(line, length, t->keys[t->n_keys].name, &t->keys[t->n_keys].key,
                                 diag);
    t->n_keys += !err;
    return err;
}

enum err
content_trust_parse(const char *text, size_t size, struct content_trust **result, struct diag *diag)
{
    struct content_trust *t = xcalloc(1, sizeof *t);
    const char *at = text, *end = text + size;
    enum err err = ERR_OK;
    for (unsigned number = 1; at < end && !err; number++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end ? line_end : end;
        err = take_key(t, at, (size_t)(line_end - at), diag);
        if (err)
            diag_prefix(diag, "line %u", number);
        at = line_end + 1;
    }
    if (!err && !t->n_keys)
        err = diag_set(diag, ERR_MALFORMED, "there is no key in it");
    if (err) {
        content_trust_free(t);
        return err;
    }
    *result = t;
    return ERR_OK;
}

enum err
content_trust_read(const char *path, struct content_trust **t, struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = file_read(path, TRUST_MAX, &text, diag);
    if (!err) {
        err = content_trust_parse((const char *)text.data, text.size, t, diag);
        if (err)
            diag_prefix(diag, "%s", path);
    }
    buf_fini(&text);
    return err;
}

void
content_trust_free(struct content_trust *t)
{
    for (size_t i = 0; t && i < t->n_keys; i++)
        EVP_PKEY_free(t->keys[i].key);
    free(t);
}

size_t
content_trust_size(const struct content_trust *t)
{
    return t->n_keys;
}

const char *
content_trust_name(const struct content_trust *t, size_t i)
{
    return t->keys[i].name;
}

EVP_PKEY *
content_trust_key(const struct content_trust *t, size_t i)
{
    return t->keys[i].key;
}

/* ---- Writing a manifest ---- */

static bool
is_word(const char *text)
{
    size_t n = strlen(text);
    bool good = n && n <= CONTENT_WORD_MAX;
    for (size_t i = 0; i < n && good; i++)
        good = (uint8_t)text[i] > ' ' && (uint8_t)text[i] < 0x7f;
    return good;
}

static void
put_text(const struct content *c, struct buf *out)
{
    char time[TIME_TEXT_SIZE];
    buf_printf(out, FIRST_LINE "\nname %s\nversion %s\nrelease %llu\n", c->name, c->version,
               (unsigned long long)c->release);
    if (c->not_after)
        buf_printf(out, "not-after %s\n", time_format(c->not_after, time));
    buf_printf(out, "files %zu\n", c->n_files);
    for (size_t i = 0; i < c->n_files; i++) {
        hex_put(out, c->files[i].hash, CONTENT_HASH_SIZE);
        buf_printf(out, " %llu %s\n", (unsigned long long)c->files[i].size, c->files[i].path);
    }
}

enum err
content_sign(const struct content *c, const char *signer, EVP_PKEY *secret, struct buf *note,
             struct diag *diag)
{
    struct buf text = BUF_INIT;
    if (!is_word(c->name) || !is_word(c->version))
        return diag_set(diag, ERR_INVALID, "name and version have 1 to %d characters, no spaces",
                        CONTENT_WORD_MAX);
    put_text(c, &text);
    enum err err = text.size > CONTENT_MANIFEST_MAX / 2
                       ? diag_set(diag, ERR_LIMIT, "the manifest is too large")
                       : note_sign(note, (const char *)text.data, text.size, signer, secret, diag);
    buf_fini(&text);
    return err;
}

/* ---- Reading one ---- */

struct lines {
    const char *at, *end;
    unsigned number; /* of the last line */
    char text[PATH_SIZE + 128];
};

/* The next line as a text. False: there is none, or it is too long. */
static bool
next_line(struct lines *l)
{
    const char *line_end = l->at < l->end ? memchr(l->at, '\n', (size_t)(l->end - l->at)) : NULL;
    size_t length = line_end ? (size_t)(line_end - l->at) : 0;
    l->number++;
    if (!line_end || length >= sizeof l->text || memchr(l->at, 0, length))
        return false;
    memcpy(l->text, l->at, length);
    l->text[length] = 0;
    l->at = line_end + 1;
    return true;
}

/* What comes behind "KEY ". NULL: it is another line. */
static const char *
value_of(const struct lines *l, const char *key)
{
    size_t n = strlen(key);
    return !strncmp(l->text, key, n) && l->text[n] == ' ' ? l->text + n + 1 : NULL;
}

/* Digits up to `stop`, without a zero in front. */
static bool
read_number(const char **at, char stop, uint64_t *number)
{
    const char *p = *at;
    size_t digits = strspn(p, "0123456789");
    if (!digits || digits > 19 || (digits > 1 && *p == '0') || p[digits] != stop)
        return false;
    *number = strtoull(p, NULL, 10);
    *at = p + digits + (stop ? 1 : 0);
    return true;
}

static bool
read_word(const char *text, char word[CONTENT_WORD_MAX + 1])
{
    if (!text || !is_word(text))
        return false;
    memcpy(word, text, strlen(text) + 1);
    return true;
}

static int
digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_entry(const char *text, struct content_file *f)
{
    for (size_t i = 0; i < CONTENT_HASH_SIZE; i++) {
        int high = digit_of(text[2 * i]), low = high < 0 ? -1 : digit_of(text[2 * i + 1]);
        if (low < 0)
            return false;
        f->hash[i] = (uint8_t)(high << 4 | low);
    }
    text += 2 * (size_t)CONTENT_HASH_SIZE;
    if (*text++ != ' ' || !read_number(&text, ' ', &f->size) || !is_path(text))
        return false;
    f->path = xstrdup(text);
    return true;
}

static bool
read_head(struct lines *l, struct content *c, uint64_t *n_files)
{
    const char *value;
    if (!next_line(l) || strcmp(l->text, FIRST_LINE) != 0)
        return false;
    if (!next_line(l) || !read_word(value_of(l, "name"), c->name))
        return false;
    if (!next_line(l) || !read_word(value_of(l, "version"), c->version))
        return false;
    if (!next_line(l) || !(value = value_of(l, "release")) || !read_number(&value, 0, &c->release))
        return false;
    if (!next_line(l))
        return false;
    value = value_of(l, "not-after");
    if (value && (time_parse(value, &c->not_after) || c->not_after <= 0 || !next_line(l)))
        return false;
    return (value = value_of(l, "files")) && read_number(&value, 0, n_files) &&
           *n_files <= CONTENT_FILES_MAX;
}

static enum err
read_text(const char *text, size_t size, struct content *c, struct diag *diag)
{
    struct lines lines = {.at = text, .end = text + size};
    uint64_t n_files = 0;
    bool good = read_head(&lines, c, &n_files);
    if (good)
        c->files = xcalloc(n_files + 1, sizeof *c->files);
    while (good && c->n_files < n_files) {
        good = next_line(&lines) && read_entry(lines.text, &c->files[c->n_files]);
        if (good && c->n_files++)
            good = strcmp(c->files[c->n_files - 2].path, c->files[c->n_files - 1].path) < 0;
    }
    if (good && lines.at == lines.end)
        return ERR_OK;
    return diag_set(diag, ERR_MALFORMED, "line %u of the manifest is not as it should be",
                    lines.number + good);
}

enum err
content_open(const char *note, size_t size, const struct content_trust *trust, struct content *c,
             struct diag *diag)
{
    struct content own = {.n_files = 0};
    size_t text_size = size <= CONTENT_MANIFEST_MAX ? note_text_size(note, size) : 0;
    if (!text_size)
        return diag_set(diag, ERR_MALFORMED, "the manifest is not a signed note");
    for (size_t i = 0; i < trust->n_keys && !*own.signer; i++) {
        if (note_is_signed(note, size, text_size, trust->keys[i].name, trust->keys[i].key))
            memcpy(own.signer, trust->keys[i].name, sizeof own.signer);
    }
    if (!*own.signer)
        return diag_set(diag, ERR_DENIED, "nobody who is trusted has signed the manifest");
    enum err err = read_text(note, text_size, &own, diag);
    if (err) {
        content_fini(&own);
        return err;
    }
    *c = own;
    return ERR_OK;
}

/* ---- Judging ---- */

enum err
content_check(const struct content *c, const struct content_wanted *wanted, struct diag *diag)
{
    char time[TIME_TEXT_SIZE];
    if (wanted->name && strcmp(wanted->name, c->name) != 0)
        return diag_set(diag, ERR_CONFLICT, "the manifest is of %s, not of %s", c->name,
                        wanted->name);
    if (c->release < wanted->release)
        return diag_set(diag, ERR_CONFLICT, "release %llu is older than %llu, which was there",
                        (unsigned long long)c->release, (unsigned long long)wanted->release);
    if (c->not_after && wanted->now > c->not_after)
        return diag_set(diag, ERR_DENIED, "the manifest has ended at %s",
                        time_format(c->not_after, time));
    return ERR_OK;
}

enum err
content_read(const char *directory, const struct content_trust *trust,
             const struct content_wanted *wanted, struct content *c, struct diag *diag)
{
    struct buf note = BUF_INIT;
    char *path = xasprintf("%s/" CONTENT_MANIFEST, directory);
    enum err err = file_read(path, CONTENT_MANIFEST_MAX, &note, diag);
    if (err == ERR_NOT_FOUND)
        err = diag_set(diag, ERR_DENIED, "%s: there is no " CONTENT_MANIFEST, directory);
    if (!err) {
        err = content_open((const char *)note.data, note.size, trust, c, diag);
        if (!err && (err = content_check(c, wanted, diag)))
            content_fini(c);
        if (err)
            diag_prefix(diag, "%s", path);
    }
    buf_fini(&note);
    free(path);
    return err;
}

static enum err
compare_file(const struct content_file *signed_file, uint64_t size, const uint8_t *hash,
             struct diag *diag)
{
    if (size != signed_file->size)
        return diag_set(diag, ERR_DENIED, "%s: it has %llu octets, %llu were signed",
                        signed_file->path, (unsigned long long)size,
                        (unsigned long long)signed_file->size);
    if (memcmp(hash, signed_file->hash, CONTENT_HASH_SIZE) != 0)
        return diag_set(diag, ERR_DENIED, "%s: it is not what was signed", signed_file->path);
    return ERR_OK;
}

/* Both are ordered by path. */
static enum err
compare(const struct content *c, const struct content *there, struct diag *diag)
{
    size_t i = 0, k = 0;
    enum err err = ERR_OK;
    while (!err && (i < c->n_files || k < there->n_files)) {
        int order = i == c->n_files       ? 1
                    : k == there->n_files ? -1
                                          : strcmp(c->files[i].path, there->files[k].path);
        if (order < 0)
            err = diag_set(diag, ERR_DENIED, "%s: it is missing", c->files[i].path);
        else if (order > 0)
            err = diag_set(diag, ERR_DENIED, "%s: the manifest does not name it",
                           there->files[k].path);
        else
            err = compare_file(&c->files[i++], there->files[k].size, there->files[k].hash, diag);
        k += !order;
    }
    return err;
}

enum err
content_verify(const char *directory, const struct content_trust *trust,
               const struct content_wanted *wanted, struct content *result, struct diag *diag)
{
    struct content c, there = {.n_files = 0};
    enum err err = content_read(directory, trust, wanted, &c, diag);
    if (err)
        return err;
    err = content_describe(directory, &there, diag);
    if (!err && (err = compare(&c, &there, diag)))
        diag_prefix(diag, "%s", directory);
    content_fini(&there);
    if (err || !result)
        content_fini(&c);
    else
        *result = c;
    return err;
}

enum err
content_check_file(const struct content *c, const char *path, int fd, struct diag *diag)
{
    const struct content_file key = {.path = (char *)path};
    const struct content_file *f =
        c->n_files ? bsearch(&key, c->files, c->n_files, sizeof *c->files, by_path) : NULL;
    uint64_t size;
    uint8_t hash[CONTENT_HASH_SIZE];
    if (!f)
        return diag_set(diag, ERR_DENIED, "%s: the manifest does not name it", path);
    if (hash_fd(fd, &size, hash))
        return diag_set(diag, ERR_IO, "%s: it cannot be read", path);
    return compare_file(f, size, hash, diag);
}

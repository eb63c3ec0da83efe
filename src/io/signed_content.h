/* signed_content.h - a directory of files that somebody vouches for: software, packages, YANG
 * modules, workflows. Beside the files is a manifest, a signed note (signed_note.h) of this text:
 *
 *     tieline-content/1
 *     name tieline-workflows             what it is
 *     version 0.1.0+353.gd051a653d7b9    for people
 *     release 353                        only grows: an older one is refused where a newer was
 *     not-after 2027-01-01T00:00:00Z     may be missing
 *     files 2
 *     HASH SIZE circuit/teardown.yaml    SHA-256 in hexadecimal, octets; ordered by path
 *     HASH SIZE drift-repair.yaml
 *
 * Whom to trust is a file with a verifier's key on each line (note_verifier()); lines that begin
 * with '#' and empty ones do not count. A change of keys is two lines for a while.
 *
 * A directory is verified as a whole: a file that is missing, is not named, has changed, or is
 * neither a file nor a directory refuses all of it. That it does not change between being verified
 * and being read is up to who may write there. */
#ifndef IO_SIGNED_CONTENT_H
#define IO_SIGNED_CONTENT_H

#include "base/time.h"
#include "io/signed_note.h"

#define CONTENT_MANIFEST "tieline.manifest" /* its name in the directory */
#define CONTENT_MANIFEST_MAX ((size_t)2 << 20)
#define CONTENT_FILES_MAX 4096
#define CONTENT_DEPTH_MAX 16
#define CONTENT_WORD_MAX 95 /* octets of a name or version */
#define CONTENT_HASH_SIZE 32

struct content_file {
    char *path; /* relative to the directory */
    uint64_t size;
    uint8_t hash[CONTENT_HASH_SIZE];
};

struct content {
    char name[CONTENT_WORD_MAX + 1], version[CONTENT_WORD_MAX + 1];
    uint64_t release;
    nsec_t not_after;               /* wall clock; 0: for ever */
    char signer[NOTE_NAME_MAX + 1]; /* who vouches for it, when it was opened */
    struct content_file *files;     /* ordered by path, none twice */
    size_t n_files;
};

struct content_trust; /* Opaque: names and keys. */

/* ERR_MALFORMED: a line is no key, with its number; or there is no key. */
MUST_CHECK enum err content_trust_parse(const char *text, size_t size, struct content_trust **,
                                        struct diag *);
/* From a file. Also ERR_IO, ERR_NOT_FOUND, ERR_LIMIT. */
MUST_CHECK enum err content_trust_read(const char *path, struct content_trust **, struct diag *);
void content_trust_free(struct content_trust *); /* NULL is fine. */
/* What is in it, in the order of the lines: whose key, and the key, which stays the trust's. A name
 * may have several. */
size_t content_trust_size(const struct content_trust *);
const char *content_trust_name(const struct content_trust *, size_t i);
EVP_PKEY *content_trust_key(const struct content_trust *, size_t i);

/* What is in a directory; its manifest is left out. Name and so on are the caller's to fill in.
 * ERR_INVALID: something that is neither a file nor a directory, or a path that cannot be written
 * down; ERR_LIMIT: too many files, or too deep; ERR_IO; ERR_NOT_FOUND. content_fini() it. */
MUST_CHECK enum err content_describe(const char *directory, struct content *, struct diag *);
void content_fini(struct content *);

/* Appends the manifest. ERR_INVALID: name, version or signer are not words without spaces. */
MUST_CHECK enum err content_sign(const struct content *, const char *signer, EVP_PKEY *secret,
                                 struct buf *note, struct diag *);
/* Reads a manifest. ERR_MALFORMED: it is none, and which line; ERR_DENIED: nobody who is trusted
 * has signed it. content_fini() it. */
MUST_CHECK enum err content_open(const char *note, size_t size, const struct content_trust *,
                                 struct content *, struct diag *);

/* What is asked of it. */
struct content_wanted {
    const char *name; /* what it must be; NULL: anything */
    uint64_t release; /* the least that is taken; 0: any */
    nsec_t now;       /* wall clock */
};

/* Is it what is wanted, and not past its time? ERR_CONFLICT: it is something else; it is older;
 * ERR_DENIED: past. */
MUST_CHECK enum err content_check(const struct content *, const struct content_wanted *,
                                  struct diag *);
/* Reads the manifest of a directory. ERR_DENIED: there is none, too. */
MUST_CHECK enum err content_read(const char *directory, const struct content_trust *,
                                 const struct content_wanted *, struct content *, struct diag *);
/* ... and verifies each file. ERR_DENIED: which file, and why. `content` may be NULL. */
MUST_CHECK enum err content_verify(const char *directory, const struct content_trust *,
                                   const struct content_wanted *, struct content *, struct diag *);

/* Verifies one file of it that is open, by the name it has there. The offset is moved. ERR_DENIED:
 * it is not named, or is another. */
MUST_CHECK enum err content_check_file(const struct content *, const char *path, int fd,
                                       struct diag *);

#endif

/* cursor.h - reads untrusted bytes: bounds-checked, and its first error sticks.
 *
 * Read straight through and check once at the end: after an error every read returns zero (or NULL)
 * and nothing moves. `what` names the field being read and is kept with the error, so that it can
 * be said which field at which offset was wrong. It must be a string that outlives the cursor. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/attr.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *start, *pos, *end;
    size_t base;       /* offset of `start` in the message this is a part of */
    enum err err;      /* the first error, ERR_OK before it */
    const char *field; /* the field that was being read at that error */
    size_t offset;     /* where in the message it was */
};

static inline struct cursor
cursor_over(const void *data, size_t size)
{
    /* Of nothing at NULL too a pointer may move on by 0 octets. */
    const uint8_t *p = data ? data : (const uint8_t *)"";
    return (struct cursor){.start = p, .pos = p, .end = data ? p + size : p};
}

/* Octets left to read; 0 once anything failed. */
static inline size_t
cursor_left(const struct cursor *c)
{
    return c->err ? 0 : (size_t)(c->end - c->pos);
}

/* Offset of the next octet in the whole message. */
static inline size_t
cursor_offset(const struct cursor *c)
{
    return c->base + (size_t)(c->pos - c->start);
}

/* Keeps the first error; later ones are its consequences. */
COLD void cursor_fail(struct cursor *, enum err, const char *what);

static inline const uint8_t *
cursor_bytes(struct cursor *c, size_t size, const char *what)
{
    if (c->err || size > (size_t)(c->end - c->pos)) {
        cursor_fail(c, ERR_TRUNCATED, what);
        return NULL;
    }
    const uint8_t *p = c->pos;
    c->pos += size;
    return p;
}

static inline void
cursor_skip(struct cursor *c, size_t size, const char *what)
{
    (void)cursor_bytes(c, size, what);
}

static inline void
cursor_copy(struct cursor *c, void *to, size_t size, const char *what)
{
    const uint8_t *p = cursor_bytes(c, size, what);
    if (p && size)
        memcpy(to, p, size);
    else if (size)
        memset(to, 0, size);
}

static inline uint8_t
cursor_u8(struct cursor *c, const char *what)
{
    const uint8_t *p = cursor_bytes(c, 1, what);
    return p ? *p : 0;
}

static inline uint16_t
cursor_be16(struct cursor *c, const char *what)
{
    const uint8_t *p = cursor_bytes(c, 2, what);
    return p ? get_be16(p) : 0;
}

static inline uint32_t
cursor_be24(struct cursor *c, const char *what)
{
    const uint8_t *p = cursor_bytes(c, 3, what);
    return p ? get_be24(p) : 0;
}

static inline uint32_t
cursor_be32(struct cursor *c, const char *what)
{
    const uint8_t *p = cursor_bytes(c, 4, what);
    return p ? get_be32(p) : 0;
}

static inline uint64_t
cursor_be64(struct cursor *c, const char *what)
{
    const uint8_t *p = cursor_bytes(c, 8, what);
    return p ? get_be64(p) : 0;
}

/* The least significant octet first, as field devices write. */
static inline uint16_t
cursor_le16(struct cursor *c, const char *what)
{
    const uint8_t *p = cursor_bytes(c, 2, what);
    return p ? get_le16(p) : 0;
}

static inline uint32_t
cursor_le24(struct cursor *c, const char *what)
{
    const uint8_t *p = cursor_bytes(c, 3, what);
    return p ? get_le24(p) : 0;
}

static inline uint32_t
cursor_le32(struct cursor *c, const char *what)
{
    const uint8_t *p = cursor_bytes(c, 4, what);
    return p ? get_le32(p) : 0;
}

static inline uint64_t
cursor_le64(struct cursor *c, const char *what)
{
    const uint8_t *p = cursor_bytes(c, 8, what);
    return p ? get_le64(p) : 0;
}

/* The next `size` octets as a cursor of their own, which cannot leave them. The parent moves past
 * them at once. If they are not there, both have failed. */
static inline struct cursor
cursor_split(struct cursor *c, size_t size, const char *what)
{
    size_t offset = cursor_offset(c);
    const uint8_t *p = cursor_bytes(c, size, what);
    if (p)
        return (struct cursor){.start = p, .pos = p, .end = p + size, .base = offset};
    struct cursor none = cursor_over(NULL, 0);
    none.base = offset;
    cursor_fail(&none, c->err, what);
    return none;
}

/* Takes over the part's error, if it has one; with none, what is left unread in it is an error. */
static inline void
cursor_join(struct cursor *c, const struct cursor *part)
{
    if (c->err)
        return;
    if (part->err) {
        c->err = part->err;
        c->field = part->field;
        c->offset = part->offset;
    } else if (part->pos != part->end) {
        c->err = ERR_MALFORMED;
        c->field = "trailing octets";
        c->offset = cursor_offset(part);
    }
}

/* Says what the cursor's error is: "OXM length at offset 56: truncated input". Returns the error.
 */
enum err cursor_explain(const struct cursor *, struct diag *);

#endif

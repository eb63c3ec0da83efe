/* finding.h - what a check or an import found: how bad, which object, where it was written, in
 * words. */
#ifndef MODEL_FINDING_H
#define MODEL_FINDING_H

#include "base/attr.h"
#include "base/buf.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>

enum severity {
    SEVERITY_ERROR,   /* it cannot stay so */
    SEVERITY_WARNING, /* it works, but is probably not what was meant */
    SEVERITY_INFO,    /* good to know */
    SEVERITY_MAX
};

const char *severity_word(enum severity); /* "error"; static */

struct finding {
    enum severity severity;
    const char *code; /* stable, for programs: "port-occupied"; static */
    const char *kind; /* of the object: "host", "link", "ied"; static */
    char *object;     /* its name; "" if it is about no single one */
    char *field;      /* NULL: the object as a whole */
    char *file;       /* NULL: it comes from no file */
    uint32_t line;    /* from 1; 0: not known */
    uint32_t column;  /* from 1, in characters; 0: not known */
    char *text;       /* a sentence without the object's name */
};

/* At most FINDINGS_MAX are kept; beyond that each new one replaces the last, and all are counted.
 * Zero-initialised, it is empty. */
#define FINDINGS_MAX 10000

struct findings {
    struct finding *items;
    size_t n, capacity;
    size_t counts[SEVERITY_MAX]; /* those left out included */
};

void findings_fini(struct findings *); /* empty again */

/* Adds one. The result is to set `file`, `line` and `column` in, and valid until the next is added.
 */
struct finding *findings_add(struct findings *, enum severity, const char *code, const char *kind,
                             const char *object, const char *field, const char *format, ...)
    PRINTF_LIKE(7, 8) __attribute__((returns_nonnull));

/* Where something was written: "hosts.csv:7:12: ", as much of it as is known; nothing without a
 * file. In JSON the members file, line and column. */
void place_to_text(const char *file, uint32_t line, uint32_t column, struct buf *);
void place_to_json(const char *file, uint32_t line, uint32_t column, json_t *);
/* Sets a member, unless the text is NULL or empty. */
void set_json_text(json_t *, const char *name, const char *text);

/* [{"severity", "code", "kind", "object", "field", "file", "line", "column", "text"}]; what is not
 * known is left out. */
json_t *findings_to_json(const struct findings *);
json_t *finding_to_json(const struct finding *);
/* One line each: "inventory/hosts.csv:7:12: error: host rtu-a: port: ... [port-occupied]". */
void findings_to_text(const struct findings *, struct buf *);
void finding_to_text(const struct finding *, struct buf *);
/* One number for the finding, the place apart: whether it was there before. */
uint64_t finding_identity(const struct finding *);

#endif

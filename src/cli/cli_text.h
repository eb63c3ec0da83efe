/* cli_text.h - values as people read them. Pure.
 *
 * What comes from a server or a file is never written to a terminal as it is: control characters,
 * and the characters that turn the direction of writing, are spelled out, so that no name can move
 * the cursor or hide what it says. */
#ifndef CLI_CLI_TEXT_H
#define CLI_CLI_TEXT_H

#include "base/buf.h"
#include "base/time.h"

#include <jansson.h>

/* Appends text (UTF-8) with all such characters as \x1b or \u202e, and octets that are no UTF-8 as
 * \xNN. Line feeds too, unless `lines`. */
void text_put(struct buf *, const char *text, bool lines);
/* The same for a JSON document, which stays the same document: they become \uNNNN. */
void text_put_json(struct buf *, const char *text, size_t size);
/* How many columns of a terminal the text takes. */
size_t text_width(const char *text);

/* "2026-03-01 09:00:00" in the zone of this machine; with `utc` "2026-03-01 08:00:00Z". What is no
 * time is appended as it is. */
void text_put_time(struct buf *, const char *rfc3339, bool utc);
void text_put_clock(struct buf *, nsec_t wall, bool utc); /* the same of a time */
/* "850 ns", "56.2 us", "4.25 ms", "1.5 s", "2 min 5 s", "3 h 20 min", "2 d 4 h". */
void text_put_duration(struct buf *, nsec_t);
/* "64 kbit/s", "1.5 Mbit/s", "10 Gbit/s". */
void text_put_rate(struct buf *, uint64_t kbps);

/* How a member of a document is shown. */
enum text_form {
    AS_TEXT, /* any scalar; an array as its elements with commas */
    AS_TIME,
    AS_NSEC, /* nanoseconds as a duration */
    AS_USEC,
    AS_KBPS,
    AS_PATH, /* an array as "a > b > c" */
    AS_YES,  /* a boolean as yes or no */
    AS_HASH, /* the first 16 characters */
};

/* Appends a value; nothing for NULL and null. */
void text_put_value(struct buf *, const json_t *, enum text_form, bool utc);
/* The member at "status.design.primary.links"; NULL: there is none. Alternatives are separated by
 * '|', the first that is there counts. */
const json_t *text_member(const json_t *, const char *path);
/* The text of such a member; "" if it is none. */
const char *text_of(const json_t *, const char *path);

#endif

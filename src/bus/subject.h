/* subject.h - subjects of the bus and patterns over them, by the rules of NATS. Pure.
 *
 * A subject is tokens with dots in between: "site.sub-a.circuit.built". A token has at least one
 * octet, and no white space, control characters, dots, '*' or '>'. In a pattern a token may be '*',
 * which is any one token, and the last may be '>', which is one or more. Letter case matters.
 * (https://docs.nats.io/nats-concepts/subjects; of what that allows but warns of, '*' and '>'
 * inside a token are refused here.) */
#ifndef BUS_SUBJECT_H
#define BUS_SUBJECT_H

#include <stdbool.h>

#define SUBJECT_MAX 255 /* octets */

bool subject_is_valid(const char *subject);
bool subject_is_pattern(const char *pattern); /* every valid subject is one */

/* Starts with '_' or '$': for the bus itself (replies) and for brokers. */
bool subject_is_reserved(const char *subject_or_pattern);

/* Both must be valid. */
bool subject_matches(const char *pattern, const char *subject);

#endif

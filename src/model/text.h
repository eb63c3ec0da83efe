/* text.h - the rules for names and other text in the model, as schema/tieline-types.yang states
 * them, and the word to suggest when somebody misspelt one. */
#ifndef MODEL_TEXT_H
#define MODEL_TEXT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_LENGTH 63
#define TEXT_MAX_LENGTH 255 /* in characters, not octets */

/* 1 to 63 letters, digits, dots, underscores and hyphens, beginning with a letter or digit. */
bool name_is_valid(const char *);
/* One line of 1 to 255 characters, valid UTF-8 without control characters. */
bool text_is_valid(const char *);

/* Makes a text safe to print and to put into JSON: each octet of a control character, and each that
 * is not UTF-8 (because a message was cut), becomes a question mark. Returns it. */
char *text_make_printable(char *);

/* Turns any text into a valid name: runs of other characters become one hyphen; what is too long is
 * cut and told apart by a hash of all of it. `name` holds NAME_MAX_LENGTH + 1 octets. Returns it.
 */
char *name_from_text(const char *text, char *name);

/* The candidate that `word` was probably meant to be: the one with the fewest letters to insert,
 * drop, change or swap, if these are at most a third of it. NULL: none is near. */
const char *nearest_word(const char *word, const char *const *candidates, size_t n);

/* Order of names for listings: numbers inside count as numbers, so p2 comes before p10. Names that
 * are different are never equal. */
int name_compare(const char *, const char *);

#endif

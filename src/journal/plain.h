/* plain.h - recognises the JSON that programs write, fast.
 *
 * jansson takes 11 us to parse and throw away a body of 512 octets: more than all else that an
 * append costs. Nearly all bodies are plain: ASCII without escapes, numbers of usual size, objects
 * of few keys. Those are recognised here in a tenth of the time; anything else is left to jansson,
 * whose rules are the only ones. */
#ifndef JOURNAL_PLAIN_H
#define JOURNAL_PLAIN_H

#include <stdbool.h>

/* True: one JSON object in which no object has a key twice. False: it may be one all the same. */
bool plain_json_object(const char *text);

#endif

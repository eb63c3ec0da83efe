/* nats_wire.h - the bus's messages as a broker carries them. Pure.
 *
 * A message or a request is its payload as compact JSON, any value. An answer, which is what goes
 * to an inbox, is an object with exactly one of two shapes:
 *
 *     {"result": VALUE}
 *     {"error": "ERR_CONFLICT", "text": "in words"}
 *
 * What arrives may come from anybody who can reach the broker: it is parsed strictly and within
 * bounds (io/jsontext.h). */
#ifndef BUS_NATS_WIRE_H
#define BUS_NATS_WIRE_H

#include "base/buf.h"
#include "bus/bus_driver.h"

#include <stdbool.h>

/* Appends the text of the letter's payload, or of its error. ERR_LIMIT: the buffer's; ERR_INVALID:
 * JSON cannot say it. On error the buffer is as it was. */
MUST_CHECK enum err nats_wire_put(struct buf *, const struct bus_letter *, bool is_answer);

/* Sets payload, err and text of the letter and leaves its other members alone. All borrow from
 * *owner, to be released with json_decref(). ERR_MALFORMED, ERR_LIMIT: as jsontext_parse(), or not
 * one of the shapes above; nothing was set. */
MUST_CHECK enum err nats_wire_take(const char *data, size_t size, bool is_answer,
                                   struct bus_letter *, json_t **owner, struct diag *);

/* Takes the prefix off what arrived. NULL: it has another one, or what is left is no subject. */
const char *nats_wire_subject(const char *arrived, const char *prefix);

/* May the answer to a request with this subject (its prefix taken off) go there? It must be an
 * inbox; and when the subject says that it is from a site ("from.SITE..."), one of that site. */
bool nats_wire_may_answer(const char *subject, const char *reply_to);

#endif

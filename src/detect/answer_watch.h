/* answer_watch.h - whether answers are those to what was asked: Modbus (by transaction, unit and
 * function), DNP3 (by the application's sequence number and the link addresses), IEC 60870-5-104
 * (confirmations of what was activated). Somebody who answers in an outstation's place answers what
 * nobody asked, or a second time, or something else; or comes from elsewhere (of UDP: from another
 * MAC address, or with another TTL; of TCP tcp_watch.h tells that).
 *
 * Who repeats a request may get an answer to each, and DNP3 repeats an answer until it is
 * confirmed. Nothing is told of a conversation before an answer fitted, nor after octets of it were
 * missing until one fits again: a capture may have one side only. Of datagrams nobody knows whether
 * some were missing: what answers none that was heard is told when it happens twice within a
 * minute.
 *
 * What comes unasked may only come from who was spoken to before: of DNP3, events of an outstation
 * that nobody ever asked anything, when others have been asked for a minute; who told events in
 * that minute is known, as it may have been asked before. Of -104, data in a connection that was
 * heard from its beginning, and nobody started (STARTDT). */
#ifndef DETECT_ANSWER_WATCH_H
#define DETECT_ANSWER_WATCH_H

#include "detect/watch.h"

struct answer_watch; /* Opaque. */

struct answer_watch *answer_watch_new(const struct watch_config *); /* never NULL */
void answer_watch_free(struct answer_watch *);                      /* NULL is fine */
void answer_watch_message(struct answer_watch *, const struct sight *);

#endif

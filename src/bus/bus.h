/* bus.h - publish, subscribe and request: how services meet that never include each other.
 *
 * One interface, two drivers: local.h within one program; nats.h between programs and sites.
 * What holds for all of them (bus_conformance.h tests it):
 *
 * - A message has a subject (subject.h) and a payload, any JSON value. The payload is shared
 * between its receivers: whoever gets it must not change it. Keep it below 1 MiB as text; a driver
 * that sends it somewhere may refuse more.
 * - Delivery is at most once, to those who had subscribed before it was published. What must not be
 *   lost is an event in the journal; the bus only says that it is there.
 * - Delivery comes from the loop, never from inside a call of this interface. What one publisher
 *   publishes arrives in that order.
 * - A request is a message that names where to answer. The first answer counts, later ones are
 *   dropped and counted. If nobody subscribes to the subject, the request ends at once.
 * - Answers go to who asked and to nobody else, not even to a subscriber of ">".
 *
 * Not thread-safe: the loop's thread only. */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "io/calls.h"

struct bus;              /* Opaque. */
struct bus_subscription; /* Opaque. */

/* All borrowed; valid during the call. */
struct bus_message {
    const char *subject;
    json_t *payload;      /* json_incref() to keep it */
    const char *reply_to; /* NULL: nobody waits for an answer; copy it to answer later */
};

/* May do anything: publish, request, answer, subscribe, unsubscribe, free the bus. */
typedef void bus_message_fn(void *arg, struct bus *, const struct bus_message *);

/* Ends all subscriptions without a word, and all requests that wait with ERR_CLOSED before it
 * returns. What was published but not delivered is lost. NULL is fine. */
void bus_free(struct bus *);

/* Consumes the payload, also on error. ERR_INVALID: not a subject, or a reserved one, or no payload
 * (NULL: a json_pack() that failed); ERR_BUSY: the queue is full, the message was dropped and
 * counted; ERR_LIMIT: longer than the broker takes; ERR_CLOSED: the bus is being freed, or its
 * broker is gone. */
enum err bus_publish(struct bus *, const char *subject, json_t *payload);

/* ERR_INVALID: not a pattern, or a reserved one. */
MUST_CHECK enum err bus_subscribe(struct bus *, const char *pattern, bus_message_fn *, void *arg,
                                  struct bus_subscription **);
/* Nothing is delivered to it any more, not even what is on its way. NULL is fine. */
void bus_unsubscribe(struct bus_subscription *);

/* Asks. `done` is called exactly once, unless bus_cancel() comes first, or this returns an error:
 * those of bus_publish(), and ERR_LIMIT if too many requests wait. `id` may be NULL.
 * `done` gets the responder's answer or error, ERR_TIMEOUT, or ERR_CLOSED if nobody subscribes or
 * the broker goes away meanwhile. */
enum err bus_request(struct bus *, const char *subject, json_t *payload, nsec_t timeout,
                     call_done_fn *done, void *arg, uint64_t *id);
/* `done` will not be called. Ignored if it was. */
void bus_cancel(struct bus *, uint64_t id);

/* Answers what came with `reply_to`; NULL is fine and does nothing, so that a handler may serve
 * messages and requests alike. Otherwise as bus_publish(). */
enum err bus_reply(struct bus *, const char *reply_to, json_t *payload);
/* `err` must not be ERR_OK. */
enum err bus_reply_error(struct bus *, const char *reply_to, enum err err, const char *format, ...)
    PRINTF_LIKE(4, 5);

enum bus_counter {
    BUS_PUBLISHED,          /* accepted: messages, requests and answers */
    BUS_DELIVERED,          /* calls of subscribers */
    BUS_REQUESTED,          /* requests, of BUS_PUBLISHED */
    BUS_NO_RESPONDERS,      /* requests that nobody subscribed to */
    BUS_DROPPED_QUEUE_FULL, /* refused with ERR_BUSY */
    BUS_DROPPED_LATE_REPLY, /* nobody waited for it (any more) */
    BUS_DROPPED_INCOMING,   /* came from the broker while too much waited for the loop */
    BUS_DROPPED_MALFORMED,  /* came from the broker and is no message of ours */
    BUS_N_COUNTERS
};

uint64_t bus_counter(const struct bus *, enum bus_counter);
const char *bus_counter_name(enum bus_counter);  /* "dropped_queue_full"; static */
const char *bus_driver_name(const struct bus *); /* "local"; static */

#endif

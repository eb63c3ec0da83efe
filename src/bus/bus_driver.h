/* bus_driver.h - what a driver of the bus provides, and what it can rely on.
 *
 * bus.c checks arguments, keeps subscriptions and the requests that wait, and counts. A driver only
 * moves letters: it takes them in post(), and hands each to bus_deliver() once for every
 * subscription that matches. Answers are letters like any other, to a subject in the bus's own
 * inbox, to which bus.c subscribes. */
#ifndef BUS_BUS_DRIVER_H
#define BUS_BUS_DRIVER_H

#include "bus/bus.h"

/* Borrowed by whoever is given one. */
struct bus_letter {
    const char *subject;
    const char *reply_to; /* NULL: none */
    json_t *payload;      /* NULL: an error, which only answers can be */
    enum err err;         /* ERR_OK unless payload is NULL */
    const char *text;     /* of the error; "" otherwise */
};

struct bus_subscription {
    struct bus *bus;
    char *pattern;
    bus_message_fn *fn;
    void *arg;
    struct bus_subscription *prev, *next;
};

struct bus_driver {
    const char *name;
    /* Never delivers before it returns. Counts what it drops in bus->counters. A letter with
     * reply_to that matches no subscription is answered for by bus_no_responders(). */
    enum err (*post)(struct bus *, const struct bus_letter *);
    /* The driver may keep the pointer until unsubscribe(), after which it must not deliver to it,
     * also if that is called from inside bus_deliver(). */
    enum err (*subscribe)(struct bus *, struct bus_subscription *);
    void (*unsubscribe)(struct bus *, struct bus_subscription *);
    /* Frees `bus`. All subscriptions have ended. May be called from inside bus_deliver(). */
    void (*free)(struct bus *);
};

#define BUS_INBOX "_INBOX."
#define BUS_SITE_MAX 64    /* octets of a site's name */
#define BUS_INBOX_SIZE 192 /* "_INBOX.", two sites with dots and 32 digits */

/* First member of a driver's own structure. */
struct bus {
    const struct bus_driver *driver;
    struct calls *calls;
    struct bus_subscription *subscriptions, *inbox_subscription;
    char inbox[BUS_INBOX_SIZE];
    uint64_t counters[BUS_N_COUNTERS];
    bool closing, failing;
};

/* Once the driver is ready for subscribe(). At most `request_limit` requests wait. */
MUST_CHECK enum err bus_init(struct bus *, const struct bus_driver *, uv_loop_t *,
                             size_t request_limit);

/* The same with an inbox of the driver's choice: BUS_INBOX, then tokens that are nobody else's and
 * that nobody can guess. */
MUST_CHECK enum err bus_init_at(struct bus *, const struct bus_driver *, uv_loop_t *,
                                size_t request_limit, const char *inbox);

/* Calls the subscriber. The subscription, and the bus too, may be gone when it returns. */
void bus_deliver(struct bus_subscription *, const struct bus_letter *);

/* Ends a request of this bus at once, because nobody is there to answer `letter`. */
void bus_no_responders(struct bus *, const struct bus_letter *);

/* Ends all requests that wait with ERR_CLOSED and these words: their answers cannot come any more.
 * The bus may be gone when it returns. */
void bus_fail_requests(struct bus *, const char *text);

#endif

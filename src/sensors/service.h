/* service.h - the sensors of a site: takes what they tell into the journal, tells them which
 * circuits there are, and says when one is not heard any more.
 *
 * A sensor connects to `address` (doc/sensor.md, "The link"). An alert is acknowledged when it is
 * in the journal, or was there before: one that is told again is known by its id and its count. Of
 * one that is seen again and again the count is written when it has doubled or ten minutes have
 * passed. One of the rule "no-circuit" raises an exception. A sensor that has said nothing for
 * `silence` is lost, which is an exception as well.
 *
 * A sensor that tells more than it may is not read any more until the second is over: it waits, and
 * drops what it must. What it is told is bounded by one message at a time. */
#ifndef SENSORS_SERVICE_H
#define SENSORS_SERVICE_H

#include "bus/bus.h"
#include "io/tls.h"
#include "journal/journal.h"
#include "model/state.h"

#define SENSORS_RULE_NO_CIRCUIT "no-circuit"

struct sensors_service; /* Opaque. */

/* 0 stands for the default given. */
struct sensors_options {
    nsec_t silence;       /* 20 s */
    uint32_t rate, burst; /* messages a second of one sensor, of 4 KiB each; 200, 400 */
    nsec_t again;         /* from one record of an alert's count to the next, at least; 10 s */
    nsec_t asset;         /* of a device's changes; 60 s */
    nsec_t advisories;    /* from one look whether there are new ones to the next; 60 s */
};

/* All borrowed; they outlive the service. */
struct sensors_service_config {
    uv_loop_t *loop;
    struct bus *bus;
    struct journal *journal;
    const struct state *state;
    const char *site;
    uint32_t number;           /* of this site, as in model/state.h */
    const char *address;       /* where sensors connect; NULL: nowhere */
    struct tls *tls;           /* for one over TCP */
    const char *const *domain; /* the sites whose circuits the sensors may see, ends with NULL;
                                  NULL: all */
    const char *syslog;        /* who is told of alerts (syslog.h); NULL: nobody */
    const char *advisories;    /* of makers: a file or a directory; NULL: none */
    /* Passes a request about another site's alert to that site, which answers `reply_to`. NULL:
     * there is no other. */
    void (*elsewhere)(void *arg, uint32_t number, const char *subject, json_t *payload,
                      const char *reply_to);
    void *elsewhere_arg;
    nsec_t (*now)(void *arg); /* what windows of circuits are judged by */
    void *now_arg;
    struct sensors_options options;
};

/* Errors of stream_listen(), bus_subscribe(); ERR_INVALID: `syslog`. The state must be complete. */
MUST_CHECK enum err sensors_service_new(const struct sensors_service_config *,
                                        struct sensors_service **, struct diag *);
void sensors_service_free(struct sensors_service *); /* NULL is fine */

/* Tells it of an event that has just been applied to the state. */
void sensors_service_event(struct sensors_service *, const struct state_event *);

/* Where it listens; NULL: nowhere. */
const char *sensors_service_address(const struct sensors_service *);

#endif

/* service_private.h - what the files of the service share:
 *
 *   service.c   life, bus, who is lost       link.c      one sensor's connection
 *   take.c      alerts and devices           notices.c   exceptions
 *   tell.c      circuits, to the sensors     circuits.h  which those are (pure)
 *   traffic.c   who talks with whom, how much
 *   habits.c    ... and how, as the sensors have learned it; orders about that
 *   vulnerabilities.c   devices held against advisories */
#ifndef SENSORS_SERVICE_PRIVATE_H
#define SENSORS_SERVICE_PRIVATE_H

#include "io/rpc.h"
#include "io/timer.h"
#include "sensors/service.h"

#define ACTOR "system/sensors"
#define LINE_LIMIT ((size_t)256 << 10)
#define LINKS_MAX SENSING_SENSORS
#define TOLD_SIZE ((size_t)48 << 10) /* octets of a piece of the circuits */

struct syslog;

/* One connection. */
struct caller {
    struct sensors_service *service;
    struct rpc *rpc;
    char *name, *version; /* NULL: it has not said hello */
    nsec_t heard;
    nsec_t due; /* when all that was taken is paid for (rate) */
    struct timer *resume;
    bool paused;
    uint64_t n_paused; /* how often */
    /* What it is told (tell.c). */
    uint64_t generation; /* that it has, or is being told */
    uint32_t part;       /* that is under way; 0: none is */
    struct caller *prev, *next;
};

/* An alert or a device that is not durable yet. */
struct taking {
    struct sensors_service *service; /* NULL: it has gone */
    char *key;
    struct rpc_request *request; /* NULL: it was answered */
    struct taking *prev, *next;
};

/* An alert that is seen again and again. */
struct again {
    char *id; /* as it is stored */
    uint64_t count;
    char *last, *incident; /* as it says; `incident` may be NULL */
    uint64_t written;
    nsec_t written_at; /* monotonic */
    bool unwritten;    /* there is more than the journal has */
    UT_hash_handle hh;
};

/* A device of which something changed too soon after the last time. */
struct changed {
    char *key;
    char *sensor;
    json_t *asset; /* NULL: nothing waits */
    nsec_t written_at;
    UT_hash_handle hh;
};

struct sensors_service {
    struct sensors_service_config config; /* with the defaults filled in */
    struct stream_listener *listener;     /* NULL: none */
    struct bus_subscription *subscriptions[8];
    uint32_t n_subscriptions;
    struct caller *links;
    uint32_t n_links;
    struct taking *takings;
    struct again *agains;
    struct changed *changes;
    struct timer *tick;
    nsec_t begun; /* monotonic */
    struct syslog *syslog;
    struct notice *notices;
    struct closing *closings;
    struct vulnerabilities *vulnerabilities; /* NULL: there are no advisories */
    struct writing *writings;
    struct habit_ask *asks;
    unsigned n_asks;
    /* What sensors are told. */
    json_t *pieces; /* the parts, as texts; NULL: to be made */
    uint64_t generation;
    bool stale; /* something has changed */
    uint64_t plan_seq, network_version, active;
    struct row *rows, *row_list; /* traffic.c: by key, and in their order */
    size_t n_slots;
    uint32_t slots_from; /* older ones are forgotten */
    nsec_t begun_wall;
    struct seen *seen;
    uint64_t ticks;
};

/* link.c */
void sensors_accept(struct sensors_service *, struct stream *);
void sensors_link_free(struct caller *);
void sensors_tell_back(struct caller *); /* that it is there, unless that is known */
struct caller *sensors_link_of(const struct sensors_service *, const char *name); /* NULL */
/* Of one message of so many octets. */
void sensors_charge(struct caller *, size_t size);

/* take.c */
rpc_handler_fn sensors_take_alert, sensors_take_asset, sensors_take_status;
void sensors_write_due(struct sensors_service *, bool all);
void sensors_takings_free(struct sensors_service *);
/* Appends; `done` NULL: what fails is logged. Consumes the body. */
void sensors_append(struct sensors_service *, const char *type, const char *object,
                    const char *actor, json_t *body, journal_done_fn *done, void *arg);

/* tell.c */
void sensors_tell(struct sensors_service *);         /* what is new, to all */
void sensors_tell_link(struct caller *);             /* goes on with one */
void sensors_look_at_plan(struct sensors_service *); /* is something new? */

/* notices.c */
void sensors_raise_no_circuit(struct sensors_service *, const struct sensing_alert *);
void sensors_adopt_alerts(struct sensors_service *); /* that were recorded before it started */
void sensors_settle(struct sensors_service *, const struct sensing_alert *); /* it was closed */
void sensors_raise_lost(struct sensors_service *, const char *sensor, const char *reason);
void sensors_close_lost(struct sensors_service *, const char *sensor);
void sensors_notices_free(struct sensors_service *);

/* vulnerabilities.c */
void sensors_vulnerabilities_new(struct sensors_service *, const char *path);
void sensors_vulnerabilities_free(struct sensors_service *);
void sensors_look_at_vulnerabilities(struct sensors_service *);

/* habits.c */
void sensors_serve_habits(void *arg, struct bus *, const struct bus_message *);
void sensors_serve_habit(void *arg, struct bus *, const struct bus_message *);
void sensors_asks_free(struct sensors_service *); /* once there are no connections */

/* traffic.c */
rpc_handler_fn sensors_take_traffic;
void sensors_serve_traffic(void *arg, struct bus *, const struct bus_message *);
void sensors_traffic_free(struct sensors_service *);

#endif

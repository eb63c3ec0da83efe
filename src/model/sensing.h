/* sensing.h - what the sensors of a site have told: the sensors, their alerts, the devices they
 * saw. The fold over the events sensor.* (doc/events.md), of our journal and of other sites'. Pure.
 *
 * Bounded for each site by itself, so that none fills the memory of another's: where there is no
 * room the alert that was closed longest ago is forgotten, else the oldest of the lowest severity;
 * it is in the journal as ever. A device: the one that was told of longest ago. */
#ifndef MODEL_SENSING_H
#define MODEL_SENSING_H

#include "base/time.h"
#include "model/alert.h"

#include <uthash.h>

#define SENSING_ALERTS 10000 /* of a site */
#define SENSING_ALERT_OCTETS ((size_t)48 << 20)
#define SENSING_ASSETS 20000
#define SENSING_SENSORS 64
#define SENSING_VULNERABILITIES 50000 /* that one journal tells of; more are not kept */
#define SENSING_VULNERABILITY_OCTETS ((size_t)64 << 20)

struct sensing_sensor {
    char *key;        /* "SITE NUMBER/NAME" */
    const char *name; /* in the key */
    uint32_t site;
    char *version, *address;
    char *reason; /* why it is lost; NULL: it is there */
    nsec_t since; /* that it is there, or lost */
    uint64_t last_alert, last_incident;
    uint64_t dropped; /* alerts, for want of room at the sensor */
    UT_hash_handle hh;
};

struct sensing_alert {
    char *key;      /* "SITE NUMBER/SENSOR/N" */
    const char *id; /* in the key */
    uint32_t site;
    uint64_t seq; /* of its event */
    enum alert_severity severity;
    bool closed;
    nsec_t recorded; /* when it came into the journal */
    nsec_t last;     /* when it was seen last, by the sensor's clock */
    uint64_t count;
    char *closed_by, *closed_reason; /* of the last time that it was closed; NULL */
    nsec_t closed_at;
    json_t *summary; /* what is in lists: no evidence, explanation, playbook */
    char *text;      /* all of it, as the sensor said it first */
    size_t size;
    struct sensing_alert *older, *newer;
    UT_hash_handle hh;
};

struct sensing_asset {
    char *key; /* "SITE NUMBER/SENSOR/ADDRESS/MEMBER" */
    uint32_t site;
    const char *sensor; /* of sensing_sensor, or "" */
    nsec_t recorded;
    json_t *asset;
    struct sensing_asset *older, *newer;
    UT_hash_handle hh;
};

/* What an advisory says of a device: of all its vulnerabilities together. */
struct sensing_vulnerability {
    char *key; /* "SITE NUMBER/SENSOR/ADDRESS/MEMBER/ADVISORY", the device's and the advisory's */
    uint32_t site; /* in whose journal it is */
    uint32_t of;   /* ... and where the device is */
    nsec_t since;  /* when it was recorded first */
    nsec_t recorded;
    json_t *body; /* of the event: {"of", "sensor", "address", "member"?, "vulnerability"} */
    size_t size;
    UT_hash_handle hh;
};

struct sensing_site { /* what is counted of one */
    uint32_t site, n_alerts, n_assets, n_sensors;
    size_t octets;
    uint64_t forgotten; /* alerts */
    uint32_t n_vulnerabilities;
    size_t vulnerability_octets;
    UT_hash_handle hh;
};

struct sensing {
    struct sensing_sensor *sensors;
    struct sensing_alert *alerts, *oldest, *newest;
    struct sensing_asset *assets, *oldest_asset, *newest_asset;
    struct sensing_vulnerability *vulnerabilities;
    struct sensing_site *sites;
    uint64_t asset_changes; /* how often a device was told of */
};

struct state_event; /* state.h */

void sensing_fini(struct sensing *); /* a zeroed one is fine */
/* Forgets what the site of this number has said: its journal is told anew. */
void sensing_forget(struct sensing *, uint32_t site);

bool sensing_knows(const char *type);
/* Takes it one event further. ERR_MALFORMED: nothing is changed. */
MUST_CHECK enum err sensing_apply(struct sensing *, const struct state_event *, struct diag *);

/* NULL: there is none. */
struct sensing_sensor *sensing_sensor(const struct sensing *, uint32_t site, const char *name);
struct sensing_alert *sensing_alert(const struct sensing *, uint32_t site, const char *id);
struct sensing_asset *sensing_asset(const struct sensing *, uint32_t site, const char *sensor,
                                    const char *address, json_int_t member);
struct sensing_vulnerability *sensing_vulnerability(const struct sensing *, uint32_t of,
                                                    const char *sensor, const char *address,
                                                    json_int_t member, const char *advisory);
/* Has this journal room for one more, of so many octets? */
bool sensing_has_room(const struct sensing *, uint32_t site, size_t size);
/* Of whichever site; *several: of more than one. */
struct sensing_alert *sensing_find_alert(const struct sensing *, const char *id, bool *several);

/* The caller owns them. `site_name` NULL: it is left out. */
json_t *sensing_sensor_json(const struct sensing_sensor *, const char *site_name);
/* All of it, or what is in lists. */
json_t *sensing_alert_json(const struct sensing_alert *, const char *site_name, bool all);

/* Do they say the same, but for when it was seen? */
bool sensing_assets_equal(const json_t *, const json_t *);

#endif

/* monitor.h - everything that tieline-sensor does with frames, whoever brings them: conversations,
 * messages, devices, findings, rules, alerts. Pure but for the evidence files, and the threads of
 * `cores`; one thread calls it, and is told. */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "detect/alerts.h"
#include "detect/file_watch.h"
#include "detect/habits.h"
#include "sensor/sensor.h"

#include <jansson.h>

struct monitor; /* Opaque. */

struct monitor_config {
    const struct protocol *const *protocols; /* ends with NULL; borrowed */
    const struct oui_registry *registry;     /* borrowed; NULL: no vendors by MAC address */
    uint32_t conversations;                  /* as in sensor.h, and the next three */
    size_t memory;
    unsigned cores;
    bool octets_stay;
    bool has_assets;           /* devices are kept; also if there are rules */
    bool has_habits;           /* who talks with whom, how, is kept */
    const struct rules *rules; /* borrowed; NULL: nothing is detected */
    const struct feed *feed;   /* borrowed; NULL: nothing is in it */
    const struct geo *geo;     /* borrowed; NULL: nobody knows where an address is */
    bool has_alerts;           /* there are some though there are no rules (monitor_tell) */
    const char *name;          /* of the sensor: begins the ids of alerts; "" is "sensor" */
    nsec_t learn;              /* as in detector.h */
    const char *evidence;      /* directory; NULL: packets are not kept */
    void *arg;
    /* All may be NULL. A message, and what could not be understood, as in sensor.h. */
    void (*message)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                    const struct pdu *);
    void (*malformed)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                      const struct cursor *);
    void (*ended)(void *arg, const struct conversation *);
    void (*data)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                 const uint8_t *, uint32_t size, uint32_t lost);
    void (*content)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                    const struct file_part *);
    void (*taken)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                  const struct layers *);
    /* Evidence of what a device is, as in assets.h, and in which frame. */
    void (*said)(void *arg, uint32_t frame, const struct asset *, const struct identity_row *,
                 const char *text, size_t size);
    /* A device is new, or another than before. */
    void (*device)(void *arg, const struct asset *, bool is_new);
    /* An alert, as in alerts.h. */
    void (*alert)(void *arg, const char *json, size_t size, enum rule_severity, bool is_new);
};

/* ERR_NOT_FOUND, ERR_DENIED, ERR_IO: of the directory for evidence. */
MUST_CHECK enum err monitor_new(const struct monitor_config *, struct monitor **, struct diag *);
void monitor_free(struct monitor *); /* NULL is fine */

void monitor_frame(struct monitor *, const struct frame *);
/* With several cores what a frame brings may be told later: now all of it has been. What follows
 * but for the last functions does that first; those have what was told. */
void monitor_settle(struct monitor *);
/* Nothing comes: so late it is. */
void monitor_tick(struct monitor *, nsec_t now);
/* Nothing comes any more. */
void monitor_end(struct monitor *);

/* The circuits that there are (doc/sensor.md, "The link"): what they do not allow is told from now
 * on. ERR_MALFORMED: nothing has changed. */
MUST_CHECK enum err monitor_circuits(struct monitor *, const json_t *, struct diag *);

/* What somebody else's rule has found in a packet or a message. `name` stands for the rule: it is
 * the same rule again. All of it is valid during the call. */
struct monitor_word {
    const char *name, *title; /* "suricata-2100366" */
    enum rule_severity severity;
    const char *detail; /* what is told beside the ends; NULL */
    const struct conversation *conversation;
    unsigned way;
    const struct frame *frame;
};
/* Becomes an alert as those of our own rules; at most MONITOR_FOREIGN rules are told apart. */
#define MONITOR_FOREIGN 65536
void monitor_tell(struct monitor *, const struct monitor_word *);

struct sensor *monitor_sensor(struct monitor *);
const struct sensor_counters *monitor_counters(const struct monitor *);
const struct file_watch_counters *monitor_files(const struct monitor *); /* NULL: none is hashed */
const struct assets *monitor_assets(const struct monitor *); /* NULL: they are not kept */
struct habits *monitor_habits(struct monitor *);             /* NULL: they are not kept */
struct alerts *monitor_alerts(struct monitor *);             /* NULL: there are none */
struct detector *monitor_detector(struct monitor *);         /* NULL: there are no rules */

#endif

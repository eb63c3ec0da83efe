/* sensor_link.h - the sensor's end of its connection to tielined: JSON-RPC over a Unix socket, or
 * over TLS (doc/sensor.md, "The link"; doc/decisions/sensor-link.md).
 *
 * Alerts are kept until tielined says that they are in its journal, however often the connection
 * breaks, in bounded memory: where there is no room the oldest of the lowest severity is dropped,
 * which is counted and told. What was told and not acknowledged is told again: tielined knows it by
 * its id and count. Assets and traffic are told at a limited rate.
 *
 * It never waits; it works while the loop runs. One thread. */
#ifndef SENSOR_SENSOR_LINK_H
#define SENSOR_SENSOR_LINK_H

#include "base/err.h"
#include "base/time.h"

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#define SENSOR_LINK_ALERTS 4096
#define SENSOR_LINK_OCTETS ((size_t)16 << 20)
#define SENSOR_LINK_ASKS 10
#define SENSOR_LINK_TEXT 49152 /* octets of an alert, an asset, a report of traffic */

struct tls;
struct sensor_link; /* Opaque. */

struct sensor_link_config {
    uv_loop_t *loop;
    const char *address;     /* "unix:/run/tielined/sensors", "10.0.0.1:6655" (io/address.h) */
    struct tls *tls;         /* for one over TCP; borrowed; NULL: none */
    const char *server_name; /* over TLS: tielined's certificate's name; NULL: any accepted */
    const char *name;        /* of this sensor: as names in the model are */
    const char *version;
    uint32_t alerts; /* kept at most; 0: SENSOR_LINK_ALERTS */
    size_t octets;   /* of them at most; 0: SENSOR_LINK_OCTETS */
    uint32_t rate;   /* assets and reports a second; 0: 20 */
    nsec_t patience; /* with an answer; then the connection is worth nothing; 0: 30 s */
    void *arg;
    /* {"circuits", "hosts", "own"} (doc/sensor.md): all of them, again after each change. Valid
     * during the call. NULL is fine. */
    void (*circuits)(void *arg, const json_t *);
    /* With each connection: the largest numbers of its alerts and incidents that tielined knows of
     * this sensor. New ones are to be larger. NULL is fine. */
    void (*known)(void *arg, uint64_t alert, uint64_t incident);
    /* tielined asks ("sensor.habits", "sensor.habit"); `*answer` is taken over, NULL: {}. At most
     * SENSOR_LINK_ASKS a second: others wait for their turn. NULL: nothing can be asked. */
    enum err (*asked)(void *arg, const char *method, const json_t *params, json_t **answer,
                      struct diag *);
};

struct sensor_link_counters {
    uint64_t connections, acknowledged, refused; /* `refused`: tielined will not have them */
    uint64_t dropped[4];                         /* alerts, by severity: low to critical */
    uint64_t assets_dropped, traffic_dropped;
    uint32_t waiting; /* alerts that are not acknowledged */
};

/* As names in the model are: letters, digits, dots, underscores and hyphens, at most 63. */
bool sensor_name_is_valid(const char *);

/* Copies the texts. ERR_INVALID: the address or the name. */
MUST_CHECK enum err sensor_link_new(const struct sensor_link_config *, struct sensor_link **,
                                    struct diag *);
/* What waits is lost. Run the loop until it is empty. NULL is fine. */
void sensor_link_free(struct sensor_link *);

/* One alert as text, an object of doc/sensor.md's schema; the same `id` again takes the place of
 * the one before. ERR_MALFORMED, ERR_LIMIT: it is no alert, or too long. That it was dropped for
 * want of room is no error. */
MUST_CHECK enum err sensor_link_put_alert(struct sensor_link *, const char *text, size_t size,
                                          struct diag *);
/* What asset_put_json() writes. */
MUST_CHECK enum err sensor_link_put_asset(struct sensor_link *, const char *text, size_t size,
                                          struct diag *);
/* {"conversations": [...]}: what was said since the last such report (report.h). */
MUST_CHECK enum err sensor_link_put_traffic(struct sensor_link *, const char *text, size_t size,
                                            struct diag *);

bool sensor_link_is_up(const struct sensor_link *); /* said hello, and was let in */
/* Nothing waits, and nothing is under way. */
bool sensor_link_is_done(const struct sensor_link *);
void sensor_link_count(const struct sensor_link *, struct sensor_link_counters *);

#endif

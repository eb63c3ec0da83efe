/* vpn_plan.h - a VPN service becomes native configuration, device by device, by the templates of
 * each device's platform. Pure, but for vpn_catalog_load(). */
#ifndef WAN_VPN_PLAN_H
#define WAN_VPN_PLAN_H

#include "model/vpn_service.h"
#include "wan/vpn_config.h"
#include "wan/vpn_template.h"

/* ---- templates */

struct vpn_catalog; /* Opaque: platforms and their templates. */

struct vpn_catalog *vpn_catalog_new(void);   /* Never NULL. */
void vpn_catalog_free(struct vpn_catalog *); /* NULL is fine. */
/* Adds the template of a platform for a kind of service. ERR_EXISTS; ERR_MALFORMED: `diag` has the
 * line. */
MUST_CHECK enum err vpn_catalog_add(struct vpn_catalog *, const char *platform, enum vpn_kind,
                                    enum vpn_dialect, const char *text, size_t size, struct diag *);
/* The same of the template that says how to see on such a router that the service works: lines of
 *
 *     show bgp vrf red ipv4 unicast json | /routes/10.4.0.0~130/0/valid | the route is not usable
 *
 * a command that prints JSON, a JSON Pointer (RFC 6901) to what must be there and not be false,
 * null, 0 or empty, or with " = WORD" be that string, and what people read if it is not. */
MUST_CHECK enum err vpn_catalog_add_checks(struct vpn_catalog *, const char *platform,
                                           enum vpn_kind, const char *text, size_t size,
                                           struct diag *);
/* Reads all templates in a directory: PLATFORM-l3vpn.xml, PLATFORM-l2vpn.xml (XML for NETCONF), and
 * the same with .conf (lines) and .check (how to see that it works). Others files are left alone.
 * `diag` names the file. */
MUST_CHECK enum err vpn_catalog_load(struct vpn_catalog *, const char *directory, struct diag *);
bool vpn_catalog_has(const struct vpn_catalog *, const char *platform, enum vpn_kind);

/* ---- plans */

struct vpn_device { /* what is known of a router */
    const char *ne_id, *platform;
};

struct vpn_check {
    const char *command; /* prints JSON */
    const char *pointer; /* RFC 6901: to what must be there */
    const char *value;   /* ... and be this string; NULL: any */
    const char *fault;   /* in words, if it is not */
};

struct vpn_device_plan {
    const char *ne_id, *platform, *node;
    enum vpn_dialect dialect;
    const struct netconf_xml *config; /* VPN_XML: below `config`, with marks of what is owned */
    const char *lines;                /* VPN_LINES */
    const char *text; /* what will be on the device, for people: dry run and golden tests */
    uint32_t n_gaps;
    const char **gaps; /* what of the service this platform cannot express, in words */
    uint32_t n_checks;
    const struct vpn_check *checks; /* how to see on the device that the service works */
};

struct vpn_plan {
    const char *service; /* its id */
    const char *name;    /* its name on devices */
    const char *marker;  /* begins a description of what is ours there */
    uint32_t n;
    struct vpn_device_plan *devices; /* in the order of the service's nodes */
    struct arena *arena;             /* all of it */
    unsigned n_more_owners;
};

/* Makes the plan. The same service gives the same plan, octet by octet. ERR_NOT_FOUND: a device
 * that is not known, or a platform without a template; ERR_CONFLICT: two nodes on one device;
 * others as the template says. The caller frees the result. */
MUST_CHECK enum err vpn_plan_make(const struct vpn_catalog *, const struct vpn_service *,
                                  const struct vpn_device *, size_t n_devices, struct vpn_plan **,
                                  struct diag *);
void vpn_plan_free(struct vpn_plan *);            /* One owner less; NULL is fine. */
struct vpn_plan *vpn_plan_ref(struct vpn_plan *); /* One more. */
/* NULL: it has no part on this device. */
const struct vpn_device_plan *vpn_plan_device(const struct vpn_plan *, const char *ne_id);

/* The values that templates see, for a node of a service. Never NULL; json_decref() it. */
json_t *vpn_plan_values(const struct vpn_service *, const struct vpn_node *);

#endif

/* json.h - the model as JSON (RFC 7951), as schema/tieline-*.yang describe it.
 *
 * Reading is total: a field that is unknown, missing or wrong is ERR_INVALID, and `diag` names it
 * ("ip/server-ports: 70000 is not within 1 to 65535"). What is read is checked by itself, not
 * against other objects. Values that are not given have the defaults of the schema. Writing gives
 * every value that is there, defaults included. */
#ifndef MODEL_JSON_H
#define MODEL_JSON_H

#include "model/object.h"
#include "model/report.h"

#include <jansson.h>

#define INVENTORY_MODULE "tieline-inventory:inventory" /* top-level names of documents */
#define WAN_MODULE "tieline-wan:wan"
#define CIRCUITS_MODULE "tieline-circuit:circuits"

/* The part of a document that objects of a kind are in: INVENTORY_MODULE. Static. */
const char *object_module(enum object_kind);

/* The caller owns the result. */
MUST_CHECK enum err site_from_json(const json_t *, struct site **, struct diag *);
MUST_CHECK enum err node_from_json(const json_t *, struct node **, struct diag *);
MUST_CHECK enum err link_from_json(const json_t *, struct link **, struct diag *);
MUST_CHECK enum err host_from_json(const json_t *, struct host **, struct diag *);
MUST_CHECK enum err router_from_json(const json_t *, struct router **, struct diag *);
MUST_CHECK enum err tunnel_from_json(const json_t *, struct tunnel **, struct diag *);
MUST_CHECK enum err vpn_from_json(const json_t *, struct vpn **, struct diag *);
MUST_CHECK enum err circuit_from_json(const json_t *, struct circuit **, struct diag *);
MUST_CHECK enum err design_from_json(const json_t *, struct design **, struct diag *);
MUST_CHECK enum err settings_from_json(const json_t *, struct settings *, struct diag *);
json_t *site_to_json(const struct site *);
json_t *node_to_json(const struct node *);
json_t *link_to_json(const struct link *);
json_t *host_to_json(const struct host *);
json_t *router_to_json(const struct router *);
json_t *tunnel_to_json(const struct tunnel *);
json_t *vpn_to_json(const struct vpn *);
json_t *circuit_to_json(const struct circuit *);
json_t *design_to_json(const struct design *);
json_t *settings_to_json(const struct settings *);

/* What people write, as one document: {"tieline-inventory:inventory": {"settings", "site": [...],
 * ...}, "tieline-wan:wan": {"router": [...], "tunnel": [...], "vpn": [...]},
 * "tieline-circuit:circuits": {"circuit": [...]}}. In order of insertion. */
json_t *inventory_to_json(const struct network *);
/* The same with the designs: all there is, to keep and to start from again. */
json_t *network_to_json(const struct network *);
MUST_CHECK enum err network_from_json(const json_t *, struct network **, struct diag *);

/* Puts all objects of such a document (any of its parts, each list may be missing) into
 * the network: what has a new name is created, what is there is replaced as a whole, nothing is
 * removed. All or nothing: see stage_finish(). ERR_INVALID: the report says what is wrong;
 * ERR_MALFORMED: it is no such document. */
MUST_CHECK enum err inventory_apply_json(struct network *, const json_t *, bool dry_run,
                                         struct report *, struct diag *);

/* "a, b, c and 7 more": a list of names, of which `most` are shown; owned by the caller. */
#define NAMES_SHOWN 5u /* in messages */
char *names_text(const json_t *names, size_t most);

#endif

/* vpn_template.h - templates of native configuration: text with marks in double braces.
 *
 *     {{name}}               the value, escaped for XML in templates of XML
 *     {{#name}} ... {{/name}}  once if the value is there and not false, 0, "" or an empty list;
 *                              for a list once for each entry, whose members are then names too
 *     {{^name}} ... {{/name}}  once if it is not
 *     {{%gap TEXT}}          what the platform cannot express of the service, if this place is
 *                              reached; TEXT may have {{name}} in it. Writes nothing.
 *     {{! comment}}          nothing
 *
 * A name is looked for in the innermost section first, then outwards. A line that has nothing but
 * one mark other than {{name}} leaves no line. {{name}} of what is nowhere is an error: a
 * configuration with a hole is worse than none. doc/vpn.md lists the names. */
#ifndef WAN_VPN_TEMPLATE_H
#define WAN_VPN_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

#define VPN_TEMPLATE_DEPTH 16 /* sections within each other */

struct vpn_template; /* Opaque. */

enum vpn_dialect { VPN_XML, VPN_LINES };

/* ERR_MALFORMED: a mark that does not end, or a section that is not closed by its own name; `diag`
 * has the line. */
MUST_CHECK enum err vpn_template_parse(const char *text, size_t size, enum vpn_dialect,
                                       struct vpn_template **, struct diag *);
void vpn_template_free(struct vpn_template *); /* NULL is fine. */
enum vpn_dialect vpn_template_dialect(const struct vpn_template *);

/* Appends to `out`; each gap becomes a string in the list `gaps`. ERR_NOT_FOUND: a name that is
 * nowhere, with the line; ERR_LIMIT: the buffer. */
MUST_CHECK enum err vpn_template_render(const struct vpn_template *, const json_t *values,
                                        struct buf *out, json_t *gaps, struct diag *);

#endif

/* field_names.h - fields as people and programs name them in the parameters of a node: OpenFlow's
 * names, dashes allowed, and the product's own; and what a field needs to make sense. */
#ifndef EDGE_FIELD_NAMES_H
#define EDGE_FIELD_NAMES_H

#include "packet/match.h"

/* "tcp-dst", "tcp_dst", "vlan-id", "vlan-priority". FIELD_MAX: there is no such field. */
enum field field_by_parameter(const char *name);

/* Which field another needs, and with which value: rows are applied from the first to the last
 * where the needed field is not given, so a protocol finds its version behind it. */
struct field_need {
    enum field first, last; /* of the fields that need it */
    enum field field;
    uint16_t value;
};
extern const struct field_need field_needs[];
extern const unsigned n_field_needs;

/* A match from text: "tcp-dst=502,in-port=1". What a field needs is filled in: tcp-dst alone is TCP
 * over IPv4. Values as match_parse() reads them, vlan-id as a number. ERR_INVALID: which part, and
 * why. Fields that are not in a frame (metadata, tunnel_id) are refused. */
MUST_CHECK enum err field_match_parse(const char *text, struct match *, struct diag *);

#endif

/* vpn_value.h - what the values of a service's description may be, one by one: vpn_service.c has
 * where they are. Texts that pass have nothing in them that a configuration could take for more
 * than a value. */
#ifndef MODEL_VPN_VALUE_H
#define MODEL_VPN_VALUE_H

#include "base/arena.h"

enum vpn_value {
    VALUE_NAME, /* letters, digits, . _ - but not --, which parts names that are made of several */
    VALUE_INTERFACE, /* and / : */
    VALUE_TEXT,      /* no control characters */
    VALUE_IPV4,
    VALUE_IPV6,
    VALUE_ADDRESS, /* of either family */
    VALUE_PREFIX4,
    VALUE_PREFIX6,
    VALUE_TARGET, /* of a route, or a route distinguisher (RFC 8294) */
    VALUE_NUMBER, /* uint32_t within min and max */
    VALUE_NUMBER64,
    VALUE_IDENTITY, /* a word of `words`, its place in them is the value */
    VALUE_CONTAINER,
    VALUE_LIST,
};

/* The text, or the part of it that counts; NULL: it may not be. Of texts only, that is, up to
 * TARGET. */
const char *vpn_value_accept(enum vpn_value, const char *text);
/* What it should be, for people: "not an IPv4 address"; static. */
const char *vpn_value_rule(enum vpn_value);
/* A copy of an accepted text in the form that routers show. NULL: the arena's budget. */
MUST_CHECK const char *vpn_value_copy(struct arena *, enum vpn_value, const char *text);

#endif

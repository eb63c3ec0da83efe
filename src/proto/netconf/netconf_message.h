/* netconf_message.h - what NETCONF peers say: hello, replies, errors, notifications (RFC 6241,
 * 5277, 6470), as trees of XML and as structs.
 *
 * Servers differ in what they add (Junos puts attributes and elements of its own everywhere, and
 * errors into the results of a commit) and in what they leave out (namespaces): elements are known
 * by their local name, and by their namespace where they have one. */
#ifndef PROTO_NETCONF_NETCONF_MESSAGE_H
#define PROTO_NETCONF_NETCONF_MESSAGE_H

#include "proto/netconf/netconf_xml.h"

/* ---- hello (RFC 6241 section 8) */

enum netconf_capability {
    NETCONF_BASE_1_0 = 1 << 0,
    NETCONF_BASE_1_1 = 1 << 1,
    NETCONF_WRITABLE_RUNNING = 1 << 2,
    NETCONF_CANDIDATE = 1 << 3,
    NETCONF_CONFIRMED_COMMIT_1_0 = 1 << 4,
    NETCONF_CONFIRMED_COMMIT_1_1 = 1 << 5, /* with persist and cancel-commit */
    NETCONF_ROLLBACK_ON_ERROR = 1 << 6,
    NETCONF_VALIDATE_1_0 = 1 << 7,
    NETCONF_VALIDATE_1_1 = 1 << 8, /* with test-only */
    NETCONF_STARTUP = 1 << 9,
    NETCONF_URL = 1 << 10,
    NETCONF_XPATH = 1 << 11,
    NETCONF_NOTIFICATION = 1 << 12, /* RFC 5277 */
    NETCONF_INTERLEAVE = 1 << 13,
    NETCONF_WITH_DEFAULTS = 1 << 14, /* RFC 6243 */
    NETCONF_YANG_LIBRARY = 1 << 15,  /* RFC 7950 5.6.4, RFC 8526 */
    NETCONF_MONITORING = 1 << 16,    /* RFC 6022: get-schema */
    NETCONF_PARTIAL_LOCK = 1 << 17,  /* RFC 5717 */
};

struct netconf_hello {
    uint32_t capabilities; /* those that have a name here */
    uint32_t session_id;   /* 0: none told, which a client does */
    uint32_t n_uris;
    const char **uris; /* all, as they came, without white space around them */
};

/* `hello` lives in the arena. ERR_MALFORMED: not a hello, or without base:1.0 and 1.1. Junos of
 * before RFC 4741 calls its capabilities urn:ietf:params:xml:ns:netconf:...; they count too. */
MUST_CHECK enum err netconf_hello_parse(const struct netconf_xml *root, struct arena *,
                                        struct netconf_hello *, struct diag *);
/* A client's hello (it tells no session-id): base:1.0 and 1.1. */
void netconf_hello_put(struct buf *);
/* Is the YANG module announced, "ietf-interfaces" (RFC 6020 section 5.6.4)? Modules of YANG 1.1 are
 * only in the YANG library, and are not seen here. */
bool netconf_hello_has_module(const struct netconf_hello *, const char *module);
/* Reports values that nobody has set, but can mark them (RFC 6243): who compares asks for marks. */
bool netconf_hello_tags_defaults(const struct netconf_hello *hello);
/* It is yuma123's netconfd, which needs care (doc/netconf.md). */
bool netconf_hello_is_yuma123(const struct netconf_hello *);
/* ":candidate", "base:1.1"; static. */
const char *netconf_capability_name(uint32_t capability);

/* ---- errors (RFC 6241 section 4.3) */

struct netconf_error {
    const char *type, *tag, *app_tag, *path, *message; /* "" where it tells none */
    bool warning;
    const char *bad_element, *bad_attribute, *bad_namespace; /* error-info; "" */
    const char *session_id;                                  /* who holds the lock; "" */
    const struct netconf_xml *info;                          /* error-info; NULL: none */
};

/* What went wrong in the product's terms: lock-denied and in-use are ERR_BUSY, access-denied is
 * ERR_DENIED, data-exists ERR_EXISTS, data-missing ERR_NOT_FOUND, operation-not-supported
 * ERR_UNSUPPORTED, resource-denied and too-big ERR_LIMIT, malformed-message ERR_MALFORMED,
 * operation-failed and rollback-failed ERR_CONFLICT, all else ERR_INVALID. */
enum err netconf_error_err(const struct netconf_error *);
/* "lock-denied: the datastore is locked; held by session 7", with path, app-tag and all that is
 * there. Returns netconf_error_err(). */
enum err netconf_error_explain(const struct netconf_error *, struct diag *);

/* ---- replies and notifications */

enum netconf_kind { NETCONF_HELLO, NETCONF_REPLY, NETCONF_NOTICE };

struct netconf_message {
    enum netconf_kind kind;
    const struct netconf_xml *root;
    /* A reply. */
    const char *message_id; /* NULL: it has none */
    bool ok;                /* <ok/>, or data, and no error that is not a warning */
    uint32_t n_errors;      /* warnings are among them */
    struct netconf_error *errors;
    const struct netconf_xml *data; /* <data>; NULL: none */
    /* A notification. */
    const char *event_time;
    const struct netconf_xml *event; /* what it is about */
};

/* ERR_MALFORMED: neither hello, rpc-reply nor notification, or a notification without a time or
 * without an event. ERR_LIMIT: the arena. */
MUST_CHECK enum err netconf_message_parse(const struct netconf_xml *root, struct arena *,
                                          struct netconf_message *, struct diag *);

#endif

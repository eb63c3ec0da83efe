/* netconf_request.h - what a client asks of a server (RFC 6241 section 7 and 8, RFC 6022, 5277). */
#ifndef PROTO_NETCONF_NETCONF_REQUEST_H
#define PROTO_NETCONF_NETCONF_REQUEST_H

#include "proto/netconf/netconf_message.h"

enum netconf_operation {
    NETCONF_GET,                 /* filter, xpath, with_defaults */
    NETCONF_GET_CONFIG,          /* source, filter, xpath, with_defaults */
    NETCONF_EDIT_CONFIG,         /* target, config or url, and the three options */
    NETCONF_COPY_CONFIG,         /* target, source; each may be a URL; or config */
    NETCONF_DELETE_CONFIG,       /* target */
    NETCONF_LOCK,                /* target */
    NETCONF_UNLOCK,              /* target */
    NETCONF_VALIDATE,            /* source, or config */
    NETCONF_COMMIT,              /* confirmed, timeout_s, persist, persist_id */
    NETCONF_CANCEL_COMMIT,       /* persist_id */
    NETCONF_DISCARD_CHANGES,     /* the candidate is as running again */
    NETCONF_CLOSE_SESSION,       /* nothing */
    NETCONF_KILL_SESSION,        /* session_id */
    NETCONF_GET_SCHEMA,          /* identifier, version, format */
    NETCONF_CREATE_SUBSCRIPTION, /* stream, filter, start_time, stop_time */
    NETCONF_RPC,                 /* body: any other */
};

enum netconf_datastore {
    NETCONF_RUNNING,
    NETCONF_CANDIDATE_STORE,
    NETCONF_STARTUP_STORE,
    NETCONF_AT_URL
};

/* 0 is what the protocol does when nothing is told. */
enum netconf_default_operation { NETCONF_MERGE, NETCONF_REPLACE, NETCONF_NONE };
enum netconf_test_option {
    NETCONF_TEST_DEFAULT,
    NETCONF_TEST_THEN_SET,
    NETCONF_SET,
    NETCONF_TEST_ONLY
};
enum netconf_error_option { NETCONF_STOP_ON_ERROR, NETCONF_CONTINUE_ON_ERROR, NETCONF_ROLL_BACK };
enum netconf_with_defaults {
    NETCONF_DEFAULTS_UNSAID,
    NETCONF_REPORT_ALL,
    NETCONF_REPORT_ALL_TAGGED,
    NETCONF_TRIM,
    NETCONF_EXPLICIT,
};

/* Texts are the caller's, and NULL if not told. `config`, `filter` and `body` are XML, elements
 * with their namespaces, as netconf_xml_put() writes them. */
struct netconf_request {
    enum netconf_operation operation;
    enum netconf_datastore source, target;
    const char *source_url, *target_url; /* of NETCONF_AT_URL */
    const char *filter;                  /* inside of <filter type="subtree">; "" selects nothing */
    const char *xpath;                   /* instead; prefixes are not declared for it */
    const char *config;                  /* inside of <config> */
    enum netconf_with_defaults with_defaults;
    enum netconf_default_operation default_operation;
    enum netconf_test_option test_option;
    enum netconf_error_option error_option;
    bool confirmed;
    uint32_t timeout_s; /* of a confirmed commit; 0: 600 s (RFC 6241 section 8.4.5.1) */
    const char *persist, *persist_id;
    uint32_t session_id;
    const char *identifier, *version, *format; /* format NULL: yang */
    const char *stream, *start_time, *stop_time;
    const char *body;
};

/* "edit-config"; static. */
const char *netconf_operation_name(enum netconf_operation);
/* Appends <rpc message-id="ID">...</rpc>. ERR_UNSUPPORTED: `peer` has not the capability for it,
 * which `diag` names; ERR_INVALID: what it needs is missing. On error nothing is appended. */
MUST_CHECK enum err netconf_request_put(struct buf *, const struct netconf_request *,
                                        uint32_t message_id, const struct netconf_hello *peer,
                                        struct diag *);

#endif

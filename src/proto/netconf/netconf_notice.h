/* netconf_notice.h - what a server tells of itself without being asked (RFC 6470): its
 * configuration was changed, a session began or ended, a commit waits for its confirmation. */
#ifndef PROTO_NETCONF_NETCONF_NOTICE_H
#define PROTO_NETCONF_NETCONF_NOTICE_H

#include "proto/netconf/netconf_message.h"

enum netconf_notice_kind {
    NETCONF_NOTICE_OTHER, /* not of RFC 6470 */
    NETCONF_CONFIG_CHANGE,
    NETCONF_CAPABILITY_CHANGE,
    NETCONF_SESSION_START,
    NETCONF_SESSION_END,
    NETCONF_CONFIRMED_COMMIT,
};

struct netconf_notice_edit {
    const char *target, *operation; /* an instance-identifier; "merge", "create" ... */
};

/* Texts are "" where the server tells nothing. */
struct netconf_notice {
    enum netconf_notice_kind kind;
    bool by_server;          /* else by the session */
    const char *user, *host; /* who changed it */
    uint32_t session_id;     /* 0: not told */
    const char *datastore;   /* "running", which is meant when it tells none, or "startup" */
    uint32_t n_edits;        /* of a change */
    struct netconf_notice_edit *edits;
    const char *reason;       /* a session's end: "closed", "dropped", "killed" ... */
    const char *commit_event; /* "start", "cancel", "timeout", "extend", "complete" */
    uint32_t timeout_s;       /* of a commit that began or was extended */
};

/* Reads the event of a notification into `*notice`; lists are in the arena, texts where they were.
 * ERR_LIMIT: the arena. Never anything else: what is missing is "" or 0. */
MUST_CHECK enum err netconf_notice_parse(const struct netconf_message *, struct arena *,
                                         struct netconf_notice *);

#endif

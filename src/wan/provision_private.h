/* provision_private.h - what provision.c and provision_steps.c share: the steps of a device, and
 * what each asks. */
#ifndef WAN_PROVISION_PRIVATE_H
#define WAN_PROVISION_PRIVATE_H

#include "wan/provision.h"

enum step {
    WAIT_UP,
    LOCK_RUNNING,
    LOCK_CANDIDATE,
    DISCARD,
    READ,
    EDIT,
    VALIDATE,
    READY, /* gate: all would take it */
    COMMIT,
    READ_BACK,
    COMMITTED, /* gate: all have it; the owner verifies */
    CONFIRM,
    CONFIRMED, /* gate: all have confirmed */
    SAVE,      /* running to startup, where that is its own */
    UNLOCK_CANDIDATE,
    UNLOCK_RUNNING,
    FINISHED,
    /* The way back. */
    UNDO_CANCEL,
    UNDO_EDIT,
    UNDO_COMMIT,
    UNDO_SAVE,
    UNDO_DISCARD,
    N_STEPS,
};

enum reach { NOTHING, LOCKED_RUNNING, LOCKED, EDITED, SENT_COMMIT, SENT_CONFIRM };

struct device {
    char *name;
    const struct netconf_xml *before, *now;
    uint32_t capabilities;
    bool up;
    bool tagged;         /* asks for defaults to be marked */
    bool edit_validates; /* there is no step for it */
    enum step step;
    enum reach reach;
    bool asked;      /* an answer is to come */
    bool lost;       /* the connection, and with it locks and candidate */
    nsec_t retry_at; /* NSEC_NEVER: not waiting for a lock */
    char *edit, *undo, *filter, *pretty;
    enum provision_outcome outcome;
    enum err err;
    struct diag diag;
};

struct provision {
    struct provision_config config;
    char *marker, *name, *persist;
    struct device *devices;
    size_t n;
    nsec_t now, started, verify_by;
    bool verifying, verified, told_verify, backwards, told_end;
    enum err err;
    struct diag diag;
    struct netconf_request request;
};

struct provision_step {
    const char *name; /* for people */
    void (*ask)(const struct provision *, const struct device *, struct netconf_request *);
    enum step next;
};

extern const struct provision_step provision_steps[N_STEPS];

/* It has confirmed-commit:1.1: an unconfirmed commit outlives the session, and can be cancelled. */
bool provision_persists(const struct device *);

#endif

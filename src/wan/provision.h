/* provision.h - brings configuration to several devices as one: all have it in the end, or none.
 *
 * A pure machine: it says what to ask of which device, is told the answers and the time, and never
 * waits. Per device, with all devices at the same time:
 *
 *     lock the candidate (and running, if it can be written directly), discard what somebody left
 * in it, read what is there, edit the candidate, validate
 *         -> when all have: confirmed commit with a timeout, and read back
 *         -> when all have, and what they have is what was wanted: PROVISION_VERIFY asks the owner
 *         -> when it says yes: the confirming commit, unlock
 *
 * If anything fails on any device, all go back: what is only edited is discarded, what is committed
 * and not confirmed is cancelled, what is confirmed already is edited back. If the controller dies
 * on the way, nothing is confirmed, and the devices go back by themselves when the timeout is over.
 *
 * Devices that are not managed over NETCONF (FRR's lines) are no members. Where a service has both,
 * apply the lines while PROVISION_VERIFY is open, when all others could still go back: if they are
 * refused, take back what was applied (vpn_lines_change()) and answer with the error.
 *
 * Needs :candidate, :confirmed-commit and :validate of each device. Where somebody else has the
 * lock it waits, and gives up after a bound. */
#ifndef WAN_PROVISION_H
#define WAN_PROVISION_H

#include "base/time.h"
#include "proto/netconf/netconf_request.h"
#include "wan/vpn_config.h"

struct provision; /* Opaque. */

/* What a device is to have; trees with marks (vpn_config.h), which must live as long as the
 * machine. Texts are copied. */
struct provision_device {
    const char *name;
    const struct netconf_xml *before; /* what it has of us; NULL: nothing */
    const struct netconf_xml *now;    /* what it is to have; NULL: nothing */
};

/* Zero means the value in brackets. */
struct provision_config {
    const char *marker, *name;  /* of what is ours (vpn_config_conflict()); must be given */
    const char *persist;        /* an id that no other change has; must be given */
    bool dry_run;               /* up to validate; then all is discarded, and nothing was changed */
    bool restore;               /* replaces all that is ours, whatever is there: ends drift */
    uint32_t confirm_timeout_s; /* until devices go back by themselves [120] */
    nsec_t connect_timeout;     /* until all devices are up [30 s] */
    nsec_t lock_timeout;        /* how long locks of others are waited for [30 s] */
    nsec_t lock_retry;          /* [500 ms] */
    nsec_t verify_timeout;      /* for the owner's answer [half of confirm_timeout_s] */
};

enum provision_action_kind {
    PROVISION_ASK,    /* send `request` to `device`, then call provision_answer() */
    PROVISION_VERIFY, /* all have it, unconfirmed: look, then call provision_verified() */
    PROVISION_END,    /* `err`, `diag`: ERR_OK, or what failed first and where. The last action. */
};

struct provision_action {
    enum provision_action_kind kind;
    size_t device;
    const struct netconf_request *request; /* valid until the next call */
    bool any_connection; /* it may go over another connection than the requests before */
    enum err err;
    struct diag diag;
};

/* `devices` is copied. Never NULL. */
struct provision *provision_new(const struct provision_config *, const struct provision_device *,
                                size_t n, nsec_t now);
void provision_free(struct provision *); /* NULL is fine. What it has locked stays so. */

/* The device is connected, or was from the beginning. */
void provision_up(struct provision *, size_t device, const struct netconf_hello *, nsec_t now);
/* To the last PROVISION_ASK for the device. `text` is for people, `reply` may be NULL on errors;
 * both during the call only. */
void provision_answer(struct provision *, size_t device, enum err, const char *text,
                      const struct netconf_message *reply, nsec_t now);
void provision_verified(struct provision *, enum err, const char *text, nsec_t now);
/* The owner wants no more: all go back. */
void provision_cancel(struct provision *, const char *why, nsec_t now);
void provision_tick(struct provision *, nsec_t now);
nsec_t provision_deadline(const struct provision *); /* NSEC_NEVER: no need */

/* What to do next; false: nothing for now. */
bool provision_next(struct provision *, struct provision_action *);

/* ---- what became of each device */

enum provision_outcome {
    PROVISION_PENDING,        /* not at its end yet */
    PROVISION_UNCHANGED,      /* it had it already, or was not touched */
    PROVISION_CHANGED,        /* confirmed */
    PROVISION_ACCEPTED,       /* dry run: it would take it */
    PROVISION_ROLLED_BACK,    /* it is as it was */
    PROVISION_WILL_ROLL_BACK, /* it was not seen to go back; it has when the timeout is over */
    PROVISION_UNKNOWN,        /* confirmed, and could not be edited back: somebody must look */
};

struct provision_report {
    enum provision_outcome outcome;
    const char *name;
    enum err err;     /* of this device; ERR_OK: none */
    const char *text; /* "commit: ..."; "" */
    const char *edit; /* for people, one element a line: what is sent; "" before it is known */
};

/* Texts live as long as the machine. */
void provision_report(const struct provision *, size_t device, struct provision_report *);
const char *provision_outcome_name(enum provision_outcome); /* static */

#endif

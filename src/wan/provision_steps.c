/* What each step asks of its device. */
#include "wan/provision_private.h"

static void
ask_lock(const struct provision *p, const struct device *d, struct netconf_request *r)
{
    (void)p;
    r->operation = NETCONF_LOCK;
    r->target = d->step == LOCK_RUNNING ? NETCONF_RUNNING : NETCONF_CANDIDATE_STORE;
}

static void
ask_unlock(const struct provision *p, const struct device *d, struct netconf_request *r)
{
    (void)p;
    r->operation = NETCONF_UNLOCK;
    r->target = d->step == UNLOCK_RUNNING ? NETCONF_RUNNING : NETCONF_CANDIDATE_STORE;
}

static void
ask_discard(const struct provision *p, const struct device *d, struct netconf_request *r)
{
    (void)p, (void)d;
    r->operation = NETCONF_DISCARD_CHANGES;
}

static void
ask_read(const struct provision *p, const struct device *d, struct netconf_request *r)
{
    (void)p;
    r->operation = NETCONF_GET_CONFIG;
    r->filter = d->filter;
    r->with_defaults = d->tagged ? NETCONF_REPORT_ALL_TAGGED : NETCONF_DEFAULTS_UNSAID;
}

static void
ask_edit(const struct provision *p, const struct device *d, struct netconf_request *r)
{
    (void)p;
    r->operation = NETCONF_EDIT_CONFIG;
    r->target = NETCONF_CANDIDATE_STORE;
    r->config = d->step == EDIT ? d->edit : d->undo;
    if (d->capabilities & NETCONF_ROLLBACK_ON_ERROR)
        r->error_option = NETCONF_ROLL_BACK;
    if (d->edit_validates)
        r->test_option = NETCONF_TEST_THEN_SET;
}

static void
ask_validate(const struct provision *p, const struct device *d, struct netconf_request *r)
{
    (void)p, (void)d;
    r->operation = NETCONF_VALIDATE;
    r->source = NETCONF_CANDIDATE_STORE;
}

bool
provision_persists(const struct device *d)
{
    return d->capabilities & NETCONF_CONFIRMED_COMMIT_1_1;
}

static void
ask_commit(const struct provision *p, const struct device *d, struct netconf_request *r)
{
    r->operation = NETCONF_COMMIT;
    r->confirmed = d->step == COMMIT;
    if (d->step == COMMIT) {
        r->timeout_s = p->config.confirm_timeout_s;
        r->persist = provision_persists(d) ? p->persist : NULL;
    } else if (d->step == CONFIRM) {
        r->persist_id = provision_persists(d) ? p->persist : NULL;
    }
}

/* A confirmed commit of 1.0 ends with its session (RFC 4741 section 8.4.1). */
static void
ask_cancel(const struct provision *p, const struct device *d, struct netconf_request *r)
{
    r->operation = provision_persists(d) ? NETCONF_CANCEL_COMMIT : NETCONF_CLOSE_SESSION;
    r->persist_id = provision_persists(d) ? p->persist : NULL;
}

static void
ask_save(const struct provision *p, const struct device *d, struct netconf_request *r)
{
    (void)p, (void)d;
    r->operation = NETCONF_COPY_CONFIG;
    r->source = NETCONF_RUNNING;
    r->target = NETCONF_STARTUP_STORE;
}

const struct provision_step provision_steps[N_STEPS] = {
    [WAIT_UP] = {"connect", NULL, LOCK_RUNNING},
    [LOCK_RUNNING] = {"lock running", ask_lock, LOCK_CANDIDATE},
    [LOCK_CANDIDATE] = {"lock candidate", ask_lock, DISCARD},
    [DISCARD] = {"discard-changes", ask_discard, READ},
    [READ] = {"read", ask_read, EDIT},
    [EDIT] = {"edit-config", ask_edit, VALIDATE},
    [VALIDATE] = {"validate", ask_validate, READY},
    [READY] = {"ready", NULL, COMMIT},
    [COMMIT] = {"commit", ask_commit, READ_BACK},
    [READ_BACK] = {"read back", ask_read, COMMITTED},
    [COMMITTED] = {"verify", NULL, CONFIRM},
    [CONFIRM] = {"confirming commit", ask_commit, CONFIRMED},
    [CONFIRMED] = {"confirmed", NULL, SAVE},
    [SAVE] = {"copy to startup", ask_save, UNLOCK_CANDIDATE},
    [UNLOCK_CANDIDATE] = {"unlock candidate", ask_unlock, UNLOCK_RUNNING},
    [UNLOCK_RUNNING] = {"unlock running", ask_unlock, FINISHED},
    [FINISHED] = {"finished", NULL, FINISHED},
    [UNDO_CANCEL] = {"cancel-commit", ask_cancel, UNDO_DISCARD},
    [UNDO_EDIT] = {"edit back", ask_edit, UNDO_COMMIT},
    [UNDO_COMMIT] = {"commit back", ask_commit, UNDO_SAVE},
    [UNDO_SAVE] = {"copy to startup", ask_save, UNLOCK_CANDIDATE},
    [UNDO_DISCARD] = {"discard-changes", ask_discard, UNLOCK_CANDIDATE},
};

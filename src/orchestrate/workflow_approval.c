/* Who may approve what: the rules of the four eyes, in one place. */
#include "orchestrate/workflow_state.h"

#include "base/alloc.h"

#include <string.h>

enum err
workflow_approval_hash(const struct workflow_run *run, const struct progress *progress, char **hash,
                       struct diag *diag)
{
    json_t *value;
    json_t *bind = progress->step->approval.bind;
    if (!bind) {
        *hash = xstrdup(run->hash);
        return ERR_OK;
    }
    struct run_scope at = workflow_run_scope(run, progress, 0);
    enum err err = workflow_template_render(bind, &at.scope, &value, diag);
    if (err)
        return err;
    if (json_is_string(value) && json_string_length(value) > 0)
        *hash = xstrdup(json_string_value(value));
    else
        err = diag_set(diag, ERR_INVALID, "'%.80s' stands for no hash to approve",
                       json_string_value(bind));
    json_decref(value);
    return err;
}

static bool
holds_role(const json_t *holds, const char *role)
{
    size_t index;
    json_t *held;
    json_array_foreach(holds, index, held)
    {
        if (json_is_string(held) && !strcmp(json_string_value(held), role))
            return true;
    }
    return false;
}

/* A place in the step's list for that role: one that is free, or for a refusal any. */
static enum err
find_slot(const struct progress *progress, const char *role, bool refusal, uint32_t *slot,
          struct diag *diag)
{
    const struct workflow_approval *approval = &progress->step->approval;
    const char *taken_by = NULL;
    for (uint32_t i = 0; i < approval->n_roles; i++) {
        if (strcmp(approval->roles[i], role) != 0)
            continue;
        if (!progress->who[i] || refusal) {
            *slot = i;
            return ERR_OK;
        }
        taken_by = progress->who[i];
    }
    if (taken_by)
        return diag_set(diag, ERR_DENIED, "%.63s has approved as %s already", taken_by, role);
    return diag_set(diag, ERR_DENIED, "no approval as %.63s is asked for", role);
}

/* Distinct people: whoever has approved in one role does not count in another. */
static enum err
check_distinct(const struct progress *progress, const char *who, struct diag *diag)
{
    const struct workflow_approval *approval = &progress->step->approval;
    for (uint32_t i = 0; approval->distinct && i < approval->n_roles; i++) {
        if (progress->who[i] && !strcmp(progress->who[i], who))
            return diag_set(diag, ERR_DENIED,
                            "%.63s has approved as %s; the other approvals must be other people's",
                            who, approval->roles[i]);
    }
    return ERR_OK;
}

enum err
workflow_approval_check(const struct workflow_run *run, const struct progress *progress,
                        const json_t *verdict, nsec_t time, bool refusal, uint32_t *slot,
                        struct diag *diag)
{
    const char *who = json_string_value(json_object_get(verdict, "who"));
    const char *role = json_string_value(json_object_get(verdict, "role"));
    const char *hash = json_string_value(json_object_get(verdict, "hash"));
    const json_t *holds = json_object_get(verdict, "holds");
    const json_t *comment = json_object_get(verdict, "comment");
    nsec_t deadline = progress->units[0].forward.deadline;
    if (!who || !*who || !role || !hash || !json_is_array(holds) ||
        (comment && !json_is_string(comment)))
        return diag_set(diag, ERR_MALFORMED, "who, role, holds and hash are needed");
    if (time >= deadline) {
        char text[TIME_TEXT_SIZE];
        return diag_set(diag, ERR_DENIED, "what was asked expired at %s",
                        time_format(deadline, text));
    }
    if (strcmp(hash, progress->hash) != 0)
        return diag_set(diag, ERR_DENIED, "the hash named is %.70s, but what is asked for is %.70s",
                        hash, progress->hash);
    if (!progress->step->approval.requester && !strcmp(who, run->requester))
        return diag_set(diag, ERR_DENIED, "%.63s requested it and cannot decide on it", who);
    if (!holds_role(holds, role))
        return diag_set(diag, ERR_DENIED, "%.63s does not hold the role %.63s", who, role);
    enum err err = find_slot(progress, role, refusal, slot, diag);
    return err || refusal ? err : check_distinct(progress, who, diag);
}

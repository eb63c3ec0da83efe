#include "gateway/duties.h"

#include <string.h>

enum err
duties_check_roles(role_set roles, struct diag *diag)
{
    static const enum role guards[] = {ROLE_SECADM, ROLE_RBACMNT};
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++) {
        if (roles & ROLE(SECAUD) && roles & 1u << guards[i])
            return diag_set(diag, ERR_DENIED,
                            "rule guard-and-judge: nobody holds %s together with SECAUD",
                            role_word(guards[i]));
    }
    return ERR_OK;
}

enum err
duties_check_change(const char *actor, const char *name, struct diag *diag)
{
    if (!strcmp(actor, name))
        return diag_set(diag, ERR_DENIED, "rule own-roles: nobody changes the roles of their own");
    return ERR_OK;
}

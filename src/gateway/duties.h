/* duties.h - separation of duties between people (IEC 62351-8; NERC CIP-004): what nobody may hold
 * together or do to themselves, whoever allows it. Pure.
 *
 *     guard-and-judge  who administers security or roles (SECADM, RBACMNT) does not audit (SECAUD)
 *     own-roles        nobody changes the roles of their own, be it to take one away
 *
 * That nobody approves what they asked for is a rule of work orders: workflow_approval.c. */
#ifndef GATEWAY_DUTIES_H
#define GATEWAY_DUTIES_H

#include "gateway/identity.h"

/* May one person hold these together? ERR_DENIED: `diag` names the rule. */
MUST_CHECK enum err duties_check_roles(role_set, struct diag *);
/* May `actor` change what `name` holds? ERR_DENIED, the same. */
MUST_CHECK enum err duties_check_change(const char *actor, const char *name, struct diag *);

#endif

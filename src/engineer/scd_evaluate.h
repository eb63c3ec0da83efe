/* scd_evaluate.h - a parsed SCD file being compared with the network; what the parts of
 * import_scd.c share. */
#ifndef ENGINEER_SCD_EVALUATE_H
#define ENGINEER_SCD_EVALUATE_H

#include "engineer/import_scd.h"
#include "engineer/scd.h"
#include "model/claim.h"

struct evaluation {
    const struct network *network;
    const struct scd *scd;
    struct scd_import *import; /* findings and proposals go here */
    size_t capacity;           /* of its proposals */

    struct claim *ieds;          /* by name: struct scd_ied */
    struct claim *hosts;         /* by IED name: struct host */
    struct claim *access_points; /* by IED name: the first struct scd_access_point */
    struct claim *mismatched;    /* IEDs whose addresses are not those of their hosts */
    struct claim *missing;       /* IEDs that have been reported as not in the inventory */
    struct claim *names;         /* of the circuits proposed */
};

/* What can be read of a control block's address. */
struct parsed_address {
    bool complete; /* everything a circuit needs is there and well-formed */
    bool has_mac, has_appid;
    struct mac mac;
    uint16_t appid, vlan_id;
    uint8_t vlan_priority;
};

/* A finding at a line of the file. */
void evaluation_add(struct evaluation *, enum severity, const char *code, const char *kind,
                    const char *object, uint32_t line, const char *format, ...) PRINTF_LIKE(7, 8);

/* scd_ieds.c: who is there. Fills the sets above. */
void evaluate_ieds(struct evaluation *);
/* The host that is this IED. NULL: none, which is a finding the first time. */
const struct host *evaluation_host(struct evaluation *, const char *ied, uint32_t line);

/* scd_address.c: the address of a control block, `object` being what findings call it. */
struct parsed_address evaluate_address(struct evaluation *, const struct scd_address *,
                                       const char *object);

/* scd_publications.c and scd_clients.c: proposals. */
void evaluate_publications(struct evaluation *);
void evaluate_clients(struct evaluation *);

/* A proposal for a circuit called after `name`, which becomes a valid and unique one. Valid until
 * the next is made. */
struct scd_proposal *propose(struct evaluation *, const char *name, enum circuit_kind);
void add_reason(struct scd_proposal *, const char *format, ...) PRINTF_LIKE(2, 3);
void add_evidence(struct scd_proposal *, uint32_t line, const char *format, ...) PRINTF_LIKE(3, 4);

#endif

#include "engineer/scd_evaluate.h"

#include <stdlib.h>
#include <string.h>

static bool
owns(struct claim *const *claims, const char *key)
{
    return claim_owner(claims, key, strlen(key)) != NULL;
}

/* ---- Addresses ---------------------------------------------------------------------------------
 */

static void
check_ip(struct evaluation *e, const struct scd_access_point *ap, struct claim **addresses)
{
    uint32_t address;
    if (!ap->ip)
        return;
    if (ipv4_parse(ap->ip, &address) || address == 0) {
        evaluation_add(e, SEVERITY_ERROR, "address-malformed", "access-point", ap->ied, ap->line,
                       "\"%.40s\" is not an IPv4 address", ap->ip);
        return;
    }
    const struct scd_access_point *other = claim_key(addresses, &address, sizeof address, ap);
    if (other && strcmp(other->ied, ap->ied) != 0)
        evaluation_add(e, SEVERITY_ERROR, "ip-duplicate", "access-point", ap->ied, ap->line,
                       "IED %s (line %u) has address %s too", other->ied, other->line, ap->ip);
}

static void
check_access_points(struct evaluation *e)
{
    struct claim *addresses = NULL;
    for (const struct scd_access_point *ap = e->scd->access_points; ap; ap = ap->next) {
        claim_text(&e->access_points, ap->ied, ap);
        if (!owns(&e->ieds, ap->ied))
            evaluation_add(e, SEVERITY_ERROR, "ied-unknown", "access-point", ap->ied, ap->line,
                           "there is no IED of this name in the file");
        check_ip(e, ap, &addresses);
    }
    claims_free(&addresses);
}

/* Hosts that have one of the addresses of their IED. */
static void
collect_matching(struct evaluation *e, struct claim **matching)
{
    for (const struct scd_access_point *ap = e->scd->access_points; ap; ap = ap->next) {
        const struct host *host = claim_owner(&e->hosts, ap->ied, strlen(ap->ied));
        uint32_t address;
        if (host && ap->ip && !ipv4_parse(ap->ip, &address) && address == host->ipv4)
            claim_text(matching, ap->ied, host);
    }
}

/* An IED may have several addresses; one of them must be the host's. */
static void
check_mismatches(struct evaluation *e)
{
    struct claim *matching = NULL;
    collect_matching(e, &matching);
    for (const struct scd_access_point *ap = e->scd->access_points; ap; ap = ap->next) {
        const struct host *host = claim_owner(&e->hosts, ap->ied, strlen(ap->ied));
        uint32_t address;
        char text[IPV4_TEXT_SIZE] = "no address";
        if (!host || !ap->ip || ipv4_parse(ap->ip, &address) || owns(&matching, ap->ied))
            continue;
        if (claim_text(&e->mismatched, ap->ied, ap))
            continue; /* said once */
        if (host->ipv4)
            ipv4_format(host->ipv4, text);
        evaluation_add(e, SEVERITY_ERROR, "ip-mismatch", "access-point", ap->ied, ap->line,
                       "it has address %s here, but host %s has %s in the inventory", ap->ip,
                       host->name, text);
    }
    claims_free(&matching);
}

/* ---- IEDs --------------------------------------------------------------------------------------
 */

static void
index_ieds(struct evaluation *e)
{
    for (const struct scd_ied *ied = e->scd->ieds; ied; ied = ied->next) {
        const struct scd_ied *other = claim_text(&e->ieds, ied->name, ied);
        e->import->n_ieds++;
        if (other)
            evaluation_add(e, SEVERITY_ERROR, "ied-duplicate", "ied", ied->name, ied->line,
                           "there is one of this name in line %u already", other->line);
        if (ied->n_open)
            evaluation_add(e, SEVERITY_INFO, "input-open", "ied", ied->name, ied->open_line,
                           "inputs that are bound to nothing: %u", ied->n_open);
    }
    for (const struct host *host = e->network->hosts; host; host = host->hh.next)
        claim_text(&e->hosts, host->ied ? host->ied : host->name, host);
}

void
evaluate_ieds(struct evaluation *e)
{
    index_ieds(e);
    check_access_points(e);
    check_mismatches(e);
    for (const struct scd_ied *ied = e->scd->ieds; ied; ied = ied->next) {
        if (ied->has_server && !owns(&e->access_points, ied->name))
            evaluation_add(e, SEVERITY_WARNING, "access-point-missing", "ied", ied->name, ied->line,
                           "it has a server, but is connected to no SubNetwork");
    }
}

const struct host *
evaluation_host(struct evaluation *e, const char *ied, uint32_t line)
{
    const struct host *host = claim_owner(&e->hosts, ied, strlen(ied));
    const struct scd_ied *known = claim_owner(&e->ieds, ied, strlen(ied));
    if (!host && !claim_text(&e->missing, ied, e))
        evaluation_add(e, SEVERITY_ERROR, "ied-not-in-inventory", "ied", ied,
                       known ? known->line : line,
                       "no host of the inventory has this name, or names it as its IED");
    return host;
}

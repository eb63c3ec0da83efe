/* Clients of reports and of polled data: MMS circuits, one for each client and server. */
#include "base/alloc.h"
#include "engineer/scd_evaluate.h"
#include "model/text.h"
#include "packet/flow_key.h"

#include <stdlib.h>
#include <string.h>

#define MMS_PORT 102 /* RFC 1006 */
#define RATE_KBPS 1000
#define BURST_OCTETS 15180

struct clients {
    struct evaluation *e;
    struct claim *pairs; /* number of the proposal + 1 */
};

/* The server's port: MMS-Port of its access point, or the usual one. */
static uint16_t
server_port(const struct clients *c, const char *server)
{
    const struct scd_access_point *ap = claim_owner(&c->e->access_points, server, strlen(server));
    const char *text = ap ? ap->mms_port : NULL;
    unsigned long port = text && strspn(text, "0123456789") == strlen(text)
                             ? strtoul(text, NULL, 10)
                             : 0;
    return port >= 1 && port <= UINT16_MAX ? (uint16_t)port : MMS_PORT;
}

/* One end of a connection. */
struct end {
    const char *role, *ied;
    const struct host *host;
    char name[NAME_MAX_LENGTH + 1]; /* of the host, or what it would be */
};

static struct end
end_of(struct clients *c, const char *role, const char *ied, uint32_t line)
{
    struct end end = {.role = role, .ied = ied, .host = evaluation_host(c->e, ied, line)};
    if (end.host)
        strcpy(end.name, end.host->name);
    else
        name_from_text(ied, end.name);
    return end;
}

/* What is to be said about an end: it has to be known, and at the address the file says. */
static void
check_end(struct clients *c, struct scd_proposal *proposal, const struct end *end, uint32_t line)
{
    const struct scd_access_point *ap = claim_owner(&c->e->access_points, end->ied,
                                                    strlen(end->ied));
    if (!end->host)
        add_reason(proposal, "%s %s is not in the inventory", end->role, end->ied);
    if (claim_owner(&c->e->mismatched, end->ied, strlen(end->ied)))
        add_reason(proposal, "%s %s has another address in the inventory", end->role, end->ied);
    if (!ap || !ap->ip)
        evaluation_add(c->e, SEVERITY_WARNING, "ip-missing", "ied", end->ied, ap ? ap->line : line,
                       "it is the %s of an MMS connection, but has no IP address in the file",
                       end->role);
}

static struct scd_proposal *
new_proposal(struct clients *c, const char *client_ied, const char *server_ied, uint32_t line)
{
    struct end client = end_of(c, "client", client_ied, line);
    struct end server = end_of(c, "server", server_ied, line);
    char *name = xasprintf("mms-%s-%s", client.name, server.name);
    struct scd_proposal *proposal = propose(c->e, name, CIRCUIT_IP);
    struct circuit *circuit = proposal->circuit;
    free(name);
    check_end(c, proposal, &client, line);
    check_end(c, proposal, &server, line);
    circuit->service_class = CLASS_SCADA;
    circuit->rate_kbps = RATE_KBPS;
    circuit->burst_octets = BURST_OCTETS;
    circuit->ip.protocol = IP_PROTO_TCP;
    circuit->ip.client = xstrdup(client.name);
    circuit->ip.server = xstrdup(server.name);
    circuit->ip.n_server_ports = 1;
    circuit->ip.server_ports = xcalloc(1, sizeof *circuit->ip.server_ports);
    circuit->ip.server_ports[0] = server_port(c, server_ied);
    return proposal;
}

/* The proposal for this pair, made if there is none. NULL: client and server are one. */
static struct scd_proposal *
proposal_of(struct clients *c, const char *client, const char *server, uint32_t line)
{
    if (!strcmp(client, server))
        return NULL;
    char *key = xasprintf("%s\x1f%s", client, server);
    const void *before = claim_owner(&c->pairs, key, strlen(key));
    struct scd_proposal *proposal;
    if (before) {
        proposal = &c->e->import->proposals[(size_t)(uintptr_t)before - 1];
    } else {
        proposal = new_proposal(c, client, server, line);
        claim_text(&c->pairs, key, (const void *)(uintptr_t)c->e->import->n_proposals);
    }
    free(key);
    return proposal;
}

static void
add_report(struct clients *c, const struct scd_report *report)
{
    for (const struct scd_reference *r = report->clients; r; r = r->next) {
        if (!claim_owner(&c->e->ieds, r->ied, strlen(r->ied))) {
            char *object = xasprintf("%s/%s/%s", report->ied, report->ld_inst, report->name);
            evaluation_add(c->e, SEVERITY_ERROR, "ied-unknown", "control-block", object, r->line,
                           "its client %s is no IED in the file", r->ied);
            free(object);
            continue;
        }
        struct scd_proposal *proposal = proposal_of(c, r->ied, report->ied, r->line);
        if (proposal)
            add_evidence(proposal, r->line, "ClientLN: %s is a client of ReportControl %s/%s/%s",
                         r->ied, report->ied, report->ld_inst, report->name);
    }
}

static void
add_input(struct clients *c, const struct scd_input *input)
{
    bool report = input->service && !strcmp(input->service, "Report");
    bool poll = input->service && !strcmp(input->service, "Poll");
    bool known = claim_owner(&c->e->ieds, input->publisher, strlen(input->publisher)) != NULL;
    if ((!report && !poll) || !known)
        return;
    struct scd_proposal *proposal = proposal_of(c, input->ied, input->publisher, input->line);
    if (proposal)
        add_evidence(proposal, input->line, "ExtRef: %u of %s by %s from %s", input->n, input->ied,
                     report ? "report" : "polling", input->publisher);
}

void
evaluate_clients(struct evaluation *e)
{
    struct clients c = {.e = e};
    for (const struct scd_report *report = e->scd->reports; report; report = report->next)
        add_report(&c, report);
    for (const struct scd_input *input = e->scd->inputs; input; input = input->next)
        add_input(&c, input);
    claims_free(&c.pairs);
}

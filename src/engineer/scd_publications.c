/* Control blocks, their addresses and those who listen, put together into GOOSE and SV circuits. */
#include "base/alloc.h"
#include "engineer/scd_evaluate.h"
#include "engineer/scd_rate.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct subscriber {
    const char *ied;
    const struct scd_reference *declared;
    const struct scd_input *bound;
    const struct scd_supervision *supervised;
    uint32_t line; /* of the first of them */
};

struct publication {
    const struct scd_control *control;
    const struct scd_address *address;
    struct parsed_address parsed;
    char *object;    /* "relay-a1/PROT/gcbTrip" */
    size_t proposal; /* its number; SIZE_MAX: none is made */
    struct subscriber *subscribers;
    size_t n, capacity;
};

struct publications {
    struct evaluation *e;
    struct publication *all;
    size_t n;
    struct claim *by_key, *by_reference; /* struct publication */
    struct claim *addresses, *data_sets; /* struct scd_address, struct scd_data_set */
    struct claim *subscribers;           /* number of the entry + 1 */
};

static bool
same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* One input, two inputs. */
static const char *
plural(uint32_t n)
{
    return n == 1 ? "" : "s";
}

/* What distinguishes control blocks, their addresses and data sets; no name has a control
 * character. */
static char *
key_of(int service, const char *ied, const char *ld_inst, const char *name)
{
    return xasprintf("%d\x1f%s\x1f%s\x1f%s", service, ied, ld_inst, name);
}

static const void *
find(struct claim *const *claims, int service, const char *ied, const char *ld_inst,
     const char *name)
{
    char *key = key_of(service, ied, ld_inst, name);
    const void *found = claim_owner(claims, key, strlen(key));
    free(key);
    return found;
}

static const void *
claim(struct claim **claims, int service, const char *ied, const char *ld_inst, const char *name,
      const void *owner)
{
    char *key = key_of(service, ied, ld_inst, name);
    const void *before = claim_text(claims, key, owner);
    free(key);
    return before;
}

#define DATA_SET (-1) /* in place of a service */

/* ---- Who publishes -----------------------------------------------------------------------------
 */

static void
index_controls(struct publications *p)
{
    size_t n = 0;
    for (const struct scd_control *c = p->e->scd->controls; c; c = c->next)
        n++;
    p->all = xcalloc(n, sizeof *p->all);
    for (const struct scd_control *c = p->e->scd->controls; c; c = c->next) {
        struct publication *publication = &p->all[p->n++];
        publication->control = c;
        publication->proposal = SIZE_MAX;
        publication->object = xasprintf("%s/%s/%s", c->ied, c->ld_inst, c->name);
        const struct publication *other = claim(&p->by_key, (int)c->service, c->ied, c->ld_inst,
                                                c->name, publication);
        if (other) {
            evaluation_add(p->e, SEVERITY_ERROR, "control-block-duplicate", "control-block",
                           publication->object, c->line,
                           "there is one of this name in line %u already", other->control->line);
            publication->control = NULL;
            continue;
        }
        char *reference = xasprintf("%d %s%s/LLN0.%s", c->service, c->ied, c->ld_inst, c->name);
        claim_text(&p->by_reference, reference, publication);
        free(reference);
    }
}

static void
index_data_sets(struct publications *p)
{
    for (const struct scd_data_set *set = p->e->scd->data_sets; set; set = set->next)
        claim(&p->data_sets, DATA_SET, set->ied, set->ld_inst, set->name, set);
}

static const struct scd_data_set *
data_set_of(const struct publications *p, const struct scd_control *c)
{
    return c->data_set ? find(&p->data_sets, DATA_SET, c->ied, c->ld_inst, c->data_set) : NULL;
}

static void
check_control(struct publications *p, const struct publication *publication)
{
    const struct scd_control *c = publication->control;
    if (c->gsse)
        evaluation_add(p->e, SEVERITY_WARNING, "gsse-unsupported", "control-block",
                       publication->object, c->line, "GSSE is not proposed as a circuit");
    if (c->unicast)
        evaluation_add(p->e, SEVERITY_WARNING, "unicast-unsupported", "control-block",
                       publication->object, c->line,
                       "unicast sampled values are not proposed as a circuit");
    if (!c->data_set)
        evaluation_add(p->e, SEVERITY_WARNING, "data-set-missing", "control-block",
                       publication->object, c->line, "it has no data set, so it cannot send");
    else if (!data_set_of(p, c))
        evaluation_add(p->e, SEVERITY_WARNING, "data-set-missing", "control-block",
                       publication->object, c->line, "its data set %s does not exist", c->data_set);
}

static void
index_addresses(struct publications *p)
{
    for (const struct scd_address *a = p->e->scd->addresses; a; a = a->next) {
        char *object = xasprintf("%s/%s/%s", a->ied, a->ld_inst, a->control);
        const struct publication *publication = find(&p->by_key, (int)a->service, a->ied,
                                                     a->ld_inst, a->control);
        const struct scd_address *other = claim(&p->addresses, (int)a->service, a->ied, a->ld_inst,
                                                a->control, a);
        if (!publication)
            evaluation_add(p->e, SEVERITY_WARNING, "address-without-control-block", "address",
                           object, a->line, "there is no such control block");
        else if (other)
            evaluation_add(p->e, SEVERITY_WARNING, "address-duplicate", "address", object, a->line,
                           "there is one of this control block in line %u already", other->line);
        free(object);
    }
}

/* ---- Who listens -------------------------------------------------------------------------------
 */

/* The entry of this IED among the subscribers, made if there is none. NULL: it is the publisher. */
static struct subscriber *
subscriber_of(struct publications *p, struct publication *publication, const char *ied,
              uint32_t line)
{
    if (same(ied, publication->control->ied)) {
        evaluation_add(p->e, SEVERITY_WARNING, "subscriber-is-publisher", "control-block",
                       publication->object, line,
                       "the publisher is declared as its own subscriber");
        return NULL;
    }
    char *key = xasprintf("%zu\x1f%s", (size_t)(publication - p->all), ied);
    size_t at = publication->n;
    const void *before = claim_text(&p->subscribers, key,
                                    (const void *)(uintptr_t)(publication->n + 1));
    free(key);
    if (before)
        return &publication->subscribers[(size_t)(uintptr_t)before - 1];
    GROW(publication->subscribers, publication->n, publication->capacity);
    publication->n++;
    publication->subscribers[at] = (struct subscriber){.ied = ied, .line = line};
    return &publication->subscribers[at];
}

static void
add_declared(struct publications *p, struct publication *publication)
{
    for (const struct scd_reference *r = publication->control->subscribers; r; r = r->next) {
        struct subscriber *subscriber = subscriber_of(p, publication, r->ied, r->line);
        if (!claim_owner(&p->e->ieds, r->ied, strlen(r->ied)))
            evaluation_add(p->e, SEVERITY_ERROR, "ied-unknown", "control-block",
                           publication->object, r->line, "its subscriber %s is no IED in the file",
                           r->ied);
        if (subscriber && !subscriber->declared)
            subscriber->declared = r;
    }
}

static bool
is_mms(const struct scd_input *input)
{
    return input->service && (same(input->service, "Report") || same(input->service, "Poll"));
}

/* The control block an input is bound to, of the service it names or of either. */
static struct publication *
publication_of(struct publications *p, const struct scd_input *input)
{
    bool any = !input->service;
    const void *found = NULL;
    if (any || same(input->service, "GOOSE"))
        found = find(&p->by_key, SCD_GOOSE, input->publisher, input->ld_inst, input->control);
    if (!found && (any || same(input->service, "SMV")))
        found = find(&p->by_key, SCD_SV, input->publisher, input->ld_inst, input->control);
    return (struct publication *)found;
}

static void
report_unbound(struct publications *p, const struct scd_input *input)
{
    if (input->candidate)
        evaluation_add(
            p->e, SEVERITY_WARNING, "input-unbound", "input", input->ied, input->line,
            "%u input%s from %s without a control block; data set %s of %s has the first: "
            "decide which control block carries it",
            input->n, plural(input->n), input->publisher, input->candidate, input->ld_inst);
    else
        evaluation_add(p->e, SEVERITY_WARNING, "input-unbound", "input", input->ied, input->line,
                       "%u input%s from %s without a control block, and no data set has the first",
                       input->n, plural(input->n), input->publisher);
}

static void
add_inputs(struct publications *p)
{
    for (const struct scd_input *i = p->e->scd->inputs; i; i = i->next) {
        if (!claim_owner(&p->e->ieds, i->publisher, strlen(i->publisher))) {
            evaluation_add(p->e, SEVERITY_ERROR, "ied-unknown", "input", i->ied, i->line,
                           "%u input%s from %s, which is no IED in the file", i->n, plural(i->n),
                           i->publisher);
            continue;
        }
        if (is_mms(i))
            continue;
        if (!i->control) {
            report_unbound(p, i);
            continue;
        }
        struct publication *publication = publication_of(p, i);
        if (!publication) {
            evaluation_add(p->e, SEVERITY_ERROR, "control-block-unknown", "input", i->ied, i->line,
                           "%u input%s bound to %s/%s/%s, which does not exist", i->n, plural(i->n),
                           i->publisher, i->ld_inst, i->control);
            continue;
        }
        struct subscriber *subscriber = subscriber_of(p, publication, i->ied, i->line);
        if (subscriber && !subscriber->bound)
            subscriber->bound = i;
    }
}

static void
add_supervisions(struct publications *p)
{
    for (const struct scd_supervision *s = p->e->scd->supervisions; s; s = s->next) {
        char *key = xasprintf("%d %s", s->service, s->reference);
        struct publication *publication = (struct publication *)claim_owner(&p->by_reference, key,
                                                                            strlen(key));
        free(key);
        if (!publication) {
            evaluation_add(p->e, SEVERITY_WARNING, "supervision-unknown", "ied", s->ied, s->line,
                           "it supervises %s, which does not exist", s->reference);
            continue;
        }
        struct subscriber *subscriber = subscriber_of(p, publication, s->ied, s->line);
        if (subscriber && !subscriber->supervised)
            subscriber->supervised = s;
        if (subscriber && !subscriber->declared && !subscriber->bound)
            evaluation_add(
                p->e, SEVERITY_WARNING, "supervision-only", "ied", s->ied, s->line,
                "it supervises %s, but is neither declared as a subscriber nor bound to it",
                publication->object);
    }
}

/* ---- Proposals ---------------------------------------------------------------------------------
 */

static void
add_subscriber_evidence(struct scd_proposal *proposal, const struct subscriber *s)
{
    if (s->declared)
        add_evidence(proposal, s->declared->line, "IEDName: subscriber %s is declared", s->ied);
    if (s->bound)
        add_evidence(proposal, s->bound->line, "ExtRef: %u bound by %s", s->bound->n, s->ied);
    if (s->supervised)
        add_evidence(proposal, s->supervised->line, "%s: %s supervises it",
                     s->supervised->service == SCD_GOOSE ? "LGOS" : "LSVS", s->ied);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
host_name(const struct host *host, const char *ied)
{
    char name[NAME_MAX_LENGTH + 1];
    return xstrdup(host ? host->name : name_from_text(ied, name));
}

static void
set_subscribers(struct publications *p, struct publication *publication,
                struct scd_proposal *proposal)
{
    struct multicast_service *m = &proposal->circuit->multicast;
    m->subscribers = xcalloc(publication->n, sizeof *m->subscribers);
    for (size_t i = 0; i < publication->n; i++) {
        const struct subscriber *s = &publication->subscribers[i];
        const struct host *host = evaluation_host(p->e, s->ied, s->line);
        if (!host)
            add_reason(proposal, "subscriber %s is not in the inventory", s->ied);
        add_subscriber_evidence(proposal, s);
        m->subscribers[m->n_subscribers++] = host_name(host, s->ied);
    }
    qsort(m->subscribers, m->n_subscribers, sizeof *m->subscribers, compare_names);
    if (publication->n > 0)
        return;
    add_reason(proposal, "nobody subscribes to it");
    evaluation_add(p->e, SEVERITY_WARNING, "publisher-without-subscribers", "control-block",
                   publication->object, publication->control->line,
                   "nobody is known to listen, so it is dropped by default");
}

static void
set_address(struct publications *p, struct publication *publication, struct scd_proposal *proposal)
{
    const struct scd_control *c = publication->control;
    struct multicast_service *m = &proposal->circuit->multicast;
    publication->address = find(&p->addresses, (int)c->service, c->ied, c->ld_inst, c->name);
    if (!publication->address) {
        add_reason(proposal, "it has no address");
        evaluation_add(p->e, publication->n ? SEVERITY_ERROR : SEVERITY_WARNING,
                       "control-block-without-address", "control-block", publication->object,
                       c->line, "no ConnectedAP has an address for it");
        return;
    }
    publication->parsed = evaluate_address(p->e, publication->address, publication->object);
    const struct parsed_address *parsed = &publication->parsed;
    if (!parsed->complete)
        add_reason(proposal, "its address is incomplete or malformed");
    m->mac = parsed->mac;
    m->vlan_id = parsed->vlan_id;
    m->vlan_priority = parsed->vlan_priority;
    m->appid = parsed->appid;
    add_evidence(proposal, publication->address->line, "%s: address %s, VLAN %s, APPID %s",
                 c->service == SCD_GOOSE ? "GSE" : "SMV",
                 publication->address->mac ? publication->address->mac : "none",
                 publication->address->vlan_id ? publication->address->vlan_id : "none",
                 publication->address->appid ? publication->address->appid : "none");
}

static void
set_rate(struct publications *p, const struct publication *publication,
         struct scd_proposal *proposal)
{
    const struct scd_control *c = publication->control;
    struct scd_rate rate = scd_rate(p->e->scd, c, publication->address, data_set_of(p, c));
    proposal->circuit->rate_kbps = rate.rate_kbps;
    proposal->circuit->burst_octets = rate.burst_octets;
    if (rate.time_malformed)
        evaluation_add(p->e, SEVERITY_WARNING, "time-malformed", "address", publication->object,
                       publication->address->line, "\"%.40s\" is not a MinTime; taken as 4 ms",
                       publication->address->min_time);
    if (rate.samples_malformed)
        evaluation_add(p->e, SEVERITY_WARNING, "sample-rate-malformed", "control-block",
                       publication->object, c->line,
                       "smpRate or nofASDU is missing or malformed; taken as 80 and 1");
}

static void
propose_publication(struct publications *p, struct publication *publication)
{
    const struct scd_control *c = publication->control;
    bool goose = c->service == SCD_GOOSE;
    const struct host *host = evaluation_host(p->e, c->ied, c->line);
    char *name = xasprintf("%s-%s-%s-%s", goose ? "goose" : "sv", host ? host->name : c->ied,
                           c->ld_inst, c->name);
    struct scd_proposal *proposal = propose(p->e, name, CIRCUIT_MULTICAST);
    struct circuit *circuit = proposal->circuit;
    free(name);
    publication->proposal = p->e->import->n_proposals - 1;
    if (!host)
        add_reason(proposal, "publisher %s is not in the inventory", c->ied);
    circuit->service_class = CLASS_PROTECTION;
    circuit->multicast.application = goose ? MULTICAST_GOOSE : MULTICAST_SV;
    circuit->multicast.publisher = host_name(host, c->ied);
    add_evidence(proposal, c->line, "%s %s", goose ? "GSEControl" : "SampledValueControl",
                 publication->object);
    set_address(p, publication, proposal);
    set_rate(p, publication, proposal);
    set_subscribers(p, publication, proposal);
}

/* ---- What two have in common -------------------------------------------------------------------
 */

struct shared {
    struct claim *all, *mac_vlan, *appid;
};

static void
report_twins(struct publications *p, const struct publication *publication,
             const struct publication *other, const char *code, const char *what,
             enum severity severity)
{
    evaluation_add(p->e, severity, code, "address", publication->object, publication->address->line,
                   "%s (line %u) has the same %s", other->object, other->address->line, what);
}

/* Neither can be imported: a switch would take the one for the other. */
static void
exclude(struct publications *p, const struct publication *a, const struct publication *b)
{
    struct scd_proposal *proposals = p->e->import->proposals;
    add_reason(&proposals[a->proposal], "switches cannot tell it from %s", b->object);
    add_reason(&proposals[b->proposal], "switches cannot tell it from %s", a->object);
}

static void
compare_address(struct publications *p, const struct publication *publication,
                struct shared *shared)
{
    const struct parsed_address *parsed = &publication->parsed;
    char mac[MAC_TEXT_SIZE], key[64];
    if (!parsed->complete)
        return;
    mac_format(&parsed->mac, mac);
    snprintf(key, sizeof key, "%d %04x", publication->control->service, parsed->appid);
    const struct publication *by_appid = claim_text(&shared->appid, key, publication);
    snprintf(key, sizeof key, "%s %u", mac, parsed->vlan_id);
    const struct publication *by_mac = claim_text(&shared->mac_vlan, key, publication);
    snprintf(key, sizeof key, "%d %s %u %04x", publication->control->service, mac, parsed->vlan_id,
             parsed->appid);
    const struct publication *twin = claim_text(&shared->all, key, publication);
    if (twin) {
        report_twins(p, publication, twin, "multicast-duplicate", "MAC address, VLAN and APPID",
                     SEVERITY_ERROR);
        exclude(p, publication, twin);
        return;
    }
    if (by_mac)
        report_twins(p, publication, by_mac, "mac-vlan-duplicate", "MAC address and VLAN",
                     SEVERITY_WARNING);
    if (by_mac && by_mac->control->service == publication->control->service &&
        same(by_mac->control->ied, publication->control->ied))
        exclude(p, publication, by_mac);
    if (by_appid)
        report_twins(p, publication, by_appid, "appid-duplicate", "APPID", SEVERITY_WARNING);
}

static void
compare_addresses(struct publications *p)
{
    struct shared shared = {NULL, NULL, NULL};
    for (size_t i = 0; i < p->n; i++) {
        if (p->all[i].proposal != SIZE_MAX && p->all[i].address)
            compare_address(p, &p->all[i], &shared);
    }
    claims_free(&shared.all);
    claims_free(&shared.mac_vlan);
    claims_free(&shared.appid);
}

static void
propose_service(struct publications *p, enum scd_service service)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct scd_control *c = p->all[i].control;
        if (c && c->service == service && !c->gsse && !c->unicast)
            propose_publication(p, &p->all[i]);
    }
}

void
evaluate_publications(struct evaluation *e)
{
    struct publications p = {.e = e};
    index_data_sets(&p);
    index_controls(&p);
    index_addresses(&p);
    for (size_t i = 0; i < p.n; i++) {
        if (p.all[i].control) {
            check_control(&p, &p.all[i]);
            add_declared(&p, &p.all[i]);
        }
    }
    add_inputs(&p);
    add_supervisions(&p);
    propose_service(&p, SCD_GOOSE);
    propose_service(&p, SCD_SV);
    compare_addresses(&p);
    for (size_t i = 0; i < p.n; i++) {
        free(p.all[i].object);
        free(p.all[i].subscribers);
    }
    free(p.all);
    struct claim **const sets[] = {&p.by_key, &p.by_reference, &p.addresses, &p.data_sets,
                                   &p.subscribers};
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
        claims_free(sets[i]);
}

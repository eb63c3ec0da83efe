/* pce_testing.h - a PCE and its routers in memory, on a clock that the test winds: both ends are
 * real session machines, and what passes between them are real octets. */
#ifndef WAN_PCE_TESTING_H
#define WAN_PCE_TESTING_H

#include "base/testing.h"
#include "wan/pce.h"

#include <stdio.h>

#define MAX_ROUTERS 8
#define MAX_SEEN 512

/* What a router got from the PCE: one entry, error or notification. */
struct got {
    uint8_t type; /* enum pcep_type */
    uint32_t srp_id, plsp_id, srp_flags, request_id;
    uint16_t flags;
    uint32_t n_hops, label, setup_type;
    struct pcep_hop hop; /* the first; but for what it points to */
    bool has_endpoints, no_path;
    uint32_t why; /* NO-PATH-VECTOR; of an error REQ-MISSING */
    struct pcep_error error;
    uint8_t notification, value;
    unsigned n_vendors, n_associations;
    bool has_policy; /* an association that says what follows (RFC 9862) */
    uint32_t color, preference;
    struct pcep_address endpoint, source;
    struct pcep_cpath_id cpath_id;
    char name[64];
};

struct router {
    struct bed *bed;
    char address[PCE_ADDRESS_SIZE];
    struct pce_link *link; /* NULL: not connected */
    struct pcep_session *session;
    bool up, down;
    uint64_t association_types; /* that it offers */
    struct got got[MAX_SEEN];
    unsigned n_got;
};

/* What the PCE told. */
struct seen {
    enum pce_event_kind kind;
    uint32_t pcc;
    unsigned changed;
    enum pce_gone gone;
    enum pce_sync_kind sync;
    enum pce_misbehaviour misbehaviour;
    uint64_t n;
    char name[64]; /* of the LSP */
    struct pce_result result;
    struct pce_request request;
    struct pce_resource resources[4]; /* of the request: its IRO, then its XRO */
    unsigned n_resources;
};

struct bed {
    struct pce *pce;
    nsec_t now;
    struct router *routers[MAX_ROUTERS];
    unsigned n_routers;
    struct seen seen[MAX_SEEN];
    unsigned n_seen;
};

/* ---- the bed */

static inline UNUSED struct bed *
bed_new(const struct pce_config *config)
{
    struct bed *bed = calloc(1, sizeof *bed);
    bed->now = 1000 * NSEC_PER_SEC;
    bed->pce = pce_new(config, bed->now);
    return bed;
}

static inline UNUSED void
bed_free(struct bed *bed)
{
    for (unsigned i = 0; i < bed->n_routers; i++) {
        pcep_session_free(bed->routers[i]->session);
        free(bed->routers[i]);
    }
    pce_free(bed->pce);
    free(bed);
}

static inline void
note_seen(struct bed *bed, const struct pce_event *event)
{
    assert_true(bed->n_seen < MAX_SEEN);
    struct seen *seen = &bed->seen[bed->n_seen++];
    *seen = (struct seen){.kind = event->kind,
                          .pcc = event->pcc,
                          .changed = event->changed,
                          .gone = event->gone,
                          .sync = event->sync,
                          .misbehaviour = event->misbehaviour,
                          .n = event->n};
    if (event->lsp)
        snprintf(seen->name, sizeof seen->name, "%s", lsp_name(event->lsp));
    if (event->result)
        seen->result = *event->result;
    if (event->request) { /* what it points to goes with the request */
        seen->request = *event->request;
        seen->n_resources = event->request->n_include + event->request->n_exclude;
        for (unsigned i = 0; i < MIN(seen->n_resources, ARRAY_SIZE(seen->resources)); i++)
            seen->resources[i] = i < event->request->n_include
                                     ? event->request->include[i]
                                     : event->request->exclude[i - event->request->n_include];
    }
}

/* ---- what a router gets */

static inline struct got *
new_got(struct router *r, uint8_t type)
{
    assert_true(r->n_got < MAX_SEEN);
    struct got *got = &r->got[r->n_got++];
    *got = (struct got){.type = type};
    return got;
}

static inline void
note_policy(struct got *got, const struct pcep_association *a)
{
    const struct pcep_tlv *id = pcep_tlv_find(&a->tlvs, PCEP_TLV_SRPOLICY_CPATH_ID);
    got->has_policy = a->type == PCEP_ASSOC_SR_POLICY && a->id == 1 && id &&
                      pcep_association_policy(a, &got->color, &got->endpoint);
    got->preference = pcep_tlv_number(&a->tlvs, PCEP_TLV_SRPOLICY_CPATH_PREFERENCE, 0);
    got->source = a->source;
    if (id)
        got->cpath_id = *id->cpath_id;
}

static inline void
note_entry(struct router *r, uint8_t type, const struct pcep_entry *entry)
{
    struct got *got = new_got(r, type);
    if (entry->srp) {
        got->srp_id = entry->srp->srp_id;
        got->srp_flags = entry->srp->flags;
        got->setup_type = pcep_tlv_number(&entry->srp->tlvs, PCEP_TLV_PATH_SETUP_TYPE, 99);
    }
    if (entry->lsp) {
        struct pcep_octets name = pcep_lsp_name(entry->lsp);
        got->plsp_id = entry->lsp->plsp_id;
        got->flags = entry->lsp->flags;
        snprintf(got->name, sizeof got->name, "%.*s", (int)name.size, (const char *)name.data);
    }
    got->n_vendors = entry->n_vendors;
    got->n_associations = entry->n_associations;
    if (entry->n_associations)
        note_policy(got, &entry->associations[entry->n_associations - 1]);
    got->has_endpoints = entry->endpoints != NULL;
    got->no_path = entry->no_path != NULL;
    if (entry->no_path)
        got->why = pcep_tlv_number(&entry->no_path->tlvs, PCEP_TLV_NO_PATH_VECTOR, 0);
    if (entry->rp)
        got->request_id = entry->rp->request_id;
    if (entry->path.ero) {
        got->n_hops = entry->path.ero->n;
        got->label = got->n_hops ? pcep_hop_label(&entry->path.ero->hops[0]) : 0;
        if (got->n_hops)
            got->hop = entry->path.ero->hops[0];
    }
}

static inline void
note_message(struct router *r, const struct pcep_message *message)
{
    switch (message->type) {
    case PCEP_PCERR:
        for (uint32_t i = 0; i < message->n_groups; i++) {
            const struct pcep_error_group *group = &message->groups[i];
            struct got *got = new_got(r, PCEP_PCERR);
            got->error = group->errors[0].error;
            got->why = pcep_tlv_number(&group->errors[0].tlvs, PCEP_TLV_REQ_MISSING, 0);
            got->request_id = group->n_request_ids ? group->request_ids[0] : 0;
        }
        break;
    case PCEP_PCNTF:
        for (uint32_t i = 0; i < message->n_notices; i++) {
            struct got *got = new_got(r, PCEP_PCNTF);
            got->notification = message->notices[i].notifications[0].type;
            got->value = message->notices[i].notifications[0].value;
        }
        break;
    default:
        for (uint32_t i = 0; i < message->n_entries; i++)
            note_entry(r, message->type, &message->entries[i]);
    }
}

static inline void
read_router(struct router *r)
{
    struct pcep_event event;
    while (r->session && !r->down && pcep_session_next(r->session, &event)) {
        if (event.kind == PCEP_EVENT_UP)
            r->up = true;
        else if (event.kind == PCEP_EVENT_MESSAGE)
            note_message(r, event.message);
        else if (event.kind == PCEP_EVENT_DOWN) {
            r->down = true;
            if (event.fault.error.type)
                new_got(r, PCEP_PCERR)->error = event.fault.error;
        }
    }
}

/* ---- passing octets */

/* True: something passed. */
static inline bool
pass(struct router *r)
{
    struct bed *bed = r->bed;
    bool passed = false;
    struct buf *out = r->session ? pcep_session_output(r->session) : NULL;
    if (r->link && out && out->size) {
        uint8_t *copy = malloc(out->size);
        size_t size = out->size;
        memcpy(copy, out->data, size);
        buf_clear(out);
        pce_link_input(r->link, copy, size, bed->now);
        free(copy);
        passed = true;
    }
    out = r->link ? pce_link_output(r->link) : NULL;
    if (out && out->size) {
        pcep_session_input(r->session, out->data, out->size, bed->now);
        buf_clear(out);
        pce_link_drained(r->link, bed->now);
        passed = true;
    }
    read_router(r);
    return passed;
}

static inline void
drop_link(struct router *r)
{
    pce_link_detach(r->link, r->bed->now);
    r->link = NULL;
    if (!r->down)
        pcep_session_close(r->session, ERR_CLOSED, "the test cuts it");
    read_router(r);
    r->up = false;
}

/* Until nothing more happens at this time. */
static inline UNUSED void
settle(struct bed *bed)
{
    struct pce_event event;
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = 0; i < bed->n_routers; i++)
            if (bed->routers[i]->link)
                more |= pass(bed->routers[i]);
        while (pce_next_ready(bed->pce))
            more = true;
        for (unsigned i = 0; i < bed->n_routers; i++) {
            struct router *r = bed->routers[i];
            if (r->link && pce_link_is_over(r->link) && !pce_link_output(r->link)->size)
                drop_link(r);
        }
        while (pce_next(bed->pce, &event)) {
            note_seen(bed, &event);
            more = true;
        }
    }
}

/* Time passes, in steps that no deadline is missed by. */
static inline UNUSED void
wait_for(struct bed *bed, nsec_t time)
{
    nsec_t end = bed->now + time;
    settle(bed);
    while (bed->now < end) {
        nsec_t next = MIN(pce_deadline(bed->pce), end);
        for (unsigned i = 0; i < bed->n_routers; i++)
            if (bed->routers[i]->link)
                next = MIN(next, pcep_session_deadline(bed->routers[i]->session));
        bed->now = MAX(next, bed->now);
        pce_tick(bed->pce, bed->now);
        for (unsigned i = 0; i < bed->n_routers; i++)
            if (bed->routers[i]->link)
                pcep_session_tick(bed->routers[i]->session, bed->now);
        settle(bed);
    }
}

/* ---- routers */

#define USUAL (PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION)

static inline UNUSED struct router *
router_new(struct bed *bed, const char *address)
{
    struct router *r = calloc(1, sizeof *r);
    r->bed = bed;
    snprintf(r->address, sizeof r->address, "%s", address);
    assert_true(bed->n_routers < MAX_ROUTERS);
    bed->routers[bed->n_routers++] = r;
    return r;
}

/* ERR_DENIED: the PCE does not take it. */
static inline UNUSED enum err
router_connect(struct router *r, uint32_t flags, uint64_t db_version)
{
    struct bed *bed = r->bed;
    const struct pcep_session_config config = {
        .end = PCEP_PCC,
        .capabilities = {.stateful = true,
                         .stateful_flags = flags,
                         .db_version = db_version,
                         .path_setup_types = 1 << PCEP_PST_RSVP_TE | 1 << PCEP_PST_SR,
                         .sr = true,
                         .sr_msd = 4,
                         .association_types = r->association_types}};
    enum err err = pce_attach(bed->pce, r->address, r, bed->now, &r->link, NULL);
    if (err) {
        settle(bed);
        return err;
    }
    pcep_session_free(r->session);
    r->session = pcep_session_new(&config, bed->now);
    r->up = r->down = false;
    settle(bed);
    return ERR_OK;
}

/* What it reports of an LSP. */
struct rep {
    uint32_t plsp_id, srp_id;
    const char *name; /* NULL: left out */
    uint16_t flags;   /* of enum pcep_lsp_flags, with operational << 4 */
    uint32_t label;   /* of the one hop; 0: an empty ERO */
    uint32_t tunnel_id;
    uint8_t from[4]; /* the end points; all 0: left out */
    uint32_t error_code;
    uint64_t version;
    const struct pcep_association *association;
};

#define OPERATIONAL(state) ((uint16_t)(LSP_##state << 4))

static inline UNUSED void
report(struct router *r, struct rep rep)
{
    struct pcep_lsp_ids ids = {.tunnel_id = (uint16_t)rep.tunnel_id,
                               .lsp_id = 1,
                               .sender.family = 4,
                               .endpoint = {4, {10, 9, 9, 9}}};
    struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR}, tlvs[4];
    struct pcep_lsp lsp = {.plsp_id = rep.plsp_id, .flags = rep.flags, .tlvs = {tlvs, 0}};
    struct pcep_srp srp = {.srp_id = rep.srp_id, .tlvs = {&setup, 1}};
    struct pcep_hop hop = pcep_label_hop(rep.label);
    struct pcep_route ero = {.hops = &hop, .n = rep.label ? 1 : 0};
    struct pcep_entry entry = {.srp = &srp,
                               .lsp = &lsp,
                               .associations = rep.association,
                               .n_associations = rep.association ? 1 : 0,
                               .path.ero = &ero};
    memcpy(ids.sender.octets, rep.from, 4);
    if (!rep.from[0])
        ids.endpoint = (struct pcep_address){.family = 4};
    tlvs[lsp.tlvs.n++] = (struct pcep_tlv){.type = PCEP_TLV_IPV4_LSP_IDENTIFIERS, .ids = &ids};
    if (rep.name)
        tlvs[lsp.tlvs.n++] = (struct pcep_tlv){
            .type = PCEP_TLV_SYMBOLIC_PATH_NAME,
            .octets = {(const uint8_t *)rep.name, (uint32_t)strlen(rep.name)}};
    if (rep.error_code)
        tlvs[lsp.tlvs.n++] = (struct pcep_tlv){.type = PCEP_TLV_LSP_ERROR_CODE,
                                               .number = rep.error_code};
    if (rep.version)
        tlvs[lsp.tlvs.n++] = (struct pcep_tlv){.type = PCEP_TLV_LSP_DB_VERSION,
                                               .long_number = rep.version};
    assert_ok(pcep_session_send_entry(r->session, PCEP_PCRPT, &entry));
}

static inline UNUSED void
end_of_sync(struct router *r)
{
    report(r, (struct rep){.plsp_id = 0});
    settle(r->bed);
}

/* Connected, with one delegated LSP, "a", PLSP-ID 1, label 16001, synchronised. */
static inline UNUSED struct router *
usual_router(struct bed *bed, const char *address)
{
    struct router *r = router_new(bed, address);
    assert_ok(router_connect(r, USUAL, 0));
    assert_true(r->up);
    report(r, (struct rep){.plsp_id = 1,
                           .name = "a",
                           .flags = PCEP_LSP_SYNC | PCEP_LSP_DELEGATE | OPERATIONAL(UP),
                           .label = 16001});
    end_of_sync(r);
    return r;
}

/* ---- looking */

static inline UNUSED void
forget_seen(struct bed *bed)
{
    bed->n_seen = 0;
    for (unsigned i = 0; i < bed->n_routers; i++)
        bed->routers[i]->n_got = 0;
}

static inline UNUSED unsigned
count_seen(const struct bed *bed, enum pce_event_kind kind)
{
    unsigned n = 0;
    for (unsigned i = 0; i < bed->n_seen; i++)
        n += bed->seen[i].kind == kind;
    return n;
}

/* The only one of its kind. */
static inline UNUSED const struct seen *
the_seen(const struct bed *bed, enum pce_event_kind kind)
{
    const struct seen *found = NULL;
    assert_int_equal(count_seen(bed, kind), 1);
    for (unsigned i = 0; i < bed->n_seen; i++)
        if (bed->seen[i].kind == kind)
            found = &bed->seen[i];
    return found;
}

static inline UNUSED unsigned
count_misbehaviour(const struct bed *bed, enum pce_misbehaviour what)
{
    unsigned n = 0;
    for (unsigned i = 0; i < bed->n_seen; i++)
        n += bed->seen[i].kind == PCE_MISBEHAVES && bed->seen[i].misbehaviour == what;
    return n;
}

static inline UNUSED const struct got *
the_got(const struct router *r, uint8_t type)
{
    const struct got *found = NULL;
    for (unsigned i = 0; i < r->n_got; i++) {
        if (r->got[i].type != type)
            continue;
        assert_null(found);
        found = &r->got[i];
    }
    assert_non_null(found);
    return found;
}

static inline UNUSED uint32_t
number_of(const struct router *r)
{
    return pce_find_pcc(r->bed->pce, r->address);
}

static inline UNUSED const struct lsp *
lsp_of(const struct router *r, uint32_t plsp_id)
{
    return lsp_db_find(pce_lsps(r->bed->pce), number_of(r), plsp_id);
}

static inline UNUSED struct pce_pcc_info
info_of(const struct router *r)
{
    struct pce_pcc_info info;
    assert_true(pce_pcc_info(r->bed->pce, number_of(r), &info));
    return info;
}

#endif

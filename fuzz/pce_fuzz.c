/* The path computation element with a router that reports anything, in any order, and a caller that
 * orders anything. The input is a script: an octet is a step, some take arguments. Beside it is a
 * router that behaves: nothing of its LSP may change. Every order that was accepted ends in one
 * result; sessions go up and down in turns; limits hold. */
#include "fuzz.h"

#include "wan/pce.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 6

struct router {
    const char *address;
    struct pce_link *link;
    struct pcep_session *session;
    bool up; /* as the PCE told */
};

struct player {
    struct pce *pce;
    nsec_t now;
    struct router routers[2]; /* the one that the script plays; the one that behaves */
    unsigned accepted, results;
    uint32_t last_srp;
    uint64_t requests[4];
    unsigned n_requests;
};

/* ---- passing octets */

static void
check_event(struct player *p, const struct pce_event *event)
{
    struct router *r = &p->routers[!strcmp(event->address, p->routers[1].address)];
    switch (event->kind) {
    case PCE_UP:
        check(!r->up);
        r->up = true;
        break;
    case PCE_DOWN:
        check(r->up && event->text[0] && r == &p->routers[0]);
        r->up = false;
        break;
    case PCE_RESULT:
        p->results++;
        check(p->results <= p->accepted);
        break;
    case PCE_REQUEST:
        p->requests[p->n_requests++ % 4] = event->request->id;
        break;
    case PCE_MISBEHAVES:
        check(r == &p->routers[0] && event->n > 0 && event->text[0]);
        break;
    case PCE_LSP_CHANGED:
    case PCE_LSP_GONE:
        check(event->lsp != NULL);
        break;
    default:
        break;
    }
}

static void
read_router(struct player *p, struct router *r)
{
    struct pcep_event event;
    while (pcep_session_next(r->session, &event)) {
        if (event.kind != PCEP_EVENT_MESSAGE)
            continue;
        check(!event.message->n_faults);
        bool orders = event.message->type == PCEP_PCUPD || event.message->type == PCEP_PCINITIATE;
        if (orders && r == &p->routers[0])
            p->last_srp = event.message->entries[0].srp->srp_id;
    }
}

static bool
pass(struct player *p, struct router *r)
{
    struct buf *out = pcep_session_output(r->session);
    bool passed = out->size > 0;
    if (out->size) {
        pce_link_input(r->link, out->data, out->size, p->now);
        buf_clear(out);
    }
    out = pce_link_output(r->link);
    if (out->size) {
        pcep_session_input(r->session, out->data, out->size, p->now);
        buf_clear(out);
        pce_link_drained(r->link, p->now);
        passed = true;
    }
    read_router(p, r);
    return passed;
}

static void
detach(struct player *p, struct router *r)
{
    if (!r->link)
        return;
    pce_link_detach(r->link, p->now);
    r->link = NULL;
    pcep_session_free(r->session);
    r->session = NULL;
}

static void
settle(struct player *p)
{
    struct pce_event event;
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < 2; i++) {
            struct router *r = &p->routers[i];
            if (r->link)
                more |= pass(p, r);
            if (r->link && pce_link_is_over(r->link) && !pce_link_output(r->link)->size)
                detach(p, r);
        }
        while (pce_next_ready(p->pce))
            more = true;
        while (pce_next(p->pce, &event)) {
            check_event(p, &event);
            more = true;
        }
    }
}

static void
attach(struct player *p, struct router *r, uint32_t flags, uint64_t version)
{
    const struct pcep_session_config config = {
        .end = PCEP_PCC,
        .capabilities = {.stateful = true,
                         .stateful_flags = flags,
                         .db_version = version,
                         .path_setup_types = 1 << PCEP_PST_RSVP_TE | 1 << PCEP_PST_SR,
                         .sr = true,
                         .sr_msd = 3}};
    if (r->link || pce_attach(p->pce, r->address, r, p->now, &r->link, NULL)) {
        settle(p);
        return;
    }
    r->session = pcep_session_new(&config, p->now);
    settle(p);
}

/* ---- what the router does */

/* A report whose every part is chosen by the script. */
static void
report(struct player *p, struct router *r, struct script *script)
{
    static const char *const names[] = {"a", "b", "c", "a longer name"};
    uint8_t what = next_octet(script), which = next_octet(script);
    struct pcep_lsp_ids ids = {.tunnel_id = which & 3,
                               .sender = {4, {10, 0, 0, what & 8 ? 9 : 1}},
                               .endpoint = {4, {10, 0, 0, which >> 6}}};
    const struct pcep_hop hop = pcep_label_hop(16000u + which);
    const struct pcep_route ero = {.hops = &hop, .n = what & 1};
    struct pcep_tlv tlvs[4];
    struct pcep_lsp lsp = {.plsp_id = which & 15,
                           .flags = (uint16_t)(next_octet(script) | (what & 0x40 ? 0x80 : 0)),
                           .tlvs = {tlvs, 0}};
    const struct pcep_srp srp = {.srp_id = what & 4 ? p->last_srp : which};
    const struct pcep_association association = {.type = 5, .id = which, .flags = what & 1};
    const struct pcep_entry entry = {.srp = what & 2 ? &srp : NULL,
                                     .lsp = &lsp,
                                     .associations = &association,
                                     .n_associations = what >> 7,
                                     .path = {.ero = &ero, .rro = what & 0x20 ? &ero : NULL}};
    tlvs[lsp.tlvs.n++] = (struct pcep_tlv){.type = PCEP_TLV_IPV4_LSP_IDENTIFIERS, .ids = &ids};
    const char *name = names[which >> 4 & 3];
    if (what & 0x10)
        tlvs[lsp.tlvs.n++] = (struct pcep_tlv){
            .type = PCEP_TLV_SYMBOLIC_PATH_NAME,
            .octets = {(const uint8_t *)name, (uint32_t)strlen(name)}};
    if (what & 0x20)
        tlvs[lsp.tlvs.n++] = (struct pcep_tlv){.type = PCEP_TLV_LSP_ERROR_CODE,
                                               .number = which & 15};
    tlvs[lsp.tlvs.n++] = (struct pcep_tlv){.type = PCEP_TLV_LSP_DB_VERSION,
                                           .long_number = 1u + (which & 3)};
    (void)!pcep_session_send_entry(r->session, PCEP_PCRPT, &entry);
}

static void
refuse(struct player *p, struct router *r, struct script *script)
{
    const struct pcep_error error = {next_octet(script), next_octet(script)};
    uint32_t srp_id = p->last_srp;
    (void)!pcep_session_send_error(r->session, &error, &srp_id, 1);
}

static void
ask(struct router *r, struct script *script)
{
    uint8_t id = next_octet(script);
    const struct pcep_rp rp = {.request_id = id & 7};
    const struct pcep_endpoints endpoints = {.source.family = 4, .destination.family = 4};
    const struct pcep_metric metric = {.type = 11, .flags = 1, .value = (float)id};
    const struct pcep_entry entry = {
        .rp = &rp, .endpoints = &endpoints, .path = {.metrics = &metric, .n_metrics = id >> 7}};
    (void)!pcep_session_send_entry(r->session, PCEP_PCREQ, &entry);
}

static void
notify(struct router *r, struct script *script)
{
    const uint32_t id = next_octet(script) & 7;
    const struct pcep_notification notification = {.type = 1, .value = 1};
    const struct pcep_notice notice = {&id, 1, &notification, 1};
    const struct pcep_message message = {.type = PCEP_PCNTF, .notices = &notice, .n_notices = 1};
    (void)!pcep_session_send(r->session, &message);
}

static void
raw(struct player *p, struct router *r, struct script *script)
{
    size_t size = next_octet(script);
    const uint8_t *data = next_octets(script, &size);
    pce_link_input(r->link, data, size, p->now);
}

/* ---- what the caller does */

static void
order(struct player *p, struct script *script)
{
    static const struct lsp_hop path[] = {
        {.kind = LSP_HOP_SEGMENT, .is_label = true, .label = 17001},
        {.kind = LSP_HOP_SEGMENT, .is_label = true, .label = 17002}};
    uint8_t what = next_octet(script);
    const struct lsp *lsp = lsp_db_find(pce_lsps(p->pce), pce_find_pcc(p->pce, "10.0.0.1"),
                                        next_octet(script) & 15);
    const struct pce_order order = {.kind = (enum pce_order_kind)(what % 5),
                                    .urgency = (enum pce_urgency)((what >> 3) % 3),
                                    .until = what & 0x20 ? PCE_UNTIL_UP : PCE_UNTIL_ACCEPTED,
                                    .timeout = (what >> 6) * NSEC_PER_SEC,
                                    .lsp = lsp ? lsp->id : what,
                                    .is_certain = what & 0x80,
                                    .pcc = pce_find_pcc(p->pce, "10.0.0.1"),
                                    .name = what & 0x40 ? "b" : "new",
                                    .source = {4, {10, 0, 0, 1}},
                                    .destination = {4, {10, 0, 0, 2}},
                                    .setup_type = 1,
                                    .path = path,
                                    .n_path = 1 + (what >> 7)};
    uint64_t id;
    struct diag diag = {""};
    if (!pce_order(p->pce, &order, p->now, &id, &diag))
        p->accepted++;
    else
        check(diag.text[0]);
    if ((what & 0x18) == 0x18)
        (void)!pce_cancel(p->pce, id);
}

static void
answer(struct player *p, struct script *script)
{
    static const struct lsp_hop hop = {
        .kind = LSP_HOP_ADDRESS, .prefix = 32, .label = TE_NO_LABEL, .local = {4, {10, 0, 0, 3}}};
    uint8_t what = next_octet(script);
    const struct pce_answer answer = {.path = &hop, .n_path = what >> 7, .no_path = what & 7};
    (void)!pce_answer(p->pce, p->requests[what & 3], &answer, p->now);
}

static void
wait_for(struct player *p, nsec_t time)
{
    nsec_t end = p->now + time;
    while (p->now < end) {
        p->now = MIN(MAX(pce_deadline(p->pce), p->now + NSEC_PER_MSEC), end);
        p->now = MIN(p->now, end);
        pce_tick(p->pce, p->now);
        for (int i = 0; i < 2; i++)
            if (p->routers[i].link)
                pcep_session_tick(p->routers[i].session, p->now);
        settle(p);
    }
}

/* ---- the script */

static void
step(struct player *p, struct script *script)
{
    struct router *r = &p->routers[0];
    uint8_t what = next_octet(script);
    switch (what & 15) {
    case 0:
        attach(p, r, 5u | (what >> 3 & 0x1a), 1u + (what >> 6));
        break;
    case 1:
        detach(p, r);
        break;
    case 2:
        wait_for(p, (1 + (what >> 4)) * 100 * NSEC_PER_MSEC);
        break;
    case 3:
        wait_for(p, (1 + (what >> 4)) * 10 * NSEC_PER_SEC);
        break;
    case 4:
        order(p, script);
        break;
    case 5:
        answer(p, script);
        break;
    case 6:
        pce_set_overload(p->pce, what & 0x10, what >> 4, p->now);
        break;
    case 7:
        (void)!pce_resync(p->pce, pce_find_pcc(p->pce, r->address), LSP_NONE, p->now);
        break;
    case 8:
        if (what == 0xf8)
            pce_disconnect(p->pce, pce_find_pcc(p->pce, r->address), "the script", p->now);
        break;
    default:
        if (!r->link)
            break;
        if (what % 16 == 9)
            refuse(p, r, script);
        else if (what % 16 == 10)
            ask(r, script);
        else if (what % 16 == 11)
            notify(r, script);
        else if (what == 0xfc)
            raw(p, r, script);
        else
            report(p, r, script);
    }
    settle(p);
}

static void
check_bystander(const struct player *p)
{
    struct pce_pcc_info info;
    uint32_t number = pce_find_pcc(p->pce, p->routers[1].address);
    const struct lsp *lsp = lsp_db_find(pce_lsps(p->pce), number, 1);
    check(pce_pcc_info(p->pce, number, &info) && info.state == PCE_PCC_READY && info.lsps == 1);
    check(lsp && !lsp->stale && !lsp->delegated && lsp->name_length == 1);
    for (int i = 0; i < PCE_N_MISBEHAVIOURS; i++)
        check(!info.misbehaviours[i]);
}

static void
start_bystander(struct player *p)
{
    static const uint8_t own[] = {0x11, 0x01, 0x02}; /* a report of "a", PLSP-ID 1, S=1 */
    static const uint8_t end[] = {0x01, 0x00, 0x00}; /* and the end */
    struct script script = {own, sizeof own};
    attach(p, &p->routers[1], 5, 0);
    report(p, &p->routers[1], &script);
    settle(p);
    script = (struct script){end, sizeof end};
    report(p, &p->routers[1], &script);
    settle(p);
    check_bystander(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pce_config config = {.limits.lsps = LIMIT,
                                      .reports_per_s = 20,
                                      .reports_burst = 20,
                                      .max_in_flight = 3,
                                      .max_requests = 3,
                                      .orders_per_s = 10,
                                      .stale_time = 100 * NSEC_PER_SEC};
    struct script script = {data, MIN(size, (size_t)4096)};
    struct player p = {.now = 1000 * NSEC_PER_SEC};
    p.pce = pce_new(&config, p.now);
    p.routers[0].address = "10.0.0.1";
    p.routers[1].address = "10.0.0.9";
    start_bystander(&p);
    while (script.size)
        step(&p, &script);
    check_bystander(&p);
    check(lsp_db_total(pce_lsps(p.pce)) <= LIMIT + 1);
    detach(&p, &p.routers[0]);
    settle(&p);
    check(p.accepted == p.results); /* without a session no order is open */
    p.routers[1].up = false;
    pce_link_detach(p.routers[1].link, p.now);
    pcep_session_free(p.routers[1].session);
    pce_free(p.pce);
    return 0;
}

/* pcep_frr - our session machine as the PCE of FRR's pathd, step by step: it synchronises, asks for
 * a path, is told to create, change and remove LSPs. Each claim is a line of TAP. The router is
 * configured by frr.sh. usage: pcep_frr ADDRESS */
#include "proto/pcep/pcep_session.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE (30 * NSEC_PER_SEC)

enum { SRP_INITIATE = 1, SRP_UPDATE_DYNAMIC, SRP_UPDATE_OURS, SRP_REMOVE };

struct router {
    int fd;
    struct pcep_session *session;
    uint32_t dynamic, ours; /* PLSP-IDs; 0: not reported yet */
    bool explicit_seen, synchronised, asked, delegated;
    bool created, changed_dynamic, changed_ours, removed, refused;
};

static const struct pcep_address headend = {4, {10, 9, 0, 1}}, tail = {4, {10, 9, 8, 8}};
static unsigned n_claims, n_failed;

static void
claim(bool good, const char *what)
{
    n_failed += !good;
    printf("%sok %u - %s\n", good ? "" : "not ", ++n_claims, what);
    fflush(stdout);
}

static nsec_t
now_monotonic(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static int
accept_router(const char *address)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(PCEP_PORT)};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, address, &here.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct pollfd poller = {listener, POLLIN, 0};
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 1) ||
        poll(&poller, 1, (int)(PATIENCE / NSEC_PER_MSEC)) != 1)
        return -1;
    int fd = accept(listener, NULL, NULL);
    close(listener);
    return fd;
}

/* ---- What is sent --------------------------------------------------------------------------- */

static const struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR};
static const struct pcep_metric metric = {
    .type = PCEP_METRIC_TE, .flags = PCEP_METRIC_COMPUTED, .value = 20};

static bool
reply(struct router *r, uint32_t request_id)
{
    struct pcep_hop hops[] = {pcep_label_hop(16006), pcep_node_hop(16007, &tail)};
    struct pcep_route ero = {.hops = hops, .n = ARRAY_SIZE(hops)};
    struct pcep_rp rp = {.request_id = request_id, .tlvs = {&setup, 1}};
    struct pcep_entry entry = {.rp = &rp,
                               .path = {.ero = &ero, .metrics = &metric, .n_metrics = 1}};
    return !pcep_session_send_entry(r->session, PCEP_PCREP, &entry);
}

static bool
initiate(struct router *r)
{
    static const struct pcep_tlv name = {.type = PCEP_TLV_SYMBOLIC_PATH_NAME,
                                         .octets = {(const uint8_t *)"ours", 4}};
    struct pcep_hop hops[] = {pcep_label_hop(16008)};
    struct pcep_route ero = {.hops = hops, .n = ARRAY_SIZE(hops)};
    struct pcep_srp srp = {.srp_id = SRP_INITIATE, .tlvs = {&setup, 1}};
    struct pcep_lsp lsp = {.flags = PCEP_LSP_ADMIN | PCEP_LSP_DELEGATE, .tlvs = {&name, 1}};
    struct pcep_endpoints ends = {.source = headend, .destination = tail};
    uint8_t octets[8];
    struct pcep_vendor vendor = pcep_vendor_color(7, octets);
    struct pcep_entry entry = {.srp = &srp,
                               .lsp = &lsp,
                               .endpoints = &ends,
                               .vendors = &vendor,
                               .n_vendors = 1,
                               .path.ero = &ero};
    return !pcep_session_send_entry(r->session, PCEP_PCINITIATE, &entry);
}

static bool
update(struct router *r, uint32_t srp_id, uint32_t plsp_id)
{
    struct pcep_hop hops[] = {pcep_label_hop(16010)};
    struct pcep_route ero = {.hops = hops, .n = ARRAY_SIZE(hops)};
    struct pcep_srp srp = {.srp_id = srp_id, .tlvs = {&setup, 1}};
    struct pcep_lsp lsp = {.plsp_id = plsp_id, .flags = PCEP_LSP_ADMIN | PCEP_LSP_DELEGATE};
    struct pcep_entry entry = {.srp = &srp, .lsp = &lsp, .path.ero = &ero};
    return !pcep_session_send_entry(r->session, PCEP_PCUPD, &entry);
}

static bool
send_removal(struct router *r, uint16_t flags)
{
    struct pcep_srp srp = {.srp_id = SRP_REMOVE, .flags = PCEP_SRP_REMOVE, .tlvs = {&setup, 1}};
    struct pcep_lsp lsp = {.plsp_id = r->ours, .flags = flags};
    struct pcep_entry entry = {.srp = &srp, .lsp = &lsp};
    return !pcep_session_send_entry(r->session, PCEP_PCINITIATE, &entry);
}

/* ---- What comes ----------------------------------------------------------------------------- */

static bool
is_named(const struct pcep_entry *entry, const char *name)
{
    struct pcep_octets octets = pcep_lsp_name(entry->lsp);
    return octets.size == strlen(name) && !memcmp(octets.data, name, octets.size);
}

static bool
goes_by(const struct pcep_entry *entry, uint32_t label)
{
    const struct pcep_route *ero = entry->path.ero;
    return ero && ero->n && pcep_hop_label(&ero->hops[0]) == label;
}

static void
take_report(struct router *r, const struct pcep_entry *entry)
{
    const struct pcep_lsp *lsp = entry->lsp;
    uint32_t srp_id = entry->srp ? entry->srp->srp_id : 0;
    bool delegated = lsp->flags & PCEP_LSP_DELEGATE;
    if (!lsp->plsp_id)
        r->synchronised = true;
    else if (is_named(entry, "GOLD-explicit-one"))
        r->explicit_seen = goes_by(entry, 16003) && entry->path.ero->n == 2;
    else if (is_named(entry, "GOLD-dynamic-one"))
        r->dynamic = lsp->plsp_id;
    else if (is_named(entry, "ours"))
        r->ours = lsp->plsp_id;
    r->delegated |= lsp->plsp_id == r->dynamic && delegated && goes_by(entry, 16006);
    r->created |= srp_id == SRP_INITIATE && delegated && goes_by(entry, 16008);
    r->changed_dynamic |= srp_id == SRP_UPDATE_DYNAMIC && goes_by(entry, 16010);
    r->changed_ours |= srp_id == SRP_UPDATE_OURS && goes_by(entry, 16010);
    r->removed |= srp_id == SRP_REMOVE && lsp->flags & PCEP_LSP_REMOVE;
}

static void
take_message(struct router *r, const struct pcep_message *message)
{
    struct buf text = BUF_INIT;
    pcep_message_print(message, &text);
    printf("# %s\n", buf_cstr(&text));
    buf_fini(&text);
    if (message->n_faults)
        claim(false, "nothing that the router sends is refused");
    for (uint32_t i = 0; message->type == PCEP_PCRPT && i < message->n_entries; i++)
        take_report(r, &message->entries[i]);
    for (uint32_t i = 0; message->type == PCEP_PCREQ && i < message->n_entries; i++)
        r->asked |= reply(r, message->entries[i].rp->request_id);
    if (message->type == PCEP_PCERR && message->groups[0].n_srp_ids)
        r->refused |= message->groups[0].srp_ids[0] == SRP_REMOVE;
}

/* Lets time pass until `*what` is true; false: the router went, or did not do it in time. */
static bool
wait_for(struct router *r, const bool *what)
{
    nsec_t end = now_monotonic() + PATIENCE;
    static uint8_t input[65536];
    struct pcep_event event;
    while (!*what && now_monotonic() < end) {
        struct buf *out = pcep_session_output(r->session);
        ssize_t n = send(r->fd, out->data, out->size, MSG_NOSIGNAL);
        if (n > 0)
            buf_consume(out, (size_t)n);
        struct pollfd poller = {r->fd, POLLIN, 0};
        if (poll(&poller, 1, 100) == 1) {
            n = recv(r->fd, input, sizeof input, 0);
            if (n <= 0)
                return false;
            pcep_session_input(r->session, input, (size_t)n, now_monotonic());
        }
        pcep_session_tick(r->session, now_monotonic());
        while (pcep_session_next(r->session, &event)) {
            if (event.kind == PCEP_EVENT_MESSAGE)
                take_message(r, event.message);
            else if (event.kind != PCEP_EVENT_UP)
                printf("# event %d: %s\n", event.kind, event.diag.text);
            if (event.kind == PCEP_EVENT_DOWN)
                return false;
        }
    }
    return *what;
}

static void
play(struct router *r)
{
    const struct pcep_capabilities *peer = pcep_session_peer(r->session);
    claim(wait_for(r, &r->synchronised), "the router synchronises its LSPs");
    claim(r->explicit_seen, "what is configured is reported, label by label");
    claim(peer->stateful_flags == (PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION) &&
              peer->path_setup_types == 1u << PCEP_PST_SR && peer->sr_msd == 4,
          "its OPEN says what it can");
    claim(wait_for(r, &r->asked), "it asks for a path, and is answered");
    claim(wait_for(r, &r->delegated), "it uses the path, and delegates the LSP");
    claim(initiate(r) && wait_for(r, &r->created), "an LSP is created");
    claim(update(r, SRP_UPDATE_DYNAMIC, r->dynamic) && update(r, SRP_UPDATE_OURS, r->ours) &&
              wait_for(r, &r->changed_dynamic) && wait_for(r, &r->changed_ours),
          "two LSPs are changed, ordered at once");
    claim(send_removal(r, 0) && wait_for(r, &r->refused),
          "to remove an LSP without D is refused, which is understood");
    claim(send_removal(r, PCEP_LSP_DELEGATE) && wait_for(r, &r->removed), "with D it is removed");
}

int
main(int argc, char **argv)
{
    struct pcep_session_config config = {
        .end = PCEP_PCE,
        .capabilities = {.stateful = true,
                         .stateful_flags = PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION,
                         .path_setup_types = 1u << PCEP_PST_SR,
                         .sr = true,
                         .sr_msd = 10}};
    struct router router = {.fd = argc == 2 ? accept_router(argv[1]) : -1};
    if (router.fd < 0) {
        fprintf(stderr, "no router connects\n");
        return 1;
    }
    router.session = pcep_session_new(&config, now_monotonic());
    play(&router);
    pcep_session_free(router.session);
    close(router.fd);
    printf("1..%u\n", n_claims);
    return n_failed ? 1 : 0;
}

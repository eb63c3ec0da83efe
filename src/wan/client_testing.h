/* client_testing.h - the service of service_testing.h, and router r1 as a path computation client
 * that comes over TCP and does with what it gets as each test says. */
#ifndef WAN_CLIENT_TESTING_H
#define WAN_CLIENT_TESTING_H

#include "wan/service_testing.h"

#include "proto/pcep/pcep_session.h"

struct client {
    struct place *place;
    struct stream *stream;
    struct pcep_session *session;
    bool up, alters; /* alters: reports another label than was ordered */
    /* Of each that comes: a PCRep, PCUpd, PCInitiate. */
    void (*on_entry)(struct client *, uint8_t type, const struct pcep_entry *);
    void (*on_error)(struct client *, const struct pcep_error *); /* NULL: it does not matter */
    bool halves; /* reports half the rate that was ordered */
    unsigned n_initiations, n_updates, n_removals, n_takeovers;
    struct pcep_bandwidth bandwidth; /* of the newest order, and told with it */
    struct pcep_lspa lspa;           /* the same */
};

static inline UNUSED void
flush(struct client *c)
{
    struct buf *out = pcep_session_output(c->session);
    if (out->size)
        (void)stream_send(c->stream, out->data, out->size);
    buf_clear(out);
}

struct told {
    uint32_t plsp_id, srp_id;
    const char *name;
    uint16_t flags;
    const struct pcep_route *ero;
    bool with_terms; /* rate and priorities, as they are ordered */
};

#define GOOD ((uint16_t)(PCEP_LSP_DELEGATE | PCEP_LSP_CREATE | PCEP_LSP_ADMIN | LSP_UP << 4))

static inline UNUSED void
report(struct client *c, struct told t)
{
    const struct pcep_route none = {.n = 0};
    struct pcep_lsp_ids ids = {.tunnel_id = 1,
                               .lsp_id = 1,
                               .sender = {4, {127, 0, 0, 1}},
                               .endpoint = {4, {10, 255, 0, 3}}};
    struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR}, tlvs[2];
    struct pcep_lsp lsp = {.plsp_id = t.plsp_id, .flags = t.flags, .tlvs = {tlvs, 0}};
    struct pcep_srp srp = {.srp_id = t.srp_id, .tlvs = {&setup, 1}};
    struct pcep_entry entry = {.srp = &srp, .lsp = &lsp, .path.ero = t.ero ? t.ero : &none};
    struct pcep_bandwidth bandwidth = c->bandwidth;
    bandwidth.octets_per_s /= c->halves ? 2 : 1;
    if (t.with_terms) {
        entry.path.bandwidth = &bandwidth;
        entry.path.lspa = &c->lspa;
    }
    tlvs[lsp.tlvs.n++] = (struct pcep_tlv){.type = PCEP_TLV_IPV4_LSP_IDENTIFIERS, .ids = &ids};
    if (t.name)
        tlvs[lsp.tlvs.n++] = (struct pcep_tlv){
            .type = PCEP_TLV_SYMBOLIC_PATH_NAME,
            .octets = {(const uint8_t *)t.name, (uint32_t)strlen(t.name)}};
    assert_ok(pcep_session_send_entry(c->session, PCEP_PCRPT, &entry));
    flush(c);
}

static inline void
read_message(struct client *c, const struct pcep_message *message)
{
    if (message->type == PCEP_PCERR) {
        if (c->on_error)
            c->on_error(c, &message->groups[0].errors[0].error);
        return;
    }
    for (uint32_t i = 0; i < message->n_entries; i++)
        c->on_entry(c, message->type, &message->entries[i]);
}

static inline void
read_events(struct client *c)
{
    struct pcep_event event;
    while (pcep_session_next(c->session, &event)) {
        if (event.kind == PCEP_EVENT_UP)
            c->up = true;
        if (event.kind == PCEP_EVENT_MESSAGE)
            read_message(c, event.message);
    }
    flush(c);
}

static inline UNUSED void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct client *c = arg;
    pcep_session_input(c->session, data, size, clock_monotonic());
    read_events(c);
}

static inline UNUSED void
on_opened(void *arg, struct stream *stream UNUSED)
{
    flush(arg);
}

static inline UNUSED void
on_closed(void *arg UNUSED, struct stream *stream UNUSED, enum err err UNUSED, const char *reason)
{
    fail_msg("%s", reason);
}

static const struct stream_handler client_handler = {
    .opened = on_opened, .received = on_received, .closed = on_closed};

/* Up; what it has is told by the test, and the end of it with end_of_sync(). */
static inline UNUSED void
connect_client(struct client *c)
{
    const struct stream_config config = {.address = wan_service_pcep_address(c->place->service)};
    const struct pcep_session_config session = {
        .end = PCEP_PCC,
        .capabilities = {.stateful = true,
                         .stateful_flags = PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION,
                         .path_setup_types = 1 << PCEP_PST_RSVP_TE | 1 << PCEP_PST_SR,
                         .sr = true,
                         .sr_msd = 8}};
    struct diag diag = {""};
    c->session = pcep_session_new(&session, clock_monotonic());
    assert_ok(
        stream_connect(c->place->scene->loop, &config, &client_handler, c, &c->stream, &diag));
    RUN_UNTIL(c->place->scene->loop, c->up);
}

static inline UNUSED bool
is_ready(const struct client *c)
{
    struct pce *pce = wan_pce(c->place->service);
    struct pce_pcc_info info;
    return pce_pcc_info(pce, pce_find_pcc(pce, "127.0.0.1"), &info) && info.state == PCE_PCC_READY;
}

static inline UNUSED void
end_of_sync(struct client *c)
{
    report(c, (struct told){0});
    RUN_UNTIL(c->place->scene->loop, is_ready(c));
}

static inline UNUSED int
set_up_client(void **state)
{
    struct client *c = xcalloc(1, sizeof *c);
    void *place;
    set_up(&place);
    c->place = place;
    stop(c->place);
    test_path(&c->place->scene->dir, "wan.yaml", c->place->settings);
    FILE *file = fopen(c->place->settings, "w");
    assert_non_null(file);
    fputs("pcep: {listen: \"127.0.0.1:0\"}\n", file);
    fclose(file);
    start(c->place);
    *state = c;
    return 0;
}

static inline UNUSED int
tear_down_client(void **state)
{
    struct client *c = *state;
    void *place = c->place;
    stream_free(c->stream);
    pcep_session_free(c->session);
    tear_down(&place);
    free(c);
    return 0;
}

#endif

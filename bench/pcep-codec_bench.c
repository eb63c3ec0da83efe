/* PCEP codec and session machine: state reports and updates a second, on one core, in memory. */
#include "bench.h"

#include "proto/pcep/pcep_session.h"

#define N_LSPS 65535
#define ROUNDS 9

static struct buf wire; /* N_LSPS state reports, as one PCC synchronises them */

static struct pcep_session_config
config(enum pcep_end end)
{
    return (struct pcep_session_config){
        .end = end,
        .capabilities = {.stateful = true,
                         .stateful_flags = PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION,
                         .path_setup_types = 2,
                         .sr = true,
                         .sr_msd = 10}};
}

static struct pcep_session *
up_session(enum pcep_end end)
{
    static const uint8_t peer[] = {0x20, 1, 0, 40, 1, 0x10, 0,  36, 0x20, 30, 120,  1, 0, 16, 0,
                                   4,    0, 0, 0,  5, 0,    34, 0,  16,   0,  0,    0, 2, 0,  1,
                                   0,    0, 0, 26, 0, 4,    0,  0,  0,    8,  0x20, 2, 0, 4};
    struct pcep_session_config c = config(end);
    struct pcep_event event;
    struct pcep_session *s = pcep_session_new(&c, 0);
    pcep_session_input(s, peer, sizeof peer, 0);
    while (pcep_session_next(s, &event))
        ;
    if (!pcep_session_is_up(s))
        abort();
    buf_clear(pcep_session_output(s));
    return s;
}

/* An LSP as a router reports it: identifiers, a name, four segments, bandwidth and a metric. */
static void
send_all(struct pcep_session *s, enum pcep_type type)
{
    static const struct pcep_bandwidth bandwidth = {.octets_per_s = 1e6f};
    static const struct pcep_metric metric = {.type = PCEP_METRIC_TE, .value = 40};
    struct pcep_lsp_ids ids = {.sender = {4, {10, 0, 0, 1}}, .endpoint = {4, {10, 0, 0, 9}}};
    struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR};
    char name[16];
    struct pcep_tlv tlvs[] = {
        {.type = PCEP_TLV_IPV4_LSP_IDENTIFIERS, .ids = &ids},
        {.type = PCEP_TLV_SYMBOLIC_PATH_NAME, .octets = {(const uint8_t *)name, 0}}};
    struct pcep_hop hops[4];
    struct pcep_route ero = {.hops = hops, .n = 4};
    for (uint32_t i = 1; i <= N_LSPS; i++) {
        struct pcep_srp srp = {.srp_id = type == PCEP_PCUPD ? i : 0, .tlvs = {&setup, 1}};
        struct pcep_lsp lsp = {.plsp_id = i, .flags = PCEP_LSP_DELEGATE | PCEP_LSP_ADMIN};
        ids.tunnel_id = (uint16_t)i;
        tlvs[1].octets.size = (uint32_t)snprintf(name, sizeof name, "circuit-%u", i);
        if (type == PCEP_PCRPT)
            lsp.tlvs = (struct pcep_tlvs){tlvs, 2};
        for (uint32_t k = 0; k < 4; k++)
            hops[k] = pcep_label_hop(16000 + (i + k) % 1000);
        struct pcep_entry entry = {
            .srp = &srp,
            .lsp = &lsp,
            .path = {.ero = &ero, .bandwidth = &bandwidth, .metrics = &metric, .n_metrics = 1}};
        if (pcep_session_send_entry(s, type, &entry))
            abort();
    }
}

/* As from a socket: 64 KiB at once. */
static double
read_reports(void *arg UNUSED)
{
    struct pcep_session *s = up_session(PCEP_PCE);
    struct pcep_event event;
    uint32_t n = 0;
    double start = bench_seconds();
    for (size_t at = 0, size; at < wire.size; at += size) {
        size = MIN(wire.size - at, 65536);
        pcep_session_input(s, wire.data + at, size, 0);
        while (pcep_session_next(s, &event))
            n += event.message->n_entries;
    }
    double seconds = bench_seconds() - start;
    if (n != N_LSPS)
        abort();
    pcep_session_free(s);
    return N_LSPS / seconds;
}

static double
write_updates(void *arg UNUSED)
{
    struct pcep_session *s = up_session(PCEP_PCE);
    double start = bench_seconds();
    send_all(s, PCEP_PCUPD);
    double seconds = bench_seconds() - start;
    pcep_session_free(s);
    return N_LSPS / seconds;
}

int
main(void)
{
    struct pcep_session *pcc = up_session(PCEP_PCC);
    send_all(pcc, PCEP_PCRPT);
    wire = *pcep_session_output(pcc);
    struct bench_contestant both[] = {{.name = "reports-read", .round = read_reports},
                                      {.name = "updates-written", .round = write_updates}};
    bench_interleave(both, ARRAY_SIZE(both), ROUNDS);
    bool ok = true;
    for (size_t i = 0; i < ARRAY_SIZE(both); i++)
        ok &= bench_print(&(struct bench_figure){
            .bench = "pcep-codec",
            .what = both[i].name,
            .value = both[i].median,
            .unit = "LSPs/s",
            .goal = 500000,
            .note = "65,535 LSPs in one session; ERO of 4 SR hops, BANDWIDTH, METRIC; in memory"});
    pcep_session_free(pcc);
    return ok ? 0 : 1;
}

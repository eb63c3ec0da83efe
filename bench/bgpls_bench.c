/* bgpls_bench.c - how fast the link state of a large network is taken in.
 *
 *     bgpls_bench [NLRI]      100,000
 *
 * UPDATE octets as a router would send them, one NLRI in each as links have attributes of their
 * own: a tenth nodes, the rest links with fifteen TLVs. They go through the session, the decoder
 * and the table
 * ("ingest"), from memory and through a real TCP socket, in one thread; the sender of the latter is
 * another process, whose octets wait for it. Then again, unchanged: what a peer's return costs. */
#include "bench/bench.h"
#include "proto/bgpls/bgp_session.h"
#include "proto/bgpls/bgpls_rib.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 5
#define GOAL 100000.0 /* NLRI/s: 100,000 in a second */
#define CHUNK 65536

struct end {
    struct bgp_session *session;
    struct bgpls_rib *rib;
    size_t n_changes;
};

struct bench {
    uint32_t n;
    struct buf octets; /* OPEN, KEEPALIVE, UPDATEs, End-of-RIB */
    double memory;     /* of one NLRI, octets */
};

static void
require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bgpls_bench: %s\n", what);
        exit(1);
    }
}

/* ---- what is told */

static struct bgpls_node
node_of(uint32_t number)
{
    struct bgpls_node node = {
        .has_as = true, .as = 65000, .has_bgpls_id = true, .has_area = true, .router_id_size = 4};
    put_be32(node.router_id, 0x0a000000 + number);
    return node;
}

static void
tell(struct bgp_session *from, const struct bgpls_nlri *nlri, const struct bgpls_attributes *a)
{
    struct buf key = BUF_INIT, value = BUF_INIT;
    require(!bgpls_nlri_encode(nlri, &key) && !bgpls_attributes_encode(a, &value), "encoding");
    require(!bgp_session_announce(from, (struct bgp_span){key.data, key.size},
                                  (struct bgp_span){value.data, value.size}),
            "announcing");
    buf_fini(&key);
    buf_fini(&value);
}

#define HAS(tlv) (UINT64_C(1) << BGPLS_##tlv)

static void
tell_node(struct bgp_session *from, uint32_t number)
{
    struct bgpls_nlri nlri = {
        .type = BGPLS_NODE, .protocol = BGPLS_OSPFV2, .local = node_of(number)};
    struct bgpls_range srgb = {.size = 8000, .is_label = true, .first = 16000};
    char name[32];
    struct bgpls_attributes a = {
        .has = HAS(NODE_NAME) | HAS(SR_CAPABILITIES) | HAS(SR_ALGORITHMS) | HAS(NODE_MSD),
        .node_name = {(const uint8_t *)name,
                      (uint16_t)snprintf(name, sizeof name, "router-%u", number)},
        .sr_capabilities = {.flags = 0x80, .ranges = &srgb},
        .sr_algorithms = {(const uint8_t *)"\0\1", 2},
        .node_msd = {(const uint8_t *)"\1\12", 2},
    };
    tell(from, &nlri, &a);
}

static void
tell_link(struct bgp_session *from, uint32_t number, uint32_t n_nodes)
{
    uint8_t srlgs[12] = {0}, local_router[4], remote_router[4];
    struct bgpls_nlri nlri = {.type = BGPLS_LINK,
                              .protocol = BGPLS_OSPFV2,
                              .local = node_of(number % n_nodes),
                              .remote = node_of((number * 7 + 1) % n_nodes),
                              .has_local4 = true,
                              .has_remote4 = true};
    put_be32(nlri.local4, 0x0b000000 + number * 2);
    put_be32(nlri.remote4, 0x0b000000 + number * 2 + 1);
    put_be32(srlgs, number);
    memcpy(local_router, nlri.local.router_id, 4);
    memcpy(remote_router, nlri.remote.router_id, 4);
    struct bgpls_octets_list local = {.octets = {local_router, 4}};
    struct bgpls_octets_list remote = {.octets = {remote_router, 4}};
    struct bgpls_sid second = {.flags = 0x60, .is_label = true, .value = 24000};
    struct bgpls_sid sid = {.next = &second, .flags = 0xe0, .is_label = true, .value = 24001};
    struct bgpls_attributes a = {
        .has = HAS(LOCAL_ROUTER4) | HAS(REMOTE_ROUTER4) | HAS(ADMIN_GROUP) | HAS(MAX_BANDWIDTH) |
               HAS(RESERVABLE_BANDWIDTH) | HAS(UNRESERVED_BANDWIDTH) | HAS(TE_METRIC) |
               HAS(IGP_METRIC) | HAS(SRLG) | HAS(ADJACENCY_SID) | HAS(DELAY) | HAS(MIN_MAX_DELAY) |
               HAS(DELAY_VARIATION) | HAS(LINK_MSD),
        .local_router4 = &local,
        .remote_router4 = &remote,
        .admin_group = number,
        .max_bandwidth = 1.25e9f,
        .reservable_bandwidth = 1e9f,
        .unreserved_bandwidth = {1e9f, 1e9f, 1e9f, 1e9f, 1e9f, 1e9f, 1e9f, 1e9f},
        .te_metric = number % 1000,
        .igp_metric = {2, 10},
        .srlgs = {srlgs, 12},
        .adjacency_sids = &sid,
        .delay = {.value = number % 10000},
        .min_max_delay = {.value = number % 10000, .max = number % 10000 + 5},
        .delay_variation = {.value = 7},
        .link_msd = {(const uint8_t *)"\1\10", 2},
    };
    tell(from, &nlri, &a);
}

/* The octets that a router sends, by a session of our own. */
static struct buf
make_octets(uint32_t n)
{
    struct bgp_session_config ours = {
        .local_as = 65000, .identifier = 1, .output_limit = (size_t)1 << 30};
    struct bgp_session_config theirs = {.local_as = 65000, .identifier = 2};
    struct bgp_session *from = bgp_session_new(&ours, 0), *to = bgp_session_new(&theirs, 0);
    struct bgp_event event;
    struct buf all = BUF_INIT, *out = bgp_session_output(from);
    bgp_session_input(to, out->data, out->size, 0);
    while (bgp_session_next(to, &event)) {
    }
    bgp_session_input(from, bgp_session_output(to)->data, bgp_session_output(to)->size, 0);
    while (bgp_session_next(from, &event)) {
    }
    require(bgp_session_state(from) == BGP_ESTABLISHED, "no session");
    uint32_t n_nodes = MAX(n / 10, 1);
    for (uint32_t i = 0; i < n_nodes; i++)
        tell_node(from, i);
    for (uint32_t i = n_nodes; i < n; i++)
        tell_link(from, i, n_nodes);
    require(!bgp_session_end_of_rib(from), "End-of-RIB");
    buf_put(&all, out->data, out->size);
    bgp_session_free(from);
    bgp_session_free(to);
    return all;
}

/* ---- taking it in */

static void
on_change(void *arg, const struct bgpls_change *change)
{
    struct end *end = arg;
    end->n_changes += change->kind <= BGPLS_CHANGED && change->attributes->has;
}

static void
begin(struct end *end)
{
    struct bgp_session_config config = {.local_as = 65000, .identifier = 3};
    *end = (struct end){.session = bgp_session_new(&config, 0)};
    end->rib = bgpls_rib_new(&(struct bgpls_rib_config){
        .local_as = 65000, .identifier = 3, .changed = on_change, .arg = end});
}

static void
finish(struct end *end)
{
    bgp_session_free(end->session);
    bgpls_rib_free(end->rib);
}

static void
take(struct end *end, const uint8_t *data, size_t size)
{
    struct bgp_event event;
    struct bgp_error error;
    bgp_session_input(end->session, data, size, 0);
    while (bgp_session_next(end->session, &event)) {
        require(event.kind != BGP_EVENT_DOWN, event.diag.text);
        if (event.kind == BGP_EVENT_UP)
            bgpls_rib_up(end->rib, bgp_session_peer(end->session), 0);
        if (event.kind == BGP_EVENT_UPDATE)
            require(!bgpls_rib_update(end->rib, &event.update, true, &error), "an UPDATE");
    }
}

static void
take_memory(struct end *end, const struct buf *octets)
{
    for (size_t at = 0; at < octets->size; at += CHUNK)
        take(end, octets->data + at, MIN(CHUNK, octets->size - at));
}

static double
from_memory(void *arg)
{
    struct bench *bench = arg;
    struct end end;
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    begin(&end);
    double start = bench_seconds();
    take_memory(&end, &bench->octets);
    double seconds = bench_seconds() - start;
    require(end.n_changes == bench->n && bgpls_rib_is_complete(end.rib), "not all came");
    bench->memory = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / (double)bench->n;
    finish(&end);
    return bench->n / seconds;
}

/* All of it again on a session of its own, after a restart: nothing has changed. */
static double
again(void *arg)
{
    struct bench *bench = arg;
    struct end end;
    begin(&end);
    take_memory(&end, &bench->octets);
    bgpls_rib_down(end.rib, true, NSEC_PER_SEC, 0);
    struct bgp_session_config config = {.local_as = 65000, .identifier = 3};
    bgp_session_free(end.session);
    end.session = bgp_session_new(&config, 0);
    struct bgp_open kept = {
        .graceful_restart = true, .restart_link_state = true, .forwarding_preserved = true};
    bgpls_rib_up(end.rib, &kept, 0);
    struct bgp_event event;
    struct bgp_error error;
    double start = bench_seconds();
    for (size_t at = 0; at < bench->octets.size; at += CHUNK) {
        bgp_session_input(end.session, bench->octets.data + at, MIN(CHUNK, bench->octets.size - at),
                          0);
        while (bgp_session_next(end.session, &event))
            if (event.kind == BGP_EVENT_UPDATE)
                require(!bgpls_rib_update(end.rib, &event.update, true, &error), "an UPDATE");
    }
    double seconds = bench_seconds() - start;
    require(bgpls_rib_stats(end.rib)->unchanged == bench->n && !bgpls_rib_stats(end.rib)->swept,
            "something has changed");
    finish(&end);
    return bench->n / seconds;
}

/* ---- through a socket */

static void
send_all(int fd, const struct buf *octets)
{
    for (size_t at = 0; at < octets->size;) {
        ssize_t n = write(fd, octets->data + at, octets->size - at);
        require(n > 0, "write");
        at += (size_t)n;
    }
}

/* The sender's process: connects, sends all, and waits for the end. */
static pid_t
start_sender(const struct bench *bench, const struct sockaddr_in *to)
{
    pid_t pid = fork();
    require(pid >= 0, "fork");
    if (pid)
        return pid;
    char octet;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    require(!connect(fd, (const struct sockaddr *)to, sizeof *to), "connect");
    send_all(fd, &bench->octets);
    while (read(fd, &octet, 1) > 0) {
    }
    _exit(0);
}

static double
from_socket(void *arg)
{
    struct bench *bench = arg;
    static uint8_t room[CHUNK];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct end end;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    require(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 1) &&
                !getsockname(listener, (struct sockaddr *)&address, &length),
            "listen");
    pid_t sender = start_sender(bench, &address);
    int fd = accept(listener, NULL, NULL);
    require(fd >= 0, "accept");
    begin(&end);
    double start = bench_seconds();
    while (!bgpls_rib_is_complete(end.rib)) {
        ssize_t n = read(fd, room, sizeof room);
        require(n > 0, "read");
        take(&end, room, (size_t)n);
    }
    double seconds = bench_seconds() - start;
    require(end.n_changes == bench->n, "not all came");
    close(fd);
    close(listener);
    waitpid(sender, NULL, 0);
    finish(&end);
    return bench->n / seconds;
}

/* What the table says it takes must be what it takes, and the figure is for planning. */
static bool
print_memory(const struct bench *bench)
{
    return bench_print(&(struct bench_figure){.bench = "bgpls",
                                              .what = "memory",
                                              .value = bench->memory,
                                              .unit = "octets/NLRI",
                                              .goal = 1024,
                                              .smaller_is_better = true,
                                              .note = "session, table and allocator"});
}

int
main(int argc, char **argv)
{
    struct bench bench = {.n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000};
    bench.octets = make_octets(bench.n);
    struct bench_contestant cases[] = {
        {.name = "ingest", .round = from_memory, .arg = &bench},
        {.name = "ingest-tcp", .round = from_socket, .arg = &bench},
        {.name = "again", .round = again, .arg = &bench},
    };
    char note[128];
    bool ok = true;
    bench_interleave(cases, ARRAY_SIZE(cases), ROUNDS);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(note, sizeof note, "%u NLRI, %.1f MB of UPDATEs: %.3f s", bench.n,
                 (double)bench.octets.size / 1e6, bench.n / cases[i].median);
        ok &= bench_print(&(struct bench_figure){.bench = "bgpls",
                                                 .what = cases[i].name,
                                                 .value = cases[i].median,
                                                 .unit = "NLRI/s",
                                                 .goal = GOAL,
                                                 .note = note});
    }
    ok &= print_memory(&bench);
    buf_fini(&bench.octets);
    return !ok;
}

/* How fast the node takes flow mods, and what a million flows cost it: the programs themselves,
 * tieline-edge and ovs-vswitchd (user-space datapath) beside it, each over its local OpenFlow
 * socket, in a network namespace that ends with this process.
 *
 * Messages are encoded before the clock starts; it stops when the barrier behind the last one is
 * answered. Needs root; Open vSwitch is left out where it is not installed. */
#include "bench.h"

#include "proto/openflow/openflow_multipart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 3
#define N_FLOWS 100000u
#define N_MANY 1000000u
#define WORD 0x0a000000u

static char directory[64];

static void
fail(const char *what)
{
    fprintf(stderr, "edge-flowmod: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- A switch, and the connection to it ---- */

struct node {
    const char *name;
    char socket[108];
    pid_t pid;
    int fd;
    uint32_t xid;
    struct buf in, reply;     /* `reply`: to echo requests, between our messages */
    uint64_t errors, replies; /* messages of the peer: errors; parts of multipart replies */
    double answered;          /* when the last awaited xid was */
    double stall;             /* longest time an echo took since it was zeroed */
};

static pid_t
spawn(char *const argv[])
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(log, 1);
        dup2(log, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static void
wait_for_socket(const char *path)
{
    struct stat st;
    for (int i = 0; i < 500; i++) {
        if (!stat(path, &st))
            return;
        usleep(20000);
    }
    fail(path);
}

static void
node_connect(struct node *node)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    wait_for_socket(node->socket);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", node->socket);
    node->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(node->fd, (struct sockaddr *)&address, sizeof address))
        fail(node->socket);
    fcntl(node->fd, F_SETFL, O_NONBLOCK);
}

static void
encode(const struct openflow_message *m, struct buf *out)
{
    if (openflow_encode(m, out))
        abort();
}

/* One message of the peer. Echo requests are answered, so that it keeps the connection. */
static void
take_message(struct node *node, const uint8_t *data, size_t size, uint32_t awaited)
{
    uint8_t type = data[1];
    if (type == OFPT_ERROR)
        node->errors++;
    if (type == OFPT_ECHO_REQUEST) {
        struct openflow_message reply = {.type = OFPT_ECHO_REPLY, .xid = get_be32(data + 4)};
        encode(&reply, &node->reply);
    }
    bool more = type == OFPT_MULTIPART_REPLY && size >= 12 && data[11] & 1;
    node->replies += type == OFPT_MULTIPART_REPLY;
    if (get_be32(data + 4) == awaited && !more && type != OFPT_ECHO_REQUEST)
        node->answered = bench_seconds();
}

static void
read_messages(struct node *node, uint32_t awaited)
{
    static _Thread_local uint8_t piece[1 << 18];
    ssize_t n;
    while ((n = read(node->fd, piece, sizeof piece)) > 0) {
        size_t at = 0;
        buf_put(&node->in, piece, (size_t)n);
        while (node->in.size - at >= 8 && node->in.size - at >= get_be16(node->in.data + at + 2)) {
            size_t size = get_be16(node->in.data + at + 2);
            take_message(node, node->in.data + at, size, awaited);
            at += size;
        }
        buf_consume(&node->in, at);
        if (n < (ssize_t)sizeof piece)
            return;
    }
    if (n == 0 || errno != EAGAIN)
        fail(node->name);
}

static size_t
put(struct node *node, const uint8_t *data, size_t size)
{
    ssize_t n = write(node->fd, data, size);
    if (n < 0 && errno != EAGAIN)
        fail("write");
    return n > 0 ? (size_t)n : 0;
}

/* Writes on. `at`: what is out; `whole`: the end of the message that lies in. */
static void
write_messages(struct node *node, const struct buf *out, size_t *at, size_t *whole)
{
    while (*whole < *at)
        *whole += get_be16(out->data + *whole + 2);
    if (!node->reply.size) {
        *at += put(node, out->data + *at, out->size - *at);
    } else if (*at < *whole) {
        *at += put(node, out->data + *at, *whole - *at);
    } else {
        buf_consume(&node->reply, put(node, node->reply.data, node->reply.size));
    }
}

/* The one that has its turn, and who waits for his: his echo requests are answered too, or he would
 * give us up. */
static struct node nodes[2];

static struct node *
other_of(const struct node *node)
{
    return node == &nodes[0] ? &nodes[1] : node == &nodes[1] ? &nodes[0] : NULL;
}

static void
keep_alive(struct node *node)
{
    read_messages(node, 0);
    while (node->reply.size)
        buf_consume(&node->reply, put(node, node->reply.data, node->reply.size));
}

/* Sends it all, reading what comes meanwhile, until the message with this xid is answered. */
static void
exchange(struct node *node, const struct buf *out, uint32_t awaited)
{
    size_t at = 0, whole = 0;
    node->answered = 0;
    while (node->answered == 0) {
        bool more = at < out->size || node->reply.size;
        struct node *other = other_of(node);
        struct pollfd p[2] = {{node->fd, (short)(POLLIN | (more ? POLLOUT : 0)), 0},
                              {other && other->pid ? other->fd : -1, POLLIN, 0}};
        if (poll(p, 2, 300000) <= 0)
            fail("no answer");
        if (p[0].revents & POLLOUT)
            write_messages(node, out, &at, &whole);
        if (p[0].revents & (POLLIN | POLLHUP))
            read_messages(node, awaited);
        if (p[1].revents)
            keep_alive(other);
    }
}

/* Sends it and a barrier; seconds until that is answered. */
static double
until_barrier(struct node *node, struct buf *out)
{
    struct openflow_message barrier = {.type = OFPT_BARRIER_REQUEST, .xid = ++node->xid};
    encode(&barrier, out);
    uint64_t errors = node->errors;
    double start = bench_seconds();
    exchange(node, out, node->xid);
    if (node->errors != errors) {
        fprintf(stderr, "edge-flowmod: %s refused something\n", node->name);
        exit(1);
    }
    return node->answered - start;
}

static double
echo(struct node *node)
{
    struct buf out = BUF_INIT;
    struct openflow_message m = {.type = OFPT_ECHO_REQUEST, .xid = ++node->xid};
    encode(&m, &out);
    double start = bench_seconds();
    exchange(node, &out, node->xid);
    buf_fini(&out);
    node->stall = MAX(node->stall, node->answered - start);
    return node->answered - start;
}

static double
resident_octets(const struct node *node)
{
    char path[64], line[256];
    double kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", node->pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, "VmRSS:", 6))
            kib = strtod(line + 6, NULL);
    }
    if (file)
        fclose(file);
    return kib * 1024;
}

/* CPU time of all its threads. */
static double
cpu_seconds(const struct node *node)
{
    struct timespec ts;
    clockid_t clock;
    if (clock_getcpuclockid(node->pid, &clock) || clock_gettime(clock, &ts))
        return 0;
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- Flows ---- */

/* A circuit's flow as it is engineered: five-tuple, queue, output. */
static void
encode_flow(uint32_t i, unsigned command, uint16_t timeout, struct buf *out)
{
    struct action actions[2] = {{.type = ACTION_SET_QUEUE, .id = i % 8},
                                {.type = ACTION_OUTPUT, .id = 2, .max_len = 0}};
    struct openflow_message m = {.type = OFPT_FLOW_MOD, .xid = 1};
    m.flow_mod = (struct openflow_flow_mod){
        .command = (uint8_t)command,
        .buffer_id = NO_BUFFER,
        .out_port = PORT_ANY,
        .out_group = GROUP_ANY,
        .flow = {.priority = 100, .cookie = i, .hard_timeout = timeout, .has_apply = true},
    };
    struct flow *flow = &m.flow_mod.flow;
    flow->apply = (struct actions){actions, 2};
    match_set(&flow->match, FIELD_IN_PORT, 1);
    match_set(&flow->match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    match_set(&flow->match, FIELD_IP_PROTO, IP_PROTO_UDP);
    match_set(&flow->match, FIELD_IPV4_SRC, WORD + i);
    match_set(&flow->match, FIELD_IPV4_DST, WORD + 7 * i);
    match_set(&flow->match, FIELD_UDP_DST, 1024 + i % 50000);
    encode(&m, out);
}

static double
change_flows(struct node *node, uint32_t n, unsigned command, uint16_t timeout)
{
    struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < n; i++)
        encode_flow(i, command, timeout, &out);
    double took = until_barrier(node, &out);
    buf_fini(&out);
    return took;
}

static double
delete_all(struct node *node)
{
    struct buf out = BUF_INIT;
    struct openflow_message m = {.type = OFPT_FLOW_MOD, .xid = 1};
    m.flow_mod = (struct openflow_flow_mod){.command = OFPFC_DELETE,
                                            .buffer_id = NO_BUFFER,
                                            .out_port = PORT_ANY,
                                            .out_group = GROUP_ANY,
                                            .flow = {.table_id = TABLE_ALL}};
    encode(&m, &out);
    double took = until_barrier(node, &out);
    buf_fini(&out);
    return took;
}

static double
add_round(void *arg)
{
    struct node *node = arg;
    (void)delete_all(node);
    return N_FLOWS / change_flows(node, N_FLOWS, OFPFC_ADD, 0);
}

static double
modify_round(void *arg)
{
    return N_FLOWS / change_flows(arg, N_FLOWS, OFPFC_MODIFY_STRICT, 0);
}

/* The flows are there again afterwards. */
static double
delete_round(void *arg)
{
    double rate = N_FLOWS / change_flows(arg, N_FLOWS, OFPFC_DELETE_STRICT, 0);
    (void)change_flows(arg, N_FLOWS, OFPFC_ADD, 0);
    return rate;
}

/* Acknowledged in hundreds: the next hundred waits for the barrier of the one before. */
static double
hundreds_round(void *arg)
{
    struct node *node = arg;
    double took = 0;
    for (uint32_t i = 0; i < N_FLOWS / 10; i += 100) {
        struct buf out = BUF_INIT;
        for (uint32_t k = 0; k < 100; k++)
            encode_flow(i + k, OFPFC_ADD, 0, &out);
        took += until_barrier(node, &out);
        buf_fini(&out);
    }
    return N_FLOWS / 10 / took;
}

/* ---- A million of them ---- */

struct many {
    double octets, add_rate, dump, dump_stall, delete, expiry_stall;
    double add_cpu, dump_cpu, delete_cpu; /* seconds of the node's CPU time */
};

static double
dump_all(struct node *node)
{
    struct buf out = BUF_INIT;
    struct openflow_flow_request all = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    struct openflow_message m = {.type = OFPT_MULTIPART_REQUEST, .xid = ++node->xid};
    m.multipart = (struct openflow_multipart){.type = OFPMP_FLOW, .n = 1, .flow_request = &all};
    encode(&m, &out);
    double start = bench_seconds();
    exchange(node, &out, node->xid);
    buf_fini(&out);
    return node->answered - start;
}

/* Somebody else asks for an echo, again and again: how long the node is deaf at most. */
struct listener {
    struct node node;
    pthread_t thread;
    atomic_bool stop;
};

static void *
listen_on(void *arg)
{
    struct listener *l = arg;
    while (!atomic_load(&l->stop)) {
        echo(&l->node);
        usleep(2000);
    }
    return NULL;
}

static void
say_hello(struct node *node)
{
    struct buf out = BUF_INIT;
    struct openflow_message hello = {.type = OFPT_HELLO, .xid = ++node->xid};
    hello.hello = (struct openflow_hello){OPENFLOW_VERSION, true, 1u << OPENFLOW_VERSION};
    encode(&hello, &out);
    (void)until_barrier(node, &out);
    buf_fini(&out);
}

static void
listener_start(struct listener *l, const struct node *of)
{
    *l = (struct listener){.node = *of};
    l->node.in = l->node.reply = (struct buf)BUF_INIT;
    node_connect(&l->node);
    say_hello(&l->node);
    l->node.stall = 0;
    pthread_create(&l->thread, NULL, listen_on, l);
}

/* The longest echo since the start, in ms. */
static double
listener_stop(struct listener *l)
{
    atomic_store(&l->stop, true);
    pthread_join(l->thread, NULL);
    close(l->node.fd);
    buf_fini(&l->node.in);
    return l->node.stall * 1e3;
}

static void
wait_until_empty(struct node *node)
{
    for (;;) {
        sleep(2);
        uint64_t before = node->replies;
        (void)dump_all(node);
        if (node->replies <= before + 2)
            return;
    }
}

static void
measure_many(struct node *node, struct many *m)
{
    struct listener listener;
    (void)delete_all(node);
    double before = resident_octets(node), cpu = cpu_seconds(node);
    m->add_rate = N_MANY / change_flows(node, N_MANY, OFPFC_ADD, 0);
    m->add_cpu = cpu_seconds(node) - cpu;
    usleep(500000);
    m->octets = (resident_octets(node) - before) / N_MANY;
    listener_start(&listener, node);
    cpu = cpu_seconds(node);
    m->dump = dump_all(node);
    m->dump_cpu = cpu_seconds(node) - cpu;
    m->dump_stall = listener_stop(&listener);
    cpu = cpu_seconds(node);
    m->delete = delete_all(node);
    m->delete_cpu = cpu_seconds(node) - cpu;
    (void)change_flows(node, N_MANY, OFPFC_ADD, 1); /* they last a second */
    listener_start(&listener, node);
    wait_until_empty(node);
    m->expiry_stall = listener_stop(&listener);
}

/* ---- A storm while packets pass ---- */

struct traffic_report {
    double sent, lost, p50, p99, max;
};

/* Numbered frames for four seconds from one host to the other, by the lab's edge-traffic. */
static void
send_traffic(const char *bin, const char *from, const char *to, struct traffic_report *r)
{
    char command[512];
    json_error_t error;
    snprintf(command, sizeof command,
             "'%s/edge-traffic' --json --from %s --to %s --pps 20000 --duration 4s", bin, from, to);
    FILE *output = popen(command, "r");
    json_t *report = output ? json_loadf(output, JSON_DISABLE_EOF_CHECK, &error) : NULL;
    if (!report)
        fail("edge-traffic");
    double latency[3];
    if (json_unpack(report, "{sF sF s{sF sF sF}}", "sent", &r->sent, "lost", &r->lost, "latency",
                    "p50_us", &latency[0], "p99_us", &latency[1], "max_us", &latency[2]))
        fail("edge-traffic's report");
    r->p50 = latency[0];
    r->p99 = latency[1];
    r->max = latency[2];
    json_decref(report);
    pclose(output);
}

struct storm {
    struct node *node;
    pthread_t thread;
    atomic_bool stop;
    uint64_t n;
    double took;
};

static void *
rage(void *arg)
{
    struct storm *s = arg;
    struct buf add = BUF_INIT, delete = BUF_INIT;
    for (uint32_t i = 0; i < N_FLOWS / 10; i++) {
        encode_flow(i, OFPFC_ADD, 0, &add);
        encode_flow(i, OFPFC_DELETE_STRICT, 0, &delete);
    }
    size_t size = add.size, delete_size = delete.size;
    double start = bench_seconds();
    while (!atomic_load(&s->stop)) {
        (void)until_barrier(s->node, &add);
        (void)until_barrier(s->node, &delete);
        add.size = size; /* without the barriers */
        delete.size = delete_size;
        s->n += 2 * (N_FLOWS / 10);
    }
    s->took = bench_seconds() - start;
    buf_fini(&add);
    buf_fini(&delete);
    return NULL;
}

static void
let_pass(struct node *node)
{
    struct action action = {.type = ACTION_OUTPUT, .id = 2};
    struct buf out = BUF_INIT;
    struct openflow_message m = {.type = OFPT_FLOW_MOD, .xid = 1};
    m.flow_mod = (struct openflow_flow_mod){.command = OFPFC_ADD,
                                            .buffer_id = NO_BUFFER,
                                            .out_port = PORT_ANY,
                                            .out_group = GROUP_ANY,
                                            .flow = {.priority = 1, .has_apply = true}};
    m.flow_mod.flow.apply = (struct actions){&action, 1};
    match_set(&m.flow_mod.flow.match, FIELD_IN_PORT, 1);
    encode(&m, &out);
    (void)until_barrier(node, &out);
    buf_fini(&out);
}

struct weather {
    struct traffic_report calm, storm;
    double rate; /* of flow mods meanwhile */
};

static void
measure_storm(struct node *node, const char *bin, const char *from, const char *to,
              struct weather *w)
{
    struct storm s = {.node = node};
    (void)delete_all(node);
    let_pass(node);
    send_traffic(bin, from, to, &w->calm);
    pthread_create(&s.thread, NULL, rage, &s);
    send_traffic(bin, from, to, &w->storm);
    atomic_store(&s.stop, true);
    pthread_join(s.thread, NULL);
    w->rate = (double)s.n / s.took;
}

/* ---- The contestants ---- */

static void
shell(const char *command)
{
    if (system(command))
        fail(command);
}

static void
start_edge(struct node *node, const char *bin)
{
    char program[300], control[96];
    snprintf(program, sizeof program, "%s/tieline-edge", bin);
    snprintf(control, sizeof control, "%s/edge", directory);
    snprintf(node->socket, sizeof node->socket, "%s/edge.of", directory);
    char *argv[] = {
        program, "--name",    "bench", "--datapath-id", "1",       "--port", "1=e0",  "--port",
        "2=e1",  "--control", control, "--max-flows",   "1100000", "--log",  "error", NULL};
    node->name = "tieline-edge";
    node->pid = spawn(argv);
    node_connect(node);
    say_hello(node);
}

/* False: it is not installed. */
static bool
start_ovs(struct node *node)
{
    if (system("command -v ovs-vswitchd ovsdb-server ovs-vsctl > /dev/null"))
        return false;
    char *database[] = {"ovsdb-server",     "conf.db",    "--remote=punix:db.sock",
                        "--unixctl=db.ctl", "--no-chdir", NULL};
    char *daemon[] = {"ovs-vswitchd", "unix:db.sock", "--unixctl=vs.ctl", "--no-chdir", NULL};
    setenv("OVS_RUNDIR", directory, 1);
    setenv("OVS_LOGDIR", directory, 1);
    shell("ovsdb-tool create conf.db /usr/share/openvswitch/vswitch.ovsschema");
    (void)spawn(database);
    wait_for_socket("db.sock");
    shell("ovs-vsctl --db=unix:db.sock --no-wait init");
    node->name = "ovs-vswitchd";
    node->pid = spawn(daemon);
    shell("ovs-vsctl --db=unix:db.sock --timeout=20 add-br br0 -- set bridge br0 "
          "datapath_type=netdev fail-mode=secure protocols=OpenFlow13 "
          "-- add-port br0 o0 -- set interface o0 ofport_request=1 "
          "-- add-port br0 o1 -- set interface o1 ofport_request=2");
    snprintf(node->socket, sizeof node->socket, "%s/br0.mgmt", directory);
    node_connect(node);
    say_hello(node);
    return true;
}

static void
make_links(void)
{
    static const char *const pairs[][2] = {{"h0", "e0"}, {"h1", "e1"}, {"g0", "o0"}, {"g1", "o1"}};
    char command[256];
    shell("ip link set lo up");
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        const char *a = pairs[i][0], *b = pairs[i][1];
        snprintf(command, sizeof command,
                 "ip link add %s type veth peer name %s && ip link set %s up && ip link set %s up",
                 a, b, a, b);
        shell(command);
    }
}

/* ---- Figures ---- */

static json_t *
peer(bool has_peer, double value)
{
    return has_peer ? json_pack("{sf}", "ovs-vswitchd", value) : NULL;
}

static void
print(const char *what, double value, const char *unit, double goal, bool smaller, json_t *peers,
      const char *note)
{
    (void)bench_print(&(struct bench_figure){.bench = "edge-flowmod",
                                             .what = what,
                                             .value = value,
                                             .unit = unit,
                                             .goal = goal,
                                             .smaller_is_better = smaller,
                                             .peers = peers,
                                             .note = note});
}

static void
compare_rates(bool has_peer)
{
    static const struct {
        const char *name, *note;
        double (*round)(void *arg);
        double goal;
    } cases[] = {
        {"add", "100,000 in one go, then a barrier", add_round, 100000},
        {"modify", "each of 100,000", modify_round, 100000},
        {"delete", "each of 100,000", delete_round, 100000},
        {"add-by-hundreds", "a barrier behind each hundred", hundreds_round, NAN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bench_contestant both[2] = {{.round = cases[i].round, .arg = &nodes[0]},
                                           {.round = cases[i].round, .arg = &nodes[1]}};
        bench_interleave(both, has_peer ? 2 : 1, ROUNDS);
        print(cases[i].name, both[0].median, "flow mods/s", cases[i].goal, false,
              peer(has_peer, both[1].median), cases[i].note);
    }
}

static void
compare_many(bool has_peer)
{
    struct many m[2] = {0};
    char add[64], dump[64], delete[64];
    for (int i = 0; i < 1 + has_peer; i++)
        measure_many(&nodes[i], &m[i]);
    snprintf(add, sizeof add, "CPU %.2f us each (peer %.2f)", m[0].add_cpu / N_MANY * 1e6,
             m[1].add_cpu / N_MANY * 1e6);
    snprintf(dump, sizeof dump, "OFPMP_FLOW, all; CPU %.2f s (peer %.2f)", m[0].dump_cpu,
             m[1].dump_cpu);
    snprintf(delete, sizeof delete, "by one message; CPU %.2f s (peer %.2f)", m[0].delete_cpu,
             m[1].delete_cpu);
    print("memory-1M", m[0].octets, "octets/flow", 400, true, peer(has_peer, m[1].octets),
          "resident, of the process");
    print("add-1M", m[0].add_rate, "flow mods/s", 100000, false, peer(has_peer, m[1].add_rate),
          add);
    print("dump-1M", m[0].dump, "s", NAN, true, peer(has_peer, m[1].dump), dump);
    print("dump-1M-stall", m[0].dump_stall, "ms", NAN, true, peer(has_peer, m[1].dump_stall),
          "longest echo of another controller meanwhile");
    print("delete-1M", m[0].delete, "s", NAN, true, peer(has_peer, m[1].delete), delete);
    print("expire-1M-stall", m[0].expiry_stall, "ms", NAN, true, peer(has_peer, m[1].expiry_stall),
          "longest echo while all expire at once");
}

static void
compare_storm(const char *bin, bool has_peer)
{
    struct weather w[2] = {0};
    char note[160];
    for (int i = 0; i < 1 + has_peer; i++)
        measure_storm(&nodes[i], bin, i ? "g0" : "h0", i ? "g1" : "h1", &w[i]);
    snprintf(note, sizeof note, "20,000 packets/s while flow mods come at %.0f/s (peer %.0f/s)",
             w[0].rate, w[1].rate);
    print("storm-lost", w[0].storm.lost / w[0].storm.sent * 1e6, "packets/million", 100, true,
          peer(has_peer, w[1].storm.lost / MAX(w[1].storm.sent, 1) * 1e6), note);
    snprintf(note, sizeof note, "p99; calm: %.0f us (peer %.0f us)", w[0].calm.p99, w[1].calm.p99);
    print("storm-latency", w[0].storm.p99, "us", NAN, true, peer(has_peer, w[1].storm.p99), note);
}

static void
remove_directory(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    if (directory[0] && system(command))
        perror(command);
}

int
main(int argc, char **argv)
{
    char bin[256];
    char *program = realpath(argv[0], NULL);
    if (!program || geteuid() != 0 || unshare(CLONE_NEWNET)) {
        fprintf(stderr, "edge-flowmod: skipped: needs root and a network namespace\n");
        return 0;
    }
    snprintf(bin, sizeof bin, "%.*s", (int)(strrchr(program, '/') - program), program);
    free(program);
    snprintf(directory, sizeof directory, "/tmp/edge-flowmod-XXXXXX");
    if (!mkdtemp(directory) || chdir(directory))
        fail(directory);
    atexit(remove_directory);
    signal(SIGPIPE, SIG_IGN);
    make_links();
    start_edge(&nodes[0], bin);
    bool has_peer = start_ovs(&nodes[1]);
    const char *only = argc > 1 ? argv[1] : "";
    if (!*only || !strcmp(only, "rates"))
        compare_rates(has_peer);
    if (!*only || !strcmp(only, "many"))
        compare_many(has_peer);
    if (!*only || !strcmp(only, "storm"))
        compare_storm(bin, has_peer);
    return 0;
}

/* ted_watch.c - a traffic-engineering database with feeds from real routers, for tests: prints its
 * deltas as they come, and what it holds when asked on its standard input.
 *
 *   ted-watch [--api ADDRESS LOCAL] [--fallback VTY] [--ospfd VTY] [--isisd VTY]
 *
 * Deltas: {"at":WALL-CLOCK-NS,"delta":...}. Orders, one a line: links, nodes, findings, counters;
 * each answer ends with {"end":...}. At the end of its input it ends. */
#include "io/clock.h"
#include "io/timer.h"
#include "te/ted.h"
#include "wan/feed_frr.h"
#include "wan/feed_ospf_api.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct watch {
    uv_loop_t loop;
    struct ted *ted;
    struct timer *commit;
    struct feed_ospf_api *api;
    struct feed_frr *ospfd, *isisd;
    uv_pipe_t input;
    char line[256], buffer[256];
    size_t length;
};

static void
print_deltas(struct watch *w)
{
    struct ted_delta d;
    while (ted_next_delta(w->ted, &d)) {
        printf("{\"at\":%lld,\"version\":%llu,\"delta\":\"%s\",\"key\":\"%s\",\"up\":%s",
               (long long)clock_wall(), (unsigned long long)d.version, ted_delta_kind_name(d.kind),
               d.key, d.up ? "true" : "false");
        if (d.kind == TED_FINDING_RAISED || d.kind == TED_FINDING_CLEARED)
            printf(",\"finding\":\"%s\"", ted_finding_name((enum ted_finding_code)d.finding));
        puts("}");
    }
    fflush(stdout);
}

static void
commit(void *arg)
{
    struct watch *w = arg;
    ted_commit(w->ted, clock_monotonic());
    print_deltas(w);
    nsec_t wake = ted_wake(w->ted);
    if (wake != NSEC_NEVER)
        timer_start(w->commit, clock_left(wake));
}

static void
changed(void *arg)
{
    struct watch *w = arg;
    ted_commit_links(w->ted, clock_monotonic());
    print_deltas(w);
    timer_start(w->commit, ted_pending(w->ted) == TED_STRUCTURE ? 100 * NSEC_PER_MSEC : 0);
}

static void
trouble(void *arg, enum err err, const char *reason)
{
    (void)arg;
    fprintf(stderr, "ted-watch: %s %s\n", err_name(err), reason);
}

static const struct feed_ospf_api_handler api_handler = {changed, trouble};
static const struct feed_frr_handler frr_handler = {changed, trouble};

static const char *
address(const struct te_address *a, char text[INET6_ADDRSTRLEN])
{
    text[0] = '\0';
    if (a->family)
        inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->octets, text, INET6_ADDRSTRLEN);
    return text;
}

static void
print_links(struct watch *w)
{
    struct ted_link_info i;
    char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
    for (uint32_t n = 0; ted_link_info_at(w->ted, n, &i); n++)
        printf("{\"link\":\"%s\",\"local\":\"%s\",\"remote\":\"%s\",\"up\":%s,\"igp\":%u,"
               "\"te\":%u,\"delay\":%d,\"jitter\":%u,\"capacity\":%llu,\"reservable\":%llu,"
               "\"unreserved7\":%llu,\"groups\":%llu,\"adjacency\":%d,\"sources\":%u,\"lan\":%s}\n",
               i.key, address(&i.link->local, local), address(&i.link->remote, remote),
               i.link->up ? "true" : "false", i.link->igp_metric, i.link->te_metric,
               (int)i.link->delay_us, i.link->jitter_us, (unsigned long long)i.link->capacity_bps,
               (unsigned long long)i.link->reservable_bps,
               (unsigned long long)i.link->unreserved_bps[7],
               (unsigned long long)i.link->affinity.words[0], (int)i.link->adjacency_label,
               i.sources[0], i.lan ? "true" : "false");
}

static void
print_nodes(struct watch *w)
{
    struct ted_node_info i;
    for (uint32_t n = 0; ted_node_info_at(w->ted, n, &i); n++)
        printf("{\"node\":\"%s\",\"name\":\"%s\",\"sid\":%d,\"srgb\":%u,\"msd\":%u,"
               "\"passable\":%s,\"sources\":%u}\n",
               i.key, i.node->name, (int)i.node->sid_index, i.node->srgb_base,
               i.node->max_sid_depth, i.node->passable ? "true" : "false", i.sources[0]);
}

static void
print_finding(void *arg, const struct ted_finding *f)
{
    (void)arg;
    printf("{\"finding\":\"%s\",\"key\":\"%s\",\"text\":\"%s\"}\n", ted_finding_name(f->code),
           f->key, f->text);
}

static void
print_counters(struct watch *w)
{
    struct feed_ospf_api_counters api = {0};
    struct feed_frr_counters ospfd = {0}, isisd = {0};
    if (w->api)
        feed_ospf_api_counters(w->api, &api);
    if (w->ospfd)
        feed_frr_counters(w->ospfd, &ospfd);
    if (w->isisd)
        feed_frr_counters(w->isisd, &isisd);
    printf("{\"lsas\":%u,\"refused\":%llu,\"malformed\":%llu,\"synchronised\":%s,\"polling\":%s,"
           "\"ospfd_answers\":%llu,\"ospfd_unchanged\":%llu,\"ospfd_links\":%u,"
           "\"isisd_answers\":%llu,\"isisd_links\":%u,\"isisd_malformed\":%llu}\n",
           api.lsdb.n_lsas, (unsigned long long)api.refused, (unsigned long long)api.lsdb.malformed,
           api.synchronised ? "true" : "false", api.polling ? "true" : "false",
           (unsigned long long)ospfd.answers, (unsigned long long)ospfd.unchanged, ospfd.n_links,
           (unsigned long long)isisd.answers, isisd.n_links, (unsigned long long)isisd.malformed);
}

static void
obey(struct watch *w, const char *order)
{
    if (!strcmp(order, "links"))
        print_links(w);
    else if (!strcmp(order, "nodes"))
        print_nodes(w);
    else if (!strcmp(order, "findings"))
        ted_each_finding(w->ted, print_finding, NULL);
    else if (!strcmp(order, "counters"))
        print_counters(w);
    printf("{\"end\":\"%s\"}\n", order);
    fflush(stdout);
}

static void
end(struct watch *w)
{
    feed_ospf_api_free(w->api);
    feed_frr_free(w->ospfd);
    feed_frr_free(w->isisd);
    timer_free(w->commit);
    uv_close((uv_handle_t *)&w->input, NULL);
}

static void
give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct watch *w = handle->data;
    (void)size;
    *buffer = uv_buf_init(w->buffer, sizeof w->buffer);
}

static void
input_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct watch *w = stream->data;
    if (size < 0) {
        end(w);
        return;
    }
    for (ssize_t i = 0; i < size; i++) {
        if (buffer->base[i] != '\n' && w->length < sizeof w->line - 1) {
            w->line[w->length++] = buffer->base[i];
            continue;
        }
        w->line[w->length] = '\0';
        w->length = 0;
        obey(w, w->line);
    }
}

static uint32_t
add_source(struct ted *ted, enum ted_kind kind, const char *name)
{
    uint32_t source;
    if (ted_source_add(ted, kind, name, "", &source))
        exit(2);
    return source;
}

static struct feed_frr *
add_frr(struct watch *w, const char *path, enum feed_frr_daemon daemon)
{
    struct feed_frr_config config = {.socket = path,
                                     .daemon = daemon,
                                     .interval = 200 * NSEC_PER_MSEC,
                                     .ted = w->ted,
                                     .source = daemon == FEED_FRR_OSPFD
                                                   ? add_source(w->ted, TED_KIND_OSPF, "ospfd")
                                                   : add_source(w->ted, TED_KIND_ISIS, "isisd")};
    struct feed_frr *feed;
    struct diag diag;
    if (feed_frr_new(&w->loop, &config, &frr_handler, w, &feed, &diag)) {
        fprintf(stderr, "ted-watch: %s\n", diag.text);
        exit(2);
    }
    return feed;
}

int
main(int argc, char **argv)
{
    struct watch w = {0};
    struct feed_ospf_api_config api = {0};
    struct diag diag;
    uv_loop_init(&w.loop);
    w.ted = ted_new(NULL);
    w.commit = timer_new(&w.loop, commit, &w);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--api") && i + 2 < argc) {
            api.server = argv[i + 1];
            api.local = argv[i + 2];
            i++;
        } else if (!strcmp(argv[i], "--fallback")) {
            api.vty = argv[i + 1];
        } else if (!strcmp(argv[i], "--ospfd")) {
            w.ospfd = add_frr(&w, argv[i + 1], FEED_FRR_OSPFD);
        } else if (!strcmp(argv[i], "--isisd")) {
            w.isisd = add_frr(&w, argv[i + 1], FEED_FRR_ISISD);
        }
    }
    api.ted = w.ted;
    if (api.server) {
        api.source = add_source(w.ted, TED_KIND_OSPF, "ospf-api");
        if (feed_ospf_api_new(&w.loop, &api, &api_handler, &w, &w.api, &diag)) {
            fprintf(stderr, "ted-watch: %s\n", diag.text);
            return 2;
        }
    }
    uv_pipe_init(&w.loop, &w.input, 0);
    w.input.data = &w;
    uv_pipe_open(&w.input, 0);
    uv_read_start((uv_stream_t *)&w.input, give_buffer, input_read);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    uv_loop_close(&w.loop);
    ted_free(w.ted);
    return 0;
}

/* speaker_main.c - the speaker as a process, for tests with peers of others.
 *
 *     bgpls_speaker LISTEN AS ID PEER[:PORT]=AS [ring=N] [hold=S] [limit=S]
 *
 * Announces a ring of N routers when the peer is up, and says in lines what happens: "up OPEN",
 * "down KEPT WHY", "complete", "note TEXT", and "+ NLRI ATTRIBUTES | TEXT | TEXT" with "+", "*",
 * "=" (as it was, no longer stale), "-", "~" (stale), "!" (swept), "x" (discarded), "#" (refused).
 * Ends when its input does. */
#include "ring.h"
#include "wan/bgp_speaker.h"
#include "wan/ted_bgpls.h"

#include "base/hex.h"
#include "io/clock.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct program {
    uint32_t ring;
    struct bgp_peer *peer;
    struct bgp_speaker *speaker;
    struct ted_bgpls feed; /* what it tells goes into a database, too */
    bool failed;
};

static void
say(const char *word, const struct buf *text)
{
    printf("%s%.*s\n", word, (int)text->size, (const char *)text->data);
    fflush(stdout);
}

static void
on_changed(void *arg, struct bgp_peer *peer, const struct bgpls_change *change)
{
    struct buf text = BUF_INIT, attributes = BUF_INIT;
    ted_bgpls_change(&((struct program *)arg)->feed, change, clock_monotonic());
    const char letter[] = {change->refreshed ? '=' : "+*-~!x#"[change->kind], ' ', '\0'};
    (void)peer;
    hex_put(&text, change->nlri->octets, change->nlri->size);
    buf_u8(&text, ' ');
    if (change->attributes && !bgpls_attributes_encode(change->attributes, &attributes))
        hex_put(&text, attributes.data, attributes.size);
    buf_str(&text, " | ");
    if (change->kind != BGPLS_DISCARDED)
        bgpls_nlri_print(change->nlri, &text);
    buf_str(&text, " | ");
    if (change->attributes)
        bgpls_attributes_print(change->attributes, &text);
    buf_str(&text, change->why ? change->why : "");
    say(letter, &text);
    buf_fini(&text);
    buf_fini(&attributes);
}

/* What is announced, as we would read it: "> NLRI ATTRIBUTES | TEXT | TEXT". */
static void
say_announced(const struct buf *key, const struct buf *attribute)
{
    struct arena *arena = arena_new(65536);
    struct bgpls_attributes a;
    struct bgpls_nlri nlri;
    struct buf text = BUF_INIT;
    const uint8_t *data = key->data;
    size_t size = key->size;
    const char *what;
    if (!bgpls_nlri_next(&data, &size, &nlri, &what) &&
        !bgpls_attributes_decode(attribute->data, attribute->size, arena, &a, NULL)) {
        hex_put(&text, key->data, key->size);
        buf_u8(&text, ' ');
        hex_put(&text, attribute->data, attribute->size);
        buf_str(&text, " | ");
        bgpls_nlri_print(&nlri, &text);
        buf_str(&text, " | ");
        bgpls_attributes_print(&a, &text);
        say("> ", &text);
    }
    buf_fini(&text);
    arena_free(arena);
}

static void
announce(void *arg, const struct buf *nlri, const struct buf *attribute)
{
    struct program *program = arg;
    say_announced(nlri, attribute);
    program->failed |= bgp_peer_announce(program->peer, (struct bgp_span){nlri->data, nlri->size},
                                         (struct bgp_span){attribute->data, attribute->size});
}

static void
announce_all(void *arg, struct bgp_peer *peer)
{
    struct program *program = arg;
    program->peer = peer;
    if (program->ring)
        ring_tell_all(program->ring, announce, program);
    program->failed |= bgp_peer_end_of_rib(peer);
    if (program->failed)
        puts("failed");
}

static void
on_up(void *arg, struct bgp_peer *peer, const struct bgp_open *open)
{
    struct buf text = BUF_INIT;
    bgp_open_print(open, &text);
    say("up ", &text);
    buf_fini(&text);
    ted_bgpls_up(&((struct program *)arg)->feed, clock_monotonic());
    announce_all(arg, peer);
}

static void
on_down(void *arg, struct bgp_peer *peer, bool kept, const char *why)
{
    ted_bgpls_down(&((struct program *)arg)->feed, clock_monotonic());
    (void)peer;
    printf("down %s %s\n", kept ? "kept" : "lost", why);
    fflush(stdout);
}

static void
on_complete(void *arg, struct bgp_peer *peer)
{
    ted_bgpls_complete(&((struct program *)arg)->feed, clock_monotonic());
    printf("complete %zu\n", bgpls_rib_stats(bgp_peer_rib(peer))->n);
    fflush(stdout);
}

static void
on_note(void *arg, struct bgp_peer *peer, const char *text)
{
    (void)arg;
    (void)peer;
    printf("note %s\n", text);
    fflush(stdout);
}

static const struct bgp_speaker_handler handler = {on_changed,  on_up,        on_down,
                                                   on_complete, announce_all, on_note};

/* "127.0.0.1:1790=65000" */
static void
read_peer(char *text, struct bgp_peer_config *config)
{
    char *as = strrchr(text, '='), *port = strrchr(text, ':');
    if (as) {
        *as = '\0';
        config->remote_as = (uint32_t)strtoul(as + 1, NULL, 10);
    }
    if (port) {
        *port = '\0';
        config->port = (uint16_t)strtoul(port + 1, NULL, 10);
    }
    config->address = text;
}

static void
alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char room[4096];
    (void)handle;
    (void)size;
    *buf = uv_buf_init(room, sizeof room - 1);
}

static void
say_stats(struct program *program)
{
    const struct bgpls_rib_stats *stats = bgpls_rib_stats(bgp_peer_rib(program->peer));
    printf("stats %zu unchanged %llu changed %llu\n", stats->n,
           (unsigned long long)stats->unchanged, (unsigned long long)stats->changed);
    fflush(stdout);
}

/* The links of the database, and "ted N" behind them. */
static void
say_database(struct program *program)
{
    ted_commit(program->feed.ted, clock_monotonic());
    const struct ted_view *view = ted_view(program->feed.ted);
    const struct te_network *network = ted_view_network(view);
    for (uint32_t i = 0; i < network->n_links; i++) {
        const struct te_link *link = &network->links[i];
        printf("link %s %s %llu bit/s %u us metric %u label %u srlgs %u\n",
               ted_view_link_key(view, i), link->up ? "up" : "down",
               (unsigned long long)link->capacity_bps, link->delay_us, link->te_metric,
               link->adjacency_label, link->n_srlgs);
    }
    printf("ted %u nodes %u links\n", network->n_nodes, network->n_links);
    fflush(stdout);
    ted_view_release(view);
}

/* "reset WORDS" resets the session; "again" asks for all again; "stats" counts; "ted" shows the
 * database. */
static void
obey(struct program *program, const char *line)
{
    if (!strncmp(line, "reset ", 6))
        bgp_peer_reset(program->peer, line + 6);
    else if (!strcmp(line, "stats"))
        say_stats(program);
    else if (!strcmp(line, "ted"))
        say_database(program);
    else if (!strcmp(line, "again") && bgp_peer_ask_again(program->peer))
        puts("failed");
}

/* Lines are short, and written whole. */
static void
on_input(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct program *program = stream->data;
    char *rest = NULL;
    if (n < 0) {
        bgp_speaker_free(program->speaker, "the test is over");
        uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    buf->base[n] = '\0';
    for (char *line = strtok_r(buf->base, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        obey(program, line);
}

int
main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct program program = {0};
    struct bgp_peer_config peer = {0};
    struct diag diag = {""};
    if (argc < 5)
        return 2;
    struct bgp_speaker_config config = {.listen = *argv[1] == '-' ? NULL : argv[1],
                                        .local_as = (uint32_t)strtoul(argv[2], NULL, 10),
                                        .identifier = ntohl(inet_addr(argv[3]))};
    read_peer(argv[4], &peer);
    for (int i = 5; i < argc; i++) {
        sscanf(argv[i], "ring=%u", &program.ring);
        long seconds;
        if (sscanf(argv[i], "hold=%ld", &seconds) == 1)
            peer.hold_time = seconds * NSEC_PER_SEC;
        if (sscanf(argv[i], "limit=%ld", &seconds) == 1)
            peer.stale_limit = seconds * NSEC_PER_SEC;
    }
    program.feed.ted = ted_new(NULL);
    if (ted_source_add(program.feed.ted, TED_KIND_BGP_LS, "bgp-ls", "", &program.feed.source))
        return 1;
    if (bgp_speaker_new(loop, &config, &handler, &program, &program.speaker, &diag) ||
        bgp_speaker_add(program.speaker, &peer, &program.peer, &diag)) {
        fprintf(stderr, "bgpls_speaker: %s\n", diag.text);
        return 1;
    }
    uv_pipe_t input;
    uv_pipe_init(loop, &input, 0);
    input.data = &program;
    uv_pipe_open(&input, 0);
    uv_read_start((uv_stream_t *)&input, alloc, on_input);
    printf("listening %s\n", bgp_speaker_address(program.speaker));
    fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    ted_free(program.feed.ted);
    return 0;
}

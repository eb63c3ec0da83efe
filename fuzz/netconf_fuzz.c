/* A NETCONF session with a server that sends anything at any time. The input is a script: each
 * octet is a step, some with an argument. Every request must end exactly once and DOWN must be the
 * last event; what was read as XML must be the same when it is written and read again. */
#include "fuzz.h"
#include "proto/netconf/netconf_session.h"

#include "proto/netconf/netconf_frame.h"

#include <string.h>

#define N_REQUESTS 256
#define HELLO                                                                                      \
    "<hello xmlns='" NETCONF_NS "'><capabilities><capability>urn:ietf:params:netconf:base:1.%c"    \
    "</capability><capability>urn:ietf:params:netconf:capability:candidate:1.0</capability>"       \
    "</capabilities></hello>"

struct player {
    struct netconf_session *session;
    nsec_t now;
    bool chunked, up, down;
    unsigned n_asked;
    uint8_t ended[N_REQUESTS];
};

static void
check_tree(const struct netconf_xml *root)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    struct buf text = BUF_INIT;
    struct netconf_xml *again = NULL;
    netconf_xml_put(&text, root);
    check(!netconf_xml_parse(text.data, text.size, arena, &again, NULL));
    struct buf second = BUF_INIT;
    netconf_xml_put(&second, again);
    buf_fini(&second);
    buf_fini(&text);
    arena_free(arena);
}

static void
check_event(struct player *p, const struct netconf_event *event)
{
    check(!p->down);
    p->down = event->kind == NETCONF_DOWN;
    p->up |= event->kind == NETCONF_UP;
    if (event->kind == NETCONF_DONE || event->kind == NETCONF_FAILED) {
        uint8_t *ended = event->arg;
        check(ended >= p->ended && ended < p->ended + p->n_asked && !*ended);
        *ended = 1;
    }
    if (event->kind == NETCONF_FAILED || event->kind == NETCONF_DOWN)
        check(event->err && event->diag.text[0]);
    if (event->kind == NETCONF_NOTIFIED)
        check(event->message && event->message->event);
    if (event->message)
        check_tree(event->message->root);
}

static void
take_events(struct player *p)
{
    struct netconf_event event;
    while (netconf_session_next(p->session, &event))
        check_event(p, &event);
}

static void
hear(struct player *p, const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    check(exact);
    if (size)
        memcpy(exact, data, size);
    netconf_session_input(p->session, exact, size, p->now);
    free(exact);
    take_events(p);
}

static void
hear_framed(struct player *p, const void *text, size_t size, bool chunked)
{
    struct buf out = BUF_INIT;
    netconf_frame_put(&out, chunked, text, size);
    hear(p, out.data, out.size);
    buf_fini(&out);
}

static void
ask(struct player *p, uint8_t which)
{
    struct netconf_request request = {.operation = which % 16,
                                      .config = "<a/>",
                                      .target = which & 16 ? NETCONF_CANDIDATE_STORE
                                                           : NETCONF_RUNNING,
                                      .confirmed = which & 32};
    if (p->n_asked < N_REQUESTS &&
        !netconf_session_request(p->session, &request, &p->ended[p->n_asked],
                                 which & 64 ? NSEC_PER_SEC : 0, p->now, NULL))
        p->n_asked++;
}

static void
play(struct player *p, struct script *script)
{
    struct buf text = BUF_INIT;
    uint8_t step = next_octet(script);
    size_t size = (size_t)next_octet(script) * (step & 8 ? 16 : 1);
    size = MIN(size, script->size);
    switch (step & 7) {
    case 0: /* octets as they are */
        hear(p, script->data, size);
        break;
    case 1: /* a whole message */
        hear_framed(p, script->data, size, p->chunked);
        break;
    case 2: /* a reply to something */
    case 3:
        buf_printf(&text, "<rpc-reply message-id='%u'>", (unsigned)(step >> 3));
        buf_put(&text, script->data, size);
        buf_str(&text, "</rpc-reply>");
        hear_framed(p, text.data, text.size, p->chunked);
        break;
    case 4:
        p->now += (nsec_t)size * NSEC_PER_SEC;
        netconf_session_tick(p->session, p->now);
        take_events(p);
        check(netconf_session_deadline(p->session) > p->now);
        size = 0;
        break;
    case 5:
        ask(p, (uint8_t)size);
        size = 0;
        break;
    case 6:
        buf_clear(netconf_session_output(p->session));
        size = 0;
        break;
    default:
        arena_free(netconf_session_take_arena(p->session));
        size = 0;
    }
    script->data += size;
    script->size -= size;
    buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = {data, size};
    uint8_t how = next_octet(&script);
    struct netconf_session_config config = {
        .keepalive_interval = how & 4 ? 20 * NSEC_PER_SEC : 0,
        .message_limit = how & 8 ? 512 : (size_t)1 << 20,
        .message_budget = how & 16 ? 2048 : 0,
        .max_requests = how & 32 ? 4 : 0,
    };
    struct player player = {.session = netconf_session_new(&config, 0), .chunked = how & 2};
    if (how & 1) {
        struct buf hello = BUF_INIT;
        buf_printf(&hello, HELLO, player.chunked ? '1' : '0');
        hear_framed(&player, hello.data, hello.size, false);
        buf_fini(&hello);
    }
    while (script.size)
        play(&player, &script);
    netconf_session_close(player.session, ERR_CLOSED, "the end");
    take_events(&player);
    check(player.down && netconf_session_outstanding(player.session) == 0);
    for (unsigned i = 0; i < player.n_asked; i++)
        check(player.ended[i] == 1);
    netconf_session_free(player.session);
    return 0;
}

/* An OpenFlow session, either end, with a peer that sends anything at any time. The input is a
 * script: its first octet chooses the end, then each octet is a step, some with an argument. Every
 * request must end exactly once, DOWN must be the last event, and all that is sent must be whole
 * messages. */
#include "fuzz.h"
#include "proto/openflow/openflow_session.h"

#define N_REQUESTS 512

struct player {
    struct openflow_session *session;
    nsec_t now;
    unsigned n_asked;          /* requests accepted */
    uint8_t ended[N_REQUESTS]; /* how often each has */
    bool up, down;
};

static void
check_event(struct player *p, const struct openflow_event *event)
{
    check(!p->down);
    if (event->kind == OPENFLOW_UP)
        check(!p->up);
    p->up |= event->kind == OPENFLOW_UP;
    p->down = event->kind == OPENFLOW_DOWN;
    if (event->message) {
        struct buf text = BUF_INIT;
        openflow_print(event->message, &text);
        check(text.size > 0);
        buf_fini(&text);
    }
    if (event->kind == OPENFLOW_DONE || event->kind == OPENFLOW_FAILED) {
        uint8_t *ended = event->arg;
        check(ended >= p->ended && ended < p->ended + p->n_asked && !*ended);
        *ended = 1;
    }
    if (event->kind == OPENFLOW_FAILED || event->kind == OPENFLOW_REFUSED ||
        event->kind == OPENFLOW_DOWN)
        check(event->err != ERR_OK && event->diag.text[0]);
}

static void
take_events(struct player *p)
{
    struct openflow_event event;
    while (openflow_session_next(p->session, &event))
        check_event(p, &event);
}

static void
take_output(struct player *p)
{
    struct buf *out = openflow_session_output(p->session);
    for (size_t at = 0, size; at < out->size; at += size)
        check(!openflow_frame(out->data + at, out->size - at, OPENFLOW_SIZE_MAX, &size));
    buf_clear(out);
}

static void
ask(struct player *p, uint8_t which)
{
    static const uint32_t types[] = {
        OFPT_FLOW_MOD,     OFPT_BARRIER_REQUEST, OFPT_ROLE_REQUEST, OFPT_MULTIPART_REQUEST,
        OFPT_ECHO_REQUEST, ONFT_BUNDLE_CONTROL,  OFPT_EXPERIMENTER, OFPT_GET_ASYNC_REQUEST};
    static struct openflow_flow_request flows;
    struct openflow_message message = {.type = types[which % ARRAY_SIZE(types)]};
    if (message.type == OFPT_MULTIPART_REQUEST && which & 8)
        message.multipart = (struct openflow_multipart){
            .type = OFPMP_FLOW, .n = 1, .flow_request = &flows};
    else if (message.type == OFPT_MULTIPART_REQUEST)
        message.multipart.type = which & 16 ? OFPMP_TABLE_FEATURES : OFPMP_TABLE;
    if (p->n_asked < N_REQUESTS &&
        !openflow_session_request(p->session, &message, &p->ended[p->n_asked],
                                  which & 32 ? NSEC_PER_SEC : 0, p->now))
        p->n_asked++;
}

static void
feed(struct player *p, struct script *script, size_t size)
{
    const uint8_t *data = next_octets(script, &size);
    openflow_session_input(p->session, data, size, p->now);
    take_events(p);
}

static void
play(struct player *p, struct script *script)
{
    uint8_t step = next_octet(script);
    switch (step & 7) {
    case 0:
    case 1:
        feed(p, script, next_octet(script));
        break;
    case 2: { /* one whole message, if that is what follows */
        size_t size = script->size >= 4 ? get_be16(script->data + 2) : 0;
        feed(p, script, size);
        break;
    }
    case 3:
        p->now += (nsec_t)next_octet(script) * 100 * NSEC_PER_MSEC;
        openflow_session_tick(p->session, p->now);
        take_events(p);
        check(openflow_session_deadline(p->session) > p->now);
        break;
    case 4:
    case 5:
        ask(p, next_octet(script));
        break;
    case 6:
        take_output(p);
        break;
    case 7:
        if (step == 0xff)
            openflow_session_close(p->session, ERR_CLOSED, "as the script says");
        else
            arena_free(openflow_session_take_arena(p->session));
        take_events(p);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = {data, size};
    uint8_t how = next_octet(&script);
    struct openflow_session_config config = {
        .end = how & 1 ? OPENFLOW_SWITCH : OPENFLOW_CONTROLLER,
        .multipart_budget = how & 2 ? 4096 : 0,
        .output_limit = how & 4 ? 256 : 0,
        .max_requests = how & 8 ? 4 : 0,
    };
    struct player player = {.session = openflow_session_new(&config, 0)};
    while (script.size)
        play(&player, &script);
    openflow_session_close(player.session, ERR_CLOSED, "the end");
    take_events(&player);
    take_output(&player);
    check(player.down && openflow_session_outstanding(player.session) == 0);
    for (unsigned i = 0; i < player.n_asked; i++)
        check(player.ended[i] == 1);
    openflow_session_free(player.session);
    return 0;
}

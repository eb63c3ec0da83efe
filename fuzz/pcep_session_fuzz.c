/* A PCEP session, either end, with a peer that sends anything at any time. The input is a script:
 * its first two octets choose the end and how it is configured, then each octet is a step, some
 * with an argument. UP is told once at most, DOWN once and last, and all that is sent must be whole
 * messages that our decoder takes without a fault. */
#include "fuzz.h"

#include "proto/pcep/pcep_session.h"

#include <string.h>

struct player {
    struct pcep_session *session;
    nsec_t now;
    bool up, down;
    uint32_t plsp_id;
};

static void
check_event(struct player *p, const struct pcep_event *event)
{
    struct buf text = BUF_INIT;
    check(!p->down);
    switch (event->kind) {
    case PCEP_EVENT_UP:
        check(!p->up && pcep_session_is_up(p->session));
        p->up = true;
        break;
    case PCEP_EVENT_MESSAGE:
        check(p->up);
        pcep_message_print(event->message, &text);
        check(text.size > 0);
        break;
    case PCEP_EVENT_REFUSED:
        check(p->up && event->err && event->fault.error.type && event->diag.text[0]);
        break;
    case PCEP_EVENT_DOWN:
        p->down = true;
        check(event->err && event->diag.text[0]);
        break;
    case PCEP_EVENT_START_TLS:
        check(!p->up);
        break;
    }
    buf_fini(&text);
}

static void
take_events(struct player *p)
{
    struct pcep_event event;
    while (pcep_session_next(p->session, &event))
        check_event(p, &event);
}

static void
take_output(struct player *p)
{
    struct buf *out = pcep_session_output(p->session);
    for (size_t at = 0, size; at < out->size; at += size) {
        struct arena *arena = arena_new((size_t)8 << 20);
        struct pcep_message message;
        check(!pcep_frame(out->data + at, out->size - at, &size) && size <= out->size - at);
        check(!pcep_message_decode(out->data + at, size, arena, &message, NULL, NULL));
        check(!message.n_faults);
        arena_free(arena);
    }
    buf_clear(out);
}

static void
send_something(struct player *p, uint8_t which)
{
    static const enum pcep_type types[] = {PCEP_PCRPT, PCEP_PCUPD, PCEP_PCINITIATE, PCEP_PCREQ};
    struct pcep_hop hops[] = {pcep_label_hop(16000u + which), pcep_label_hop(17000)};
    struct pcep_route ero = {.hops = hops, .n = which % 3};
    struct pcep_lsp lsp = {.plsp_id = ++p->plsp_id & 0xfffff, .flags = which & 0xf};
    struct pcep_srp srp = {.srp_id = p->plsp_id};
    struct pcep_entry entry = {.srp = &srp, .lsp = &lsp, .path.ero = &ero};
    enum pcep_type type = types[which >> 4 & 3];
    enum err err = which & 0x80 ? pcep_session_send_error(p->session, &PCEP_ERROR_UNKNOWN_PLSP_ID,
                                                          &srp.srp_id, which & 1)
                                : pcep_session_send_entry(p->session, type, &entry);
    check(err != ERR_OK || pcep_session_is_up(p->session));
}

static void
feed(struct player *p, struct script *script, size_t size)
{
    const uint8_t *data = next_octets(script, &size);
    pcep_session_input(p->session, data, size, p->now);
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
        p->now += (nsec_t)next_octet(script) * NSEC_PER_SEC;
        pcep_session_tick(p->session, p->now);
        take_events(p);
        check(pcep_session_deadline(p->session) > p->now);
        break;
    case 4:
    case 5:
        send_something(p, next_octet(script));
        break;
    case 6:
        if (step & 8)
            buf_consume(pcep_session_output(p->session),
                        MIN(pcep_session_output(p->session)->size, next_octet(script)));
        buf_clear(pcep_session_output(p->session));
        break;
    case 7:
        if (step & 8)
            pcep_session_tls_done(p->session, p->now);
        else if (step & 16)
            pcep_session_unknown_request(p->session, p->now);
        else if (step & 32)
            pcep_session_refuse(p->session, &PCEP_ERROR(PCEP_ERROR_SECOND_SESSION, 0), "script");
        else if (step & 64)
            pcep_session_end(p->session, PCEP_CLOSE_NO_EXPLANATION, "as the script says");
        else
            take_output(p);
        take_events(p);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = {data, size};
    uint8_t how = next_octet(&script), more = next_octet(&script);
    struct pcep_session_config config = {
        .end = how & 1 ? PCEP_PCC : PCEP_PCE,
        .tls = (enum pcep_tls)(how >> 1 & 3) % 3,
        .keepalive = how & 8 ? 255 : 0,
        .min_keepalive = how & 16 ? 20 : 0,
        .max_deadtimer = how & 32 ? 100 : 0,
        .output_limit = more & 1 ? 256 : 0,
        .capabilities = {.stateful = how & 64,
                         .stateful_flags = PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION,
                         .path_setup_types = 3,
                         .sr = true,
                         .sr_msd = 10,
                         .association_types = more},
    };
    struct player player = {.session = pcep_session_new(&config, 0)};
    while (script.size)
        play(&player, &script);
    take_output(&player);
    pcep_session_close(player.session, ERR_CLOSED, "the end");
    take_events(&player);
    check(player.down && !pcep_session_is_up(player.session));
    pcep_session_free(player.session);
    return 0;
}

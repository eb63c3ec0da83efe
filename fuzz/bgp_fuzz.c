/* A BGP session and the table behind it, with a peer that sends anything at any time. The input is
 * a script: its first octet chooses what we offer, then each octet is a step, some with octets for
 * the session. DOWN must be the last event, all that is sent must be whole messages, and what the
 * table counts must agree with what it tells. */
#include "fuzz.h"
#include "proto/bgpls/bgp_session.h"
#include "proto/bgpls/bgpls_rib.h"

struct player {
    struct bgp_session *session;
    struct bgpls_rib *rib;
    nsec_t now;
    size_t n; /* NLRI by the changes told */
    bool opened, up, down;
};

static void
on_change(void *arg, const struct bgpls_change *change)
{
    struct player *p = arg;
    struct buf text = BUF_INIT;
    check(change->nlri && change->nlri->octets);
    p->n += change->kind == BGPLS_ADDED;
    p->n -= change->kind == BGPLS_WITHDRAWN || change->kind == BGPLS_SWEPT;
    check((change->why != NULL) ==
          (change->kind == BGPLS_DISCARDED || change->kind == BGPLS_REFUSED));
    if (change->attributes)
        bgpls_attributes_print(change->attributes, &text);
    buf_fini(&text);
}

static void
take_update(struct player *p, const struct bgp_update *update)
{
    struct bgp_error error;
    check(update->verdict < BGP_RESET);
    for (size_t i = 0; i < (update->n_faults < BGP_FAULTS_MAX ? update->n_faults : BGP_FAULTS_MAX);
         i++) {
        struct buf text = BUF_INIT;
        bgp_fault_print(&update->faults[i], &text);
        check(text.size > 0);
        buf_fini(&text);
    }
    if (bgpls_rib_update(p->rib, update, bgp_session_has_four_octet_as(p->session), &error))
        bgp_session_shutdown(p->session, error.code, error.subcode, NULL);
}

static void
take_events(struct player *p)
{
    struct bgp_event event;
    while (bgp_session_next(p->session, &event)) {
        check(!p->down);
        switch (event.kind) {
        case BGP_EVENT_OPENED:
            check(!p->opened && bgp_session_peer(p->session));
            p->opened = true;
            break;
        case BGP_EVENT_UP:
            check(p->opened && !p->up);
            p->up = true;
            bgpls_rib_up(p->rib, bgp_session_peer(p->session), p->now);
            break;
        case BGP_EVENT_UPDATE:
            check(p->up);
            take_update(p, &event.update);
            break;
        case BGP_EVENT_REFRESH:
            check(p->up);
            bgpls_rib_refresh(p->rib, event.refresh, p->now);
            break;
        case BGP_EVENT_DOWN:
            p->down = true;
            check(event.err && event.diag.text[0]);
            bgpls_rib_down(p->rib, event.graceful, event.restart_time, p->now);
        }
        check(bgpls_rib_stats(p->rib)->n == p->n);
    }
}

static void
take_output(struct player *p)
{
    struct buf *out = bgp_session_output(p->session);
    struct bgp_error error;
    for (size_t at = 0, size; at < out->size; at += size)
        check(!bgp_frame(out->data + at, out->size - at, BGP_EXTENDED_SIZE_MAX, &size, &error));
    buf_clear(out);
}

/* A message as its header says, with the marker before it: so that the fuzzer need not find it. */
static void
feed_message(struct player *p, struct script *script)
{
    uint8_t header[BGP_HEADER_SIZE];
    size_t body = next_octet(script);
    memset(header, 0xff, 16);
    header[18] = next_octet(script);
    const uint8_t *octets = next_octets(script, &body);
    put_be16(header + 16, (uint16_t)(body + BGP_HEADER_SIZE));
    bgp_session_input(p->session, header, sizeof header, p->now);
    bgp_session_input(p->session, octets, body, p->now);
}

static void
step(struct player *p, struct script *script)
{
    uint8_t what = next_octet(script);
    switch (what & 7) {
    case 0: {
        size_t n = next_octet(script);
        const uint8_t *octets = next_octets(script, &n);
        bgp_session_input(p->session, octets, n, p->now);
        break;
    }
    case 1:
    case 2:
    case 3:
        feed_message(p, script);
        break;
    case 4:
        p->now += (nsec_t)next_octet(script) * NSEC_PER_SEC;
        bgp_session_tick(p->session, p->now);
        bgpls_rib_tick(p->rib, p->now);
        check(bgp_session_deadline(p->session) > p->now);
        break;
    case 5:
        take_output(p);
        break;
    case 6:
        (void)!bgp_session_refresh(p->session);
        (void)!bgp_session_end_of_rib(p->session);
        break;
    case 7:
        if (what == 0xff)
            bgp_session_shutdown(p->session, BGP_ERR_CEASE, BGP_CEASE_SHUTDOWN, "as it says");
        else if (what == 0xf7)
            bgp_session_lost(p->session, ERR_CLOSED, "as it says");
    }
    take_events(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = {data, size};
    uint8_t how = next_octet(&script);
    struct player p = {.now = 0};
    p.session = bgp_session_new(&(struct bgp_session_config){.local_as = 65000,
                                                             .identifier = 1,
                                                             .no_graceful_restart = how & 1,
                                                             .no_extended_messages = how & 2,
                                                             .output_limit = how & 4 ? 300 : 0},
                                0);
    p.rib = bgpls_rib_new(&(struct bgpls_rib_config){.budget = how & 8 ? 600 : 0,
                                                     .local_as = 65000,
                                                     .identifier = 1,
                                                     .changed = on_change,
                                                     .arg = &p});
    while (script.size)
        step(&p, &script);
    bgp_session_lost(p.session, ERR_CLOSED, "the end");
    take_events(&p);
    take_output(&p);
    check(p.down);
    bgpls_rib_tick(p.rib, NSEC_NEVER - 1);
    check(p.n == 0 && bgpls_rib_stats(p.rib)->n == 0 && bgpls_rib_stats(p.rib)->memory == 0);
    bgp_session_free(p.session);
    bgpls_rib_free(p.rib);
    return 0;
}

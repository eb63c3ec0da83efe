#include "wan/feeds.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/file.h"
#include "te/ted_import.h"
#include "wan/bgp_speaker.h"
#include "wan/feed_frr.h"
#include "wan/feed_ospf_api.h"
#include "wan/ted_bgpls.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define IMPORT_SIZE ((size_t)64 << 20)

struct feed {
    struct feeds *all;
    const struct wan_feed_settings *settings;
    uint32_t source;
    struct feed_frr *frr;
    struct feed_ospf_api *api;
    struct bgp_peer *peer;
    struct ted_bgpls bgpls;
};

struct feeds {
    struct ted *ted;
    void (*changed)(void *arg);
    void *arg;
    struct bgp_speaker *speaker; /* NULL: there are no peers */
    struct feed *list;
    size_t n;
};

static void
on_changed(void *arg)
{
    struct feed *f = arg;
    f->all->changed(f->all->arg);
}

static void
on_trouble(void *arg, enum err err, const char *reason)
{
    struct feed *f = arg;
    if (err)
        log_warn("wan: feed %s: %s", f->settings->name, reason);
    else
        log_info("wan: feed %s can be read again", f->settings->name);
    f->all->changed(f->all->arg);
}

/* ---- FRR ---- */

static const struct feed_frr_handler frr_handler = {on_changed, on_trouble};
static const struct feed_ospf_api_handler api_handler = {on_changed, on_trouble};

static enum err
start_frr(uv_loop_t *loop, struct feed *f, enum feed_frr_daemon daemon, struct diag *diag)
{
    const struct feed_frr_config config = {.socket = f->settings->socket,
                                           .daemon = daemon,
                                           .interval = f->settings->interval,
                                           .ted = f->all->ted,
                                           .source = f->source};
    return feed_frr_new(loop, &config, &frr_handler, f, &f->frr, diag);
}

static enum err
start_ospf(uv_loop_t *loop, struct feed *f, struct diag *diag)
{
    const struct wan_feed_settings *s = f->settings;
    const struct feed_ospf_api_config config = {.server = s->api,
                                                .local = s->local,
                                                .vty = s->socket,
                                                .ted = f->all->ted,
                                                .source = f->source};
    if (!s->api)
        return s->socket ? start_frr(loop, f, FEED_FRR_OSPFD, diag)
                         : diag_set(diag, ERR_INVALID, "socket, api, or both are needed");
    if (!s->local)
        return diag_set(diag, ERR_INVALID, "local is needed: our address that ospfd can reach");
    return feed_ospf_api_new(loop, &config, &api_handler, f, &f->api, diag);
}

static enum err
start_isis(uv_loop_t *loop, struct feed *f, struct diag *diag)
{
    return start_frr(loop, f, FEED_FRR_ISISD, diag);
}

/* ---- BGP-LS ---- */

static struct feed *
feed_of(struct feeds *all, const struct bgp_peer *peer)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->list[i].peer == peer)
            return &all->list[i];
    }
    return NULL;
}

static void
on_bgp_change(void *arg, struct bgp_peer *peer, const struct bgpls_change *change)
{
    struct feed *f = feed_of(arg, peer);
    if (!f)
        return;
    ted_bgpls_change(&f->bgpls, change, clock_monotonic());
    on_changed(f);
}

/* We have nothing to tell, and say so: a peer that restarts waits for it before it tells us
 * anything (RFC 4724 section 4.1). */
static void
tell_nothing(void *arg UNUSED, struct bgp_peer *peer)
{
    enum err err = bgp_peer_end_of_rib(peer);
    if (err)
        log_warn("wan: BGP %s: End-of-RIB: %s", bgp_peer_name(peer), err_text(err));
}

static void
on_bgp_up(void *arg, struct bgp_peer *peer, const struct bgp_open *open UNUSED)
{
    struct feed *f = feed_of(arg, peer);
    if (!f)
        return;
    log_info("wan: feed %s is connected", f->settings->name);
    ted_bgpls_up(&f->bgpls, clock_monotonic());
    tell_nothing(arg, peer);
}

static void
on_bgp_complete(void *arg, struct bgp_peer *peer)
{
    struct feed *f = feed_of(arg, peer);
    if (!f)
        return;
    ted_bgpls_complete(&f->bgpls, clock_monotonic());
    on_changed(f);
}

static void
on_bgp_down(void *arg, struct bgp_peer *peer, bool kept UNUSED, const char *why)
{
    struct feed *f = feed_of(arg, peer);
    if (!f)
        return;
    log_warn("wan: feed %s: %s", f->settings->name, why);
    ted_bgpls_down(&f->bgpls, clock_monotonic());
    on_changed(f);
}

static void
on_bgp_note(void *arg UNUSED, struct bgp_peer *peer, const char *text)
{
    log_info("wan: BGP%s%s: %s", peer ? " " : "", peer ? bgp_peer_name(peer) : "", text);
}

static const struct bgp_speaker_handler bgp_handler = {.changed = on_bgp_change,
                                                       .up = on_bgp_up,
                                                       .down = on_bgp_down,
                                                       .complete = on_bgp_complete,
                                                       .refresh = tell_nothing,
                                                       .note = on_bgp_note};

static enum err
start_bgp_ls(uv_loop_t *loop UNUSED, struct feed *f, struct diag *diag)
{
    const struct bgp_peer_config config = {.name = f->settings->name,
                                           .address = f->settings->address,
                                           .port = (uint16_t)f->settings->port,
                                           .remote_as = f->settings->as};
    f->bgpls = (struct ted_bgpls){.ted = f->all->ted, .source = f->source};
    return bgp_speaker_add(f->all->speaker, &config, &f->peer, diag);
}

static enum err
start_speaker(uv_loop_t *loop, struct feeds *all, const struct wan_settings *s, struct diag *diag)
{
    struct in_addr identifier = {0};
    if (!s->bgp_as)
        return ERR_OK;
    if (inet_pton(AF_INET, s->bgp_identifier, &identifier) != 1)
        return diag_set(diag, ERR_INVALID, "bgp: identifier: an IPv4 address is expected");
    const struct bgp_speaker_config config = {
        .listen = s->bgp_listen, .local_as = s->bgp_as, .identifier = ntohl(identifier.s_addr)};
    enum err err = bgp_speaker_new(loop, &config, &bgp_handler, all, &all->speaker, diag);
    if (err)
        diag_prefix(diag, "bgp");
    return err;
}

/* ---- Plans ---- */

static enum err
start_import(uv_loop_t *loop UNUSED, struct feed *f, struct diag *diag)
{
    struct buf text = BUF_INIT;
    struct ted_import_counters counters;
    nsec_t now = clock_monotonic();
    enum err err = file_read(f->settings->file, IMPORT_SIZE, &text, diag);
    if (!err) {
        ted_source_up(f->all->ted, f->source, now);
        err = ted_import(f->all->ted, f->source, f->settings->file, (const char *)text.data,
                         text.size, now, &counters, diag);
        ted_source_synced(f->all->ted, f->source, now);
    }
    buf_fini(&text);
    return err;
}

/* ---- All ---- */

static const struct {
    enum ted_kind kind;
    enum err (*start)(uv_loop_t *, struct feed *, struct diag *);
} kinds[WAN_FEED_KINDS] = {
    [WAN_FEED_FRR_OSPF] = {TED_KIND_OSPF, start_ospf},
    [WAN_FEED_FRR_ISIS] = {TED_KIND_ISIS, start_isis},
    [WAN_FEED_BGP_LS] = {TED_KIND_BGP_LS, start_bgp_ls},
    [WAN_FEED_IMPORT] = {TED_KIND_IMPORT, start_import},
};

static enum err
start(uv_loop_t *loop, struct feed *f, struct diag *diag)
{
    const struct wan_feed_settings *s = f->settings;
    enum err err = ted_source_add(f->all->ted, kinds[s->kind].kind, s->name,
                                  s->domain ? s->domain : "", &f->source);
    if (err)
        return diag_set(diag, err, "%s", err_text(err));
    return kinds[s->kind].start(loop, f, diag);
}

enum err
feeds_new(uv_loop_t *loop, struct ted *ted, const struct wan_settings *settings,
          void (*changed)(void *arg), void *arg, struct feeds **result, struct diag *diag)
{
    struct feeds *all = xcalloc(1, sizeof *all);
    *all = (struct feeds){.ted = ted, .changed = changed, .arg = arg};
    all->list = xcalloc(settings->n_feeds + 1, sizeof *all->list);
    enum err err = start_speaker(loop, all, settings, diag);
    while (all->n < settings->n_feeds && !err) {
        struct feed *f = &all->list[all->n++];
        *f = (struct feed){.all = all, .settings = &settings->feeds[all->n - 1]};
        err = start(loop, f, diag);
        if (err)
            diag_prefix(diag, "feed %s", f->settings->name);
    }
    if (err)
        feeds_free(all);
    else
        *result = all;
    return err;
}

void
feeds_free(struct feeds *all)
{
    if (!all)
        return;
    bgp_speaker_free(all->speaker, "the controller ends");
    for (size_t i = 0; i < all->n; i++) {
        feed_frr_free(all->list[i].frr);
        feed_ospf_api_free(all->list[i].api);
    }
    free(all->list);
    free(all);
}

#include "wan/feeds.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "wan/feed_frr.h"

#include <stdlib.h>

struct feed {
    struct feeds *all;
    const struct wan_feed_settings *settings;
    uint32_t source;
    struct feed_frr *frr;
};

struct feeds {
    struct ted *ted;
    void (*changed)(void *arg);
    void *arg;
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

static const struct feed_frr_handler frr_handler = {on_changed, on_trouble};

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
start(uv_loop_t *loop, struct feed *f, struct diag *diag)
{
    static const enum ted_kind kinds[WAN_FEED_KINDS] = {
        [WAN_FEED_FRR_OSPF] = TED_KIND_OSPF,
        [WAN_FEED_FRR_ISIS] = TED_KIND_ISIS,
        [WAN_FEED_BGP_LS] = TED_KIND_BGP_LS,
        [WAN_FEED_IMPORT] = TED_KIND_IMPORT,
    };
    const struct wan_feed_settings *s = f->settings;
    enum err err = ted_source_add(f->all->ted, kinds[s->kind], s->name, s->domain ? s->domain : "",
                                  &f->source);
    if (err)
        return diag_set(diag, err, "%s", err_text(err));
    switch (s->kind) {
    case WAN_FEED_FRR_OSPF:
        return start_frr(loop, f, FEED_FRR_OSPFD, diag);
    case WAN_FEED_FRR_ISIS:
        return start_frr(loop, f, FEED_FRR_ISISD, diag);
    default:
        return diag_set(diag, ERR_UNSUPPORTED, "feeds of kind %s are not there yet",
                        wan_feed_kind_words[s->kind]);
    }
}

enum err
feeds_new(uv_loop_t *loop, struct ted *ted, const struct wan_settings *settings,
          void (*changed)(void *arg), void *arg, struct feeds **result, struct diag *diag)
{
    struct feeds *all = xcalloc(1, sizeof *all);
    *all = (struct feeds){.ted = ted, .changed = changed, .arg = arg};
    all->list = xcalloc(settings->n_feeds + 1, sizeof *all->list);
    enum err err = ERR_OK;
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
    for (size_t i = 0; i < all->n; i++)
        feed_frr_free(all->list[i].frr);
    free(all->list);
    free(all);
}

void
feeds_hurry(struct feeds *all)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->list[i].frr)
            feed_frr_hurry(all->list[i].frr);
    }
}

/* questions.c - what is only asked of the WAN controller. */
#include "base/alloc.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "model/object.h"
#include "wan/report.h"
#include "wan/topology_8345.h"
#include "wan/wan_private.h"

#include <stdlib.h>
#include <string.h>

#define LSPS_MAX 1000     /* of one answer */
#define FAILURES_MAX 1000 /* the same */

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* ---- What there is ---- */

void
wan_serve_nodes(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    bus_reply(bus, m->reply_to,
              json_pack("{so}", "nodes", wan_nodes_json(s->ted, clock_monotonic())));
}

void
wan_serve_links(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    json_t *links = wan_links_json(s->ted, clock_monotonic()),
           *load = planner_load_json(s->planner), *link;
    size_t i;
    json_array_foreach(links, i, link)
        json_object_update(link, json_object_get(load, text_of(link, "key")));
    json_decref(load);
    bus_reply(bus, m->reply_to, json_pack("{so}", "links", links));
}

/* Those that somebody told something in the name of: who and when. */
static json_t *
sources_json(const struct wan_service *s)
{
    json_t *list = wan_sources_json(s->ted, clock_monotonic()), *source;
    char time[TIME_TEXT_SIZE];
    size_t i;
    json_array_foreach(list, i, source)
    {
        const struct told_source *t = tunneling_told(&s->config.state->tunneling,
                                                     text_of(source, "name"));
        const char *measured_by = wan_measured_by(s, text_of(source, "name"));
        if (measured_by)
            json_object_set_new(source, "told-by", json_string(measured_by));
        if (!t)
            continue;
        json_object_set_new(source, "told-by", json_string(t->who));
        json_object_set_new(source, "told", json_string(time_format(t->since, time)));
    }
    return list;
}

void
wan_serve_sources(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    bus_reply(bus, m->reply_to,
              json_pack("{so so}", "sources", sources_json(s), "overrides",
                        wan_overrides_json(s->ted, clock_monotonic())));
}

void
wan_serve_findings(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    bus_reply(bus, m->reply_to,
              json_pack("{so}", "findings", wan_findings_json(s->ted, clock_monotonic())));
}

static bool
has_server(struct wan_service *s, struct bus *bus, const struct bus_message *m)
{
    if (!wan_pce(s))
        bus_reply_error(bus, m->reply_to, ERR_CLOSED,
                        "no router can connect: pcep is not configured");
    return wan_pce(s) != NULL;
}

void
wan_serve_routers(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    if (has_server(s, bus, m))
        bus_reply(bus, m->reply_to,
                  json_pack("{so}", "routers", wan_pccs_json(wan_pce(s), clock_monotonic())));
}

static json_t *
page_of_lsps(struct wan_service *s, const json_t *ask)
{
    json_int_t after = json_integer_value(json_object_get(ask, "after")),
               limit = json_integer_value(json_object_get(ask, "limit"));
    json_t *page = wan_lsps_json(wan_pce(s), text_of(ask, "router"), (uint64_t)MAX(after, 0),
                                 limit > 0 && limit < LSPS_MAX ? (uint32_t)limit : LSPS_MAX),
           *lsp;
    size_t i;
    json_array_foreach(json_object_get(page, "lsps"), i, lsp)
        wan_delegated_json(s, (uint64_t)json_integer_value(json_object_get(lsp, "id")), lsp);
    return page;
}

/* {router?: address, after?, limit?} */
void
wan_serve_lsps(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    if (has_server(s, bus, m))
        bus_reply(bus, m->reply_to, page_of_lsps(s, m->payload));
}

/* {after?, limit?} -> {"tieline-wan:wan-state": {session, lsp, lsp-total, lsp-next?}} */
void
wan_serve_state(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    if (!has_server(s, bus, m))
        return;
    json_t *page = page_of_lsps(s, m->payload);
    bus_reply(bus, m->reply_to,
              json_pack("{s{so sO sO sO*}}", "tieline-wan:wan-state", "session",
                        wan_pccs_json(wan_pce(s), clock_monotonic()), "lsp",
                        json_object_get(page, "lsps"), "lsp-total", json_object_get(page, "total"),
                        "lsp-next", json_object_get(page, "next")));
    json_decref(page);
}

/* {"ietf-network:networks": ...} as in RFC 8345 */
void
wan_serve_topology(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    struct buf text = BUF_INIT;
    struct diag why = {""};
    json_t *document = NULL;
    enum err err = topology_8345_put(&text, s->ted);
    if (!err)
        err = jsontext_parse((const char *)text.data, text.size, &document, &why);
    buf_fini(&text);
    if (err)
        bus_reply_error(bus, m->reply_to, err, "the topology cannot be written: %s", why.text);
    else
        bus_reply(bus, m->reply_to, document);
}

/* ---- What if ---- */

/* {tunnel: {...}}: as one is stated; where would it go? Nothing is kept. */
void
wan_serve_path(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    json_t *paths[TUNNEL_PATHS] = {NULL}, *victims = NULL;
    struct diag why = {""};
    void *tunnel = NULL;
    enum err err = object_from_json(OBJECT_TUNNEL, json_object_get(m->payload, "tunnel"), &tunnel,
                                    &why);
    if (!err)
        err = planner_place(s->planner, s->config.state->network, tunnel, 0, false, paths, &victims,
                            &why);
    if (err)
        bus_reply_error(bus, m->reply_to, err, "%s", why.text);
    else
        bus_reply(bus, m->reply_to,
                  json_pack("{sO sO* sO}", "primary", paths[TUNNEL_PRIMARY], "standby",
                            paths[TUNNEL_STANDBY], "pushes-aside", victims));
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(paths[i]);
    json_decref(victims);
    object_free(OBJECT_TUNNEL, tunnel);
}

static enum err
what_if(struct planner *p, const struct network *model, const json_t *ask, json_t **report,
        struct diag *diag)
{
    json_int_t limit = json_integer_value(json_object_get(ask, "limit"));
    return planner_what_if(
        p, model, limit > 0 && limit < FAILURES_MAX ? (uint32_t)limit : FAILURES_MAX, report, diag);
}

/* {limit?}: what would become of the tunnels if something failed. */
void
wan_serve_what_if(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    think_and_answer(s->thinker, bus, m, what_if, m->payload);
}

/* As planner_tree(). */
void
wan_serve_tree(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    think_and_answer(s->thinker, bus, m, planner_tree, m->payload);
}

/* delays.c - delays of links that somebody measured: a source of the database for each who does.
 *
 * They are no events: they are soon old. What is not told again in time is stale, and what the
 * routers say counts again. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define NAME_MAX_LENGTH 64
#define DELAYS_MAX 100000
#define DELAY_MAX_US 1000000
#define MEASURERS_MAX 64
#define VALID_S 600
#define VALID_MAX_S 86400

struct wan_measurer {
    char *name, *actor;
    uint32_t source;
    nsec_t until; /* monotonic: then it is stale; NSEC_NEVER: it is */
    struct wan_measurer *prev, *next;
};

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static struct wan_measurer *
find(const struct wan_service *s, const char *name)
{
    struct wan_measurer *m = s->measurers;
    while (m && strcmp(m->name, name) != 0)
        m = m->next;
    return m;
}

const char *
wan_measured_by(const struct wan_service *s, const char *source)
{
    const struct wan_measurer *m = find(s, source);
    return m ? m->actor : NULL;
}

void
wan_delays_free(struct wan_service *s)
{
    struct wan_measurer *m, *next;
    DL_FOREACH_SAFE(s->measurers, m, next)
    {
        DL_DELETE(s->measurers, m);
        free(m->name);
        free(m->actor);
        free(m);
    }
}

static void
set_alarm(struct wan_service *s, nsec_t now)
{
    nsec_t next = NSEC_NEVER;
    for (const struct wan_measurer *m = s->measurers; m; m = m->next)
        next = MIN(next, m->until);
    if (next != NSEC_NEVER)
        timer_start(s->measured, MAX(next - now, NSEC_PER_MSEC));
}

void
wan_delays_expire(struct wan_service *s, nsec_t now)
{
    bool any = false;
    for (struct wan_measurer *m = s->measurers; m; m = m->next) {
        if (m->until > now)
            continue;
        log_warn("wan: delays that %s measured were not told again in time", m->name);
        m->until = NSEC_NEVER;
        ted_source_down(s->ted, m->source, now);
        any = true;
    }
    set_alarm(s, now);
    if (any)
        wan_commit(s);
}

void
wan_on_measured(void *service)
{
    wan_delays_expire(service, clock_monotonic());
}

/* ---- Reading ---- */

static bool
is_number(const json_t *value, json_int_t least, json_int_t most)
{
    return json_is_integer(value) && json_integer_value(value) >= least &&
           json_integer_value(value) <= most;
}

/* The link as the database has it, so that this is of no other one. */
static enum err
read_delay(struct wan_service *s, const json_t *json, size_t place, struct ted_link_record *r,
           struct diag *diag)
{
    const struct ted_view *view = ted_view(s->ted);
    const struct te_network *net = ted_view_network(view);
    const char *key = text_of(json, "link");
    const json_t *delay = json_object_get(json, "delay-us"),
                 *jitter = json_object_get(json, "jitter-us");
    uint32_t i = key ? ted_view_find_link(view, key) : TE_NONE;
    enum err err = ERR_OK;
    if (i == TE_NONE)
        err = diag_set(diag, key ? ERR_NOT_FOUND : ERR_INVALID,
                       key ? "delays[%zu].link: there is no link %.100s"
                           : "delays[%zu].link: a link's key is expected",
                       place, key);
    else if (!is_number(delay, 0, DELAY_MAX_US) || (jitter && !is_number(jitter, 0, DELAY_MAX_US)))
        err = diag_set(diag, ERR_INVALID, "delays[%zu].%s: 0 to %d is expected", place,
                       is_number(delay, 0, DELAY_MAX_US) ? "jitter-us" : "delay-us", DELAY_MAX_US);
    if (!err) {
        const struct te_link *l = &net->links[i];
        *r = (struct ted_link_record){.told = TED_BIT(TED_DELAY),
                                      .delay_us = (uint32_t)json_integer_value(delay),
                                      .id.local_link_id = l->local_id,
                                      .id.remote_link_id = l->remote_id};
        *(l->local.family == 6 ? &r->id.local_address6 : &r->id.local_address) = l->local;
        if (jitter) {
            r->told |= TED_BIT(TED_JITTER);
            r->jitter_us = (uint32_t)json_integer_value(jitter);
        }
        err = ted_named(s->ted, net->nodes[l->from].key, &r->id.local);
        if (!err)
            err = ted_named(s->ted, net->nodes[l->to].key, &r->id.remote);
        if (err)
            diag_set(diag, err, "delays[%zu].link: %s", place, err_text(err));
    }
    ted_view_release(view);
    return err;
}

static enum err
read_delays(struct wan_service *s, const json_t *list, struct ted_link_record **records,
            struct diag *diag)
{
    size_t n = json_array_size(list);
    enum err err = ERR_OK;
    if (!json_is_array(list) || n > DELAYS_MAX)
        return diag_set(diag, ERR_INVALID, "delays: a list of at most %d is expected", DELAYS_MAX);
    *records = xcalloc(n + 1, sizeof **records);
    for (size_t i = 0; i < n && !err; i++)
        err = read_delay(s, json_array_get(list, i), i, &(*records)[i], diag);
    return err;
}

static bool
is_taken(const struct wan_service *s, const char *name)
{
    struct ted_source_info info;
    for (uint32_t i = 0; i < ted_n_sources(s->ted); i++) {
        if (ted_source_info(s->ted, i, &info) && !strcmp(info.name, name))
            return true;
    }
    return false;
}

static enum err
need_measurer(struct wan_service *s, const char *name, const char *actor, struct wan_measurer **m,
              struct diag *diag)
{
    uint32_t source;
    *m = find(s, name);
    if (!*m) {
        if (is_taken(s, name) || !strcmp(name, "optical"))
            return diag_set(diag, ERR_CONFLICT, "by: %s is a source of another kind", name);
        const struct wan_measurer *other;
        unsigned n = 0;
        DL_COUNT(s->measurers, other, n);
        if (n >= MEASURERS_MAX)
            return diag_set(diag, ERR_LIMIT, "by: there are %u who measure already", n);
        enum err err = ted_source_add(s->ted, TED_KIND_MEASURED, name, "", &source);
        if (err)
            return diag_set(diag, err, "by: %s", err_text(err));
        *m = xcalloc(1, sizeof **m);
        **m = (struct wan_measurer){.name = xstrdup(name), .source = source};
        DL_APPEND(s->measurers, *m);
    }
    free((*m)->actor);
    (*m)->actor = xstrdup(actor);
    return ERR_OK;
}

static void
tell(struct wan_service *s, struct wan_measurer *m, const struct ted_link_record *records, size_t n,
     nsec_t valid)
{
    nsec_t now = clock_monotonic();
    ted_source_up(s->ted, m->source, now);
    ted_source_refresh(s->ted, m->source, now);
    for (size_t i = 0; i < n; i++) {
        enum err err = ted_put_link(s->ted, m->source, &records[i], now);
        (void)err; /* the database counts what it refuses */
    }
    ted_source_synced(s->ted, m->source, now);
    m->until = now + valid;
    set_alarm(s, now);
    wan_commit(s);
}

/* {actor, by?, valid-s?, delays: [{link, delay-us, jitter-us?}]}: all that is measured by that one,
 * in place of what it told before -> {links, moved} */
void
wan_serve_delays(void *arg, struct bus *bus, const struct bus_message *message)
{
    struct wan_service *s = arg;
    const json_t *p = message->payload, *list = json_object_get(p, "delays"),
                 *valid = json_object_get(p, "valid-s");
    const char *actor = text_of(p, "actor"), *by = text_of(p, "by");
    const char *name = by ? by : actor;
    struct ted_link_record *records = NULL;
    struct wan_measurer *m;
    struct diag why = {""};
    uint64_t moves = s->n_moves;
    enum err err = ERR_OK;
    if (!actor || !*name || strlen(name) > NAME_MAX_LENGTH)
        err = diag_set(&why, ERR_INVALID, "by: a name of 1 to 64 octets is expected");
    else if (valid && !is_number(valid, 1, VALID_MAX_S))
        err = diag_set(&why, ERR_INVALID, "valid-s: 1 to %d is expected", VALID_MAX_S);
    else
        err = read_delays(s, list, &records, &why);
    if (!err)
        err = need_measurer(s, name, actor, &m, &why);
    if (err) {
        bus_reply_error(bus, message->reply_to, err, "%s", why.text);
    } else {
        tell(s, m, records, json_array_size(list),
             (valid ? json_integer_value(valid) : VALID_S) * NSEC_PER_SEC);
        bus_reply(bus, message->reply_to,
                  json_pack("{sI sI}", "links", (json_int_t)json_array_size(list), "moved",
                            (json_int_t)(s->n_moves - moves)));
    }
    free(records);
}

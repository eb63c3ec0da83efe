/* findings.c - findings of the database that people should hear of without asking, as exceptions:
 * nodes and labels that clash, and sources that are not what they were. One is closed when its
 * finding has been gone for `quiet`, so that what comes and goes does not fill the journal. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/jsontext.h"

#include <stdlib.h>
#include <string.h>

#define GATHER NSEC_PER_SEC

static const struct grave {
    enum ted_finding_code code;
    const char *kind, *severity, *what, *words;
} graves[] = {
    {TED_NODE_ID_CONFLICT, "wan-node-id-conflict", "major", "wan-node", "Node"},
    {TED_SID_CONFLICT, "wan-sid-conflict", "major", "wan-node", "Node"},
    {TED_SOURCE_LIMIT, "wan-source-limit", "major", "wan-source", "Source"},
    {TED_SOURCE_GARBLED, "wan-source-garbled", "minor", "wan-source", "Source"},
    {TED_SOURCE_SMALL, "wan-source-small", "major", "wan-source", "Source"},
    {TED_SOURCE_STALE, "wan-source-stale", "major", "wan-source", "Source"},
};

/* One that was told. */
struct wan_finding {
    char *id; /* "kind object" */
    const struct grave *grave;
    nsec_t seen; /* monotonic: last */
    UT_hash_handle hh;
};

static const char *
object_of(const struct wan_finding *f)
{
    return strchr(f->id, ' ') + 1;
}

static void
forget(struct wan_service *s, struct wan_finding *f)
{
    HASH_DEL(s->findings, f);
    free(f->id);
    free(f);
}

static void
tell(struct wan_service *s, const struct grave *g, const struct ted_finding *f, char *id)
{
    struct wan_finding *new = xcalloc(1, sizeof *new);
    *new = (struct wan_finding){.id = id, .grave = g};
    HASH_ADD_KEYPTR(hh, s->findings, new->id, strlen(new->id), new);
    wan_raise(
        s, g->kind, g->severity, object_of(new),
        json_pack("{ss so}", "finding", ted_finding_name(f->code), "key", jsontext_string(f->key)),
        "%s %s of the WAN: %s.", g->words, f->key, f->text);
}

/* Of two nodes that clash the one that keeps its id stands for both. */
static const struct grave *
grave_of(const struct ted_finding *f)
{
    for (size_t i = 0; i < ARRAY_SIZE(graves); i++)
        if (graves[i].code == f->code)
            return f->code == TED_NODE_ID_CONFLICT && strchr(f->key, '!') ? NULL : &graves[i];
    return NULL;
}

static void
note(void *arg, const struct ted_finding *f)
{
    struct wan_service *s = arg;
    const struct grave *g = grave_of(f);
    struct wan_finding *its;
    if (!g)
        return;
    char *id = xasprintf("%s %s/%.200s", g->kind, g->what, f->key);
    HASH_FIND_STR(s->findings, id, its);
    if (!its) {
        tell(s, g, f, id);
        HASH_FIND_STR(s->findings, id, its);
    } else {
        free(id);
    }
    its->seen = clock_monotonic();
}

/* What a program told that ran before this one, and is not so any more. */
static void
close_old(struct wan_service *s)
{
    for (const struct exception *e = s->config.state->exceptions; e; e = e->hh.next) {
        for (size_t i = 0; i < ARRAY_SIZE(graves) && e->state != EXCEPTION_CLOSED; i++) {
            struct wan_finding *f;
            if (strcmp(e->kind, graves[i].kind) != 0)
                continue;
            char *id = xasprintf("%s %s", e->kind, e->object);
            HASH_FIND_STR(s->findings, id, f);
            if (!f)
                wan_close(s, e->kind, e->object, "it is not so any more");
            free(id);
        }
    }
    s->old_findings_closed = true;
}

static void
look(void *arg)
{
    struct wan_service *s = arg;
    struct wan_finding *f, *next;
    nsec_t now = clock_monotonic();
    ted_each_finding(s->ted, note, s);
    bool again = now < s->begun + s->settings.quiet;
    HASH_ITER (hh, s->findings, f, next) {
        if (f->seen >= now)
            continue;
        again = true;
        if (now - f->seen < s->settings.quiet)
            continue;
        wan_close(s, f->grave->kind, object_of(f), "it is not so any more");
        forget(s, f);
    }
    if (!s->old_findings_closed && now >= s->begun + s->settings.quiet)
        close_old(s);
    if (again)
        wan_look_at_findings(s);
}

void
wan_look_at_findings(struct wan_service *s)
{
    if (!s->look_at_findings)
        s->look_at_findings = timer_new(s->config.loop, look, s);
    if (!timer_is_armed(s->look_at_findings))
        timer_start(s->look_at_findings, GATHER);
}

void
wan_findings_free(struct wan_service *s)
{
    struct wan_finding *f, *next;
    timer_free(s->look_at_findings);
    HASH_ITER (hh, s->findings, f, next)
        forget(s, f);
}

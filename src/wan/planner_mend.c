/* planner_mend.c - another way for those whose path does not hold any more, a better one where a
 * failure had left less than was asked, and one off links at risk. */
#include "wan/planner_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct survey {
    struct planner_trouble *list;
    size_t n, capacity;
};

static struct planner_trouble *
add(struct survey *v, const struct planner_finding *f)
{
    GROW(v->list, v->n, v->capacity);
    struct planner_trouble *t = &v->list[v->n++];
    *t = (struct planner_trouble){.tunnel = xstrdup(f->tunnel)};
    memcpy(t->element, f->element, sizeof t->element);
    memcpy(t->text, f->text, sizeof t->text);
    return t;
}

static bool
is_last(const struct survey *v, const char *tunnel)
{
    return v->n && !strcmp(v->list[v->n - 1].tunnel, tunnel);
}

static void
survey_fini(struct survey *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->list[i].tunnel);
    free(v->list);
}

/* What concerns one tunnel comes in a row. */
static void
note(void *arg, const struct planner_finding *f)
{
    struct survey *v = arg;
    if (f->fault == PLANNER_AT_RISK) /* it holds what it should */
        return;
    struct planner_trouble *last = is_last(v, f->tunnel) ? &v->list[v->n - 1] : add(v, f);
    bool pushed = f->fault == PLANNER_PUSHED;
    if (f->fault == PLANNER_LINK_DOWN || f->fault == PLANNER_BROKEN || pushed) {
        last->pushed = pushed && (last->pushed || !last->broken);
        last->broken |= 1u << f->path;
    }
    last->near |= f->fault == PLANNER_NEAR;
}

/* Of what it holds, these paths stay. */
static unsigned
sound_of(const struct planner_trouble *t)
{
    if (t->broken)
        return ~t->broken & ((1u << TUNNEL_PATHS) - 1);
    return t->near ? 0 : 1u << TUNNEL_PRIMARY; /* else only a better standby path is looked for */
}

static bool
is_other(const struct planner *p, const char *tunnel, json_t *const paths[TUNNEL_PATHS])
{
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        if (!planner_holds(p, tunnel, i, json_object_get(paths[i], "links")))
            return true;
    }
    return false;
}

struct mend {
    struct planner *p;
    const struct network *model;
    planner_mended_fn *tell;
    void *arg;
};

static enum err
place(const struct mend *m, const struct tunnel *t, const struct planner_trouble *trouble,
      json_t *paths[TUNNEL_PATHS], struct diag *why)
{
    enum err err = planner_place(m->p, m->model, t, sound_of(trouble), trouble->broken != 0, paths,
                                 NULL, why);
    if (err && !trouble->broken && !trouble->near) /* the primary path is in its way */
        err = planner_place(m->p, m->model, t, 0, false, paths, NULL, why);
    return err;
}

/* A standby path over a link at risk, in place of one that shares as much with the primary, is what
 * planner_leave_risks() undoes at once. */
static bool
would_be_left(const struct mend *m, const struct held *h, const struct tunnel *t,
              const struct planner_trouble *trouble, json_t *const paths[TUNNEL_PATHS])
{
    return !trouble->broken && !trouble->near && t->protection == DISJOINT_MAXIMAL &&
           h->paths[TUNNEL_STANDBY].n && planner_is_risky(m->p, paths[TUNNEL_STANDBY]);
}

static void
help(const struct mend *m, const struct planner_trouble *trouble)
{
    const struct held *h = planner_held(m->p, trouble->tunnel);
    const struct tunnel *stated = network_tunnel(m->model, trouble->tunnel);
    struct tunnel *t = tunnel_copy(stated ? stated : h->tunnel);
    json_t *paths[TUNNEL_PATHS] = {NULL};
    struct diag why = {""};
    struct planner_mended result = {.trouble = trouble, .paths = paths, .why = why.text};
    if (!trouble->pushed || planner_is_pushed(m->p, t->name)) {
        result.err = place(m, t, trouble, paths, &why);
        result.moved = !result.err && is_other(m->p, t->name, paths) &&
                       (trouble->broken || trouble->near || paths[TUNNEL_STANDBY]) &&
                       !would_be_left(m, h, t, trouble, paths);
    } /* else others have gone out of the way meanwhile */
    if (result.moved)
        planner_hold(m->p, t, h->number, h->standing, (const json_t *const *)paths);
    m->tell(m->arg, &result);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(paths[i]);
    tunnel_free(t);
}

void
planner_mend(struct planner *p, const struct network *model, planner_may_fn *may,
             planner_mended_fn *tell, void *arg)
{
    const struct mend m = {p, model, tell, arg};
    struct survey v = {0};
    planner_look(p, model, note, &v);
    for (size_t i = 0; i < v.n; i++) {
        if (v.list[i].broken)
            help(&m, &v.list[i]);
    }
    for (size_t i = 0; i < v.n; i++) { /* what only could be better waits for that */
        if (!v.list[i].broken && (!may || may(arg, v.list[i].tunnel)))
            help(&m, &v.list[i]);
    }
    survey_fini(&v);
}

/* ---- Links at risk ---- */

/* The first of a tunnel, which is of its primary path if that passes one. */
static void
note_risk(void *arg, const struct planner_finding *f)
{
    struct survey *v = arg;
    if (f->fault == PLANNER_AT_RISK && !is_last(v, f->tunnel))
        add(v, f);
}

static void
leave(const struct mend *m, const struct planner_trouble *trouble)
{
    const struct held *h = planner_held(m->p, trouble->tunnel);
    const struct tunnel *stated = network_tunnel(m->model, trouble->tunnel);
    json_t *paths[TUNNEL_PATHS] = {NULL};
    struct diag why = {""};
    struct planner_mended result = {.trouble = trouble, .paths = paths, .why = why.text};
    if (!stated)
        return;
    result.err = planner_leave(m->p, m->model, stated, paths, &why);
    result.moved = !result.err && is_other(m->p, trouble->tunnel, paths);
    if (result.moved)
        planner_hold(m->p, stated, h->number, h->standing, (const json_t *const *)paths);
    m->tell(m->arg, &result);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(paths[i]);
}

void
planner_leave_risks(struct planner *p, const struct network *model, planner_may_fn *may,
                    planner_mended_fn *tell, void *arg)
{
    const struct mend m = {p, model, tell, arg};
    struct survey v = {0};
    if (p->risks)
        planner_look(p, model, note_risk, &v);
    for (size_t i = 0; i < v.n; i++) {
        if (may(arg, v.list[i].tunnel))
            leave(&m, &v.list[i]);
    }
    survey_fini(&v);
}

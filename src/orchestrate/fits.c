#include "orchestrate/fits.h"

#include "base/alloc.h"
#include "engineer/fit.h"
#include "model/json.h"
#include "orchestrate/draft.h"
#include "orchestrate/service_private.h"
#include "orchestrate/work.h"

#include <stdlib.h>
#include <string.h>

/* Belongs to the job. */
struct fitting {
    struct request *request;
    json_t *circuits; /* as asked for */
    json_t *others;   /* drafts that orders hold */
    bool orders;
    json_t *answer;
    enum err err;
    struct diag why;
};

static void
fitting_free(void *arg)
{
    struct fitting *f = arg;
    json_decref(f->circuits);
    json_decref(f->others);
    json_decref(f->answer);
    free(f);
}

static struct network *
prepare(void *arg)
{
    struct fitting *f = arg;
    const struct orchestrate_service *s = f->request->service;
    f->others = works_held_drafts(s->works, NULL);
    return network_copy(s->state->network);
}

/* A stated circuit is the caller's to free; one that is named is the network's. */
static enum err
circuit_of(const struct network *net, const json_t *stated, struct circuit **own,
           const struct circuit **circuit, struct diag *diag)
{
    const char *name = json_string_value(stated);
    *own = NULL;
    if (name) {
        *circuit = network_circuit(net, name);
        return *circuit ? ERR_OK : diag_set(diag, ERR_NOT_FOUND, "there is no circuit %.63s", name);
    }
    enum err err = circuit_from_json(stated, own, diag);
    *circuit = *own;
    return err;
}

static json_t *
verdict_to_json(const struct fit_verdict *v)
{
    json_t *json = json_pack("{s:s, s:b}", "circuit", v->circuit->name, "fits",
                             v->limit == FIT_NONE);
    if (v->limit == FIT_NONE)
        return json;
    json_object_set_new(json, "limit", json_string(fit_limit_name(v->limit)));
    json_object_set_new(json, "reason", json_string(v->reason ? v->reason : ""));
    json_t *links = json_array();
    for (uint32_t i = 0; i < v->n_links; i++)
        json_array_append_new(links, json_string(v->links[i].name));
    json_object_set_new(json, "links", links);
    return json;
}

static json_t *
fit_to_json(const struct fit *fit)
{
    json_t *circuits = json_array(), *links = json_array(), *orders = json_array();
    for (uint32_t i = 0; i < fit->n; i++)
        json_array_append_new(circuits, verdict_to_json(&fit->verdicts[i]));
    for (uint32_t i = 0; i < fit->n_links && i < FITS_LINKS_SHOWN; i++) {
        const struct fit_usage *u = &fit->links[i];
        json_array_append_new(links, json_pack("{s:s, s:I, s:I, s:I, s:I}", "link", u->link,
                                               "capacity-kbps", (json_int_t)u->capacity_kbps,
                                               "before-kbps", (json_int_t)u->before_kbps,
                                               "after-kbps", (json_int_t)u->after_kbps, "limits",
                                               (json_int_t)u->n_limited));
    }
    for (int i = 0; i < FIT_ORDERS && fit->has_orders; i++)
        json_array_append_new(orders, json_pack("{s:s, s:I, s:I}", "order", fit_order_name(i),
                                                "n-fit", (json_int_t)fit->counts[i].n_fit,
                                                "rate-kbps", (json_int_t)fit->counts[i].rate_kbps));
    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "n", (json_int_t)fit->n, "n-fit",
                     (json_int_t)fit->counts[FIT_AS_GIVEN].n_fit, "rate-kbps",
                     (json_int_t)fit->counts[FIT_AS_GIVEN].rate_kbps, "orders", orders, "circuits",
                     circuits, "links", links);
}

static void
compute(void *arg, struct network *net)
{
    struct fitting *f = arg;
    size_t n = json_array_size(f->circuits), i;
    struct circuit **own = xcalloc(n, sizeof(struct circuit *));
    const struct circuit **circuits = xcalloc(n, sizeof(struct circuit *));
    json_t *draft, *stated;
    struct fit fit;
    json_array_foreach(f->others, i, draft)
    {
        draft_hold(net, draft);
    }
    json_array_foreach(f->circuits, i, stated)
    {
        f->err = circuit_of(net, stated, &own[i], &circuits[i], &f->why);
        if (f->err) {
            diag_prefix(&f->why, "circuits: number %zu", i + 1);
            break;
        }
    }
    if (!f->err)
        f->err = fit_circuits(net, circuits, (uint32_t)n, f->orders, &fit, &f->why);
    if (!f->err) {
        f->answer = fit_to_json(&fit);
        fit_fini(&fit);
    }
    for (i = 0; i < n; i++)
        circuit_free(own[i]);
    free(own);
    free(circuits);
}

static void
computed(void *arg)
{
    struct fitting *f = arg;
    if (f->err)
        request_refuse(f->request, f->err, "%s", f->why.text);
    else
        request_answer(f->request, json_incref(f->answer));
}

static const struct job_class fitting_job = {prepare, compute, computed, fitting_free};

void
fits(struct request *request)
{
    json_t *circuits = json_object_get(request->payload, "circuits");
    size_t n = json_array_size(circuits);
    if (n == 0 || n > FITS_CIRCUITS_MAX) {
        request_refuse(request, ERR_INVALID, "circuits: 1 to %d are expected", FITS_CIRCUITS_MAX);
        return;
    }
    struct fitting *f = xcalloc(1, sizeof *f);
    f->request = request;
    f->circuits = json_incref(circuits);
    f->orders = request_flag(request, "orders");
    jobs_add(request->service->trials, &fitting_job, f);
}

#include "orchestrate/fits.h"

#include "base/alloc.h"
#include "engineer/fit_json.h"
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
        f->answer = fit_to_json(&fit, FITS_LINKS_SHOWN);
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

#include "orchestrate/whatif.h"

#include "base/alloc.h"
#include "model/check.h"
#include "model/json.h"
#include "orchestrate/draft.h"
#include "orchestrate/service_private.h"
#include "orchestrate/work.h"
#include "orchestrate/work_json.h"

#include <stdlib.h>
#include <string.h>

/* Belongs to the job. */
struct trial {
    struct request *request;
    json_t *circuits; /* as asked for */
    json_t *others;   /* drafts that orders hold */
    json_t *names, *draft, *answer;
    struct findings findings;
    enum err err; /* the question itself is wrong */
    struct diag why;
};

static void
trial_free(void *arg)
{
    struct trial *trial = arg;
    json_decref(trial->circuits);
    json_decref(trial->others);
    json_decref(trial->names);
    json_decref(trial->draft);
    json_decref(trial->answer);
    findings_fini(&trial->findings);
    free(trial);
}

static struct network *
prepare(void *arg)
{
    struct trial *trial = arg;
    const struct orchestrate_service *s = trial->request->service;
    trial->others = works_held_drafts(s->works, NULL);
    return network_copy(s->state->network);
}

static enum err
state_circuit_of(struct network *net, const json_t *stated, const char **name, struct diag *diag)
{
    struct circuit *circuit;
    *name = json_string_value(stated);
    if (*name)
        return network_circuit(net, *name)
                   ? ERR_OK
                   : diag_set(diag, ERR_NOT_FOUND, "there is no circuit %.63s", *name);
    enum err err = circuit_from_json(stated, &circuit, diag);
    if (err)
        return err;
    *name = json_string_value(json_object_get(stated, "name"));
    network_put_circuit(net, circuit);
    return ERR_OK;
}

/* Puts the circuits into the network; what they had for a design is given back. */
static enum err
put_circuits(struct trial *trial, struct network *net)
{
    size_t i;
    json_t *stated;
    trial->names = json_array();
    json_array_foreach(trial->circuits, i, stated)
    {
        const char *name;
        enum err err = state_circuit_of(net, stated, &name, &trial->why);
        if (err) {
            diag_prefix(&trial->why, "circuits: number %zu", i + 1);
            return err;
        }
        if (network_design(net, name) && network_remove_design(net, name))
            return ERR_NOT_FOUND;
        json_array_append_new(trial->names, json_string(name));
    }
    return ERR_OK;
}

/* Two of one name are designed twice, which is a finding of its own. */
static bool
check_circuits(struct trial *trial, const struct network *net)
{
    size_t i;
    json_t *name;
    json_array_foreach(trial->names, i, name)
    {
        network_check_circuit(net, network_circuit(net, json_string_value(name)), &trial->findings);
    }
    return trial->findings.counts[SEVERITY_ERROR] == 0;
}

static void
find(struct trial *trial, const char *code, const struct diag *why)
{
    const char *first = json_string_value(json_array_get(trial->names, 0));
    findings_add(&trial->findings, SEVERITY_ERROR, code, "circuit",
                 json_array_size(trial->names) == 1 ? first : "", NULL, "%s", why->text);
}

static void
add_size(struct trial *trial, const struct network *net)
{
    struct plan_changes changes;
    struct plan_size size;
    if (draft_rules(net, trial->draft, &changes, &size, &trial->why))
        return;
    json_object_set_new(trial->answer, "size",
                        json_pack("{s:I, s:I, s:I, s:I}", "nodes", (json_int_t)size.nodes, "flows",
                                  (json_int_t)size.flows, "groups", (json_int_t)size.groups,
                                  "meters", (json_int_t)size.meters));
    plan_changes_free(&changes);
}

static bool
add_proof(struct trial *trial, const struct network *net)
{
    struct proof proof;
    struct diag why = {""};
    if (draft_prove(net, &proof, &why)) {
        find(trial, "no-proof", &why);
        return false;
    }
    bool holds = proof.n == 0;
    json_object_set_new(trial->answer, "proof", proof_to_json(&proof, DRAFT_SHOWN));
    proof_fini(&proof);
    return holds;
}

static bool
add_bounds(struct trial *trial, const struct network *net)
{
    struct diag why = {""};
    json_t *bounds;
    char *unmet;
    if (draft_bounds(net, trial->draft, &bounds, &unmet, &why)) {
        find(trial, "no-bounds", &why);
        return false;
    }
    json_object_set_new(trial->answer, "bounds", bounds);
    if (!unmet)
        return true;
    diag_set(&why, ERR_LIMIT, "%s", unmet);
    find(trial, "latency", &why);
    free(unmet);
    return false;
}

static bool
design(struct trial *trial, struct network *net)
{
    struct diag why = {""};
    json_t *summary;
    if (draft_make(net, trial->names, &trial->draft, &why)) {
        find(trial, "no-design", &why);
        return false;
    }
    json_object_set(trial->answer, "design", json_object_get(trial->draft, "designs"));
    add_size(trial, net);
    if (!draft_summary(net, trial->draft, &summary, &why))
        json_object_set_new(trial->answer, "summary", summary);
    bool proved = add_proof(trial, net);
    bool in_time = add_bounds(trial, net);
    work_add_changes(trial->answer, trial->draft, net);
    return proved && in_time;
}

static void
compute(void *arg, struct network *net)
{
    struct trial *trial = arg;
    size_t i;
    json_t *draft;
    trial->answer = json_object();
    trial->err = put_circuits(trial, net);
    if (trial->err)
        return;
    json_array_foreach(trial->others, i, draft)
    {
        draft_hold(net, draft);
    }
    bool ok = check_circuits(trial, net) && design(trial, net);
    json_object_set_new(trial->answer, "ok", json_boolean(ok));
    json_object_set_new(trial->answer, "findings", findings_to_json(&trial->findings));
}

static void
computed(void *arg)
{
    struct trial *trial = arg;
    if (trial->err)
        request_refuse(trial->request, trial->err, "%s", trial->why.text);
    else
        request_answer(trial->request, json_incref(trial->answer));
}

static const struct job_class trial_job = {prepare, compute, computed, trial_free};

void
whatif(struct request *request)
{
    json_t *circuits = json_object_get(request->payload, "circuits");
    size_t n = json_array_size(circuits);
    if (n == 0 || n > WHATIF_CIRCUITS_MAX) {
        request_refuse(request, ERR_INVALID, "circuits: 1 to %d are expected", WHATIF_CIRCUITS_MAX);
        return;
    }
    struct trial *trial = xcalloc(1, sizeof *trial);
    trial->request = request;
    trial->circuits = json_incref(circuits);
    jobs_add(request->service->trials, &trial_job, trial);
}

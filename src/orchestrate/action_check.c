/* action_check.c - what is asked of other services about circuits that stand, and kept of it. */
#include "orchestrate/actions.h"

#include "base/alloc.h"
#include "engineer/trail.h"
#include "orchestrate/exceptions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIFFERENCES_SHOWN 5

/* ---- Read-back and repair ----------------------------------------------------------------------
 */

/* Takes over parameters that are there and not empty. */
static json_t *
pick_params(const struct effect *effect, const char *const *keys, size_t n)
{
    json_t *payload = json_object();
    for (size_t i = 0; i < n; i++) {
        json_t *value = json_object_get(effect->params, keys[i]);
        if (json_is_true(value) || json_array_size(value) > 0)
            json_object_set(payload, keys[i], value);
    }
    return payload;
}

static void
read_back(struct effect *effect, const struct call_result *result)
{
    const json_t *differences = json_object_get(result->value, "differences");
    struct buf text = BUF_INIT;
    if (result->err) {
        effect_fail(effect, err_is_passing(result->err), "%s", result->text);
        return;
    }
    if (json_is_true(json_object_get(result->value, "ok"))) {
        effect_done(effect, NULL);
        return;
    }
    for (size_t i = 0; i < json_array_size(differences) && i < DIFFERENCES_SHOWN; i++) {
        const char *difference = json_string_value(json_array_get(differences, i));
        buf_printf(&text, "%s%s", i ? "; " : "", difference ? difference : "?");
    }
    effect_fail(effect, true, "the nodes differ from the plan, %zu differences: %s",
                json_array_size(differences), buf_cstr(&text));
    buf_fini(&text);
}

void
action_readback(struct effect *effect)
{
    static const char *const keys[] = {"circuits", "nodes", "removed"};
    effect_ask(effect, "lan.readback", pick_params(effect, keys, ARRAY_SIZE(keys)), read_back);
}

static void
add_node(json_t *nodes, const char *name)
{
    json_object_set_new(nodes, name, json_true());
}

/* The nodes that the circuit's paths touch, as the keys of an object. */
static void
add_nodes_of(json_t *nodes, const struct network *net, const char *circuit)
{
    const struct design *d = network_design(net, circuit);
    for (uint32_t i = 0; d && i < d->primary.n_links + d->failover.n_links; i++) {
        const struct link *link = network_link(
            net, i < d->primary.n_links ? d->primary.links[i]
                                        : d->failover.links[i - d->primary.n_links]);
        if (!link)
            continue;
        add_node(nodes, link->a.node);
        add_node(nodes, link->b.node);
    }
    const struct circuit *c = d ? network_circuit(net, circuit) : NULL;
    const struct host *source = c ? circuit_source(net, c) : NULL;
    if (source && source->node)
        add_node(nodes, source->node);
}

static json_t *
nodes_of_circuits(const struct effect *effect)
{
    size_t i;
    json_t *name, *set = json_object(), *list = json_array();
    const char *node;
    json_array_foreach(effect->circuits, i, name)
    {
        if (json_is_string(name))
            add_nodes_of(set, effect->service->state->network, json_string_value(name));
    }
    json_object_foreach(set, node, name)
    {
        json_array_append_new(list, json_string(node));
    }
    json_decref(set);
    return list;
}

static void
repaired(struct effect *effect, const struct call_result *result)
{
    if (result->err)
        effect_fail(effect, err_is_passing(result->err), "%s", result->text);
    else
        effect_done(effect, json_incref(result->value));
}

void
action_repair(struct effect *effect)
{
    static const char *const keys[] = {"nodes"};
    json_t *payload = pick_params(effect, keys, ARRAY_SIZE(keys));
    if (json_object_size(payload) == 0 && json_array_size(effect->circuits) > 0)
        json_object_set_new(payload, "nodes", nodes_of_circuits(effect));
    effect_ask(effect, "lan.repair", payload, repaired);
}

/* ---- Tests and fingerprints --------------------------------------------------------------------
 */

static void test_next(struct effect *);

static void
fail_test(struct effect *effect, const char *circuit, const json_t *findings)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < json_array_size(findings) && i < DIFFERENCES_SHOWN; i++) {
        const char *finding = json_string_value(json_array_get(findings, i));
        buf_printf(&text, "%s%s", i ? "; " : "", finding ? finding : "?");
    }
    effect_fail(effect, true, "circuit %s did not pass its test: %s", circuit, buf_cstr(&text));
    buf_fini(&text);
}

static void
tested(struct effect *effect, const struct call_result *result)
{
    json_t *name = json_array_get(effect->circuits, json_array_size(effect->gathered));
    json_t *entries = json_object_get(result->value, "entries");
    if (result->err) {
        effect_fail(effect, err_is_passing(result->err), "circuit %s: %s", json_string_value(name),
                    result->text);
    } else if (!json_is_true(json_object_get(result->value, "ok")) || !json_is_array(entries)) {
        fail_test(effect, json_string_value(name), json_object_get(result->value, "findings"));
    } else {
        json_array_append_new(effect->gathered,
                              json_pack("{s:O, s:O}", "circuit", name, "entries", entries));
        test_next(effect);
    }
}

static void
test_next(struct effect *effect)
{
    size_t n = json_array_size(effect->gathered);
    if (n == json_array_size(effect->circuits))
        effect_done(effect, json_pack("{s:O}", "tests", effect->gathered));
    else
        effect_ask(effect, "assure.test",
                   json_pack("{s:O, s:s}", "circuit", json_array_get(effect->circuits, n), "reason",
                             "turn-up"),
                   tested);
}

void
action_test(struct effect *effect)
{
    if (!action_has_circuits(effect))
        return;
    effect->gathered = json_array();
    test_next(effect);
}

static bool
has_no_fingerprint(const struct effect *effect, const char *circuit)
{
    const struct circuit_status *status = state_circuit(effect->service->state, circuit);
    return status->phase != PHASE_ACTIVE || status->order != effect->work->id;
}

static void
finish(struct effect *effect)
{
    effect_done(effect, NULL);
}

static bool
check_entries(struct effect *effect, const json_t *circuits, const json_t *entries)
{
    size_t i;
    json_t *name;
    json_array_foreach(circuits, i, name)
    {
        const char *circuit = json_string_value(name);
        enum circuit_phase phase = state_circuit(effect->service->state, circuit)->phase;
        if (json_object_get(entries, circuit) && phase == PHASE_BUILT)
            continue;
        effect_fail(effect, false, "circuit %s is %s and was%s tested", circuit,
                    circuit_phase_word(phase), json_object_get(entries, circuit) ? "" : " not");
        return false;
    }
    return true;
}

static void
append_fingerprints(struct effect *effect, const json_t *circuits, const json_t *entries)
{
    size_t n = json_array_size(circuits);
    struct new_event *events = xcalloc(n, sizeof *events);
    char(*objects)[ACTION_OBJECT_SIZE] = xcalloc(n, sizeof *objects);
    for (size_t i = 0; i < n; i++) {
        json_t *name = json_array_get(circuits, i), *one = json_pack("[O]", name);
        events[i] = (struct new_event){
            .type = "circuit.fingerprint",
            .object = action_object(one, objects[i]),
            .actor = ORCHESTRATE_ACTOR,
            .body = json_pack("{s:I, s:O, s:O}", "order", (json_int_t)effect->work->id, "circuit",
                              name, "entries", json_object_get(entries, json_string_value(name))),
        };
        json_decref(one);
    }
    effect_append(effect, events, n, finish);
    free(events);
    free(objects);
}

void
action_fingerprint(struct effect *effect)
{
    if (!action_has_circuits(effect))
        return;
    json_t *circuits = action_circuits(effect, has_no_fingerprint);
    const json_t *entries = effect->work->tested;
    if (json_array_size(circuits) == 0)
        effect_done(effect, NULL);
    else if (check_entries(effect, circuits, entries))
        append_fingerprints(effect, circuits, entries);
    json_decref(circuits);
}

/* ---- Exceptions --------------------------------------------------------------------------------
 */

void
action_close_exception(struct effect *effect)
{
    const char *text = json_string_value(json_object_get(effect->params, "exception"));
    uint32_t id = text ? (uint32_t)strtoul(text, NULL, 10) : 0;
    const struct exception *exception = state_exception(effect->service->state, id);
    char object[32], reason[48];
    if (!exception) {
        effect_fail(effect, false, "there is no exception %s", text ? text : "of no number");
        return;
    }
    /* Another site's is closed there, when what it is about is over. */
    if (exception->state == EXCEPTION_CLOSED ||
        exception_site(id) != effect->service->config.number) {
        effect_done(effect, NULL);
        return;
    }
    exceptions_end(effect->service->exceptions, id);
    snprintf(object, sizeof object, "exception/%u", id);
    snprintf(reason, sizeof reason, "repaired by work order %u", effect->work->id);
    struct new_event event = {"exception.closed", object, ORCHESTRATE_ACTOR,
                              json_pack("{s:I, s:s}", "id", (json_int_t)id, "reason", reason)};
    effect_append(effect, &event, 1, finish);
}

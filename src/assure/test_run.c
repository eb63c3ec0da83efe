#include "assure/test_run.h"

#include "base/alloc.h"

#include <stdlib.h>

struct step {
    uint32_t session;
    struct load load;
};

struct test_run {
    struct circuit *circuit;
    struct test_options options;
    struct test_sessions sessions;
    struct entries before, entries;
    struct findings findings;
    uint32_t n_steps, at; /* `at` is the step to make next */
    struct step *steps;
    unsigned attempts; /* of this step that failed */
    const char **nodes;
    uint32_t n_nodes;
};

/* After how long a node is asked again. */
static const nsec_t delays[] = {NSEC_PER_SEC / 2, NSEC_PER_SEC, 2 * NSEC_PER_SEC, 4 * NSEC_PER_SEC,
                                8 * NSEC_PER_SEC};

static void
add_step(struct test_run *run, uint32_t session, enum load_kind kind)
{
    struct load load;
    /* What hinders a load is said once, for the first path. */
    if (!load_make(run->circuit, kind, &run->options.limits, &load,
                   session ? NULL : &run->findings))
        return;
    run->steps[run->n_steps++] = (struct step){session, load};
}

static void
make_steps(struct test_run *run)
{
    uint32_t n = run->sessions.n;
    run->steps = xcalloc(3 * (size_t)n + 1, sizeof *run->steps);
    for (uint32_t i = 0; i < n; i++) {
        add_step(run, i, LOAD_LATENCY);
        add_step(run, i, LOAD_COMMITTED);
    }
    for (uint32_t i = 0; i < n && run->options.full; i++) {
        if (run->sessions.list[i].path == PATH_PRIMARY)
            add_step(run, i, LOAD_EXCESS);
    }
}

static void
add_node(struct test_run *run, const char *name)
{
    for (uint32_t i = 0; i < run->n_nodes; i++) {
        if (!strcmp(run->nodes[i], name))
            return;
    }
    run->nodes = xrealloc(run->nodes, run->n_nodes + 1, sizeof *run->nodes);
    run->nodes[run->n_nodes++] = name;
}

static void
list_nodes(struct test_run *run)
{
    for (uint32_t i = 0; i < run->sessions.n; i++) {
        const struct test_session *s = &run->sessions.list[i];
        add_node(run, s->node);
        for (uint32_t r = 0; r < s->n_receivers; r++)
            add_node(run, s->receivers[r].node);
    }
}

enum err
test_run_new(const struct network *network, const struct circuit *circuit,
             const struct design *design, const struct test_options *options, const json_t *before,
             struct test_run **result, struct diag *diag)
{
    struct test_run *run = xcalloc(1, sizeof *run);
    run->options = *options;
    enum err err = test_sessions_make(network, circuit, design, options->paths, &run->sessions,
                                      &run->findings, diag);
    if (err) {
        test_run_free(run);
        return err;
    }
    run->circuit = circuit_copy(circuit);
    if (before && entries_from_json(before, &run->before, diag))
        findings_add(&run->findings, SEVERITY_WARNING, "no-comparison", "circuit", circuit->name,
                     NULL, "the previous fingerprint cannot be read");
    make_steps(run);
    list_nodes(run);
    *result = run;
    return ERR_OK;
}

void
test_run_free(struct test_run *run)
{
    if (!run)
        return;
    circuit_free(run->circuit);
    test_sessions_fini(&run->sessions);
    entries_fini(&run->before);
    entries_fini(&run->entries);
    findings_fini(&run->findings);
    free(run->steps);
    free(run->nodes);
    free(run);
}

uint32_t
test_run_nodes(const struct test_run *run, const char *const **names)
{
    *names = run->nodes;
    return run->n_nodes;
}

uint32_t
test_run_rate(const struct test_run *run)
{
    return run->at == run->n_steps ? 0 : load_packet_rate(&run->steps[run->at].load);
}

bool
test_run_next(struct test_run *run, const char *id, struct test_call *call)
{
    if (run->at == run->n_steps)
        return false;
    const struct step *step = &run->steps[run->at];
    const struct test_session *s = &run->sessions.list[step->session];
    *call = (struct test_call){
        .node = s->node,
        .delay = run->attempts ? delays[run->attempts - 1] : 0,
        .sending = load_duration(&step->load),
        .timeout = test_start_duration(&step->load),
        .params = test_start_params(s, &step->load, id),
    };
    return true;
}

static void
finish(struct test_run *run)
{
    run->at = run->n_steps;
    verdict_entries(run->circuit, &run->entries, &run->before, &run->findings);
    if (run->options.full)
        verdict_noise(run->circuit, &run->entries, &run->findings);
}

static void
give_up(struct test_run *run, const char *text)
{
    const struct test_session *s = &run->sessions.list[run->steps[run->at].session];
    findings_add(&run->findings, SEVERITY_ERROR, "test-failed", "circuit", run->circuit->name, NULL,
                 "the %s path could not be tested, node %s: %s", test_path_word(s->path), s->node,
                 text);
    finish(run);
}

/* To the next step, past those that make no sense when nothing arrived. */
static void
advance(struct test_run *run, bool alive)
{
    uint32_t session = run->steps[run->at].session;
    uint32_t kept = ++run->at;
    run->attempts = 0;
    for (uint32_t i = run->at; i < run->n_steps && !alive; i++) {
        if (run->steps[i].session != session)
            run->steps[kept++] = run->steps[i];
    }
    if (!alive)
        run->n_steps = kept;
    if (run->at == run->n_steps)
        finish(run);
}

static bool
anything_arrived(const struct node_answer *a)
{
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->receivers[i].round_trip.received)
            return true;
    }
    return false;
}

static void
take_answer(struct test_run *run, const json_t *json, nsec_t wall)
{
    const struct step *step = &run->steps[run->at];
    const struct test_session *s = &run->sessions.list[step->session];
    struct node_answer answer;
    struct diag diag = {""};
    if (node_answer_read(json, s, &step->load, &answer, &diag)) {
        give_up(run, diag.text);
        return;
    }
    if (step->load.kind == LOAD_EXCESS)
        verdict_excess(run->circuit, s, &step->load, &answer, &run->findings);
    else
        entries_add(&run->entries, s, &step->load, &answer, wall, run->options.one_clock,
                    run->circuit->name, &run->findings);
    advance(run, anything_arrived(&answer));
    node_answer_fini(&answer);
}

void
test_run_answer(struct test_run *run, enum err err, const char *text, const json_t *answer,
                nsec_t wall)
{
    bool may_pass = err == ERR_CLOSED || err == ERR_IO || err == ERR_BUSY || err == ERR_LIMIT;
    if (run->at == run->n_steps)
        return;
    if (!err)
        take_answer(run, answer, wall);
    else if (may_pass && run->attempts < ARRAY_SIZE(delays))
        run->attempts++;
    else
        give_up(run, text && *text ? text : err_text(err));
}

void
test_run_stop(struct test_run *run, const char *why)
{
    if (run->at < run->n_steps)
        run->at = run->n_steps;
    findings_add(&run->findings, SEVERITY_ERROR, "stopped", "circuit", run->circuit->name, NULL,
                 "the test was stopped: %s", why);
}

json_t *
test_run_result(const struct test_run *run)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < run->findings.n; i++)
        json_array_append_new(findings, json_string(run->findings.items[i].text));
    return json_pack("{sb so so}", "ok", !run->findings.counts[SEVERITY_ERROR], "entries",
                     entries_to_json(&run->entries, run->circuit->name), "findings", findings);
}

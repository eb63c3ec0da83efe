/* What an order has designed and not reserved is held for it: no other order gets its numbers,
 * whatever happens to the program meanwhile. */
#include "orchestrate/service_testing.h"

#include <sys/stat.h>
#include <unistd.h>

#define MODEL                                                                                      \
    "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT               \
    ", {'name': 'ssh-rtu', 'ip': {'client': 'fep', 'server': 'rtu', 'protocol': 'tcp',"            \
    " 'server-ports': [22]}, 'service-class': 'engineering', 'rate-kbps': 500}]}}"

/* Reserves, gives back, and designs the same again, which then waits. */
static const char twice[] =
    "workflow: twice\n"
    "input: {circuits: {type: list, items: text, required: true}}\n"
    "steps:\n"
    "- {name: design, action: circuit.design, with: {circuits: \"${input.circuits}\"}}\n"
    "- {name: reserve, action: circuit.reserve,\n"
    "   with: {circuits: \"${input.circuits}\", plan: \"${steps.design.result.plan}\"}}\n"
    "- {name: release, action: circuit.release, with: {circuits: \"${input.circuits}\"}}\n"
    "- {name: again, action: circuit.design, with: {circuits: \"${input.circuits}\"}}\n"
    "- {name: pause, timer: {for: 1h}}\n"
    "- {name: second, action: circuit.reserve,\n"
    "   with: {circuits: \"${input.circuits}\", plan: \"${steps.again.result.plan}\"}}\n";

static void
write_workflow(struct bench *b, const char *text)
{
    static char directory[TEST_PATH_SIZE];
    char path[TEST_PATH_SIZE + 16];
    test_path(&b->dir, "workflows", directory);
    assert_int_equal(mkdir(directory, 0700), 0);
    snprintf(path, sizeof path, "%s/twice.yaml", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    b->workflows = directory;
}

static void
remove_workflow(struct bench *b)
{
    char path[TEST_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/twice.yaml", b->workflows);
    unlink(path);
    rmdir(b->workflows);
}

/* The number that the design step of the order gave its circuit; 0: not yet. */
static json_int_t
number_of(struct bench *b, const char *run, const char *step)
{
    json_t *event, *events = bench_events(b, "step.done");
    json_int_t number = 0;
    size_t i;
    json_array_foreach(events, i, event)
    {
        const json_t *body = json_object_get(event, "body");
        const json_t *plan = json_object_get(json_object_get(body, "result"), "plan");
        if (!strcmp(json_string_value(json_object_get(body, "run")), run) &&
            !strcmp(json_string_value(json_object_get(body, "step")), step))
            number = json_integer_value(
                json_object_get(json_array_get(json_object_get(plan, "designs"), 0), "number"));
    }
    json_decref(events);
    return number;
}

static void
run_second_design(struct bench *b, bool restart)
{
    write_workflow(b, twice);
    bench_restart(b);
    bench_put(b, MODEL);
    bench_submit(b, "twice", "{'circuits': ['scada-rtu']}");
    RUN_UNTIL(b->loop, number_of(b, "1", "again"));
    assert_int_equal(number_of(b, "1", "again"), number_of(b, "1", "design"));
    if (restart)
        bench_restart(b);
    bench_submit(b, "twice", "{'circuits': ['ssh-rtu']}");
    RUN_UNTIL(b->loop, number_of(b, "2", "again"));
    assert_int_not_equal(number_of(b, "2", "again"), number_of(b, "1", "again"));
    assert_int_not_equal(number_of(b, "2", "design"), number_of(b, "1", "again"));
    remove_workflow(b);
}

static void
what_was_given_back_and_designed_again_is_held(void **state)
{
    run_second_design(*state, false);
}

static void
it_is_held_by_the_next_program_too(void **state)
{
    run_second_design(*state, true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_given_back_and_designed_again_is_held,
                                        bench_set_up, bench_tear_down),
        cmocka_unit_test_setup_teardown(it_is_held_by_the_next_program_too, bench_set_up,
                                        bench_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

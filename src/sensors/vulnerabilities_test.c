/* Devices that sensors have told of, held against advisories in a directory that changes. */
#include "sensors/service.h"

#include "bus/local.h"
#include "io/file.h"
#include "journal/testing.h"
#include "model/testing.h"

#include <unistd.h>

/* Of an RTU-560 below firmware 3.2: two vulnerabilities, the second is the graver one. */
#define ADVISORY                                                                                   \
    "{'document':{'category':'csaf_security_advisory','csaf_version':'2.0','title':'Example',"     \
    "'publisher':{'name':'Example CERT'},'tracking':{'id':'%s'}},'product_tree':{'branches':["     \
    "{'category':'vendor','name':'ABB','branches':[{'category':'product_name','name':'RTU-560',"   \
    "'branches':[{'category':'product_version_range','name':'< 3.2','product':{'product_id':'A',"  \
    "'name':'RTU-560 below 3.2'}}]}]}]},'vulnerabilities':["                                       \
    "{'cve':'CVE-2026-0001','product_status':{'known_affected':['A']},'scores':[{'products':["     \
    "'A'],'cvss_v3':{'baseScore':5.5,'baseSeverity':'MEDIUM'}}],'remediations':[{'category':"      \
    "'vendor_fix','details':'Update','product_ids':['A']}]},"                                      \
    "{'cve':'CVE-2026-0002','product_status':{'known_affected':['A']},'scores':[{'products':["     \
    "'A'],'cvss_v3':{'baseScore':9.1,'baseSeverity':'CRITICAL'}}],'remediations':[{'category':"    \
    "'vendor_fix','details':'Update','product_ids':['A']}]}]}"
#define DEVICE                                                                                     \
    "{'sensor':'s1','change':'new','asset':{'address':'10.0.0.%u',"                                \
    "'first':'2026-11-30T10:00:00Z','last':'2026-11-30T10:00:00Z',"                                \
    "'vendor':{'value':'ABB','from':'x','confidence':95},"                                         \
    "'model':{'value':'RTU-560','from':'x','confidence':95},"                                      \
    "'firmware':{'value':'%s','from':'x','confidence':95}}}"

struct place {
    struct scene *scene;
    struct bus *bus;
    struct state *state;
    struct journal_subscription *events;
    struct sensors_service *service;
    struct test_dir advisories;
    uint32_t number;
    unsigned n_told, n_gone;
};

static void
on_event(void *arg, const struct journal_event *e)
{
    struct place *p = arg;
    struct diag diag = {""};
    json_t *body = json_loadb(e->body, e->body_size, 0, NULL);
    const struct state_event event = {e->seq,   e->time, e->type,  e->object,
                                      e->actor, body,    p->number};
    if (state_apply(p->state, &event, &diag))
        fail_msg("%s", diag.text);
    p->n_told += !strcmp(e->type, "sensor.vulnerability");
    p->n_gone += !strcmp(e->type, "sensor.vulnerability.gone");
    if (p->service)
        sensors_service_event(p->service, &event);
    json_decref(body);
}

static void
start(struct place *p)
{
    struct diag diag = {""};
    const struct sensors_service_config config = {.loop = p->scene->loop,
                                                  .bus = p->bus,
                                                  .journal = p->scene->journal,
                                                  .state = p->state,
                                                  .site = "cc",
                                                  .number = p->number,
                                                  .advisories = p->advisories.path,
                                                  .options.advisories = NSEC_PER_MSEC};
    if (sensors_service_new(&config, &p->service, &diag))
        fail_msg("%s", diag.text);
}

static void
stop(struct place *p)
{
    sensors_service_free(p->service);
    p->service = NULL;
}

static int
set_up(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);
    struct diag diag;
    void *scene;
    scene_set_up(&scene);
    p->scene = scene;
    scene_open(p->scene);
    p->advisories = test_dir_make();
    p->bus = bus_local_new(p->scene->loop, 0, 0);
    p->state = state_new();
    assert_ok(journal_subscribe(p->scene->journal, 1, on_event, p, &p->events, &diag));
    *state = p;
    return 0;
}

static int
tear_down(void **state)
{
    struct place *p = *state;
    void *scene = p->scene;
    stop(p);
    test_dir_remove(&p->advisories);
    bus_free(p->bus);
    journal_unsubscribe(p->events);
    scene_tear_down(&scene);
    state_free(p->state);
    free(p);
    return 0;
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void
put_advisory(struct place *p, const char *id)
{
    struct diag diag = {""};
    char *quoted = xasprintf(ADVISORY, id), *path = xasprintf("%s/%s.json", p->advisories.path, id);
    json_t *json = json_quoted(quoted);
    char *text = json_dumps(json, 0);
    assert_ok(file_write(path, text, strlen(text), 0600, false, &diag));
    json_decref(json);
    free(quoted);
    free(path);
    free(text);
}

static void
remove_advisory(struct place *p, const char *id)
{
    char *path = xasprintf("%s/%s.json", p->advisories.path, id);
    assert_int_equal(unlink(path), 0);
    free(path);
}

static void
tell_device(struct place *p, unsigned number, const char *firmware)
{
    char *quoted = xasprintf(DEVICE, number, firmware);
    json_t *json = json_quoted(quoted);
    char *text = json_dumps(json, 0);
    const struct journal_entry entry = {
        .type = "sensor.asset", .object = "asset/x", .actor = "system/sensors", .body = text};
    assert_ok(append_and_wait(p->scene, &entry, 1).err);
    json_decref(json);
    free(quoted);
    free(text);
}

static const struct sensing_vulnerability *
known(const struct place *p, unsigned device, const char *advisory)
{
    char *address = xasprintf("10.0.0.%u", device);
    const struct sensing_vulnerability *v = sensing_vulnerability(&p->state->sensing, p->number,
                                                                  "s1", address, 0, advisory);
    free(address);
    return v;
}

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void
a_device_that_is_affected_is_in_the_journal(void **state)
{
    struct place *p = *state;
    put_advisory(p, "EX-1");
    tell_device(p, 1, "3.1");
    tell_device(p, 2, "3.2"); /* the fixed one */
    start(p);
    RUN_UNTIL(p->scene->loop, known(p, 1, "EX-1"));
    const json_t *told = json_object_get(known(p, 1, "EX-1")->body, "vulnerability"),
                 *list = json_object_get(told, "vulnerabilities");
    assert_string_equal(text_of(told, "publisher"), "Example CERT");
    assert_string_equal(text_of(told, "severity"), "CRITICAL"); /* of the graver */
    assert_float_equal(json_number_value(json_object_get(told, "score")), 9.1, 0.01);
    assert_string_equal(text_of(told, "status"), "affected");
    assert_string_equal(text_of(told, "remedy"), "vendor_fix: Update");
    assert_non_null(strstr(text_of(told, "reason"), "firmware 3.1 is below 3.2"));
    assert_string_equal(json_string_value(json_array_get(json_object_get(told, "cves"), 1)),
                        "CVE-2026-0002");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text_of(json_array_get(list, 0), "severity"), "MEDIUM");
    assert_null(json_object_get(json_array_get(list, 0), "remedy")); /* stands once */
    assert_int_equal(p->n_told, 1);
}

static void
what_is_known_is_not_told_again(void **state)
{
    struct place *p = *state;
    put_advisory(p, "EX-1");
    tell_device(p, 1, "3.1");
    start(p);
    RUN_UNTIL(p->scene->loop, known(p, 1, "EX-1"));
    stop(p);
    start(p);
    tell_device(p, 2, "3.0"); /* judged after the first */
    RUN_UNTIL(p->scene->loop, known(p, 2, "EX-1"));
    tell_device(p, 3, "3.0");
    RUN_UNTIL(p->scene->loop, known(p, 3, "EX-1"));
    assert_int_equal(p->n_told, 3);
}

static void
a_new_advisory_counts_at_once_and_one_that_goes_no_longer(void **state)
{
    struct place *p = *state;
    put_advisory(p, "EX-1");
    tell_device(p, 1, "3.1");
    start(p);
    RUN_UNTIL(p->scene->loop, known(p, 1, "EX-1"));
    put_advisory(p, "EX-2");
    RUN_UNTIL(p->scene->loop, known(p, 1, "EX-2"));
    assert_int_equal(p->n_told, 2);
    remove_advisory(p, "EX-1");
    RUN_UNTIL(p->scene->loop, !known(p, 1, "EX-1"));
    assert_int_equal(p->n_gone, 1);
    assert_non_null(known(p, 1, "EX-2"));
}

static void
firmware_that_was_updated_is_not_affected(void **state)
{
    struct place *p = *state;
    put_advisory(p, "EX-1");
    tell_device(p, 1, "3.1");
    tell_device(p, 2, "3.1");
    start(p);
    RUN_UNTIL(p->scene->loop, known(p, 1, "EX-1") && known(p, 2, "EX-1"));
    tell_device(p, 1, "3.2");
    RUN_UNTIL(p->scene->loop, !known(p, 1, "EX-1"));
    assert_int_equal(p->n_gone, 1);
    assert_non_null(known(p, 2, "EX-1"));
}

/* The centre judges what sites have told as well; a site only its own. */
static void
a_centre_judges_the_devices_of_all_sites(void **state)
{
    struct place *p = *state;
    struct diag diag = {""};
    put_advisory(p, "EX-1");
    for (uint32_t site = 0; site < 6; site += 5) {
        char *quoted = xasprintf(DEVICE, 7 + site, "3.1");
        const struct state_event event = {.seq = 1,
                                          .type = "sensor.asset",
                                          .object = "asset/x",
                                          .actor = "x",
                                          .body = json_quoted(quoted),
                                          .site = site};
        assert_ok(state_apply(p->state, &event, &diag));
        json_decref((json_t *)(uintptr_t)event.body);
        free(quoted);
    }
    start(p);
    RUN_UNTIL(p->scene->loop, HASH_COUNT(p->state->sensing.vulnerabilities) == 2);
    assert_non_null(sensing_vulnerability(&p->state->sensing, 5, "s1", "10.0.0.12", 0, "EX-1"));
    stop(p);
    sensing_forget(&p->state->sensing, 0);
    p->number = 5;
    tell_device(p, 1, "3.1");
    start(p);
    RUN_UNTIL(p->scene->loop, HASH_COUNT(p->state->sensing.vulnerabilities) == 2);
    tell_device(p, 2, "3.1");
    RUN_UNTIL(p->scene->loop, known(p, 2, "EX-1"));
    assert_int_equal(p->state->sensing.vulnerabilities->of, 5);
    assert_null(sensing_vulnerability(&p->state->sensing, 0, "s1", "10.0.0.7", 0, "EX-1"));
}

/* What its writers say without end has room in an event, and is told. */
static void
an_advisory_of_many_words_is_told(void **state)
{
    struct place *p = *state;
    struct diag diag = {""};
    char *quoted = xasprintf(ADVISORY, "EX-1"), *path = xasprintf("%s/a.json", p->advisories.path),
         words[20001];
    for (size_t i = 0; i + 4 < sizeof words; i += 4)
        memcpy(words + i, "\xe2\x82\xac\n", 5); /* a character of three octets, and a line's end */
    json_t *json = json_quoted(quoted), *more = json_array();
    for (unsigned i = 0; i < 300; i++) {
        json_t *v = json_deep_copy(json_array_get(json_object_get(json, "vulnerabilities"), i % 2));
        json_t *remedy = json_array_get(json_object_get(v, "remediations"), 0);
        json_object_set_new(remedy, "details", json_string(i % 3 ? words : "Update"));
        json_object_set_new(remedy, "url", json_string(i % 5 ? words : "https://example.org"));
        json_object_set_new(v, "cve", json_string(i % 7 ? "CVE-2026-0001" : words));
        json_array_append_new(more, v);
    }
    json_object_set_new(json, "vulnerabilities", more);
    json_object_set_new(json_object_get(json, "document"), "title", json_string(words));
    char *text = json_dumps(json, 0);
    assert_ok(file_write(path, text, strlen(text), 0600, false, &diag));
    tell_device(p, 1, "3.1");
    start(p);
    RUN_UNTIL(p->scene->loop, known(p, 1, "EX-1"));
    const json_t *told = json_object_get(known(p, 1, "EX-1")->body, "vulnerability");
    size_t listed = json_array_size(json_object_get(told, "vulnerabilities"));
    assert_true(listed > 1);
    assert_int_equal(json_integer_value(json_object_get(told, "left-out")), 300 - listed);
    assert_memory_equal(text_of(told, "title"), words, strlen(text_of(told, "title")));
    assert_int_equal(p->n_told, 1);
    json_decref(json);
    free(quoted);
    free(path);
    free(text);
}

static void
the_service_may_go_while_it_reads(void **state)
{
    struct place *p = *state;
    for (unsigned i = 0; i < 40; i++) {
        char id[16];
        snprintf(id, sizeof id, "EX-%u", i);
        put_advisory(p, id);
    }
    for (unsigned i = 1; i < 30; i++)
        tell_device(p, i, "3.1");
    for (unsigned turns = 1; turns < 40 && !p->n_told; turns++) {
        start(p);
        RUN_UNTIL(p->scene->loop, turns++ > 2 || p->n_told);
        for (unsigned i = 0; i < turns; i++)
            uv_run(p->scene->loop, UV_RUN_ONCE);
        stop(p);
    }
    assert_true(p->n_told); /* it got so far once */
}

TEST_MAIN(IN_PLACE(a_device_that_is_affected_is_in_the_journal),
          IN_PLACE(what_is_known_is_not_told_again),
          IN_PLACE(a_new_advisory_counts_at_once_and_one_that_goes_no_longer),
          IN_PLACE(firmware_that_was_updated_is_not_affected),
          IN_PLACE(a_centre_judges_the_devices_of_all_sites),
          IN_PLACE(an_advisory_of_many_words_is_told), IN_PLACE(the_service_may_go_while_it_reads))

/* A node's answer to `test.start`, on its whole way: read, made into entries, judged by a test and
 * by surveillance, written as a fingerprint and read again. */
#include "fuzz.h"

#include "assure/verdict.h"
#include "assure/watch.h"
#include "base/alloc.h"

#include <string.h>

static void
ignore_news(void *arg, const struct watch_news *news)
{
    (void)arg;
    check(news->exception && news->text && (news->change == WATCH_CLEARED || news->evidence));
}

/* Whatever a node says, what is made of it can be written and read. */
static void
write_and_read(const struct entries *entries)
{
    json_t *json = entries_to_json(entries, "c");
    struct entries again = {0};
    check(!entries_from_json(json, &again, NULL));
    check(again.n == entries->n);
    for (uint32_t i = 0; i < again.n; i++)
        check(again.list[i].lost == entries->list[i].lost &&
              again.list[i].lost <= again.list[i].sent);
    entries_fini(&again);
    json_decref(json);
}

static void
judge(const struct circuit *circuit, const struct entries *entries)
{
    struct watch *watch = watch_new(entries);
    struct watch_context context = {circuit, 0, ignore_news, NULL};
    struct findings findings = {0};
    verdict_entries(circuit, entries, entries, &findings);
    for (int i = 0; i < 8; i++) {
        context.now += 10 * NSEC_PER_SEC;
        watch_round(watch, PATH_PRIMARY, entries, &context);
    }
    json_decref(watch_to_json(watch));
    watch_free(watch);
    findings_fini(&findings);
}

static void
take(const json_t *json, const struct test_session *session, const struct circuit *circuit)
{
    static const struct load loads[] = {{LOAD_LATENCY, 100, 1000, 128},
                                        {LOAD_COMMITTED, 100, 1000, 128}};
    struct entries entries = {0};
    struct findings findings = {0};
    struct node_answer answer;
    if (node_answer_read(json, session, &loads[0], &answer, NULL))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
        entries_add(&entries, session, &loads[i], &answer, NSEC_PER_SEC, i > 0, circuit->name,
                    &findings);
    verdict_excess(circuit, session, &loads[1], &answer, &findings);
    if (entries.n) {
        write_and_read(&entries);
        judge(circuit, &entries);
    }
    node_answer_fini(&answer);
    entries_fini(&entries);
    findings_fini(&findings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *hosts[] = {(char *)"h1", (char *)"h2"};
    struct test_receiver receivers[] = {
        {.node = (char *)"n1", .address = 0x0a000001, .n_hosts = 2, .hosts = hosts},
        {.node = (char *)"n2", .address = 0x0a000002, .n_hosts = 1, .hosts = hosts}};
    struct test_session session = {.node = (char *)"n0", .host = (char *)"h0"};
    struct circuit circuit = {
        .name = (char *)"c", .rate_kbps = 1000, .burst_octets = 15000, .max_latency_us = 4000};
    json_t *json = json_loadb((const char *)data, size, 0, NULL);
    session.receivers = receivers;
    for (session.n_receivers = 1; session.n_receivers <= 2; session.n_receivers++) {
        session.in_band = session.n_receivers == 1;
        take(json, &session, &circuit);
    }
    json_decref(json);
    return 0;
}

#include "journal/verify.h"

#include "journal/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A walk along the chain: what was seen last, and what is wrong so far. */
struct walk {
    struct journal_report *report;
    struct journal_hasher hasher;
    const struct journal_head *remembered; /* NULL: none */
    uint64_t next;                         /* seq that should come next */
    bool linked; /* report->head is of the event before that one, or of the identity */
};

const char *
journal_fault_name(enum journal_fault fault)
{
    static const char *const names[JOURNAL_FAULT_MAX] = {
        [JOURNAL_CHANGED] = "changed",     [JOURNAL_REPLACED] = "replaced",
        [JOURNAL_MISSING] = "missing",     [JOURNAL_TRUNCATED] = "truncated",
        [JOURNAL_ADDED] = "added",         [JOURNAL_FOREIGN] = "foreign",
        [JOURNAL_BACKWARDS] = "backwards", [JOURNAL_FORKED] = "forked",
        [JOURNAL_DAMAGED] = "damaged",
    };
    return fault < JOURNAL_FAULT_MAX ? names[fault] : "?";
}

static void add_finding(struct journal_report *, enum journal_fault, uint64_t first, uint64_t last,
                        const char *format, ...) PRINTF_LIKE(5, 6);

static void
add_finding(struct journal_report *report, enum journal_fault fault, uint64_t first, uint64_t last,
            const char *format, ...)
{
    uint64_t n = report->n_findings++;
    if (n >= JOURNAL_FINDINGS_MAX)
        return;
    struct journal_finding *finding = &report->findings[n];
    *finding = (struct journal_finding){.fault = fault, .first = first, .last = last};
    size_t used = 0;
    const char *name = journal_fault_name(fault);
    if (first == last)
        used = (size_t)snprintf(finding->text, sizeof finding->text,
                                "event %llu %s: ", (unsigned long long)first, name);
    else
        used = (size_t)snprintf(finding->text, sizeof finding->text,
                                "events %llu to %llu %s: ", (unsigned long long)first,
                                (unsigned long long)last, name);
    va_list args;
    va_start(args, format);
    vsnprintf(finding->text + used, sizeof finding->text - used, format, args);
    va_end(args);
}

static bool
same_hash(const uint8_t *a, const uint8_t *b)
{
    return !memcmp(a, b, JOURNAL_HASH_SIZE);
}

static void
report_content(struct walk *walk, const struct journal_event *event, const uint8_t *hash)
{
    char computed[JOURNAL_HASH_TEXT_SIZE], stored[JOURNAL_HASH_TEXT_SIZE];
    add_finding(walk->report, JOURNAL_CHANGED, event->seq, event->seq,
                "its content has the hash %s..., stored is %s...",
                journal_hash_text(hash, computed), journal_hash_text(event->hash, stored));
}

/* Does a sound event follow the one before it? */
static void
check_link(struct walk *walk, const struct journal_event *event)
{
    const struct journal_head *before = &walk->report->head;
    char expected[JOURNAL_HASH_TEXT_SIZE], found[JOURNAL_HASH_TEXT_SIZE];
    if (same_hash(event->prev_hash, before->hash))
        return;
    journal_hash_text(event->prev_hash, expected);
    journal_hash_text(before->hash, found);
    if (event->seq == 1)
        add_finding(walk->report, JOURNAL_FOREIGN, 1, 1,
                    "it begins a journal with the hash %s..., this one has %s...", expected, found);
    else
        add_finding(walk->report, JOURNAL_REPLACED, before->seq, before->seq,
                    "the next one follows the hash %s..., this one has %s...", expected, found);
}

static void
check_order(struct walk *walk, const struct journal_event *event)
{
    const struct journal_head *before = &walk->report->head;
    if (event->epoch < before->epoch)
        add_finding(walk->report, JOURNAL_BACKWARDS, event->seq, event->seq,
                    "epoch %llu comes after epoch %llu", (unsigned long long)event->epoch,
                    (unsigned long long)before->epoch);
    else if (event->epoch == before->epoch && event->time < before->time)
        add_finding(walk->report, JOURNAL_BACKWARDS, event->seq, event->seq,
                    "it is %lld ns older than the one before",
                    (long long)(before->time - event->time));
}

static void
check_remembered(struct walk *walk, const struct journal_event *event)
{
    const struct journal_head *remembered = walk->remembered;
    char expected[JOURNAL_HASH_TEXT_SIZE], found[JOURNAL_HASH_TEXT_SIZE];
    if (!remembered || event->seq != remembered->seq || same_hash(event->hash, remembered->hash))
        return;
    add_finding(walk->report, JOURNAL_FORKED, event->seq, event->seq,
                "its hash is %s..., remembered is %s...", journal_hash_text(event->hash, found),
                journal_hash_text(remembered->hash, expected));
}

/* A changed event says nothing about the one before it: only a sound one's link is looked at. */
static void
check_place(struct walk *walk, const struct journal_event *event, bool sound)
{
    if (event->seq == 0)
        add_finding(walk->report, JOURNAL_ADDED, 0, 0, "the first event of a journal is 1");
    else if (event->seq != walk->next)
        add_finding(walk->report, JOURNAL_MISSING, walk->next, event->seq - 1,
                    "event %llu comes next", (unsigned long long)event->seq);
    else if (walk->linked && sound)
        check_link(walk, event);
}

/* The driver promises that seqs ascend, and that they are not negative. */
static bool
check_event(void *arg, const struct journal_event *stored)
{
    struct walk *walk = arg;
    struct journal_report *report = walk->report;
    struct journal_event event = *stored;
    uint8_t hash[JOURNAL_HASH_SIZE];
    event.site = report->identity.site;
    journal_event_hash(&walk->hasher, &event, hash);
    bool sound = same_hash(hash, event.hash);
    check_place(walk, &event, sound);
    if (!sound)
        report_content(walk, &event, hash);
    if (walk->linked)
        check_order(walk, &event);
    check_remembered(walk, &event);
    report->n_events++;
    report->head = (struct journal_head){event.seq, event.epoch, event.time, {0}};
    memcpy(report->head.hash, event.hash, JOURNAL_HASH_SIZE);
    walk->next = event.seq + 1;
    walk->linked = true;
    return true;
}

/* Is the last event the one recorded as such? */
static void
check_end(struct walk *walk, const struct journal_head *recorded)
{
    struct journal_report *report = walk->report;
    const struct journal_head *end = &report->head;
    char expected[JOURNAL_HASH_TEXT_SIZE], found[JOURNAL_HASH_TEXT_SIZE];
    if (recorded->seq > end->seq)
        add_finding(report, JOURNAL_TRUNCATED, end->seq + 1, recorded->seq,
                    "the last event is recorded to be %llu", (unsigned long long)recorded->seq);
    else if (recorded->seq < end->seq)
        add_finding(report, JOURNAL_ADDED, recorded->seq + 1, end->seq,
                    "the last event is recorded to be %llu", (unsigned long long)recorded->seq);
    else if (!same_hash(recorded->hash, end->hash))
        add_finding(report, JOURNAL_REPLACED, end->seq, end->seq,
                    "the last event is recorded to have the hash %s..., this one has %s...",
                    journal_hash_text(recorded->hash, expected),
                    journal_hash_text(end->hash, found));
}

static void
check_remembered_end(struct walk *walk)
{
    const struct journal_head *remembered = walk->remembered;
    const struct journal_head *end = &walk->report->head;
    if (remembered && remembered->seq > end->seq)
        add_finding(walk->report, JOURNAL_TRUNCATED, end->seq + 1, remembered->seq,
                    "event %llu is remembered", (unsigned long long)remembered->seq);
}

/* Before the first event. */
static void
start_walk(struct walk *walk, struct journal_report *report)
{
    journal_hasher_init(&walk->hasher);
    walk->report = report;
    walk->next = 1;
    walk->linked = true;
    report->head.epoch = report->identity.epoch;
    journal_identity_hash(&walk->hasher, &report->identity, report->head.hash);
}

static enum err
walk_all(struct walk *walk, const struct store_driver *driver, struct store *store,
         struct diag *diag)
{
    struct journal_head recorded;
    enum err err = driver->read(store, &(struct journal_query){0}, check_event, walk, diag);
    if (!err)
        err = driver->head(store, &recorded, diag);
    if (!err) {
        check_end(walk, &recorded);
        check_remembered_end(walk);
    }
    return err;
}

static enum err
verify_store(const struct store_driver *driver, struct store *store,
             const struct journal_head *remembered, struct journal_report *report,
             struct diag *diag)
{
    struct walk walk = {.remembered = remembered};
    enum err err = driver->begin_read(store, diag);
    if (err)
        return err;
    err = driver->identity(store, &report->identity, diag);
    if (!err) {
        start_walk(&walk, report);
        err = walk_all(&walk, driver, store, diag);
        journal_hasher_fini(&walk.hasher);
    }
    driver->end_read(store);
    return err;
}

enum err
journal_verify(const char *path, const struct journal_head *remembered,
               struct journal_report *report, struct diag *diag)
{
    const struct store_driver *driver = store_driver_for(path);
    struct store *store = NULL;
    struct diag why = {""};
    *report = (struct journal_report){0};
    enum err err = driver->open_reader(path, &store, &why);
    if (!err)
        err = verify_store(driver, store, remembered, report, &why);
    driver->close(store);
    if (err == ERR_CORRUPT)
        add_finding(report, JOURNAL_DAMAGED, report->head.seq + 1, report->head.seq + 1, "%s",
                    why.text);
    else if (err)
        return diag_set(diag, err, "%s", why.text);
    if (!report->n_findings)
        return ERR_OK;
    return diag_set(diag, ERR_CORRUPT, "%s: %s", path, report->findings[0].text);
}

enum err
journal_check_tail(const struct store_driver *driver, struct store *store, uint64_t n,
                   struct journal_head *head, struct diag *diag)
{
    struct journal_report report = {0};
    struct journal_head recorded;
    enum err err = driver->identity(store, &report.identity, diag);
    if (!err)
        err = driver->head(store, &recorded, diag);
    if (err)
        return err;
    struct walk walk = {0};
    start_walk(&walk, &report);
    struct journal_query tail = {0};
    if (recorded.seq > n) {
        report.head.seq = recorded.seq - n;
        tail.from = walk.next = report.head.seq + 1;
        walk.linked = false; /* that one's hash is not known */
    }
    err = driver->read(store, &tail, check_event, &walk, diag);
    if (!err)
        check_end(&walk, &recorded);
    journal_hasher_fini(&walk.hasher);
    if (!err && report.n_findings)
        err = diag_set(diag, ERR_CORRUPT, "%s", report.findings[0].text);
    if (!err)
        *head = report.head;
    return err;
}

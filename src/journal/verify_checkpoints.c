#include "journal/verify_checkpoints.h"

#include "base/alloc.h"
#include "journal/checkpoint_log.h"
#include "journal/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long ull;

struct entry {
    struct checkpoint c;
    bool is_countersigned, agrees;
};

struct check {
    char origin[CHECKPOINT_ORIGIN_MAX + 1];
    const struct content_trust *trust;
    struct entry *entries; /* of this journal, by size and root */
    size_t n, capacity;
    size_t next; /* to be compared */
    struct merkle_tree tree;
    struct checkpoints_report *report;
};

const char *
checkpoint_fault_name(enum checkpoint_fault fault)
{
    static const char *const names[] = {"truncated", "differs",  "forked",
                                        "foreign",   "unsigned", "damaged"};
    return names[fault];
}

static void PRINTF_LIKE(3, 4)
    find(struct check *k, struct checkpoint_finding finding, const char *format, ...)
{
    va_list args;
    if (k->report->n_findings++ >= CHECKPOINT_FINDINGS_MAX)
        return;
    va_start(args, format);
    vsnprintf(finding.text, sizeof finding.text, format, args);
    va_end(args);
    k->report->findings[k->report->n_findings - 1] = finding;
}

/* ---- The checkpoints ---- */

static int
compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->c.size != y->c.size)
        return x->c.size < y->c.size ? -1 : 1;
    return memcmp(x->c.root.octets, y->c.root.octets, sizeof x->c.root.octets);
}

static void
take(struct check *k, const char *note, size_t size)
{
    struct entry e = {.agrees = false};
    char site[JOURNAL_SITE_MAX + 1];
    if (checkpoint_parse(note, size, &e.c, NULL) || !checkpoint_site(e.c.origin, site)) {
        find(k, (struct checkpoint_finding){.fault = CHECKPOINT_DAMAGED},
             "a note is no checkpoint of a journal");
        return;
    }
    if (k->trust && !checkpoint_is_signed(note, size, site, k->trust)) {
        find(k, (struct checkpoint_finding){.fault = CHECKPOINT_UNSIGNED, .size = e.c.size},
             "a checkpoint of %llu events is not signed with a trusted key of its site, %s",
             (ull)e.c.size, site);
        return;
    }
    e.is_countersigned = k->trust && checkpoint_witness(note, size, site, k->trust, 0);
    if (strcmp(e.c.origin, k->origin) != 0) {
        find(k,
             (struct checkpoint_finding){.fault = CHECKPOINT_FOREIGN,
                                         .size = e.c.size,
                                         .is_countersigned = e.is_countersigned},
             "a checkpoint of %llu events is of %s, and this is %s: another journal", (ull)e.c.size,
             e.c.origin, k->origin);
        return;
    }
    GROW(k->entries, k->n, k->capacity);
    k->entries[k->n++] = e;
}

static void
read_log(struct check *k, const char *text, size_t size)
{
    size_t at = 0, note_size;
    const char *note;
    enum checkpoint_log_step step;
    while ((step = checkpoint_log_next(text, size, &at, &note, &note_size)) == CHECKPOINT_LOG_NOTE)
        take(k, note, note_size);
    if (step == CHECKPOINT_LOG_DAMAGED || step == CHECKPOINT_LOG_TORN)
        find(k, (struct checkpoint_finding){.fault = CHECKPOINT_DAMAGED},
             "from octet %zu on the checkpoints cannot be read", at);
}

/* One entry of each; forks are told of. */
static void
put_in_order(struct check *k)
{
    size_t n = 0;
    if (k->n)
        qsort(k->entries, k->n, sizeof *k->entries, compare_entries);
    for (size_t i = 0; i < k->n; i++) {
        struct entry *last = n ? &k->entries[n - 1] : NULL, *e = &k->entries[i];
        if (last && !compare_entries(last, e)) {
            last->is_countersigned |= e->is_countersigned;
            continue;
        }
        if (last && last->c.size == e->c.size)
            find(k,
                 (struct checkpoint_finding){.fault = CHECKPOINT_FORKED,
                                             .first = 1,
                                             .last = e->c.size,
                                             .size = e->c.size,
                                             .is_countersigned = e->is_countersigned ||
                                                                 last->is_countersigned},
                 "two checkpoints of %llu events have different roots: the journal has, or had, "
                 "a fork",
                 (ull)e->c.size);
        k->entries[n++] = *e;
    }
    k->n = n;
    k->report->n_checkpoints = n;
    for (size_t i = 0; i < n; i++)
        k->report->n_countersigned += k->entries[i].is_countersigned;
}

/* ---- The journal ---- */

static void
compare_here(struct check *k)
{
    struct merkle_hash root;
    for (; k->next < k->n && k->entries[k->next].c.size <= k->tree.n; k->next++) {
        struct entry *e = &k->entries[k->next];
        merkle_root(&k->tree, &root);
        e->agrees = !memcmp(root.octets, e->c.root.octets, sizeof root.octets);
        if (e->agrees)
            k->report->agreed = e->c.size;
        if (e->agrees && e->is_countersigned)
            k->report->countersigned = e->c.size;
    }
}

static bool
take_event(void *arg, const struct journal_event *e)
{
    struct check *k = arg;
    struct merkle_hash leaf;
    if (e->seq != k->tree.n + 1)
        return false;
    merkle_leaf(e->hash, sizeof e->hash, &leaf);
    merkle_append(&k->tree, &leaf);
    compare_here(k);
    return true;
}

/* The first that differs says where; those behind it differ because it does. */
static void
tell_difference(struct check *k)
{
    uint64_t agreed = 0;
    for (size_t i = 0; i < k->next; i++) {
        const struct entry *e = &k->entries[i];
        bool beside = (i && k->entries[i - 1].c.size == e->c.size && k->entries[i - 1].agrees) ||
                      (i + 1 < k->next && k->entries[i + 1].c.size == e->c.size &&
                       k->entries[i + 1].agrees);
        if (e->agrees)
            agreed = e->c.size;
        if (e->agrees || beside)
            continue;
        find(k,
             (struct checkpoint_finding){.fault = CHECKPOINT_DIFFERS,
                                         .first = agreed + 1,
                                         .last = e->c.size,
                                         .size = e->c.size,
                                         .is_countersigned = e->is_countersigned},
             "the events from %llu to %llu are not all what they were at the checkpoint of %llu "
             "events%s: changed, reordered or removed, and written anew",
             (ull)(agreed + 1), (ull)e->c.size, (ull)e->c.size,
             e->is_countersigned ? ", which another site has countersigned" : "");
        return;
    }
}

static void
tell_truncation(struct check *k)
{
    const struct entry *last = k->n ? &k->entries[k->n - 1] : NULL;
    if (!last || last->c.size <= k->tree.n)
        return;
    find(k,
         (struct checkpoint_finding){.fault = CHECKPOINT_TRUNCATED,
                                     .first = k->tree.n + 1,
                                     .last = last->c.size,
                                     .size = last->c.size,
                                     .is_countersigned = last->is_countersigned},
         "the journal has %llu events that can be read; it had %llu at a checkpoint%s",
         (ull)k->tree.n, (ull)last->c.size,
         last->is_countersigned ? ", which another site has countersigned" : "");
}

/* What is wrong with single events is journal_verify()'s to say: they end the reading. */
static enum err
read_journal(struct check *k, struct journal_reader *reader, struct diag *diag)
{
    const struct journal_query all = {0};
    compare_here(k);
    enum err err = journal_reader_read(reader, &all, take_event, k, diag);
    if (err && err != ERR_CORRUPT)
        return err;
    k->report->n_events = k->tree.n;
    tell_difference(k);
    tell_truncation(k);
    return ERR_OK;
}

enum err
journal_verify_checkpoints(const char *path, const char *text, size_t size,
                           const struct content_trust *trust, struct checkpoints_report *report,
                           struct diag *diag)
{
    struct check k = {.trust = trust, .report = report};
    struct journal_reader *reader = NULL;
    *report = (struct checkpoints_report){.n_events = 0};
    enum err err = journal_reader_open(path, &reader, diag);
    if (err)
        return err;
    checkpoint_origin(journal_reader_identity(reader), k.origin);
    read_log(&k, text, size);
    put_in_order(&k);
    err = read_journal(&k, reader, diag);
    journal_reader_close(reader);
    free(k.entries);
    if (!err && report->n_findings)
        err = diag_set(diag, ERR_CORRUPT, "%s", report->findings[0].text);
    return err;
}

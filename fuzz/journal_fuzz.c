/* A journal's file that somebody else has written: verifying, reading and opening it never crash,
 * hang or believe what is not so. What verifies opens, reads back whole and can be appended to.
 * The seeds are journals of 0, 1, 3 and 40 events, vacuumed to pages of 512 octets to be small. */
#include "journal/journal.h"
#include "journal/reader.h"
#include "journal/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];
static char path[96];

static void
remove_files(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char name[112];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static void
remove_directory(void)
{
    remove_files();
    rmdir(directory);
}

/* In memory where there is such a place: a fuzzer writes a lot. */
static void
make_directory(void)
{
    struct stat st;
    snprintf(directory, sizeof directory, "%s/tieline-journal-fuzz-XXXXXX",
             stat("/dev/shm", &st) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(directory))
        abort();
    snprintf(path, sizeof path, "%s/journal.db", directory);
    atexit(remove_directory);
}

static bool
count_event(void *arg, const struct journal_event *event)
{
    if (!event->type || !event->object || !event->actor || !event->body)
        abort();
    ++*(uint64_t *)arg;
    return true;
}

static enum err
read_all(uint64_t *n_events)
{
    struct journal_reader *reader;
    struct diag diag;
    enum err err = journal_reader_open(path, &reader, &diag);
    if (err)
        return err;
    err = journal_reader_read(reader, &(struct journal_query){0}, count_event, n_events, &diag);
    journal_reader_close(reader);
    return err;
}

static enum err
append_one(void)
{
    struct journal *journal;
    struct diag diag;
    struct journal_entry entry = {"fuzz.appended", "journal", "fuzzer", "{}", 0};
    enum err err = journal_open(NULL, path, &(struct journal_config){.site = NULL}, &journal,
                                &diag);
    if (err)
        return err;
    err = journal_append_sync(journal, &entry, 1, NULL, &diag);
    journal_close(journal, NULL, NULL);
    return err;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct journal_report report;
    struct diag diag;
    uint64_t n_events = 0;
    if (!directory[0])
        make_directory();
    FILE *file = fopen(path, "w");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file))
        abort();
    bool sound = !journal_verify(path, NULL, &report, &diag);
    enum err err = read_all(&n_events);
    if (sound && (err || n_events != report.n_events))
        abort();
    (void)append_one(); /* free pages can be damaged: then not even a sound one takes more */
    remove_files();
    return 0;
}

#include "journal/reader.h"

#include "base/alloc.h"
#include "journal/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct journal_reader {
    const struct store_driver *driver;
    struct store *store;
    struct journal_identity identity;
    struct journal_hasher hasher;
    bool reading;
};

enum err
journal_reader_open(const char *path, struct journal_reader **opened, struct diag *diag)
{
    struct journal_reader *reader = xcalloc(1, sizeof *reader);
    reader->driver = store_driver_for(path);
    enum err err = reader->driver->open_reader(path, &reader->store, diag);
    if (!err)
        err = reader->driver->identity(reader->store, &reader->identity, diag);
    if (err) {
        journal_reader_close(reader);
        return err;
    }
    journal_hasher_init(&reader->hasher);
    *opened = reader;
    return ERR_OK;
}

void
journal_reader_close(struct journal_reader *reader)
{
    if (!reader)
        return;
    reader->driver->close(reader->store);
    journal_hasher_fini(&reader->hasher);
    free(reader);
}

const struct journal_identity *
journal_reader_identity(const struct journal_reader *reader)
{
    return &reader->identity;
}

struct reading {
    struct journal_reader *reader;
    journal_event_fn *fn;
    void *arg;
    uint64_t bad; /* seq of the event that is not what was stored; 0: none */
};

static bool
deliver(void *arg, const struct journal_event *stored)
{
    struct reading *reading = arg;
    struct journal_event event = *stored;
    uint8_t hash[JOURNAL_HASH_SIZE];
    event.site = reading->reader->identity.site;
    journal_event_hash(&reading->reader->hasher, &event, hash);
    if (memcmp(hash, event.hash, sizeof hash)) {
        reading->bad = event.seq;
        return false;
    }
    return reading->fn(reading->arg, &event);
}

enum err
journal_reader_read(struct journal_reader *reader, const struct journal_query *query,
                    journal_event_fn *fn, void *arg, struct diag *diag)
{
    struct reading reading = {.reader = reader, .fn = fn, .arg = arg};
    if (reader->reading)
        return diag_set(diag, ERR_BUSY, "journal: read from inside a read");
    reader->reading = true;
    enum err err = reader->driver->read(reader->store, query, deliver, &reading, diag);
    reader->reading = false;
    if (!err && reading.bad)
        err = diag_set(diag, ERR_CORRUPT, "event %llu does not have its hash: it was changed",
                       (unsigned long long)reading.bad);
    return err;
}

enum err
journal_reader_leader(struct journal_reader *reader, struct journal_leader *leader,
                      struct diag *diag)
{
    struct store_lease lease;
    if (!reader->driver->lease)
        return diag_set(diag, ERR_UNSUPPORTED, "journal: a file does not say who writes it");
    if (reader->reading)
        return diag_set(diag, ERR_BUSY, "journal: asked from inside a read");
    enum err err = reader->driver->lease(reader->store, &lease, diag);
    if (err)
        return err;
    *leader = (struct journal_leader){.since = lease.since, .left = lease.left};
    snprintf(leader->name, sizeof leader->name, "%s", lease.holder);
    return ERR_OK;
}

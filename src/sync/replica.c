#include "sync/replica.h"

#include "base/alloc.h"
#include "journal/store.h"
#include "journal/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL 256 /* events checked when it is opened */

struct replica {
    char *path, *site;
    struct store *store; /* NULL: there is none yet */
    struct journal_identity identity;
    struct journal_head head;
    struct sync_place place;
    struct journal_hasher hasher;
};

static void
set_place(struct replica *r)
{
    r->place.seq = r->head.seq;
    memcpy(r->place.id, r->identity.id, sizeof r->place.id);
    memcpy(r->place.hash, r->head.hash, sizeof r->place.hash);
}

/* `create` NULL: only if it is there (ERR_NOT_FOUND). */
static enum err
open_store(struct replica *r, const struct journal_identity *create, struct diag *diag)
{
    struct store *store;
    struct journal_identity identity;
    struct journal_head head;
    const struct store_options options = {.instance = "copy", .lease = NSEC_PER_SEC};
    enum err err = store_sqlite.open(r->path, create, &options, &store, diag);
    if (err)
        return err;
    err = store_sqlite.identity(store, &identity, diag);
    if (!err && strcmp(identity.site, r->site))
        err = diag_set(diag, ERR_CONFLICT, "%s: the journal of site %s, not of %s", r->path,
                       identity.site, r->site);
    if (!err)
        err = journal_check_tail(&store_sqlite, store, TAIL, &head, diag);
    if (err) {
        store_sqlite.close(store);
        return err;
    }
    r->store = store;
    r->identity = identity;
    r->head = head;
    set_place(r);
    return ERR_OK;
}

enum err
replica_open(const char *directory, const char *site, struct replica **opened, struct diag *diag)
{
    enum err err = journal_site_check(site, diag);
    if (err)
        return err;
    if (mkdir(directory, 0700) && errno != EEXIST)
        return diag_set(diag, ERR_IO, "%s: %s", directory, strerror(errno));
    struct replica *r = xcalloc(1, sizeof *r);
    r->path = xasprintf("%s/%s.db", directory, site);
    r->site = xstrdup(site);
    journal_hasher_init(&r->hasher);
    err = open_store(r, NULL, diag);
    if (err && err != ERR_NOT_FOUND) {
        replica_close(r);
        return err;
    }
    *opened = r;
    return ERR_OK;
}

void
replica_close(struct replica *r)
{
    if (!r)
        return;
    store_sqlite.close(r->store);
    journal_hasher_fini(&r->hasher);
    free(r->path);
    free(r->site);
    free(r);
}

const struct sync_place *
replica_place(const struct replica *r)
{
    return &r->place;
}

const char *
replica_path(const struct replica *r)
{
    return r->path;
}

/* ---- Appending ---- */

static enum err
check_origin(struct replica *r, const struct journal_identity *identity, struct diag *diag)
{
    if (strcmp(identity->site, r->site))
        return diag_set(diag, ERR_CONFLICT, "site %s sends the journal of site %s", r->site,
                        identity->site);
    if (r->store && memcmp(identity->id, r->identity.id, sizeof identity->id))
        return diag_set(diag, ERR_CONFLICT, "site %s sends another journal than it did", r->site);
    return ERR_OK;
}

/* What follows `head`: its place, its link to what is before it, its hash. */
static enum err
take_event(struct replica *r, const json_t *json, struct journal_head *head,
           struct journal_event *e, struct diag *diag)
{
    enum err err = sync_event_parse(json, false, e, diag);
    if (err)
        return err;
    if (e->seq != head->seq + 1)
        return diag_set(diag, ERR_CORRUPT, "event %" PRIu64 " comes behind event %" PRIu64, e->seq,
                        head->seq);
    if (e->epoch < head->epoch || (e->epoch == head->epoch && e->time < head->time))
        return diag_set(diag, ERR_CORRUPT, "event %" PRIu64 ": time runs backwards", e->seq);
    e->site = r->site;
    memcpy(e->prev_hash, head->hash, sizeof e->prev_hash);
    journal_event_hash(&r->hasher, e, e->hash);
    *head = (struct journal_head){.seq = e->seq, .epoch = e->epoch, .time = e->time};
    memcpy(head->hash, e->hash, sizeof head->hash);
    return ERR_OK;
}

static enum err
take_events(struct replica *r, const json_t *array, struct journal_head *head,
            struct journal_event *events, struct journal_event **list, struct diag *diag)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < json_array_size(array) && !err; i++) {
        err = take_event(r, json_array_get(array, i), head, &events[i], diag);
        list[i] = &events[i];
    }
    return err;
}

/* The first event follows the identity. */
static struct journal_head
first_head(struct replica *r, const struct journal_identity *identity)
{
    struct journal_head head = {.epoch = identity->epoch};
    journal_identity_hash(&r->hasher, identity, head.hash);
    return head;
}

static enum err
store_events(struct replica *r, const struct journal_identity *identity,
             struct journal_event **list, size_t n, struct diag *diag)
{
    enum err err = r->store ? ERR_OK : open_store(r, identity, diag);
    return err ? err : store_sqlite.append(r->store, list, n, diag);
}

enum err
replica_append(struct replica *r, const struct journal_identity *identity, const json_t *array,
               const uint8_t hash[JOURNAL_HASH_SIZE], struct diag *diag)
{
    size_t n = json_array_size(array);
    struct journal_event *events = xcalloc(n, sizeof *events), **list = xcalloc(n, sizeof *list);
    struct journal_head head = r->store ? r->head : first_head(r, identity);
    struct diag tidied;
    enum err err = check_origin(r, identity, diag);
    if (!err)
        err = take_events(r, array, &head, events, list, diag);
    if (!err && n && memcmp(head.hash, hash, sizeof head.hash))
        err = diag_set(diag, ERR_CORRUPT,
                       "events up to %" PRIu64 " do not follow what is known of site %s", head.seq,
                       r->site);
    if (!err && n)
        err = store_events(r, identity, list, n, diag);
    if (!err && n) {
        r->head = head;
        set_place(r);
        (void)!store_sqlite.tidy(r->store, &tidied); /* it is tried again with the next */
    }
    free(events);
    free(list);
    return err;
}

/* ---- Setting aside ---- */

enum err
replica_set_aside(struct replica *r, char kept[REPLICA_PATH_SIZE], struct diag *diag)
{
    if (!r->store)
        return diag_set(diag, ERR_NOT_FOUND, "%s: there is nothing to set aside", r->path);
    size_t stem = strlen(r->path) - strlen(".db");
    for (unsigned i = 0; i == 0 || (i < 1000 && !access(kept, F_OK)); i++) {
        int length = snprintf(kept, REPLICA_PATH_SIZE, "%.*s-%" PRIu64 "-%" PRIu64 "%s%.0u.kept.db",
                              (int)stem, r->path, r->head.epoch, r->head.seq, i ? "-" : "", i);
        if (length >= REPLICA_PATH_SIZE)
            return diag_set(diag, ERR_LIMIT, "%s: its name is too long", r->path);
    }
    if (!access(kept, F_OK))
        return diag_set(diag, ERR_LIMIT, "%s: too many copies were set aside", r->path);
    enum err settled = store_sqlite.settle(r->store, diag);
    if (settled)
        return settled;
    store_sqlite.close(r->store);
    r->store = NULL;
    if (rename(r->path, kept)) {
        enum err err = diag_set(diag, ERR_IO, "%s: %s", kept, strerror(errno));
        struct diag again;
        if (open_store(r, NULL, &again))
            diag_prefix(diag, "%s", again.text);
        return err;
    }
    r->head = (struct journal_head){.seq = 0};
    r->place = (struct sync_place){.seq = 0};
    return ERR_OK;
}

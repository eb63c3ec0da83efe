#include "journal/evidence.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "journal/checkpoint_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "tieline-evidence-1"

struct evidence_log {
    struct journal_reader *reader;
    uint64_t n;
    size_t capacity;
    struct merkle_hash *leaves;
    bool gap;
};

/* ---- The log ---- */

static bool
take_leaf(void *arg, const struct journal_event *event)
{
    struct evidence_log *log = arg;
    log->gap = event->seq != log->n + 1;
    if (log->gap)
        return false;
    GROW(log->leaves, log->n, log->capacity);
    merkle_leaf(event->hash, sizeof event->hash, &log->leaves[log->n++]);
    return true;
}

enum err
evidence_log_open(const char *path, struct evidence_log **result, struct diag *diag)
{
    struct evidence_log *log = xcalloc(1, sizeof *log);
    const struct journal_query all = {0};
    enum err err = journal_reader_open(path, &log->reader, diag);
    if (!err)
        err = journal_reader_read(log->reader, &all, take_leaf, log, diag);
    if (!err && log->gap)
        err = diag_set(diag, ERR_CORRUPT, "%s: event %llu is missing", path,
                       (unsigned long long)log->n + 1);
    if (err) {
        evidence_log_close(log);
        return err;
    }
    *result = log;
    return ERR_OK;
}

void
evidence_log_close(struct evidence_log *log)
{
    if (!log)
        return;
    journal_reader_close(log->reader);
    free(log->leaves);
    free(log);
}

static void
root_at(const struct evidence_log *log, uint64_t n, struct merkle_hash *root)
{
    struct merkle_tree tree = {0};
    for (uint64_t i = 0; i < n; i++)
        merkle_append(&tree, &log->leaves[i]);
    merkle_root(&tree, root);
}

enum err
evidence_log_checkpoint(const struct evidence_log *log, struct checkpoint *c, struct diag *diag)
{
    if (!log->n)
        return diag_set(diag, ERR_NOT_FOUND, "the journal has no events yet");
    checkpoint_origin(journal_reader_identity(log->reader), c->origin);
    c->size = log->n;
    root_at(log, log->n, &c->root);
    return ERR_OK;
}

enum err
evidence_log_agrees(const struct evidence_log *log, const struct checkpoint *c, struct diag *diag)
{
    char origin[CHECKPOINT_ORIGIN_MAX + 1];
    struct merkle_hash root;
    checkpoint_origin(journal_reader_identity(log->reader), origin);
    if (strcmp(origin, c->origin) != 0)
        return diag_set(diag, ERR_CONFLICT, "the checkpoint is of %s, the journal is %s", c->origin,
                        origin);
    if (c->size > log->n)
        return diag_set(
            diag, ERR_CONFLICT,
            "the journal has %llu events, it had %llu at the checkpoint: it was cut off",
            (unsigned long long)log->n, (unsigned long long)c->size);
    root_at(log, c->size, &root);
    if (memcmp(root.octets, c->root.octets, sizeof root.octets) != 0)
        return diag_set(
            diag, ERR_CONFLICT,
            "the first %llu events are not those of the checkpoint: they were changed, or "
            "the journal has a fork",
            (unsigned long long)c->size);
    return ERR_OK;
}

/* ---- Making ---- */

static json_t *
proof_to_json(const struct merkle_proof *proof)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < proof->n; i++) {
        struct buf text = BUF_INIT;
        base64_put(&text, proof->hashes[i].octets, sizeof proof->hashes[i].octets);
        json_array_append_new(list, json_string(buf_cstr(&text)));
        buf_fini(&text);
    }
    return list;
}

struct taking {
    json_t *list;
    bool bad; /* one that is no text */
};

static bool
take_event(void *arg, const struct journal_event *e)
{
    struct taking *t = arg;
    struct buf previous = BUF_INIT;
    base64_put(&previous, e->prev_hash, sizeof e->prev_hash);
    json_t *json = json_pack("{s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s%, s:s}", "seq",
                             (json_int_t)e->seq, "epoch", (json_int_t)e->epoch, "time-ns",
                             (json_int_t)e->time, "site", e->site, "type", e->type, "object",
                             e->object, "actor", e->actor, "body", e->body, e->body_size,
                             "prev-hash", buf_cstr(&previous));
    buf_fini(&previous);
    t->bad = !json || json_array_append_new(t->list, json);
    return !t->bad;
}

/* The last one has the proof; it leads to those before it. */
static enum err
add_events(struct evidence_log *log, uint64_t n, uint64_t first, uint64_t seq, json_t *evidence,
           struct diag *diag)
{
    const struct journal_query query = {.from = first, .to = seq};
    struct merkle_proof proof;
    struct taking t = {json_array(), false};
    if (seq > n || !first || first > seq)
        json_decref(t.list);
    if (seq > n)
        return diag_set(diag, ERR_NOT_FOUND, "there was no event %llu at the checkpoint",
                        (unsigned long long)seq);
    if (!first || first > seq)
        return diag_set(diag, ERR_INVALID, "an interval ends before it begins");
    enum err err = seq - first < EVIDENCE_EVENTS_MAX
                       ? journal_reader_read(log->reader, &query, take_event, &t, diag)
                       : diag_set(diag, ERR_LIMIT, "more than %d events", EVIDENCE_EVENTS_MAX);
    size_t count = json_array_size(t.list);
    if (!err && (t.bad || count != seq - first + 1))
        err = diag_set(diag, ERR_MALFORMED, "event %llu is no text",
                       (unsigned long long)(first + count));
    if (err) {
        json_decref(t.list);
        return err;
    }
    merkle_prove_inclusion(log->leaves, n, seq - 1, &proof);
    json_object_set(evidence, "event", json_array_get(t.list, count - 1));
    json_object_set_new(evidence, "inclusion", proof_to_json(&proof));
    json_array_remove(t.list, count - 1);
    if (count > 1)
        json_object_set(evidence, "before", t.list);
    json_decref(t.list);
    return ERR_OK;
}

static enum err
add_older(struct evidence_log *log, const struct evidence_notes *notes, json_t *evidence,
          struct diag *diag)
{
    struct merkle_proof proof = {0};
    enum err err = evidence_log_agrees(log, &notes->before, diag);
    if (!err && notes->before.size > notes->now.size)
        err = diag_set(diag, ERR_CONFLICT, "the older checkpoint is the newer one");
    if (err)
        return err;
    if (notes->before.size)
        merkle_prove_consistency(log->leaves, notes->now.size, notes->before.size, &proof);
    json_object_set_new(
        evidence, "older",
        json_pack("{s:s, s:o}", "checkpoint", notes->older, "consistency", proof_to_json(&proof)));
    return ERR_OK;
}

enum err
evidence_make(struct evidence_log *log, const struct evidence_notes *notes, uint64_t first,
              uint64_t seq, json_t **result, struct diag *diag)
{
    json_t *evidence = json_pack("{s:s, s:s}", "format", FORMAT, "checkpoint", notes->note);
    enum err err = evidence ? evidence_log_agrees(log, &notes->now, diag)
                            : diag_set(diag, ERR_MALFORMED, "the checkpoint is no text");
    if (!err && seq)
        err = add_events(log, notes->now.size, first, seq, evidence, diag);
    if (!err && notes->older)
        err = add_older(log, notes, evidence, diag);
    if (err) {
        json_decref(evidence);
        return err;
    }
    *result = evidence;
    return ERR_OK;
}

/* ---- Checking ---- */

static bool
read_hash(const json_t *json, uint8_t hash[MERKLE_HASH_SIZE])
{
    struct buf octets = BUF_INIT;
    bool good = json_is_string(json) &&
                !base64_parse(json_string_value(json), json_string_length(json), &octets) &&
                octets.size == MERKLE_HASH_SIZE;
    if (good)
        memcpy(hash, octets.data, MERKLE_HASH_SIZE);
    buf_fini(&octets);
    return good;
}

static bool
read_proof(const json_t *list, struct merkle_proof *proof)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > ARRAY_SIZE(proof->hashes))
        return false;
    proof->n = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        if (!read_hash(json_array_get(list, i), proof->hashes[i].octets))
            return false;
    }
    return true;
}

static bool
read_text(const json_t *object, const char *name, const char **text)
{
    const json_t *json = json_object_get(object, name);
    *text = json_string_value(json);
    return *text && strlen(*text) == json_string_length(json);
}

static bool
read_number(const json_t *object, const char *name, uint64_t *number)
{
    const json_t *json = json_object_get(object, name);
    *number = (uint64_t)json_integer_value(json);
    return json_is_integer(json) && json_integer_value(json) >= 0;
}

/* The texts stay the document's. */
static bool
read_event(const json_t *json, struct journal_event *e)
{
    uint64_t time;
    bool good = read_number(json, "seq", &e->seq) && e->seq &&
                read_number(json, "epoch", &e->epoch) && read_number(json, "time-ns", &time) &&
                read_text(json, "site", &e->site) && read_text(json, "type", &e->type) &&
                read_text(json, "object", &e->object) && read_text(json, "actor", &e->actor) &&
                read_text(json, "body", &e->body) &&
                read_hash(json_object_get(json, "prev-hash"), e->prev_hash);
    if (!good)
        return false;
    e->time = (nsec_t)time;
    e->body_size = strlen(e->body);
    return true;
}

/* By whom a checkpoint has to be signed: by one key, or by its site's. */
struct keys {
    const char *name;
    EVP_PKEY *key;
    const struct content_trust *trust; /* NULL: by the key */
};

/* Those before it, backwards: each one's hash is in the next. */
static enum err
check_before(const json_t *list, const struct journal_event *last, uint64_t *first,
             struct diag *diag)
{
    struct journal_hasher hasher;
    struct journal_event next = *last;
    enum err err = ERR_OK;
    if (list && (!json_is_array(list) || json_array_size(list) >= EVIDENCE_EVENTS_MAX))
        return diag_set(diag, ERR_MALFORMED, "before: a list of events is expected");
    journal_hasher_init(&hasher);
    for (size_t i = json_array_size(list); i-- && !err;) {
        struct journal_event e = {.seq = 0};
        if (!read_event(json_array_get(list, i), &e)) {
            err = diag_set(diag, ERR_MALFORMED, "before[%zu]: a member is missing or wrong", i);
            break;
        }
        journal_event_hash(&hasher, &e, e.hash);
        if (e.seq + 1 != next.seq || memcmp(e.hash, next.prev_hash, sizeof e.hash) != 0)
            err = diag_set(diag, ERR_CORRUPT,
                           "event %llu, as it is here, is not what event %llu follows",
                           (unsigned long long)e.seq, (unsigned long long)next.seq);
        next = e;
    }
    journal_hasher_fini(&hasher);
    if (!err)
        *first = next.seq;
    return err;
}

static enum err
check_event(const json_t *evidence, const struct checkpoint *now, struct evidence_finding *f,
            struct diag *diag)
{
    struct journal_event event = {.seq = 0};
    struct journal_hasher hasher;
    struct merkle_proof proof;
    struct merkle_hash leaf;
    if (!read_event(json_object_get(evidence, "event"), &event))
        return diag_set(diag, ERR_MALFORMED, "event: a member is missing or wrong");
    if (!read_proof(json_object_get(evidence, "inclusion"), &proof))
        return diag_set(diag, ERR_MALFORMED, "inclusion: a list of hashes is expected");
    journal_hasher_init(&hasher);
    journal_event_hash(&hasher, &event, event.hash);
    journal_hasher_fini(&hasher);
    merkle_leaf(event.hash, sizeof event.hash, &leaf);
    if (!merkle_check_inclusion(&leaf, event.seq - 1, now->size, &now->root, &proof))
        return diag_set(diag, ERR_CORRUPT,
                        "event %llu, as it is here, is not in the journal of the checkpoint",
                        (unsigned long long)event.seq);
    f->seq = event.seq;
    return check_before(json_object_get(evidence, "before"), &event, &f->first, diag);
}

static enum err
open_trusted(const char *note, const struct content_trust *trust, struct checkpoint *c,
             struct diag *diag)
{
    char site[JOURNAL_SITE_MAX + 1];
    enum err err = checkpoint_parse(note, strlen(note), c, diag);
    if (err)
        return err;
    if (!checkpoint_site(c->origin, site))
        return diag_set(diag, ERR_MALFORMED, "the checkpoint is of no journal");
    if (!checkpoint_is_signed(note, strlen(note), site, trust))
        return diag_set(diag, ERR_DENIED,
                        "the checkpoint is not signed by its site, %s, with a key that is trusted",
                        site);
    return ERR_OK;
}

static enum err
open_note(const char *note, const struct keys *keys, struct checkpoint *c, struct diag *diag)
{
    return keys->trust ? open_trusted(note, keys->trust, c, diag)
                       : checkpoint_open(note, strlen(note), keys->name, keys->key, c, diag);
}

static enum err
check_older(const json_t *older, const struct keys *keys, struct evidence_finding *f,
            struct diag *diag)
{
    struct merkle_proof proof;
    const char *note;
    if (!read_text(older, "checkpoint", &note) ||
        !read_proof(json_object_get(older, "consistency"), &proof))
        return diag_set(diag, ERR_MALFORMED,
                        "older: a checkpoint and a list of hashes are expected");
    enum err err = open_note(note, keys, &f->before, diag);
    if (err) {
        diag_prefix(diag, "older");
        return err;
    }
    if (strcmp(f->before.origin, f->now.origin) != 0 ||
        !merkle_check_consistency(f->before.size, &f->before.root, f->now.size, &f->now.root,
                                  &proof))
        return diag_set(diag, ERR_CORRUPT,
                        "the journal of the checkpoint does not begin with that of the older one");
    return ERR_OK;
}

/* Somebody besides the site, if a key of such is trusted. */
static enum err
check_witnesses(const char *note, const struct content_trust *trust, struct evidence_finding *f,
                struct diag *diag)
{
    char site[JOURNAL_SITE_MAX + 1] = "";
    const char *name;
    size_t used = 0, others = 0;
    (void)checkpoint_site(f->now.origin, site);
    snprintf(f->signer, sizeof f->signer, "%s", site);
    for (size_t i = 0; i < content_trust_size(trust); i++)
        others += strcmp(content_trust_name(trust, i), site) != 0;
    for (size_t i = 0; (name = checkpoint_witness(note, strlen(note), site, trust, i)); i++) {
        int n = snprintf(f->witnesses + used, sizeof f->witnesses - used, "%s%s", i ? ", " : "",
                         name);
        used = MIN(used + (size_t)n, sizeof f->witnesses - 1);
    }
    return others && !used ? diag_set(diag, ERR_DENIED,
                                      "nobody who is trusted has countersigned the checkpoint")
                           : ERR_OK;
}

static enum err
check(const json_t *evidence, const struct keys *keys, struct evidence_finding *f,
      struct diag *diag)
{
    const char *format, *note;
    const json_t *older = json_object_get(evidence, "older");
    *f = (struct evidence_finding){.seq = 0};
    if (!read_text(evidence, "format", &format) || strcmp(format, FORMAT) != 0 ||
        !read_text(evidence, "checkpoint", &note))
        return diag_set(diag, ERR_MALFORMED, "not evidence of the form %s", FORMAT);
    enum err err = open_note(note, keys, &f->now, diag);
    if (!err && keys->trust)
        err = check_witnesses(note, keys->trust, f, diag);
    if (!err && json_object_get(evidence, "event"))
        err = check_event(evidence, &f->now, f, diag);
    if (!err && older)
        err = check_older(older, keys, f, diag);
    return err;
}

enum err
evidence_check(const json_t *evidence, const char *name, EVP_PKEY *public_key,
               struct evidence_finding *f, struct diag *diag)
{
    const struct keys keys = {name, public_key, NULL};
    enum err err = check(evidence, &keys, f, diag);
    if (!err)
        snprintf(f->signer, sizeof f->signer, "%s", name);
    return err;
}

enum err
evidence_check_trusted(const json_t *evidence, const struct content_trust *trust,
                       struct evidence_finding *f, struct diag *diag)
{
    const struct keys keys = {NULL, NULL, trust};
    return check(evidence, &keys, f, diag);
}

/* ---- Which checkpoint ---- */

enum err
evidence_newest(const struct evidence_log *log, const char *text, size_t size,
                const struct content_trust *trust, uint64_t seq, char **note, struct checkpoint *c,
                struct diag *diag)
{
    const struct journal_identity *identity = journal_reader_identity(log->reader);
    char origin[CHECKPOINT_ORIGIN_MAX + 1];
    size_t at = 0, one_size, best_size = 0;
    const char *one, *best = NULL;
    bool best_witnessed = false;
    enum checkpoint_log_step step;
    checkpoint_origin(identity, origin);
    while ((step = checkpoint_log_next(text, size, &at, &one, &one_size)) == CHECKPOINT_LOG_NOTE) {
        struct checkpoint found;
        if (checkpoint_parse(one, one_size, &found, NULL) || strcmp(found.origin, origin) != 0 ||
            found.size < seq || !checkpoint_is_signed(one, one_size, identity->site, trust))
            continue;
        bool witnessed = checkpoint_witness(one, one_size, identity->site, trust, 0);
        if (best &&
            (best_witnessed > witnessed || (best_witnessed == witnessed && found.size < c->size)))
            continue;
        best = one;
        best_size = one_size;
        best_witnessed = witnessed;
        *c = found;
    }
    if (step == CHECKPOINT_LOG_DAMAGED)
        return diag_set(diag, ERR_CORRUPT, "no checkpoint at octet %zu", at);
    if (!best)
        return diag_set(diag, ERR_NOT_FOUND,
                        "no checkpoint of this journal with %llu events or more is signed with a "
                        "key that is trusted",
                        (unsigned long long)seq);
    *note = xstrndup(best, best_size);
    return ERR_OK;
}

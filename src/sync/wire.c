#include "sync/wire.h"

#include "base/base64.h"

#include <stdio.h>
#include <string.h>

enum { SEQ, EPOCH, TIME, TYPE, OBJECT, ACTOR, BODY, N_FIELDS };

static json_t *
octets_json(const void *data, size_t size)
{
    struct buf text = BUF_INIT;
    base64_put(&text, data, size);
    json_t *json = json_string(buf_cstr(&text));
    buf_fini(&text);
    return json;
}

static enum err
octets_parse(const json_t *json, const char *what, void *data, size_t size, struct diag *diag)
{
    struct buf octets = buf_limited(size + 3);
    enum err err = json_is_string(json)
                       ? base64_parse(json_string_value(json), json_string_length(json), &octets)
                       : ERR_MALFORMED;
    if (err || octets.size != size)
        err = diag_set(diag, ERR_MALFORMED, "%s: %zu octets in base64 are expected", what, size);
    else
        memcpy(data, octets.data, size);
    buf_fini(&octets);
    return err;
}

static enum err
natural_parse(const json_t *json, const char *what, uint64_t *number, struct diag *diag)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0)
        return diag_set(diag, ERR_MALFORMED, "%s: a natural number is expected", what);
    *number = (uint64_t)json_integer_value(json);
    return ERR_OK;
}

/* ---- Requests ---- */

json_t *
sync_request(const struct sync_place *place, uint64_t offset)
{
    json_t *request = json_pack("{sI}", "after", (json_int_t)place->seq);
    if (place->seq) {
        json_object_set_new(request, "id", octets_json(place->id, sizeof place->id));
        json_object_set_new(request, "hash", sync_hash(place->hash));
    }
    if (offset)
        json_object_set_new(request, "offset", json_integer((json_int_t)offset));
    return request;
}

enum err
sync_request_parse(const json_t *json, struct sync_place *place, uint64_t *offset,
                   struct diag *diag)
{
    const json_t *at = json_object_get(json, "offset");
    *place = (struct sync_place){.seq = 0};
    *offset = 0;
    enum err err = natural_parse(json_object_get(json, "after"), "after", &place->seq, diag);
    if (!err && at)
        err = natural_parse(at, "offset", offset, diag);
    if (!err && place->seq)
        err = octets_parse(json_object_get(json, "id"), "id", place->id, sizeof place->id, diag);
    if (!err && place->seq)
        err = octets_parse(json_object_get(json, "hash"), "hash", place->hash, sizeof place->hash,
                           diag);
    return err;
}

/* ---- Answers ---- */

json_t *
sync_hash(const uint8_t hash[JOURNAL_HASH_SIZE])
{
    return octets_json(hash, JOURNAL_HASH_SIZE);
}

json_t *
sync_identity(const struct journal_identity *identity)
{
    return json_pack("{so ss sI sI}", "id", octets_json(identity->id, sizeof identity->id), "site",
                     identity->site, "epoch", (json_int_t)identity->epoch, "created",
                     (json_int_t)identity->created);
}

json_t *
sync_event(const struct journal_event *e, size_t offset, size_t size)
{
    json_t *body = json_stringn_nocheck(e->body + offset, size);
    return json_pack("[I, I, I, s, s, s, o]", (json_int_t)e->seq, (json_int_t)e->epoch,
                     (json_int_t)e->time, e->type, e->object, e->actor, body);
}

static enum err
identity_parse(const json_t *json, struct journal_identity *identity, struct diag *diag)
{
    const char *site = json_string_value(json_object_get(json, "site"));
    const json_t *created = json_object_get(json, "created");
    *identity = (struct journal_identity){.epoch = 0};
    enum err err = site ? journal_site_check(site, diag)
                        : diag_set(diag, ERR_MALFORMED, "identity/site: a name is expected");
    if (!err)
        err = octets_parse(json_object_get(json, "id"), "identity/id", identity->id,
                           sizeof identity->id, diag);
    if (!err)
        err = natural_parse(json_object_get(json, "epoch"), "identity/epoch", &identity->epoch,
                            diag);
    if (!err && !json_is_integer(created))
        err = diag_set(diag, ERR_MALFORMED, "identity/created: a time is expected");
    if (err)
        return err;
    identity->created = json_integer_value(created);
    snprintf(identity->site, sizeof identity->site, "%s", site);
    return ERR_OK;
}

enum err
sync_answer_parse(const json_t *json, struct sync_answer *answer, struct diag *diag)
{
    const json_t *differs = json_object_get(json, "differs");
    *answer = (struct sync_answer){.events = json_object_get(json, "events"),
                                   .more = json_is_true(json_object_get(json, "more")),
                                   .differs = json_string_value(differs)};
    enum err err = identity_parse(json_object_get(json, "identity"), &answer->identity, diag);
    if (!err)
        err = natural_parse(json_object_get(json, "head"), "head", &answer->head, diag);
    if (err || answer->differs)
        return err;
    size_t n = json_array_size(answer->events);
    if (!json_is_array(answer->events) || n > SYNC_EVENTS)
        return diag_set(diag, ERR_MALFORMED, "events: an array of up to %d is expected",
                        SYNC_EVENTS);
    if (answer->more && n != 1)
        return diag_set(diag, ERR_MALFORMED, "more: %zu events, and one of them in part", n);
    return n ? octets_parse(json_object_get(json, "hash"), "hash", answer->hash,
                            sizeof answer->hash, diag)
             : ERR_OK;
}

static enum err
place_parse(const json_t *json, struct journal_event *e, struct diag *diag)
{
    const json_t *time = json_array_get(json, TIME);
    enum err err = natural_parse(json_array_get(json, SEQ), "seq", &e->seq, diag);
    if (!err)
        err = natural_parse(json_array_get(json, EPOCH), "epoch", &e->epoch, diag);
    if (!err && !json_is_integer(time))
        err = diag_set(diag, ERR_MALFORMED, "time: a number is expected");
    if (!err)
        e->time = json_integer_value(time);
    return err;
}

enum err
sync_event_parse(const json_t *json, bool piece, struct journal_event *e, struct diag *diag)
{
    const json_t *body = json_array_get(json, BODY);
    *e = (struct journal_event){.type = json_string_value(json_array_get(json, TYPE)),
                                .object = json_string_value(json_array_get(json, OBJECT)),
                                .actor = json_string_value(json_array_get(json, ACTOR)),
                                .body = json_string_value(body),
                                .body_size = json_string_length(body)};
    if (json_array_size(json) != N_FIELDS || !e->type || !e->object || !e->actor || !e->body)
        return diag_set(diag, ERR_MALFORMED, "an event is an array of %d fields", N_FIELDS);
    enum err err = place_parse(json, e, diag);
    if (err || piece)
        return err;
    const struct journal_entry entry = {e->type, e->object, e->actor, e->body, e->time};
    err = journal_entry_check(&entry, diag);
    if (err)
        diag_prefix(diag, "event %llu", (unsigned long long)e->seq);
    return err;
}

#include "bus/nats_wire.h"

#include "bus/subject.h"
#include "io/jsontext.h"

#include <string.h>

#define FROM "from."

static json_t *
envelope(const struct bus_letter *letter)
{
    if (letter->payload)
        return json_pack("{sO}", "result", letter->payload);
    return json_pack("{ss so}", "error", err_name(letter->err), "text",
                     jsontext_string(letter->text));
}

enum err
nats_wire_put(struct buf *out, const struct bus_letter *letter, bool is_answer)
{
    if (!is_answer)
        return jsontext_put(out, letter->payload);
    json_t *whole = envelope(letter);
    enum err err = whole ? jsontext_put(out, whole) : ERR_INVALID;
    json_decref(whole);
    return err;
}

/* ERR_OK: there is no such error. */
static enum err
err_named(const char *name)
{
    for (enum err err = ERR_OK + 1; err < ERR_MAX; err++) {
        if (!strcmp(err_name(err), name))
            return err;
    }
    return ERR_OK;
}

static enum err
open_envelope(json_t *whole, struct bus_letter *letter, struct diag *diag)
{
    json_t *result = json_object_get(whole, "result");
    const char *error = json_string_value(json_object_get(whole, "error"));
    const char *text = json_string_value(json_object_get(whole, "text"));
    enum err err = error ? err_named(error) : ERR_OK;
    size_t n = json_object_size(whole);
    if (result && n == 1) {
        letter->payload = result;
        letter->err = ERR_OK;
        letter->text = "";
    } else if (err && text && n == 2) {
        letter->payload = NULL;
        letter->err = err;
        letter->text = text;
    } else {
        return diag_set(diag, ERR_MALFORMED, "neither \"result\" nor \"error\" and \"text\"");
    }
    return ERR_OK;
}

enum err
nats_wire_take(const char *data, size_t size, bool is_answer, struct bus_letter *letter,
               json_t **owner, struct diag *diag)
{
    json_t *whole;
    enum err err = jsontext_parse(data, size, &whole, diag);
    if (err)
        return err;
    if (is_answer) {
        err = open_envelope(whole, letter, diag);
    } else {
        letter->payload = whole;
        letter->err = ERR_OK;
        letter->text = "";
    }
    if (err)
        json_decref(whole);
    else
        *owner = whole;
    return err;
}

const char *
nats_wire_subject(const char *arrived, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(arrived, prefix, length) || !subject_is_valid(arrived + length))
        return NULL;
    return arrived + length;
}

bool
nats_wire_may_answer(const char *subject, const char *reply_to)
{
    if (strncmp(reply_to, BUS_INBOX, strlen(BUS_INBOX)) || !subject_is_valid(reply_to))
        return false;
    if (strncmp(subject, FROM, strlen(FROM)))
        return true;
    const char *site = subject + strlen(FROM), *inbox_of = reply_to + strlen(BUS_INBOX);
    size_t length = strcspn(site, ".");
    return !strncmp(site, inbox_of, length) && inbox_of[length] == '.';
}

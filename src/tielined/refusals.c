#include "tielined/refusals.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gateway/denials.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

struct refusals {
    struct journal *journal;
    struct denials *counts; /* by word and address */
};

struct refusals *
refusals_new(struct journal *journal)
{
    struct refusals *r = xcalloc(1, sizeof *r);
    r->journal = journal;
    r->counts = denials_new();
    return r;
}

void
refusals_free(struct refusals *r)
{
    if (!r)
        return;
    denials_free(r->counts);
    free(r);
}

struct text {
    char text[REFUSAL_TEXT_MAX + 1];
};

static struct text
printable(const char *from)
{
    struct text to;
    snprintf(to.text, sizeof to.text, "%s", from);
    for (char *c = to.text; *c; c++)
        *c = *c >= ' ' && *c < 0x7f ? *c : '?';
    return to;
}

static void
append(struct refusals *r, const struct refusal *refusal, uint64_t left_out)
{
    struct text who = printable(refusal->who), address = printable(refusal->address),
                reason = printable(refusal->reason);
    json_t *json = json_pack("{ss ss ss ss}", "what", refusal->what, "who", who.text, "address",
                             address.text, "reason", reason.text);
    if (left_out)
        json_object_set_new(json, "left-out", json_integer((json_int_t)left_out));
    char *body = json_dumps(json, JSON_COMPACT), *object = xasprintf("bus/%s", refusal->what);
    const struct journal_entry entry = {
        .type = "bus.refused", .object = object, .actor = "system/tielined", .body = body};
    struct diag diag;
    if (journal_append(r->journal, &entry, 1, NULL, NULL, &diag))
        log_warn("%s", diag.text);
    log_warn("refused (%s): %s%s%s%s%s", refusal->what, who.text, *who.text ? " " : "",
             address.text, *address.text ? ": " : "", reason.text);
    free(body);
    free(object);
    json_decref(json);
}

void
refusals_note(struct refusals *r, const struct refusal *refusal, nsec_t now)
{
    uint64_t left_out;
    char *key = xasprintf("%s %s", refusal->what, refusal->address);
    if (denials_note(r->counts, key, now, &left_out))
        append(r, refusal, left_out);
    free(key);
}

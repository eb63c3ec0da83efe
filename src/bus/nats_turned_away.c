#include "bus/nats_turned_away.h"

#include "base/attr.h"
#include "base/base64.h"
#include "io/jsontext.h"

#include <stdio.h>
#include <string.h>

#define CLOSED 1 /* of "state": 0 are those that are open, 2 is all */

/* Reasons that are refusals; others are ends like any. */
static const char *const refusals[] = {
    "Authentication Failure",
    "Authentication Timeout",
    "Authentication Expired",
    "Credentials Revoked",
    "TLS Handshake Failure",
    "Missing Account",
    "Wrong Port",
    "Parse Error",
    "Protocol Violation",
    "Bad Client Protocol Version",
    "Minimum Version Required",
    "Maximum Connections Exceeded",
    "Maximum Account Connections Exceeded",
    "Maximum Control Line Exceeded",
    "Duplicate Remote LeafNode Connection",
};

json_t *
nats_turned_away_question(void)
{
    return json_pack("{si ss si sb}", "state", CLOSED, "sort", "stop", "limit",
                     NATS_TURNED_AWAY_AT_ONCE, "auth", 1);
}

static const char *
text_in(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

static bool
is_refusal(const char *reason)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        if (!strcmp(reason, refusals[i]))
            return true;
    }
    return false;
}

/* The claims of a JWT that nobody has verified; NULL: it has none. The caller owns them. */
static json_t *
claims_of(const char *jwt)
{
    const char *first = strchr(jwt, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    struct buf text = BUF_INIT;
    json_t *claims = NULL;
    if (second && !base64url_parse(first + 1, (size_t)(second - first - 1), &text) &&
        jsontext_parse((const char *)text.data, text.size, &claims, NULL))
        claims = NULL;
    buf_fini(&text);
    return claims;
}

static void
tell(const json_t *row, const char *reason, nats_stranger_fn *stranger, void *arg)
{
    json_t *claims = claims_of(text_in(row, "jwt"));
    bool link = !strcmp(text_in(row, "kind"), "Leafnode");
    stranger(arg, &(struct nats_stranger){.who = text_in(claims, "name"),
                                          .address = text_in(row, "ip"),
                                          .kind = link ? "link" : "client",
                                          .reason = reason});
    json_decref(claims);
}

bool
nats_turned_away_take(struct nats_turned_away *known, const json_t *answer,
                      nats_stranger_fn *stranger, void *arg)
{
    const json_t *data = json_object_get(answer, "data"),
                 *rows = json_object_get(data, "connections");
    const char *server = text_in(data, "server_id");
    bool first = !known->server[0];
    nsec_t now, stop, newest;
    if (!*server || strlen(server) >= sizeof known->server || !json_is_array(rows) ||
        time_parse(text_in(data, "now"), &now))
        return false;
    if (strcmp(server, known->server) != 0)
        *known = (struct nats_turned_away){.last = first ? now : 0};
    snprintf(known->server, sizeof known->server, "%s", server);
    newest = known->last;
    for (size_t i = json_array_size(rows); i-- > 0;) { /* they begin with the newest */
        const json_t *row = json_array_get(rows, i);
        const char *reason = text_in(row, "reason");
        if (time_parse(text_in(row, "stop"), &stop) || stop <= known->last)
            continue;
        newest = MAX(newest, stop);
        if (is_refusal(reason))
            tell(row, reason, stranger, arg);
    }
    known->last = newest;
    return true;
}

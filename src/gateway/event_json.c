#include "gateway/event_json.h"

#include "base/hex.h"
#include "io/jsontext.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#define CONTROLS                                                                                   \
    "\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"       \
    "\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"

/* Texts of events are UTF-8; only bodies have control characters. */
static void
put_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\":\"", name);
    while (*text) {
        size_t plain = strcspn(text, "\"\\" CONTROLS);
        buf_put(out, text, plain);
        text += plain;
        if (*text == '"' || *text == '\\')
            buf_printf(out, "\\%c", *text++);
        else if (*text)
            buf_printf(out, "\\u%04x", *text++);
    }
    buf_str(out, "\",");
}

/* A JSON text as it is, on one line: outside of strings a line end is white space, and inside there
 * is none. */
static void
put_body(struct buf *out, const char *body)
{
    while (*body) {
        size_t line = strcspn(body, "\r\n");
        buf_put(out, body, line);
        body += line;
        if (*body) {
            buf_str(out, " ");
            body++;
        }
    }
}

static void
put_hashes(struct buf *out, const struct journal_event *event)
{
    buf_str(out, "\"prev-hash\":\"");
    hex_put(out, event->prev_hash, sizeof event->prev_hash);
    buf_str(out, "\",\"hash\":\"");
    hex_put(out, event->hash, sizeof event->hash);
    buf_str(out, "\"");
}

void
event_put_json(struct buf *out, const struct journal_event *event)
{
    char time[TIME_TEXT_SIZE];
    buf_printf(out, "{\"seq\":%" PRIu64 ",\"epoch\":%" PRIu64 ",", event->seq, event->epoch);
    put_member(out, "time", time_format(event->time, time));
    put_member(out, "type", event->type);
    put_member(out, "object", event->object);
    put_member(out, "actor", event->actor);
    buf_str(out, "\"body\":");
    put_body(out, event->body);
    buf_str(out, ",");
    put_hashes(out, event);
    buf_str(out, "}");
}

void
event_put_sse(struct buf *out, const struct journal_event *event)
{
    buf_printf(out, "id: %" PRIu64 "\nevent: %s\ndata: ", event->seq, event->type);
    event_put_json(out, event);
    buf_str(out, "\n\n");
}

/* ---- Notifications ---- */

/* Which notification an event is, by the beginning of its type, and where in its body the names of
 * what it is about are: a text, or a list of texts or of objects that have one. */
static const struct kind {
    const char *prefix, *notification;
    struct names {
        const char *leaf_list, *member, *in_entry; /* ends with NULL */
    } names[7];
} kinds[] = {
    {"tunnel.",
     "tunnel-changed",
     {{"tunnel", "tunnel", NULL}, {"tunnel", "tunnels", NULL}, {"tunnel", "placements", "tunnel"}}},
    {"vpn.", "vpn-changed", {{"vpn", "vpn", NULL}, {"vpn", "vpns", "vpn"}}},
    {"wan.",
     "topology-changed",
     {{"node", "nodes", "node"}, {"link", "link", NULL}, {"link", "links", "link"}}},
    {"", "event", {{NULL, NULL, NULL}}},
};

static void
add_names(json_t *to, const json_t *value, const char *in_entry)
{
    const json_t *entry;
    size_t i;
    if (json_is_string(value))
        json_array_append(to, (json_t *)(uintptr_t)value);
    json_array_foreach(value, i, entry)
    {
        const json_t *name = json_is_object(entry) && in_entry ? json_object_get(entry, in_entry)
                                                               : entry;
        if (json_is_string(name))
            json_array_append(to, (json_t *)(uintptr_t)name);
    }
}

/* {LEAF-LIST: [name...]} and the version of the network. */
static json_t *
names_of(const struct kind *kind, const json_t *body)
{
    json_t *names = json_object();
    for (const struct names *n = kind->names; n->leaf_list; n++) {
        json_t *list = json_object_get(names, n->leaf_list);
        if (!list)
            json_object_set_new(names, n->leaf_list, list = json_array());
        add_names(list, json_object_get(body, n->member), n->in_entry);
    }
    return names;
}

/* Members of what is in its body, each with a comma behind it. */
static void
put_names(struct buf *out, const struct kind *kind, const struct journal_event *event)
{
    json_t *body = json_loadb(event->body, event->body_size, 0, NULL);
    json_t *names = names_of(kind, body), *list;
    const json_t *version = json_object_get(body, "version");
    const char *leaf_list;
    if (!strcmp(kind->prefix, "wan.") && json_is_integer(version))
        buf_printf(out, "\"version\":\"%" JSON_INTEGER_FORMAT "\",", json_integer_value(version));
    json_object_foreach(names, leaf_list, list)
    {
        if (!json_array_size(list))
            continue;
        buf_printf(out, "\"%s\":", leaf_list);
        if (jsontext_put(out, list))
            buf_str(out, "[]");
        buf_str(out, ",");
    }
    json_decref(names);
    json_decref(body);
}

/* Integers of 64 bits are texts (RFC 7951 section 6.1). */
void
event_put_notification(struct buf *out, const struct journal_event *event, bool with_id)
{
    char time[TIME_TEXT_SIZE];
    const struct kind *kind = kinds;
    while (strncmp(event->type, kind->prefix, strlen(kind->prefix)) != 0)
        kind++;
    if (with_id)
        buf_printf(out, "id: %" PRIu64 "\n", event->seq);
    buf_str(out, "data: {\"ietf-restconf:notification\":{");
    put_member(out, "eventTime", time_format(event->time, time));
    buf_printf(out, "\"tieline-events:%s\":{\"seq\":\"%" PRIu64 "\",\"epoch\":\"%" PRIu64 "\",",
               kind->notification, event->seq, event->epoch);
    put_member(out, "type", event->type);
    put_member(out, "object", event->object);
    put_member(out, "actor", event->actor);
    put_names(out, kind, event);
    put_member(out, "body", event->body);
    put_hashes(out, event);
    buf_str(out, "}}}\n\n");
}

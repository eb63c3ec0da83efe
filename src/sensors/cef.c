#include "sensors/cef.h"

#include "base/attr.h"
#include "model/alert.h"
#include "packet/addr.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FACILITY 4 /* security and authorization messages (RFC 5424 table 1) */

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* ---- Escaping ---- */

static bool
is_control(char c)
{
    return (unsigned char)c < ' ' || c == 127;
}

/* Of a field of the header: backslash and bar are escaped, and a line stays one. */
static void
put_header(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' || *text == '|')
            buf_u8(b, '\\');
        buf_u8(b, (uint8_t)(is_control(*text) ? ' ' : *text));
    }
    buf_u8(b, '|');
}

/* Of a value: backslash and equals sign are escaped, line ends written out. */
static void
put_escaped(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' || *text == '=')
            buf_u8(b, '\\');
        if (*text == '\n')
            buf_str(b, "\\n");
        else if (*text == '\r')
            buf_str(b, "\\r");
        else
            buf_u8(b, (uint8_t)(is_control(*text) ? ' ' : *text));
    }
}

static void
put_value(struct buf *b, const char *key, const char *text)
{
    if (!*text)
        return;
    buf_printf(b, " %s=", key);
    put_escaped(b, text);
}

static void
put_number(struct buf *b, const char *key, const json_t *value)
{
    if (json_is_integer(value))
        buf_printf(b, " %s=%" JSON_INTEGER_FORMAT, key, json_integer_value(value));
}

static void
put_time(struct buf *b, const char *key, const char *text)
{
    nsec_t time;
    if (*text && !time_parse(text, &time))
        buf_printf(b, " %s=%" PRId64, key, (int64_t)(time / NSEC_PER_MSEC));
}

/* ---- Fields ---- */

struct end_keys {
    const char *end, *ipv4, *ipv6, *ipv6_label, *ipv6_name, *mac, *port;
};

static void
put_end(struct buf *b, const json_t *alert, const struct end_keys *keys)
{
    const json_t *end = json_object_get(alert, keys->end);
    const char *address = text_of(end, "address");
    uint32_t ipv4;
    struct mac mac;
    if (!ipv4_parse(address, &ipv4)) {
        put_value(b, keys->ipv4, address);
    } else if (!mac_parse(address, &mac)) {
        put_value(b, keys->mac, address);
    } else if (strchr(address, ':')) {
        put_value(b, keys->ipv6_label, keys->ipv6_name);
        put_value(b, keys->ipv6, address);
    }
    if (!mac_parse(text_of(end, "mac"), &mac) && mac_parse(address, &mac))
        put_value(b, keys->mac, text_of(end, "mac"));
    put_number(b, keys->port, json_object_get(end, "port"));
}

static void
put_labelled(struct buf *b, unsigned number, const char *label, const char *text)
{
    char key[16], name[16];
    if (!*text)
        return;
    snprintf(key, sizeof key, "cs%u", number);
    snprintf(name, sizeof name, "cs%uLabel", number);
    put_value(b, name, label);
    put_value(b, key, text);
}

static void
put_techniques(struct buf *b, const json_t *list)
{
    struct buf joined = BUF_INIT;
    for (size_t i = 0; i < json_array_size(list); i++)
        buf_printf(&joined, "%s%s", i ? " " : "", json_string_value(json_array_get(list, i)));
    put_labelled(b, 3, "Techniques", buf_cstr(&joined));
    buf_fini(&joined);
}

void
cef_put(struct buf *b, const json_t *alert, const char *version)
{
    static const struct end_keys source = {"source",      "src",  "c6a2", "c6a2Label",
                                           "Source IPv6", "smac", "spt"};
    static const struct end_keys target = {"target",           "dst",  "c6a3", "c6a3Label",
                                           "Destination IPv6", "dmac", "dpt"};
    static const int severities[ALERT_SEVERITY_MAX + 1] = {3, 5, 8, 10, 5};
    int severity = severities[alert_severity_from_word(text_of(alert, "severity"))];
    const char *id = text_of(alert, "id");
    char sensor[ALERT_ID_MAX + 1];
    snprintf(sensor, sizeof sensor, "%.*s", (int)strcspn(id, "/"), id);
    buf_str(b, "CEF:0|Tieline|tieline-sensor|");
    put_header(b, version);
    put_header(b, text_of(alert, "rule"));
    put_header(b, text_of(alert, "title"));
    buf_printf(b, "%d|externalId=", severity);
    put_escaped(b, id);
    put_value(b, "dvchost", sensor);
    put_time(b, "rt", text_of(alert, "recorded"));
    put_time(b, "start", text_of(alert, "first"));
    put_time(b, "end", text_of(alert, "last"));
    put_number(b, "cnt", json_object_get(alert, "count"));
    put_end(b, alert, &source);
    put_end(b, alert, &target);
    put_value(b, "app", text_of(alert, "protocol"));
    put_labelled(b, 1, "Circuit", text_of(alert, "circuit"));
    put_labelled(b, 2, "Incident", text_of(alert, "incident"));
    put_techniques(b, json_object_get(alert, "techniques"));
    put_labelled(b, 4, "Site", text_of(alert, "site"));
    put_value(b, "msg", text_of(alert, "explanation"));
}

/* ---- syslog ---- */

/* A field of its header: printable ASCII without spaces, at most so many; "-" for none. */
static void
put_word(struct buf *b, const char *text, size_t most)
{
    size_t n = 0;
    for (; text[n] && n < most; n++)
        buf_u8(b, text[n] > ' ' && (unsigned char)text[n] < 127 ? (uint8_t)text[n] : '?');
    buf_str(b, n ? " " : "- ");
}

/* With microseconds: more digits RFC 5424 does not allow. */
static void
put_timestamp(struct buf *b, nsec_t now)
{
    char text[TIME_TEXT_SIZE];
    time_format(now / NSEC_PER_SEC * NSEC_PER_SEC, text);
    text[strcspn(text, ".Z")] = '\0';
    buf_printf(b, "%s.%06dZ ", text, (int)(now % NSEC_PER_SEC / NSEC_PER_USEC));
}

void
cef_put_syslog(struct buf *b, const json_t *alert, const char *version, const char *host,
               nsec_t now)
{
    static const int severities[ALERT_SEVERITY_MAX + 1] = {5, 4, 3, 2, 4};
    int severity = severities[alert_severity_from_word(text_of(alert, "severity"))];
    buf_printf(b, "<%d>1 ", FACILITY * 8 + severity);
    put_timestamp(b, now);
    put_word(b, host, 255);
    buf_str(b, "tielined - ");
    put_word(b, text_of(alert, "rule"), 32);
    buf_str(b, "- ");
    cef_put(b, alert, version);
}

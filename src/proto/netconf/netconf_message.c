#include "proto/netconf/netconf_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPABILITY_PREFIX "urn:ietf:params:netconf:"
#define OLD_CAPABILITY_PREFIX "urn:ietf:params:xml:ns:netconf:"

static const struct capability {
    uint32_t flag;
    const char *name; /* for people */
    const char *uri;  /* all of it, up to '?' */
} capabilities[] = {
    {NETCONF_BASE_1_0, "base:1.0", CAPABILITY_PREFIX "base:1.0"},
    {NETCONF_BASE_1_0, "base:1.0", OLD_CAPABILITY_PREFIX "base:1.0"},
    {NETCONF_BASE_1_1, "base:1.1", CAPABILITY_PREFIX "base:1.1"},
    {NETCONF_WRITABLE_RUNNING, ":writable-running",
     CAPABILITY_PREFIX "capability:writable-running:1.0"},
    {NETCONF_CANDIDATE, ":candidate", CAPABILITY_PREFIX "capability:candidate:1.0"},
    {NETCONF_CANDIDATE, ":candidate", OLD_CAPABILITY_PREFIX "capability:candidate:1.0"},
    {NETCONF_CONFIRMED_COMMIT_1_0, ":confirmed-commit",
     CAPABILITY_PREFIX "capability:confirmed-commit:1.0"},
    {NETCONF_CONFIRMED_COMMIT_1_0, ":confirmed-commit",
     OLD_CAPABILITY_PREFIX "capability:confirmed-commit:1.0"},
    {NETCONF_CONFIRMED_COMMIT_1_1, ":confirmed-commit:1.1",
     CAPABILITY_PREFIX "capability:confirmed-commit:1.1"},
    {NETCONF_ROLLBACK_ON_ERROR, ":rollback-on-error",
     CAPABILITY_PREFIX "capability:rollback-on-error:1.0"},
    {NETCONF_VALIDATE_1_0, ":validate", CAPABILITY_PREFIX "capability:validate:1.0"},
    {NETCONF_VALIDATE_1_0, ":validate", OLD_CAPABILITY_PREFIX "capability:validate:1.0"},
    {NETCONF_VALIDATE_1_1, ":validate:1.1", CAPABILITY_PREFIX "capability:validate:1.1"},
    {NETCONF_STARTUP, ":startup", CAPABILITY_PREFIX "capability:startup:1.0"},
    {NETCONF_URL, ":url", CAPABILITY_PREFIX "capability:url:1.0"},
    {NETCONF_URL, ":url", OLD_CAPABILITY_PREFIX "capability:url:1.0"},
    {NETCONF_XPATH, ":xpath", CAPABILITY_PREFIX "capability:xpath:1.0"},
    {NETCONF_NOTIFICATION, ":notification", CAPABILITY_PREFIX "capability:notification:1.0"},
    {NETCONF_INTERLEAVE, ":interleave", CAPABILITY_PREFIX "capability:interleave:1.0"},
    {NETCONF_WITH_DEFAULTS, ":with-defaults", CAPABILITY_PREFIX "capability:with-defaults:1.0"},
    {NETCONF_YANG_LIBRARY, ":yang-library", CAPABILITY_PREFIX "capability:yang-library:1.0"},
    {NETCONF_YANG_LIBRARY, ":yang-library", CAPABILITY_PREFIX "capability:yang-library:1.1"},
    {NETCONF_PARTIAL_LOCK, ":partial-lock", CAPABILITY_PREFIX "capability:partial-lock:1.0"},
    {NETCONF_MONITORING, "ietf-netconf-monitoring", NETCONF_NS_MONITORING},
};

const char *
netconf_capability_name(uint32_t capability)
{
    for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
        if (capabilities[i].flag & capability)
            return capabilities[i].name;
    }
    return "";
}

static uint32_t
flag_of(const char *uri)
{
    size_t length = strcspn(uri, "?");
    for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
        if (strlen(capabilities[i].uri) == length && !memcmp(capabilities[i].uri, uri, length))
            return capabilities[i].flag;
    }
    return 0;
}

static char *
trimmed_copy(struct arena *arena, const char *text)
{
    text += strspn(text, " \t\r\n");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\r\n", text[n - 1]))
        n--;
    return arena_strndup(arena, text, n);
}

static enum err
take_capabilities(const struct netconf_xml *list, struct arena *arena, struct netconf_hello *hello)
{
    hello->uris = arena_calloc(arena, list->n_children + 1, sizeof *hello->uris);
    if (!hello->uris)
        return ERR_LIMIT;
    for (const struct netconf_xml *e = list->first; e; e = e->next) {
        if (!netconf_xml_is(e, NETCONF_NS, "capability"))
            continue;
        char *uri = trimmed_copy(arena, e->text);
        if (!uri)
            return ERR_LIMIT;
        hello->uris[hello->n_uris++] = uri;
        hello->capabilities |= flag_of(uri);
    }
    return ERR_OK;
}

enum err
netconf_hello_parse(const struct netconf_xml *root, struct arena *arena,
                    struct netconf_hello *hello, struct diag *diag)
{
    struct netconf_hello h = {0};
    const struct netconf_xml *list = netconf_xml_child(root, NETCONF_NS, "capabilities");
    if (!netconf_xml_is(root, NETCONF_NS, "hello") || !list)
        return diag_set(diag, ERR_MALFORMED, "the peer's first message is not hello, but %.64s",
                        root->name);
    if (take_capabilities(list, arena, &h))
        return diag_set(diag, ERR_LIMIT, "the peer's hello takes more memory than is allowed");
    if (!(h.capabilities & (NETCONF_BASE_1_0 | NETCONF_BASE_1_1)))
        return diag_set(diag, ERR_UNSUPPORTED, "the peer speaks neither base:1.0 nor base:1.1");
    const char *id = netconf_xml_value(arena, root, "session-id", "0");
    char *end;
    unsigned long number = strtoul(id, &end, 10);
    if (*end || number > UINT32_MAX)
        return diag_set(diag, ERR_MALFORMED, "session-id: %.32s is no number of 32 bits", id);
    h.session_id = (uint32_t)number;
    *hello = h;
    return ERR_OK;
}

void
netconf_hello_put(struct buf *out)
{
    buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><hello xmlns=\"" NETCONF_NS
                 "\"><capabilities><capability>" CAPABILITY_PREFIX
                 "base:1.0</capability><capability>" CAPABILITY_PREFIX
                 "base:1.1</capability></capabilities></hello>");
}

bool
netconf_hello_has_module(const struct netconf_hello *hello, const char *module)
{
    size_t length = strlen(module);
    for (uint32_t i = 0; i < hello->n_uris; i++) {
        const char *at = strpbrk(hello->uris[i], "?");
        for (; at; at = strchr(at, '&')) {
            at++;
            if (!strncmp(at, "module=", 7) && !strncmp(at + 7, module, length) &&
                (!at[7 + length] || at[7 + length] == '&'))
                return true;
        }
    }
    return false;
}

bool
netconf_hello_tags_defaults(const struct netconf_hello *hello)
{
    for (uint32_t i = 0; i < hello->n_uris; i++) {
        if (strstr(hello->uris[i], ":with-defaults:") &&
            strstr(hello->uris[i], "basic-mode=report-all") &&
            strstr(hello->uris[i], "report-all-tagged"))
            return true;
    }
    return false;
}

bool
netconf_hello_is_yuma123(const struct netconf_hello *hello)
{
    for (uint32_t i = 0; i < hello->n_uris; i++) {
        if (!strncmp(hello->uris[i], "http://yuma123.org/ns/", 22))
            return true;
    }
    return false;
}

static const struct {
    const char *tag;
    enum err err;
} tags[] = {
    {"lock-denied", ERR_BUSY},
    {"in-use", ERR_BUSY},
    {"access-denied", ERR_DENIED},
    {"data-exists", ERR_EXISTS},
    {"data-missing", ERR_NOT_FOUND},
    {"operation-not-supported", ERR_UNSUPPORTED},
    {"resource-denied", ERR_LIMIT},
    {"too-big", ERR_LIMIT},
    {"malformed-message", ERR_MALFORMED},
    {"operation-failed", ERR_CONFLICT},
    {"rollback-failed", ERR_CONFLICT},
};

enum err
netconf_error_err(const struct netconf_error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
        if (!strcmp(tags[i].tag, error->tag))
            return tags[i].err;
    }
    return ERR_INVALID;
}

enum err
netconf_error_explain(const struct netconf_error *error, struct diag *diag)
{
    const struct {
        const char *before, *text;
    } parts[] = {
        {": ", error->message},
        {"; path ", error->path},
        {"; app-tag ", error->app_tag},
        {"; element ", error->bad_element},
        {"; attribute ", error->bad_attribute},
        {"; namespace ", error->bad_namespace},
        {"; held by session ", error->session_id},
    };
    enum err err = netconf_error_err(error);
    if (!diag)
        return err;
    size_t used = (size_t)snprintf(diag->text, sizeof diag->text, "%.100s",
                                   *error->tag ? error->tag : "rpc-error without a tag");
    for (size_t i = 0; i < ARRAY_SIZE(parts) && used < sizeof diag->text; i++) {
        if (*parts[i].text)
            used += (size_t)snprintf(diag->text + used, sizeof diag->text - used, "%s%s",
                                     parts[i].before, parts[i].text);
    }
    return err;
}

static enum err
read_error(const struct netconf_xml *e, struct arena *arena, struct netconf_error *error)
{
    const struct netconf_xml *info = netconf_xml_child(e, NETCONF_NS, "error-info");
    *error = (struct netconf_error){
        .type = netconf_xml_value(arena, e, "error-type", ""),
        .tag = netconf_xml_value(arena, e, "error-tag", ""),
        .app_tag = netconf_xml_value(arena, e, "error-app-tag", ""),
        .path = netconf_xml_value(arena, e, "error-path", ""),
        .message = netconf_xml_value(arena, e, "error-message", ""),
        .warning = !strcmp(netconf_xml_value(arena, e, "error-severity", "error"), "warning"),
        .bad_element = netconf_xml_value(arena, info, "bad-element", ""),
        .bad_attribute = netconf_xml_value(arena, info, "bad-attribute", ""),
        .bad_namespace = netconf_xml_value(arena, info, "bad-namespace", ""),
        .session_id = netconf_xml_value(arena, info, "session-id", ""),
        .info = info,
    };
    return ERR_OK;
}

#define RESULTS_DEPTH 4 /* commit-results, routing-engine, ... of Junos */

/* Errors in the reply, and in the results within it that Junos sends; not within data. Counts them,
 * and reads them if there is a place. */
static uint32_t
find_errors(const struct netconf_xml *in, struct arena *arena, struct netconf_error *errors,
            unsigned depth)
{
    uint32_t n = 0;
    for (const struct netconf_xml *e = in->first; e; e = e->next) {
        if (netconf_xml_is(e, NULL, "rpc-error")) {
            if (errors && read_error(e, arena, &errors[n]))
                return n;
            n++;
        } else if (depth < RESULTS_DEPTH && !netconf_xml_is(e, NULL, "data")) {
            n += find_errors(e, arena, errors ? errors + n : NULL, depth + 1);
        }
    }
    return n;
}

static enum err
read_reply(const struct netconf_xml *root, struct arena *arena, struct netconf_message *message,
           struct diag *diag)
{
    message->kind = NETCONF_REPLY;
    message->message_id = netconf_xml_attribute(root, NULL, "message-id");
    message->data = netconf_xml_child(root, NULL, "data");
    message->n_errors = find_errors(root, arena, NULL, 0);
    message->errors = arena_calloc(arena, message->n_errors, sizeof *message->errors);
    if (message->n_errors && !message->errors)
        return diag_set(diag, ERR_LIMIT, "a reply's errors take more memory than is allowed");
    if (message->n_errors)
        find_errors(root, arena, message->errors, 0);
    message->ok = true;
    for (uint32_t i = 0; i < message->n_errors; i++)
        message->ok &= message->errors[i].warning;
    return ERR_OK;
}

static enum err
read_notification(const struct netconf_xml *root, struct arena *arena,
                  struct netconf_message *message, struct diag *diag)
{
    message->kind = NETCONF_NOTICE;
    message->event_time = netconf_xml_value(arena, root, "eventTime", NULL);
    for (const struct netconf_xml *e = root->first; e && !message->event; e = e->next) {
        if (!netconf_xml_is(e, NULL, "eventTime"))
            message->event = e;
    }
    if (!message->event_time || !message->event)
        return diag_set(diag, ERR_MALFORMED, "a notification without %s",
                        message->event ? "eventTime" : "an event");
    return ERR_OK;
}

enum err
netconf_message_parse(const struct netconf_xml *root, struct arena *arena,
                      struct netconf_message *message, struct diag *diag)
{
    *message = (struct netconf_message){.root = root};
    if (netconf_xml_is(root, NETCONF_NS, "hello"))
        return ERR_OK;
    if (netconf_xml_is(root, NETCONF_NS, "rpc-reply"))
        return read_reply(root, arena, message, diag);
    if (netconf_xml_is(root, NETCONF_NS_NOTIFICATION, "notification"))
        return read_notification(root, arena, message, diag);
    return diag_set(diag, ERR_MALFORMED, "a message that is neither reply nor notification: %.64s",
                    root->name);
}

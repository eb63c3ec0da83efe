#include "gateway/restconf.h"

#include "base/alloc.h"
#include "gateway/event_streams.h"
#include "gateway/handlers.h"
#include "gateway/restconf_vpn.h"
#include "gateway/service_private.h"
#include "io/jsontext.h"
#include "model/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY ROLES_ALL
#define STATE_MODULE "tieline-wan:wan-state"
#define NETWORKS "ietf-network:networks"
#define MONITORING "ietf-restconf-monitoring:restconf-state"
#define LIBRARY "ietf-yang-library:modules-state"

/* ---- Paths into documents ---- */

/* The key of a list's entries, by the list's name; all others have "name". */
static const char *
key_of(const char *list)
{
    static const struct {
        const char *list, *key;
    } keys[] = {{"network", "network-id"},
                {"node", "node-id"},
                {"link", "link-id"},
                {"termination-point", "tp-id"},
                {"design", "circuit"},
                {"port", "number"},
                {"vpn-service", "vpn-id"},
                {"vpn-node", "vpn-node-id"},
                {"vpn-instance-profile", "profile-id"},
                {"global-parameters-profile", "profile-id"},
                {"vpn-network-access", "id"},
                {"vpn-target", "id"},
                {"routing-protocol", "id"},
                {"qos-profile", "profile"},
                {"qos-profile-identifier", "id"}};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (!strcmp(keys[i].list, list))
            return keys[i].key;
    }
    return "name";
}

static bool
has_key(const json_t *entry, const char *list, const char *value)
{
    char number[32];
    const json_t *key = json_object_get(entry, key_of(list));
    if (!key) /* nodes and links of the inventory have names */
        key = json_object_get(entry, "name");
    if (json_is_integer(key)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(key));
        return !strcmp(number, value);
    }
    return key && json_string_value(key) && !strcmp(json_string_value(key), value);
}

static const char *
without_module(const char *name)
{
    return strchr(name, ':') ? strchr(name, ':') + 1 : name;
}

/* The member of that name; below the top the module may be left out (RFC 8040 section 3.5.3). */
static json_t *
member_of(json_t *object, const char *name, size_t length)
{
    const char *key, *colon = memchr(name, ':', length);
    json_t *value;
    json_object_foreach(object, key, value)
    {
        bool partial = !colon || !strchr(key, ':');
        const char *its = partial ? without_module(key) : key,
                   *asked = partial && colon ? colon + 1 : name;
        size_t n = length - (size_t)(asked - name);
        if (strlen(its) == n && !memcmp(its, asked, n))
            return value;
    }
    return NULL;
}

static enum err
enter_list(json_t *list, const char *name, const char *key, json_t **entry, struct diag *diag)
{
    size_t i;
    json_t *item;
    if (!json_is_array(list))
        return diag_set(diag, ERR_INVALID, "%.60s is no list: it has no keys", name);
    json_array_foreach(list, i, item)
    {
        if (has_key(item, without_module(name), key)) {
            *entry = item;
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_NOT_FOUND, "there is no %.60s=%.80s", name, key);
}

/* "MODULE:NAME", where MODULE is that of the first segment. */
static void
put_name(char name[128], const char *first, const char *segment)
{
    char local[64];
    snprintf(local, sizeof local, "%.*s", (int)strcspn(segment, "="), segment);
    if (strchr(local, ':') || !strchr(first, ':'))
        snprintf(name, 128, "%s", local);
    else
        snprintf(name, 128, "%.*s:%s", (int)strcspn(first, ":"), first, local);
}

enum err
restconf_select(json_t *document, const char *const *segments, size_t n, json_t **found,
                char name[128], struct diag *diag)
{
    json_t *at = document, *entry = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *equals = strchr(segments[i], '=');
        size_t length = equals ? (size_t)(equals - segments[i]) : strlen(segments[i]);
        if (i && json_is_array(at))
            return diag_set(diag, ERR_INVALID, "%.60s is a list: a key is missing",
                            segments[i - 1]);
        at = member_of(at, segments[i], length);
        entry = NULL;
        if (!at)
            return diag_set(diag, ERR_NOT_FOUND, "there is no %.*s", (int)MIN(length, 60),
                            segments[i]);
        char *list = xstrndup(segments[i], length);
        enum err err = equals ? enter_list(at, list, equals + 1, &entry, diag) : ERR_OK;
        free(list);
        if (err)
            return err;
        at = entry ? entry : at;
    }
    put_name(name, n ? segments[0] : "", n ? segments[n - 1] : "ietf-restconf:data");
    *found = entry ? json_pack("[O]", entry) : json_incref(at);
    return ERR_OK;
}

json_t *
restconf_prune(const json_t *json, unsigned depth)
{
    const char *key;
    json_t *value, *copy;
    size_t i;
    if (depth == 0)
        return json_deep_copy(json);
    if (json_is_array(json)) {
        copy = json_array();
        json_array_foreach((json_t *)(uintptr_t)json, i, value)
            json_array_append_new(copy, restconf_prune(value, depth));
        return copy;
    }
    if (!json_is_object(json))
        return json_deep_copy(json);
    copy = json_object();
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        bool leaf = json_is_array(value)
                        ? json_array_size(value) > 0 && !json_is_object(json_array_get(value, 0))
                        : !json_is_object(value);
        if (leaf)
            json_object_set(copy, key, value);
        else if (depth > 1)
            json_object_set_new(copy, key, restconf_prune(value, depth - 1));
    }
    return copy;
}

/* ---- Errors ---- */

/* RFC 8040 section 7: the tag that goes with a status. */
static const char *
error_tag(const struct problem *p)
{
    switch (p->err) {
    case ERR_NOT_FOUND:
        return "invalid-value";
    case ERR_EXISTS:
        return "data-exists";
    case ERR_DENIED:
        return "access-denied";
    case ERR_CONFLICT:
    case ERR_BUSY:
        return "in-use";
    case ERR_LIMIT:
        return "too-big";
    case ERR_UNSUPPORTED:
        return "operation-not-supported";
    case ERR_MALFORMED:
    case ERR_TRUNCATED:
        return "malformed-message";
    case ERR_INVALID:
        return "invalid-value";
    default:
        return "operation-failed";
    }
}

int
restconf_status(const struct problem *p)
{
    return p->err == ERR_UNSUPPORTED ? 405 : p->status == 422 ? 400 : p->status;
}

void
restconf_put_errors(struct buf *out, const struct problem *p)
{
    json_t *error = json_pack("{ss ss}", "error-type",
                              p->err == ERR_MALFORMED ? "rpc" : "application", "error-tag",
                              error_tag(p));
    if (p->detail)
        json_object_set_new(error, "error-message", jsontext_string(p->detail));
    if (p->field)
        json_object_set_new(error, "error-app-tag", jsontext_string(p->field));
    json_t *json = json_pack("{s{s[o]}}", "ietf-restconf:errors", "error", error);
    if (jsontext_put(out, json))
        buf_str(out, "{}");
    json_decref(json);
}

/* ---- Reading ---- */

/* Segments behind "restconf", "data". */
static size_t
path_of(const struct api_request *r, const char *const **segments)
{
    size_t n = r->target.n_segments;
    *segments = r->target.segments + 2;
    n = n > 2 ? n - 2 : 0;
    return n && !*(*segments)[n - 1] ? n - 1 : n; /* a slash at the end */
}

static void
answer_part(struct api_request *r, json_t *document)
{
    const char *const *segments;
    size_t n = path_of(r, &segments);
    char name[128];
    struct diag diag = {""};
    json_t *found = NULL;
    enum err err = restconf_select(document, segments, n, &found, name, &diag);
    json_decref(document);
    if (err) {
        api_fail(r, err, "%s", diag.text);
        return;
    }
    json_t *part = restconf_prune(found, (unsigned)api_number(r, "depth", 0));
    json_decref(found);
    api_answer(r, json_pack("{so}", name, part));
}

static void
answer_asked(struct api_request *r, const struct call_result *result)
{
    if (result->err)
        api_fail_call(r, result);
    else
        answer_part(r, json_incref(result->value));
}

/* RFC 8040 section 9.3. All that was ever journaled can be replayed. */
static json_t *
monitoring_json(const struct journal *journal)
{
    char created[TIME_TEXT_SIZE];
    return json_pack(
        "{s{s{s[sss]} s{s[{ss ss sb ss s[{ss ss}]}]}}}", MONITORING, "capabilities", "capability",
        "urn:ietf:params:restconf:capability:defaults:1.0?basic-mode=report-all",
        "urn:ietf:params:restconf:capability:depth:1.0",
        "urn:ietf:params:restconf:capability:replay:1.0", "streams", "stream", "name", "events",
        "description", "Everything that happens at this site.", "replay-support", true,
        "replay-log-creation-time", time_format(journal_identity(journal)->created, created),
        "access", "encoding", "json", "location", "/restconf/streams/events");
}

/* A module; of the VPNs' ones is said what is not as they say. */
static json_t *
module_json(const char *name, const char *revision, const char *space, bool imported)
{
    json_t *json = json_pack("{ss ss ss ss}", "name", name, "revision", revision, "namespace",
                             space, "conformance-type", imported ? "import" : "implement");
    if (!strcmp(name, "ietf-l3vpn-ntw") || !strcmp(name, "ietf-l2vpn-ntw"))
        json_object_set_new(
            json, "deviation",
            json_pack("[{ss ss}]", "name", "tieline-vpn-deviations", "revision", "2026-11-30"));
    if (!strcmp(name, "ietf-vpn-common")) /* without these its users have no such nodes */
        json_object_set_new(json, "feature",
                            json_pack("[ssssssss]", "dot1q", "qinq", "ipv4", "ipv6", "rtg-bgp",
                                      "qos", "inbound-bw", "outbound-bw"));
    return json;
}

static json_t *
library_json(void)
{
    static const char *const modules[][3] = {
        {"tieline-types", "2026-01-15", "urn:tieline:types"},
        {"tieline-inventory", "2026-01-15", "urn:tieline:inventory"},
        {"tieline-wan", "2026-11-30", "urn:tieline:wan"},
        {"tieline-circuit", "2026-01-15", "urn:tieline:circuit"},
        {"tieline-work", "2026-01-15", "urn:tieline:work"},
        {"tieline-events", "2026-11-30", "urn:tieline:events"},
        {"ietf-network", "2018-02-26", "urn:ietf:params:xml:ns:yang:ietf-network"},
        {"ietf-network-topology", "2018-02-26",
         "urn:ietf:params:xml:ns:yang:ietf-network-topology"},
        {"tieline-te-topology", "2026-11-30", "urn:tieline:te-topology"},
        {"ietf-vpn-common", "2022-02-11", "urn:ietf:params:xml:ns:yang:ietf-vpn-common"},
        {"ietf-l3vpn-ntw", "2022-02-14", "urn:ietf:params:xml:ns:yang:ietf-l3vpn-ntw"},
        {"ietf-l2vpn-ntw", "2022-09-20", "urn:ietf:params:xml:ns:yang:ietf-l2vpn-ntw"},
        {"tieline-vpn", "2026-11-30", "urn:tieline:vpn"},
        {"tieline-vpn-deviations", "2026-11-30", "urn:tieline:vpn-deviations"},
        {"ietf-restconf-monitoring", "2017-01-26",
         "urn:ietf:params:xml:ns:yang:ietf-restconf-monitoring"},
        {"ietf-yang-library", "2016-06-21", "urn:ietf:params:xml:ns:yang:ietf-yang-library"},
    };
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
        json_array_append_new(list, module_json(modules[i][0], modules[i][1], modules[i][2], !i));
    return json_pack("{s{ss so}}", LIBRARY, "module-set-id", "3", "module", list);
}

/* Which document a top-level name is in, and who is asked for it. */
static const struct {
    const char *name, *subject; /* NULL: it is known here */
    bool config;
} roots[] = {
    {INVENTORY_MODULE, NULL, true},
    {WAN_MODULE, NULL, true},
    {CIRCUITS_MODULE, NULL, true},
    {L3VPN_MODULE, NULL, false},
    {L2VPN_MODULE, NULL, false},
    {STATE_MODULE, "wan.state", false},
    {NETWORKS, "wan.topology", false},
    {MONITORING, NULL, false},
    {LIBRARY, NULL, false},
};

static void
put_vpns(struct api_request *r, json_t *document, bool with_status)
{
    static const char *const modules[] = {L3VPN_MODULE, L2VPN_MODULE};
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
        json_object_set_new(document, modules[i],
                            restconf_vpns(r->service->config.state, modules[i], with_status));
}

static void
get_known(struct api_request *r, bool config)
{
    const char *content = api_text(r, "content");
    bool wants_config = !content || strcmp(content, "nonconfig") != 0;
    bool wants_state = !content || strcmp(content, "config") != 0;
    json_t *document = json_object();
    if (wants_config) {
        json_decref(document);
        document = network_to_json(r->service->config.state->network);
        put_vpns(r, document, wants_state);
    }
    if (wants_state && !config) {
        json_object_update_new(document, monitoring_json(r->service->config.journal));
        json_object_update_new(document, library_json());
    }
    answer_part(r, document);
}

/* Of long lists: which page. */
static json_t *
page_asked(const struct api_request *r)
{
    return json_pack("{sI sI}", "after", (json_int_t)api_number(r, "after", 0), "limit",
                     (json_int_t)api_number(r, "limit", 1000));
}

static void
get_data(struct api_request *r)
{
    const char *const *segments, *content = api_text(r, "content");
    size_t n = path_of(r, &segments);
    for (size_t i = 0; n && i < ARRAY_SIZE(roots); i++) {
        size_t length = strcspn(segments[0], "=");
        if (strlen(roots[i].name) != length || memcmp(roots[i].name, segments[0], length) != 0)
            continue;
        if (roots[i].subject && content && !strcmp(content, "config"))
            api_fail(r, ERR_NOT_FOUND, "%s is no configuration", roots[i].name);
        else if (roots[i].subject)
            api_ask(r, roots[i].subject, page_asked(r), answer_asked);
        else
            get_known(r, roots[i].config);
        return;
    }
    get_known(r, false);
}

static void
get_root(struct api_request *r)
{
    api_answer(r, json_pack("{s{s{} s{} ss}}", "ietf-restconf:restconf", "data", "operations",
                            "yang-library-version", "2016-06-21"));
}

static void
get_library_version(struct api_request *r)
{
    api_answer(r, json_pack("{ss}", "ietf-restconf:yang-library-version", "2016-06-21"));
}

/* RFC 8040 section 3.1. */
static void
get_host_meta(struct api_request *r)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n"
                   "    <Link rel='restconf' href='/restconf'/>\n</XRD>\n");
    api_answer_text(r, &text);
    buf_fini(&text);
}

/* ---- Changing ---- */

struct target {
    enum object_kind kind;
    const char *word, *name; /* name NULL: the list's container */
};

/* Which object, or container of objects, the path means. False: it was answered. */
static bool
find_target(struct api_request *r, struct target *t)
{
    const char *const *segments;
    size_t n = path_of(r, &segments);
    *t = (struct target){OBJECT_KIND_MAX, NULL, NULL};
    for (enum object_kind kind = OBJECT_SITE; n && kind <= OBJECT_CIRCUIT; kind++) {
        const char *word = object_class(kind)->word,
                   *key = n == 2 ? strchr(segments[1], '=') : NULL;
        if (strcmp(object_module(kind), segments[0]) != 0)
            continue;
        if (n == 1 || (key && !strncmp(without_module(segments[1]), word, strlen(word)) &&
                       without_module(segments[1])[strlen(word)] == '=')) {
            *t = (struct target){kind, word, n == 1 ? NULL : key + 1};
            return true;
        }
    }
    api_fail(r, ERR_UNSUPPORTED,
             "objects are created, replaced and removed one by one: "
             "/restconf/data/MODULE:CONTAINER/LIST=NAME");
    return false;
}

/* The entry of {"MODULE:LIST": [entry]}; borrowed. *word: of the list. NULL: it was answered. */
static json_t *
entry_of(struct api_request *r, const char **word)
{
    const char *key = json_object_iter_key(json_object_iter(r->body));
    json_t *list = key ? json_object_get(r->body, key) : NULL;
    if (json_object_size(r->body) != 1 || !json_is_array(list) || json_array_size(list) != 1 ||
        !json_is_object(json_array_get(list, 0))) {
        api_fail(r, ERR_MALFORMED, "a body {\"MODULE:LIST\": [{...}]} with one entry is expected");
        return NULL;
    }
    *word = without_module(key);
    return json_array_get(list, 0);
}

static void
changed(struct api_request *r, const struct call_result *result)
{
    const json_t *error = api_first_error(result->value);
    if (result->err) {
        api_fail_call(r, result);
        return;
    }
    if (error) {
        const char *field = json_string_value(json_object_get(error, "field"));
        api_fail_field(r, ERR_INVALID, field, "%s%s%s", field ? field : "", field ? ": " : "",
                       json_string_value(json_object_get(error, "text")));
        return;
    }
    const char *location = json_string_value(json_object_get(r->kept, "location"));
    char *fields = location ? xasprintf("Location: %s\r\n", location) : NULL;
    api_answer_with(r, location ? 201 : 204, fields, json_object());
    free(fields);
}

static void
remove_object(struct api_request *r, enum object_kind kind, const char *name)
{
    const char *word = object_class(kind)->word;
    if (!network_find(r->service->config.state->network, kind, name))
        api_fail(r, ERR_NOT_FOUND, "there is no %s %s", word, name);
    else
        api_ask(r, "model.remove",
                json_pack("{ss ss ss}", "actor", r->person.name, "kind", word, "name", name),
                changed);
}

static void put(struct api_request *, enum object_kind, json_t *object, const char *location);

/* True: the path is of the modules for VPNs, and is served here. Plain patches of services are
 * none: lists in them are replaced as a whole, so PUT says the same. */
static bool
serve_vpn(struct api_request *r, enum http_method method)
{
    const char *const *segments, *name, *word;
    size_t n = path_of(r, &segments);
    const struct network *network = r->service->config.state->network;
    if (!n || !restconf_vpn_is_module(segments[0]))
        return false;
    if (!restconf_vpn_target(segments, n, &name) || !name != (method == HTTP_POST) ||
        method == HTTP_PATCH) {
        api_fail(r, ERR_UNSUPPORTED,
                 "services are created, replaced and removed one by one: PUT or DELETE of "
                 "/restconf/data/%s/vpn-services/vpn-service=ID",
                 segments[0]);
        return true;
    }
    if (method == HTTP_DELETE) {
        remove_object(r, OBJECT_VPN, name);
        return true;
    }
    const json_t *service = entry_of(r, &word);
    if (!service)
        return true;
    json_t *object = restconf_vpn_object(network, segments[0], service);
    const char *id = object ? json_string_value(json_object_get(object, "name")) : "";
    char *location = network_vpn(network, id)
                         ? NULL
                         : xasprintf("/restconf/data/%s/vpn-services/vpn-service=%s", segments[0],
                                     id);
    if (strcmp(word, "vpn-service") != 0)
        api_fail(r, ERR_INVALID, "a vpn-service is expected, not a %.40s", word);
    else if (!object || (name && strcmp(name, id) != 0))
        api_fail(r, ERR_INVALID, "vpn-id: %s", name ? "the path says another one" : "is missing");
    else if (!name && !location)
        api_problem(r, &(struct problem){
                           .status = 409, .err = ERR_EXISTS, .detail = "it is there already"});
    else
        put(r, OBJECT_VPN, json_incref(object), location);
    free(location);
    json_decref(object);
    return true;
}

/* Puts an object, which is consumed. `location`: where it is created; NULL: it is there. */
static void
put(struct api_request *r, enum object_kind kind, json_t *object, const char *location)
{
    const char *module = object_module(kind), *word = object_class(kind)->word;
    if (location)
        api_keep(r, json_pack("{ss}", "location", location));
    api_ask(r, "model.put",
            json_pack("{ss s{s{s[o]}}}", "actor", r->person.name, "document", module, word, object),
            changed);
}

/* Under the name that the object says. */
static void
put_named(struct api_request *r, enum object_kind kind, json_t *object, bool created)
{
    char *location = created ? xasprintf("/restconf/data/%s/%s=%s", object_module(kind),
                                         object_class(kind)->word,
                                         json_string_value(json_object_get(object, "name")))
                             : NULL;
    put(r, kind, object, location);
    free(location);
}

static bool
is_named(struct api_request *r, const json_t *object, const char *name)
{
    const char *its = json_string_value(json_object_get(object, "name"));
    if (its && !strcmp(its, name))
        return true;
    api_fail(r, ERR_INVALID, "name: the path says %s", name);
    return false;
}

static void
put_data(struct api_request *r)
{
    struct target t;
    const char *word;
    if (serve_vpn(r, HTTP_PUT) || !find_target(r, &t))
        return;
    json_t *entry = t.name ? entry_of(r, &word) : NULL;
    if (!t.name)
        api_fail(r, ERR_UNSUPPORTED, "containers are not replaced as a whole");
    else if (entry && strcmp(word, t.word) != 0)
        api_fail(r, ERR_INVALID, "the body is a %.40s, the path a %s", word, t.word);
    else if (entry && is_named(r, entry, t.name))
        put_named(r, t.kind, json_incref(entry),
                  !network_find(r->service->config.state->network, t.kind, t.name));
}

/* Plain patch (RFC 8040 section 4.6.1): what is given is merged into what is there. */
static void
patch_data(struct api_request *r)
{
    struct target t;
    const char *word;
    if (serve_vpn(r, HTTP_PATCH) || !find_target(r, &t))
        return;
    json_t *entry = t.name ? entry_of(r, &word) : NULL;
    const void *there = t.name ? network_find(r->service->config.state->network, t.kind, t.name)
                               : NULL;
    if (!t.name) {
        api_fail(r, ERR_UNSUPPORTED, "containers are not patched as a whole");
    } else if (entry && !there) {
        api_fail(r, ERR_NOT_FOUND, "there is no %s %s", t.word, t.name);
    } else if (entry) {
        json_t *object = object_to_json(t.kind, there);
        json_object_update_recursive(object, entry);
        if (is_named(r, object, t.name))
            put_named(r, t.kind, json_incref(object), false);
        json_decref(object);
    }
}

static void
post_data(struct api_request *r)
{
    struct target t;
    const char *word;
    if (serve_vpn(r, HTTP_POST) || !find_target(r, &t))
        return;
    json_t *entry = entry_of(r, &word);
    if (!entry)
        return;
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *module = object_module(t.kind);
    while (t.kind <= OBJECT_CIRCUIT && (strcmp(object_class(t.kind)->word, word) != 0 ||
                                        strcmp(object_module(t.kind), module) != 0))
        t.kind++;
    if (t.name || t.kind > OBJECT_CIRCUIT)
        api_fail(r, ERR_INVALID, "there is no such list here: %.40s", word);
    else if (!name)
        api_fail(r, ERR_INVALID, "name: is missing");
    else if (network_find(r->service->config.state->network, t.kind, name))
        api_problem(r, &(struct problem){
                           .status = 409, .err = ERR_EXISTS, .detail = "it is there already"});
    else
        put_named(r, t.kind, json_incref(entry), true);
}

static void
delete_data(struct api_request *r)
{
    struct target t;
    if (serve_vpn(r, HTTP_DELETE) || !find_target(r, &t))
        return;
    if (!t.name)
        api_fail(r, ERR_UNSUPPORTED, "containers are not removed");
    else
        remove_object(r, t.kind, t.name);
}

/* ---- Operations ---- */

static void
operation_done(struct api_request *r, const struct call_result *result)
{
    if (result->err)
        api_fail_call(r, result);
    else
        api_answer(r, json_pack("{sO}", "tieline-work:output", result->value));
}

static void
post_submit(struct api_request *r)
{
    const json_t *input = json_object_get(r->body, "tieline-work:input");
    struct buf text = BUF_INIT;
    struct diag diag = {""};
    json_t *parsed = NULL;
    enum err err = input ? jsontext_put(&text, input) : ERR_MALFORMED;
    if (!err)
        err = schema_validate_json(r->service->schema, buf_cstr(&text), text.size,
                                   "/tieline-work:submit-order/input", &parsed, &diag);
    buf_fini(&text);
    if (err) {
        api_fail(r, err, "%s", input ? diag.text : "tieline-work:input is missing");
        return;
    }
    json_t *about = json_object();
    static const char *const lists[] = {"circuits", "tunnels", "vpns", "version"};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const char *name = lists[i];
        if (json_object_get(parsed, name))
            json_object_set(about, name, json_object_get(parsed, name));
        json_object_del(parsed, name);
    }
    json_object_set_new(parsed, "input", about);
    json_object_set_new(parsed, "actor", json_string(r->person.name));
    api_ask(r, "work.submit", parsed, operation_done);
}

static void
get_operations(struct api_request *r)
{
    api_answer(r, json_pack("{s{s[n]}}", "ietf-restconf:operations", "tieline-work:submit-order"));
}

/* ---- Events ---- */

static void
get_events(struct api_request *r)
{
    event_streams_open(r->service->events, r, EVENTS_NOTIFICATIONS);
}

/* ---- Routes ---- */

static const struct api_parameter
    content = {"content", "", .type = PARAMETER_WORD, .words = "config nonconfig all"},
    depth = {"depth", "", .type = PARAMETER_NUMBER, .min = 1, .max = 65535},
    from = {"from", "", .type = PARAMETER_NUMBER, .min = 1, .max = INT64_MAX},
    after = {"after", "", .type = PARAMETER_NUMBER, .min = 0, .max = INT64_MAX},
    limit = {"limit", "", .type = PARAMETER_NUMBER, .min = 1, .max = 1000},
    type = {"type", "", .type = PARAMETER_TEXT},
    start_time = {"start-time", "", .type = PARAMETER_TEXT},
    stop_time = {"stop-time", "", .type = PARAMETER_TEXT};

#define QUERY(...) ((const struct api_parameter *const[]){__VA_ARGS__, NULL})
#define YANG .type = RESTCONF_TYPE, .timeout = 60 * NSEC_PER_SEC
#define DEEP "/restconf/data/**" /* and all below it */

/* clang-format off */
static const struct api_route table[] = {
    {HTTP_GET, "/.well-known/host-meta", ANY, "", get_host_meta, .type = "application/xrd+xml"},
    {HTTP_GET, "/restconf", ANY, "", get_root, YANG},
    {HTTP_GET, "/restconf/yang-library-version", ANY, "", get_library_version, YANG},
    {HTTP_GET, "/restconf/operations", ANY, "", get_operations, YANG},
    {HTTP_POST, "/restconf/operations/tieline-work:submit-order", ROLE(ENGINEER) | ROLE(OPERATOR), "", post_submit, YANG, .takes_body = true},
    {HTTP_GET, "/restconf/streams/events", ANY, "", get_events, .answer = "Events", .query = QUERY(&from, &type, &start_time, &stop_time)},
    {HTTP_GET, DEEP, ANY, "", get_data, YANG, .query = QUERY(&content, &depth, &after, &limit)},
    {HTTP_PUT, DEEP, ROLE(ENGINEER), "", put_data, YANG, .takes_body = true},
    {HTTP_PATCH, DEEP, ROLE(ENGINEER), "", patch_data, YANG, .takes_body = true},
    {HTTP_POST, DEEP, ROLE(ENGINEER), "", post_data, YANG, .takes_body = true},
    {HTTP_DELETE, DEEP, ROLE(ENGINEER), "", delete_data, YANG},
};
/* clang-format on */

static bool
matches(const char *path, const struct http_target *target)
{
    size_t i = 0;
    for (const char *at = path; *at == '/'; i++) {
        size_t length = strcspn(++at, "/");
        if (length == 2 && !memcmp(at, "**", 2))
            return true;
        if (i >= target->n_segments || strlen(target->segments[i]) != length ||
            memcmp(target->segments[i], at, length) != 0)
            return false;
        at += length;
    }
    return i == target->n_segments;
}

bool
restconf_find(enum http_method method, const struct http_target *target, struct route_match *match)
{
    if (!target->n_segments || (strcmp(target->segments[0], "restconf") != 0 &&
                                strcmp(target->segments[0], ".well-known") != 0))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!matches(table[i].path, target))
            continue;
        match->path_known = true;
        route_match_allow(match, table[i].method);
        if (table[i].method == (method == HTTP_HEAD ? HTTP_GET : method))
            match->route = &table[i];
    }
    return true;
}

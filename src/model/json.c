#include "model/json.h"

#include "model/object.h"
#include "model/stage.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFINE_JSON(type, KIND)                                                                    \
    enum err type##_from_json(const json_t *json, struct type **object, struct diag *diag)         \
    {                                                                                              \
        void *result;                                                                              \
        enum err err = object_from_json(KIND, json, &result, diag);                                \
        if (!err)                                                                                  \
            *object = result;                                                                      \
        return err;                                                                                \
    }                                                                                              \
                                                                                                   \
    json_t *type##_to_json(const struct type *object)                                              \
    {                                                                                              \
        return object_to_json(KIND, object);                                                       \
    }

DEFINE_JSON(site, OBJECT_SITE)
DEFINE_JSON(node, OBJECT_NODE)
DEFINE_JSON(link, OBJECT_LINK)
DEFINE_JSON(host, OBJECT_HOST)
DEFINE_JSON(router, OBJECT_ROUTER)
DEFINE_JSON(tunnel, OBJECT_TUNNEL)
DEFINE_JSON(vpn, OBJECT_VPN)
DEFINE_JSON(circuit, OBJECT_CIRCUIT)
DEFINE_JSON(design, OBJECT_DESIGN)

enum err
settings_from_json(const json_t *json, struct settings *settings, struct diag *diag)
{
    void *result;
    enum err err = object_from_json(OBJECT_SETTINGS, json, &result, diag);
    if (err)
        return err;
    *settings = *(struct settings *)result;
    object_free(OBJECT_SETTINGS, result);
    return ERR_OK;
}

json_t *
settings_to_json(const struct settings *settings)
{
    return object_to_json(OBJECT_SETTINGS, settings);
}

/* ---- Documents ---------------------------------------------------------------------------------
 */

/* Which lists are in which part. */
static const struct part {
    const char *name;
    enum object_kind kinds[4];
    size_t n_kinds;
} parts[] = {
    {INVENTORY_MODULE, {OBJECT_SITE, OBJECT_NODE, OBJECT_LINK, OBJECT_HOST}, 4},
    {WAN_MODULE, {OBJECT_ROUTER, OBJECT_TUNNEL, OBJECT_VPN}, 3},
    {CIRCUITS_MODULE, {OBJECT_CIRCUIT, OBJECT_DESIGN}, 2},
};

const char *
object_module(enum object_kind kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        for (size_t k = 0; k < parts[i].n_kinds; k++) {
            if (parts[i].kinds[k] == kind)
                return parts[i].name;
        }
    }
    return INVENTORY_MODULE; /* the settings; ports within their nodes */
}

static json_t *
list_to_json(const struct network *network, enum object_kind kind)
{
    json_t *array = json_array();
    for (const void *object = network_first(network, kind); object;
         object = object_next(kind, object))
        json_array_append_new(array, object_to_json(kind, object));
    return array;
}

static json_t *
document(const struct network *network, bool with_designs)
{
    json_t *json = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        json_t *part = json_object();
        if (!strcmp(parts[i].name, INVENTORY_MODULE))
            json_object_set_new(part, "settings", settings_to_json(&network->settings));
        for (size_t k = 0; k < parts[i].n_kinds; k++) {
            enum object_kind kind = parts[i].kinds[k];
            if (kind != OBJECT_DESIGN || with_designs)
                json_object_set_new(part, object_class(kind)->word, list_to_json(network, kind));
        }
        json_object_set_new(json, parts[i].name, part);
    }
    return json;
}

json_t *
inventory_to_json(const struct network *network)
{
    return document(network, false);
}

json_t *
network_to_json(const struct network *network)
{
    return document(network, true);
}

/* ---- Reading documents -------------------------------------------------------------------------
 */

/* Calls `visit` for each object; it stops at the first error. */
typedef enum err visit_fn(void *arg, enum object_kind, const json_t *, struct diag *);

static enum err
walk_list(const struct part *part, const char *key, const json_t *list, visit_fn *visit, void *arg,
          struct diag *diag)
{
    for (size_t k = 0; k < part->n_kinds; k++) {
        enum object_kind kind = part->kinds[k];
        if (strcmp(key, object_class(kind)->word))
            continue;
        if (!json_is_array(list))
            return diag_set(diag, ERR_MALFORMED, "%s/%s: must be a list", part->name, key);
        for (size_t i = 0; i < json_array_size(list); i++) {
            enum err err = visit(arg, kind, json_array_get(list, i), diag);
            if (err)
                return err;
        }
        return ERR_OK;
    }
    return diag_set(diag, ERR_MALFORMED, "%s/%.60s: there is no such list", part->name, key);
}

static enum err
walk_part(const struct part *part, const json_t *json, visit_fn *visit, void *arg,
          struct diag *diag)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        return diag_set(diag, ERR_MALFORMED, "%s: must be an object", part->name);
    json_object_foreach((json_t *)json, key, value)
    {
        bool settings = !strcmp(key, "settings") && !strcmp(part->name, INVENTORY_MODULE);
        enum err err = settings ? visit(arg, OBJECT_SETTINGS, value, diag)
                                : walk_list(part, key, value, visit, arg, diag);
        if (err)
            return err;
    }
    return ERR_OK;
}

static const struct part *
find_part(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (!strcmp(parts[i].name, name))
            return &parts[i];
    }
    return NULL;
}

static enum err
walk_document(const json_t *json, visit_fn *visit, void *arg, struct diag *diag)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        return diag_set(diag, ERR_MALFORMED, "the document must be an object");
    json_object_foreach((json_t *)json, key, value)
    {
        const struct part *part = find_part(key);
        if (!part)
            return diag_set(diag, ERR_MALFORMED, "%.60s: must be %s, %s or %s", key,
                            INVENTORY_MODULE, WAN_MODULE, CIRCUITS_MODULE);
        enum err err = walk_part(part, value, visit, arg, diag);
        if (err)
            return err;
    }
    return ERR_OK;
}

/* What the object calls itself, even if nothing else in it can be read. */
static const char *
stated_name(enum object_kind kind, const json_t *json)
{
    const char *name = json_string_value(
        json_object_get(json, kind == OBJECT_DESIGN ? "circuit" : "name"));
    return name ? name : "";
}

static enum err
load_object(void *arg, enum object_kind kind, const json_t *json, struct diag *diag)
{
    struct network *network = arg;
    void *object;
    enum err err = kind == OBJECT_SETTINGS ? settings_from_json(json, &network->settings, diag)
                                           : object_from_json(kind, json, &object, diag);
    if (err) {
        diag_prefix(diag, "%s %.70s", object_class(kind)->word, stated_name(kind, json));
        if (diag)
            text_make_printable(diag->text);
        return err;
    }
    if (kind == OBJECT_SETTINGS)
        return ERR_OK;
    if (network_find(network, kind, object_name(kind, object))) {
        diag_set(diag, ERR_EXISTS, "%s %s: is there twice", object_class(kind)->word,
                 object_name(kind, object));
        object_free(kind, object);
        return ERR_EXISTS;
    }
    network_put(network, kind, object);
    return ERR_OK;
}

enum err
network_from_json(const json_t *json, struct network **network, struct diag *diag)
{
    struct network *result = network_new();
    enum err err = walk_document(json, load_object, result, diag);
    if (err) {
        network_free(result);
        return err;
    }
    *network = result;
    return ERR_OK;
}

static enum err
stage_object(void *arg, enum object_kind kind, const json_t *json, struct diag *diag UNUSED)
{
    struct stage *stage = arg;
    const struct stage_place nowhere = {0};
    struct diag why;
    void *object;
    if (kind == OBJECT_DESIGN)
        stage_fail(stage, "design", stated_name(kind, json), &nowhere, NULL,
                   "designs are computed, not stated");
    else if (object_from_json(kind, json, &object, &why))
        stage_fail(stage, object_class(kind)->word, stated_name(kind, json), &nowhere, NULL,
                   why.text);
    else if (kind == OBJECT_SETTINGS)
        stage_put_settings(stage, object, &nowhere);
    else
        stage_put(stage, kind, object, &nowhere);
    return ERR_OK;
}

enum err
inventory_apply_json(struct network *network, const json_t *json, bool dry_run,
                     struct report *report, struct diag *diag)
{
    struct stage *stage = stage_new(network, report);
    enum err malformed = walk_document(json, stage_object, stage, diag);
    enum err err = stage_finish(stage, dry_run || malformed);
    if (malformed)
        return malformed;
    return err ? diag_set(diag, err, "%zu of %zu objects are wrong", report->counts[REPORT_ERROR],
                          report->n)
               : ERR_OK;
}

/* ---- Names -------------------------------------------------------------------------------------
 */

char *
names_text(const json_t *names, size_t most)
{
    struct buf text = BUF_INIT;
    size_t n = json_array_size(names);
    for (size_t i = 0; i < n && i < most; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        buf_printf(&text, "%s%s", i ? ", " : "", name ? name : "?");
    }
    if (n > most)
        buf_printf(&text, " and %zu more", n - most);
    return buf_steal_cstr(&text);
}

/* Objects from files to the server. */
#include "cli/cmd.h"

#include "cli/cli_problem.h"
#include "io/jsontext.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

/* Services in the shape of RFC 9182 or 9291, as they come from elsewhere: a VPN of each. NULL: it
 * has none. */
static json_t *
vpns_of_services(const json_t *document)
{
    static const char *const models[] = {"ietf-l3vpn-ntw:l3vpn-ntw", "ietf-l2vpn-ntw:l2vpn-ntw"};
    json_t *vpns = NULL, *service;
    size_t k;
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        const json_t *services = json_object_get(json_object_get(document, models[i]),
                                                 "vpn-services");
        json_array_foreach(json_object_get(services, "vpn-service"), k, service)
        {
            vpns = vpns ? vpns : json_array();
            json_array_append_new(
                vpns, json_pack("{sO* s{s{s{s[O]}}}}", "name", json_object_get(service, "vpn-id"),
                                "service", models[i], "vpn-services", "vpn-service", service));
        }
    }
    return vpns;
}

static const json_t *
find_objects(const struct kind *kind, const json_t *document)
{
    static const char *const modules[] = {INVENTORY_MODULE, WAN_MODULE, CIRCUITS_MODULE};
    const json_t *list;
    if (json_is_array(document))
        return document;
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
        list = json_object_get(json_object_get(document, modules[i]), kind->word);
        if (json_is_array(list))
            return list;
    }
    list = json_object_get(document, kind->plural);
    return json_is_array(list) ? list : NULL;
}

static int
add_object(struct cli *cli, const struct kind *kind, const char *path, const json_t *object,
           json_t *objects)
{
    if (!json_is_object(object))
        return cli_fail(cli, CLI_FAILED, "%s: there is something else than objects in it", path);
    if (!*text_of(object, "name"))
        return cli_fail(cli, CLI_FAILED, "%s: a %s without a name", path, kind->word);
    json_t *copy = json_copy((json_t *)(uintptr_t)object);
    json_object_del(copy, "status");
    json_object_del(copy, "live");
    json_array_append_new(objects, copy);
    return CLI_OK;
}

int
document_read(struct cli *cli, const struct kind *kind, const char *path, json_t **objects)
{
    json_t *document, *found = json_array();
    int status = cli_read_json(cli, path, &document);
    if (status) {
        json_decref(found);
        return status;
    }
    json_t *services = kind == &kind_vpn ? vpns_of_services(document) : NULL;
    const json_t *list = services ? services : find_objects(kind, document), *object;
    size_t i;
    if (!list)
        status = add_object(cli, kind, path, document, found);
    json_array_foreach(list, i, object)
    {
        status = status ? status : add_object(cli, kind, path, object, found);
    }
    if (!status && !json_array_size(found))
        status = cli_fail(cli, CLI_FAILED, "%s: there is no %s in it", path, kind->word);
    json_decref(services);
    json_decref(document);
    if (status)
        json_decref(found);
    else
        *objects = found;
    return status;
}

static bool
has_errors(const json_t *report)
{
    return json_integer_value(json_object_get(report, "errors")) > 0;
}

int
document_report(struct cli *cli, const json_t *report)
{
    int status = has_errors(report) ? CLI_FAILED : CLI_OK;
    if (cli_json(cli))
        return status;
    size_t before = cli->out.size;
    report_text(&cli->out, report);
    if (cli->out.size == before)
        buf_str(&cli->out, "done\n");
    return status;
}

/* None of the objects is there already. */
static int
check_fresh(struct cli *cli, const struct kind *kind, const json_t *objects)
{
    const json_t *there, *object, *other;
    size_t i, j;
    int status = cli_get(cli, http_path(kind->plural, NULL), &there);
    if (status)
        return status;
    json_t *names = json_object();
    json_array_foreach(json_object_get(there, kind->plural), j, other)
        json_object_set_new(names, text_of(other, "name"), json_true());
    json_array_foreach(objects, i, object)
    {
        const char *name = text_of(object, "name");
        if (!status && json_object_get(names, name))
            status = cli_fail(cli, CLI_FAILED, "%s %s exists already; tieline %s put replaces it",
                              kind->word, name, kind->word);
    }
    json_decref(names);
    return status;
}

static json_t *
import_body(const struct kind *kind, const json_t *objects)
{
    const char *module = kind == &kind_circuit ? CIRCUITS_MODULE
                         : kind == &kind_router || kind == &kind_tunnel || kind == &kind_vpn
                             ? WAN_MODULE
                             : INVENTORY_MODULE;
    json_t *document = json_pack("{s:{s:O}}", module, kind->word, objects);
    struct buf text = BUF_INIT;
    if (jsontext_put(&text, document))
        buf_str(&text, "{}");
    json_t *body = json_pack("{s:[{s:s, s:o}]}", "files", "name", "objects.json", "text",
                             jsontext_string(buf_cstr(&text)));
    json_decref(document);
    buf_fini(&text);
    return body;
}

int
document_put(struct cli *cli, const struct kind *kind, const json_t *objects, bool fresh,
             bool quiet)
{
    const json_t *report;
    const char *dry = cli_has(cli, "dry-run") ? "true" : NULL;
    char *path;
    int status = fresh ? check_fresh(cli, kind, objects) : CLI_OK;
    if (status)
        return status;
    if (json_array_size(objects) == 1) {
        json_t *object = json_array_get(objects, 0);
        path = http_path(kind->plural, text_of(object, "name"), NULL);
        http_query(&path, "dry-run", dry);
        status = cli_call(cli, "PUT", path, json_incref(object), &report);
    } else {
        path = http_path("import", NULL);
        http_query(&path, "format", "json");
        http_query(&path, "dry-run", dry);
        status = cli_call(cli, "POST", path, import_body(kind, objects), &report);
    }
    if (status)
        return status;
    if (!quiet || has_errors(report))
        return document_report(cli, report);
    return CLI_OK;
}

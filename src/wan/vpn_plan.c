#include "wan/vpn_plan.h"

#include "base/alloc.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_BUDGET ((size_t)64 << 20)
#define TEXT_LIMIT ((size_t)4 << 20)
#define TEMPLATE_LIMIT ((size_t)1 << 20)

/* ---- templates */

struct entry {
    char *platform;
    enum vpn_kind kind;
    bool checks; /* else native configuration */
    struct vpn_template *template;
};

struct vpn_catalog {
    struct entry *entries;
    size_t n, capacity;
};

struct vpn_catalog *
vpn_catalog_new(void)
{
    return xcalloc(1, sizeof(struct vpn_catalog));
}

void
vpn_catalog_free(struct vpn_catalog *c)
{
    for (size_t i = 0; c && i < c->n; i++) {
        free(c->entries[i].platform);
        vpn_template_free(c->entries[i].template);
    }
    if (c)
        free(c->entries);
    free(c);
}

static const struct vpn_template *
find(const struct vpn_catalog *c, const char *platform, enum vpn_kind kind, bool checks)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct entry *e = &c->entries[i];
        if (e->kind == kind && e->checks == checks && !strcmp(e->platform, platform))
            return e->template;
    }
    return NULL;
}

bool
vpn_catalog_has(const struct vpn_catalog *c, const char *platform, enum vpn_kind kind)
{
    return find(c, platform, kind, false) != NULL;
}

static enum err
add(struct vpn_catalog *c, const char *platform, enum vpn_kind kind, bool checks,
    enum vpn_dialect dialect, const char *text, size_t size, struct diag *diag)
{
    struct vpn_template *template;
    if (find(c, platform, kind, checks))
        return diag_set(diag, ERR_EXISTS, "platform %s has a template for it already", platform);
    enum err err = vpn_template_parse(text, size, dialect, &template, diag);
    if (err)
        return err;
    GROW(c->entries, c->n, c->capacity);
    c->entries[c->n++] = (struct entry){xstrdup(platform), kind, checks, template};
    return ERR_OK;
}

enum err
vpn_catalog_add(struct vpn_catalog *c, const char *platform, enum vpn_kind kind,
                enum vpn_dialect dialect, const char *text, size_t size, struct diag *diag)
{
    return add(c, platform, kind, false, dialect, text, size, diag);
}

enum err
vpn_catalog_add_checks(struct vpn_catalog *c, const char *platform, enum vpn_kind kind,
                       const char *text, size_t size, struct diag *diag)
{
    return add(c, platform, kind, true, VPN_LINES, text, size, diag);
}

static const struct {
    const char *suffix;
    enum vpn_kind kind;
    enum vpn_dialect dialect;
    bool checks;
} suffixes[] = {
    {"-l3vpn.xml", VPN_L3, VPN_XML, false},    {"-l2vpn.xml", VPN_L2, VPN_XML, false},
    {"-l3vpn.conf", VPN_L3, VPN_LINES, false}, {"-l2vpn.conf", VPN_L2, VPN_LINES, false},
    {"-l3vpn.check", VPN_L3, VPN_LINES, true}, {"-l2vpn.check", VPN_L2, VPN_LINES, true},
};

static enum err
load_file(struct vpn_catalog *c, const char *directory, const char *name, struct diag *diag)
{
    size_t length = strlen(name), i = 0, n = 0;
    for (; i < ARRAY_SIZE(suffixes); i++) {
        n = strlen(suffixes[i].suffix);
        if (length > n && !strcmp(name + length - n, suffixes[i].suffix))
            break;
    }
    if (i == ARRAY_SIZE(suffixes))
        return ERR_OK;
    char *path = xasprintf("%s/%s", directory, name);
    char *platform = xstrndup(name, length - n);
    struct buf text = BUF_INIT;
    enum err err = file_read(path, TEMPLATE_LIMIT, &text, diag);
    if (!err) {
        err = add(c, platform, suffixes[i].kind, suffixes[i].checks, suffixes[i].dialect,
                  buf_cstr(&text), text.size, diag);
        if (err)
            diag_prefix(diag, "%s", path);
    }
    buf_fini(&text);
    free(platform);
    free(path);
    return err;
}

enum err
vpn_catalog_load(struct vpn_catalog *c, const char *directory, struct diag *diag)
{
    DIR *entries = opendir(directory);
    enum err err = ERR_OK;
    if (!entries)
        return file_fail(diag, directory, errno);
    for (struct dirent *entry; !err && (entry = readdir(entries));)
        err = load_file(c, directory, entry->d_name, diag);
    closedir(entries);
    return err;
}

/* ---- plans */

void
vpn_plan_free(struct vpn_plan *plan)
{
    if (plan && !plan->n_more_owners--)
        arena_free(plan->arena); /* it is in it itself */
}

struct vpn_plan *
vpn_plan_ref(struct vpn_plan *plan)
{
    plan->n_more_owners++;
    return plan;
}

const struct vpn_device_plan *
vpn_plan_device(const struct vpn_plan *plan, const char *ne_id)
{
    for (uint32_t i = 0; plan && i < plan->n; i++) {
        if (!strcmp(plan->devices[i].ne_id, ne_id))
            return &plan->devices[i];
    }
    return NULL;
}

static enum err
no_memory(struct diag *diag)
{
    return diag_set(diag, ERR_LIMIT, "the plan takes more memory than is allowed");
}

static enum err
keep_gaps(struct arena *arena, const json_t *gaps, struct vpn_device_plan *d)
{
    d->gaps = arena_calloc(arena, json_array_size(gaps), sizeof *d->gaps);
    if (json_array_size(gaps) > 0 && !d->gaps)
        return ERR_LIMIT;
    for (size_t i = 0; i < json_array_size(gaps); i++) {
        d->gaps[i] = arena_strdup(arena, json_string_value(json_array_get(gaps, i)));
        if (!d->gaps[i])
            return ERR_LIMIT;
        d->n_gaps++;
    }
    return ERR_OK;
}

/* The text for people of XML is what is left when the marks are taken out. */
static enum err
keep_text(struct arena *arena, struct buf *text, struct vpn_device_plan *d, struct diag *diag)
{
    struct buf pretty = BUF_INIT;
    struct netconf_xml *config = NULL;
    if (d->dialect == VPN_LINES) {
        d->lines = d->text = arena_strdup(arena, buf_cstr(text));
        return d->text ? ERR_OK : no_memory(diag);
    }
    enum err err = netconf_xml_parse(text->data, text->size, arena, &config, diag);
    if (err)
        return err;
    vpn_config_merge(config);
    const struct netconf_xml *native = vpn_config_native(arena, config);
    if (!native)
        return no_memory(diag);
    for (const struct netconf_xml *e = native->first; e; e = e->next)
        netconf_xml_put_pretty(&pretty, e, 0);
    d->config = config;
    d->text = arena_strdup(arena, buf_cstr(&pretty));
    buf_fini(&pretty);
    return d->text ? ERR_OK : no_memory(diag);
}

/* The part before the next bar; the last one has none. NULL: there is none, or no memory. */
static const char *
next_part(struct arena *arena, const char **at, const char *end, bool last)
{
    const char *bar = last ? end : memmem(*at, (size_t)(end - *at), " | ", 3);
    if (!bar || bar == *at)
        return NULL;
    char *part = arena_alloc(arena, (size_t)(bar - *at) + 1);
    if (part) {
        memcpy(part, *at, (size_t)(bar - *at));
        part[bar - *at] = '\0';
    }
    *at = bar + (last ? 0 : 3);
    return part;
}

/* "/a/b = up" */
static void
split_value(struct vpn_check *check)
{
    char *equals = check->pointer ? strstr((char *)(uintptr_t)check->pointer, " = ") : NULL;
    if (!equals)
        return;
    *equals = '\0';
    check->value = equals + 3;
}

static enum err
keep_checks(struct arena *arena, const char *text, struct vpn_device_plan *d, struct diag *diag)
{
    size_t n = 0;
    for (const char *c = text; *c; c++)
        n += *c == '\n';
    struct vpn_check *list = arena_calloc(arena, n + 1, sizeof *list);
    if (!list)
        return no_memory(diag);
    d->checks = list;
    for (const char *end; *text; text = end + (*end == '\n')) {
        struct vpn_check *check = &list[d->n_checks++];
        end = strchrnul(text, '\n');
        check->command = next_part(arena, &text, end, false);
        check->pointer = check->command ? next_part(arena, &text, end, false) : NULL;
        check->fault = check->pointer ? next_part(arena, &text, end, true) : NULL;
        split_value(check);
        if (!check->fault || *check->pointer != '/')
            return diag_set(diag, ERR_MALFORMED,
                            "check %u: \"COMMAND | /POINTER | FAULT\" is expected", d->n_checks);
    }
    return ERR_OK;
}

static enum err
plan_checks(const struct vpn_template *template, const json_t *values, struct arena *arena,
            struct vpn_device_plan *d, struct diag *diag)
{
    struct buf text = buf_limited(TEXT_LIMIT);
    json_t *gaps = json_array(); /* a check has none */
    enum err err = vpn_template_render(template, values, &text, gaps, diag);
    if (!err)
        err = keep_checks(arena, buf_cstr(&text), d, diag);
    if (err)
        diag_prefix(diag, "checks");
    json_decref(gaps);
    buf_fini(&text);
    return err;
}

static enum err
plan_device(const struct vpn_template *template, const struct vpn_template *checks,
            const struct vpn_service *service, const struct vpn_node *node, struct arena *arena,
            struct vpn_device_plan *d, struct diag *diag)
{
    struct buf text = buf_limited(TEXT_LIMIT);
    json_t *values = vpn_plan_values(service, node), *gaps = json_array();
    d->dialect = vpn_template_dialect(template);
    enum err err = vpn_template_render(template, values, &text, gaps, diag);
    if (!err)
        err = keep_text(arena, &text, d, diag);
    if (!err && keep_gaps(arena, gaps, d))
        err = no_memory(diag);
    if (!err && checks)
        err = plan_checks(checks, values, arena, d, diag);
    json_decref(values);
    json_decref(gaps);
    buf_fini(&text);
    return err;
}

static enum err
plan_node(const struct vpn_catalog *catalog, const struct vpn_service *service,
          const struct vpn_node *node, const struct vpn_device *devices, size_t n_devices,
          struct vpn_plan *plan, struct diag *diag)
{
    const struct vpn_device *device = NULL;
    for (size_t i = 0; i < n_devices && !device; i++)
        device = strcmp(devices[i].ne_id, node->ne_id) ? NULL : &devices[i];
    if (!device)
        return diag_set(diag, ERR_NOT_FOUND, "node %s: there is no device %s", node->id,
                        node->ne_id);
    if (vpn_plan_device(plan, node->ne_id))
        return diag_set(diag, ERR_CONFLICT, "node %s: device %s has another node of the service",
                        node->id, node->ne_id);
    const struct vpn_template *template = find(catalog, device->platform, service->kind, false);
    if (!template)
        return diag_set(diag, ERR_NOT_FOUND, "device %s: platform %s has no template for %s VPNs",
                        node->ne_id, device->platform, service->kind == VPN_L3 ? "L3" : "L2");
    struct vpn_device_plan d = {.ne_id = arena_strdup(plan->arena, node->ne_id),
                                .platform = arena_strdup(plan->arena, device->platform),
                                .node = arena_strdup(plan->arena, node->id)};
    if (!d.ne_id || !d.platform || !d.node)
        return no_memory(diag);
    enum err err = plan_device(template, find(catalog, device->platform, service->kind, true),
                               service, node, plan->arena, &d, diag);
    if (err)
        diag_prefix(diag, "device %s, template of %s", node->ne_id, device->platform);
    else
        plan->devices[plan->n++] = d;
    return err;
}

enum err
vpn_plan_make(const struct vpn_catalog *catalog, const struct vpn_service *service,
              const struct vpn_device *devices, size_t n_devices, struct vpn_plan **result,
              struct diag *diag)
{
    struct arena *arena = arena_new(PLAN_BUDGET);
    struct vpn_plan *plan = arena_alloc(arena, sizeof *plan);
    char name[64], marker[80];
    enum err err = plan ? ERR_OK : no_memory(diag);
    vpn_service_name(service->id, sizeof name - 1, name);
    snprintf(marker, sizeof marker, "tieline:%s", service->id);
    if (!err) {
        *plan = (struct vpn_plan){.arena = arena};
        plan->service = arena_strdup(arena, service->id);
        plan->name = arena_strdup(arena, name);
        plan->marker = arena_strdup(arena, marker);
        plan->devices = arena_calloc(arena, service->n_nodes, sizeof *plan->devices);
        if (!plan->service || !plan->name || !plan->marker || !plan->devices)
            err = no_memory(diag);
    }
    for (uint32_t i = 0; i < service->n_nodes && !err; i++)
        err = plan_node(catalog, service, &service->nodes[i], devices, n_devices, plan, diag);
    if (err)
        arena_free(arena);
    else
        *result = plan;
    return err;
}

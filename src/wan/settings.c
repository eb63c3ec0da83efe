#include "wan/settings.h"

#include "base/alloc.h"
#include "base/yaml.h"
#include "io/file.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

const char *const wan_feed_kind_words[WAN_FEED_KINDS] = {"frr-ospf", "frr-isis", "bgp-ls",
                                                         "import"};
#define QUIET_MIN (15 * NSEC_PER_SEC)
#define BINDING_MAX ((UINT32_C(1) << 20) - 2 * 65536) /* labels have 20 bits */

#define MEMORY_MIB_MAX (UINT32_C(1) << 20)

static const char *const tls_words[] = {"none", "offered", "required"};
static const char *const admit_words[] = {"any", "inventory"};

struct reading {
    const struct yaml_tree *tree;
    struct diag *diag;
};

static enum err
fail(const struct reading *r, const json_t *parent, const char *key, const char *text)
{
    return yaml_tree_fail(r->tree, r->diag, ERR_INVALID,
                          (struct yaml_place){.parent = parent, .key = key}, "%s: %s", key, text);
}

/* ---- Values ---- */

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_DURATION, VALUE_WORD, VALUE_IPV4 };

struct field {
    const char *key;
    enum value_kind kind;
    size_t offset;
    bool required;
    uint32_t most;            /* of numbers, from 1 */
    const char *const *words; /* of VALUE_WORD */
    size_t n_words;
};

static enum err
read_word(const struct reading *r, const json_t *parent, const struct field *f, const char *text,
          void *at)
{
    unsigned word = 0;
    while (word < f->n_words && strcmp(f->words[word], text) != 0)
        word++;
    if (word == f->n_words)
        return fail(r, parent, f->key, "there is no such word here");
    memcpy(at, &word, sizeof word);
    return ERR_OK;
}

static enum err
read_text(const struct reading *r, const json_t *parent, const struct field *f, const char *text,
          void *at)
{
    struct in_addr ignored;
    nsec_t duration;
    if (f->kind == VALUE_WORD)
        return read_word(r, parent, f, text, at);
    if (f->kind == VALUE_DURATION) {
        if (time_parse_duration(text, &duration) || duration < NSEC_PER_MSEC)
            return fail(r, parent, f->key, "a duration such as 500ms is expected");
        memcpy(at, &duration, sizeof duration);
        return ERR_OK;
    }
    if (!*text)
        return fail(r, parent, f->key, "it is empty");
    if (f->kind == VALUE_IPV4 && inet_pton(AF_INET, text, &ignored) != 1)
        return fail(r, parent, f->key, "an IPv4 address is expected");
    char *copy = xstrdup(text);
    memcpy(at, &copy, sizeof copy);
    return ERR_OK;
}

static enum err
read_value(const struct reading *r, const json_t *parent, const struct field *f,
           const json_t *value, void *object)
{
    void *at = (char *)object + f->offset;
    if (f->kind != VALUE_NUMBER)
        return json_is_string(value) ? read_text(r, parent, f, json_string_value(value), at)
                                     : fail(r, parent, f->key, "a text is expected");
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > f->most)
        return fail(r, parent, f->key, "it is no number that can be here");
    uint32_t small = (uint32_t)number;
    memcpy(at, &small, sizeof small);
    return ERR_OK;
}

/* Every key of the mapping is a field, and all that are required are there. */
static enum err
read_fields(const struct reading *r, const json_t *mapping, const struct field *fields, size_t n,
            void *object)
{
    const char *key;
    json_t *value;
    enum err err = ERR_OK;
    json_object_foreach((json_t *)(uintptr_t)mapping, key, value)
    {
        size_t i = 0;
        while (i < n && strcmp(fields[i].key, key) != 0)
            i++;
        if (err)
            break;
        err = i < n ? read_value(r, mapping, &fields[i], value, object)
                    : fail(r, mapping, key, "there is no such key here");
    }
    for (size_t i = 0; i < n && !err; i++) {
        if (fields[i].required && !json_object_get(mapping, fields[i].key))
            err = yaml_tree_fail(r->tree, r->diag, ERR_INVALID,
                                 (struct yaml_place){.parent = mapping}, "%s: is missing",
                                 fields[i].key);
    }
    return err;
}

/* ---- The parts ---- */

#define AT(member) .offset = offsetof(struct wan_feed_settings, member)

static const struct field common_fields[] = {
    {"name", VALUE_TEXT, AT(name), .required = true},
    {"kind", VALUE_WORD, AT(kind), .required = true, .words = wan_feed_kind_words,
     .n_words = WAN_FEED_KINDS},
    {"domain", VALUE_TEXT, AT(domain), .required = false},
};
#define COMMON_FIELDS ARRAY_SIZE(common_fields)

static const struct field frr_fields[] = {
    {"socket", VALUE_TEXT, AT(socket), .required = false},
    {"api", VALUE_TEXT, AT(api), .required = false},
    {"local", VALUE_TEXT, AT(local), .required = false},
    {"interval", VALUE_DURATION, AT(interval), .required = false}};
static const struct field isis_fields[] = {
    {"socket", VALUE_TEXT, AT(socket), .required = true},
    {"interval", VALUE_DURATION, AT(interval), .required = false}};
static const struct field bgp_ls_fields[] = {{"address", VALUE_TEXT, AT(address), .required = true},
                                             {"port", VALUE_NUMBER, AT(port), .most = 65535},
                                             {"as", VALUE_NUMBER, AT(as), .most = UINT32_MAX}};
static const struct field import_fields[] = {{"file", VALUE_TEXT, AT(file), .required = true}};

static const struct {
    const struct field *fields;
    size_t n;
} kinds[WAN_FEED_KINDS] = {
    [WAN_FEED_FRR_OSPF] = {frr_fields, ARRAY_SIZE(frr_fields)},
    [WAN_FEED_FRR_ISIS] = {isis_fields, ARRAY_SIZE(isis_fields)},
    [WAN_FEED_BGP_LS] = {bgp_ls_fields, ARRAY_SIZE(bgp_ls_fields)},
    [WAN_FEED_IMPORT] = {import_fields, ARRAY_SIZE(import_fields)},
};

static enum err
read_feed(const struct reading *r, const json_t *mapping, struct wan_feed_settings *feed)
{
    struct field all[COMMON_FIELDS + 4];
    const json_t *kind = json_object_get(mapping, "kind");
    unsigned word = 0;
    if (!json_is_object(mapping))
        return yaml_tree_fail(r->tree, r->diag, ERR_INVALID, (struct yaml_place){0},
                              "feeds: each is a mapping");
    if (!json_is_string(kind)) /* the common fields say what is missing */
        return read_fields(r, mapping, common_fields, COMMON_FIELDS, feed);
    enum err err = read_word(r, mapping, &common_fields[1], json_string_value(kind), &word);
    if (err)
        return err;
    memcpy(all, common_fields, sizeof common_fields);
    memcpy(all + COMMON_FIELDS, kinds[word].fields, kinds[word].n * sizeof *all);
    return read_fields(r, mapping, all, COMMON_FIELDS + kinds[word].n, feed);
}

static enum err
read_feeds(const struct reading *r, const json_t *root, struct wan_settings *s)
{
    const json_t *list = json_object_get(root, "feeds"), *feed;
    size_t i;
    if (list && !json_is_array(list))
        return fail(r, root, "feeds", "a list is expected");
    if (json_array_size(list) > WAN_FEEDS_MAX)
        return fail(r, root, "feeds", "more than 64");
    json_array_foreach(list, i, feed)
    {
        struct wan_feed_settings *its = &s->feeds[s->n_feeds++];
        enum err err = read_feed(r, feed, its);
        if (err)
            return err;
        for (size_t k = 0; k + 1 < s->n_feeds; k++) {
            if (!strcmp(s->feeds[k].name, its->name))
                return fail(r, feed, "name", "there is another feed of that name");
        }
    }
    return ERR_OK;
}

#define NETCONF_AT(member) offsetof(struct wan_settings, netconf.member)
#define CONFIRM_MAX (3600 * NSEC_PER_SEC)
#define WORKS_WITHIN_MAX (100 * NSEC_PER_SEC)

static enum err
check_netconf(const struct reading *r, const json_t *mapping, const struct wan_netconf_settings *n)
{
    nsec_t confirm = n->confirm ? n->confirm : 120 * NSEC_PER_SEC;
    if (n->confirm && (n->confirm % NSEC_PER_SEC || n->confirm > CONFIRM_MAX))
        return fail(r, mapping, "confirm", "whole seconds are expected, 3600s at most");
    if (n->soak > confirm / 3)
        return fail(r, mapping, "soak", "it is more than a third of confirm");
    if (n->works_within > WORKS_WITHIN_MAX)
        return fail(r, mapping, "works-within", "it is more than 100s: orders wait for 2m");
    return ERR_OK;
}

static enum err
read_netconf(const struct reading *r, const json_t *mapping, struct wan_settings *s)
{
    static const struct field fields[] = {
        {"user", VALUE_TEXT, NETCONF_AT(user), .required = false},
        {"key", VALUE_TEXT, NETCONF_AT(key), .required = false},
        {"known-hosts", VALUE_TEXT, NETCONF_AT(known_hosts), .required = false},
        {"templates", VALUE_TEXT, NETCONF_AT(templates), .required = false},
        {"confirm", VALUE_DURATION, NETCONF_AT(confirm), .required = false},
        {"soak", VALUE_DURATION, NETCONF_AT(soak), .required = false},
        {"drift", VALUE_DURATION, NETCONF_AT(drift), .required = false},
        {"works-within", VALUE_DURATION, NETCONF_AT(works_within), .required = false}};
    s->netconf.wanted = true;
    enum err err = read_fields(r, mapping, fields, ARRAY_SIZE(fields), s);
    return err ? err : check_netconf(r, mapping, &s->netconf);
}

static enum err
read_pcep(const struct reading *r, const json_t *mapping, struct wan_settings *s)
{
    static const struct field pcep[] = {
        {"listen", VALUE_TEXT, offsetof(struct wan_settings, pcep_listen), .required = true},
        {"tls", VALUE_WORD, offsetof(struct wan_settings, pcep_tls), .words = tls_words,
         .n_words = ARRAY_SIZE(tls_words)},
        {"admit", VALUE_WORD, offsetof(struct wan_settings, pcep_admit), .words = admit_words,
         .n_words = ARRAY_SIZE(admit_words)},
        {"memory-mib", VALUE_NUMBER, offsetof(struct wan_settings, pcep_memory_mib),
         .most = MEMORY_MIB_MAX},
        {"settle", VALUE_DURATION, offsetof(struct wan_settings, settle), .required = false},
        {"repeat", VALUE_DURATION, offsetof(struct wan_settings, repeat), .required = false},
        {"quiet", VALUE_DURATION, offsetof(struct wan_settings, quiet), .required = false},
        {"binding", VALUE_NUMBER, offsetof(struct wan_settings, binding), .most = BINDING_MAX}};
    enum err err = read_fields(r, mapping, pcep, ARRAY_SIZE(pcep), s);
    if (!err && s->quiet && s->quiet < QUIET_MIN)
        err = fail(r, mapping, "quiet", "15s at least are expected");
    return err;
}

static enum err
read_root(const struct reading *r, const json_t *root, struct wan_settings *s)
{
    static const struct field bgp[] = {
        {"listen", VALUE_TEXT, offsetof(struct wan_settings, bgp_listen), .required = false},
        {"as", VALUE_NUMBER, offsetof(struct wan_settings, bgp_as), .required = true,
         .most = UINT32_MAX},
        {"identifier", VALUE_IPV4, offsetof(struct wan_settings, bgp_identifier),
         .required = true}};
    static const struct field risk[] = {
        {"hold-off", VALUE_DURATION, offsetof(struct wan_settings, hold_off), .required = false},
        {"wait-to-restore", VALUE_DURATION, offsetof(struct wan_settings, wait_to_restore),
         .required = false}};
    const char *key;
    json_t *value;
    enum err err = ERR_OK;
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        bool is_pcep = !strcmp(key, "pcep"), is_bgp = !strcmp(key, "bgp"),
             is_netconf = !strcmp(key, "netconf"), is_risk = !strcmp(key, "at-risk");
        if (err)
            break;
        if (!is_pcep && !is_bgp && !is_netconf && !is_risk && strcmp(key, "feeds") != 0)
            err = fail(r, root, key, "there is no such key here");
        else if (strcmp(key, "feeds") != 0 && !json_is_object(value))
            err = fail(r, root, key, "a mapping is expected");
        else if (is_pcep)
            err = read_pcep(r, value, s);
        else if (is_bgp)
            err = read_fields(r, value, bgp, ARRAY_SIZE(bgp), s);
        else if (is_risk)
            err = read_fields(r, value, risk, ARRAY_SIZE(risk), s);
        else if (is_netconf)
            err = read_netconf(r, value, s);
    }
    if (!err)
        err = read_feeds(r, root, s);
    for (size_t i = 0; i < s->n_feeds && !err; i++) {
        if (s->feeds[i].kind == WAN_FEED_BGP_LS && !s->bgp_as)
            err = fail(r, root, "feeds", "bgp-ls needs the part \"bgp\": our AS and identifier");
    }
    return err;
}

enum err
wan_settings_read(const char *text, size_t size, const char *file, struct wan_settings *settings,
                  struct diag *diag)
{
    struct yaml_tree *tree;
    struct wan_settings s = {0};
    enum err err = yaml_tree_parse(text, size, file, YAML_LIMITS_DEFAULT, &tree, diag);
    if (err)
        return err;
    const struct reading r = {tree, diag};
    if (json_is_object(yaml_tree_root(tree)))
        err = read_root(&r, yaml_tree_root(tree), &s);
    else
        err = yaml_tree_fail(tree, diag, ERR_INVALID, (struct yaml_place){0},
                             "a mapping is expected");
    yaml_tree_free(tree);
    if (err)
        wan_settings_fini(&s);
    else
        *settings = s;
    return err;
}

void
wan_settings_fini(struct wan_settings *s)
{
    for (size_t i = 0; i < s->n_feeds; i++) {
        struct wan_feed_settings *f = &s->feeds[i];
        char *const texts[] = {f->name,    f->socket, f->api,   f->local,
                               f->address, f->file,   f->domain};
        for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
            free(texts[k]);
    }
    free(s->pcep_listen);
    free(s->bgp_listen);
    free(s->bgp_identifier);
    free(s->netconf.user);
    free(s->netconf.key);
    free(s->netconf.known_hosts);
    free(s->netconf.templates);
    *s = (struct wan_settings){0};
}

#define SETTINGS_SIZE ((size_t)1 << 20)

enum err
wan_settings_load(const char *file, struct wan_settings *settings, struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = file_read(file, SETTINGS_SIZE, &text, diag);
    if (!err)
        err = wan_settings_read((const char *)text.data, text.size, file, settings, diag);
    buf_fini(&text);
    return err;
}

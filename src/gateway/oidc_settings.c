#include "gateway/oidc_settings.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "gateway/duties.h"
#include "io/file.h"
#include "io/jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20) /* octets */
#define SECRET_MAX 4096
#define GROUPS_MAX 4096 /* of one person that are looked at */

/* ---- the file */

enum kind { TEXT, PATH, DURATION, OTHER };

static const struct member {
    const char *name;
    enum kind kind;
    size_t at; /* in struct oidc_settings */
} members[] = {
#define AT(member) offsetof(struct oidc_settings, member)
    {"issuer", TEXT, AT(issuer)},
    {"client-id", TEXT, AT(client_id)},
    {"client-secret-file", PATH, AT(secret)}, /* its name first, what is in it then */
    {"audience", TEXT, AT(audience)},
    {"ca", PATH, AT(ca)},
    {"scope", TEXT, AT(scope)},
    {"person", TEXT, AT(person)},
    {"groups", TEXT, AT(groups)},
    {"cache", PATH, AT(cache)},
    {"keys-hold", DURATION, AT(keys_hold)},
    {"refresh", DURATION, AT(refresh)},
    {"leeway", DURATION, AT(leeway)},
    {"session-idle", DURATION, AT(session_idle)},
    {"session-max", DURATION, AT(session_max)},
    {"map", OTHER, AT(map)},
#undef AT
};

static char *
beside(const char *file, const char *name)
{
    const char *slash = strrchr(file, '/');
    return *name == '/' || !slash ? xstrdup(name)
                                  : xasprintf("%.*s/%s", (int)(slash - file), file, name);
}

static enum err
take_duration(const char *name, const char *text, nsec_t *duration, struct diag *diag)
{
    if (time_parse_duration(text, duration) || *duration < NSEC_PER_SEC ||
        *duration > 3650 * 24 * 3600 * NSEC_PER_SEC)
        return diag_set(diag, ERR_INVALID, "%s: \"%.40s\" is not a duration such as 30m", name,
                        text);
    return ERR_OK;
}

static enum err
take_member(struct oidc_settings *s, const char *file, const char *name, json_t *value,
            struct diag *diag)
{
    const struct member *m = members, *end = members + ARRAY_SIZE(members);
    while (m < end && strcmp(m->name, name) != 0)
        m++;
    if (m == end)
        return diag_set(diag, ERR_INVALID, "there is no setting \"%.60s\"", name);
    void *at = (char *)s + m->at;
    if (m->kind == OTHER) {
        *(json_t **)at = json_incref(value);
        return ERR_OK;
    }
    const char *text = json_string_value(value);
    if (!text || !*text)
        return diag_set(diag, ERR_INVALID, "%s: a text is expected", name);
    if (m->kind == DURATION)
        return take_duration(name, text, at, diag);
    *(char **)at = m->kind == PATH ? beside(file, text) : xstrdup(text);
    return ERR_OK;
}

static enum err
check_grant(const json_t *grant, struct diag *diag)
{
    role_set roles = 0;
    const char *key;
    json_t *value;
    enum err err = ERR_OK;
    if (!json_is_object(grant) || !json_object_get(grant, "roles"))
        return diag_set(diag, ERR_INVALID, "an object with roles is expected");
    json_object_foreach((json_t *)(uintptr_t)grant, key, value)
    {
        size_t i;
        json_t *site;
        if (!err && !strcmp(key, "roles"))
            err = roles_from_json(value, &roles, diag);
        else if (!err && strcmp(key, "sites") != 0)
            err = diag_set(diag, ERR_INVALID, "%.60s is unknown", key);
        else if (!err && !json_is_array(value))
            err = diag_set(diag, ERR_INVALID, "sites are an array");
        json_array_foreach(value, i, site)
        {
            if (!err && !json_is_string(site))
                err = diag_set(diag, ERR_INVALID, "%s %zu is not a text", key, i + 1);
        }
    }
    return err ? err : duties_check_roles(roles, diag);
}

static enum err
check_map(const json_t *map, struct diag *diag)
{
    const char *group;
    json_t *grant;
    if (!json_is_object(map))
        return diag_set(diag, ERR_INVALID, "map: what each group may is missing");
    json_object_foreach((json_t *)(uintptr_t)map, group, grant)
    {
        if (check_grant(grant, diag)) {
            diag_prefix(diag, "map: %.80s", group);
            return ERR_INVALID;
        }
    }
    return ERR_OK;
}

static enum err
check_all(const struct oidc_settings *s, struct diag *diag)
{
    if (!s->issuer || strncmp(s->issuer, "https://", 8) != 0 || strpbrk(s->issuer, "?#@ "))
        return diag_set(diag, ERR_INVALID, "issuer: an address with https:// is expected");
    if (!s->client_id)
        return diag_set(diag, ERR_INVALID, "client-id is missing");
    if (s->session_idle > s->session_max)
        return diag_set(diag, ERR_INVALID, "session-idle is longer than session-max");
    return check_map(s->map, diag);
}

static void
default_text(char **text, const char *value)
{
    if (!*text)
        *text = xstrdup(value);
}

static enum err
read_secret(struct oidc_settings *s, struct diag *diag)
{
    struct buf text = BUF_INIT;
    if (!s->secret)
        return ERR_OK;
    enum err err = file_read(s->secret, SECRET_MAX, &text, diag);
    while (!err && text.size && strchr("\r\n", text.data[text.size - 1]))
        text.size--;
    if (!err && (!text.size || memchr(text.data, 0, text.size)))
        err = diag_set(diag, ERR_INVALID, "%s: no secret is in it", s->secret);
    if (!err) {
        free(s->secret);
        s->secret = xstrndup((const char *)text.data, text.size);
    }
    if (text.size)
        OPENSSL_cleanse(text.data, text.size);
    buf_fini(&text);
    return err;
}

static enum err
take_document(struct oidc_settings *s, const char *file, json_t *document, struct diag *diag)
{
    const char *name;
    json_t *value;
    if (!json_is_object(document))
        return diag_set(diag, ERR_INVALID, "an object is expected");
    json_object_foreach(document, name, value)
    {
        enum err err = take_member(s, file, name, value, diag);
        if (err)
            return err;
    }
    default_text(&s->scope, "openid");
    default_text(&s->person, "sub");
    s->session_idle = s->session_idle ? s->session_idle : SESSION_IDLE;
    s->session_max = s->session_max ? s->session_max : SESSION_MAX;
    return check_all(s, diag);
}

enum err
oidc_settings_read(const char *file, struct oidc_settings *result, struct diag *diag)
{
    struct oidc_settings s = {0};
    struct buf text = BUF_INIT;
    json_t *document = NULL;
    enum err err = file_read(file, FILE_MAX, &text, diag);
    if (!err) {
        err = jsontext_parse(buf_cstr(&text), text.size, &document, diag);
        if (!err)
            err = take_document(&s, file, document, diag);
        if (err)
            diag_prefix(diag, "%s", file);
    }
    if (!err)
        err = read_secret(&s, diag);
    json_decref(document);
    buf_fini(&text);
    if (err)
        oidc_settings_fini(&s);
    else
        *result = s;
    return err;
}

void
oidc_settings_fini(struct oidc_settings *s)
{
    if (s->secret)
        OPENSSL_cleanse(s->secret, strlen(s->secret));
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (members[i].kind == TEXT || members[i].kind == PATH)
            free(*(char **)((char *)s + members[i].at));
    }
    json_decref(s->map);
    *s = (struct oidc_settings){0};
}

/* ---- judging claims */

static const json_t *
find_claim(const json_t *claims, const char *where)
{
    return *where == '/' ? jsontext_at(claims, where) : json_object_get(claims, where);
}

static bool
holds_at(const json_t *grant, const char *site)
{
    const json_t *sites = json_object_get(grant, "sites");
    size_t i;
    json_t *one;
    if (!sites)
        return true;
    json_array_foreach(sites, i, one)
    {
        if (!strcmp(json_string_value(one), site))
            return true;
    }
    return false;
}

static void
add_group(const struct oidc_settings *s, const char *site, const json_t *group, role_set *roles,
          json_t *used)
{
    const char *name = json_string_value(group);
    const json_t *grant = name ? json_object_get(s->map, name) : NULL;
    role_set more = 0;
    if (!grant || !holds_at(grant, site) ||
        roles_from_json(json_object_get(grant, "roles"), &more, NULL))
        return;
    *roles |= more;
    json_array_append(used, (json_t *)(uintptr_t)group);
}

static role_set
roles_by_groups(const struct oidc_settings *s, const char *site, const json_t *claims, json_t *used)
{
    const json_t *groups = s->groups ? find_claim(claims, s->groups) : NULL;
    role_set roles = 0;
    if (json_is_string(groups))
        add_group(s, site, groups, &roles, used);
    for (size_t i = 0; i < json_array_size(groups) && i < GROUPS_MAX; i++)
        add_group(s, site, json_array_get(groups, i), &roles, used);
    return roles;
}

enum err
oidc_settings_judge(const struct oidc_settings *s, const char *site, const json_t *claims,
                    struct person *person, json_t **groups, struct diag *diag)
{
    const char *name = json_string_value(find_claim(claims, s->person));
    if (!name)
        return diag_set(diag, ERR_DENIED, "the claim %.60s, which names the person, is missing",
                        s->person);
    if (!person_name_is_valid(name))
        return diag_set(diag, ERR_DENIED, "the claim %.60s is not a name a person can have",
                        s->person);
    json_t *used = json_array();
    role_set roles = roles_by_groups(s, site, claims, used);
    enum err err = roles ? duties_check_roles(roles, diag)
                         : diag_set(diag, ERR_DENIED,
                                    "none of the groups of %.127s gives a role at this site", name);
    if (err) {
        json_decref(used);
        return err;
    }
    snprintf(person->name, sizeof person->name, "%s", name);
    person->roles = roles;
    *groups = used;
    return ERR_OK;
}

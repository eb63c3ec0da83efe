#include "enrol/centre.h"

#include "base/alloc.h"
#include "enrol/authority.h"
#include "enrol/certificate.h"
#include "enrol/config.h"
#include "enrol/files.h"
#include "enrol/generation.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* registry.json, the truth; the hub's configuration follows from it:
 *
 *   {"format": "tieline-sites/1", "centre", "hub", "listen", "port",
 *    "sites": {NAME: {"state": "enrolled" | "revoked", "request": fingerprint of the last,
 *       "leaf": its user, "addresses", "witnesses", "witness-for", "enrolled": seconds,
 *       "account": "A...", "account-jwt": as the hub has it, "revoked": seconds,
 *       "issued": [{"leaf", "tielined", "serials": [3], "issuer": PEM, "at", "expires"}]}},
 *    "revoked-serials": {SERIAL: SITE}} */
#define REGISTRY "registry.json"
#define FORMAT "tieline-sites/1"

struct centre {
    char *dir; /* absolute */
    int lock;
    json_t *registry;
    struct authority authority;
};

static const char *
text_in(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

static int64_t
number_in(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

/* ---- Opening ---- */

static void
centre_close(struct centre *c)
{
    if (c->lock >= 0)
        close(c->lock);
    json_decref(c->registry);
    authority_fini(&c->authority);
    free(c->dir);
}

static enum err
check_registry(const struct centre *c, struct diag *diag)
{
    char *host;
    unsigned port;
    const char *centre = text_in(c->registry, "centre");
    if (strcmp(text_in(c->registry, "format"), FORMAT) != 0 || !site_name_is_valid(centre) ||
        !json_is_object(json_object_get(c->registry, "sites")))
        return diag_set(diag, ERR_MALFORMED, "%s/" REGISTRY ": not a register of sites", c->dir);
    if (config_parse_hubs(text_in(c->registry, "hub"), &host, &port))
        return diag_set(diag, ERR_MALFORMED, "%s/" REGISTRY ": hub: not an address", c->dir);
    free(host);
    if (config_parse_address(text_in(c->registry, "listen"), &host, &port))
        return diag_set(diag, ERR_MALFORMED, "%s/" REGISTRY ": listen: not an address", c->dir);
    free(host);
    return ERR_OK;
}

static enum err
centre_open(const char *dir, struct centre *c, struct diag *diag)
{
    *c = (struct centre){.lock = -1};
    enum err err = files_home(dir, &c->dir, diag);
    if (!err)
        err = files_lock(c->dir, &c->lock, diag);
    if (!err)
        err = files_read_json(c->dir, REGISTRY, &c->registry, diag);
    if (!err)
        err = check_registry(c, diag);
    if (!err)
        err = authority_open(c->dir, &c->authority, diag);
    if (err)
        centre_close(c);
    return err;
}

bool
centre_is(const char *dir)
{
    char *path = files_path(dir, REGISTRY);
    bool is = !access(path, F_OK);
    free(path);
    return is;
}

/* ---- What follows from the register ---- */

/* Forgets what has expired, but for the last. */
static void
prune(json_t *registry, int64_t now)
{
    json_t *site;
    const char *name;
    json_object_foreach(json_object_get(registry, "sites"), name, site)
    {
        json_t *issued = json_object_get(site, "issued");
        for (size_t i = json_array_size(issued); i-- > 0;)
            if (number_in(json_array_get(issued, i), "expires") <= now &&
                json_array_size(issued) > 1)
                json_array_remove(issued, i);
    }
}

/* Whose certificates the hub takes. Its own is first, because nats-server takes no empty list. */
static enum err
write_sites(const struct centre *c, const char *generation, struct diag *diag)
{
    struct buf text;
    json_t *site, *one;
    const char *name;
    size_t i;
    enum err err = files_read(generation, "server.pem", &text, diag);
    if (err)
        return err;
    json_object_foreach(json_object_get(c->registry, "sites"), name, site)
        json_array_foreach(json_object_get(site, "issued"), i, one)
            buf_str(&text, text_in(one, "issuer"));
    err = buf_err(&text) ? diag_set(diag, ERR_LIMIT, "%s/sites.pem: too many sites", generation)
                         : files_write(generation, "sites.pem", text.data, text.size, FILES_PUBLIC,
                                       false, diag);
    buf_fini(&text);
    return err;
}

static json_t *
accounts_of(const struct centre *c)
{
    json_t *accounts = json_object(), *site;
    const char *name;
    json_object_foreach(json_object_get(c->registry, "sites"), name,
                        site) if (*text_in(site, "account-jwt"))
        json_object_set(accounts, text_in(site, "account"), json_object_get(site, "account-jwt"));
    return accounts;
}

/* `home`: what the directory will be called. */
static enum err
write_config(const struct centre *c, const char *home, const char *generation, struct diag *diag)
{
    struct buf text = BUF_INIT;
    json_t *accounts = accounts_of(c);
    struct config config = {
        .site = text_in(c->registry, "centre"),
        .dir = home,
        .port = (unsigned)number_in(c->registry, "port"),
        .account = &c->authority.account,
        .system = &c->authority.system,
        .operator_jwt = c->authority.operator_jwt,
        .account_jwt = c->authority.account_jwt,
        .system_jwt = c->authority.system_jwt,
        .more = accounts,
    };
    config_put_hub(&text, &config, text_in(c->registry, "listen"), text_in(c->registry, "hub"));
    enum err err = write_sites(c, generation, diag);
    if (!err)
        err = files_write(generation, "nats-server.conf", text.data, text.size, FILES_PUBLIC, false,
                          diag);
    json_decref(accounts);
    buf_fini(&text);
    return err;
}

/* The register first: what is written after it can be made from it again. */
static enum err
save(struct centre *c, int64_t now, struct diag *diag)
{
    char *current = files_path(c->dir, "current");
    prune(c->registry, now);
    enum err err = files_write_json(c->dir, REGISTRY, c->registry, false, diag);
    if (!err)
        err = write_config(c, c->dir, current, diag);
    free(current);
    return err;
}

/* ---- Accounts ---- */

static struct rights
rights_of(const struct centre *c, const char *name, const json_t *site)
{
    return (struct rights){name, text_in(c->registry, "centre"), json_object_get(site, "witnesses"),
                           json_object_get(site, "witness-for")};
}

static void
add_imports(json_t *imports, const struct rights *rights, const char *from, const char *account)
{
    size_t i;
    json_t *subject, *subjects = rights_imports(rights, from);
    json_array_foreach(subjects, i, subject) json_array_append_new(
        imports, json_pack("{s:s, s:O}", "account", account, "subject", subject));
    json_decref(subjects);
}

/* What an account has from all others that are enrolled. */
static json_t *
imports_of(const struct centre *c, const struct rights *rights)
{
    char account[NKEY_PUBLIC_LENGTH + 1];
    json_t *imports = json_array(), *site;
    const char *name;
    nkey_put_public(&c->authority.account, account);
    add_imports(imports, rights, rights->centre, account);
    json_object_foreach(json_object_get(c->registry, "sites"), name,
                        site) if (!strcmp(text_in(site, "state"), "enrolled"))
        add_imports(imports, rights, name, text_in(site, "account"));
    return imports;
}

static enum err
sign_account(const struct centre *c, const struct rights *rights, const struct nkey *key,
             int64_t revoked, int64_t now, char **jwt, struct diag *diag)
{
    struct nats_subject subject = {rights->site, key, now, 0};
    struct nats_account account = {
        .exports = rights_exports(rights), .imports = imports_of(c, rights), .revoked = revoked};
    if (!strcmp(rights->site, rights->centre)) /* the hub is the centre's */
        json_array_append_new(account.imports,
                              authority_broker_import(&c->authority.system, rights->site));
    enum err err = authority_sign_account(&c->authority, c->dir, &subject, &account, jwt, diag);
    json_decref(account.exports);
    json_decref(account.imports);
    return err;
}

static enum err
sign_site_account(const struct centre *c, const char *name, json_t *site, int64_t now,
                  struct diag *diag)
{
    struct nkey key;
    struct rights rights = rights_of(c, name, site);
    const char *text = text_in(site, "account");
    char *jwt = NULL;
    enum err err = nkey_parse_public(text, strlen(text), NKEY_ACCOUNT, &key, diag);
    if (!err)
        err = sign_account(c, &rights, &key, number_in(site, "revoked"), now, &jwt, diag);
    if (!err)
        json_object_set_new(site, "account-jwt", json_string(jwt));
    free(jwt);
    return err;
}

/* All accounts anew: who is enrolled, and who is whose witness, is in the claims of others, too. */
static enum err
sign_accounts(struct centre *c, int64_t now, struct diag *diag)
{
    json_t *site;
    const char *name;
    char *jwt = NULL;
    struct rights own = rights_of(c, text_in(c->registry, "centre"), NULL);
    enum err err = authority_renew_system(&c->authority, c->dir, now, diag);
    if (!err)
        err = sign_account(c, &own, &c->authority.account, 0, now, &jwt, diag);
    json_object_foreach(json_object_get(c->registry, "sites"), name, site)
    {
        if (!err)
            err = sign_site_account(c, name, site, now, diag);
    }
    if (err) {
        free(jwt);
        return err;
    }
    return authority_set_account(&c->authority, c->dir, jwt, diag);
}

/* The site's own key, which only the centre has. */
static enum err
open_account(const struct centre *c, const char *name, struct nkey *key, struct diag *diag)
{
    char *file = xasprintf("account-%s.nk", name);
    enum err err = identity_read_seed(c->dir, file, NKEY_ACCOUNT, key, diag);
    if (err == ERR_NOT_FOUND) {
        err = nkey_new(NKEY_ACCOUNT, key, diag);
        if (!err)
            err = identity_write_seed(c->dir, file, key, diag);
    }
    free(file);
    return err;
}

/* ---- The centre's own ---- */

static enum err
write_issued(const char *generation, const struct centre *c, const struct identity *own,
             const struct issued *issued, struct diag *diag)
{
    enum err err = generation_write_cert(generation, "ca.pem", c->authority.ca, NULL, diag);
    if (!err)
        err = generation_write_cert(generation, "server.pem", issued->server, NULL, diag);
    if (!err)
        err = generation_write_cert(generation, "client.pem", issued->client, NULL, diag);
    if (!err)
        err = generation_write_creds(generation, "tielined.creds", issued->tielined_jwt,
                                     &own->tielined, diag);
    return err;
}

static enum err
issue_own(const struct centre *c, const char *generation, int64_t now, int64_t valid,
          struct diag *diag)
{
    struct identity own;
    struct issued issued = {0};
    char *host = NULL;
    unsigned port;
    const char *centre = text_in(c->registry, "centre");
    enum err err = identity_new(generation, &own, diag);
    if (err)
        return err;
    struct identity_public keys = {own.server, own.client, own.leaf, own.tielined};
    struct issue issue = {
        .account = &c->authority.account,
        .rights = {.site = centre, .centre = centre},
        .keys = &keys,
        .now = now,
        .expires = now + valid,
    };
    err = config_parse_hubs(text_in(c->registry, "hub"), &host, &port);
    issue.host = host;
    if (!err)
        err = authority_issue(&c->authority, &issue, &issued, diag);
    if (!err)
        err = write_issued(generation, c, &own, &issued, diag);
    free(host);
    issued_fini(&issued);
    identity_fini(&own);
    return err;
}

/* A new generation, in a directory that is or will be called `home`. */
static enum err
renew(const struct centre *c, const char *dir, const char *home, int64_t now, int64_t valid,
      struct diag *diag)
{
    unsigned n = 0;
    enum err err = files_next(dir, &n, diag);
    if (err)
        return err;
    char *generation = files_generation(dir, n);
    err = issue_own(c, generation, now, valid, diag);
    if (!err)
        err = write_config(c, home, generation, diag);
    if (!err)
        err = files_switch(dir, n, diag);
    free(generation);
    return err;
}

static json_t *
say_centre(const struct centre *c, const char *home)
{
    char fingerprint[ENVELOPE_HASH_LENGTH + 1] = "";
    (void)!authority_fingerprint(c->authority.ca, &c->authority.operator_key, fingerprint);
    char *config = files_path(home, "current/nats-server.conf");
    json_t *said = json_pack("{s:s, s:s, s:s, s:s}", "centre", text_in(c->registry, "centre"),
                             "hub", text_in(c->registry, "hub"), "fingerprint", fingerprint,
                             "config", config);
    free(config);
    return said;
}

/* ---- init ---- */

static enum err
check_config(const struct centre_config *config, char **listen, struct diag *diag)
{
    char *host;
    unsigned port, listen_port;
    if (!site_name_is_valid(config->name))
        return diag_set(diag, ERR_INVALID,
                        "\"%s\": a name has 1 to %d small letters, digits and '-'", config->name,
                        SITE_NAME_MAX);
    if (config_parse_hubs(config->hub, &host, &port))
        return diag_set(diag, ERR_INVALID, "\"%s\" is not HOST:PORT, nor several with commas",
                        config->hub);
    free(host);
    if (!config->listen) {
        *listen = xasprintf("0.0.0.0:%u", port);
        return ERR_OK;
    }
    if (config_parse_address(config->listen, &host, &listen_port))
        return diag_set(diag, ERR_INVALID, "\"%s\" is not ADDRESS:PORT", config->listen);
    free(host);
    *listen = xstrdup(config->listen);
    return ERR_OK;
}

static enum err
build(const struct centre_config *config, struct centre *c, const char *work, const char *home,
      struct diag *diag)
{
    struct authority_config authority = {work, config->name, config->ca_file, config->ca_key_file,
                                         config->now};
    enum err err = authority_new(&authority, &c->authority, diag);
    if (!err)
        err = renew(c, work, home, config->now, config->valid, diag);
    if (!err)
        err = files_write_json(work, REGISTRY, c->registry, true, diag);
    return err;
}

enum err
centre_init(const struct centre_config *config, json_t **said, struct diag *diag)
{
    struct centre c = {.lock = -1};
    char *listen = NULL, *work, *home;
    enum err err = check_config(config, &listen, diag);
    if (err)
        return err;
    c.registry = json_pack("{s:s, s:s, s:s, s:s, s:i, s:{}, s:{}}", "format", FORMAT, "centre",
                           config->name, "hub", config->hub, "listen", listen, "port",
                           (int)config->port, "sites", "revoked-serials");
    free(listen);
    err = files_begin(config->dir, &work, &home, diag);
    if (!err) {
        json_t *result = NULL;
        err = build(config, &c, work, home, diag);
        if (!err)
            result = say_centre(&c, home);
        err = files_finish(work, home, err, diag);
        if (err)
            json_decref(result);
        else
            *said = result;
    }
    centre_close(&c);
    return err;
}

/* ---- enrol ---- */

struct asked {
    struct envelope envelope;
    struct identity_public keys;
    const char *site;
    json_t *known; /* in the register, borrowed; NULL: not known */
    bool renews;
};

static void
asked_fini(struct asked *asked)
{
    identity_public_fini(&asked->keys);
    envelope_fini(&asked->envelope);
}

static bool
is_signed_by_present(const struct asked *asked)
{
    struct nkey leaf;
    const char *text = text_in(asked->known, "leaf");
    return !nkey_parse_public(text, strlen(text), NKEY_USER, &leaf, NULL) &&
           envelope_verify_nkey(&asked->envelope, "previous", &leaf);
}

static enum err
ask(const struct centre *c, const struct centre_request *request, struct asked *asked,
    struct diag *diag)
{
    enum err err = identity_open(request->text, request->size, &asked->envelope, &asked->keys,
                                 diag);
    if (err)
        return err;
    asked->site = envelope_text(&asked->envelope, "site");
    asked->known = json_object_get(json_object_get(c->registry, "sites"), asked->site);
    asked->renews = !strcmp(text_in(asked->known, "state"), "enrolled") &&
                    (is_signed_by_present(asked) ||
                     !strcmp(text_in(asked->known, "request"), asked->envelope.hash));
    if (!strcmp(asked->site, text_in(c->registry, "centre")))
        err = diag_set(diag, ERR_CONFLICT, "\"%s\" is the control centre itself", asked->site);
    if (err)
        asked_fini(asked);
    return err;
}

enum err
centre_look(const struct centre_request *request, json_t **said, struct diag *diag)
{
    struct centre c;
    struct asked asked = {0};
    enum err err = centre_open(request->dir, &c, diag);
    if (err)
        return err;
    err = ask(&c, request, &asked, diag);
    if (!err) {
        *said = json_pack("{s:s, s:s, s:O, s:b, s:b}", "site", asked.site, "fingerprint",
                          asked.envelope.hash, "addresses",
                          json_object_get(asked.envelope.payload, "addresses"), "known",
                          asked.known != NULL, "renews", asked.renews);
        asked_fini(&asked);
    }
    centre_close(&c);
    return err;
}

static enum err
check_asked(const struct centre_request *request, const struct asked *asked, struct diag *diag)
{
    if (asked->known && !asked->renews && !request->replace)
        return diag_set(diag, ERR_EXISTS,
                        "\"%s\" is known, and not by this key: is it to be replaced?", asked->site);
    if (request->fingerprint && strcmp(request->fingerprint, asked->envelope.hash) != 0)
        return diag_set(diag, ERR_DENIED, "the request's fingerprint is %s, not what was given",
                        asked->envelope.hash);
    if (!request->fingerprint && !asked->renews)
        return diag_set(diag, ERR_DENIED, "nobody has compared the request's fingerprint, %s",
                        asked->envelope.hash);
    return ERR_OK;
}

/* What the command says, or else what was so before, or else what the request says, or none. */
static void
settle(json_t *site, const char *member, json_t *said, json_t *asked)
{
    if (said)
        json_object_set_new(site, member, json_deep_copy(said));
    else if (!json_object_get(site, member))
        json_object_set_new(site, member, asked ? json_deep_copy(asked) : json_array());
}

static enum err
check_names(const struct centre *c, const char *site, const json_t *names, struct diag *diag)
{
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)names, i, name)
    {
        const char *text = json_string_value(name);
        if (!text || !site_name_is_valid(text) || !strcmp(text, site) ||
            !strcmp(text, text_in(c->registry, "centre")))
            return diag_set(diag, ERR_INVALID, "\"%s\" cannot be a witness's site here",
                            text ? text : "");
    }
    return ERR_OK;
}

static enum err
check_networks(const json_t *networks, struct diag *diag)
{
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)networks, i, one)
    {
        char *network;
        const char *text = json_string_value(one);
        if (!text || identity_parse_network(text, &network))
            return diag_set(diag, ERR_INVALID, "\"%s\" is not an address or a network",
                            text ? text : "");
        free(network);
    }
    return ERR_OK;
}

/* The site as it will be in the register; the caller owns it. */
static enum err
plan_site(const struct centre *c, const struct centre_request *request, const struct asked *asked,
          json_t **result, struct diag *diag)
{
    json_t *site = asked->known
                       ? json_deep_copy(asked->known)
                       : json_pack("{s:[], s:I}", "issued", "enrolled", (json_int_t)request->now);
    settle(site, "addresses", request->addresses,
           json_object_get(asked->envelope.payload, "addresses"));
    settle(site, "witnesses", request->witnesses, NULL);
    settle(site, "witness-for", request->witness_for, NULL);
    enum err err = check_networks(json_object_get(site, "addresses"), diag);
    if (!err)
        err = check_names(c, asked->site, json_object_get(site, "witnesses"), diag);
    if (!err)
        err = check_names(c, asked->site, json_object_get(site, "witness-for"), diag);
    if (err)
        json_decref(site);
    else
        *result = site;
    return err;
}

/* Notes in the register what was issued. */
static enum err
record(json_t *site, const struct asked *asked, const struct issued *issued, int64_t now,
       int64_t expires)
{
    char leaf[NKEY_PUBLIC_LENGTH + 1], tielined[NKEY_PUBLIC_LENGTH + 1];
    char serials[3][CERTIFICATE_SERIAL_SIZE];
    struct buf issuer = BUF_INIT;
    enum err err = certificate_put(&issuer, issued->issuer);
    if (err)
        return err;
    nkey_put_public(&asked->keys.leaf, leaf);
    nkey_put_public(&asked->keys.tielined, tielined);
    certificate_serial(issued->server, serials[0]);
    certificate_serial(issued->client, serials[1]);
    certificate_serial(issued->issuer, serials[2]);
    json_array_append_new(json_object_get(site, "issued"),
                          json_pack("{s:s, s:s, s:[s, s, s], s:s, s:I, s:I}", "leaf", leaf,
                                    "tielined", tielined, "serials", serials[0], serials[1],
                                    serials[2], "issuer", buf_cstr(&issuer), "at", (json_int_t)now,
                                    "expires", (json_int_t)expires));
    json_object_set_new(site, "state", json_string("enrolled"));
    json_object_set_new(site, "leaf", json_string(leaf));
    json_object_set_new(site, "request", json_string(asked->envelope.hash));
    buf_fini(&issuer);
    return ERR_OK;
}

static enum err
make_bundle(const struct centre *c, const struct asked *asked, const struct issue *issue,
            const struct issued *issued, struct buf *out, struct diag *diag)
{
    /* At the site itself its account has nothing to do with others. */
    struct nats_subject subject = {asked->site, issue->account, issue->now, 0};
    struct nats_account alone = {
        .imports = json_pack("[o]", authority_broker_import(&c->authority.system, asked->site))};
    char *account = NULL;
    struct buf ca = BUF_INIT, server = BUF_INIT, client = BUF_INIT, issuer = BUF_INIT;
    struct envelope e = {0};
    enum err err = authority_sign_account(&c->authority, c->dir, &subject, &alone, &account, diag);
    json_decref(alone.imports);
    if (err)
        return err;
    err = certificate_put(&ca, c->authority.ca);
    if (!err)
        err = certificate_put(&server, issued->server);
    if (!err)
        err = certificate_put(&client, issued->client);
    if (!err)
        err = certificate_put(&issuer, issued->issuer);
    if (!err)
        err = envelope_new(
            ENVELOPE_BUNDLE,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "site",
                      asked->site, "request", asked->envelope.hash, "centre",
                      text_in(c->registry, "centre"), "hub", text_in(c->registry, "hub"), "ca",
                      buf_cstr(&ca), "server", buf_cstr(&server), "client", buf_cstr(&client),
                      "issuer", buf_cstr(&issuer), "operator", c->authority.operator_jwt, "account",
                      account, "system", c->authority.system_jwt, "leaf", issued->leaf_jwt,
                      "tielined", issued->tielined_jwt),
            &e);
    if (!err)
        err = envelope_sign_nkey(&e, "account", issue->account);
    if (err)
        diag_set(diag, err, "the bundle cannot be signed");
    else
        envelope_put(&e, ENVELOPE_BUNDLE, out);
    envelope_fini(&e);
    free(account);
    buf_fini(&ca);
    buf_fini(&server);
    buf_fini(&client);
    buf_fini(&issuer);
    return err;
}

static enum err
write_bundle(const char *out, const struct buf *bundle, struct diag *diag)
{
    const char *slash = strrchr(out, '/');
    char *dir = slash ? xstrndup(out, (size_t)(slash - out) + 1) : xstrdup(".");
    enum err err = files_write(dir, slash ? slash + 1 : out, bundle->data, bundle->size,
                               FILES_PUBLIC, true, diag);
    free(dir);
    return err;
}

/* The bundle first: it is worth nothing until the hub's files know of it, and who cannot have it
 * should not be in the register. */
static enum err
commit(struct centre *c, const struct centre_request *request, const char *name, json_t *site,
       const struct buf *bundle, struct diag *diag)
{
    enum err err = write_bundle(request->out, bundle, diag);
    if (err)
        return err;
    json_object_set(json_object_get(c->registry, "sites"), name, site);
    err = sign_accounts(c, request->now, diag);
    if (!err)
        err = save(c, request->now, diag);
    if (err)
        (void)unlink(request->out);
    return err;
}

/* Notes that all that was issued is void. */
static void
void_issued(json_t *registry, const char *name, json_t *site, int64_t now)
{
    json_t *serials = json_object_get(registry, "revoked-serials");
    json_t *issued = json_object_get(site, "issued"), *one, *serial;
    size_t i, k;
    json_array_foreach(issued, i, one)
        json_array_foreach(json_object_get(one, "serials"), k, serial)
            json_object_set_new(serials, json_string_value(serial), json_string(name));
    if (json_array_size(issued))
        json_object_set_new(site, "revoked", json_integer(now));
    json_array_clear(issued);
    json_object_set_new(site, "state", json_string("revoked"));
}

static enum err
issue_site(struct centre *c, const struct centre_request *request, const struct asked *asked,
           json_t *site, struct diag *diag)
{
    struct issued issued = {0};
    struct buf bundle = BUF_INIT;
    struct nkey account = {0};
    char text[NKEY_PUBLIC_LENGTH + 1];
    enum err err = open_account(c, asked->site, &account, diag);
    if (err)
        return err;
    if (!asked->renews) /* what others may have is void when a site gets other keys */
        void_issued(c->registry, asked->site, site, request->now);
    int64_t revoked = number_in(site, "revoked");
    nkey_put_public(&account, text);
    json_object_set_new(site, "account", json_string(text));
    struct issue issue = {
        .account = &account,
        .rights = rights_of(c, asked->site, site),
        .keys = &asked->keys,
        .addresses = json_object_get(site, "addresses"),
        .now = MAX(request->now, revoked + 1), /* what was issued until then is void */
        .expires = request->now + request->valid,
    };
    err = authority_issue(&c->authority, &issue, &issued, diag);
    if (!err)
        err = record(site, asked, &issued, issue.now, issue.expires);
    if (!err)
        err = make_bundle(c, asked, &issue, &issued, &bundle, diag);
    if (!err)
        err = commit(c, request, asked->site, site, &bundle, diag);
    buf_fini(&bundle);
    issued_fini(&issued);
    nkey_fini(&account);
    return err;
}

static json_t *
say_site(const struct centre *c, const struct centre_request *request, const struct asked *asked,
         const json_t *site)
{
    json_t *said = say_centre(c, c->dir);
    json_object_set_new(said, "site", json_string(asked->site));
    json_object_set_new(said, "request-fingerprint", json_string(asked->envelope.hash));
    json_object_set_new(said, "renewed", json_boolean(asked->renews));
    json_object_set_new(said, "bundle", json_string(request->out));
    json_object_set(said, "addresses", json_object_get(site, "addresses"));
    json_object_set(said, "witnesses", json_object_get(site, "witnesses"));
    json_object_set(said, "witness-for", json_object_get(site, "witness-for"));
    generation_say_expiry(said, request->now + request->valid, request->now);
    return said;
}

enum err
centre_enrol(const struct centre_request *request, json_t **said, struct diag *diag)
{
    struct centre c;
    struct asked asked = {0};
    json_t *site = NULL;
    enum err err = centre_open(request->dir, &c, diag);
    if (err)
        return err;
    err = ask(&c, request, &asked, diag);
    if (!err) {
        err = check_asked(request, &asked, diag);
        if (!err)
            err = plan_site(&c, request, &asked, &site, diag);
        if (!err)
            err = issue_site(&c, request, &asked, site, diag);
        if (!err)
            *said = say_site(&c, request, &asked, site);
        json_decref(site);
        asked_fini(&asked);
    }
    centre_close(&c);
    return err;
}

/* ---- rotate, revoke ---- */

enum err
centre_rotate(const char *dir, int64_t valid, int64_t now, json_t **said, struct diag *diag)
{
    struct centre c;
    enum err err = centre_open(dir, &c, diag);
    if (err)
        return err;
    err = renew(&c, c.dir, c.dir, now, valid, diag);
    if (!err) {
        *said = say_centre(&c, c.dir);
        generation_say_expiry(*said, now + valid, now);
    }
    centre_close(&c);
    return err;
}

enum err
centre_revoke(const char *dir, const char *name, int64_t now, json_t **said, struct diag *diag)
{
    struct centre c;
    enum err err = centre_open(dir, &c, diag);
    if (err)
        return err;
    json_t *site = json_object_get(json_object_get(c.registry, "sites"), name);
    if (!site)
        err = diag_set(diag, ERR_NOT_FOUND, "there is no site \"%s\"", name);
    if (!err) {
        void_issued(c.registry, name, site, now);
        err = sign_accounts(&c, now, diag);
    }
    if (!err)
        err = save(&c, now, diag);
    if (!err) {
        *said = say_centre(&c, c.dir);
        json_object_set_new(*said, "site", json_string(name));
        json_object_set_new(*said, "revoked", generation_time(number_in(site, "revoked")));
        json_object_set(*said, "serials", json_object_get(c.registry, "revoked-serials"));
    }
    centre_close(&c);
    return err;
}

/* ---- list ---- */

static int64_t
last_expiry(const json_t *site)
{
    int64_t last = 0;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(site, "issued"), i, one)
        last = number_in(one, "expires") > last ? number_in(one, "expires") : last;
    return last;
}

static json_t *
list_site(const char *name, const json_t *site, int64_t now)
{
    json_t *said = json_pack(
        "{s:s, s:s, s:O, s:O, s:O}", "site", name, "state", text_in(site, "state"), "addresses",
        json_object_get(site, "addresses"), "witnesses", json_object_get(site, "witnesses"),
        "witness-for", json_object_get(site, "witness-for"));
    json_object_set_new(said, "enrolled", generation_time(number_in(site, "enrolled")));
    if (!strcmp(text_in(site, "state"), "revoked"))
        json_object_set_new(said, "revoked", generation_time(number_in(site, "revoked")));
    else
        generation_say_expiry(said, last_expiry(site), now);
    return said;
}

enum err
centre_list(const char *dir, int64_t now, json_t **said, struct diag *diag)
{
    struct centre c;
    const char *name;
    json_t *site;
    enum err err = centre_open(dir, &c, diag);
    if (err)
        return err;
    json_t *sites = json_array(),
           *own = json_pack("{s:s, s:s}", "site", text_in(c.registry, "centre"), "state", "centre");
    generation_say_expiry(own, generation_expires(c.dir), now);
    json_array_append_new(sites, own);
    json_object_foreach(json_object_get(c.registry, "sites"), name, site)
        json_array_append_new(sites, list_site(name, site, now));
    *said = say_centre(&c, c.dir);
    json_object_set_new(*said, "sites", sites);
    centre_close(&c);
    return ERR_OK;
}

#include "enrol/site.h"

#include "base/alloc.h"
#include "enrol/authority.h"
#include "enrol/certificate.h"
#include "enrol/config.h"
#include "enrol/files.h"
#include "enrol/generation.h"
#include "io/nats_jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* site.json: {"format", "site", "port", "addresses"}, written once. centre.json in a generation:
 * {"centre", "hub", "fingerprint"}, of whom it was installed from. */
#define SITE "site.json"
#define CENTRE "centre.json"
#define FORMAT "tieline-site/1"

struct site {
    char *dir; /* absolute */
    int lock;
    json_t *about;
};

static const char *
text_in(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

static void
site_close(struct site *s)
{
    if (s->lock >= 0)
        close(s->lock);
    json_decref(s->about);
    free(s->dir);
}

static enum err
site_open(const char *dir, struct site *s, struct diag *diag)
{
    *s = (struct site){.lock = -1};
    enum err err = files_home(dir, &s->dir, diag);
    if (!err)
        err = files_lock(s->dir, &s->lock, diag);
    if (!err)
        err = files_read_json(s->dir, SITE, &s->about, diag);
    if (!err && (strcmp(text_in(s->about, "format"), FORMAT) != 0 ||
                 !site_name_is_valid(text_in(s->about, "site"))))
        err = diag_set(diag, ERR_MALFORMED, "%s/" SITE ": not of a site", dir);
    if (err)
        site_close(s);
    return err;
}

/* ---- Requests ---- */

static enum err
fingerprint_of(const struct buf *request, char hash[ENVELOPE_HASH_LENGTH + 1], struct diag *diag)
{
    struct envelope e;
    enum err err = envelope_open(ENVELOPE_REQUEST, (const char *)request->data, request->size, &e,
                                 diag);
    if (err)
        return err;
    memcpy(hash, e.hash, sizeof e.hash);
    envelope_fini(&e);
    return ERR_OK;
}

/* New keys and the request for them, in a new generation of `dir`, which is or will be `home`. */
static enum err
request(const char *dir, const char *home, const json_t *about, const struct nkey *previous,
        json_t **said, struct diag *diag)
{
    unsigned n;
    struct identity own = {0};
    struct buf text = BUF_INIT;
    char hash[ENVELOPE_HASH_LENGTH + 1];
    const char *name = text_in(about, "site");
    enum err err = files_next(dir, &n, diag);
    if (err)
        return err;
    char *generation = files_generation(dir, n);
    err = identity_new(generation, &own, diag);
    if (!err)
        err = identity_request(&own, name, json_object_get(about, "addresses"), previous, &text,
                               diag);
    if (!err)
        err = fingerprint_of(&text, hash, diag);
    if (!err)
        err = files_write(generation, "request.json", text.data, text.size, FILES_PUBLIC, true,
                          diag);
    if (!err) {
        char *path = xasprintf("%s/%u/request.json", home, n);
        *said = json_pack("{s:s, s:s, s:s}", "site", name, "request", path, "fingerprint", hash);
        free(path);
    }
    identity_fini(&own);
    buf_fini(&text);
    free(generation);
    return err;
}

static enum err
check_config(const struct site_config *config, struct diag *diag)
{
    size_t i;
    json_t *address;
    if (!site_name_is_valid(config->name))
        return diag_set(diag, ERR_INVALID,
                        "\"%s\": a name has 1 to %d small letters, digits and '-'", config->name,
                        SITE_NAME_MAX);
    json_array_foreach(config->addresses, i, address)
    {
        char *network;
        const char *text = json_string_value(address);
        if (!text || identity_parse_network(text, &network))
            return diag_set(diag, ERR_INVALID, "\"%s\" is not an address or a network",
                            text ? text : "");
        free(network);
    }
    return ERR_OK;
}

enum err
site_request(const struct site_config *config, json_t **said, struct diag *diag)
{
    char *work, *home;
    json_t *result = NULL;
    enum err err = check_config(config, diag);
    if (!err)
        err = files_begin(config->dir, &work, &home, diag);
    if (err)
        return err;
    json_t *about = json_pack("{s:s, s:s, s:i, s:O}", "format", FORMAT, "site", config->name,
                              "port", (int)config->port, "addresses", config->addresses);
    err = files_write_json(work, SITE, about, true, diag);
    if (!err)
        err = request(work, home, about, NULL, &result, diag);
    err = files_finish(work, home, err, diag);
    json_decref(about);
    if (err)
        json_decref(result);
    else
        *said = result;
    return err;
}

enum err
site_rotate(const char *dir, json_t **said, struct diag *diag)
{
    struct site s;
    struct nkey leaf = {0};
    enum err err = site_open(dir, &s, diag);
    if (err)
        return err;
    unsigned current = files_current(s.dir);
    char *generation = files_generation(s.dir, current);
    if (!current)
        err = diag_set(diag, ERR_NOT_FOUND,
                       "%s: nothing is installed yet; %s/%u/request.json waits for its bundle", dir,
                       dir, files_last(s.dir));
    if (!err)
        err = identity_read_seed(generation, "leaf.nk", NKEY_USER, &leaf, diag);
    if (!err)
        err = request(s.dir, s.dir, s.about, &leaf, said, diag);
    nkey_fini(&leaf);
    free(generation);
    site_close(&s);
    return err;
}

/* ---- Bundles ---- */

struct offer {
    struct envelope envelope;
    X509 *ca, *issuer, *server, *client; /* the server's is by the issuer, the others by the CA */
    struct nkey operator_key, account, system, leaf, tielined;
    char fingerprint[ENVELOPE_HASH_LENGTH + 1];
    bool known; /* the authority that is installed */
};

static void
offer_fini(struct offer *o)
{
    X509_free(o->ca);
    X509_free(o->issuer);
    X509_free(o->server);
    X509_free(o->client);
    envelope_fini(&o->envelope);
}

static enum err
read_cert(const struct offer *o, const char *member, X509 **cert, struct diag *diag)
{
    const char *pem = envelope_text(&o->envelope, member);
    enum err err = pem ? certificate_read(pem, strlen(pem), cert, diag) : ERR_MALFORMED;
    return err ? diag_set(diag, err, "%s: not a certificate in PEM", member) : ERR_OK;
}

static enum err
read_claims(const struct offer *o, const char *member, const struct nkey *issuer,
            enum nkey_kind kind, struct nkey *subject, struct diag *diag)
{
    const char *jwt = envelope_text(&o->envelope, member);
    enum err err = !jwt     ? diag_set(diag, ERR_MALFORMED, "it is missing")
                   : issuer ? nats_jwt_open(jwt, strlen(jwt), issuer, kind, subject, NULL, diag)
                            : nats_jwt_open_operator(jwt, strlen(jwt), subject, diag);
    if (err)
        diag_prefix(diag, "%s", member);
    return err;
}

static enum err
check_texts(const struct offer *o, struct diag *diag)
{
    char *host;
    unsigned port;
    const char *hub = envelope_text(&o->envelope, "hub");
    const char *centre = envelope_text(&o->envelope, "centre");
    if (!centre || !site_name_is_valid(centre))
        return diag_set(diag, ERR_MALFORMED, "centre: not a site's name");
    if (!hub || config_parse_hubs(hub, &host, &port))
        return diag_set(diag, ERR_MALFORMED, "hub: not HOST:PORT");
    free(host);
    return ERR_OK;
}

/* All that holds without looking at what is here: signed by one authority from end to end. */
static enum err
read_offer(struct offer *o, struct diag *diag)
{
    enum err err = check_texts(o, diag);
    if (!err)
        err = read_cert(o, "ca", &o->ca, diag);
    if (!err)
        err = read_cert(o, "issuer", &o->issuer, diag);
    if (!err)
        err = read_cert(o, "server", &o->server, diag);
    if (!err)
        err = read_cert(o, "client", &o->client, diag);
    if (!err)
        err = read_claims(o, "operator", NULL, NKEY_OPERATOR, &o->operator_key, diag);
    if (!err)
        err = read_claims(o, "account", &o->operator_key, NKEY_ACCOUNT, &o->account, diag);
    if (!err)
        err = read_claims(o, "system", &o->operator_key, NKEY_ACCOUNT, &o->system, diag);
    if (!err && !envelope_verify_nkey(&o->envelope, "account", &o->account))
        err = diag_set(diag, ERR_DENIED, "the account has not signed the bundle");
    if (!err)
        err = read_claims(o, "leaf", &o->account, NKEY_USER, &o->leaf, diag);
    if (!err)
        err = read_claims(o, "tielined", &o->account, NKEY_USER, &o->tielined, diag);
    if (!err && authority_fingerprint(o->ca, &o->operator_key, o->fingerprint))
        err = diag_set(diag, ERR_IO, "OpenSSL makes no fingerprint");
    return err;
}

static bool
is_installed_authority(const struct site *s, const struct offer *o)
{
    json_t *centre;
    bool known = false;
    if (!files_read_json(s->dir, "current/" CENTRE, &centre, NULL)) {
        known = !strcmp(text_in(centre, "fingerprint"), o->fingerprint);
        json_decref(centre);
    }
    return known;
}

static enum err
open_offer(const struct site *s, const struct site_bundle *bundle, struct offer *o,
           struct diag *diag)
{
    *o = (struct offer){.known = false};
    enum err err = envelope_open(ENVELOPE_BUNDLE, bundle->text, bundle->size, &o->envelope, diag);
    if (err)
        return err;
    err = read_offer(o, diag);
    if (!err && strcmp(text_in(o->envelope.payload, "site"), text_in(s->about, "site")) != 0)
        err = diag_set(diag, ERR_DENIED, "it is for the site \"%s\"",
                       text_in(o->envelope.payload, "site"));
    o->known = !err && is_installed_authority(s, o);
    if (err)
        offer_fini(o);
    return err;
}

enum err
site_look(const struct site_bundle *bundle, json_t **said, struct diag *diag)
{
    struct site s;
    struct offer o;
    enum err err = site_open(bundle->dir, &s, diag);
    if (err)
        return err;
    err = open_offer(&s, bundle, &o, diag);
    if (!err) {
        *said = json_pack("{s:s, s:s, s:s, s:b}", "site", text_in(s.about, "site"), "centre",
                          text_in(o.envelope.payload, "centre"), "fingerprint", o.fingerprint,
                          "known", o.known);
        offer_fini(&o);
    }
    site_close(&s);
    return err;
}

/* ---- Installing ---- */

/* The generation whose request the bundle answers; 0: there is none. */
static unsigned
find_request(const struct site *s, const char *hash)
{
    unsigned found = 0;
    for (unsigned n = files_last(s->dir); n && !found; n--) {
        struct buf text;
        char own[ENVELOPE_HASH_LENGTH + 1], *generation = files_generation(s->dir, n);
        if (!files_read(generation, "request.json", &text, NULL)) {
            if (!fingerprint_of(&text, own, NULL) && !strcmp(own, hash))
                found = n;
            buf_fini(&text);
        }
        free(generation);
    }
    return found;
}

static enum err
check_own(const struct offer *o, const struct identity *own, int64_t now, struct diag *diag)
{
    enum err err = certificate_check(o->issuer, o->ca, NULL, now, diag);
    if (!err)
        err = certificate_check(o->server, o->issuer, own->server, now, diag);
    if (!err)
        err = certificate_check(o->client, o->ca, own->client, now, diag);
    if (!err && (!nkey_equal(&o->leaf, &own->leaf) || !nkey_equal(&o->tielined, &own->tielined)))
        err = diag_set(diag, ERR_DENIED, "its claims are about other keys than this site's");
    return err;
}

static enum err
write_config(const struct site *s, const struct offer *o, const char *generation, struct diag *diag)
{
    struct buf text = BUF_INIT;
    struct config config = {
        .site = text_in(s->about, "site"),
        .dir = s->dir,
        .port = (unsigned)json_integer_value(json_object_get(s->about, "port")),
        .account = &o->account,
        .system = &o->system,
        .operator_jwt = text_in(o->envelope.payload, "operator"),
        .account_jwt = text_in(o->envelope.payload, "account"),
        .system_jwt = text_in(o->envelope.payload, "system"),
    };
    config_put_site(&text, &config, text_in(o->envelope.payload, "hub"));
    enum err err = files_write(generation, "nats-server.conf", text.data, text.size, FILES_PUBLIC,
                               false, diag);
    buf_fini(&text);
    return err;
}

static enum err
write_offer(const struct site *s, const struct offer *o, const struct identity *own,
            const char *generation, struct diag *diag)
{
    const json_t *payload = o->envelope.payload;
    json_t *centre = json_pack("{s:s, s:s, s:s}", "centre", text_in(payload, "centre"), "hub",
                               text_in(payload, "hub"), "fingerprint", o->fingerprint);
    enum err err = generation_write_cert(generation, "ca.pem", o->ca, NULL, diag);
    if (!err)
        err = generation_write_cert(generation, "server.pem", o->server, o->issuer, diag);
    if (!err)
        err = generation_write_cert(generation, "client.pem", o->client, NULL, diag);
    if (!err)
        err = generation_write_creds(generation, "leaf.creds", text_in(payload, "leaf"), &own->leaf,
                                     diag);
    if (!err)
        err = generation_write_creds(generation, "tielined.creds", text_in(payload, "tielined"),
                                     &own->tielined, diag);
    if (!err)
        err = write_config(s, o, generation, diag);
    if (!err)
        err = files_write_json(generation, CENTRE, centre, false, diag);
    json_decref(centre);
    return err;
}

static enum err
check_fingerprint(const struct site_bundle *bundle, const struct offer *o, struct diag *diag)
{
    if (bundle->fingerprint && strcmp(bundle->fingerprint, o->fingerprint) != 0)
        return diag_set(diag, ERR_DENIED, "the authority's fingerprint is %s, not what was given",
                        o->fingerprint);
    if (!bundle->fingerprint && !o->known)
        return diag_set(diag, ERR_DENIED, "nobody has compared the authority's fingerprint, %s",
                        o->fingerprint);
    return ERR_OK;
}

static enum err
find_generation(const struct site *s, const struct offer *o, unsigned *n, struct diag *diag)
{
    *n = find_request(s, text_in(o->envelope.payload, "request"));
    if (!*n)
        return diag_set(diag, ERR_DENIED, "it answers no request of this site");
    if (*n < files_current(s->dir))
        return diag_set(diag, ERR_EXISTS, "something newer is installed");
    return ERR_OK;
}

static enum err
install(const struct site *s, const struct site_bundle *bundle, const struct offer *o,
        struct diag *diag)
{
    unsigned n;
    struct identity own = {0};
    enum err err = check_fingerprint(bundle, o, diag);
    if (!err)
        err = find_generation(s, o, &n, diag);
    if (err)
        return err;
    if (n == files_current(s->dir))
        return diag_set(diag, ERR_EXISTS, "it is installed already");
    char *generation = files_generation(s->dir, n);
    err = identity_read(generation, &own, diag);
    if (!err)
        err = check_own(o, &own, bundle->now, diag);
    if (!err)
        err = write_offer(s, o, &own, generation, diag);
    if (!err)
        err = files_switch(s->dir, n, diag);
    identity_fini(&own);
    free(generation);
    return err;
}

enum err
site_install(const struct site_bundle *bundle, json_t **said, struct diag *diag)
{
    struct site s;
    struct offer o;
    enum err err = site_open(bundle->dir, &s, diag);
    if (err)
        return err;
    err = open_offer(&s, bundle, &o, diag);
    if (!err) {
        err = install(&s, bundle, &o, diag);
        if (!err) {
            char *config = files_path(s.dir, "current/nats-server.conf");
            *said = json_pack("{s:s, s:s, s:s, s:s, s:s}", "site", text_in(s.about, "site"),
                              "centre", text_in(o.envelope.payload, "centre"), "hub",
                              text_in(o.envelope.payload, "hub"), "fingerprint", o.fingerprint,
                              "config", config);
            generation_say_expiry(*said, certificate_expires(o.server), bundle->now);
            free(config);
        }
        offer_fini(&o);
    }
    site_close(&s);
    return err;
}

enum err
site_list(const char *dir, int64_t now, json_t **said, struct diag *diag)
{
    struct site s;
    json_t *centre = NULL;
    enum err err = site_open(dir, &s, diag);
    if (err)
        return err;
    unsigned current = files_current(s.dir), last = files_last(s.dir);
    json_t *own = json_pack("{s:s, s:s}", "site", text_in(s.about, "site"), "state",
                            current ? "installed" : "requested");
    if (current)
        generation_say_expiry(own, generation_expires(s.dir), now);
    if (last > current) {
        char *waiting = xasprintf("%s/%u/request.json", s.dir, last);
        json_object_set_new(own, "waiting", json_string(waiting));
        free(waiting);
    }
    if (current)
        err = files_read_json(s.dir, "current/" CENTRE, &centre, diag);
    if (err) {
        json_decref(own);
    } else {
        *said = centre ? centre : json_object();
        json_object_set_new(*said, "sites", json_pack("[o]", own));
    }
    site_close(&s);
    return err;
}

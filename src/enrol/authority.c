#include "enrol/authority.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "enrol/certificate.h"
#include "enrol/files.h"
#include "io/nats_jwt.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CA_SECONDS (INT64_C(10) * 365 * 86400)
/* Clocks of sites that are cut off are wrong. */
#define BACKDATED_SECONDS 3600

void
authority_fini(struct authority *a)
{
    X509_free(a->ca);
    EVP_PKEY_free(a->ca_key);
    nkey_fini(&a->account);
    free(a->operator_jwt);
    free(a->account_jwt);
    free(a->system_jwt);
    *a = (struct authority){0};
}

/* ---- Claims of operator and account ---- */

/* Consumes the claims. */
static enum err
sign(json_t *claims, const struct nkey *by, char **jwt, struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = nats_jwt_sign(claims, by, &text);
    json_decref(claims);
    if (err)
        diag_set(diag, err, "claims cannot be signed");
    else
        *jwt = buf_steal_cstr(&text);
    buf_fini(&text);
    return err;
}

static enum err
write_text(const char *dir, const char *name, const char *text, bool fresh, struct diag *diag)
{
    char *line = xasprintf("%s\n", text);
    enum err err = files_write(dir, name, line, strlen(line), FILES_PUBLIC, fresh, diag);
    free(line);
    return err;
}

#define CONNECTIONS "$SYS.REQ.SERVER.PING.CONNZ"

json_t *
authority_broker_import(const struct nkey *system, const char *site)
{
    char account[NKEY_PUBLIC_LENGTH + 1];
    nkey_put_public(system, account);
    return json_pack("{s:s, s:s, s:o}", "account", account, "subject", CONNECTIONS, "to",
                     json_sprintf("site.%s.broker.connections", site));
}

/* Consumes the import. */
static enum err
sign_own_account(const struct nkey *account, const struct nkey *operator_key, json_t *import,
                 int64_t now, char **jwt, struct diag *diag)
{
    struct nats_subject subject = {"centre", account, now, 0};
    json_t *imports = json_pack("[o]", import);
    enum err err = sign(nats_account_claims(&subject, &(struct nats_account){.imports = imports}),
                        operator_key, jwt, diag);
    json_decref(imports);
    return err;
}

static enum err
sign_system(const struct nkey *key, const struct nkey *operator_key, int64_t now, char **jwt,
            struct diag *diag)
{
    struct nats_subject subject = {"system", key, now, 0};
    json_t *services = json_pack("[s]", CONNECTIONS);
    enum err err = sign(nats_account_claims(&subject, &(struct nats_account){.services = services}),
                        operator_key, jwt, diag);
    json_decref(services);
    return err;
}

/* Without one that is named, nats-server makes one up and loses it when it is reloaded. */
static enum err
make_system(const struct nkey *operator_key, const char *dir, int64_t now, struct authority *a,
            struct diag *diag)
{
    struct nkey key = {0};
    enum err err = nkey_new(NKEY_ACCOUNT, &key, diag);
    if (!err)
        err = sign_system(&key, operator_key, now, &a->system_jwt, diag);
    if (!err)
        err = write_text(dir, "system.jwt", a->system_jwt, true, diag);
    a->system = (struct nkey){.kind = NKEY_ACCOUNT};
    memcpy(a->system.octets, key.octets, sizeof key.octets);
    nkey_fini(&key);
    return err;
}

static enum err
make_operator(const struct authority_config *config, struct authority *a, struct diag *diag)
{
    struct nkey operator_key = {0};
    const char *dir = config->dir;
    enum err err = nkey_new(NKEY_OPERATOR, &operator_key, diag);
    if (!err)
        err = nkey_new(NKEY_ACCOUNT, &a->account, diag);
    if (!err)
        err = identity_write_seed(dir, "operator.nk", &operator_key, diag);
    if (!err)
        err = identity_write_seed(dir, "account.nk", &a->account, diag);
    if (!err) {
        struct nats_subject subject = {"tieline", &operator_key, config->now, 0};
        err = sign(nats_operator_claims(&subject), &operator_key, &a->operator_jwt, diag);
    }
    if (!err)
        err = make_system(&operator_key, dir, config->now, a, diag);
    if (!err)
        err = sign_own_account(&a->account, &operator_key,
                               authority_broker_import(&a->system, config->name), config->now,
                               &a->account_jwt, diag);
    if (!err)
        err = write_text(dir, "operator.jwt", a->operator_jwt, true, diag);
    if (!err)
        err = write_text(dir, "account.jwt", a->account_jwt, true, diag);
    a->operator_key = operator_key;
    OPENSSL_cleanse(a->operator_key.seed, sizeof a->operator_key.seed);
    a->operator_key.has_seed = false;
    nkey_fini(&operator_key);
    return err;
}

static enum err
read_operator(const struct authority *a, const char *dir, struct nkey *operator_key,
              struct diag *diag)
{
    enum err err = identity_read_seed(dir, "operator.nk", NKEY_OPERATOR, operator_key, diag);
    if (!err && !nkey_equal(operator_key, &a->operator_key))
        err = diag_set(diag, ERR_CONFLICT, "%s/operator.nk: it is another operator's", dir);
    return err;
}

enum err
authority_sign_account(const struct authority *a, const char *dir,
                       const struct nats_subject *subject, const struct nats_account *account,
                       char **jwt, struct diag *diag)
{
    struct nkey operator_key = {0};
    enum err err = read_operator(a, dir, &operator_key, diag);
    if (!err)
        err = sign(nats_account_claims(subject, account), &operator_key, jwt, diag);
    nkey_fini(&operator_key);
    return err;
}

enum err
authority_renew_system(struct authority *a, const char *dir, int64_t now, struct diag *diag)
{
    struct nkey operator_key = {0};
    char *jwt = NULL;
    enum err err = read_operator(a, dir, &operator_key, diag);
    if (!err)
        err = sign_system(&a->system, &operator_key, now, &jwt, diag);
    if (!err)
        err = write_text(dir, "system.jwt", jwt, false, diag);
    nkey_fini(&operator_key);
    if (err) {
        free(jwt);
        return err;
    }
    free(a->system_jwt);
    a->system_jwt = jwt;
    return ERR_OK;
}

enum err
authority_set_account(struct authority *a, const char *dir, char *jwt, struct diag *diag)
{
    enum err err = write_text(dir, "account.jwt", jwt, false, diag);
    if (err) {
        free(jwt);
        return err;
    }
    free(a->account_jwt);
    a->account_jwt = jwt;
    return ERR_OK;
}

/* ---- The CA ---- */

static enum err
make_ca(const struct authority_config *config, struct authority *a, struct diag *diag)
{
    char *name = xasprintf("%s authority", config->name);
    struct certificate_terms terms = {.name = name,
                                      .is_authority = true,
                                      .depth = 1,
                                      .from = config->now - BACKDATED_SECONDS,
                                      .to = config->now + CA_SECONDS};
    enum err err = certificate_key_new(&a->ca_key, diag);
    if (!err)
        err = certificate_issue(a->ca_key, &terms, NULL, NULL, &a->ca, diag);
    free(name);
    return err;
}

static enum err
read_cert(const char *dir, const char *name, X509 **cert, struct diag *diag)
{
    struct buf pem;
    enum err err = files_read(dir, name, &pem, diag);
    if (err)
        return err;
    err = certificate_read((const char *)pem.data, pem.size, cert, diag);
    if (err)
        diag_prefix(diag, "%s/%s", dir, name);
    buf_fini(&pem);
    return err;
}

static enum err
copy_ca(const struct authority_config *config, struct authority *a, struct diag *diag)
{
    enum err err = read_cert(*config->ca_file == '/' ? "" : ".", config->ca_file, &a->ca, diag);
    if (!err)
        err = identity_read_key(*config->ca_key_file == '/' ? "" : ".", config->ca_key_file,
                                &a->ca_key, diag);
    if (!err)
        err = certificate_check_authority(a->ca, a->ca_key, config->now, diag);
    return err;
}

enum err
authority_new(const struct authority_config *config, struct authority *a, struct diag *diag)
{
    struct buf pem = BUF_INIT;
    *a = (struct authority){0};
    enum err err = config->ca_file ? copy_ca(config, a, diag) : make_ca(config, a, diag);
    if (!err)
        err = identity_write_key(config->dir, "ca.key", a->ca_key, diag);
    if (!err && certificate_put(&pem, a->ca))
        err = diag_set(diag, ERR_IO, "the CA's certificate cannot be written");
    if (!err)
        err = files_write(config->dir, "ca.pem", pem.data, pem.size, FILES_PUBLIC, true, diag);
    if (!err)
        err = make_operator(config, a, diag);
    buf_fini(&pem);
    if (err)
        authority_fini(a);
    return err;
}

/* ---- Reading it ---- */

static enum err
read_text(const char *dir, const char *name, char **text, struct diag *diag)
{
    struct buf buf;
    enum err err = files_read(dir, name, &buf, diag);
    if (err)
        return err;
    if (buf.size && buf.data[buf.size - 1] == '\n')
        buf.size--;
    *text = buf_steal_cstr(&buf);
    return ERR_OK;
}

static enum err
read_claims(const char *dir, struct authority *a, struct diag *diag)
{
    struct nkey account;
    enum err err = read_text(dir, "operator.jwt", &a->operator_jwt, diag);
    if (!err)
        err = read_text(dir, "account.jwt", &a->account_jwt, diag);
    if (!err)
        err = read_text(dir, "system.jwt", &a->system_jwt, diag);
    if (!err)
        err = nats_jwt_open_operator(a->operator_jwt, strlen(a->operator_jwt), &a->operator_key,
                                     diag);
    if (!err)
        err = nats_jwt_open(a->account_jwt, strlen(a->account_jwt), &a->operator_key, NKEY_ACCOUNT,
                            &account, NULL, diag);
    if (!err)
        err = nats_jwt_open(a->system_jwt, strlen(a->system_jwt), &a->operator_key, NKEY_ACCOUNT,
                            &a->system, NULL, diag);
    if (!err && !nkey_equal(&account, &a->account))
        err = diag_set(diag, ERR_CONFLICT, "%s: account.jwt is not of account.nk", dir);
    return err;
}

enum err
authority_open(const char *dir, struct authority *a, struct diag *diag)
{
    *a = (struct authority){0};
    enum err err = read_cert(dir, "ca.pem", &a->ca, diag);
    if (!err)
        err = identity_read_key(dir, "ca.key", &a->ca_key, diag);
    if (!err)
        err = identity_read_seed(dir, "account.nk", NKEY_ACCOUNT, &a->account, diag);
    if (!err)
        err = read_claims(dir, a, diag);
    if (err)
        authority_fini(a);
    return err;
}

enum err
authority_fingerprint(X509 *ca, const struct nkey *operator_key, char hex[ENVELOPE_HASH_LENGTH + 1])
{
    struct buf text = BUF_INIT;
    uint8_t *der = NULL, hash[EVP_MAX_MD_SIZE];
    int size = i2d_X509(ca, &der);
    buf_str(&text, "tieline-authority/1\n");
    buf_put(&text, operator_key->octets, sizeof operator_key->octets);
    if (size > 0)
        buf_put(&text, der, (size_t)size);
    bool good = size > 0 && EVP_Digest(text.data, text.size, hash, NULL, EVP_sha256(), NULL) == 1;
    if (good)
        hex_format(hash, ENVELOPE_HASH_LENGTH / 2, hex);
    OPENSSL_free(der);
    buf_fini(&text);
    return good ? ERR_OK : ERR_IO;
}

/* ---- Issuing ---- */

void
issued_fini(struct issued *issued)
{
    X509_free(issued->server);
    X509_free(issued->client);
    X509_free(issued->issuer);
    free(issued->leaf_jwt);
    free(issued->tielined_jwt);
    *issued = (struct issued){0};
}

static bool
is_address(const char *host)
{
    char *network;
    if (strchr(host, '/') || identity_parse_network(host, &network))
        return false;
    free(network);
    return true;
}

static bool
is_of_centre(const struct issue *issue)
{
    return !strcmp(issue->rights.site, issue->rights.centre);
}

/* By the authority of this one certificate. */
static enum err
issue_alone(const struct authority *a, const struct certificate_terms *terms, EVP_PKEY *key,
            struct issued *issued, struct diag *diag)
{
    EVP_PKEY *issuer_key = NULL;
    uint8_t number[8];
    char text[2 * sizeof number + 1];
    if (RAND_bytes(number, sizeof number) != 1)
        return diag_set(diag, ERR_IO, "there are no random numbers");
    nkey_base32(number, sizeof number, text);
    /* Names of authorities must differ, also those of one site. */
    char *name = xasprintf("%s %s", terms->name, text);
    struct certificate_terms own = {
        .name = name, .is_authority = true, .from = terms->from, .to = terms->to};
    enum err err = certificate_key_new(&issuer_key, diag);
    if (!err)
        err = certificate_issue(issuer_key, &own, a->ca, a->ca_key, &issued->issuer, diag);
    if (!err)
        err = certificate_issue(key, terms, issued->issuer, issuer_key, &issued->server, diag);
    EVP_PKEY_free(issuer_key);
    free(name);
    return err;
}

static char *
names_of(const struct issue *issue)
{
    struct buf names = BUF_INIT;
    const char *at = issue->host ? issue->host : "";
    buf_printf(&names, "DNS:%s,DNS:localhost,IP:127.0.0.1", issue->rights.site);
    while (*at) {
        size_t length = strcspn(at, ",");
        char *host = xstrndup(at, length);
        buf_printf(&names, ",%s:%s", is_address(host) ? "IP" : "DNS", host);
        free(host);
        at += length + (at[length] == ',');
    }
    return buf_steal_cstr(&names);
}

static enum err
issue_certificates(const struct authority *a, const struct issue *issue, struct issued *issued,
                   struct diag *diag)
{
    const struct identity_public *keys = issue->keys;
    char *client_name = xasprintf("tielined.%s", issue->rights.site), *names = names_of(issue);
    struct certificate_terms terms = {.name = issue->rights.site,
                                      .names = names,
                                      .is_server = true,
                                      .is_client = true,
                                      .from = issue->now - BACKDATED_SECONDS,
                                      .to = issue->expires};
    enum err err = is_of_centre(issue) ? certificate_issue(keys->server, &terms, a->ca, a->ca_key,
                                                           &issued->server, diag)
                                       : issue_alone(a, &terms, keys->server, issued, diag);
    terms.name = client_name;
    terms.names = NULL;
    terms.is_server = false;
    if (!err)
        err = certificate_issue(keys->client, &terms, a->ca, a->ca_key, &issued->client, diag);
    free(names);
    free(client_name);
    return err;
}

static json_t *
networks_of(const json_t *addresses)
{
    json_t *networks = json_array(), *address;
    size_t i;
    json_array_foreach((json_t *)addresses, i, address)
    {
        char *network;
        if (identity_parse_network(json_string_value(address), &network))
            continue; /* the caller has checked them */
        json_array_append_new(networks, json_string(network));
        free(network);
    }
    return networks;
}

static enum err
issue_user(const struct issue *issue, const struct nkey *key, const struct rights_lists *lists,
           char **jwt, struct diag *diag)
{
    bool is_link = key == &issue->keys->leaf;
    json_t *sources = is_link ? networks_of(issue->addresses) : json_array();
    struct nats_user user = {
        .subject = {issue->rights.site, key, issue->now, issue->expires},
        .connection = is_link ? "LEAFNODE" : "STANDARD",
        .publish = lists->publish,
        .publish_not = lists->publish_not,
        .subscribe = lists->subscribe,
        .sources = sources,
    };
    enum err err = sign(nats_user_claims(&user), issue->account, jwt, diag);
    json_decref(sources);
    return err;
}

enum err
authority_issue(const struct authority *a, const struct issue *issue, struct issued *issued,
                struct diag *diag)
{
    struct rights_lists lists;
    *issued = (struct issued){0};
    enum err err = issue_certificates(a, issue, issued, diag);
    if (!err) {
        rights_of_tielined(&issue->rights, &lists);
        err = issue_user(issue, &issue->keys->tielined, &lists, &issued->tielined_jwt, diag);
        rights_fini(&lists);
    }
    if (!err && !is_of_centre(issue)) {
        rights_of_link(&issue->rights, &lists);
        err = issue_user(issue, &issue->keys->leaf, &lists, &issued->leaf_jwt, diag);
        rights_fini(&lists);
    }
    if (err)
        issued_fini(issued);
    return err;
}

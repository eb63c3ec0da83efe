#include "tielined/checkpoints.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/file.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 4096
#define WITNESSES_UNASKED 2 /* of the centre, if nothing is said */

struct checkpoints {
    struct checkpoints_config config;
    EVP_PKEY *secret;
    struct content_trust *trust; /* NULL: none */
    nsec_t every;
    uint64_t events;
    char *path;
    struct merkle_tree tree;
    bool gap; /* an event is missing: nothing is signed */
    struct checkpointer *checkpointer;
};

static enum err
read_secret(const char *path, EVP_PKEY **key, struct diag *diag)
{
    struct buf pem = BUF_INIT;
    enum err err = file_read(path, KEY_MAX, &pem, diag);
    if (err)
        return err;
    err = checkpoint_secret_key((const char *)pem.data, pem.size, key, diag);
    if (err)
        diag_prefix(diag, "%s", path);
    if (pem.data)
        OPENSSL_cleanse(pem.data, pem.size);
    buf_fini(&pem);
    return err;
}

static enum err
check_options(const struct checkpoints_config *c, struct diag *diag)
{
    if (!c->key && (c->every || c->file || c->keys || c->witnesses))
        return diag_set(diag, ERR_INVALID,
                        "--checkpoint-key is needed where checkpoints are spoken of");
    if (c->witnesses && !c->keys)
        return diag_set(diag, ERR_INVALID, "--witness-keys is needed: the witnesses' public keys");
    if (c->key && !c->file && journal_is_shared(c->journal))
        return diag_set(diag, ERR_INVALID, "--checkpoints is needed: a file of this machine");
    return ERR_OK;
}

enum err
checkpoints_new(const struct checkpoints_config *config, struct checkpoints **result,
                struct diag *diag)
{
    *result = NULL;
    enum err err = check_options(config, diag);
    if (err || !config->key)
        return err;
    struct checkpoints *c = xcalloc(1, sizeof *c);
    c->config = *config;
    c->path = config->file ? xstrdup(config->file) : xasprintf("%s.checkpoints", config->journal);
    if (config->every) {
        err = checkpointer_parse_every(config->every, &c->every, &c->events, diag);
        if (err)
            diag_prefix(diag, "--checkpoint-every");
    }
    if (!err)
        err = read_secret(config->key, &c->secret, diag);
    if (!err && config->keys)
        err = content_trust_read(config->keys, &c->trust, diag);
    if (err) {
        checkpoints_free(c);
        return err;
    }
    *result = c;
    return ERR_OK;
}

void
checkpoints_free(struct checkpoints *c)
{
    if (!c)
        return;
    checkpointer_free(c->checkpointer);
    content_trust_free(c->trust);
    EVP_PKEY_free(c->secret);
    free(c->path);
    free(c);
}

void
checkpoints_event(struct checkpoints *c, const struct journal_event *e)
{
    struct merkle_hash leaf;
    if (!c || c->gap)
        return;
    c->gap = e->seq != c->tree.n + 1;
    if (c->gap) {
        log_error("event %" PRIu64 " follows %" PRIu64 ": there are no more checkpoints", e->seq,
                  c->tree.n);
        return;
    }
    merkle_leaf(e->hash, sizeof e->hash, &leaf);
    merkle_append(&c->tree, &leaf);
    if (c->checkpointer)
        checkpointer_grown(c->checkpointer);
}

bool
checkpoints_witness(const struct checkpoints *c, EVP_PKEY **secret,
                    const struct content_trust **trust)
{
    if (!c || !c->trust)
        return false;
    *secret = c->secret;
    *trust = c->trust;
    return true;
}

/* ---- Who countersigns ---- */

static bool
has_key(const struct checkpoints *c, const char *site)
{
    for (size_t i = 0; c->trust && i < content_trust_size(c->trust); i++) {
        if (!strcmp(content_trust_name(c->trust, i), site))
            return true;
    }
    return false;
}

static enum err
take_named(const struct checkpoints *c, const struct sites *sites,
           struct checkpointer_witness *list, size_t *n, struct diag *diag)
{
    char *text = xstrdup(c->config.witnesses), *rest = text, *name;
    enum err err = ERR_OK;
    while (!err && (name = strsep(&rest, ","))) {
        size_t i = sites_find_peer(sites, name);
        if (i == SIZE_MAX || *n == sites_n_peers(sites))
            err = diag_set(diag, ERR_INVALID, "--witnesses: \"%s\" is no peer of this site", name);
        else if (!has_key(c, name))
            err = diag_set(diag, ERR_INVALID, "--witnesses: %s has no key of \"%s\"",
                           c->config.keys, name);
        else
            list[(*n)++] = (struct checkpointer_witness){sites_peer(sites, i)->name,
                                                         sites_peer_bus(sites, i)};
    }
    free(text);
    return err;
}

static void
take_first(const struct checkpoints *c, const struct sites *sites,
           struct checkpointer_witness *list, size_t *n)
{
    for (size_t i = 0; i < sites_n_peers(sites) && *n < WITNESSES_UNASKED; i++) {
        const char *name = sites_peer(sites, i)->name;
        if (has_key(c, name))
            list[(*n)++] = (struct checkpointer_witness){name, sites_peer_bus(sites, i)};
    }
}

enum err
checkpoints_start(struct checkpoints *c, uv_loop_t *loop, struct journal *journal, struct bus *bus,
                  const struct sites *sites, struct diag *diag)
{
    if (!c || c->gap)
        return ERR_OK;
    struct checkpointer_witness *list = xcalloc(sites ? sites_n_peers(sites) + 1 : 1, sizeof *list);
    size_t n = 0;
    enum err err = ERR_OK;
    if (sites && c->config.witnesses)
        err = take_named(c, sites, list, &n, diag);
    else if (sites)
        take_first(c, sites, list, &n);
    if (!err && !n)
        log_warn("checkpoints of the journal: nobody countersigns them");
    const struct checkpointer_config config = {.loop = loop,
                                               .bus = bus,
                                               .identity = journal_identity(journal),
                                               .tree = &c->tree,
                                               .path = c->path,
                                               .secret = c->secret,
                                               .trust = c->trust,
                                               .every = c->every,
                                               .events = c->events,
                                               .witnesses = list,
                                               .n_witnesses = n};
    if (!err)
        err = checkpointer_new(&config, &c->checkpointer, diag);
    free(list);
    return err;
}

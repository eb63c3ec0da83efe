/* identity.h - the private keys of one site, in one generation of its directory. They are made
 * where they are used and never leave it; what leaves are requests (envelope.h). */
#ifndef ENROL_IDENTITY_H
#define ENROL_IDENTITY_H

#include "enrol/envelope.h"

struct identity {
    EVP_PKEY *server; /* of the site's nats-server */
    EVP_PKEY *client; /* of the site's tielined */
    struct nkey leaf; /* the user that the link to the hub is */
    struct nkey tielined;
};

/* What others see of it. */
struct identity_public {
    EVP_PKEY *server, *client; /* owned */
    struct nkey leaf, tielined;
};

/* Makes all keys and writes them: server.key, client.key, leaf.nk, tielined.nk. The caller owns
 * what is in *identity. */
MUST_CHECK enum err identity_new(const char *generation, struct identity *, struct diag *);
MUST_CHECK enum err identity_read(const char *generation, struct identity *, struct diag *);
void identity_fini(struct identity *); /* of a zeroed one, too */

MUST_CHECK enum err identity_read_seed(const char *dir, const char *name, enum nkey_kind,
                                       struct nkey *, struct diag *);
MUST_CHECK enum err identity_write_seed(const char *dir, const char *name, const struct nkey *,
                                        struct diag *);
MUST_CHECK enum err identity_read_key(const char *dir, const char *name, EVP_PKEY **,
                                      struct diag *);
MUST_CHECK enum err identity_write_key(const char *dir, const char *name, EVP_PKEY *,
                                       struct diag *);

/* A request of this identity, signed by all its keys and, when it takes the place of another, by
 * that one's leaf. `addresses`: from where it comes, borrowed. */
MUST_CHECK enum err identity_request(const struct identity *, const char *site,
                                     const json_t *addresses, const struct nkey *previous,
                                     struct buf *, struct diag *);
/* Reads one: every key that it names has signed it. `envelope` is opened by this; fini it. */
MUST_CHECK enum err identity_open(const char *text, size_t size, struct envelope *,
                                  struct identity_public *, struct diag *);
void identity_public_fini(struct identity_public *);

/* An address or network as a network: "192.0.2.1" is "192.0.2.1/32". free() it. ERR_MALFORMED. */
MUST_CHECK enum err identity_parse_network(const char *text, char **network);

#endif

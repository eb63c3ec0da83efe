/* generation.h - what the directories of the centre and of sites have in common: certificates and
 * credentials of one generation, written so that the servers can run by them. */
#ifndef ENROL_GENERATION_H
#define ENROL_GENERATION_H

#include "base/buf.h"

#include <jansson.h>
#include <openssl/x509.h>

struct nkey;

#define RENEW_DAYS 30 /* so long before the end it is time */

/* `issuer` goes behind it; NULL: the CA is. */
MUST_CHECK enum err generation_write_cert(const char *generation, const char *name, X509 *,
                                          X509 *issuer, struct diag *);
MUST_CHECK enum err generation_write_creds(const char *generation, const char *name,
                                           const char *jwt, const struct nkey *user, struct diag *);
/* Of server.pem in DIR/current; 0: there is none. */
int64_t generation_expires(const char *dir);

/* Adds expires, days-left and renew to an object. */
void generation_say_expiry(json_t *said, int64_t expires, int64_t now);
json_t *generation_time(int64_t seconds); /* "2026-11-21T03:56:00Z" */

#endif

/* rights.h - who may say and hear what on the bus of many sites. Pure.
 *
 * Inside site X: site.X.SUBJECT. What X asks of Y or tells Y: site.Y.from.X.SUBJECT. Answers:
 * _INBOX.X.REST. Only the centre and a site talk to each other, and a site and its witness.
 *
 * The lists become claims of users (io/nats_jwt.h): one for the leaf link, and one for the site's
 * tielined, which the site's server enforces. Nobody but the link may say "from" in the name of
 * another site. */
#ifndef ENROL_RIGHTS_H
#define ENROL_RIGHTS_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

#define SITE_NAME_MAX 48 /* characters: part of a common name of a certificate */

/* Small letters, digits and '-' inside. */
bool site_name_is_valid(const char *);

struct rights {
    const char *site, *centre; /* the same name: it is the centre's */
    const json_t *witnesses;   /* names of sites that countersign for it; NULL: none */
    const json_t *witness_for; /* names of sites that it countersigns for; NULL: none */
};

struct rights_lists {
    json_t *publish, *publish_not, *subscribe; /* arrays of subjects */
};

/* What crosses the link between the site and the hub. Not for the centre, which has none. */
void rights_of_link(const struct rights *, struct rights_lists *);
/* What the site's tielined may do at the site's server, or the centre's at the hub. */
void rights_of_tielined(const struct rights *, struct rights_lists *);
void rights_fini(struct rights_lists *);

/* ---- accounts
 *
 * A nats-server believes what another says on a link: it holds back what the link's claims do not
 * allow to be heard, but a forged message is taken. So each site has an account of its own at the
 * hub, which no message leaves or enters but by these lists: what an account exports, and what it
 * imports from whom. The caller owns them. */

/* The subjects. */
json_t *rights_exports(const struct rights *);
/* What the site takes of another, which may be the centre: subjects; an empty array if nothing. */
json_t *rights_imports(const struct rights *, const char *from);

#endif

/* lsp_db_private.h - how an LSP is packed: lsp_db.c keeps what lsp_db_pack.c makes. */
#ifndef WAN_LSP_DB_PRIVATE_H
#define WAN_LSP_DB_PRIVATE_H

#include "wan/lsp_db.h"

/* A block for what is reported, and, where the report does not tell, for what was known of it
 * (`old`, or NULL). Never NULL; free(). ERR_INVALID: longer than anything. */
enum err lsp_pack(const struct lsp_report *, const struct lsp *old, struct lsp **);
size_t lsp_size(const struct lsp *); /* octets of the block */
/* Of enum lsp_changed: how they differ. */
unsigned lsp_compare(const struct lsp *old, const struct lsp *new);
bool te_address_equal(const struct te_address *, const struct te_address *);

#endif

#include "base/cursor.h"

void
cursor_fail(struct cursor *c, enum err err, const char *what)
{
    if (c->err)
        return;
    c->err = err;
    c->field = what;
    c->offset = cursor_offset(c);
}

enum err
cursor_explain(const struct cursor *c, struct diag *diag)
{
    if (!c->err)
        return ERR_OK;
    return diag_set(diag, c->err, "%s at offset %zu: %s", c->field, c->offset, err_text(c->err));
}

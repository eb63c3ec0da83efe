/* vpn_lines.h - configurations of lines, as FRR has them: what to type at vtysh to get from one to
 * another.
 *
 * A configuration is a tree by indentation: a line with lines below it, or with an exit behind it,
 * is a context. All that is in a configuration is ours, but for interfaces: those exist without us,
 * and only the lines in them are ours. Pure. */
#ifndef WAN_VPN_LINES_H
#define WAN_VPN_LINES_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the lines that make `now` of `before`: first what goes, in reverse order, each with "no"
 * before it or without the one it has, then what comes. Either may be NULL or "". Nothing is
 * appended if they mean the same. `vtysh -f` of these applies them. */
void vpn_lines_change(const char *before, const char *now, struct buf *out);

/* What makes `want` of what is there: of `have`, a whole running configuration, only the contexts
 * of `want` count. `undo` makes it as it was again. */
void vpn_lines_restore(const char *want, const char *have, struct buf *lines, struct buf *undo);

/* Appends what one has and the other has not, for people: lines with "- " and "+ " before them and
 * contexts with "  ". Empty: they mean the same. `have` is a whole running configuration, of which
 * only the contexts of `want` are looked at; with `want` as the first and `have` as the second it
 * tells drift. Lines that FRR adds by itself to a context are told too. */
void vpn_lines_compare(const char *want, const char *have, struct buf *out);

#endif

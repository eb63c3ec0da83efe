/* wire_control.h - the Unix socket through which lab-wire takes orders, a line each:
 *
 *     set NAME delay-us=500/700 loss=0.1    cut NAME    block NAME [a-to-b|b-to-a|both]
 *     restore NAME                          show
 *
 * Each is answered by one line of JSON: {"ok":true}, {"ok":false,"error":".."}, or what was asked.
 */
#ifndef LAB_TOOLS_WIRE_CONTROL_H
#define LAB_TOOLS_WIRE_CONTROL_H

#include "lab/tools/wire.h"

struct wire_control; /* Opaque. */

/* Listens at `path`; a socket that was left behind there is replaced. Events in `epoll` have
 * data.u64 WIRE_CONTROL_EVENT plus a number. */
#define WIRE_CONTROL_EVENT UINT64_C(0x200000000)
MUST_CHECK enum err wire_control_open(const char *path, int epoll, struct wires *,
                                      struct wire_control **, struct diag *);
void wire_control_close(struct wire_control *); /* NULL is fine. The socket's file is removed. */
void wire_control_input(struct wire_control *, uint64_t event);

#endif

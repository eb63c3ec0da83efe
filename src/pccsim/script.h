/* script.h - what simulated routers do when: a text of lines
 *
 *     TIME ROUTER ACTION [ARGUMENT]
 *
 * TIME: since the program began, no earlier than that of the line before ("0s", "2.5s"). ROUTER: a
 * number, the first being 1; a range, "3-7"; all, "*"; or a pattern of addresses, "127.1.0.*" as
 * fnmatch(3) has it. ACTION: a word of `acts` in script.c; doc/pccsim.md says what each does. Empty
 * lines, and what follows "#", are for people. */
#ifndef PCCSIM_SCRIPT_H
#define PCCSIM_SCRIPT_H

#include "base/err.h"
#include "pccsim/pcc.h"

#define SCRIPT_ROUTER_MAX 46 /* octets of a pattern, with the NUL */

struct script_line {
    unsigned number; /* in the file, from 1 */
    nsec_t at;       /* since the beginning */
    char router[SCRIPT_ROUTER_MAX];
    struct pcc_action action;
};

struct script {
    struct script_line *lines;
    size_t n;
};

/* `file` is for messages. ERR_INVALID: `diag` has file, line and field; *script is as it was. */
MUST_CHECK enum err script_read(const char *text, size_t size, const char *file, struct script *,
                                struct diag *);
/* The same from a file. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT: the file. */
MUST_CHECK enum err script_load(const char *file, struct script *, struct diag *);
void script_fini(struct script *); /* A zeroed one is fine. */

/* Is a line about the router of this number (from 1) and address? */
bool script_means(const struct script_line *, uint32_t number, const char *address);

#endif

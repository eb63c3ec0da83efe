/* wire_config.h - the links lab-wire is to be, one per line:
 *
 *     # name   ends        settings
 *     core-ab  wire1 wire2 delay-us=500 rate-kbps=100000 queue=64000 loss=0
 *     core-bc  wire3 wire4 delay-us=500/700 loss=0.01/0
 *
 * A setting is for both directions, or a/b: first end to second, second to first. Without it there
 * is no delay, no limit, no loss, and a queue of WIRE_DEFAULT_QUEUE octets. */
#ifndef LAB_TOOLS_WIRE_CONFIG_H
#define LAB_TOOLS_WIRE_CONFIG_H

#include "lab/tools/wire_model.h"

#define WIRE_NAME_SIZE 64
#define WIRE_INTERFACE_SIZE 16
#define WIRE_MAX_LINKS 256

struct wire_link_config {
    char name[WIRE_NAME_SIZE];
    char interface[2][WIRE_INTERFACE_SIZE];
    struct wire_settings way[2]; /* first to second, second to first */
};

/* Reads all links of the text; `path` names it in errors: "wires:3: unknown setting 'dealy-us'".
 * The caller frees `*links`. ERR_EXISTS: a name or an interface appears twice. On error nothing is
 * returned. */
MUST_CHECK enum err wire_config_parse(const char *text, const char *path,
                                      struct wire_link_config **links, size_t *n, struct diag *);

/* Applies "delay-us=500/700" and the like, all or none of them. */
MUST_CHECK enum err wire_settings_parse(char *const *words, size_t n, struct wire_settings way[2],
                                        struct diag *);

#endif

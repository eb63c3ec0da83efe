/* way.h - what a tunnel passes or stays away from (`via`, `avoid`): a router by its name, a link by
 * the IPv4 address of either of its ends, a shared risk as "srlg-N". What the inventory knows as a
 * router is one, whatever its name looks like. */
#ifndef MODEL_WAY_H
#define MODEL_WAY_H

#include <stdbool.h>
#include <stdint.h>

enum way_kind { WAY_ROUTER, WAY_LINK, WAY_SRLG };

struct way_point {
    enum way_kind kind;
    uint32_t number; /* of a link: address, host order; of a shared risk: its number */
};

struct network;
struct way_point way_read(const struct network *, const char *text);

/* "srlg-N". False: it is none; *number stays as it is. */
bool srlg_read(const char *text, uint32_t *number);

#endif

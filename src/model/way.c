#include "model/way.h"

#include "model/model.h"
#include "packet/addr.h"

#include <stdlib.h>
#include <string.h>

bool
srlg_read(const char *text, uint32_t *number)
{
    char *end;
    if (strncmp(text, "srlg-", 5) || text[5] < '0' || text[5] > '9' || strlen(text) > 15)
        return false;
    unsigned long long value = strtoull(text + 5, &end, 10);
    if (*end || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

struct way_point
way_read(const struct network *network, const char *text)
{
    struct way_point point = {.kind = WAY_ROUTER};
    if (network_router(network, text))
        return point;
    if (srlg_read(text, &point.number))
        point.kind = WAY_SRLG;
    else if (!ipv4_parse(text, &point.number))
        point.kind = WAY_LINK;
    return point;
}

#include "base/rate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum err
rate_parse(const char *text, uint32_t *kbps)
{
    static const struct {
        const char *unit;
        double kbps;
    } units[] = {
        {"", 1},          {"k", 1},       {"kbit/s", 1},  {"kbps", 1},         {"M", 1000},
        {"Mbit/s", 1000}, {"Mbps", 1000}, {"G", 1000000}, {"Gbit/s", 1000000}, {"Gbps", 1000000}};
    char *end;
    if (!strchr("0123456789", text[0]) || !text[0] || strpbrk(text, "xX"))
        return ERR_MALFORMED;
    double value = strtod(text, &end);
    end += strspn(end, " ");
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcmp(end, units[i].unit))
            continue;
        value = rint(value * units[i].kbps);
        if (!(value >= 1 && value <= UINT32_MAX))
            return ERR_LIMIT;
        *kbps = (uint32_t)value;
        return ERR_OK;
    }
    return ERR_MALFORMED;
}

#include "edge/survey.h"

#define BUCKETS_AT_ONCE 4096u /* of hash tables, between two looks at where we are */

void
survey_flows(const struct datapath *dp, void (*visit)(void *arg, struct entry *), void *arg)
{
    struct datapath_cursor at = {0};
    while (datapath_scan(dp, &at, N_TABLES - 1, BUCKETS_AT_ONCE, visit, arg)) {
    }
}

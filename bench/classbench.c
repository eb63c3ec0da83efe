#include "bench/classbench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t random_state = 88172645463325252;

uint32_t
classbench_pick(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

double
classbench_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

const char *
classbench_directory(void)
{
    const char *directory = getenv("CLASSBENCH");
    if (directory)
        return directory;
    return !access("../shared/data/classbench", R_OK) ? "../shared/data/classbench"
                                                      : "../../shared/data/classbench";
}

static uint32_t
prefix_mask(unsigned length)
{
    return length ? UINT32_MAX << (32 - length) : 0;
}

static bool
same_rule(const struct classbench_rule *a, const struct classbench_rule *b)
{
    return a->src == b->src && a->src_mask == b->src_mask && a->dst == b->dst &&
           a->dst_mask == b->dst_mask && !memcmp(a->sport, b->sport, sizeof a->sport) &&
           !memcmp(a->dport, b->dport, sizeof a->dport) && a->proto == b->proto &&
           a->proto_mask == b->proto_mask;
}

static bool
is_new(const struct classbench *set, const struct classbench_rule *rule)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (same_rule(&set->rules[i], rule))
            return false;
    }
    return true;
}

/* "@1.2.3.4/32 5.6.7.8/24 0 : 65535 80 : 80 0x06/0xFF 0x0000/0x0200" */
static bool
read_rule(const char *line, uint32_t number, struct classbench_rule *r)
{
    unsigned s[5], d[5], p[4], proto, mask;
    if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &s[0], &s[1], &s[2],
               &s[3], &s[4], &d[0], &d[1], &d[2], &d[3], &d[4], &p[0], &p[1], &p[2], &p[3], &proto,
               &mask) != 16)
        return false;
    *r = (struct classbench_rule){
        .src_mask = prefix_mask(s[4]),
        .dst_mask = prefix_mask(d[4]),
        .sport = {(uint16_t)p[0], (uint16_t)p[1]},
        .dport = {(uint16_t)p[2], (uint16_t)p[3]},
        .proto = (uint8_t)(proto & mask),
        .proto_mask = (uint8_t)mask,
        .priority = (uint16_t)(UINT16_MAX - number),
    };
    r->src = (s[0] << 24 | s[1] << 16 | s[2] << 8 | s[3]) & r->src_mask;
    r->dst = (d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3]) & r->dst_mask;
    return true;
}

bool
classbench_read(struct classbench *set, const char *bench, const char *name)
{
    char path[512], line[256];
    snprintf(path, sizeof path, "%s/%s", classbench_directory(), name);
    FILE *file = fopen(path, "r");
    set->n = 0;
    while (file && set->n < CLASSBENCH_RULES_MAX && fgets(line, sizeof line, file)) {
        struct classbench_rule rule;
        if (read_rule(line, set->n, &rule) && is_new(set, &rule))
            set->rules[set->n++] = rule;
    }
    if (file)
        fclose(file);
    if (!set->n)
        fprintf(stderr, "%s: skipped: there is no %s\n", bench, path);
    return set->n > 0;
}

static uint16_t
pick_port(const uint16_t range[2])
{
    return (uint16_t)(range[0] + classbench_pick(range[1] - range[0] + 1u));
}

void
classbench_draw(const struct classbench *set, struct classbench_packet *p)
{
    static const uint8_t protos[] = {6, 17, 1, 47}; /* TCP, UDP, ICMP, GRE */
    const struct classbench_rule *r = &set->rules[classbench_pick(set->n)];
    p->src = r->src | (classbench_pick(UINT32_MAX) & ~r->src_mask);
    p->dst = r->dst | (classbench_pick(UINT32_MAX) & ~r->dst_mask);
    p->proto = r->proto_mask ? r->proto : protos[classbench_pick(4)];
    p->sport = pick_port(r->sport);
    p->dport = pick_port(r->dport);
}

static bool
covers(const struct classbench_rule *r, const struct classbench_packet *p)
{
    return !((p->src ^ r->src) & r->src_mask) && !((p->dst ^ r->dst) & r->dst_mask) &&
           !((p->proto ^ r->proto) & r->proto_mask) && p->sport >= r->sport[0] &&
           p->sport <= r->sport[1] && p->dport >= r->dport[0] && p->dport <= r->dport[1];
}

int
classbench_search(const struct classbench *set, const struct classbench_packet *p)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (covers(&set->rules[i], p))
            return set->rules[i].priority;
    }
    return -1;
}

#include "io/reconnect.h"

#include "base/hash.h"

static void
enter(struct reconnect *r, enum reconnect_state state, nsec_t now)
{
    r->state = state;
    r->since = now;
}

static nsec_t
or_default(nsec_t value, nsec_t otherwise)
{
    return value > 0 ? value : otherwise;
}

void
reconnect_init(struct reconnect *r, const struct reconnect_config *config, nsec_t now)
{
    *r = (struct reconnect){.config = *config, .due = now, .since = now};
    r->config.min = or_default(config->min, 500 * NSEC_PER_MSEC);
    r->config.max = MAX(or_default(config->max, 8 * NSEC_PER_SEC), r->config.min);
    r->config.healthy_after = or_default(config->healthy_after, 10 * NSEC_PER_SEC);
    r->random = hash_mix(config->seed + 1);
}

bool
reconnect_run(struct reconnect *r, nsec_t now)
{
    if (r->state != RECONNECT_WAITING || now < r->due)
        return false;
    r->attempts++;
    enter(r, RECONNECT_CONNECTING, now);
    return true;
}

nsec_t
reconnect_wake(const struct reconnect *r)
{
    return r->state == RECONNECT_WAITING ? r->due : NSEC_NEVER;
}

void
reconnect_connected(struct reconnect *r, nsec_t now)
{
    if (r->state != RECONNECT_CONNECTING)
        return;
    r->connections++;
    enter(r, RECONNECT_CONNECTED, now);
}

/* min * 2^(failures - 1), at most max; then between one half of it and all of it. */
static nsec_t
draw_wait(struct reconnect *r)
{
    nsec_t wait = r->config.min;
    for (unsigned i = 1; i < r->failures && wait < r->config.max; i++)
        wait = wait > r->config.max / 2 ? r->config.max : wait * 2;
    r->random = hash_mix(r->random + UINT64_C(0x9e3779b97f4a7c15));
    return wait - (nsec_t)(r->random % ((uint64_t)wait / 2 + 1));
}

void
reconnect_lost(struct reconnect *r, nsec_t now)
{
    if (r->state == RECONNECT_WAITING)
        return;
    if (r->state == RECONNECT_CONNECTED && now - r->since >= r->config.healthy_after)
        r->failures = 0;
    if (r->failures < UINT32_MAX)
        r->failures++;
    r->due = now + draw_wait(r);
    enter(r, RECONNECT_WAITING, now);
}

void
reconnect_hurry(struct reconnect *r, nsec_t now)
{
    if (r->state == RECONNECT_WAITING)
        r->due = now;
}

const char *
reconnect_state_name(enum reconnect_state state)
{
    static const char *const names[] = {"waiting", "connecting", "connected"};
    return names[state];
}

#include "tielined/once.h"

#include "base/hex.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

bool
once_name(char name[ONCE_NAME_LENGTH + 1])
{
    uint8_t octets[ONCE_NAME_LENGTH / 2];
    if (getrandom(octets, sizeof octets, 0) != sizeof octets)
        return false;
    hex_format(octets, sizeof octets, name);
    return true;
}

static bool
is_name(const char *text)
{
    return text && strlen(text) == ONCE_NAME_LENGTH &&
           strspn(text, "0123456789abcdef") == ONCE_NAME_LENGTH;
}

/* The run's, or the one that makes room for it. */
static struct once_run *
find(struct once *once, const char *run)
{
    struct once_run *oldest = once->runs;
    for (struct once_run *r = once->runs; r < once->runs + ONCE_RUNS; r++) {
        if (!strcmp(r->name, run))
            return r;
        if (!r->name[0] || (oldest->name[0] && r->served < oldest->served))
            oldest = r;
    }
    *oldest = (struct once_run){.served = 0};
    return oldest;
}

static void
open_session(struct once_run *r, const char *run, const char *fresh, nsec_t now)
{
    if (!r->name[0])
        r->served = now;
    r->before = r->session;
    r->session = (struct once_session){.opened = now};
    snprintf(r->name, sizeof r->name, "%s", run);
    snprintf(r->session.name, sizeof r->session.name, "%s", fresh);
}

static bool
was_taken(const struct once_session *s, uint64_t number)
{
    uint64_t behind = s->highest - number;
    return number <= s->highest && (behind >= ONCE_WINDOW || s->taken >> behind & 1);
}

static void
take(struct once_session *s, uint64_t number)
{
    uint64_t ahead = number > s->highest ? number - s->highest : 0;
    if (ahead) {
        s->taken = ahead < ONCE_WINDOW ? s->taken << ahead : 0;
        s->highest = number;
    }
    s->taken |= UINT64_C(1) << (s->highest - number);
}

enum once_verdict
once_judge(struct once *once, const char *run, const char *session, int64_t number,
           const char fresh[ONCE_NAME_LENGTH + 1], nsec_t now, const char **current)
{
    if (!is_name(run) || (session && !is_name(session)) || number < 1)
        return ONCE_NONSENSE;
    struct once_run *r = find(once, run);
    if (!r->name[0] || now - r->session.opened >= ONCE_LASTS)
        open_session(r, run, fresh, now);
    *current = r->session.name;
    if (session && !strcmp(session, r->before.name) && was_taken(&r->before, (uint64_t)number))
        return ONCE_SEEN;
    if (!session || strcmp(session, r->session.name) != 0)
        return ONCE_NO_SESSION;
    if (was_taken(&r->session, (uint64_t)number))
        return ONCE_SEEN;
    take(&r->session, (uint64_t)number);
    r->served = now;
    return ONCE_FIRST;
}

/* Bits of hosts and of pairs of them (docs.suricata.io/en/suricata-7.0.10/rules/xbits.html): set
 * for some time, whatever the conversation. */
#include "base/alloc.h"
#include "suricata/suricata_matcher.h"

#include <stdio.h>
#include <stdlib.h>

#define EXPIRE 30 /* seconds, where the rule does not say */

/* ---- Reading ---- */

static enum err
parse_track(struct parser *p, char *text, struct xbit *x)
{
    static const char *const words[] = {"ip_src", "ip_dst", "ip_pair"};
    char *value = text ? strchr(text, ' ') : NULL;
    if (!value || strncmp(text, "track ", 6) != 0)
        return parse_malformed(p, "track is needed");
    value = suricata_trim(value);
    for (uint8_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(words[i], value))
            x->track = i + 1;
    }
    return x->track ? ERR_OK : parse_unsupported(p, "track %.40s", value);
}

static enum err
parse_expire(struct parser *p, char *text, struct xbit *x)
{
    int64_t seconds = EXPIRE;
    enum err err = ERR_OK;
    if (text && strncmp(text, "expire ", 7) != 0)
        return parse_malformed(p, "\"%.40s\" is not known", text);
    if (text)
        err = suricata_number(p, suricata_trim(text + 7), 1, UINT32_MAX, &seconds);
    x->expire = (uint32_t)seconds;
    return err;
}

enum err
parse_xbits(struct parser *p)
{
    char *rest = p->argument, name[80];
    char *word = rest ? suricata_word(&rest) : NULL, *bit = suricata_word(&rest);
    struct xbit x = {.track = 0};
    if (word && !strcmp(word, "noalert") && !bit) {
        p->rule->is_silent = true;
        return ERR_OK;
    }
    if (!word || !suricata_flowbit_kind(word, &x.kind) || !bit || !*bit || strpbrk(bit, " \t|"))
        return parse_malformed(p, "set, unset, toggle, isset or isnotset, and a name are needed");
    if (p->rule->n_xbits == RULE_XBITS)
        return parse_unsupported(p, "more than %d", RULE_XBITS);
    enum err err = parse_track(p, suricata_word(&rest), &x);
    if (!err)
        err = parse_expire(p, suricata_word(&rest), &x);
    if (!err && rest)
        err = parse_malformed(p, "\"%.40s\" is not known", rest);
    if (err)
        return err;
    if (strlen(bit) + sizeof "xbits " > sizeof name)
        return parse_unsupported(p, "a name of more than %zu characters", sizeof name - 7);
    snprintf(name, sizeof name, "xbits %s", bit); /* no flowbit has a space */
    if (!suricata_flowbit(p->rules, name, &x.bit))
        return parse_unsupported(p, "too many flowbits");
    p->xbits[p->rule->n_xbits++] = x;
    return ERR_OK;
}

/* ---- Bits ---- */

struct xbit_key {
    uint16_t bit;
    uint8_t ip;
    uint8_t addresses[2][16]; /* of a host the first; of a pair the lower first */
};

struct held_xbit {
    struct xbit_key key;
    nsec_t until; /* and then, still */
    UT_hash_handle hh;
};

static struct xbit_key
key_of(const struct xbit *x, const struct suricata_where *w)
{
    size_t size = w->ip == 4 ? 4 : 16;
    struct xbit_key key;
    memset(&key, 0, sizeof key);
    key.bit = x->bit;
    key.ip = w->ip;
    if (x->track != 3) {
        memcpy(key.addresses[0], x->track == 1 ? w->from : w->to, size);
        return key;
    }
    bool is_back = memcmp(w->from, w->to, size) > 0;
    memcpy(key.addresses[is_back], w->from, size);
    memcpy(key.addresses[!is_back], w->to, size);
    return key;
}

static void
forget(struct suricata_matcher *m, struct held_xbit *h)
{
    HASH_DEL(m->xbits, h);
    free(h);
}

static struct held_xbit *
find(struct suricata_matcher *m, const struct xbit_key *key, nsec_t now)
{
    struct held_xbit *h;
    HASH_FIND(hh, m->xbits, key, sizeof *key, h);
    if (!h || h->until >= now)
        return h;
    forget(m, h);
    return NULL;
}

void
matcher_forget_xbits(struct suricata_matcher *m)
{
    struct held_xbit *h, *next;
    HASH_ITER (hh, m->xbits, h, next)
        forget(m, h);
}

bool
matcher_xbits_hold(struct suricata_matcher *m, const struct rule *r, const struct suricata_where *w)
{
    for (unsigned i = 0; i < r->n_xbits; i++) {
        const struct xbit *x = &r->xbits[i];
        if (x->kind < FLOWBIT_ISSET)
            continue;
        struct xbit_key key = key_of(x, w);
        bool is_set = find(m, &key, w->time) != NULL;
        if (is_set != (x->kind == FLOWBIT_ISSET))
            return false;
    }
    return true;
}

void
matcher_xbits_apply(struct suricata_matcher *m, const struct rule *r,
                    const struct suricata_where *w)
{
    for (unsigned i = 0; i < r->n_xbits; i++) {
        const struct xbit *x = &r->xbits[i];
        struct xbit_key key = key_of(x, w);
        struct held_xbit *h = x->kind < FLOWBIT_ISSET ? find(m, &key, w->time) : NULL;
        bool sets = x->kind == FLOWBIT_SET || (x->kind == FLOWBIT_TOGGLE && !h);
        if (h && !sets) {
            forget(m, h);
        } else if (sets && !h) {
            if (HASH_COUNT(m->xbits) >= SURICATA_TRACKED)
                forget(m, m->xbits); /* the first that came */
            h = xcalloc(1, sizeof *h);
            h->key = key;
            HASH_ADD(hh, m->xbits, key, sizeof h->key, h);
        }
        if (sets)
            h->until = w->time + x->expire * NSEC_PER_SEC;
    }
}

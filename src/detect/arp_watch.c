#include "detect/arp_watch.h"

#include "base/alloc.h"
#include "proto/arp/arp.h"

#include <stdlib.h>

#define ADDRESSES 4096
#define PROXY_ADDRESSES 5
#define MOVED_AFTER (300 * NSEC_PER_SEC) /* of silence: the address was free */
#define TOGETHER (60 * NSEC_PER_SEC)     /* both say so within it: they are two */
#define ASKED_WITHIN (5 * NSEC_PER_SEC)

/* Announcements of one device. */
static const struct watch_rate_limits storm = {
    .window = 10 * NSEC_PER_SEC, .least = 20, .factor = 4, .windows = 6, .before = 20};

struct owner {
    uint32_t ip, vlan;      /* the key */
    struct mac mac, before; /* who has it; who had it */
    nsec_t said, said_before;
};

struct device {
    struct mac mac;
    uint16_t none;
    uint32_t n_first; /* addresses that it was the first to claim */
    struct watch_rate announcements;
};

struct question {
    uint32_t asker, asked, vlan, none; /* the key */
    nsec_t time;
};

struct arp_watch {
    struct watch_config config;
    struct watch_table *owners, *devices, *questions;
    nsec_t first;
};

struct arp_watch *
arp_watch_new(const struct watch_config *config)
{
    struct arp_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->owners = watch_table_of(config, ADDRESSES, sizeof(struct owner), 8);
    w->devices = watch_table_of(config, ADDRESSES, sizeof(struct device), 8);
    w->questions = watch_table_of(config, ADDRESSES, sizeof(struct question), 16);
    return w;
}

void
arp_watch_free(struct arp_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->owners);
    watch_table_free(w->devices);
    watch_table_free(w->questions);
    free(w);
}

/* ---- Reading a message ---- */

struct said {
    struct mac sender, source; /* as it says; that the frame has */
    uint32_t ip, asked, vlan;  /* the innermost; 0: none */
    bool announces, is_whole;
};

static void
read_message(const struct sight *at, struct said *s)
{
    const struct pdu *p = at->pdu;
    bool has_mac = false, has_ip = false;
    *s = (struct said){.ip = 0};
    memcpy(&s->source, at->conversation->key.ends[at->way].address, sizeof s->source);
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        if (f->id == ARP_SENDER_MAC) {
            memcpy(&s->sender, f->octets, sizeof s->sender);
            has_mac = true;
        } else if (f->id == ARP_SENDER_IP) {
            s->ip = (uint32_t)f->u;
            has_ip = true;
        } else if (f->id == ARP_TARGET_IP) {
            s->asked = (uint32_t)f->u;
        } else if (f->id == ARP_ANNOUNCES) {
            s->announces = f->u != 0;
        }
    }
    s->is_whole = has_mac && has_ip;
    struct layers l;
    layers_parse(at->frame, &l);
    s->vlan = l.n_tags ? l.tags[l.n_tags - 1] & 0xfffu : 0;
}

static struct device *
device_of(struct arp_watch *w, const struct mac *mac)
{
    struct device key = {.mac = *mac};
    bool is_new;
    return watch_table_get(w->devices, &key, &is_new);
}

/* ---- Judging it ---- */

#define TELL(name, ...) watch_tell(&w->config, at, name, text, __VA_ARGS__)

static void
judge_sender(struct arp_watch *w, const struct said *s, const struct sight *at)
{
    char text[IPV4_TEXT_SIZE], a[MAC_TEXT_SIZE], b[MAC_TEXT_SIZE];
    if (mac_equal(&s->sender, &s->source) || watch_mac_is_virtual(&s->sender) ||
        watch_mac_is_virtual(&s->source))
        return;
    ipv4_format(s->ip, text);
    TELL("arp-sender-differs", "says %s, the frame is from %s", mac_format(&s->sender, a),
         mac_format(&s->source, b));
}

static bool
is_proxy(struct arp_watch *w, const struct mac *mac)
{
    return device_of(w, mac)->n_first >= PROXY_ADDRESSES;
}

static void
judge_other_owner(struct arp_watch *w, const struct owner *o, const struct said *s,
                  const struct sight *at)
{
    char text[IPV4_TEXT_SIZE], a[MAC_TEXT_SIZE], b[MAC_TEXT_SIZE], c[WATCH_TIME_SIZE];
    nsec_t silent = at->now - o->said;
    if (watch_mac_is_virtual(&s->sender) || is_proxy(w, &s->sender) || is_proxy(w, &o->mac))
        return;
    ipv4_format(s->ip, text);
    mac_format(&s->sender, a);
    mac_format(&o->mac, b);
    watch_time(silent, c);
    if (mac_equal(&s->sender, &o->before) && silent < TOGETHER &&
        at->now - o->said_before < 2 * TOGETHER)
        TELL("arp-duplicate-address", "%s and %s both have it, %s apart", a, b, c);
    else if (silent >= MOVED_AFTER)
        TELL("arp-moved", "%s has it, %s was silent for %s", a, b, c);
    else
        TELL("arp-flip", "%s has it, %s had it %s ago%s", a, b, c,
             s->announces ? ", announced" : "");
}

static void
judge_owner(struct arp_watch *w, const struct said *s, const struct sight *at)
{
    const struct owner key = {.ip = s->ip, .vlan = s->vlan};
    bool is_new;
    struct owner *o = watch_table_get(w->owners, &key, &is_new);
    if (is_new)
        device_of(w, &s->sender)->n_first++;
    else if (!mac_equal(&s->sender, &o->mac))
        judge_other_owner(w, o, s, at);
    if (!is_new && !mac_equal(&s->sender, &o->mac)) {
        o->before = o->mac;
        o->said_before = o->said;
    }
    o->mac = s->sender;
    o->said = at->now;
}

static void
judge_announcement(struct arp_watch *w, const struct said *s, const struct sight *at)
{
    char text[IPV4_TEXT_SIZE], a[MAC_TEXT_SIZE];
    struct device *d = device_of(w, &s->source);
    ipv4_format(s->ip, text);
    if (watch_rate_count(&d->announcements, &storm, at->now))
        TELL("arp-announcement-storm", "%u in 10 s from %s, the most was %u", d->announcements.n,
             mac_format(&s->source, a), d->announcements.most);
}

static void
judge_answer(struct arp_watch *w, const struct said *s, const struct sight *at)
{
    char text[IPV4_TEXT_SIZE], a[MAC_TEXT_SIZE], b[IPV4_TEXT_SIZE];
    const struct question key = {.asker = s->asked, .asked = s->ip, .vlan = s->vlan};
    const struct question *q = watch_table_find(w->questions, &key);
    if ((q && at->now - q->time <= ASKED_WITHIN) || at->now - w->first <= ASKED_WITHIN)
        return;
    ipv4_format(s->ip, text);
    TELL("arp-unasked-reply", "%s tells it to %s, who has not asked", mac_format(&s->sender, a),
         ipv4_format(s->asked, b));
}

void
arp_watch_message(struct arp_watch *w, const struct sight *at)
{
    const struct pdu *p = at->pdu;
    struct said s;
    bool is_new;
    if (p->protocol != &arp_protocol || p->function > ARP_REPLY || !p->function)
        return;
    read_message(at, &s);
    if (!s.is_whole)
        return;
    if (!w->first)
        w->first = at->now;
    judge_sender(w, &s, at);
    if (p->function == ARP_REQUEST && !s.announces) {
        const struct question key = {.asker = s.ip, .asked = s.asked, .vlan = s.vlan};
        ((struct question *)watch_table_get(w->questions, &key, &is_new))->time = at->now;
    }
    if (!s.ip) /* a probe claims nothing */
        return;
    judge_owner(w, &s, at);
    if (s.announces)
        judge_announcement(w, &s, at);
    else if (p->function == ARP_REPLY)
        judge_answer(w, &s, at);
}

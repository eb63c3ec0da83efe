#include "sensor/assets.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "sensor/message_json.h"

#include <stdlib.h>

#define NO_MEMBER ((uint16_t)UINT16_MAX)

#define NONE UINT32_MAX
/* So exact is the order by age, but that of the last few is by what was heard of them. */
#define ORDER (NSEC_PER_SEC / 4)
#define OLDEST 8 /* of which the longest silent makes room */

struct entry {
    uint32_t generation;   /* rises when the place is left; of a device never 0 */
    uint32_t newer, older; /* by `linked`, which `asset.last` is ahead of by less than ORDER */
    uint32_t chain;        /* of those with the same hash, or of unused places */
    nsec_t linked;
    struct asset asset;
};

/* What an end of a conversation was found to be, so that a message need not look again. It holds
 * as long as the place has this generation. */
struct hint_end {
    uint32_t place, generation; /* NONE: it is nobody */
    struct mac mac;             /* that was noted */
    uint8_t roles;              /* ... and with ROLE_NOTED the protocol */
};

struct hint {
    uint64_t serial; /* of the conversation; 0: of none */
    const struct identity_rules *rules;
    const struct protocol *protocol; /* that `rules` and `roles` are of */
    struct hint_end ends[2];
};

#define ROLE_NOTED 0x80

/* IP addresses behind a MAC. */
struct neighbour {
    struct mac mac;
    unsigned n;
    struct asset_address ips[ASSET_ROUTER_IPS];
    UT_hash_handle hh;
};

struct assets {
    struct assets_config config;
    struct identity_rules *rules; /* as the protocols */
    size_t n_protocols;
    struct entry *all; /* `most` */
    uint32_t n, most, mask;
    uint32_t *heads;         /* of chains */
    uint32_t newest, oldest; /* by age */
    uint32_t unused;         /* chained */
    uint32_t n_taken;        /* places that were ever anybody's */
    uint32_t held;           /* must not make room now */
    uint64_t secret;
    /* Of the last message: mostly the next one stands in the same frame. */
    struct {
        uint64_t serial; /* of its conversation; 0: it does not hold any more */
        unsigned way;
        nsec_t time;
        const struct protocol *protocol;
        struct hint *hint;
        struct entry *from, *to;
    } last;
    struct hint *hints; /* by the conversations' slots */
    size_t n_hints, hints_capacity;
    struct neighbour *neighbours;
    struct asset *speaker; /* of the message that is being read */
    nsec_t time;
};

/* ---- Making and ending ---- */

enum err
assets_new(const struct assets_config *config, struct assets **result, struct diag *diag)
{
    struct assets *a = xcalloc(1, sizeof *a);
    const struct identity_row *wrong = NULL;
    a->config = *config;
    a->most = config->most ? MAX(config->most, 2u) : ASSETS_MAX; /* a message has two ends */
    a->mask = 1;
    while (a->mask < a->most)
        a->mask *= 2;
    a->all = xcalloc(a->most, sizeof *a->all);
    a->heads = xmalloc(a->mask * sizeof *a->heads);
    memset(a->heads, 0xff, a->mask * sizeof *a->heads);
    a->mask--;
    a->newest = a->oldest = a->unused = a->held = NONE;
    a->secret = hash_secret();
    while (config->protocols[a->n_protocols])
        a->n_protocols++;
    a->rules = xcalloc(a->n_protocols + 1, sizeof *a->rules);
    for (size_t i = 0; i < a->n_protocols; i++) {
        if (identity_resolve(config->protocols[i], &a->rules[i], &wrong))
            continue;
        enum err err = diag_set(diag, ERR_INVALID, "identity: %s has no field %s%s%s",
                                wrong->protocol, wrong->field, wrong->where ? " or " : "",
                                wrong->where ? wrong->where : "");
        assets_free(a);
        return err;
    }
    *result = a;
    return ERR_OK;
}

/* ---- The list by age ---- */

static void
unlink_age(struct assets *a, struct entry *e)
{
    *(e->newer != NONE ? &a->all[e->newer].older : &a->newest) = e->older;
    *(e->older != NONE ? &a->all[e->older].newer : &a->oldest) = e->newer;
}

static void
link_newest(struct assets *a, struct entry *e, nsec_t now)
{
    uint32_t i = (uint32_t)(e - a->all);
    e->linked = now;
    e->newer = NONE;
    e->older = a->newest;
    *(a->newest != NONE ? &a->all[a->newest].newer : &a->oldest) = i;
    a->newest = i;
}

static struct entry *
longest_silent(struct assets *a)
{
    struct entry *oldest = NULL;
    uint32_t i = a->oldest;
    for (unsigned n = 0; n < OLDEST && i != NONE; n++, i = a->all[i].newer) {
        struct entry *e = &a->all[i];
        if (i != a->held && (!oldest || e->asset.last < oldest->asset.last))
            oldest = e;
    }
    return oldest;
}

/* It is heard of. */
static void
refresh(struct assets *a, struct entry *e, nsec_t now)
{
    e->asset.last = MAX(now, e->asset.last);
    if ((uint64_t)now - (uint64_t)e->linked >= (uint64_t)ORDER) { /* or the time went back */
        unlink_age(a, e);
        link_newest(a, e, now);
    }
}

/* ---- Ending ---- */

static uint32_t *
head_of(const struct assets *a, const struct asset_address *address)
{
    return &a->heads[hash_bytes(address, sizeof *address, a->secret) & a->mask];
}

static void
forget(struct assets *a, struct entry *e)
{
    uint32_t i = (uint32_t)(e - a->all), *at = head_of(a, &e->asset.address);
    a->last.serial = 0;
    while (*at != i)
        at = &a->all[*at].chain;
    *at = e->chain;
    unlink_age(a, e);
    for (unsigned k = 0; k < ATTRIBUTES; k++)
        free(e->asset.values[k].text);
    *e = (struct entry){.generation = e->generation + 1, .chain = a->unused};
    a->unused = i;
    a->n--;
}

static void
forget_neighbour(struct assets *a, struct neighbour *n)
{
    HASH_DEL(a->neighbours, n);
    free(n);
}

void
assets_free(struct assets *a)
{
    struct neighbour *n, *next;
    if (!a)
        return;
    while (a->newest != NONE)
        forget(a, &a->all[a->newest]);
    HASH_ITER (hh, a->neighbours, n, next) {
        forget_neighbour(a, n);
    }
    free(a->rules);
    free(a->hints);
    free(a->heads);
    free(a->all);
    free(a);
}

/* ---- Finding ---- */

static struct entry *
look_up(const struct assets *a, const struct asset_address *address)
{
    for (uint32_t i = *head_of(a, address); i != NONE; i = a->all[i].chain) {
        if (!memcmp(&a->all[i].asset.address, address, sizeof *address))
            return &a->all[i];
    }
    return NULL;
}

static struct entry *
take_place(struct assets *a)
{
    if (a->n == a->most)
        forget(a, longest_silent(a));
    a->n++;
    if (a->unused == NONE)
        return &a->all[a->n_taken++];
    struct entry *e = &a->all[a->unused];
    a->unused = e->chain;
    return e;
}

static struct entry *
find(struct assets *a, const struct asset_address *address, nsec_t now)
{
    struct entry *e = look_up(a, address);
    if (e) {
        refresh(a, e, now);
        return e;
    }
    e = take_place(a);
    uint32_t *head = head_of(a, address);
    e->generation += !e->generation;
    e->asset.address = *address;
    e->asset.first = e->asset.last = now;
    e->chain = *head;
    *head = (uint32_t)(e - a->all);
    link_newest(a, e, now);
    if (a->config.found)
        a->config.found(a->config.arg, &e->asset);
    return e;
}

/* Groups and broadcast are nobody. */
static bool
is_somebody(const struct conversation_key *key, const struct end *end)
{
    static const uint8_t none[16];
    const uint8_t *o = end->address;
    if (!memcmp(o, none, key->ip == 4 ? 4 : key->ip ? 16 : 6))
        return false;
    if (key->ip == 4)
        return o[0] < 224 && !(o[0] == 255 && o[1] == 255 && o[2] == 255 && o[3] == 255);
    return key->ip ? o[0] != 0xff : !(o[0] & 1);
}

static struct asset_address
address_of(const struct conversation_key *key, const struct end *end)
{
    struct asset_address address;
    memset(&address, 0, sizeof address); /* it is a key: no octet is left to chance */
    memcpy(address.octets, end->address, sizeof address.octets);
    address.ip = key->ip;
    return address;
}

/* ---- What a device is ---- */

static void
learn(struct assets *a, struct asset *asset, const struct identity_row *row, const char *text,
      size_t size)
{
    struct asset_value *v = &asset->values[row->attribute];
    char clean[ASSET_TEXT_MAX + 1];
    size_t n = MIN(size, (size_t)ASSET_TEXT_MAX);
    for (size_t i = 0; i < n; i++)
        clean[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    clean[n] = '\0';
    bool is_same = v->text && !strcmp(v->text, clean);
    if (v->text && !is_same && row->confidence < v->confidence)
        return;
    if (is_same) {
        v->last = a->time;
        if (row->confidence > v->confidence) {
            v->confidence = row->confidence;
            v->protocol = row->protocol;
            v->field = row->field;
        }
        return;
    }
    char *was = v->text;
    bool is_of_same = was && !strcmp(v->protocol, row->protocol) && !strcmp(v->field, row->field);
    *v = (struct asset_value){.text = xstrdup(clean),
                              .protocol = row->protocol,
                              .field = row->field,
                              .confidence = row->confidence,
                              .first = a->time,
                              .last = a->time};
    if (a->config.changed)
        a->config.changed(a->config.arg, asset, row->attribute, is_of_same ? was : NULL);
    free(was);
}

static void
take_identity(void *arg, const struct identity_row *row, const char *text, size_t size)
{
    struct assets *a = arg;
    if (a->config.said)
        a->config.said(a->config.arg, a->speaker, row, text, size);
    learn(a, a->speaker, row, text, size);
}

/* ---- MAC addresses ---- */

static const struct identity_row by_oui = {"oui", "address", NULL, 0, ATTRIBUTE_VENDOR, 40};

/* It is a router's: what was taken for the vendor of those behind it is not. */
static void
is_router(struct assets *a, const struct neighbour *n)
{
    for (unsigned i = 0; i < n->n; i++) {
        struct entry *e = look_up(a, &n->ips[i]);
        if (!e)
            continue;
        struct asset_value *v = &e->asset.values[ATTRIBUTE_VENDOR];
        e->asset.mac = (struct mac){{0}};
        if (v->protocol == by_oui.protocol) {
            free(v->text);
            *v = (struct asset_value){.text = NULL};
        }
    }
}

static void
note_mac(struct assets *a, struct asset *asset, const struct mac *mac)
{
    struct neighbour *n;
    if (mac_is_zero(mac) || mac_is_group(mac) || mac_equal(mac, &asset->mac))
        return;
    HASH_FIND(hh, a->neighbours, mac, sizeof *mac, n);
    if (!n) {
        if (HASH_COUNT(a->neighbours) >= a->most)
            forget_neighbour(a, a->neighbours); /* the first that came */
        n = xcalloc(1, sizeof *n);
        n->mac = *mac;
        HASH_ADD(hh, a->neighbours, mac, sizeof n->mac, n);
    }
    for (unsigned i = 0; i < n->n; i++) {
        if (!memcmp(&n->ips[i], &asset->address, sizeof n->ips[i]))
            return; /* it has come back */
    }
    if (n->n == ASSET_ROUTER_IPS)
        return;
    n->ips[n->n++] = asset->address;
    if (n->n == ASSET_ROUTER_IPS) {
        is_router(a, n);
        return;
    }
    asset->mac = *mac;
    const char *vendor = a->config.registry ? oui_vendor(a->config.registry, mac) : NULL;
    if (vendor)
        learn(a, asset, &by_oui, vendor, strlen(vendor));
}

/* ---- Roles ---- */

static void
note_protocol(struct asset *asset, const struct protocol *p, uint8_t roles)
{
    asset->roles |= roles;
    for (unsigned i = 0; i < asset->n_protocols; i++) {
        if (asset->protocols[i].protocol == p) {
            asset->protocols[i].roles |= roles;
            return;
        }
    }
    if (asset->n_protocols < ASSET_PROTOCOLS)
        asset->protocols[asset->n_protocols++] = (struct asset_protocol){p, roles};
}

static uint8_t
roles_of_speaker(const struct pdu *p)
{
    switch (p->kind) {
    case PDU_RESPONSE:
    case PDU_REFUSAL:
        return ROLE_SERVER;
    case PDU_REPORT:
        return ROLE_PUBLISHER;
    case PDU_LINK:
        return 0;
    case PDU_REQUEST:
        break;
    }
    switch (p->act) {
    case ACT_WRITE:
    case ACT_SELECT:
    case ACT_OPERATE:
        return ROLE_CLIENT | ROLE_COMMANDER;
    case ACT_CONFIGURE:
    case ACT_UPLOAD:
    case ACT_DOWNLOAD:
    case ACT_FIRMWARE:
    case ACT_START:
    case ACT_STOP:
        return ROLE_CLIENT | ROLE_ENGINEERING;
    default:
        return ROLE_CLIENT;
    }
}

/* ---- Messages ---- */

static void
note_own_mac(struct assets *a, struct asset *asset, const struct mac *mac)
{
    const char *vendor = a->config.registry ? oui_vendor(a->config.registry, mac) : NULL;
    asset->mac = *mac;
    if (vendor)
        learn(a, asset, &by_oui, vendor, strlen(vendor));
}

/* An end's device; NULL: it is nobody. */
static struct entry *
touch(struct assets *a, const struct conversation *c, unsigned i, nsec_t now)
{
    if (!is_somebody(&c->key, &c->key.ends[i]))
        return NULL;
    struct asset_address address = address_of(&c->key, &c->key.ends[i]);
    struct entry *e = find(a, &address, now);
    a->time = now;
    if (c->key.ip)
        note_mac(a, &e->asset, &c->macs[i]);
    else if (mac_is_zero(&e->asset.mac))
        note_own_mac(a, &e->asset, &c->macs[i]);
    return e;
}

/* ---- Hints ---- */

/* That of the conversation, which is empty if it is a new one. NULL: it is of no table. */
static struct hint *
hint_of(struct assets *a, const struct conversation *c)
{
    if (!c->serial)
        return NULL;
    while (c->slot >= a->n_hints) {
        GROW(a->hints, a->n_hints, a->hints_capacity);
        a->hints[a->n_hints++] = (struct hint){.serial = 0};
    }
    struct hint *h = &a->hints[c->slot];
    if (h->serial != c->serial)
        *h = (struct hint){.serial = c->serial};
    return h;
}

/* As touch(), by what is known of the conversation. */
static struct entry *
recall(struct assets *a, const struct conversation *c, struct hint_end *h, unsigned i, nsec_t now)
{
    if (h->place == NONE)
        return NULL;
    struct entry *e = &a->all[h->place];
    if (h->generation && e->generation == h->generation && mac_equal(&h->mac, &c->macs[i])) {
        refresh(a, e, now);
        return e;
    }
    e = touch(a, c, i, now);
    *h = (struct hint_end){.place = e ? (uint32_t)(e - a->all) : NONE,
                           .generation = e ? e->generation : 0,
                           .mac = c->macs[i]};
    return e;
}

static const struct identity_rules *
rules_of(const struct assets *a, const struct protocol *p)
{
    for (size_t i = 0; i < a->n_protocols; i++) {
        if (a->rules[i].protocol == p)
            return &a->rules[i];
    }
    return NULL;
}

/* The number behind a gateway that a message is of; NO_MEMBER: none. */
static uint16_t
member_of(const struct pdu *p)
{
    const struct field *f = NULL;
    if (!p->protocol->has_member)
        return NO_MEMBER;
    for (uint32_t i = 0; i < p->n_fields && p->fields[i].object == 0 && !f; i++) {
        if (p->fields[i].id == p->protocol->member)
            f = &p->fields[i];
    }
    /* 0 and 255 are the device itself (Modbus on TCP/IP V1.0b section 4.4.2). */
    return f && f->u && f->u != 255 ? (uint16_t)f->u : NO_MEMBER;
}

/* Whom a message speaks of that has no address yet, or whose relay sent it; NULL: of nobody. */
static struct entry *
subject_of(struct assets *a, const struct conversation *c, unsigned way, nsec_t time,
           const struct pdu *p)
{
    const struct field *f = pdu_field(p, p->protocol->subject, 0);
    if (!f || c->key.ip != 4)
        return NULL;
    struct conversation_key key = {.ip = 4};
    put_be32(key.ends[0].address, (uint32_t)f->u);
    if (!is_somebody(&key, &key.ends[0]))
        return NULL;
    struct asset_address address = address_of(&key, &key.ends[0]);
    struct entry *e = find(a, &address, time);
    if (!is_somebody(&c->key, &c->key.ends[way]))
        note_mac(a, &e->asset, &c->macs[way]);
    return e;
}

static void
note_roles(struct entry *e, struct hint_end *h, const struct protocol *p, uint8_t roles)
{
    roles |= ROLE_NOTED;
    if ((h->roles & roles) == roles)
        return;
    note_protocol(&e->asset, p, roles & (uint8_t)~ROLE_NOTED);
    h->roles |= roles;
}

/* Of a response or a report, by which it is known who speaks. */
static void
take_evidence(struct assets *a, struct entry *from, const struct identity_rules *rules,
              uint8_t roles, const struct pdu *p)
{
    uint16_t member = p->kind == PDU_RESPONSE || p->kind == PDU_REPORT ? member_of(p) : NO_MEMBER;
    a->speaker = &from->asset;
    if (member != NO_MEMBER && member != 1) {
        struct asset_address address = from->asset.address;
        address.has_member = 1;
        address.member = member;
        a->speaker = &find(a, &address, a->time)->asset;
        note_protocol(a->speaker, p->protocol, roles);
    }
    identity_read(rules, p, take_identity, a);
}

/* Who speaks to whom: a->last becomes this message's. */
static void
find_ends(struct assets *a, const struct conversation *c, unsigned way, nsec_t time,
          const struct protocol *p, struct hint *h)
{
    if (h->protocol != p) {
        h->protocol = p;
        h->rules = rules_of(a, p);
        h->ends[0].roles = h->ends[1].roles = 0;
    }
    a->time = time;
    struct entry *to = recall(a, c, &h->ends[!way], !way, time);
    a->held = to ? (uint32_t)(to - a->all) : NONE;
    struct entry *from = recall(a, c, &h->ends[way], way, time);
    a->held = NONE;
    a->last.serial = c->serial;
    a->last.way = way;
    a->last.time = time;
    a->last.protocol = p;
    a->last.hint = h;
    a->last.from = from;
    a->last.to = to;
}

void
assets_message(struct assets *a, const struct conversation *c, unsigned way, nsec_t time,
               const struct pdu *p)
{
    struct hint none = {.serial = 0}, *h;
    if (!c->serial || a->last.serial != c->serial || a->last.way != way || a->last.time != time ||
        a->last.protocol != p->protocol) {
        h = hint_of(a, c);
        find_ends(a, c, way, time, p->protocol, h ? h : &none);
    }
    h = a->last.hint;
    struct entry *to = a->last.to, *from = a->last.from;
    uint8_t roles = roles_of_speaker(p);
    if (to)
        note_roles(to, &h->ends[!way], p->protocol, p->kind == PDU_REQUEST ? ROLE_SERVER : 0);
    if (from)
        note_roles(from, &h->ends[way], p->protocol, roles);
    struct entry *subject = p->protocol->has_subject ? subject_of(a, c, way, time, p) : NULL;
    if (subject) {
        note_protocol(&subject->asset, p->protocol, roles);
        from = subject;
    }
    if (!from)
        return;
    if (h->rules && h->rules->n && (p->kind != PDU_REQUEST || p->protocol->asker_tells))
        take_evidence(a, from, h->rules, roles, p);
}

void
assets_conversation(struct assets *a, const struct conversation *c)
{
    for (unsigned i = 0; i < 2; i++) {
        struct entry *e = touch(a, c, i, c->last);
        if (e)
            e->asset.first = MIN(e->asset.first, c->first);
    }
}

/* ---- Telling ---- */

uint32_t
assets_number(const struct assets *a)
{
    return a->n;
}

const struct asset *
assets_find(const struct assets *a, const struct asset_address *address)
{
    const struct entry *e = look_up(a, address);
    return e ? &e->asset : NULL;
}

static int
by_address(const void *x, const void *y)
{
    const struct asset *a = *(const struct asset *const *)x, *b = *(const struct asset *const *)y;
    if (a->address.ip != b->address.ip)
        return a->address.ip < b->address.ip ? -1 : 1;
    int order = memcmp(a->address.octets, b->address.octets, sizeof a->address.octets);
    return order ? order : (int)a->address.member - (int)b->address.member;
}

void
assets_each(const struct assets *a, bool (*fn)(void *, const struct asset *), void *arg)
{
    size_t n = 0;
    const struct asset **list = xcalloc(a->n + 1, sizeof(struct asset *));
    for (uint32_t i = a->newest; i != NONE; i = a->all[i].older)
        list[n++] = &a->all[i].asset;
    qsort(list, n, sizeof *list, by_address);
    for (size_t i = 0; i < n && fn(arg, list[i]); i++)
        continue;
    free(list);
}

static void
put_roles(struct buf *b, uint8_t roles)
{
    static const char *const words[] = {"client", "server", "publisher", "commander",
                                        "engineering"};
    const char *separator = "\"";
    buf_u8(b, '[');
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        if (roles >> i & 1) {
            buf_str(b, separator);
            buf_str(b, words[i]);
            buf_u8(b, '"');
            separator = ",\"";
        }
    }
    buf_u8(b, ']');
}

void
asset_address_put(struct buf *b, const struct asset_address *address)
{
    char text[IPV6_TEXT_SIZE];
    buf_printf(b, "\"address\":\"%s\"", end_address_format(address->octets, address->ip, text));
    if (address->has_member)
        buf_printf(b, ",\"member\":%u", address->member);
}

void
asset_put_json(struct buf *b, const struct asset *asset)
{
    char text[TIME_TEXT_SIZE];
    buf_u8(b, '{');
    asset_address_put(b, &asset->address);
    if (!mac_is_zero(&asset->mac))
        buf_printf(b, ",\"mac\":\"%s\"", mac_format(&asset->mac, text));
    buf_printf(b, ",\"first\":\"%s\"", time_format(asset->first, text));
    buf_printf(b, ",\"last\":\"%s\",\"roles\":", time_format(asset->last, text));
    put_roles(b, asset->roles);
    buf_str(b, ",\"protocols\":{");
    for (unsigned i = 0; i < asset->n_protocols; i++) {
        buf_printf(b, "%s\"%s\":", i ? "," : "", asset->protocols[i].protocol->name);
        put_roles(b, asset->protocols[i].roles);
    }
    buf_u8(b, '}');
    for (unsigned i = 0; i < ATTRIBUTES; i++) {
        const struct asset_value *v = &asset->values[i];
        if (!v->text)
            continue;
        buf_printf(b, ",\"%s\":{\"value\":", attribute_word(i));
        text_json_put(b, v->text, strlen(v->text));
        buf_printf(b, ",\"from\":\"%s.%s\",\"confidence\":%u}", v->protocol, v->field,
                   v->confidence);
    }
    buf_u8(b, '}');
}

void
asset_put_words(struct buf *b, const struct asset *asset)
{
    buf_u8(b, '{');
    for (unsigned i = 0; i < ATTRIBUTES; i++) {
        const struct asset_value *v = &asset->values[i];
        if (!v->text)
            continue;
        buf_printf(b, "\"%s\":", attribute_word(i));
        text_json_put(b, v->text, strlen(v->text));
        buf_u8(b, ',');
    }
    buf_str(b, "\"roles\":");
    put_roles(b, asset->roles);
    buf_u8(b, '}');
}

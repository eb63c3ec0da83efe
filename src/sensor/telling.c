#include "sensor/telling.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "io/lines.h"
#include "sensor/message_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What was told of a device: a digest, so that what did not change is not told again. */
struct told_asset {
    struct asset_address address;
    uint64_t digest;
    UT_hash_handle hh;
};

/* Who talks with whom, whatever the client's port. */
struct pair_key {
    struct end server;
    uint8_t client[16];
    uint16_t eth_type;
    uint8_t ip, proto;
};

struct pair {
    struct pair_key key;
    const struct protocol *protocol;
    uint64_t packets, octets;
    nsec_t first, last;
    UT_hash_handle hh;
};

struct telling {
    struct sensor_link *link;
    const struct assets *assets;
    struct told_asset *known;
    struct pair *pairs;
    uint64_t left_out;
    nsec_t assets_told, traffic_told;
    struct lines lines;
};

struct telling *
telling_new(struct sensor_link *link, const struct assets *assets)
{
    struct telling *t = xcalloc(1, sizeof *t);
    t->link = link;
    t->assets = assets;
    t->lines = lines_limited(SENSOR_LINK_TEXT);
    return t;
}

static void
pairs_free(struct telling *t)
{
    struct pair *p, *next;
    HASH_ITER (hh, t->pairs, p, next) {
        HASH_DEL(t->pairs, p);
        free(p);
    }
}

void
telling_free(struct telling *t)
{
    struct told_asset *k, *next;
    if (!t)
        return;
    HASH_ITER (hh, t->known, k, next) {
        HASH_DEL(t->known, k);
        free(k);
    }
    pairs_free(t);
    lines_fini(&t->lines);
    free(t);
}

static void
complain(enum err err, const struct diag *diag, const char *what)
{
    if (err)
        log_warn("%s is not told: %s", what, diag->text);
}

/* ---- Devices ---- */

static uint64_t
mix(uint64_t digest, const void *data, size_t size)
{
    const uint8_t *octets = data;
    for (size_t i = 0; i < size; i++) /* FNV-1a */
        digest = (digest ^ octets[i]) * 1099511628211u;
    return digest;
}

/* Of everything but when it was seen. */
static uint64_t
digest_of(const struct asset *a)
{
    uint64_t digest = mix(14695981039346656037u, &a->mac, sizeof a->mac);
    digest = mix(digest, &a->roles, sizeof a->roles);
    for (unsigned i = 0; i < a->n_protocols; i++) {
        digest = mix(digest, &a->protocols[i].protocol, sizeof a->protocols[i].protocol);
        digest = mix(digest, &a->protocols[i].roles, sizeof a->protocols[i].roles);
    }
    for (unsigned i = 0; i < ATTRIBUTES; i++) {
        const char *text = a->values[i].text;
        digest = mix(digest, text ? text : "", text ? strlen(text) + 1 : 0);
        digest = mix(digest, &i, sizeof i);
    }
    return digest;
}

static bool
tell_asset(void *arg, const struct asset *a)
{
    struct telling *t = arg;
    struct told_asset *k;
    struct diag diag;
    uint64_t digest = digest_of(a);
    HASH_FIND(hh, t->known, &a->address, sizeof a->address, k);
    if (k && k->digest == digest)
        return true;
    if (!k && HASH_COUNT(t->known) >= 2 * ASSETS_MAX) { /* the oldest; it would be told again */
        k = t->known;
        HASH_DEL(t->known, k);
        free(k);
        k = NULL;
    }
    if (!k) {
        k = xcalloc(1, sizeof *k);
        k->address = a->address;
        HASH_ADD(hh, t->known, address, sizeof k->address, k);
    }
    k->digest = digest;
    struct buf text = BUF_INIT;
    asset_put_json(&text, a);
    complain(sensor_link_put_asset(t->link, (const char *)text.data, text.size, &diag), &diag,
             "a device");
    buf_fini(&text);
    return true;
}

/* ---- Traffic ---- */

static bool
is_group(const struct conversation *c, unsigned end)
{
    const uint8_t *a = c->key.ends[end].address;
    return c->key.ip == 4 ? a[0] >= 224 : c->key.ip == 6 ? a[0] == 0xff : a[0] & 1;
}

/* The end that answers; whoever a group address is told as, it asks nothing. */
static unsigned
server_of(const struct conversation *c)
{
    unsigned server = conversation_server(c);
    return is_group(c, !server) && !is_group(c, server) ? !server : server;
}

static struct pair *
pair_of(struct telling *t, const struct conversation *c)
{
    struct pair_key key;
    struct pair *p;
    unsigned server = server_of(c);
    memset(&key, 0, sizeof key);
    memcpy(&key.server, &c->key.ends[server], sizeof key.server);
    memcpy(key.client, c->key.ends[!server].address, sizeof key.client);
    key.eth_type = c->key.eth_type;
    key.ip = c->key.ip;
    key.proto = c->key.proto;
    HASH_FIND(hh, t->pairs, &key, sizeof key, p);
    if (p || HASH_COUNT(t->pairs) == TELL_ROWS) {
        t->left_out += !p;
        return p;
    }
    p = xcalloc(1, sizeof *p);
    memcpy(&p->key, &key, sizeof key);
    p->first = NSEC_NEVER;
    HASH_ADD(hh, t->pairs, key, sizeof p->key, p);
    return p;
}

static void
add_conversation(struct telling *t, const struct conversation *c)
{
    uint64_t packets = c->packets[0] - c->told_packets[0] + c->packets[1] - c->told_packets[1];
    uint64_t octets = c->octets[0] - c->told_octets[0] + c->octets[1] - c->told_octets[1];
    struct pair *p = packets ? pair_of(t, c) : NULL;
    if (!p)
        return;
    p->packets += packets;
    p->octets += octets;
    p->first = MIN(p->first, MAX(c->first, t->traffic_told));
    p->last = MAX(p->last, c->last);
    if (c->protocol)
        p->protocol = c->protocol;
}

static void
take_conversation(void *arg, struct conversation *c)
{
    add_conversation(arg, c);
    for (unsigned way = 0; way < 2; way++) {
        c->told_packets[way] = c->packets[way];
        c->told_octets[way] = c->octets[way];
    }
}

void
telling_ended(struct telling *t, const struct conversation *c)
{
    add_conversation(t, c);
}

static void
put_transport(struct buf *b, const struct pair_key *key)
{
    if (!key->ip)
        buf_printf(b, "0x%04x", key->eth_type);
    else if (key->proto == 6 || key->proto == 17)
        buf_str(b, key->proto == 6 ? "tcp" : "udp");
    else
        buf_printf(b, "ip/%u", key->proto);
}

static void
put_pair(struct buf *b, const struct pair *p)
{
    char text[TIME_TEXT_SIZE];
    struct conversation_key key = {.ip = p->key.ip};
    memcpy(key.ends[0].address, p->key.client, sizeof p->key.client);
    memcpy(key.ends[1].address, p->key.server.address, sizeof p->key.server.address);
    buf_str(b, "{\"from\":\"");
    end_put(b, &key, 0);
    buf_str(b, "\",\"to\":\"");
    end_put(b, &key, 1);
    buf_str(b, "\",\"transport\":\"");
    put_transport(b, &p->key);
    buf_str(b, "\"");
    if (p->key.server.port)
        buf_printf(b, ",\"port\":%u", p->key.server.port);
    if (p->protocol)
        buf_printf(b, ",\"protocol\":\"%s\"", p->protocol->name);
    buf_printf(b, ",\"packets\":%" PRIu64 ",\"octets\":%" PRIu64, p->packets, p->octets);
    buf_printf(b, ",\"first\":\"%s\"", time_format(p->first, text));
    buf_printf(b, ",\"last\":\"%s\"}", time_format(p->last, text));
}

static void
end_report(struct telling *t, struct buf *b)
{
    struct diag diag;
    buf_str(b, "]}");
    complain(sensor_link_put_traffic(t->link, (const char *)b->data, b->size, &diag), &diag,
             "a report");
    buf_clear(b);
}

static void
tell_traffic(struct telling *t)
{
    struct buf b = BUF_INIT;
    for (const struct pair *p = t->pairs; p; p = p->hh.next) {
        buf_str(&b, b.size ? "," : "{\"conversations\":[");
        put_pair(&b, p);
        if (b.size > SENSOR_LINK_TEXT - 512)
            end_report(t, &b);
    }
    if (b.size)
        end_report(t, &b);
    buf_fini(&b);
    if (t->left_out)
        log_warn("%" PRIu64 " conversations had no room in the report", t->left_out);
    t->left_out = 0;
    pairs_free(t);
}

/* ---- When ---- */

void
telling_tick(struct telling *t, struct sensor *sensor, nsec_t now, bool all)
{
    if (t->assets && (all || now - t->assets_told >= TELL_ASSETS_EVERY)) {
        t->assets_told = now;
        assets_each(t->assets, tell_asset, t);
    }
    if (!all && now - t->traffic_told < TELL_TRAFFIC_EVERY)
        return;
    if (sensor)
        sensor_each(sensor, t->traffic_told, take_conversation, t);
    tell_traffic(t);
    t->traffic_told = now;
}

/* ---- Alerts ---- */

void
telling_alerts(struct telling *t, const void *data, size_t size)
{
    const char *line;
    size_t length;
    struct diag diag;
    lines_put(&t->lines, data, size);
    while ((line = lines_next(&t->lines, &length)))
        complain(sensor_link_put_alert(t->link, line, length, &diag), &diag, "an alert");
    if (!t->lines.too_long)
        return;
    log_warn("a line is too long to be an alert");
    lines_fini(&t->lines);
    t->lines = lines_limited(SENSOR_LINK_TEXT);
}

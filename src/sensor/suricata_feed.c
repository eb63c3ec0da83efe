#include "sensor/suricata_feed.h"

#include "sensor/message_json.h"

#include <inttypes.h>

/* Into its place: copied around, addresses of 16 octets beside a port are slow. */
static void
fill(struct suricata_where *w, const struct conversation *c, unsigned way, const struct frame *f)
{
    const struct conversation_key *key = &c->key;
    memcpy(w->from, key->ends[way].address, sizeof w->from);
    memcpy(w->to, key->ends[!way].address, sizeof w->to);
    w->ip = key->ip;
    w->proto = key->proto;
    w->from_port = key->ends[way].port;
    w->to_port = key->ends[!way].port;
    w->side = c->side;
    if (c->side != SIDE_UNKNOWN && way)
        w->side = c->side == SIDE_CLIENT ? SIDE_SERVER : SIDE_CLIENT;
    w->app = c->known == KNOWN ? c->protocol : NULL;
    w->time = f->time;
    w->frame = f->number;
    w->way = (uint8_t)way;
    w->slot = c->slot;
    w->serial = c->serial;
}

void
suricata_feed_message(struct suricata_matcher *m, const struct conversation *c, unsigned way,
                      const struct frame *f, const struct pdu *p)
{
    if (c->side != SIDE_UNKNOWN && !suricata_asks(m, p->protocol))
        return;
    struct suricata_where w;
    fill(&w, c, way, f);
    w.app = p->protocol;
    suricata_message(m, &w, p);
}

void
suricata_feed_content(struct suricata_matcher *m, const struct conversation *c, unsigned way,
                      const struct frame *f, const struct file_part *part)
{
    struct suricata_where w;
    bool is_end = part->flags & CONTENT_ENDS;
    if (part->block || (!part->size && !is_end)) /* only bodies of HTTP are looked into */
        return;
    fill(&w, c, way, f);
    suricata_content(m, &w, part->octets, (uint32_t)part->size, is_end);
}

void
suricata_feed_data(struct suricata_matcher *m, const struct conversation *c, unsigned way,
                   const struct frame *f, const uint8_t *octets, uint32_t size, uint32_t lost)
{
    struct suricata_where w;
    fill(&w, c, way, f);
    suricata_octets(m, &w, octets, size, lost);
}

void
suricata_feed_packet(struct suricata_matcher *m, const struct conversation *c, unsigned way,
                     const struct frame *f, const struct layers *l)
{
    struct suricata_packet p;
    fill(&p.where, c, way, f);
    p.ttl = l->ttl;
    p.tcp_flags = l->tcp_flags;
    p.payload = l->payload;
    p.size = l->size;
    suricata_packet(m, &p);
}

/* ---- Telling ---- */

static void
put_text(struct buf *b, const char *name, const char *text)
{
    if (!text)
        return;
    buf_printf(b, ",\"%s\":", name);
    text_json_put(b, text, strlen(text));
}

static void
put_end(struct buf *b, uint8_t ip, const uint8_t *address, uint16_t port)
{
    struct conversation_key key = {.ip = ip};
    memcpy(key.ends[0].address, address, sizeof key.ends[0].address);
    key.ends[0].port = port;
    end_put(b, &key, 0);
}

void
suricata_alert_put(struct buf *b, const struct suricata_info *info, const struct suricata_where *w)
{
    char text[TIME_TEXT_SIZE];
    buf_printf(b, "{\"suricata\":{\"action\":\"%s\",\"gid\":%u,\"sid\":%u,\"rev\":%u", info->action,
               info->gid, info->sid, info->rev);
    put_text(b, "msg", info->msg);
    put_text(b, "classtype", info->classtype);
    buf_printf(b, ",\"priority\":%u", info->priority);
    put_text(b, "references", info->references);
    buf_printf(b, "},\"frame\":%u,\"time\":\"%s\",\"from\":\"", w->frame,
               time_format(w->time, text));
    put_end(b, w->ip, w->from, w->from_port);
    buf_str(b, "\",\"to\":\"");
    put_end(b, w->ip, w->to, w->to_port);
    buf_u8(b, '"');
    put_text(b, "protocol", w->app ? w->app->name : NULL);
    buf_str(b, "}\n");
}

void
suricata_refusal_put(struct buf *b, const struct suricata_refusal *r)
{
    buf_printf(b, "{\"suricata-%s\":{\"file\":", r->is_malformed ? "malformed" : "unsupported");
    text_json_put(b, r->file, strlen(r->file));
    buf_printf(b, ",\"line\":%u", r->line);
    if (r->sid)
        buf_printf(b, ",\"sid\":%u", r->sid);
    put_text(b, "keyword", r->keyword);
    put_text(b, "why", r->why);
    buf_str(b, "}}\n");
}

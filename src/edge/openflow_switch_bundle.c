/* openflow_switch_bundle.c - bundles (EXT-230; OpenFlow 1.4 section 6.9): commands that are kept
 * until they are committed, and then take effect all together or not at all.
 *
 * They are kept as octets. A commit decodes them first, then carries them out in order as one
 * transaction of the datapath, whatever the flags say about order; with ONF_BF_ATOMIC packets wait
 * for it, a few microseconds for each command. If one is refused, everything before it is undone;
 * it is answered as if it had come alone, and the commit with ONFERR_ET_MSG_FAILED.
 *
 * What changes the tables, groups, meters and ports can be in a bundle. */
#include "edge/openflow_switch_private.h"

#include "base/alloc.h"

#include <stdlib.h>

#define ADD_HEADER 24 /* octets of a BUNDLE_ADD_MESSAGE before the message in it */
#define DECODED_BUDGET ((size_t)256 << 20)

struct bundle {
    struct bundle *next;
    uint32_t id;
    uint16_t flags;
    bool closed;
    struct buf messages; /* one behind the other */
    uint32_t n;
};

static struct bundle **
find_bundle(struct openflow_channel *ch, uint32_t id)
{
    struct bundle **at = &ch->bundles;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static void
discard(struct openflow_channel *ch, struct bundle **at)
{
    struct bundle *b = *at;
    *at = b->next;
    ch->n_bundles--;
    ch->bundled -= b->messages.size;
    buf_fini(&b->messages);
    free(b);
}

void
bundles_free(struct openflow_channel *ch)
{
    while (ch->bundles)
        discard(ch, &ch->bundles);
}

static struct bundle *
bundle_open(struct openflow_channel *ch, uint32_t id, uint16_t flags)
{
    if (ch->n_bundles == OPENFLOW_SWITCH_BUNDLES) {
        refuse_onf(ch, ONFERR_ET_OUT_OF_BUNDLES);
        return NULL;
    }
    struct bundle *b = xcalloc(1, sizeof *b);
    b->id = id;
    b->flags = flags;
    b->next = ch->bundles;
    ch->bundles = b;
    ch->n_bundles++;
    return b;
}

/* A bundle that is misused is discarded (OpenFlow 1.4 section 6.9.3). */
static bool
refuse_bundle(struct openflow_channel *ch, struct bundle **at, uint16_t code)
{
    if (*at)
        discard(ch, at);
    return refuse_onf(ch, code);
}

/* ---- Adding ---- */

static bool (*applier(uint32_t type))(struct openflow_channel *, const struct openflow_message *)
{
    switch (type) {
    case OFPT_FLOW_MOD:
        return apply_flow_mod;
    case OFPT_GROUP_MOD:
        return apply_group_mod;
    case OFPT_METER_MOD:
        return apply_meter_mod;
    case OFPT_PORT_MOD:
        return apply_port_mod;
    case OFPT_TABLE_MOD:
        return apply_table_mod;
    default:
        return NULL;
    }
}

bool
handle_bundle_add(struct openflow_channel *ch, const struct openflow_message *m)
{
    const struct openflow_bundle_add *add = &m->bundle_add;
    const uint8_t *octets = ch->raw.octets + ADD_HEADER;
    size_t size = get_be16(octets + 2); /* the decoder has checked it */
    struct bundle **at = find_bundle(ch, add->bundle_id), *b = *at;
    if (b && b->closed)
        return refuse_bundle(ch, at, ONFERR_ET_BUNDLE_CLOSED);
    if (b && b->flags != add->flags)
        return refuse_bundle(ch, at, ONFERR_ET_BAD_FLAGS);
    if (!applier(add->message->type))
        return refuse_onf(ch, ONFERR_ET_MSG_UNSUP);
    if (size > OPENFLOW_SWITCH_BUNDLED - ch->bundled)
        return refuse_onf(ch, ONFERR_ET_MSG_TOO_MANY);
    if (!b && !(b = bundle_open(ch, add->bundle_id, add->flags)))
        return false;
    buf_put(&b->messages, octets, size);
    b->n++;
    ch->bundled += size;
    return true;
}

/* ---- Committing ---- */

struct decoded {
    struct openflow_message message;
    struct openflow_data raw;
};

static struct decoded *
decode_bundle(const struct bundle *b, struct arena *arena)
{
    struct decoded *list = arena_calloc(arena, b->n, sizeof *list);
    const uint8_t *at = b->messages.data;
    for (uint32_t i = 0; list && i < b->n; i++) {
        list[i].raw = (struct openflow_data){at, get_be16(at + 2)};
        if (openflow_decode(at, list[i].raw.size, arena, &list[i].message, NULL, NULL))
            return NULL;
        at += list[i].raw.size;
    }
    return list;
}

/* Carries them out; the number of the one that is refused, or `n`. */
static uint32_t
apply_all(struct openflow_channel *ch, const struct decoded *list, uint32_t n)
{
    uint32_t i = 0;
    ch->committing = true;
    for (; i < n; i++) {
        ch->sw->dp->tag = list[i].message.xid;
        if (!applier(list[i].message.type)(ch, &list[i].message))
            break;
    }
    ch->committing = false;
    return i;
}

/* Links go up and down when all has succeeded; that one cannot is known from its state. */
static void
set_links(struct openflow_channel *ch, const struct decoded *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (list[i].message.type == OFPT_PORT_MOD)
            (void)set_admin(ch, &list[i].message.port_mod);
    }
}

static bool
commit(struct openflow_channel *ch, const struct bundle *b)
{
    struct datapath *dp = ch->sw->dp;
    struct arena *arena = arena_new(DECODED_BUDGET);
    const struct decoded *list = decode_bundle(b, arena);
    uint32_t done = 0;
    bool good = b->n == 0;
    if (list && b->n) {
        datapath_begin(dp, b->flags & ONF_BF_ATOMIC);
        done = apply_all(ch, list, b->n);
        good = done == b->n;
        if (good)
            datapath_commit(dp, ch->now);
        else
            datapath_rollback(dp);
    }
    if (good)
        set_links(ch, list, b->n);
    else if (list && openflow_session_send_error(ch->session, &ch->error, &list[done].raw))
        channel_fail(ch, ERR_LIMIT, "the controller does not read its errors");
    arena_free(arena);
    return good;
}

/* ---- Control ---- */

static bool
open_request(struct openflow_channel *ch, const struct openflow_bundle_control *c)
{
    struct bundle **at = find_bundle(ch, c->bundle_id);
    if (*at)
        return refuse_bundle(ch, at, ONFERR_ET_BUNDLE_EXIST);
    return bundle_open(ch, c->bundle_id, c->flags) != NULL;
}

static bool
close_request(struct openflow_channel *ch, const struct openflow_bundle_control *c)
{
    struct bundle **at = find_bundle(ch, c->bundle_id);
    if (!*at)
        return refuse_onf(ch, ONFERR_ET_BAD_ID);
    if ((*at)->closed)
        return refuse_bundle(ch, at, ONFERR_ET_BUNDLE_CLOSED);
    if ((*at)->flags != c->flags)
        return refuse_bundle(ch, at, ONFERR_ET_BAD_FLAGS);
    (*at)->closed = true;
    return true;
}

static bool
commit_request(struct openflow_channel *ch, const struct openflow_bundle_control *c)
{
    struct bundle **at = find_bundle(ch, c->bundle_id);
    if (!*at)
        return refuse_onf(ch, ONFERR_ET_BAD_ID);
    if ((*at)->flags != c->flags)
        return refuse_bundle(ch, at, ONFERR_ET_BAD_FLAGS);
    bool good = commit(ch, *at);
    discard(ch, at);
    return good || refuse_onf(ch, ONFERR_ET_MSG_FAILED);
}

static bool
discard_request(struct openflow_channel *ch, const struct openflow_bundle_control *c)
{
    struct bundle **at = find_bundle(ch, c->bundle_id);
    if (!*at)
        return refuse_onf(ch, ONFERR_ET_BAD_ID);
    discard(ch, at);
    return true;
}

bool
handle_bundle_control(struct openflow_channel *ch, const struct openflow_message *m)
{
    static bool (*const requests[])(struct openflow_channel *,
                                    const struct openflow_bundle_control *) = {
        [ONF_BCT_OPEN_REQUEST] = open_request,
        [ONF_BCT_CLOSE_REQUEST] = close_request,
        [ONF_BCT_COMMIT_REQUEST] = commit_request,
        [ONF_BCT_DISCARD_REQUEST] = discard_request,
    };
    const struct openflow_bundle_control *c = &m->bundle_control;
    if (c->type >= ARRAY_SIZE(requests) || !requests[c->type])
        return refuse_onf(ch, ONFERR_ET_BAD_TYPE);
    if (!requests[c->type](ch, c))
        return false;
    struct openflow_message reply = *m;
    reply.bundle_control.type++; /* each reply comes right behind its request */
    reply.bundle_control.properties = (struct openflow_data){0};
    channel_send(ch, &reply);
    return true;
}

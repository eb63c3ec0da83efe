#include "wan/ted_bgpls.h"

enum {
    MSD_MPLS = 1,               /* RFC 8491 section 5: base MPLS imposition */
    NODE_OVERLOAD = 0x80,       /* RFC 9552 section 5.3.1.1 */
    IGP_FLAG_NODE = 0x40,       /* section 5.3.3.1 */
    ISIS_SID_NODE = 0x40,       /* RFC 8667 section 2.1.1 */
    ISIS_ATTRIBUTE_NODE = 0x20, /* RFC 7794 section 2.1 */
    OSPF_ATTRIBUTE_NODE = 0x40, /* RFC 7684 section 2.1 */
    TLV_MAX_BANDWIDTH = 1089,
    TLV_RESERVABLE_BANDWIDTH = 1090,
};

static bool
is_isis(uint8_t protocol)
{
    return protocol == BGPLS_ISIS_L1 || protocol == BGPLS_ISIS_L2;
}

static bool
is_default_topology(const struct bgpls_nlri *nlri)
{
    return !nlri->has_mt_id || BGPLS_MT_ID(nlri->mt_id) == 0;
}

static bool
read_id(const struct bgpls_nlri *nlri, const struct bgpls_node *node, struct ted_node_id *id)
{
    *id = (struct ted_node_id){.protocol = nlri->protocol,
                               .asn = node->has_as ? node->as : 0,
                               .area = node->has_area ? node->area : 0,
                               .instance = nlri->instance};
    switch (bgpls_router_form(nlri->protocol, node)) {
    case BGPLS_ROUTER_OSPF:
    case BGPLS_ROUTER_OSPF_PSEUDONODE:
    case BGPLS_ROUTER_ISIS_PSEUDONODE:
        id->size = node->router_id_size;
        break;
    case BGPLS_ROUTER_ISIS:
        id->size = 6; /* also if a number 0 stood behind it */
        break;
    default:
        return false;
    }
    memcpy(id->router_id, node->router_id, id->size);
    return true;
}

static struct te_address
address_of(bool has, const uint8_t *octets, uint8_t family)
{
    struct te_address address = {.family = has ? family : 0};
    if (has)
        memcpy(address.octets, octets, family == 4 ? 4 : 16);
    return address;
}

static struct te_address
first_address(const struct bgpls_octets_list *list, uint8_t family)
{
    return address_of(list, list ? list->octets.data : NULL, family);
}

/* The first range, if it is one of labels and not of indices. */
static bool
read_block(const struct bgpls_block *block, uint32_t *base, uint32_t *size)
{
    if (!block->ranges || !block->ranges->is_label)
        return false;
    *base = block->ranges->first;
    *size = block->ranges->size;
    return true;
}

static uint32_t
bit(bool told, enum ted_attribute attribute)
{
    return told ? TED_BIT(attribute) : 0;
}

bool
ted_bgpls_node(const struct bgpls_nlri *nlri, const struct bgpls_attributes *a,
               struct ted_node_record *r, char name[256])
{
    *r = (struct ted_node_record){.told = 0};
    if (nlri->type != BGPLS_NODE || !is_default_topology(nlri) ||
        !read_id(nlri, &nlri->local, &r->id))
        return false;
    if (!a)
        return true;
    if (BGPLS_HAS(a, BGPLS_NODE_NAME)) {
        memcpy(name, a->node_name.data, a->node_name.size); /* at most 255 */
        name[a->node_name.size] = '\0';
        r->name = name;
        r->told |= TED_BIT(TED_NAME);
    }
    r->router_id = first_address(a->local_router4, 4);
    r->router_id6 = first_address(a->local_router6, 6);
    r->told |= bit(r->router_id.family || r->router_id6.family, TED_ROUTER_ID);
    r->told |= bit(read_block(&a->sr_capabilities, &r->srgb_base, &r->srgb_size), TED_SRGB);
    r->told |= bit(read_block(&a->sr_local_block, &r->srlb_base, &r->srlb_size), TED_SRLB);
    r->max_sid_depth = bgpls_msd(&a->node_msd, MSD_MPLS);
    r->told |= bit(r->max_sid_depth, TED_MSD);
    r->overload = a->node_flags & NODE_OVERLOAD;
    r->told |= bit(BGPLS_HAS(a, BGPLS_NODE_FLAGS), TED_OVERLOAD);
    return true;
}

/* ---- links */

static void
read_bandwidths(const struct bgpls_attributes *a, struct ted_link_record *r)
{
    if (BGPLS_HAS(a, BGPLS_MAX_BANDWIDTH))
        ted_link_bandwidth(r, TED_CAPACITY, 0, (double)a->max_bandwidth);
    if (BGPLS_HAS(a, BGPLS_RESERVABLE_BANDWIDTH))
        ted_link_bandwidth(r, TED_RESERVABLE, 0, (double)a->reservable_bandwidth);
    for (unsigned i = 0; i < TE_PRIORITIES && BGPLS_HAS(a, BGPLS_UNRESERVED_BANDWIDTH); i++)
        ted_link_bandwidth(r, TED_UNRESERVED, i, (double)a->unreserved_bandwidth[i]);
    /* What the decoder left out the database is to name: it knows what to take instead. */
    for (unsigned i = 0; i < MIN(a->n_dropped, BGPLS_DROPPED_MAX); i++) {
        const struct bgpls_dropped *dropped = &a->dropped[i];
        if (dropped->type == TLV_MAX_BANDWIDTH && !BGPLS_HAS(a, BGPLS_MAX_BANDWIDTH))
            ted_link_bandwidth(r, TED_CAPACITY, 0, (double)dropped->value);
        if (dropped->type == TLV_RESERVABLE_BANDWIDTH && !BGPLS_HAS(a, BGPLS_RESERVABLE_BANDWIDTH))
            ted_link_bandwidth(r, TED_RESERVABLE, 0, (double)dropped->value);
    }
}

static void
read_delays(const struct bgpls_attributes *a, struct ted_link_record *r)
{
    bool mean = BGPLS_HAS(a, BGPLS_DELAY), range = BGPLS_HAS(a, BGPLS_MIN_MAX_DELAY);
    r->delay_us = mean ? a->delay.value : a->min_max_delay.value;
    r->delay_min_us = a->min_max_delay.value;
    r->delay_max_us = a->min_max_delay.max;
    r->told |= bit(mean || range, TED_DELAY);
    r->jitter_us = a->delay_variation.value;
    r->told |= bit(BGPLS_HAS(a, BGPLS_DELAY_VARIATION), TED_JITTER);
    r->loss_ppm = (uint32_t)((uint64_t)a->loss.value * 3 / 100); /* units of 0.000003 % */
    r->told |= bit(BGPLS_HAS(a, BGPLS_LOSS), TED_LOSS);
}

static void
read_affinity(const struct bgpls_attributes *a, struct ted_link_record *r)
{
    size_t n = MIN(a->extended_admin_group.size / 4, TE_AFFINITY_WORDS * 2);
    if (BGPLS_HAS(a, BGPLS_ADMIN_GROUP))
        ted_link_affinity32(r, a->admin_group);
    for (size_t i = 0; i < n; i++) /* RFC 7308 section 2.1: groups 0 to 31 first */
        r->affinity.words[i / 2] |= (uint64_t)bgpls_octets_u32(&a->extended_admin_group, i)
                                    << (i % 2 * 32);
    r->told |= bit(n, TED_AFFINITY);
}

/* A label, of IPv4 if it tells; one without a backup path if there is one. */
static void
read_adjacency(uint8_t protocol, const struct bgpls_attributes *a, struct ted_link_record *r)
{
    bool isis = is_isis(protocol), has_plain = false;
    uint8_t backup = isis ? BGPLS_SID_ISIS_BACKUP : BGPLS_SID_OSPF_BACKUP;
    for (const struct bgpls_sid *sid = a->adjacency_sids; sid && !has_plain; sid = sid->next) {
        bool plain = !(sid->flags & backup);
        if (!sid->is_label || (isis && sid->flags & BGPLS_SID_ISIS_IPV6))
            continue;
        if (!plain && r->told & TED_BIT(TED_ADJACENCY_SID))
            continue;
        r->adjacency_label = sid->value;
        r->told |= TED_BIT(TED_ADJACENCY_SID);
        has_plain = plain;
    }
}

static void
read_link_id(const struct bgpls_nlri *nlri, struct ted_link_id *id)
{
    id->local_address = address_of(nlri->has_local4, nlri->local4, 4);
    id->remote_address = address_of(nlri->has_remote4, nlri->remote4, 4);
    id->local_address6 = address_of(nlri->has_local6, nlri->local6, 6);
    id->remote_address6 = address_of(nlri->has_remote6, nlri->remote6, 6);
    id->local_link_id = nlri->local_link_id;
    id->remote_link_id = nlri->remote_link_id;
}

/* Paths here are segment routing's: what is told for it goes first. */
bool
ted_bgpls_link(const struct bgpls_nlri *nlri, const struct bgpls_attributes *all,
               struct ted_link_record *r, uint32_t srlgs[TED_BGPLS_SRLGS])
{
    struct bgpls_attributes chosen;
    const struct bgpls_attributes *a = all;
    *r = (struct ted_link_record){.told = 0};
    if (nlri->type != BGPLS_LINK || !is_default_topology(nlri) ||
        !read_id(nlri, &nlri->local, &r->id.local) || !read_id(nlri, &nlri->remote, &r->id.remote))
        return false;
    read_link_id(nlri, &r->id);
    if (!a)
        return true;
    if (a->applications) {
        bgpls_attributes_for(all, BGPLS_APP_SR_POLICY, &chosen);
        a = &chosen;
    }
    r->igp_metric = a->igp_metric.value;
    r->te_metric = a->te_metric;
    r->told |= bit(BGPLS_HAS(a, BGPLS_IGP_METRIC), TED_IGP_METRIC);
    r->told |= bit(BGPLS_HAS(a, BGPLS_TE_METRIC), TED_TE_METRIC);
    read_bandwidths(a, r);
    read_delays(a, r);
    read_affinity(a, r);
    read_adjacency(nlri->protocol, a, r);
    r->n_srlgs = MIN(a->srlgs.size / 4u, TED_BGPLS_SRLGS);
    for (uint32_t i = 0; i < r->n_srlgs; i++)
        srlgs[i] = bgpls_octets_u32(&a->srlgs, i);
    r->srlgs = srlgs;
    r->told |= bit(BGPLS_HAS(a, BGPLS_SRLG), TED_SRLG);
    r->max_sid_depth = bgpls_msd(&a->link_msd, MSD_MPLS);
    r->told |= bit(r->max_sid_depth, TED_LINK_MSD);
    return true;
}

/* ---- prefixes */

/* Who says that a prefix is of one node depends on the protocol, and on its age. */
static bool
is_node_segment(uint8_t protocol, const struct bgpls_attributes *a, const struct bgpls_sid *sid)
{
    uint8_t flags = a->prefix_flags.size ? a->prefix_flags.data[0] : 0;
    if (a->igp_flags & IGP_FLAG_NODE)
        return true;
    if (is_isis(protocol))
        return flags & ISIS_ATTRIBUTE_NODE || (sid && sid->flags & ISIS_SID_NODE);
    return flags & OSPF_ATTRIBUTE_NODE;
}

bool
ted_bgpls_prefix(const struct bgpls_nlri *nlri, const struct bgpls_attributes *a,
                 struct ted_prefix_record *r)
{
    *r = (struct ted_prefix_record){.metric = UINT32_MAX, .sid_index = TE_NO_LABEL};
    if ((nlri->type != BGPLS_PREFIX4 && nlri->type != BGPLS_PREFIX6) ||
        !is_default_topology(nlri) || !read_id(nlri, &nlri->local, &r->node))
        return false;
    r->prefix = address_of(true, nlri->prefix, nlri->type == BGPLS_PREFIX4 ? 4 : 6);
    r->length = nlri->prefix_length;
    if (!a)
        return true;
    if (BGPLS_HAS(a, BGPLS_PREFIX_METRIC))
        r->metric = a->prefix_metric;
    const struct bgpls_sid *sid = a->prefix_sids;
    while (sid && (sid->algorithm || sid->is_label))
        sid = sid->next;
    if (sid)
        r->sid_index = sid->value;
    r->node_segment = is_node_segment(nlri->protocol, a, sid);
    return true;
}

/* ---- the feed */

static void
count(struct ted_bgpls *feed, enum err err)
{
    if (err)
        feed->n_refused++;
    else
        feed->n_put++;
}

static void
put(struct ted_bgpls *feed, const struct bgpls_change *change, nsec_t now)
{
    struct ted_node_record node;
    struct ted_link_record link;
    struct ted_prefix_record prefix;
    uint32_t srlgs[TED_BGPLS_SRLGS];
    char name[256];
    if (ted_bgpls_link(change->nlri, change->attributes, &link, srlgs))
        count(feed, ted_put_link(feed->ted, feed->source, &link, now));
    else if (ted_bgpls_node(change->nlri, change->attributes, &node, name))
        count(feed, ted_put_node(feed->ted, feed->source, &node, now));
    else if (ted_bgpls_prefix(change->nlri, change->attributes, &prefix))
        count(feed, ted_put_prefix(feed->ted, feed->source, &prefix, now));
    else
        feed->n_ignored++;
}

static void
withdraw(struct ted_bgpls *feed, const struct bgpls_nlri *nlri, nsec_t now)
{
    struct ted_node_record node;
    struct ted_link_record link;
    struct ted_prefix_record prefix;
    uint32_t srlgs[TED_BGPLS_SRLGS];
    char name[256];
    if (ted_bgpls_link(nlri, NULL, &link, srlgs))
        ted_withdraw_link(feed->ted, feed->source, &link.id, now);
    else if (ted_bgpls_node(nlri, NULL, &node, name))
        ted_withdraw_node(feed->ted, feed->source, &node.id, now);
    else if (ted_bgpls_prefix(nlri, NULL, &prefix))
        ted_withdraw_prefix(feed->ted, feed->source, &prefix, now);
    else
        return;
    feed->n_withdrawn++;
}

void
ted_bgpls_change(struct ted_bgpls *feed, const struct bgpls_change *change, nsec_t now)
{
    switch (change->kind) {
    case BGPLS_ADDED:
    case BGPLS_CHANGED:
        put(feed, change, now);
        break;
    case BGPLS_WITHDRAWN:
    case BGPLS_SWEPT:
        if (feed->up)
            withdraw(feed, change->nlri, now);
        break;
    case BGPLS_DISCARDED:
    case BGPLS_REFUSED:
        ted_source_garbled(feed->ted, feed->source, 1, change->why, now);
        break;
    case BGPLS_STALE: /* all of the source: ted_bgpls_down() has said so */
        break;
    }
}

void
ted_bgpls_up(struct ted_bgpls *feed, nsec_t now)
{
    feed->up = true;
    ted_source_up(feed->ted, feed->source, now);
}

void
ted_bgpls_complete(struct ted_bgpls *feed, nsec_t now)
{
    ted_source_synced(feed->ted, feed->source, now);
}

void
ted_bgpls_down(struct ted_bgpls *feed, nsec_t now)
{
    feed->up = false;
    ted_source_down(feed->ted, feed->source, now);
}

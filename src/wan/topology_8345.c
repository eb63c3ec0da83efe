/* topology_8345.c - the merged database as RFC 8345 has it. Written straight into the buffer: a
 * network of 64,000 links is some 60 MB of text, and would be a gigabyte as values. */
#include "wan/topology_8345.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define MODULE "tieline-te-topology"

/* ---- JSON */

/* What is told of nodes and links is printable ASCII; names of sources are our own. */
static void
put_string(struct buf *out, const char *text)
{
    buf_u8(out, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            buf_u8(out, '\\');
        if (*p >= ' ' && *p <= '~')
            buf_u8(out, *p);
        else
            buf_printf(out, "\\u%04x", *p < ' ' ? '?' : *p);
    }
    buf_u8(out, '"');
}

static void
put_member(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "\"%s\":", key);
    put_string(out, text);
}

static void
put_flag(struct buf *out, const char *key, bool set)
{
    if (set)
        buf_printf(out, ",\"%s\":true", key);
}

/* Integers of 64 bits are strings (RFC 7951 section 6.1). */
static void
put_number64(struct buf *out, const char *key, uint64_t n)
{
    buf_printf(out, ",\"%s\":\"%llu\"", key, (unsigned long long)n);
}

static const char *
address_text(const struct te_address *a, char text[INET6_ADDRSTRLEN])
{
    inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->octets, text, INET6_ADDRSTRLEN);
    return text;
}

static void
put_origins(struct buf *out, const struct ted *ted, const struct ted_origin *origin)
{
    bool first = true;
    for (unsigned a = 0; a < TED_ATTRIBUTES; a++) {
        struct ted_source_info source;
        bool by_operator = origin[a].override_id != NULL;
        if (!by_operator && !ted_source_info(ted, origin[a].source, &source))
            continue;
        buf_str(out, first ? ",\"information-source\":[{" : ",{");
        first = false;
        put_member(out, "attribute", ted_attribute_name((enum ted_attribute)a));
        buf_str(out, ",");
        if (by_operator) {
            char *text = xasprintf("operator:%s", origin[a].override_id);
            put_member(out, "source", text);
            free(text);
        } else {
            put_member(out, "source", source.name);
        }
        buf_str(out, "}");
    }
    if (!first)
        buf_str(out, "]");
}

/* ---- ends of links */

#define END_SIZE 64

/* What the beginning of a link is called at its node. */
static const char *
end_of(const struct ted_link_info *info, char text[END_SIZE])
{
    if (info->link->local.family)
        return address_text(&info->link->local, text);
    if (info->link->local_id) {
        snprintf(text, END_SIZE, "#%u", info->link->local_id);
        return text;
    }
    return info->key; /* nothing of its own: the link's key, which is longer, but one of its kind */
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each end once: links over a broadcast network begin at one. */
static void
put_ends(struct buf *out, const struct ted *ted, const struct te_network *network, uint32_t node)
{
    uint32_t first = network->first_out[node], n = network->first_out[node + 1] - first;
    char **ends = xcalloc(n + 1, sizeof *ends);
    char text[END_SIZE];
    const char *last = NULL;
    for (uint32_t i = 0; i < n; i++) {
        struct ted_link_info info;
        if (ted_link_info_at(ted, first + i, &info))
            ends[i] = xstrdup(end_of(&info, text));
    }
    qsort(ends, n, sizeof *ends, compare_texts);
    if (n)
        buf_str(out, ",\"ietf-network-topology:termination-point\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (last && !strcmp(last, ends[i]))
            continue;
        buf_str(out, last ? ",{" : "{");
        put_member(out, "tp-id", ends[i]);
        buf_str(out, "}");
        last = ends[i];
    }
    if (n)
        buf_str(out, "]");
    for (uint32_t i = 0; i < n; i++)
        free(ends[i]);
    free(ends);
}

/* ---- nodes */

static void
put_segments(struct buf *out, const struct te_node *node)
{
    if (node->sid_index != TE_NO_LABEL)
        buf_printf(out, ",\"node-sid\":%u", node->sid_index);
    if (node->srgb_size && node->srgb_base <= 0xfffff)
        buf_printf(out, ",\"srgb\":{\"lower-bound\":%u,\"size\":%u}", node->srgb_base,
                   node->srgb_size);
    if (node->max_sid_depth)
        buf_printf(out, ",\"max-sid-depth\":%u", node->max_sid_depth);
}

static void
put_node(struct buf *out, const struct ted *ted, const struct te_network *network, uint32_t index)
{
    struct ted_node_info info;
    char text[INET6_ADDRSTRLEN];
    if (!ted_node_info_at(ted, index, &info))
        return;
    buf_str(out, index ? ",{" : "{");
    put_member(out, "node-id", info.key);
    put_ends(out, ted, network, index);
    buf_str(out, ",\"" MODULE ":te\":{");
    put_member(out, "name", info.node->name);
    if (info.node->router_id.family) {
        buf_str(out, ",");
        put_member(out, "router-id", address_text(&info.node->router_id, text));
    }
    buf_printf(out, ",\"oper-status\":\"%s\"", info.node->passable ? "up" : "down");
    put_flag(out, "maintenance", info.maintenance);
    put_flag(out, "overload", info.overload);
    put_flag(out, "contested", info.contested);
    put_flag(out, "stale", info.stale);
    put_segments(out, info.node);
    put_origins(out, ted, info.origin);
    buf_str(out, "}}");
}

/* ---- links */

static void
put_bandwidths(struct buf *out, const struct te_link *link)
{
    put_number64(out, "max-link-bandwidth", link->capacity_bps);
    put_number64(out, "max-resv-link-bandwidth", link->reservable_bps);
    buf_str(out, ",\"unreserved-bandwidth\":[");
    for (unsigned p = 0; p < TE_PRIORITIES; p++)
        buf_printf(out, "%s{\"priority\":%u,\"bandwidth\":\"%llu\"}", p ? "," : "", p,
                   (unsigned long long)link->unreserved_bps[p]);
    buf_str(out, "]");
}

static void
put_delays(struct buf *out, const struct ted_link_info *info)
{
    const struct te_link *link = info->link;
    if (link->delay_us == TE_UNKNOWN_US)
        return;
    buf_printf(out, ",\"performance-metrics-one-way\":{\"one-way-delay\":%u", link->delay_us);
    if (info->delay_min_us || info->delay_max_us)
        buf_printf(out, ",\"one-way-min-delay\":%u,\"one-way-max-delay\":%u", info->delay_min_us,
                   info->delay_max_us);
    if (link->jitter_us)
        buf_printf(out, ",\"one-way-delay-variation\":%u", link->jitter_us);
    buf_str(out, "}");
}

static void
put_groups(struct buf *out, const struct te_network *network, uint32_t index)
{
    const struct te_link *link = &network->links[index];
    buf_str(out, ",\"administrative-group\":\"");
    for (unsigned w = TE_AFFINITY_WORDS; w-- > 0;)
        buf_printf(out, "%016llx", (unsigned long long)link->affinity.words[w]);
    buf_str(out, "\"");
    if (!link->n_srlgs)
        return;
    buf_str(out, ",\"te-srlgs\":{\"value\":[");
    for (uint32_t i = 0; i < link->n_srlgs; i++)
        buf_printf(out, "%s%u", i ? "," : "",
                   network->srlg_ids[network->link_srlgs[link->first_srlg + i]]);
    buf_str(out, "]}");
}

static void
put_link_ends(struct buf *out, const struct ted *ted, const struct te_network *network,
              const struct ted_link_info *info)
{
    char text[END_SIZE];
    struct ted_link_info back;
    buf_str(out, ",\"source\":{");
    put_member(out, "source-node", network->nodes[info->link->from].key);
    buf_str(out, ",");
    put_member(out, "source-tp", end_of(info, text));
    buf_str(out, "},\"destination\":{");
    put_member(out, "dest-node", network->nodes[info->link->to].key);
    if (info->link->reverse != TE_NONE && ted_link_info_at(ted, info->link->reverse, &back)) {
        buf_str(out, ",");
        put_member(out, "dest-tp", end_of(&back, text));
    }
    buf_str(out, "}");
}

static void
put_link(struct buf *out, const struct ted *ted, const struct te_network *network, uint32_t index)
{
    struct ted_link_info info;
    if (!ted_link_info_at(ted, index, &info))
        return;
    const struct te_link *link = info.link;
    buf_str(out, index ? ",{" : "{");
    put_member(out, "link-id", info.key);
    put_link_ends(out, ted, network, &info);
    buf_printf(out, ",\"" MODULE ":te\":{\"oper-status\":\"%s\"", link->up ? "up" : "down");
    put_flag(out, "maintenance", info.maintenance);
    put_flag(out, "stale", info.stale);
    buf_printf(out, ",\"igp-metric\":%u,\"te-default-metric\":%u", link->igp_metric,
               link->te_metric);
    put_bandwidths(out, link);
    put_groups(out, network, index);
    put_delays(out, &info);
    if (link->adjacency_label <= 0xfffff)
        buf_printf(out, ",\"adjacency-sid\":%u", link->adjacency_label);
    put_flag(out, "at-risk", info.at_risk);
    if (info.at_risk && *info.risk) {
        buf_str(out, ",");
        put_member(out, "risk", info.risk);
    }
    put_origins(out, ted, info.origin);
    buf_str(out, "}}");
}

enum err
topology_8345_put(struct buf *out, const struct ted *ted)
{
    const struct ted_view *view = ted_view((struct ted *)ted); /* one more reader of it */
    const struct te_network *network = ted_view_network(view);
    buf_str(out, "{\"ietf-network:networks\":{\"network\":[{\"network-id\":\"" TOPOLOGY_8345_NETWORK
                 "\",\"network-types\":{\"" MODULE ":te-topology\":{}}");
    put_number64(out, MODULE ":version", network->version);
    buf_str(out, ",\"node\":[");
    for (uint32_t i = 0; i < network->n_nodes && !buf_err(out); i++)
        put_node(out, ted, network, i);
    buf_str(out, "],\"ietf-network-topology:link\":[");
    for (uint32_t i = 0; i < network->n_links && !buf_err(out); i++)
        put_link(out, ted, network, i);
    buf_str(out, "]}]}}");
    ted_view_release(view);
    return buf_err(out);
}

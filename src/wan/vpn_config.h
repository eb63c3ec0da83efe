/* vpn_config.h - what is ours in a device's configuration of XML: how it is put there, taken away,
 * asked for and compared.
 *
 * A configuration is a tree below one element, `config`. In it some elements are marked as owned by
 * attributes of VPN_TEMPLATE_NS: all below them is ours alone, and what is above them is only the
 * way to them, which others use too and which is never changed or removed.
 *
 *     t:owned="true"         at the entry of a list, or a container or leaf, that is ours
 *     t:key="type name"      names of children that tell entries of its list apart; without it the
 *                            first child, if it is a leaf, does so where siblings have the same
 * name t:leaf-list="true"     its own text tells it apart
 *
 * Nothing here knows the schema. */
#ifndef WAN_VPN_CONFIG_H
#define WAN_VPN_CONFIG_H

#include "proto/netconf/netconf_xml.h"

#define VPN_TEMPLATE_NS "urn:tieline:template"

/* Makes one of elements that are the way to what is ours and are the same entry of a list, or the
 * same container, as templates write them once for each access. Changes the tree. */
void vpn_config_merge(struct netconf_xml *config);

/* The native configuration, without the marks. NULL: the arena's budget; so for all
 * below. */
struct netconf_xml *vpn_config_native(struct arena *, const struct netconf_xml *config);

/* The edit that makes `now` of `before`: what is owned in `now` and not the same in `before` is
 * replaced, what was owned and is not any more is removed ("remove"; or "delete" for a server of
 * base:1.0 alone). Either may be NULL. No children: there is nothing to do. */
struct netconf_xml *vpn_config_edit(struct arena *, const struct netconf_xml *before,
                                    const struct netconf_xml *now, bool has_remove);

/* The same, with all that is owned in `now` replaced, whatever is there: it ends drift. */
struct netconf_xml *vpn_config_restore(struct arena *, const struct netconf_xml *before,
                                       const struct netconf_xml *now, bool has_remove);

/* Takes out of an edit the removals of what is not there, which a server of base:1.0 refuses.
 * `have` is what was read; NULL: nothing. Changes the edit. */
void vpn_config_drop_absent(struct netconf_xml *edit, const struct netconf_xml *have);

/* A subtree filter (RFC 6241 section 6) for all that is owned in the configurations, which may be
 * NULL. */
struct netconf_xml *vpn_config_filter(struct arena *, const struct netconf_xml *one,
                                      const struct netconf_xml *other);

enum vpn_drift { VPN_MISSING, VPN_DIFFERENT, VPN_UNEXPECTED };

struct vpn_difference {
    enum vpn_drift kind;
    const char *path;        /* "/interfaces/interface[name=ge-0/0/1.100]/description" */
    const char *want, *have; /* text of leaves; "" */
};

struct vpn_differences {
    uint32_t n, capacity;
    struct vpn_difference *list; /* in the arena, as are its texts */
};

#define VPN_DIFFERENCES_MAX 1000 /* more are not told */

/* What is owned in `want` against what was read back (the children of <data>; NULL: nothing). The
 * order of elements does not matter. Elements that the server says to be defaults (RFC 6243) do not
 * count. ERR_LIMIT: the arena. */
MUST_CHECK enum err vpn_config_compare(struct arena *, const struct netconf_xml *want,
                                       const struct netconf_xml *have, struct vpn_differences *);

/* Looks for what is to be owned newly (in `now`, not in `before`) and is there already without
 * being ours: without a text in it that is `marker` or begins with it and a space, and without a
 * key that is `name` or begins with it and "--". NULL: nothing is in the way; otherwise its path.
 * What carries neither is in the way if it is there and not what is wanted. */
const char *vpn_config_conflict(struct arena *, const struct netconf_xml *before,
                                const struct netconf_xml *now, const struct netconf_xml *have,
                                const char *marker, const char *name);

/* "missing", "different", "unexpected"; static. */
const char *vpn_drift_name(enum vpn_drift);

#endif

/* netconf_xml.h - XML as NETCONF has it (RFC 6241 section 3): a tree of elements in an arena, read
 * from strangers, written, searched and compared.
 *
 * Reading is libxml2's, with nothing of XML that NETCONF does not need: a document type declaration
 * ends it (RFC 6241 section 3 forbids it), so that there are no entities but the five of XML, and
 * nothing is ever loaded. Depth and memory are bounded. Comments and processing instructions are
 * dropped. Undeclared prefixes are forgiven: the element then has no namespace.
 *
 * Text is what stands in an element without children. White space between elements is dropped, and
 * text between elements, which no data model of YANG has, is kept in part only and marked. */
#ifndef PROTO_NETCONF_NETCONF_XML_H
#define PROTO_NETCONF_NETCONF_XML_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETCONF_XML_DEPTH 128 /* elements within each other */

#define NETCONF_NS "urn:ietf:params:xml:ns:netconf:base:1.0"
#define NETCONF_NS_NOTIFICATION "urn:ietf:params:xml:ns:netconf:notification:1.0"
#define NETCONF_NS_MONITORING "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
#define NETCONF_NS_WITH_DEFAULTS "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
#define NETCONF_NS_WD_ATTRIBUTE "urn:ietf:params:xml:ns:netconf:default:1.0"

struct netconf_xml_attribute {
    const char *name, *ns, *value; /* ns "": none */
};

struct netconf_xml_prefix { /* declared at an element; "" is the default namespace */
    const char *prefix, *ns;
};

struct netconf_xml {
    const char *name, *ns; /* ns "": none */
    const char *text;      /* never NULL; "" with children, but see `mixed` */
    bool mixed;            /* text stood between children */
    uint32_t n_attributes, n_prefixes, n_children;
    struct netconf_xml_attribute *attributes;
    struct netconf_xml_prefix *prefixes;
    struct netconf_xml *parent, *first, *last, *next;
};

/* Exactly one document; `*root` lives in the arena. ERR_MALFORMED: not well-formed, with the line;
 * ERR_UNSUPPORTED: a document type declaration; ERR_LIMIT: deeper than NETCONF_XML_DEPTH, or the
 * arena's budget, for which eight times the text is plenty. */
MUST_CHECK enum err netconf_xml_parse(const void *text, size_t size, struct arena *,
                                      struct netconf_xml **root, struct diag *);

/* ---- making */

/* Behind the last child of `parent`, which may be NULL. Text and names are copied; text may be
 * NULL. NULL: the arena's budget. */
MUST_CHECK struct netconf_xml *netconf_xml_add(struct arena *, struct netconf_xml *parent,
                                               const char *ns, const char *name, const char *text);
MUST_CHECK enum err netconf_xml_set(struct arena *, struct netconf_xml *, const char *ns,
                                    const char *name, const char *value);
/* A copy of the element and all in it, behind the last child of `parent` (NULL: alone). Prefixes
 * that its text may need are declared at it. */
MUST_CHECK struct netconf_xml *netconf_xml_copy(struct arena *, struct netconf_xml *parent,
                                                const struct netconf_xml *);

/* ---- finding; NULL: there is none. `ns` NULL: any, and elements without one match any. */

struct netconf_xml *netconf_xml_child(const struct netconf_xml *, const char *ns, const char *name);
/* The next of the same name behind this one. */
struct netconf_xml *netconf_xml_again(const struct netconf_xml *);
/* The child's text without white space around it; `otherwise` if there is no such child. It lives
 * in the arena; NULL arena: the text as it stands. */
const char *netconf_xml_value(struct arena *, const struct netconf_xml *, const char *name,
                              const char *otherwise);
const char *netconf_xml_attribute(const struct netconf_xml *, const char *ns, const char *name);
/* What the prefix means at this element; NULL: nothing. */
const char *netconf_xml_resolve(const struct netconf_xml *, const char *prefix);
bool netconf_xml_is(const struct netconf_xml *, const char *ns, const char *name);

/* ---- writing */

/* Appends it: namespaces are declared where they change; no white space is added, or with `indent`
 * one element a line, two spaces deeper each, beginning at `depth`. */
void netconf_xml_put(struct buf *, const struct netconf_xml *);
void netconf_xml_put_pretty(struct buf *, const struct netconf_xml *, unsigned depth);
/* Appends text with the five characters escaped that need it, and those that XML does not have (C0
 * controls) as '?'. */
void netconf_xml_escape(struct buf *, const char *text);

/* ---- comparing */

/* Text of leaves is equal without white space around it; what has the form of an identity,
 * prefix:name, is equal also by what the prefix means, and with or without one. */
bool netconf_xml_same_text(const struct netconf_xml *, const struct netconf_xml *);
/* Equal whatever the order of children; an element without a namespace matches any. */
bool netconf_xml_same(const struct netconf_xml *, const struct netconf_xml *);

#endif

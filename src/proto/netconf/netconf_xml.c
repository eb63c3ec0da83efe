/* libxml2's SAX2 interface makes our own tree in the caller's arena: its own tree would be memory
 * without a budget, and would keep what NETCONF does not have. */
#include "proto/netconf/netconf_xml.h"

#include <libxml/parserInternals.h>
#include <string.h>

struct reader {
    xmlParserCtxt *ctxt;
    struct arena *arena;
    struct netconf_xml *root, *at; /* `at`: the innermost open element */
    unsigned depth;
    struct buf text; /* since the last tag */
    enum err err;
    struct diag *diag;
};

static void
fail(struct reader *r, enum err err, const char *text)
{
    if (!r->err)
        r->err = diag_set(r->diag, err, "XML, line %d: %s",
                          r->ctxt->input ? r->ctxt->input->line : 0, text);
}

static bool
is_blank(const char *text, size_t size)
{
    return strspn(text, " \t\r\n") >= size;
}

/* Text before a tag. In front of or between children it is white space for the eye. */
static void
flush_text(struct reader *r, bool at_end)
{
    struct netconf_xml *e = r->at;
    const char *text = buf_cstr(&r->text);
    size_t size = r->text.size;
    if (e && size > 0 && !is_blank(text, size)) {
        e->mixed |= !at_end || e->first;
        char *copy = !*e->text ? arena_strndup(r->arena, text, size) : NULL;
        if (copy)
            e->text = copy;
        else if (!*e->text)
            fail(r, ERR_LIMIT, "it takes more memory than is allowed");
    } else if (e && size > 0 && at_end && !e->first) { /* a leaf of nothing but white space */
        char *copy = arena_strndup(r->arena, text, size);
        if (copy)
            e->text = copy;
    }
    buf_clear(&r->text);
}

static void
append(struct netconf_xml *parent, struct netconf_xml *child)
{
    child->parent = parent;
    if (!parent)
        return;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->n_children++;
}

static char *
copy_of(struct arena *arena, const xmlChar *text)
{
    return arena_strdup(arena, text ? (const char *)text : "");
}

/* SAX2 gives five words each: name, prefix, namespace, begin and end of the value. */
static bool
take_attributes(struct reader *r, struct netconf_xml *e, const xmlChar **words, int n)
{
    e->attributes = arena_calloc(r->arena, (size_t)n, sizeof *e->attributes);
    if (n > 0 && !e->attributes)
        return false;
    e->n_attributes = (uint32_t)n;
    for (int i = 0; i < n; i++, words += 5) {
        struct netconf_xml_attribute *a = &e->attributes[i];
        a->name = copy_of(r->arena, words[0]);
        a->ns = copy_of(r->arena, words[2]);
        a->value = arena_strndup(r->arena, (const char *)words[3], (size_t)(words[4] - words[3]));
        if (!a->name || !a->ns || !a->value)
            return false;
    }
    return true;
}

static bool
take_prefixes(struct reader *r, struct netconf_xml *e, const xmlChar **words, int n)
{
    e->prefixes = arena_calloc(r->arena, (size_t)n, sizeof *e->prefixes);
    if (n > 0 && !e->prefixes)
        return false;
    e->n_prefixes = (uint32_t)n;
    for (int i = 0; i < n; i++, words += 2) {
        e->prefixes[i].prefix = copy_of(r->arena, words[0]);
        e->prefixes[i].ns = copy_of(r->arena, words[1]);
        if (!e->prefixes[i].prefix || !e->prefixes[i].ns)
            return false;
    }
    return true;
}

static void
start_element(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
              int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
              const xmlChar **attributes)
{
    struct reader *r = arg;
    (void)prefix, (void)n_defaulted;
    if (r->err)
        return;
    flush_text(r, false);
    if (r->depth++ == NETCONF_XML_DEPTH) {
        fail(r, ERR_LIMIT, "too many elements within each other");
        return;
    }
    struct netconf_xml *e = arena_alloc(r->arena, sizeof *e);
    bool whole = e && (e->name = copy_of(r->arena, name)) && (e->ns = copy_of(r->arena, uri)) &&
                 take_attributes(r, e, attributes, n_attributes) &&
                 take_prefixes(r, e, namespaces, n_namespaces);
    if (!whole) {
        fail(r, ERR_LIMIT, "it takes more memory than is allowed");
        return;
    }
    e->text = "";
    append(r->at, e);
    if (!r->at)
        r->root = e;
    r->at = e;
}

static void
end_element(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct reader *r = arg;
    (void)name, (void)prefix, (void)uri;
    if (r->err)
        return;
    flush_text(r, true);
    r->depth--;
    r->at = r->at->parent;
}

static void
add_text(void *arg, const xmlChar *text, int length)
{
    struct reader *r = arg;
    if (!r->err && r->at)
        buf_put(&r->text, text, (size_t)length);
}

static void
refuse_document_type(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    struct reader *r = arg;
    (void)name, (void)external, (void)system;
    fail(r, ERR_UNSUPPORTED, "a document type declaration, which NETCONF forbids");
    xmlStopParser(r->ctxt);
}

static void
keep_error(void *arg, xmlErrorPtr error)
{
    struct reader *r = arg;
    if (r->err || error->level < XML_ERR_FATAL)
        return;
    size_t length = error->message ? strcspn(error->message, "\n") : 0;
    r->err = diag_set(r->diag, ERR_MALFORMED, "XML, line %d: not well-formed: %.*s", error->line,
                      (int)MIN(length, 200), error->message ? error->message : "");
}

/* What libxml2 would otherwise print, because it does not belong to a parser. */
static void
drop_error(void *arg, xmlErrorPtr error)
{
    (void)arg, (void)error;
}

static void
run(struct reader *r)
{
    xmlSAXHandler handler = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = start_element,
        .endElementNs = end_element,
        .characters = add_text,
        .cdataBlock = add_text,
        .internalSubset = refuse_document_type,
        .serror = keep_error,
    };
    *r->ctxt->sax = handler;
    r->ctxt->sax2 = 1;
    r->ctxt->userData = r;
    xmlCtxtUseOptions(r->ctxt, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlParseDocument(r->ctxt);
    if (!r->err && (!r->ctxt->wellFormed || !r->root || r->depth > 0))
        r->err = diag_set(r->diag, ERR_MALFORMED, "XML: not well-formed");
}

enum err
netconf_xml_parse(const void *text, size_t size, struct arena *arena, struct netconf_xml **root,
                  struct diag *diag)
{
    struct reader r = {.arena = arena, .diag = diag};
    if (size > INT32_MAX)
        return diag_set(diag, ERR_LIMIT, "XML: %zu octets are too many", size);
    if (size == 0)
        return diag_set(diag, ERR_MALFORMED, "XML: nothing is there");
    xmlStructuredErrorFunc others = xmlStructuredError;
    void *others_arg = xmlStructuredErrorContext;
    xmlSetStructuredErrorFunc(NULL, drop_error);
    r.ctxt = xmlCreateMemoryParserCtxt(text, (int)size);
    if (r.ctxt) {
        run(&r);
        xmlFreeDoc(r.ctxt->myDoc); /* libxml2 may make one for itself */
        xmlFreeParserCtxt(r.ctxt);
    } else {
        r.err = diag_set(diag, ERR_LIMIT, "XML: no memory to read it");
    }
    xmlSetStructuredErrorFunc(others, others_arg);
    buf_fini(&r.text);
    if (!r.err)
        *root = r.root;
    return r.err;
}

struct netconf_xml *
netconf_xml_add(struct arena *arena, struct netconf_xml *parent, const char *ns, const char *name,
                const char *text)
{
    struct netconf_xml *e = arena_alloc(arena, sizeof *e);
    if (!e)
        return NULL;
    e->name = arena_strdup(arena, name);
    e->ns = arena_strdup(arena, ns);
    e->text = text && *text ? arena_strdup(arena, text) : "";
    if (!e->name || !e->ns || !e->text)
        return NULL;
    append(parent, e);
    return e;
}

enum err
netconf_xml_set(struct arena *arena, struct netconf_xml *e, const char *ns, const char *name,
                const char *value)
{
    struct netconf_xml_attribute *all = arena_calloc(arena, e->n_attributes + 1, sizeof *all);
    if (!all)
        return ERR_LIMIT;
    if (e->n_attributes)
        memcpy(all, e->attributes, e->n_attributes * sizeof *all);
    struct netconf_xml_attribute *a = &all[e->n_attributes];
    a->name = arena_strdup(arena, name);
    a->ns = arena_strdup(arena, ns);
    a->value = arena_strdup(arena, value);
    if (!a->name || !a->ns || !a->value)
        return ERR_LIMIT;
    e->attributes = all;
    e->n_attributes++;
    return ERR_OK;
}

/* "prefix" of "prefix:name", if that is what the text is: the length of it, else 0. */
static size_t
prefix_length(const char *text)
{
    size_t n = strcspn(text, ": \t\r\n/");
    return text[n] == ':' && n > 0 && text[n + 1] && text[n + 1] != ':' ? n : 0;
}

/* What the prefix of the text means, and then what is behind it; NULL: it has none that means
 * something, and *rest is the whole text. */
static const char *
text_namespace(const struct netconf_xml *e, const char **rest)
{
    char prefix[64];
    const char *text = e->text + strspn(e->text, " \t\r\n");
    size_t n = prefix_length(text);
    *rest = text;
    if (n == 0 || n >= sizeof prefix)
        return NULL;
    memcpy(prefix, text, n);
    prefix[n] = '\0';
    const char *ns = netconf_xml_resolve(e, prefix);
    if (ns)
        *rest = text + n + 1;
    return ns;
}

static bool
declare(struct arena *arena, struct netconf_xml *e, const char *prefix, size_t length,
        const char *ns)
{
    struct netconf_xml_prefix *all = arena_calloc(arena, e->n_prefixes + 1, sizeof *all);
    if (!all)
        return false;
    if (e->n_prefixes)
        memcpy(all, e->prefixes, e->n_prefixes * sizeof *all);
    all[e->n_prefixes].prefix = arena_strndup(arena, prefix, length);
    all[e->n_prefixes].ns = arena_strdup(arena, ns);
    if (!all[e->n_prefixes].prefix || !all[e->n_prefixes].ns)
        return false;
    e->prefixes = all;
    e->n_prefixes++;
    return true;
}

struct netconf_xml *
netconf_xml_copy(struct arena *arena, struct netconf_xml *parent, const struct netconf_xml *from)
{
    struct netconf_xml *e = netconf_xml_add(arena, parent, from->ns, from->name, from->text);
    if (!e)
        return NULL;
    e->mixed = from->mixed;
    for (uint32_t i = 0; i < from->n_attributes; i++) {
        const struct netconf_xml_attribute *a = &from->attributes[i];
        if (netconf_xml_set(arena, e, a->ns, a->name, a->value))
            return NULL;
    }
    const char *rest, *ns = text_namespace(from, &rest);
    const char *text = from->text + strspn(from->text, " \t\r\n");
    if (ns && !declare(arena, e, text, prefix_length(text), ns))
        return NULL;
    for (const struct netconf_xml *child = from->first; child; child = child->next) {
        if (!netconf_xml_copy(arena, e, child))
            return NULL;
    }
    return e;
}

bool
netconf_xml_is(const struct netconf_xml *e, const char *ns, const char *name)
{
    return !strcmp(e->name, name) && (!ns || !*e->ns || !strcmp(e->ns, ns));
}

struct netconf_xml *
netconf_xml_child(const struct netconf_xml *e, const char *ns, const char *name)
{
    for (struct netconf_xml *child = e ? e->first : NULL; child; child = child->next) {
        if (netconf_xml_is(child, ns, name))
            return child;
    }
    return NULL;
}

struct netconf_xml *
netconf_xml_again(const struct netconf_xml *e)
{
    for (struct netconf_xml *other = e->next; other; other = other->next) {
        if (!strcmp(other->name, e->name) && !strcmp(other->ns, e->ns))
            return other;
    }
    return NULL;
}

static size_t
trimmed(const char **text)
{
    *text += strspn(*text, " \t\r\n");
    size_t n = strlen(*text);
    while (n > 0 && strchr(" \t\r\n", (*text)[n - 1]))
        n--;
    return n;
}

const char *
netconf_xml_value(struct arena *arena, const struct netconf_xml *e, const char *name,
                  const char *otherwise)
{
    const struct netconf_xml *child = netconf_xml_child(e, NULL, name);
    if (!child || !arena)
        return child ? child->text : otherwise;
    const char *text = child->text;
    size_t n = trimmed(&text);
    const char *value = text[n] ? arena_strndup(arena, text, n) : text;
    return value ? value : otherwise;
}

const char *
netconf_xml_attribute(const struct netconf_xml *e, const char *ns, const char *name)
{
    for (uint32_t i = 0; i < e->n_attributes; i++) {
        const struct netconf_xml_attribute *a = &e->attributes[i];
        if (!strcmp(a->name, name) && (!ns || !strcmp(a->ns, ns)))
            return a->value;
    }
    return NULL;
}

const char *
netconf_xml_resolve(const struct netconf_xml *e, const char *prefix)
{
    for (; e; e = e->parent) {
        for (uint32_t i = 0; i < e->n_prefixes; i++) {
            if (!strcmp(e->prefixes[i].prefix, prefix))
                return e->prefixes[i].ns;
        }
    }
    return NULL;
}

void
netconf_xml_escape(struct buf *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '&':
            buf_str(out, "&amp;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        case '\r':
            buf_str(out, "&#13;");
            break;
        default:
            buf_u8(out,
                   (unsigned char)*text < ' ' && !strchr("\t\n", *text) ? '?' : (uint8_t)*text);
        }
    }
}

static void
put_attributes(struct buf *out, const struct netconf_xml *e)
{
    bool declared = false;
    for (uint32_t i = 0; i < e->n_attributes; i++) {
        const struct netconf_xml_attribute *a = &e->attributes[i];
        bool base = !strcmp(a->ns, NETCONF_NS);
        if (base && !declared)
            buf_str(out, " xmlns:nc=\"" NETCONF_NS "\"");
        declared |= base;
        if (!*a->ns || base) {
            buf_printf(out, " %s%s=\"", base ? "nc:" : "", a->name);
        } else {
            buf_printf(out, " xmlns:a%u=\"", (unsigned)i);
            netconf_xml_escape(out, a->ns);
            buf_printf(out, "\" a%u:%s=\"", (unsigned)i, a->name);
        }
        netconf_xml_escape(out, a->value);
        buf_u8(out, '"');
    }
}

static void
put_start(struct buf *out, const struct netconf_xml *e, const char *inherited)
{
    const char *rest, *ns = e->first ? NULL : text_namespace(e, &rest);
    buf_printf(out, "<%s", e->name);
    if (strcmp(e->ns, inherited)) {
        buf_str(out, " xmlns=\"");
        netconf_xml_escape(out, e->ns);
        buf_u8(out, '"');
    }
    if (ns) {
        const char *text = e->text + strspn(e->text, " \t\r\n");
        buf_printf(out, " xmlns:%.*s=\"", (int)prefix_length(text), text);
        netconf_xml_escape(out, ns);
        buf_u8(out, '"');
    }
    put_attributes(out, e);
}

static void
indent(struct buf *out, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_str(out, "  ");
}

/* `depth` below 0: no white space. */
static void
put(struct buf *out, const struct netconf_xml *e, const char *inherited, int depth)
{
    indent(out, depth);
    put_start(out, e, inherited);
    if (!e->first && !*e->text) {
        buf_str(out, "/>");
    } else {
        buf_u8(out, '>');
        if (*e->text)
            netconf_xml_escape(out, e->text);
        if (e->first && depth >= 0)
            buf_u8(out, '\n');
        for (const struct netconf_xml *child = e->first; child; child = child->next)
            put(out, child, e->ns, depth < 0 ? depth : depth + 1);
        if (e->first)
            indent(out, depth);
        buf_printf(out, "</%s>", e->name);
    }
    if (depth >= 0)
        buf_u8(out, '\n');
}

void
netconf_xml_put(struct buf *out, const struct netconf_xml *e)
{
    put(out, e, "", -1);
}

void
netconf_xml_put_pretty(struct buf *out, const struct netconf_xml *e, unsigned depth)
{
    put(out, e, "", (int)depth);
}

bool
netconf_xml_same_text(const struct netconf_xml *a, const struct netconf_xml *b)
{
    const char *text_a = a->text, *text_b = b->text;
    size_t n = trimmed(&text_a), m = trimmed(&text_b);
    if (n == m && !memcmp(text_a, text_b, n))
        return true;
    const char *ns_a = text_namespace(a, &text_a), *ns_b = text_namespace(b, &text_b);
    if ((!ns_a && !ns_b) || (ns_a && ns_b && strcmp(ns_a, ns_b)))
        return false;
    n = trimmed(&text_a);
    m = trimmed(&text_b);
    return n == m && !memcmp(text_a, text_b, n);
}

/* Children are few where this is used (entries of lists that we made); those with equal names are
 * tried one with all. */
static bool
has_same(const struct netconf_xml *in, const struct netconf_xml *child)
{
    for (const struct netconf_xml *other = in->first; other; other = other->next) {
        if (!strcmp(other->name, child->name) && netconf_xml_same(other, child))
            return true;
    }
    return false;
}

bool
netconf_xml_same(const struct netconf_xml *a, const struct netconf_xml *b)
{
    bool same_ns = !*a->ns || !*b->ns || !strcmp(a->ns, b->ns);
    if (strcmp(a->name, b->name) || !same_ns || a->n_children != b->n_children)
        return false;
    if (!a->first)
        return netconf_xml_same_text(a, b);
    for (const struct netconf_xml *child = a->first; child; child = child->next) {
        if (!has_same(b, child))
            return false;
    }
    return true;
}

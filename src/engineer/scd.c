/* The file is read as a stream of elements (libxml2's SAX2 interface): a station's file has tens of
 * megabytes, of which a few percent count. A table says which element counts within which; what is
 * not in it is skipped with all that is in it, so Private and foreign elements need no care.
 *
 * A document type declaration ends it at once, before anything is declared in it. After any other
 * error the rest of the file is read and ignored: stopping libxml2 in the middle of an element
 * would free its buffers under the attributes that a handler still looks at. */
#include "engineer/scd_private.h"

#include <libxml/parserInternals.h>
#include <string.h>

void
scd_fail(struct parser *p, enum err err, const char *text)
{
    if (p->err)
        return;
    p->err = diag_set(p->diag, err, "%s", text);
    p->err_line = p->ctxt->input ? (uint32_t)p->ctxt->input->line : 0;
}

/* The root says which namespace the whole file is in. */
static bool
is_scl(struct parser *p, const char *uri)
{
    static const char right[] = "http://www.iec.ch/61850/2003/SCL";
    static const char wrong[] = "http://www.iec.ch/61850/2006/SCL";
    if (p->depth > 1)
        return !strcmp(uri, p->scd->wrong_namespace ? p->scd->wrong_namespace : right);
    if (!strcmp(uri, wrong) || !*uri)
        p->scd->wrong_namespace = *uri ? wrong : "";
    return !strcmp(uri, right) || p->scd->wrong_namespace;
}

static void
start_element(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
              int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
              const xmlChar **attributes)
{
    struct parser *p = arg;
    (void)prefix, (void)n_namespaces, (void)namespaces, (void)n_defaulted;
    if (p->err)
        return;
    const struct scd_row *row = NULL;
    if (p->skipped == 0 && is_scl(p, uri ? (const char *)uri : ""))
        row = scd_find_row(p->stack[p->depth - 1], (const char *)name);
    if (!row && p->depth == 1) {
        scd_fail(p, ERR_MALFORMED, "this is no SCL file: its root is not SCL of IEC 61850-6");
    } else if (!row) {
        p->skipped++;
    } else if (p->depth == SCD_DEPTH_MAX) {
        scd_fail(p, ERR_LIMIT, "too many elements within each other");
    } else {
        struct attributes list = {attributes, n_attributes};
        p->stack[p->depth++] = row->element;
        buf_clear(&p->text);
        if (row->start)
            row->start(p, &list);
    }
}

static void
end_element(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct parser *p = arg;
    (void)name, (void)prefix, (void)uri;
    if (p->err)
        return;
    if (p->skipped > 0) {
        p->skipped--;
        return;
    }
    const struct scd_row *row = scd_row_of(p->stack[--p->depth]);
    if (row->end)
        row->end(p);
    buf_clear(&p->text);
}

static void
add_text(void *arg, const xmlChar *text, int length)
{
    struct parser *p = arg;
    if (p->err || p->skipped > 0 || p->depth < 2 || !scd_row_of(p->stack[p->depth - 1])->end)
        return;
    buf_put(&p->text, text, (size_t)length);
    if (buf_err(&p->text))
        scd_fail(p, ERR_LIMIT, "a value is longer than 255 octets");
}

static void
refuse_document_type(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    struct parser *p = arg;
    (void)name, (void)external, (void)system;
    scd_fail(p, ERR_UNSUPPORTED,
             "the file has a document type declaration, which SCL does not need and which could "
             "make it expand without end or load other files");
    xmlStopParser(p->ctxt);
}

static void
keep_error(void *arg, xmlErrorPtr error)
{
    struct parser *p = arg;
    if (p->err || error->level < XML_ERR_FATAL)
        return;
    size_t length = error->message ? strcspn(error->message, "\n") : 0;
    p->err = diag_set(p->diag, ERR_MALFORMED, "this is not well-formed XML: %.*s",
                      (int)MIN(length, 200), error->message ? error->message : "");
    p->err_line = (uint32_t)MAX(error->line, 0);
}

/* What libxml2 would otherwise print, because it does not belong to a parser. */
static void
drop_error(void *arg, xmlErrorPtr error)
{
    (void)arg, (void)error;
}

/* Now that all data sets are known. */
static void
find_candidates(struct parser *p)
{
    for (const struct scd_unbound *u = p->unbound; u; u = u->next) {
        const struct scd_data_set *set = u->key ? claim_owner(&p->data, u->key, strlen(u->key))
                                                : NULL;
        if (set) {
            u->input->candidate = set->name;
            u->input->ld_inst = set->ld_inst;
        }
    }
}

static void
run(struct parser *p)
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
    *p->ctxt->sax = handler;
    p->ctxt->sax2 = 1;
    p->ctxt->userData = p;
    xmlCtxtUseOptions(p->ctxt, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlParseDocument(p->ctxt);
    if (!p->err && (!p->ctxt->wellFormed || p->depth != 1 || !p->scd->edition))
        p->err = diag_set(p->diag, ERR_MALFORMED, "this is not well-formed XML");
    if (!p->err)
        find_candidates(p);
    claims_free(&p->inputs_by_key);
    claims_free(&p->data);
    buf_fini(&p->text);
}

enum err
scd_parse(const char *text, size_t size, struct arena *arena, struct scd **scd, uint32_t *line,
          struct diag *diag)
{
    struct scd *result = arena_alloc(arena, sizeof *result);
    *line = 0;
    if (size > SCD_TEXT_MAX || !result)
        return diag_set(diag, ERR_LIMIT, "the file has %zu octets, at most %zu are read", size,
                        SCD_TEXT_MAX);
    if (size == 0)
        return diag_set(diag, ERR_MALFORMED, "the file is empty");
    struct parser p = {
        .arena = arena,
        .scd = result,
        .stack = {DOCUMENT},
        .depth = 1,
        .diag = diag,
        .text = buf_limited(SCD_VALUE_MAX),
        .ieds = &result->ieds,
        .access_points = &result->access_points,
        .addresses = &result->addresses,
        .data_sets = &result->data_sets,
        .controls = &result->controls,
        .reports = &result->reports,
        .inputs = &result->inputs,
        .supervisions = &result->supervisions,
    };
    xmlStructuredErrorFunc others = xmlStructuredError;
    void *others_arg = xmlStructuredErrorContext;
    xmlSetStructuredErrorFunc(NULL, drop_error);
    p.ctxt = xmlCreateMemoryParserCtxt(text, (int)size);
    if (p.ctxt) {
        run(&p);
        xmlFreeDoc(p.ctxt->myDoc); /* libxml2 may make one for itself */
        xmlFreeParserCtxt(p.ctxt);
    } else {
        p.err = diag_set(diag, ERR_LIMIT, "there is no memory to read it");
    }
    xmlSetStructuredErrorFunc(others_arg, others);
    *line = p.err_line;
    if (!p.err)
        *scd = result;
    return p.err;
}

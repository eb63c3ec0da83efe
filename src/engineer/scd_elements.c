#include "engineer/scd_private.h"

#include <stdio.h>
#include <string.h>

#define IN(element) (UINT64_C(1) << (element))

static const char too_much[] = "the file says more than can be kept";

static uint32_t
line_of(const struct parser *p)
{
    return (uint32_t)p->ctxt->input->line;
}

static void *
take(struct parser *p, size_t size)
{
    void *block = ++p->n_items <= SCD_ITEMS_MAX ? arena_alloc(p->arena, size) : NULL;
    if (!block)
        scd_fail(p, ERR_LIMIT, too_much);
    return block;
}

static const char *
take_text(struct parser *p, const char *text, size_t length)
{
    if (length > SCD_VALUE_MAX) {
        scd_fail(p, ERR_LIMIT, "a value is longer than 255 octets");
        return NULL;
    }
    char *copy = arena_strndup(p->arena, text, length);
    if (!copy)
        scd_fail(p, ERR_LIMIT, too_much);
    return copy;
}

/* An attribute without prefix, copied; NULL if it is missing or empty. */
static const char *
attribute(struct parser *p, const struct attributes *attributes, const char *name)
{
    for (int i = 0; i < attributes->n; i++) {
        const xmlChar **a = attributes->list + 5 * (size_t)i;
        if (a[1] || strcmp((const char *)a[0], name))
            continue;
        size_t length = (size_t)(a[4] - a[3]);
        return length ? take_text(p, (const char *)a[3], length) : NULL;
    }
    return NULL;
}

/* The same, "" if it is missing. */
static const char *
text_attribute(struct parser *p, const struct attributes *attributes, const char *name)
{
    const char *text = attribute(p, attributes, name);
    return text ? text : "";
}

static bool
flag(struct parser *p, const struct attributes *attributes, const char *name, bool fallback)
{
    const char *text = attribute(p, attributes, name);
    return text ? !strcmp(text, "true") || !strcmp(text, "1") : fallback;
}

/* The text of the element that ends here, without white space around it; NULL if there is none. */
static const char *
end_text(struct parser *p)
{
    const char *text = buf_cstr(&p->text), *end = text + p->text.size;
    while (text < end && strchr(" \t\r\n", *text))
        text++;
    while (end > text && strchr(" \t\r\n", end[-1]))
        end--;
    return end > text ? take_text(p, text, (size_t)(end - text)) : NULL;
}

/* ---- Communication -----------------------------------------------------------------------------
 */

static void
start_voltage_level(struct parser *p, const struct attributes *a)
{
    if (!p->scd->frequency)
        p->scd->frequency = attribute(p, a, "nomFreq");
}

static void
start_subnetwork(struct parser *p, const struct attributes *a)
{
    p->subnet = text_attribute(p, a, "name");
}

static void
start_connected_ap(struct parser *p, const struct attributes *a)
{
    struct scd_access_point *ap = take(p, sizeof *ap);
    if (!ap)
        return;
    ap->ied = text_attribute(p, a, "iedName");
    ap->name = text_attribute(p, a, "apName");
    ap->subnet = p->subnet;
    ap->line = line_of(p);
    p->access_point = *p->access_points = ap;
    p->access_points = &ap->next;
}

static void
start_control_address(struct parser *p, const struct attributes *a, enum scd_service service)
{
    struct scd_address *address = take(p, sizeof *address);
    if (!address)
        return;
    address->service = service;
    address->ied = p->access_point->ied;
    address->ld_inst = text_attribute(p, a, "ldInst");
    address->control = text_attribute(p, a, "cbName");
    address->line = line_of(p);
    p->address = *p->addresses = address;
    p->addresses = &address->next;
}

static void
start_gse(struct parser *p, const struct attributes *a)
{
    start_control_address(p, a, SCD_GOOSE);
}

static void
start_smv(struct parser *p, const struct attributes *a)
{
    start_control_address(p, a, SCD_SV);
}

static void
start_p(struct parser *p, const struct attributes *a)
{
    p->p_type = text_attribute(p, a, "type");
}

struct p_type {
    const char *type, **value;
};

/* The text of a P, to where its type belongs. */
static void
store_p(struct parser *p, const struct p_type *types, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(p->p_type, types[i].type))
            *types[i].value = end_text(p);
    }
}

static void
end_p(struct parser *p)
{
    struct scd_access_point *ap = p->access_point;
    const struct p_type types[] = {{"IP", &ap->ip},
                                   {"IP-SUBNET", &ap->mask},
                                   {"IP-GATEWAY", &ap->gateway},
                                   {"MMS-Port", &ap->mms_port}};
    store_p(p, types, ARRAY_SIZE(types));
}

static void
end_control_p(struct parser *p)
{
    struct scd_address *address = p->address;
    const struct p_type types[] = {{"MAC-Address", &address->mac},
                                   {"APPID", &address->appid},
                                   {"VLAN-ID", &address->vlan_id},
                                   {"VLAN-PRIORITY", &address->vlan_priority}};
    store_p(p, types, ARRAY_SIZE(types));
}

static void
end_min_time(struct parser *p)
{
    p->address->min_time = end_text(p);
}

static void
end_max_time(struct parser *p)
{
    p->address->max_time = end_text(p);
}

/* ---- IEDs --------------------------------------------------------------------------------------
 */

static void
start_ied(struct parser *p, const struct attributes *a)
{
    struct scd_ied *ied = take(p, sizeof *ied);
    if (!ied)
        return;
    ied->name = text_attribute(p, a, "name");
    ied->line = line_of(p);
    p->ied = *p->ieds = ied;
    p->ieds = &ied->next;
    p->ld_inst = "";
}

static void
start_server(struct parser *p, const struct attributes *a)
{
    (void)a;
    p->ied->has_server = true;
}

static void
start_ldevice(struct parser *p, const struct attributes *a)
{
    p->ld_inst = text_attribute(p, a, "inst");
}

static void
start_ln(struct parser *p, const struct attributes *a)
{
    p->ln_class = text_attribute(p, a, "lnClass");
}

static void
start_data_set(struct parser *p, const struct attributes *a)
{
    struct scd_data_set *set = take(p, sizeof *set);
    if (!set)
        return;
    set->ied = p->ied->name;
    set->ld_inst = p->ld_inst;
    set->name = text_attribute(p, a, "name");
    set->line = line_of(p);
    p->data_set = *p->data_sets = set;
    p->data_sets = &set->next;
}

/* What a value takes, by the last part of its name: in GOOSE with tag and length (IEC 61850-8-1
 * clause A.3), in a sample bare (IEC 61850-9-2 clause 8.5). */
static void
add_octets(struct scd_data_set *set, const char *da_name)
{
    static const struct {
        const char *last;
        uint32_t goose, sv;
    } values[] = {
        {"q", 5, 4}, {"t", 10, 8}, {"f", 7, 4}, {"i", 6, 4}, {"stVal", 4, 4}, {"general", 3, 1},
    };
    if (!da_name) { /* a whole data object: value, quality and time; in samples value and quality */
        set->goose_octets += 2 + 4 + 5 + 10;
        set->sv_octets += 8;
        return;
    }
    const char *dot = strrchr(da_name, '.');
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (!strcmp(dot ? dot + 1 : da_name, values[i].last)) {
            set->goose_octets += values[i].goose;
            set->sv_octets += values[i].sv;
            return;
        }
    }
    set->goose_octets += 8;
    set->sv_octets += 8;
}

/* Which data an FCDA or an ExtRef is about. Control characters cannot be in attributes. */
static const char *
data_key(struct parser *p, const struct attributes *a, const char *ied)
{
    static const char *const names[] = {"ldInst", "prefix", "lnClass", "lnInst", "doName"};
    struct buf key = BUF_INIT;
    buf_str(&key, ied);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        buf_printf(&key, "\x1f%s", text_attribute(p, a, names[i]));
    char *copy = arena_strdup(p->arena, buf_cstr(&key));
    buf_fini(&key);
    if (!copy)
        scd_fail(p, ERR_LIMIT, too_much);
    return copy;
}

static void
start_fcda(struct parser *p, const struct attributes *a)
{
    if (++p->n_items > SCD_ITEMS_MAX)
        scd_fail(p, ERR_LIMIT, too_much);
    p->data_set->n_members++;
    add_octets(p->data_set, attribute(p, a, "daName"));
    const char *key = data_key(p, a, p->ied->name);
    if (key)
        claim_text(&p->data, key, p->data_set);
}

static void
start_control(struct parser *p, const struct attributes *a, enum scd_service service)
{
    struct scd_control *control = take(p, sizeof *control);
    if (!control)
        return;
    if (++p->n_controls > SCD_CIRCUITS_MAX)
        scd_fail(p, ERR_LIMIT, too_much);
    control->service = service;
    control->ied = p->ied->name;
    control->ld_inst = p->ld_inst;
    control->name = text_attribute(p, a, "name");
    control->data_set = attribute(p, a, "datSet");
    control->id = attribute(p, a, service == SCD_GOOSE ? "appID" : "smvID");
    control->line = line_of(p);
    control->last_subscriber = &control->subscribers;
    p->control = *p->controls = control;
    p->controls = &control->next;
}

static void
start_gse_control(struct parser *p, const struct attributes *a)
{
    start_control(p, a, SCD_GOOSE);
    if (!p->err)
        p->control->gsse = !strcmp(text_attribute(p, a, "type"), "GSSE");
}

static void
start_sv_control(struct parser *p, const struct attributes *a)
{
    start_control(p, a, SCD_SV);
    if (p->err)
        return;
    p->control->smp_rate = attribute(p, a, "smpRate");
    p->control->nof_asdu = attribute(p, a, "nofASDU");
    p->control->smp_mod = attribute(p, a, "smpMod");
    p->control->unicast = !flag(p, a, "multicast", true);
}

/* IEC 61850-9-2 clause 8.5, table 14: the optional fields of an ASDU. */
static void
start_smv_opts(struct parser *p, const struct attributes *a)
{
    uint32_t octets = 0;
    if (flag(p, a, "refreshTime", false))
        octets += 10;
    if (flag(p, a, "sampleRate", false))
        octets += 4 + 4; /* smpRate, and smpMod of edition 2 */
    if (flag(p, a, "dataSet", false))
        octets += 2 + 65;
    p->control->option_octets = octets;
}

static struct scd_reference *
add_reference(struct parser *p, const char *ied, struct scd_reference ***end)
{
    struct scd_reference *reference = take(p, sizeof *reference);
    if (!reference)
        return NULL;
    reference->ied = ied;
    reference->line = line_of(p);
    **end = reference;
    *end = &reference->next;
    return reference;
}

static void
end_ied_name(struct parser *p)
{
    const char *name = end_text(p);
    if (name)
        add_reference(p, name, &p->control->last_subscriber);
}

static void
start_report_control(struct parser *p, const struct attributes *a)
{
    struct scd_report *report = take(p, sizeof *report);
    if (!report)
        return;
    report->ied = p->ied->name;
    report->ld_inst = p->ld_inst;
    report->name = text_attribute(p, a, "name");
    report->line = line_of(p);
    report->last_client = &report->clients;
    p->report = *p->reports = report;
    p->reports = &report->next;
}

static void
start_client_ln(struct parser *p, const struct attributes *a)
{
    const char *ied = attribute(p, a, "iedName");
    if (++p->n_clients > SCD_CIRCUITS_MAX)
        scd_fail(p, ERR_LIMIT, too_much);
    else if (ied)
        add_reference(p, ied, &p->report->last_client);
}

/* ---- Inputs ------------------------------------------------------------------------------------
 */

static struct scd_input *
new_input(struct parser *p, const struct scd_input *like)
{
    struct scd_input *input = take(p, sizeof *input);
    if (!input)
        return NULL;
    *input = *like;
    *p->inputs = input;
    p->inputs = &input->next;
    return input;
}

/* Remembers which data an unbound ExtRef is about: the data sets may come later in the file. */
static void
remember_unbound(struct parser *p, const struct attributes *a, struct scd_input *input)
{
    struct scd_unbound *unbound = take(p, sizeof *unbound);
    if (!unbound)
        return;
    unbound->input = input;
    unbound->key = data_key(p, a, input->publisher);
    unbound->next = p->unbound;
    p->unbound = unbound;
}

static void
start_ext_ref(struct parser *p, const struct attributes *a)
{
    const char *publisher = attribute(p, a, "iedName");
    if (!publisher) { /* only intAddr: an input that nothing is bound to */
        if (p->ied->n_open++ == 0)
            p->ied->open_line = line_of(p);
        return;
    }
    const char *ld = attribute(p, a, "srcLDInst");
    struct scd_input like = {
        .ied = p->ied->name,
        .publisher = !strcmp(publisher, "@") ? p->ied->name : publisher, /* itself */
        .service = attribute(p, a, "serviceType"),
        .ld_inst = ld ? ld : text_attribute(p, a, "ldInst"),
        .control = attribute(p, a, "srcCBName"),
        .line = line_of(p),
    };
    if (!strcmp(like.publisher, like.ied))
        return; /* stays within the device */
    struct buf key = BUF_INIT;
    buf_printf(&key, "%s\x1f%s\x1f%s\x1f%s\x1f%s", like.ied, like.publisher,
               like.service ? like.service : "", like.control ? like.ld_inst : "",
               like.control ? like.control : "");
    struct scd_input *input = (struct scd_input *)claim_owner(&p->inputs_by_key, key.data,
                                                              key.size);
    if (!input) {
        input = new_input(p, &like);
        if (input)
            claim_key(&p->inputs_by_key, key.data, key.size, input);
        if (input && !input->control)
            remember_unbound(p, a, input);
    }
    buf_fini(&key);
    if (input)
        input->n++;
}

/* IEC 61850-7-4: LGOS.GoCBRef and LSVS.SvCBRef name the control block that is supervised. */
static void
start_doi(struct parser *p, const struct attributes *a)
{
    const char *name = text_attribute(p, a, "name");
    p->in_supervision = (!strcmp(p->ln_class, "LGOS") && !strcmp(name, "GoCBRef")) ||
                        (!strcmp(p->ln_class, "LSVS") && !strcmp(name, "SvCBRef"));
}

static void
start_dai(struct parser *p, const struct attributes *a)
{
    p->in_reference = p->in_supervision && !strcmp(text_attribute(p, a, "name"), "setSrcRef");
}

static void
end_val(struct parser *p)
{
    const char *reference = p->in_reference ? end_text(p) : NULL;
    struct scd_supervision *supervision = reference ? take(p, sizeof *supervision) : NULL;
    if (!supervision)
        return;
    supervision->ied = p->ied->name;
    supervision->reference = reference;
    supervision->service = !strcmp(p->ln_class, "LGOS") ? SCD_GOOSE : SCD_SV;
    supervision->line = line_of(p);
    *p->supervisions = supervision;
    p->supervisions = &supervision->next;
}

static void
start_scl(struct parser *p, const struct attributes *a)
{
    const char *version = text_attribute(p, a, "version");
    const char *revision = text_attribute(p, a, "revision");
    const char *release = text_attribute(p, a, "release");
    char text[3 * SCD_VALUE_MAX + 1];
    snprintf(text, sizeof text, "%s%s%s", version, revision, release);
    p->scd->edition = *text ? take_text(p, text, MIN(strlen(text), SCD_VALUE_MAX)) : "1";
}

/* ---- The table ---------------------------------------------------------------------------------
 */

static const struct scd_row rows[] = {
    {IN(DOCUMENT), "SCL", SCL, start_scl, NULL},
    {IN(SCL), "Substation", SUBSTATION, NULL, NULL},
    {IN(SUBSTATION), "VoltageLevel", VOLTAGE_LEVEL, start_voltage_level, NULL},
    {IN(SCL), "Communication", COMMUNICATION, NULL, NULL},
    {IN(COMMUNICATION), "SubNetwork", SUBNETWORK, start_subnetwork, NULL},
    {IN(SUBNETWORK), "ConnectedAP", CONNECTED_AP, start_connected_ap, NULL},
    {IN(CONNECTED_AP), "Address", ADDRESS, NULL, NULL},
    {IN(ADDRESS), "P", P, start_p, end_p},
    {IN(CONNECTED_AP), "GSE", GSE, start_gse, NULL},
    {IN(CONNECTED_AP), "SMV", SMV, start_smv, NULL},
    {IN(GSE) | IN(SMV), "Address", CONTROL_ADDRESS, NULL, NULL},
    {IN(CONTROL_ADDRESS), "P", CONTROL_P, start_p, end_control_p},
    {IN(GSE), "MinTime", MIN_TIME, NULL, end_min_time},
    {IN(GSE), "MaxTime", MAX_TIME, NULL, end_max_time},
    {IN(SCL), "IED", IED, start_ied, NULL},
    {IN(IED), "AccessPoint", ACCESS_POINT, NULL, NULL},
    {IN(ACCESS_POINT), "Server", SERVER, start_server, NULL},
    {IN(SERVER), "LDevice", LDEVICE, start_ldevice, NULL},
    {IN(LDEVICE), "LN0", LN, start_ln, NULL},
    {IN(LDEVICE) | IN(ACCESS_POINT), "LN", LN, start_ln, NULL},
    {IN(LN), "DataSet", DATA_SET, start_data_set, NULL},
    {IN(DATA_SET), "FCDA", FCDA, start_fcda, NULL},
    {IN(LN), "ReportControl", REPORT_CONTROL, start_report_control, NULL},
    {IN(REPORT_CONTROL), "RptEnabled", RPT_ENABLED, NULL, NULL},
    {IN(RPT_ENABLED), "ClientLN", CLIENT_LN, start_client_ln, NULL},
    {IN(LN), "Inputs", INPUTS, NULL, NULL},
    {IN(INPUTS), "ExtRef", EXT_REF, start_ext_ref, NULL},
    {IN(LN), "DOI", DOI, start_doi, NULL},
    {IN(DOI), "DAI", DAI, start_dai, NULL},
    {IN(DAI), "Val", VAL, NULL, end_val},
    {IN(LN), "GSEControl", GSE_CONTROL, start_gse_control, NULL},
    {IN(LN), "SampledValueControl", SV_CONTROL, start_sv_control, NULL},
    {IN(GSE_CONTROL) | IN(SV_CONTROL), "IEDName", IED_NAME, NULL, end_ied_name},
    {IN(SV_CONTROL), "SmvOpts", SMV_OPTS, start_smv_opts, NULL},
};

const struct scd_row *
scd_find_row(enum element parent, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if ((rows[i].parents & IN(parent)) && !strcmp(rows[i].name, name))
            return &rows[i];
    }
    return NULL;
}

const struct scd_row *
scd_row_of(enum element element)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].element == element)
            return &rows[i];
    }
    return NULL;
}

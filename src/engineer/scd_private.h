/* scd_private.h - a file that is being read: scd.c runs libxml2, scd_elements.c knows the elements.
 */
#ifndef ENGINEER_SCD_PRIVATE_H
#define ENGINEER_SCD_PRIVATE_H

#include "base/buf.h"
#include "engineer/scd.h"
#include "model/claim.h"

#include <libxml/parser.h>

enum element {
    DOCUMENT,
    SCL,
    SUBSTATION,
    VOLTAGE_LEVEL,
    COMMUNICATION,
    SUBNETWORK,
    CONNECTED_AP,
    ADDRESS,
    P,
    GSE,
    SMV,
    CONTROL_ADDRESS,
    CONTROL_P,
    MIN_TIME,
    MAX_TIME,
    IED,
    ACCESS_POINT,
    SERVER,
    LDEVICE,
    LN,
    DATA_SET,
    FCDA,
    REPORT_CONTROL,
    RPT_ENABLED,
    CLIENT_LN,
    INPUTS,
    EXT_REF,
    DOI,
    DAI,
    VAL,
    GSE_CONTROL,
    SV_CONTROL,
    IED_NAME,
    SMV_OPTS,
    ELEMENT_MAX
};

struct attributes {
    const xmlChar **list; /* as libxml2 gives them: five pointers each */
    int n;
};

struct parser {
    xmlParserCtxtPtr ctxt;
    struct arena *arena;
    struct scd *scd;
    enum element stack[SCD_DEPTH_MAX];
    size_t depth;
    size_t skipped;               /* elements open within one that does not count */
    size_t n_items;               /* kept */
    size_t n_controls, n_clients; /* of which these become circuits */
    enum err err;                 /* the first */
    uint32_t err_line;
    struct diag *diag;

    /* Where we are. */
    const char *subnet;
    struct scd_access_point *access_point;
    struct scd_address *address;
    const char *p_type;
    struct buf text; /* of the element whose text counts */
    struct scd_ied *ied;
    const char *ld_inst;
    const char *ln_class;
    bool in_supervision; /* in the DOI of an LGOS or LSVS that names a control block */
    bool in_reference;   /* ... in the DAI that does */
    struct scd_data_set *data_set;
    struct scd_control *control;
    struct scd_report *report;

    /* Ends of the lists, and what is known by its key. */
    struct scd_ied **ieds;
    struct scd_access_point **access_points;
    struct scd_address **addresses;
    struct scd_data_set **data_sets;
    struct scd_control **controls;
    struct scd_report **reports;
    struct scd_input **inputs;
    struct scd_supervision **supervisions;
    struct claim *inputs_by_key, *data; /* struct scd_input, struct scd_data_set */
    struct scd_unbound *unbound;
};

/* An unbound ExtRef whose data set is looked up when all are known. */
struct scd_unbound {
    struct scd_input *input;
    const char *key;
    struct scd_unbound *next;
};

/* An element that counts: within which others, and what to do where it starts and ends. */
struct scd_row {
    uint64_t parents; /* a bit per enum element */
    const char *name;
    enum element element;
    void (*start)(struct parser *, const struct attributes *);
    void (*end)(struct parser *); /* not NULL: the element's text counts */
};

/* NULL: no such element counts there. */
const struct scd_row *scd_find_row(enum element parent, const char *name);
const struct scd_row *scd_row_of(enum element);

/* From here on the file is ignored; the first error stays. */
void scd_fail(struct parser *, enum err, const char *text);

#endif

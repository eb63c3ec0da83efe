/* scd.h - reads what an SCD file (IEC 61850-6) says about communication: who is there, with which
 * addresses, who publishes what, and who listens.
 *
 * Editions 1 (2003), 2 (2007A, B) and 2.1 (2007B4), in the namespace 2003/SCL, in 2006/SCL that
 * some tools write instead, or in none. Elements of other namespaces, Private elements and all that
 * is not about communication are skipped. The file comes from anywhere: a document type declaration
 * is refused (so there are no entities to expand or to fetch), nothing is loaded from anywhere, and
 * size, depth, lengths and memory are bounded. */
#ifndef ENGINEER_SCD_H
#define ENGINEER_SCD_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SCD_TEXT_MAX ((size_t)64 << 20)    /* octets of a file */
#define SCD_MEMORY_MAX ((size_t)256 << 20) /* octets of what is kept of it */
#define SCD_ITEMS_MAX 1000000              /* elements that count */
#define SCD_CIRCUITS_MAX 50000             /* control blocks, and clients of reports */
#define SCD_DEPTH_MAX 64                   /* elements within each other, among those that count */
#define SCD_VALUE_MAX 255                  /* octets of an attribute or text that counts */

/* Texts live in the arena that scd_parse() was given. Those that may be missing are NULL. `line` is
 * where the element's start tag ends. Lists are in the file's order. */

struct scd_ied {
    const char *name;
    uint32_t line;
    bool has_server;
    uint32_t n_open, open_line; /* ExtRefs that are bound to nothing, and the first */
    struct scd_ied *next;
};

/* ConnectedAP. */
struct scd_access_point {
    const char *ied, *name, *subnet;
    const char *ip, *mask, *gateway, *mms_port; /* P elements of these types */
    uint32_t line;
    struct scd_access_point *next;
};

enum scd_service { SCD_GOOSE, SCD_SV };

/* GSE or SMV in a ConnectedAP. */
struct scd_address {
    enum scd_service service;
    const char *ied, *ld_inst, *control;
    const char *mac, *appid, *vlan_id, *vlan_priority; /* as they are written */
    const char *min_time, *max_time;                   /* milliseconds, as written */
    uint32_t line;
    struct scd_address *next;
};

/* DataSet. */
struct scd_data_set {
    const char *ied, *ld_inst, *name;
    uint32_t n_members;    /* FCDA elements */
    uint32_t goose_octets; /* estimate of its values in a GOOSE message */
    uint32_t sv_octets;    /* ... in a sample */
    uint32_t line;
    struct scd_data_set *next;
};

/* IEDName in a control block, ClientLN in a report control block. */
struct scd_reference {
    const char *ied;
    uint32_t line;
    struct scd_reference *next;
};

/* GSEControl or SampledValueControl. */
struct scd_control {
    enum scd_service service;
    const char *ied, *ld_inst, *name;
    const char *data_set, *id; /* `id`: appID or smvID */
    bool gsse;                 /* a GSEControl of type GSSE */
    bool unicast;              /* a SampledValueControl with multicast="false" */
    const char *smp_rate, *nof_asdu, *smp_mod;
    uint32_t option_octets; /* of an ASDU, for what SmvOpts adds */
    uint32_t line;
    struct scd_reference *subscribers, **last_subscriber;
    struct scd_control *next;
};

/* ReportControl with clients. */
struct scd_report {
    const char *ied, *ld_inst, *name;
    uint32_t line;
    struct scd_reference *clients, **last_client;
    struct scd_report *next;
};

/* ExtRefs of one IED that refer to the same control block, or to the same IED without saying which
 * control block; counted, with the first of them. */
struct scd_input {
    const char *ied;       /* who listens */
    const char *publisher; /* iedName */
    const char *service;   /* serviceType; NULL: not said */
    const char *ld_inst;   /* srcLDInst, or else ldInst */
    const char *control;   /* srcCBName; NULL: unbound */
    const char *candidate; /* of an unbound one, the data set that has its data; NULL: none has */
    uint32_t line, n;
    struct scd_input *next;
};

/* LGOS or LSVS: a subscription that is supervised, "IEDNameLDInst/LLN0.control". */
struct scd_supervision {
    const char *ied, *reference;
    enum scd_service service;
    uint32_t line;
    struct scd_supervision *next;
};

struct scd {
    const char *edition;         /* "1", "2007A", "2007B4" ... */
    const char *wrong_namespace; /* NULL: it is the right one */
    const char *frequency;       /* nomFreq of the first VoltageLevel that says it */
    struct scd_ied *ieds;
    struct scd_access_point *access_points;
    struct scd_address *addresses;
    struct scd_data_set *data_sets;
    struct scd_control *controls;
    struct scd_report *reports;
    struct scd_input *inputs;
    struct scd_supervision *supervisions;
};

/* Reads it into the arena, of SCD_MEMORY_MAX. ERR_MALFORMED: it is not well-formed XML, or not SCL;
 * ERR_UNSUPPORTED: it has a document type declaration; ERR_LIMIT: it is too large, too deep, or has
 * a value that is too long. `diag` and `*line` say what and where. */
MUST_CHECK enum err scd_parse(const char *text, size_t size, struct arena *, struct scd **,
                              uint32_t *line, struct diag *);

#endif

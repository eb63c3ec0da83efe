/* advisory_private.h - between the reader and the matcher. */
#ifndef ADVISORY_ADVISORY_PRIVATE_H
#define ADVISORY_ADVISORY_PRIVATE_H

#include "advisory/advisory.h"
#include "advisory/vendor.h"
#include "advisory/version.h"

/* What can be bought, or what runs on it. Texts are the arena's. */
struct product {
    const char *id, *name;
    const char *vendor;   /* as vendor_name() has it; "": not told */
    const char *model;    /* its name, in words; "": not told */
    const char **numbers; /* model numbers and stock keeping units, with '*' and '?' */
    size_t n_numbers;
    const char *cpe_product; /* in words; NULL */
    bool has_range;
    struct version_range range;
    size_t index; /* of its advisory */
};

struct listed {
    const struct product **products;
    size_t n;
};

struct remedy {
    const char *text, *url;
    struct listed products; /* none: of all */
};

struct score {
    double base;
    const char *severity;
    struct listed products;
};

struct vulnerability {
    const char *cve, *title;
    struct listed affected, not_affected, investigated;
    struct remedy *remedies;
    struct score *scores;
    size_t n_remedies, n_scores;
};

struct advisory {
    const char *id, *title, *publisher;
    struct vulnerability *vulnerabilities;
    size_t n_vulnerabilities, n_products;
    struct advisory *next;
};

struct advisories {
    struct arena *arena;
    struct advisory *first, **end;
    size_t n;
};

/* Letters and digits in small letters, everything else one blank: "cpu 315 2 pn dp". In `words`, of
 * `size` octets; what has no room is cut. */
const char *advisory_words(const char *text, char *words, size_t size);

#endif

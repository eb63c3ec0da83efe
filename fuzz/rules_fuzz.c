/* Rules of others: a text in the plain format, or as Stanford's. Whatever it is, what was read is
 * judged, findings can be told in words, and the budget holds. */
#include "engineer/import_rules.h"
#include "engineer/import_stanford.h"
#include "fuzz.h"

#include <string.h>

#define BUDGET ((size_t)1 << 20)

static void
judge(struct imported *imp)
{
    struct imported_change change;
    struct imported_finding *findings;
    struct atoms_size size;
    struct buf out = BUF_INIT;
    uint32_t n;
    if (!imported_atoms(imp))
        return;
    atoms_get_size(imported_atoms(imp), &size);
    check(size.memory <= BUDGET);
    check(imported_audit(imp, &change, NULL) == ERR_OK);
    imported_findings(imp, &change, 20, &findings, &n);
    for (uint32_t i = 0; i < n; i++)
        imported_format(&findings[i], &out);
    imported_findings_free(findings, n);
    buf_fini(&out);
}

static void
read_plain(struct imported *imp, const char *text, size_t size)
{
    struct import_options options = {.steps = 200};
    struct import_tally tally;
    struct labels *labels;
    struct labels_report report;
    struct diag diag = {""};
    if (import_rules(imp, &labels, text, size, &options, &tally, &diag)) {
        check(*diag.text != '\0');
        return;
    }
    if (!labels)
        return;
    labels_judge(labels, true, 20, &report);
    labels_report_fini(&report);
    labels_free(labels);
}

/* Topology, an empty line, VLANs, an empty line, updates. */
static void
read_stanford(struct imported *imp, const char *text, size_t size)
{
    const char *parts[3] = {text, "", ""};
    size_t sizes[3] = {size, 0, 0};
    struct diag diag = {""};
    struct import_reader reader;
    struct import_update update;
    struct imported_change change;
    static struct import_line line;
    bool more = true;
    for (int i = 0; i < 2; i++) {
        const char *gap = sizes[i] ? memmem(parts[i], sizes[i], "\n\n", 2) : NULL;
        if (!gap)
            break;
        parts[i + 1] = gap + 2;
        sizes[i + 1] = sizes[i] - (size_t)(gap + 2 - parts[i]);
        sizes[i] = (size_t)(gap - parts[i]);
    }
    if (import_stanford(imp, parts[0], sizes[0], parts[1], sizes[1], &diag) ||
        imported_seal(imp, &diag) || import_open(&reader, parts[2], sizes[2], &diag)) {
        check(*diag.text != '\0');
        return;
    }
    while (!import_stanford_next(&reader, &line, &update, &more, &diag) && more) {
        if (!import_stanford_port(imp, &update, &diag))
            (void)!import_apply(imp, &update, &change, &diag);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct imported *imp = imported_new(&(struct imported_config){.budget = BUDGET, .steps = 2000});
    if (data[0] == 's')
        read_stanford(imp, (const char *)data + 1, size - 1);
    else
        read_plain(imp, (const char *)data, size);
    judge(imp);
    imported_free(imp);
    return 0;
}

/* cli_problem.h - what the server says about what went wrong, or what it found, in lines. Pure. */
#ifndef CLI_CLI_PROBLEM_H
#define CLI_CLI_PROBLEM_H

#include "base/buf.h"

#include <jansson.h>

/* One line without its end for a problem document (RFC 9457; NULL: there was none), then findings
 * and wrong rows, each on a line of its own. */
void problem_text(struct buf *, int status, const json_t *problem);

/* "hosts.csv:7:12: error: host rtu-a: port: text [code]", of a finding or of a report's wrong row;
 * a finding may also be a text. Each with a line feed. */
void finding_text(struct buf *, const json_t *finding);
void findings_text(struct buf *, const json_t *findings);
/* The wrong rows of a report (model/report.h). */
void rows_text(struct buf *, const json_t *rows);
/* Changes, findings and the sums of a report. */
void report_text(struct buf *, const json_t *report);

#endif

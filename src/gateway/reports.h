/* reports.h - the answer where changes of the model are reported. */
#ifndef GATEWAY_REPORTS_H
#define GATEWAY_REPORTS_H

#include "gateway/request.h"

/* The report as the answer. Where something was to be changed and nothing was, because there are
 * errors, a problem that tells of the first and has all findings. */
api_next_fn api_answer_report;

#endif

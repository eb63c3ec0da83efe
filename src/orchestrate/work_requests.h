/* work_requests.h - what people and machines ask about work orders: doc/architecture.md. */
#ifndef ORCHESTRATE_WORK_REQUESTS_H
#define ORCHESTRATE_WORK_REQUESTS_H

#include "orchestrate/requests.h"

request_fn work_submit, work_decide, work_cancel, work_list, work_get;

#endif

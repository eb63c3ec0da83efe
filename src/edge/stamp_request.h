/* stamp_request.h - what `test.start` asks for and what it answers, as JSON (doc/assure.md). Pure.
 */
#ifndef EDGE_STAMP_REQUEST_H
#define EDGE_STAMP_REQUEST_H

#include "edge/stamp_frame.h"
#include "proto/stamp/stamp_sender.h"

#include <jansson.h>

#define STAMP_TEST_ID_MAX 63 /* characters */
#define STAMP_TEST_PACKETS_MAX 100000
#define STAMP_TEST_INTERVAL_MIN (200 * NSEC_PER_USEC) /* 5000 packets a second */
#define STAMP_TEST_INTERVAL_MAX (10 * NSEC_PER_SEC)
#define STAMP_TEST_TIMEOUT_MAX (10 * NSEC_PER_SEC)
#define STAMP_TEST_DURATION_MAX (600 * NSEC_PER_SEC) /* from the first packet to the last */

struct stamp_request {
    char id[STAMP_TEST_ID_MAX + 1];
    struct stamp_headers headers;
    uint32_t count;
    nsec_t interval, timeout;
    uint32_t payload_size; /* of UDP */
    bool management;       /* answered over the management network, not in-band */
    unsigned n_reflectors;
    uint32_t reflectors[STAMP_MAX_REFLECTORS]; /* IPv4, host order */
};

/* Reads the parameters. ERR_INVALID: something is missing, unknown, or out of its limits, and
 * `diag` says what. On error `*request` is untouched. */
MUST_CHECK enum err stamp_request_read(const json_t *params, struct stamp_request *, struct diag *);
/* The "id" of `test.stop`, borrowed. */
MUST_CHECK enum err stamp_request_read_id(const json_t *params, const char **id, struct diag *);

/* Octets of the frame. */
static inline uint32_t
stamp_request_frame_size(const struct stamp_request *r)
{
    return stamp_headers_size(&r->headers) + r->payload_size;
}

/* What the sender's results do not say. */
struct stamp_outcome {
    uint32_t sent;
    nsec_t span;          /* from the first packet sent to the last */
    uint32_t n_stamped;   /* packets of which the kernel said when they left */
    bool kernel_arrivals; /* ... and of all answers, when they came */
};

/* The answer. The sender's reflectors are those of the request, in its order; its test is over. The
 * caller owns the result. */
json_t *stamp_request_answer(const struct stamp_request *, const struct stamp_sender *,
                             const struct stamp_outcome *);

#endif

/* exchange.h - what a node is asked to measure, and what it says it measured: the parameters and
 * the answer of its method `test.start` (doc/edge.md). Pure.
 *
 * A node's answer is another program's word: everything in it is checked, what is not known is
 * passed over, and numbers that contradict each other are an error. */
#ifndef ASSURE_EXCHANGE_H
#define ASSURE_EXCHANGE_H

#include "assure/load.h"
#include "assure/sessions.h"

#include <jansson.h>

/* After this a test packet that was not answered is lost. Long against any latency budget of the
 * model, so that a packet counts as lost, not as late, only if it is. */
#define TEST_TIMEOUT NSEC_PER_SEC

/* {"id", "template", "count", ...}. The caller owns the result. */
json_t *test_start_params(const struct test_session *, const struct load *, const char *id);

/* The longest the node takes to answer. */
nsec_t test_start_duration(const struct load *);

/* What happened to packets one way, or there and back. */
struct measured_way {
    uint32_t sent, received, lost;
    bool has_latency; /* of the packets that came back; one way, it is a difference of two clocks,
                       * which may be negative */
    nsec_t min, p50, p99, max;
    nsec_t jitter; /* RFC 3393, mean */
};

enum timestamp_source {
    TIMESTAMP_APPLICATION,
    TIMESTAMP_KERNEL,
    TIMESTAMP_HARDWARE,
    TIMESTAMP_MAX
};
const char *timestamp_source_word(enum timestamp_source);       /* static */
enum timestamp_source timestamp_source_from_word(const char *); /* TIMESTAMP_MAX: no such word */

/* About one receiver. */
struct measured {
    struct measured_way round_trip, forward, backward;
    bool has_directions;   /* the reflector counts, so `forward` and `backward` have counts ... */
    uint32_t unattributed; /* ... but for these losses, which could have been either way */
    bool synchronised;     /* both clocks said so in every packet */
    enum timestamp_source timestamps; /* the reflector's; TIMESTAMP_MAX: it never answered */
};

struct node_answer {
    uint32_t sent;
    uint32_t size; /* of the frames */
    nsec_t span;   /* from the first packet sent to the last */
    enum timestamp_source timestamps;
    uint32_t n;
    struct measured *receivers; /* as many as the session has, in its order */
};

/* ERR_MALFORMED: it is no such answer, contradicts itself, or is about none or more packets than
 * were asked for; `diag` says where. A receiver the
 * answer does not mention got nothing: all its packets are lost. */
MUST_CHECK enum err node_answer_read(const json_t *, const struct test_session *,
                                     const struct load *, struct node_answer *, struct diag *);
void node_answer_fini(struct node_answer *);

#endif

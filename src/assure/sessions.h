/* sessions.h - from a circuit to the STAMP test sessions that prove it. Pure.
 *
 * A session sends from one node, over the test conversation that the circuit's rules contain beside
 * the circuit's own (engineer/compile.h, "Tests"), so a test packet meets the circuit's own groups,
 * meters and queues. There is one session per path:
 *
 * IP. From the client's node; the server's node reflects in-band, over the rules of the server's
 * answers. So one session measures both directions and the round trip.
 *
 * Multicast. From the publisher's node to all subscribers' nodes. There is no way back by which a
 * multicast could be answered: the reflectors answer over the management network, and only the way
 * there is measured. A session has at most SESSION_RECEIVERS of them; more make more sessions.
 *
 * What cannot be tested by design is a finding, not an error: both ends at one node, a node without
 * a tester, no failover path. That it is not there today is for the test to find out. */
#ifndef ASSURE_SESSIONS_H
#define ASSURE_SESSIONS_H

#include "model/finding.h"
#include "model/model.h"

enum test_path { PATH_PRIMARY, PATH_FAILOVER, TEST_PATH_MAX }; /* limits.h has a PATH_MAX */
enum test_direction { DIRECTION_FORWARD, DIRECTION_BACKWARD, DIRECTION_MAX };

const char *test_path_word(enum test_path);           /* "primary"; static */
enum test_path test_path_from_word(const char *);     /* TEST_PATH_MAX: no such word, or NULL */
const char *test_direction_word(enum test_direction); /* "forward"; static */
enum test_direction test_direction_from_word(const char *);

#define SESSION_RECEIVERS 32 /* STAMP_MAX_REFLECTORS of a node's sender */

/* The headers of a test packet as it enters the network at its sender's LOCAL port. */
struct test_frame {
    struct mac source, destination;
    int vlan_id; /* VLAN_UNTAGGED, or 0 to 4094 */
    uint8_t vlan_priority;
    uint32_t ipv4_source, ipv4_destination; /* host order */
    uint16_t udp_source, udp_destination;
};

/* A node that reflects, for the hosts at it that receive the circuit. */
struct test_receiver {
    char *node;
    uint32_t address; /* by which it answers; IPv4, host order */
    uint32_t n_hosts;
    char **hosts;
};

struct test_session {
    enum test_path path;
    char *node; /* the sender */
    char *host; /* whose packets the test imitates: the client or the publisher */
    bool in_band;
    struct test_frame frame;
    uint32_t n_receivers;
    struct test_receiver *receivers; /* of an IP circuit: one */
};

struct test_sessions {
    uint32_t n, capacity;
    struct test_session *list; /* primary before failover */
};

#define TEST_PRIMARY (1u << PATH_PRIMARY)
#define TEST_FAILOVER (1u << PATH_FAILOVER)
#define TEST_BOTH_PATHS (TEST_PRIMARY | TEST_FAILOVER)

/* Appends to `sessions` (zero-initialised, or from an earlier call) those for the `paths` of a
 * circuit with this design; to `findings` (NULL is fine) what of it cannot be tested.
 * ERR_NOT_FOUND, ERR_CONFLICT: the design names what is not there any more; nothing was added. */
MUST_CHECK enum err test_sessions_make(const struct network *, const struct circuit *,
                                       const struct design *, unsigned paths,
                                       struct test_sessions *, struct findings *, struct diag *);
void test_sessions_fini(struct test_sessions *); /* empty again */

#endif

/* stamp_agent.h - the tester of a node: sends STAMP tests (RFC 8762, RFC 8972) as `test.start` asks
 * for them (doc/assure.md), and reflects those of others. As good as pure: frames, payloads and
 * times come in by calls and go out by the callbacks of struct stamp_agent_io.
 *
 * A test packet enters the network at the node's LOCAL port and leaves it at another's, over the
 * rules of the test conversation of a circuit (engineer/compile.h, "Tests"). What is sent to a
 * group is answered over the management network: from our management address and port 862, to the
 * packet's IPv4 source address and UDP source port; all else by the way it came.
 *
 * Each test has an SSID of its own, so that the reflector's counting starts anew with it, and
 * several tests of one circuit do not disturb each other.
 *
 * Times. T1 and T3 are the kernel's where it reports when a frame left its port, else the time of
 * the call that sends it; T2 and T4 are what came with the frame. A frame's waiting in the queues
 * of the node that sends it is in them only where the kernel does not report: a latency is from
 * port to port. T3 is written into the frame when it leaves (`stamp_offset`), and what the kernel
 * says follows in the next answer (Follow-Up Telemetry). All timestamps on the wire are of UTC, in
 * PTP's format. */
#ifndef EDGE_STAMP_AGENT_H
#define EDGE_STAMP_AGENT_H

#include "base/time.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAMP_AGENT_MAX_TESTS 64
#define STAMP_AGENT_MAX_PPS 20000       /* packets a second of all tests that run */
#define STAMP_AGENT_MAX_SAMPLES 1000000 /* answers whose times all tests that run may keep */
#define STAMP_AGENT_MAX_SESSIONS 4096   /* that are reflected */
/* After that long without a packet a reflected session is forgotten. No test is as slow. */
#define STAMP_AGENT_SESSION_IDLE (30 * NSEC_PER_SEC)

struct stamp_agent; /* Opaque; not thread-safe. */

/* None of them may call the agent. */
struct stamp_agent_io {
    /* Sends a frame as if it came from the LOCAL port. If `stamp_offset` is not 0, the wall clock
     * is written there when the frame leaves: 4 octets of seconds since 1970, 4 of nanoseconds. If
     * `tx_token` is not 0, stamp_agent_transmitted() says when it left, if the kernel does. On an
     * error the test it belongs to ends with it, so as not to count as a loss of the network. */
    enum err (*send)(void *arg, const uint8_t *frame, uint32_t size, uint16_t stamp_offset,
                     uint32_t tx_token);
    /* A UDP payload from our management address, port 862. Failure is a loss. */
    enum err (*management_send)(void *arg, uint32_t to, uint16_t to_port, const uint8_t *payload,
                                size_t size);
    /* From now on what comes to this UDP port of our management address is for
     * stamp_agent_management(), or no more. In turns for each port. */
    enum err (*management_listen)(void *arg, uint16_t port, bool on, struct diag *);
    nsec_t (*now)(void *arg);  /* monotonic */
    nsec_t (*wall)(void *arg); /* UTC */
    /* Does the wall clock follow UTC by an external source, and within what? */
    bool (*clock_is_synchronised)(void *arg, nsec_t *error);
    /* stamp_agent_run() is to be called at this time of `now`; NSEC_NEVER: not at all. Replaces
     * what was said before. Never called when nothing has changed. */
    void (*wake_at)(void *arg, nsec_t at);
    void *arg;
};

struct stamp_agent_config {
    struct stamp_agent_io io;
    uint32_t management_address; /* IPv4, host order; 0: there is none, nothing is sent to groups */
    uint64_t seed;               /* of the SSIDs: another one after each start */
    unsigned max_sessions;       /* that are reflected; 0: STAMP_AGENT_MAX_SESSIONS */
};

/* Never NULL. */
struct stamp_agent *stamp_agent_new(const struct stamp_agent_config *);
/* Tests that run end with ERR_CLOSED. NULL is fine. */
void stamp_agent_free(struct stamp_agent *);

/* Who started a test. */
struct stamp_agent_owner {
    /* The end, once, never from inside stamp_agent_start(). ERR_OK: `answer` is what doc/assure.md
     * says, borrowed. ERR_CLOSED: stopped. Others: a packet could not be sent. May call the agent,
     * but not free it. */
    void (*done)(void *arg, enum err, const char *text, json_t *answer);
    /* False: nobody waits for the answer any more, and the test ends, with ERR_CLOSED. May be NULL.
     */
    bool (*is_waiting)(void *arg);
    void *arg;
};

/* Starts a test. ERR_INVALID: its parameters. ERR_EXISTS: one of this name runs. ERR_BUSY: as many
 * as can be run already, or they send as much as can be sent, or their management port is in use.
 * On error `done` is not called. */
MUST_CHECK enum err stamp_agent_start(struct stamp_agent *, const json_t *params,
                                      const struct stamp_agent_owner *, struct diag *);
/* Ends a test early, of which the parameters have the "id". ERR_INVALID; ERR_NOT_FOUND: no such
 * test runs. `done` is called before it returns. */
MUST_CHECK enum err stamp_agent_stop(struct stamp_agent *, const json_t *params, struct diag *);

/* A frame that came to the LOCAL port, and when, on the wall clock; by the kernel's word or not.
 * What is no test packet is counted and dropped. */
void stamp_agent_local(struct stamp_agent *, const uint8_t *frame, size_t size, uint32_t in_port,
                       nsec_t rx_time, bool kernel_time);
/* A UDP payload that came to a port of our management address. */
void stamp_agent_management(struct stamp_agent *, uint32_t from, uint16_t from_port, uint16_t port,
                            const uint8_t *payload, size_t size, nsec_t rx_time);
/* The kernel says when a frame left. Unknown tokens are ignored, and so is a second report, of a
 * frame that left by several ports. */
void stamp_agent_transmitted(struct stamp_agent *, uint32_t tx_token, nsec_t wall);
/* Does what is due. */
void stamp_agent_run(struct stamp_agent *);

unsigned stamp_agent_n_tests(const struct stamp_agent *);

/* {"running", "sessions", and counters by name}, for people. The caller owns the result. */
json_t *stamp_agent_status(const struct stamp_agent *);

#endif

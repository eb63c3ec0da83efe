/* capture.h - captures of a node's traffic, as its clients ask for them: what the tap has copied
 * (tap.h) becomes pcapng (pcapng.h), which is read in pieces.
 *
 * A capture ends at its limits, when it is stopped, or when nobody has read for CAPTURE_ABANDONED;
 * what was captured until then can still be read for as long. Memory is bounded: a ring for each
 * capture, and CAPTURE_BUFFER octets that nobody has read yet; what finds no room is lost, counted,
 * and said in the file. What the kernel forwards by itself (fast_path.h) it leaves to the packet
 * threads while somebody captures. Handlers work the same for local clients and for the controller.
 * Not thread-safe: the loop's thread only. */
#ifndef EDGE_CAPTURE_H
#define EDGE_CAPTURE_H

#include "edge/tap.h"
#include "edge/worker.h"
#include "io/rpc.h"

#define CAPTURE_RING (4u << 20)            /* octets between packet thread and control thread */
#define CAPTURE_BUFFER ((size_t)8 << 20)   /* octets of pcapng that wait to be read */
#define CAPTURE_READ_MAX ((size_t)1 << 20) /* octets in one answer */
#define CAPTURE_ABANDONED (10 * NSEC_PER_SEC)
#define CAPTURE_RATE 100000u /* packets a second, unless the client says otherwise */

/* The node's view of its ports for the files. */
struct capture_config {
    struct datapath *datapath;
    struct workers *workers;
    struct fast_path *fast; /* NULL: there is none */
    const char *node;       /* its name, not copied */
    struct edge_port *ports[MAX_PORTS];
    uint32_t n_ports;
};

struct captures; /* Opaque. */

struct captures *captures_new(uv_loop_t *, const struct capture_config *);
/* Ends all; requests that wait are answered. NULL is fine. */
void captures_end(struct captures *);
/* After captures_end(), and after the worker is freed. NULL is fine. */
void captures_free(struct captures *);

/* For the mirror (mirror.h), once at a time: copies into `taken`, a ring of each packet thread, of
 * which there are as many as is returned. */
unsigned captures_begin_mirror(struct captures *, const struct tap_filter *,
                               struct tap_capture **taken);
/* Frees them. */
void captures_end_mirror(struct captures *, struct tap_capture **taken);
uint32_t captures_slots(const struct captures *); /* of a record, and what is counted by */

#define CAPTURE_START_USAGE                                                                        \
    "{ports?: [N | \"LOCAL\" | \"CONTROLLER\"], direction?: \"in\" | \"out\" | \"both\", match?, " \
    "cookie?, cookie-mask?, drops?: true | REASON, snap?, packets-per-second?, count?, octets?, "  \
    "seconds?}"
#define CAPTURE_READ_USAGE "{capture, wait-ms?, octets?}"
#define CAPTURE_STOP_USAGE "{capture}"

/* Answers {capture}. */
void captures_start(struct captures *, struct rpc_request *, const json_t *params);
/* Answers {data: base64, frames, lost, over, reason?} when there is data, or it is over, or after
 * `wait-ms`. Behind the answer that says `over` with less than was asked for, it is forgotten. */
void captures_read(struct captures *, struct rpc_request *, const json_t *params);
void captures_stop(struct captures *, struct rpc_request *, const json_t *params);

/* The filter of the parameters. ERR_INVALID: which is wrong, and why. */
MUST_CHECK enum err capture_filter_parse(const json_t *params, struct tap_filter *, struct diag *);
/* What a record's comment says: "dropped: no_match (...); in port 3". */
void capture_comment(const struct tap_record *, struct buf *);

#endif

/* trace.h - `edge.trace`: what would happen to a packet, in words, and as an object for programs.
 * The words are pipeline_trace()'s. Nothing is counted, nothing is sent. */
#ifndef EDGE_TRACE_H
#define EDGE_TRACE_H

#include "edge/pipeline.h"

#include <jansson.h>

#define TRACE_FRAME_MAX PACKET_ROOM

struct trace_packet {
    uint32_t in_port;
    uint32_t size;
    uint8_t frame[TRACE_FRAME_MAX];
};

/* From {"in-port": 4, "frame": "0200..."}, or from fields: {"in-port": 4, "ipv4-dst": "10.1.0.5",
 * "tcp-dst": 502}, of which the smallest frame that has them is made; what they do not say is zero.
 * They are those of edge.trace in doc/edge.md; numbers may be text, "0x88b8". What a field needs
 * (eth-type, ip-proto) is filled in.
 * ERR_INVALID, ERR_MALFORMED: which parameter, and why. */
MUST_CHECK enum err trace_packet_parse(const json_t *params, struct trace_packet *, struct diag *);

/* A line for each step, indented by two for each group it is in. */
void trace_text(struct datapath *, const struct trace_packet *, struct buf *);

/* {text, verdict: "forwarded" | "dropped", outputs: [text...], drops: [reason...], counters:
 * [{counter, ...}]}. `counters`: the packet counters that would rise, once for each time, by the
 * names and labels they have in metrics; `text` has them behind the steps. */
json_t *trace_json(struct datapath *, const struct trace_packet *);

#endif

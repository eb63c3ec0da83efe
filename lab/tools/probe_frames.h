/* probe_frames.h - one frame of each protocol of the lab, each with a token by which it is known
 * wherever it turns up; and what a frame that was received is. */
#ifndef LAB_TOOLS_PROBE_FRAMES_H
#define LAB_TOOLS_PROBE_FRAMES_H

#include "lab/tools/frames.h"

#define PROBE_TOKEN_SIZE 8

struct probe_token {
    uint8_t octets[PROBE_TOKEN_SIZE];
};

/* Sixteen hexadecimal digits. */
MUST_CHECK enum err probe_token_parse(const char *text, struct probe_token *);
#define PROBE_TOKEN_TEXT_SIZE 17
char *probe_token_format(const struct probe_token *, char *text);

/* The prober's own addresses, and how it marks its frames. */
struct probe_source {
    struct mac mac;
    uint32_t ipv4; /* host order; 0: none */
    uint16_t port; /* of its TCP and UDP probes */
    struct probe_token token;
};

struct probe_target {
    struct mac mac; /* broadcast when it is not known */
    bool mac_is_known;
    uint32_t ipv4;
};

enum probe_scope {
    PROBE_TARGET,   /* one for each target */
    PROBE_TCP_PORT, /* one for each target and port: `number` */
    PROBE_UDP_PORT,
    PROBE_EVERYONE, /* one for all; the target is not looked at */
    PROBE_VLAN,     /* one for all in each VLAN: `number`, FRAME_NO_VLAN for untagged */
};

struct probe_desc {
    const char *name; /* NULL ends the table */
    enum probe_scope scope;
    void (*build)(struct buf *, const struct probe_source *, const struct probe_target *,
                  int64_t number);
};

extern const struct probe_desc probe_table[];

/* "arp", "icmp", "tcp", "udp", "ipv4", "icmpv6", "ipv6", "goose", "sv", "lldp", or the Ethertype as
 * "0x88b5"; `text` holds PROBE_PROTOCOL_SIZE octets and may be used for it. */
#define PROBE_PROTOCOL_SIZE 8
const char *probe_protocol(const uint8_t *frame, size_t size, char *text);

/* Does it carry the token, as octets or as hexadecimal text? */
bool probe_has_token(const uint8_t *frame, size_t size, const struct probe_token *);

/* What a frame answers. */
struct probe_answer {
    const char *probe; /* a name in the table; static */
    int64_t number;    /* the port, where the probe has one */
    const char *what;  /* "reply", "reset", "error", "returned"; static */
};

/* Is it `target` that answers a probe of ours? */
bool probe_is_answer(const uint8_t *frame, size_t size, const struct probe_source *,
                     const struct probe_target *, struct probe_answer *);

#endif

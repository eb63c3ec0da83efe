/* sel_private.h - within src/proto/ot/sel. */
#ifndef PROTO_OT_SEL_SEL_PRIVATE_H
#define PROTO_OT_SEL_SEL_PRIVATE_H

#include "proto/ot/sel/sel.h"

#define BEGIN 0xa5
#define IAC 255
#define BINARY_MAX 255u /* octets of a binary message */
#define LAYOUTS 3
#define LAYOUT_CHANNELS 48

struct sel_state {
    struct layout { /* of Fast Meter messages, as configured */
        bool is_known;
        uint8_t channels, samples, banks;
        uint16_t analog, digital;
        uint8_t types[LAYOUT_CHANNELS];
    } layouts[LAYOUTS];
    uint8_t level; /* and one; 0: no prompt was seen, and nothing that is shown is told */
    bool hides;    /* a secret was asked for, or is shown: until the next prompt */
    bool wants;    /* ... and has not been typed */
    bool way_is_known, server_way;
    uint8_t n;
    uint8_t line[64]; /* that is being typed */
};

struct sel_command {
    const char *name, *whole;
    bool has_secret; /* what follows is not told */
    enum act with;   /* act when it has an argument; ACT_OTHER: as without */
};
extern const struct sel_command sel_commands[];
extern const size_t sel_n_commands;

enum frame_found sel_frame(const uint8_t *, size_t, size_t *message);
/* A line, or the beginning of one that asks for something. */
enum frame_found sel_line(const uint8_t *, size_t, size_t *message);
int sel_looks(const uint8_t *, size_t);
void sel_dissect(struct dissection *, struct cursor *);

bool sel_is_type(uint8_t type); /* a binary message's second octet */
bool sel_may_ask(uint8_t type); /* it is a request without anything behind it */
size_t sel_command_size(const uint8_t *at, size_t size); /* of Telnet; 0: not whole */
/* The message at `data` as it was before Telnet doubled octets, and its octets on the wire; 0:
 * it is not whole. `copy` has room for BINARY_MAX. */
size_t sel_binary(const uint8_t *data, size_t size, uint8_t *copy);
bool sel_binary_is_right(const uint8_t *message, size_t size); /* its checksum */
void sel_binary_dissect(struct dissection *, struct cursor *);
/* Level of the prompt that the text is; -1: it is none. */
int sel_prompt(const uint8_t *text, size_t size);
/* Row of the command that the line begins with; -1: none. */
int sel_command(const uint8_t *line, size_t size, size_t *argument);
void sel_text_dissect(struct dissection *, struct cursor *);

#endif

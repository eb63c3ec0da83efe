/* s7comm_private.h - between the tables and the code of S7 communication. */
#ifndef PROTO_OT_S7COMM_S7COMM_PRIVATE_H
#define PROTO_OT_S7COMM_S7COMM_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/s7comm/s7comm.h"

#define S7_PROTOCOL 0x32
#define S7_PROTOCOL_PLUS 0x72
#define S7_TSDU_MAX 8192u   /* PDUs of 240 to 960 octets are usual */
#define S7_ANSWER_MAX 8192u /* of several units of user data */
#define S7_ASKED 8          /* requests that are remembered, */
#define S7_ASKED_ITEMS 32   /* and variables of each */

enum s7_type { S7_JOB = 1, S7_ACK = 2, S7_ACK_DATA = 3, S7_USERDATA_TYPE = 7 };
enum s7_area {
    S7_AREA_COUNTER = 28,
    S7_AREA_TIMER = 29,
    S7_AREA_PERIPHERALS = 0x80,
    S7_AREA_OUTPUTS = 0x82,
    S7_AREA_DB = 0x84,
};

struct s7_item {
    uint8_t syntax, transport, area;
    uint16_t length, db;
    uint32_t address; /* in bits; a number of timers and counters */
};

struct s7_asked {
    bool is_used;
    uint16_t reference;
    uint8_t n_items;
    struct s7_item items[S7_ASKED_ITEMS];
};

struct s7_way {
    struct iso_assembly assembly;
    struct { /* units of an answer */
        bool is_open;
        uint8_t sequence;
        uint16_t function, size;
    } answer;
    uint8_t octets[S7_TSDU_MAX];
    uint8_t units[S7_ANSWER_MAX];
};

struct s7_state {
    struct s7_way ways[2];
    struct s7_asked asked[S7_ASKED];
    unsigned next;
    char versions[4][16]; /* texts of the message that is being given */
};

struct s7_header {
    uint8_t type;
    uint16_t reference, parameter_length, data_length, error;
};

int s7comm_looks(const uint8_t *, size_t);
void s7comm_dissect(struct dissection *, struct cursor *);
/* The message behind its header: */
void s7comm_put_header(struct dissection *, const struct s7_header *);
void s7comm_job(struct dissection *, const struct s7_header *, struct cursor *parameter,
                struct cursor *data);
void s7comm_userdata(struct dissection *, const struct s7_header *, struct cursor *parameter,
                     struct cursor *data);
void s7comm_plus(struct dissection *, struct cursor *);
/* The answer to reading a system state list, whole. */
void s7comm_szl(struct dissection *, struct cursor *);

/* Text without the blanks and zeros that fill it up. */
void s7comm_text(struct dissection *, uint16_t id, uint16_t object, const uint8_t *text,
                 size_t size);
const struct field_word *s7comm_services(void); /* what program invocations do: enum act, name */

#endif

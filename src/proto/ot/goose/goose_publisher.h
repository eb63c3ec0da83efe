/* goose_publisher.h - sends one GOOSE control block (IEC 61850-8-1 clause 18.1.2.5) as a pure state
 * machine: a new state at once, then repeated at intervals that double from min_time up to
 * max_time, then for ever every max_time.
 *
 * timeAllowedtoLive is one and a half times the time until the message after the next one, so that
 * the loss of a single message does not make a subscriber declare the publisher lost, while its
 * silence still shows within 1.5 * 2 * max_time. */
#ifndef PROTO_OT_GOOSE_GOOSE_PUBLISHER_H
#define PROTO_OT_GOOSE_GOOSE_PUBLISHER_H

#include "proto/ot/goose/goose.h"

struct goose_publisher_config {
    const char *gocb_ref, *dat_set;
    const char *go_id; /* NULL: the field is left out */
    uint16_t appid;
    uint32_t conf_rev;
    bool simulation, nds_com;
    uint8_t time_quality; /* of t: IEC61850_TIME_* */
    nsec_t min_time;      /* from a change to its first repetition; above 0 */
    nsec_t max_time;      /* between repetitions in the end; at least min_time */
};

struct goose_publisher; /* Opaque; one control block; not thread-safe. */

/* Copies the configuration and encodes the first values; the first message (stNum 1, sqNum 1) is
 * due at `now`. `wall` goes into t. ERR_INVALID: the times, or an empty reference. ERR_LIMIT: the
 * message would not fit into a frame. On error `*publisher` is untouched. */
MUST_CHECK enum err goose_publisher_new(const struct goose_publisher_config *,
                                        const struct goose_value *values, size_t n, nsec_t now,
                                        nsec_t wall, struct goose_publisher **publisher);
void goose_publisher_free(struct goose_publisher *); /* NULL is fine. */

/* New values. If they differ from the last ones, that is a new state: stNum is incremented and its
 * first message is due at once. ERR_LIMIT: they do not fit into a frame; nothing has changed. */
MUST_CHECK enum err goose_publisher_set(struct goose_publisher *, const struct goose_value *values,
                                        size_t n, nsec_t now, nsec_t wall);

/* When goose_publisher_output() has something to send. */
nsec_t goose_publisher_next(const struct goose_publisher *);

/* Appends the message that is due. ERR_NOT_FOUND: none is. ERR_LIMIT: no room in the buffer; the
 * same message stays due. */
MUST_CHECK enum err goose_publisher_output(struct goose_publisher *, nsec_t now, struct buf *frame);

uint32_t goose_publisher_st_num(const struct goose_publisher *);
uint32_t goose_publisher_sq_num(const struct goose_publisher *); /* of the next message */

#endif

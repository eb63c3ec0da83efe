#include "proto/ot/goose/goose_publisher.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct goose_publisher {
    char *gocb_ref, *dat_set, *go_id;
    nsec_t min_time, max_time;
    uint8_t time_quality;
    struct buf data;      /* the values, encoded */
    struct goose_pdu pdu; /* the next message; points into the strings and `data` */
    nsec_t due;           /* of that message */
    nsec_t interval;      /* from it to the one after it */
};

static struct ber_text
text_of(const char *text)
{
    return (struct ber_text){.data = text, .size = text ? strlen(text) : 0};
}

/* 0 stands for nothing in stNum and for "first of its state" in sqNum, so both continue with 1. */
static uint32_t
next_number(uint32_t number)
{
    return number == UINT32_MAX ? 1 : number + 1;
}

static nsec_t
doubled(const struct goose_publisher *p, nsec_t interval)
{
    return interval >= p->max_time / 2 ? p->max_time : interval * 2;
}

static uint32_t
time_allowed_to_live_ms(const struct goose_publisher *p)
{
    nsec_t wait = (p->interval + doubled(p, p->interval)) / 2 * 3;
    nsec_t ms = (wait + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
    return (uint32_t)MIN(ms, (nsec_t)UINT32_MAX);
}

/* Does a message with these values fit, whatever its numbers become? */
static enum err
check_size(const struct goose_publisher *p, const struct buf *data, size_t n)
{
    struct goose_pdu largest = p->pdu;
    largest.time_allowed_to_live_ms = largest.st_num = largest.sq_num = UINT32_MAX;
    largest.all_data = data->data;
    largest.all_data_size = data->size;
    largest.n_values = n;
    struct buf frame = buf_limited(GOOSE_MAX_SIZE);
    enum err err = goose_encode(&frame, &largest);
    buf_fini(&frame);
    return err;
}

static enum err
encode_values(const struct goose_publisher *p, const struct goose_value *values, size_t n,
              struct buf *data)
{
    *data = buf_limited(GOOSE_MAX_SIZE);
    goose_values_encode(data, values, n);
    enum err err = buf_err(data);
    if (!err)
        err = check_size(p, data, n);
    if (err)
        buf_fini(data);
    return err;
}

static void
start_state(struct goose_publisher *p, struct buf data, size_t n, nsec_t now, nsec_t wall)
{
    buf_fini(&p->data);
    p->data = data;
    p->pdu.all_data = p->data.data;
    p->pdu.all_data_size = p->data.size;
    p->pdu.n_values = n;
    p->pdu.t = iec61850_time_at(wall, p->time_quality);
    p->due = now;
    p->interval = p->min_time;
}

enum err
goose_publisher_new(const struct goose_publisher_config *config, const struct goose_value *values,
                    size_t n, nsec_t now, nsec_t wall, struct goose_publisher **publisher)
{
    if (config->min_time <= 0 || config->max_time < config->min_time || !config->gocb_ref[0] ||
        config->max_time > UINT32_MAX / 3 * NSEC_PER_MSEC)
        return ERR_INVALID;
    struct goose_publisher *p = xcalloc(1, sizeof *p);
    p->min_time = config->min_time;
    p->max_time = config->max_time;
    p->time_quality = config->time_quality;
    p->gocb_ref = xstrdup(config->gocb_ref);
    p->dat_set = xstrdup(config->dat_set);
    p->go_id = config->go_id ? xstrdup(config->go_id) : NULL;
    p->pdu = (struct goose_pdu){
        .header = {.appid = config->appid,
                   .reserved1 = config->simulation ? IEC61850_SIMULATED : 0},
        .gocb_ref = text_of(p->gocb_ref),
        .dat_set = text_of(p->dat_set),
        .go_id = text_of(p->go_id),
        .st_num = 1,
        .sq_num = 1, /* IEC 61850-7-2 clause 18.2: 0 would say that a value has just changed */
        .conf_rev = config->conf_rev,
        .simulation = config->simulation,
        .nds_com = config->nds_com,
    };
    struct buf data;
    enum err err = encode_values(p, values, n, &data);
    if (err) {
        goose_publisher_free(p);
        return err;
    }
    start_state(p, data, n, now, wall);
    *publisher = p;
    return ERR_OK;
}

void
goose_publisher_free(struct goose_publisher *p)
{
    if (!p)
        return;
    free(p->gocb_ref);
    free(p->dat_set);
    free(p->go_id);
    buf_fini(&p->data);
    free(p);
}

enum err
goose_publisher_set(struct goose_publisher *p, const struct goose_value *values, size_t n,
                    nsec_t now, nsec_t wall)
{
    struct buf data;
    enum err err = encode_values(p, values, n, &data);
    if (err)
        return err;
    if (data.size == p->data.size && (!data.size || !memcmp(data.data, p->data.data, data.size))) {
        buf_fini(&data);
        return ERR_OK;
    }
    start_state(p, data, n, now, wall);
    p->pdu.st_num = next_number(p->pdu.st_num);
    p->pdu.sq_num = 0;
    return ERR_OK;
}

nsec_t
goose_publisher_next(const struct goose_publisher *p)
{
    return p->due;
}

enum err
goose_publisher_output(struct goose_publisher *p, nsec_t now, struct buf *frame)
{
    if (now < p->due)
        return ERR_NOT_FOUND;
    p->pdu.time_allowed_to_live_ms = time_allowed_to_live_ms(p);
    enum err err = goose_encode(frame, &p->pdu);
    if (err)
        return err;
    p->pdu.sq_num = next_number(p->pdu.sq_num);
    p->due += p->interval;
    if (p->due <= now) /* the caller was late; do not send a burst to catch up */
        p->due = now + p->interval;
    p->interval = doubled(p, p->interval);
    return ERR_OK;
}

uint32_t
goose_publisher_st_num(const struct goose_publisher *p)
{
    return p->pdu.st_num;
}

uint32_t
goose_publisher_sq_num(const struct goose_publisher *p)
{
    return p->pdu.sq_num;
}

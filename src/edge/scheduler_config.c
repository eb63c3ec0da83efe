#include "edge/scheduler_config.h"

#include "base/options.h"
#include "base/rate.h"

#include <string.h>

#define BURST_MAX (16u << 20)
#define PART_SIZE 32

static enum err
read_rate(const char *text, uint32_t *kbps, struct diag *diag)
{
    if (rate_parse(text, kbps))
        return diag_set(diag, ERR_INVALID, "\"%s\" is not a rate such as 10M", text);
    return ERR_OK;
}

static enum err
read_number(const char *text, uint32_t least, uint32_t most, uint32_t *number, struct diag *diag)
{
    uint64_t value;
    if (!option_number(text, 10, least, most, &value))
        return diag_set(diag, ERR_INVALID, "\"%s\" is not a number from %u to %u", text, least,
                        most);
    *number = (uint32_t)value;
    return ERR_OK;
}

/* "strict", "weight:3", "min:1M", "max:2M" */
static enum err
read_part(struct queue_config *q, const char *part, struct diag *diag)
{
    uint32_t weight = 0;
    if (!strncmp(part, "min:", 4))
        return read_rate(part + 4, &q->min_kbps, diag);
    if (!strncmp(part, "max:", 4))
        return read_rate(part + 4, &q->max_kbps, diag);
    if (!strncmp(part, "weight:", 7)) {
        enum err err = read_number(part + 7, 1, UINT8_MAX, &weight, diag);
        if (err)
            return err;
    } else if (strcmp(part, "strict")) {
        return diag_set(diag, ERR_INVALID, "\"%s\" is none of strict, weight:, min:, max:", part);
    }
    q->weight = (uint8_t)weight;
    return ERR_OK;
}

/* Copies what is before the next of `separators`; false: it is too long. *text is behind it, and
 * NULL when there is no more. */
static bool
next_part(const char **text, const char *separators, char *part, size_t size)
{
    size_t length = strcspn(*text, separators);
    if (length >= size)
        return false;
    memcpy(part, *text, length);
    part[length] = '\0';
    *text = (*text)[length] ? *text + length + 1 : NULL;
    return true;
}

static enum err
read_queue(struct queue_config *result, const char *text, struct diag *diag)
{
    struct queue_config q = {0};
    const char *rest = text;
    while (rest) {
        char part[PART_SIZE];
        if (!next_part(&rest, "+", part, sizeof part))
            return diag_set(diag, ERR_INVALID, "\"%s\" is no queue's configuration", text);
        enum err err = read_part(&q, part, diag);
        if (err)
            return err;
    }
    *result = q;
    return ERR_OK;
}

enum err
scheduler_config_item(struct scheduler_config *c, const char *name, const char *value,
                      struct diag *diag)
{
    if (!strcmp(name, "rate"))
        return read_rate(value, &c->rate_kbps, diag);
    if (!strcmp(name, "burst"))
        return read_number(value, 1, BURST_MAX, &c->burst_octets, diag);
    if (!strcmp(name, "limit")) {
        nsec_t limit;
        if (time_parse_duration(value, &limit) || limit < NSEC_PER_USEC ||
            limit > 10 * NSEC_PER_SEC)
            return diag_set(diag, ERR_INVALID, "\"%s\" is not a duration from 1us to 10s", value);
        c->limit = limit;
        return ERR_OK;
    }
    if (name[0] == 'q' && name[1] >= '0' && name[1] < '0' + N_QUEUES && !name[2])
        return read_queue(&c->queues[name[1] - '0'], value, diag);
    return diag_set(diag, ERR_NOT_FOUND, "\"%s\" is none of rate, burst, limit, q0 to q%d", name,
                    N_QUEUES - 1);
}

enum err
scheduler_config_check(const struct scheduler_config *c, struct diag *diag)
{
    uint64_t least = 0;
    for (unsigned i = 0; i < N_QUEUES; i++) {
        const struct queue_config *q = &c->queues[i];
        least += q->min_kbps;
        if (q->max_kbps && q->min_kbps > q->max_kbps)
            return diag_set(diag, ERR_INVALID, "q%u: its least rate is above its most", i);
    }
    if (c->rate_kbps && least > c->rate_kbps)
        return diag_set(diag, ERR_INVALID, "the queues' least rates are above the port's");
    return ERR_OK;
}

bool
scheduler_config_is_plain(const struct scheduler_config *c)
{
    bool plain = !c->rate_kbps;
    for (unsigned i = 0; i < N_QUEUES; i++)
        plain &= !c->queues[i].weight && !c->queues[i].min_kbps && !c->queues[i].max_kbps;
    return plain;
}

enum err
scheduler_config_parse(const char *text, struct scheduler_config *result, struct diag *diag)
{
    struct scheduler_config c = {0};
    const char *rest = *text ? text : NULL;
    while (rest) {
        char item[4 * PART_SIZE];
        if (!next_part(&rest, ",", item, sizeof item))
            return diag_set(diag, ERR_INVALID, "\"%s\" is too long", text);
        char *equals = strchr(item, '=');
        if (!equals)
            return diag_set(diag, ERR_INVALID, "\"%s\" is not NAME=VALUE", item);
        *equals = '\0';
        if (scheduler_config_item(&c, item, equals + 1, diag))
            return ERR_INVALID;
    }
    enum err err = scheduler_config_check(&c, diag);
    if (!err)
        *result = c;
    return err;
}

/* ---- As text ---- */

static void
put_rate(struct buf *out, const char *name, uint32_t kbps)
{
    if (kbps % 1000000 == 0)
        buf_printf(out, "%s%uG", name, kbps / 1000000);
    else if (kbps % 1000 == 0)
        buf_printf(out, "%s%uM", name, kbps / 1000);
    else
        buf_printf(out, "%s%uk", name, kbps);
}

static void
put_queue(struct buf *out, unsigned number, const struct queue_config *q)
{
    buf_printf(out, ",q%u=", number);
    if (q->weight)
        buf_printf(out, "weight:%u", q->weight);
    else
        buf_str(out, "strict");
    if (q->min_kbps)
        put_rate(out, "+min:", q->min_kbps);
    if (q->max_kbps)
        put_rate(out, "+max:", q->max_kbps);
}

void
scheduler_config_format(const struct scheduler_config *c, struct buf *out)
{
    struct buf text = BUF_INIT;
    if (c->rate_kbps)
        put_rate(&text, ",rate=", c->rate_kbps);
    if (c->burst_octets)
        buf_printf(&text, ",burst=%u", c->burst_octets);
    if (c->limit)
        buf_printf(&text, ",limit=%lluus", (unsigned long long)(c->limit / NSEC_PER_USEC));
    for (unsigned i = 0; i < N_QUEUES; i++) {
        const struct queue_config *q = &c->queues[i];
        if (q->weight || q->min_kbps || q->max_kbps)
            put_queue(&text, i, q);
    }
    const char *s = buf_cstr(&text);
    buf_str(out, *s ? s + 1 : s);
    buf_fini(&text);
}

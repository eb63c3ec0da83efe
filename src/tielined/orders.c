#include "tielined/orders.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "tielined/once.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define CALL_TIMEOUT (130 * NSEC_PER_SEC) /* who asked has given up before */

struct order {
    struct orders *orders;
    char *subject, *reply_to;
    json_t *payload;
    uint64_t request; /* to who serves it; 0: it waits */
    uint64_t after;   /* event of the centre's journal */
    nsec_t deadline;
    struct order *prev, *next;
};

struct orders {
    struct orders_config config;
    struct once once;
    struct order *waiting, *running; /* in the order in which they came */
    size_t n;                        /* of both */
    const char *closed;              /* why; NULL: it is not */
    struct bus_subscription **subscriptions;
};

/* ---- One of them ---- */

static void
order_free(struct order *o)
{
    if (o->request)
        DL_DELETE(o->orders->running, o);
    else
        DL_DELETE(o->orders->waiting, o);
    o->orders->n--;
    json_decref(o->payload);
    free(o->subject);
    free(o->reply_to);
    free(o);
}

static void
on_served(void *arg, const struct call_result *result)
{
    struct order *o = arg;
    struct bus *near = o->orders->config.near;
    if (result->err)
        bus_reply_error(near, o->reply_to, result->err, "%s", result->text);
    else
        bus_reply(near, o->reply_to, json_pack("{sO}", "answer", result->value));
    order_free(o);
}

static void
carry_out(struct order *o)
{
    struct orders *orders = o->orders;
    enum err err = bus_request(orders->config.bus, o->subject, json_incref(o->payload),
                               CALL_TIMEOUT, on_served, o, &o->request);
    if (err) {
        o->request = 0;
        bus_reply_error(orders->config.near, o->reply_to, err, "%s", err_text(err));
        order_free(o);
        return;
    }
    DL_DELETE(orders->waiting, o);
    DL_APPEND(orders->running, o);
}

void
orders_run(struct orders *orders)
{
    struct order *o, *next;
    uint64_t known = orders->config.known(orders->config.arg);
    DL_FOREACH_SAFE(orders->waiting, o, next)
    {
        if (o->after <= known) {
            carry_out(o);
        } else if (clock_monotonic() > o->deadline) {
            bus_reply_error(orders->config.near, o->reply_to, ERR_TIMEOUT,
                            "site %s has not heard of it yet", orders->config.site);
            order_free(o);
        }
    }
}

/* ---- What comes ---- */

static json_t *
without_once(const json_t *payload)
{
    json_t *rest = json_copy((json_t *)payload); /* it is shared with other receivers */
    json_object_del(rest, "once");
    return rest;
}

static void
take(struct orders *orders, const char *subject, const struct bus_message *m)
{
    json_int_t after = json_integer_value(json_object_get(m->payload, "after-seq"));
    if (orders->closed) {
        bus_reply_error(orders->config.near, m->reply_to, ERR_CLOSED, "%s", orders->closed);
        return;
    }
    if (orders->n >= ORDERS_MAX) {
        bus_reply_error(orders->config.near, m->reply_to, ERR_BUSY,
                        "site %s has %d requests under way", orders->config.site, ORDERS_MAX);
        return;
    }
    struct order *o = xcalloc(1, sizeof *o);
    *o = (struct order){.orders = orders,
                        .subject = xstrdup(subject),
                        .reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL,
                        .payload = without_once(m->payload),
                        .after = after > 0 ? (uint64_t)after : 0,
                        .deadline = clock_monotonic() + ORDERS_WAIT};
    DL_APPEND(orders->waiting, o);
    orders->n++;
    orders_run(orders);
}

static const char *
text_in(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static void
on_request(void *arg, struct bus *near, const struct bus_message *m)
{
    struct orders *orders = arg;
    const char *session, *subject = m->subject + strlen("from..") + strlen(orders->config.centre);
    const json_t *once = json_object_get(m->payload, "once");
    char fresh[ONCE_NAME_LENGTH + 1];
    if (!once_name(fresh)) {
        bus_reply_error(near, m->reply_to, ERR_IO, "no random numbers");
        return;
    }
    switch (once_judge(&orders->once, text_in(once, "run"), text_in(once, "session"),
                       json_integer_value(json_object_get(once, "number")), fresh,
                       clock_monotonic(), &session)) {
    case ONCE_FIRST:
        take(orders, subject, m);
        break;
    case ONCE_NO_SESSION:
        bus_reply(near, m->reply_to, json_pack("{ss}", "session", session));
        break;
    case ONCE_SEEN:
        orders->config.refused(orders->config.arg, subject,
                               "this request was taken before: somebody sends it again");
        break;
    case ONCE_NONSENSE:
        orders->config.refused(orders->config.arg, subject,
                               "this request does not say which one it is");
        bus_reply_error(near, m->reply_to, ERR_INVALID, "%s: no run, or no number of it", subject);
        break;
    }
}

/* ---- Life ---- */

enum err
orders_new(const struct orders_config *config, struct orders **made, struct diag *diag)
{
    struct orders *orders = xcalloc(1, sizeof *orders);
    enum err err = ERR_OK;
    orders->config = *config;
    orders->subscriptions = xcalloc(config->n_subjects, sizeof(struct bus_subscription *));
    for (size_t i = 0; i < config->n_subjects && !err; i++) {
        char *subject = xasprintf("from.%s.%s", config->centre, config->subjects[i]);
        err = bus_subscribe(config->near, subject, on_request, orders, &orders->subscriptions[i]);
        if (err)
            diag_set(diag, err, "%s: cannot be subscribed to", subject);
        free(subject);
    }
    if (err) {
        orders_free(orders);
        return err;
    }
    *made = orders;
    return ERR_OK;
}

static void
refuse(struct orders *orders, struct order *o)
{
    bus_reply_error(orders->config.near, o->reply_to, ERR_CLOSED, "%s", orders->closed);
    order_free(o);
}

void
orders_close(struct orders *orders, const char *why)
{
    orders->closed = why;
    while (orders->waiting)
        refuse(orders, orders->waiting);
    while (orders->running) {
        bus_cancel(orders->config.bus, orders->running->request);
        refuse(orders, orders->running);
    }
}

void
orders_free(struct orders *orders)
{
    if (!orders)
        return;
    for (size_t i = 0; i < orders->config.n_subjects; i++)
        bus_unsubscribe(orders->subscriptions[i]);
    while (orders->waiting)
        order_free(orders->waiting);
    while (orders->running) {
        bus_cancel(orders->config.bus, orders->running->request);
        order_free(orders->running);
    }
    free(orders->subscriptions);
    free(orders);
}

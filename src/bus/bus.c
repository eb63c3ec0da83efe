#include "bus/bus_driver.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "bus/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_inbox(const char *subject)
{
    return !strncmp(subject, BUS_INBOX, strlen(BUS_INBOX));
}

/* ---- subscriptions */

static enum err
subscribe(struct bus *bus, const char *pattern, bus_message_fn *fn, void *arg,
          struct bus_subscription **result)
{
    struct bus_subscription *s = xcalloc(1, sizeof *s);
    s->bus = bus;
    s->pattern = xstrdup(pattern);
    s->fn = fn;
    s->arg = arg;
    enum err err = bus->driver->subscribe(bus, s);
    if (err) {
        free(s->pattern);
        free(s);
        return err;
    }
    s->next = bus->subscriptions;
    if (s->next)
        s->next->prev = s;
    bus->subscriptions = s;
    *result = s;
    return ERR_OK;
}

enum err
bus_subscribe(struct bus *bus, const char *pattern, bus_message_fn *fn, void *arg,
              struct bus_subscription **result)
{
    if (bus->closing)
        return ERR_CLOSED;
    if (!subject_is_pattern(pattern) || subject_is_reserved(pattern))
        return ERR_INVALID;
    return subscribe(bus, pattern, fn, arg, result);
}

void
bus_unsubscribe(struct bus_subscription *s)
{
    if (!s)
        return;
    s->bus->driver->unsubscribe(s->bus, s);
    if (s->prev)
        s->prev->next = s->next;
    else
        s->bus->subscriptions = s->next;
    if (s->next)
        s->next->prev = s->prev;
    free(s->pattern);
    free(s);
}

/* ---- answers */

static void
finish(struct bus *bus, const struct bus_letter *letter)
{
    const char *number = strrchr(letter->subject, '.');
    uint64_t id = strtoull(number + 1, NULL, 10);
    if (!calls_finish(bus->calls, id,
                      &(struct call_result){letter->err, letter->text, letter->payload}))
        bus->counters[BUS_DROPPED_LATE_REPLY]++;
}

void
bus_deliver(struct bus_subscription *s, const struct bus_letter *letter)
{
    if (s == s->bus->inbox_subscription) {
        finish(s->bus, letter);
    } else if (!is_inbox(letter->subject)) {
        s->bus->counters[BUS_DELIVERED]++;
        s->fn(s->arg, s->bus,
              &(struct bus_message){letter->subject, letter->payload, letter->reply_to});
    }
}

void
bus_no_responders(struct bus *bus, const struct bus_letter *letter)
{
    struct diag diag;
    struct bus_letter answer = {
        .subject = letter->reply_to,
        .err = diag_set(&diag, ERR_CLOSED, "nobody serves \"%s\"", letter->subject),
        .text = diag.text,
    };
    bus->counters[BUS_NO_RESPONDERS]++;
    finish(bus, &answer);
}

/* ---- sending */

static enum err
post(struct bus *bus, const struct bus_letter *letter)
{
    enum err err = bus->closing ? ERR_CLOSED : bus->driver->post(bus, letter);
    if (!err)
        bus->counters[BUS_PUBLISHED]++;
    return err;
}

static bool
can_be_published(const char *subject, const json_t *payload)
{
    return payload && subject_is_valid(subject) && !subject_is_reserved(subject);
}

enum err
bus_publish(struct bus *bus, const char *subject, json_t *payload)
{
    enum err err = ERR_INVALID;
    if (can_be_published(subject, payload))
        err = post(bus, &(struct bus_letter){.subject = subject, .payload = payload, .text = ""});
    json_decref(payload);
    return err;
}

static enum err
request(struct bus *bus, const struct bus_letter *letter, nsec_t timeout, call_done_fn *done,
        void *arg, uint64_t *id)
{
    uint64_t number;
    char reply_to[BUS_INBOX_SIZE + 24];
    struct bus_letter with_reply = *letter;
    if (bus->closing)
        return ERR_CLOSED;
    enum err err = calls_add(bus->calls, timeout, done, arg, &number);
    if (err)
        return err;
    snprintf(reply_to, sizeof reply_to, "%s.%" PRIu64, bus->inbox, number);
    with_reply.reply_to = reply_to;
    err = post(bus, &with_reply);
    if (err) {
        calls_cancel(bus->calls, number);
        return err;
    }
    bus->counters[BUS_REQUESTED]++;
    if (id)
        *id = number;
    return ERR_OK;
}

enum err
bus_request(struct bus *bus, const char *subject, json_t *payload, nsec_t timeout,
            call_done_fn *done, void *arg, uint64_t *id)
{
    struct bus_letter letter = {.subject = subject, .payload = payload, .text = ""};
    enum err err = ERR_INVALID;
    if (can_be_published(subject, payload))
        err = request(bus, &letter, timeout, done, arg, id);
    json_decref(payload);
    return err;
}

void
bus_cancel(struct bus *bus, uint64_t id)
{
    calls_cancel(bus->calls, id);
}

static enum err
answer(struct bus *bus, const struct bus_letter *letter)
{
    if (!is_inbox(letter->subject) || !subject_is_valid(letter->subject))
        return ERR_INVALID;
    return post(bus, letter);
}

enum err
bus_reply(struct bus *bus, const char *reply_to, json_t *payload)
{
    enum err err = payload ? ERR_OK : ERR_INVALID;
    if (!err && reply_to)
        err = answer(bus,
                     &(struct bus_letter){.subject = reply_to, .payload = payload, .text = ""});
    json_decref(payload);
    return err;
}

enum err
bus_reply_error(struct bus *bus, const char *reply_to, enum err what, const char *format, ...)
{
    if (!reply_to)
        return ERR_OK;
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    enum err err = answer(bus,
                          &(struct bus_letter){.subject = reply_to, .err = what, .text = text});
    free(text);
    return err;
}

/* ---- the bus */

enum err
bus_init_at(struct bus *bus, const struct bus_driver *driver, uv_loop_t *loop, size_t request_limit,
            const char *inbox)
{
    char pattern[BUS_INBOX_SIZE + 2];
    bus->driver = driver;
    snprintf(bus->inbox, sizeof bus->inbox, "%s", inbox);
    snprintf(pattern, sizeof pattern, "%s.*", bus->inbox);
    enum err err = subscribe(bus, pattern, NULL, NULL, &bus->inbox_subscription);
    if (!err)
        bus->calls = calls_new(loop, request_limit);
    return err;
}

enum err
bus_init(struct bus *bus, const struct bus_driver *driver, uv_loop_t *loop, size_t request_limit)
{
    static uint64_t n_buses;
    char inbox[BUS_INBOX_SIZE];
    snprintf(inbox, sizeof inbox, BUS_INBOX "%016" PRIx64, hash_mix(hash_secret() + ++n_buses));
    return bus_init_at(bus, driver, loop, request_limit, inbox);
}

static void
end(struct bus *bus)
{
    calls_free(bus->calls);
    bus->driver->free(bus);
}

void
bus_fail_requests(struct bus *bus, const char *text)
{
    bus->failing = true;
    calls_finish_all(bus->calls, &(struct call_result){ERR_CLOSED, text, NULL});
    bus->failing = false;
    if (bus->closing) /* one of those who were told has freed it */
        end(bus);
}

void
bus_free(struct bus *bus)
{
    if (!bus || bus->closing)
        return;
    bus->closing = true;
    calls_finish_all(bus->calls, &(struct call_result){ERR_CLOSED, "the bus was closed", NULL});
    while (bus->subscriptions)
        bus_unsubscribe(bus->subscriptions);
    if (!bus->failing)
        end(bus);
}

uint64_t
bus_counter(const struct bus *bus, enum bus_counter counter)
{
    return bus->counters[counter];
}

const char *
bus_counter_name(enum bus_counter counter)
{
    static const char *const names[BUS_N_COUNTERS] = {
        [BUS_PUBLISHED] = "published",
        [BUS_DELIVERED] = "delivered",
        [BUS_REQUESTED] = "requested",
        [BUS_NO_RESPONDERS] = "no_responders",
        [BUS_DROPPED_QUEUE_FULL] = "dropped_queue_full",
        [BUS_DROPPED_LATE_REPLY] = "dropped_late_reply",
        [BUS_DROPPED_INCOMING] = "dropped_incoming",
        [BUS_DROPPED_MALFORMED] = "dropped_malformed",
    };
    return names[counter];
}

const char *
bus_driver_name(const struct bus *bus)
{
    return bus->driver->name;
}

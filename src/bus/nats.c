#include "bus/nats.h"

#include "base/alloc.h"
#include "bus/bus_driver.h"
#include "bus/nats_link.h"
#include "bus/nats_wire.h"
#include "bus/subject.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* "site.", "from.", two sites and their dots, or nothing before an inbox; and the NUL. */
#define PREFIX_SIZE (5 + BUS_SITE_MAX + 1 + 5 + BUS_SITE_MAX + 1 + 1)
#define FULL_SUBJECT_SIZE (PREFIX_SIZE + SUBJECT_MAX)

struct entry {
    uint64_t number; /* sid at the broker, the same on each connection */
    struct bus_subscription *subscription;
};

/* What the buses over one connection share. */
struct nats {
    uv_loop_t *loop;
    struct nats_link *link;
    char site[BUS_SITE_MAX + 1];
    size_t request_limit;
    struct view *views;
    struct entry *entries; /* in order of number */
    size_t n_entries, entries_capacity;
    uint64_t last_number;
    bus_nats_changed_fn *changed;
    bus_nats_refused_fn *refused;
    void *user_arg; /* of both */
    bool *gone;     /* while calling others: to be set when this is freed */
};

/* Where a request went, in case nobody is there. Overwritten by a later one; broker's word that
 * nobody listens comes within moments. */
struct asked {
    uint64_t id;
    char *subject;
};

#define N_ASKED 1024

struct view {
    struct bus bus;
    struct nats *nats;
    struct view *next;
    char publish_prefix[PREFIX_SIZE], listen_prefix[PREFIX_SIZE];
    struct asked asked[N_ASKED];
    bool lost; /* its requests have to be ended */
};

static struct view *
view_of(struct bus *bus)
{
    return CONTAINER_OF(bus, struct view, bus);
}

static bool
is_inbox(const char *subject)
{
    return !strncmp(subject, BUS_INBOX, strlen(BUS_INBOX));
}

/* ---- subscriptions */

static const char *
full_subject(const char *prefix, const char *subject, char *full)
{
    snprintf(full, FULL_SUBJECT_SIZE, "%s%s", is_inbox(subject) ? "" : prefix, subject);
    return full;
}

static void
subscribe_at_broker(struct nats *nats, const struct entry *e)
{
    char full[FULL_SUBJECT_SIZE];
    const struct view *view = view_of(e->subscription->bus);
    full_subject(view->listen_prefix, e->subscription->pattern, full);
    nats_link_subscribe(nats->link, e->number, full);
}

static enum err
nats_subscribe(struct bus *bus, struct bus_subscription *subscription)
{
    struct nats *nats = view_of(bus)->nats;
    GROW(nats->entries, nats->n_entries, nats->entries_capacity);
    struct entry *e = &nats->entries[nats->n_entries++];
    *e = (struct entry){.number = ++nats->last_number, .subscription = subscription};
    subscribe_at_broker(nats, e);
    return ERR_OK;
}

static void
nats_unsubscribe(struct bus *bus, struct bus_subscription *subscription)
{
    struct nats *nats = view_of(bus)->nats;
    for (struct entry *e = nats->entries; e < nats->entries + nats->n_entries; e++) {
        if (e->subscription != subscription)
            continue;
        nats_link_unsubscribe(nats->link, e->number);
        nats->n_entries--;
        memmove(e, e + 1, (size_t)(nats->entries + nats->n_entries - e) * sizeof *e);
        return;
    }
}

static int
compare_entries(const void *a, const void *b)
{
    uint64_t x = ((const struct entry *)a)->number, y = ((const struct entry *)b)->number;
    return (x > y) - (x < y);
}

static struct bus_subscription *
find_subscription(const struct nats *nats, uint64_t number)
{
    struct entry key = {.number = number};
    const struct entry *e = nats->n_entries ? bsearch(&key, nats->entries, nats->n_entries,
                                                      sizeof *nats->entries, compare_entries)
                                            : NULL;
    return e ? e->subscription : NULL;
}

/* ---- sending */

static uint64_t
request_id(const char *inbox)
{
    return strtoull(strrchr(inbox, '.') + 1, NULL, 10);
}

static void
remember(struct view *view, const struct bus_letter *letter)
{
    uint64_t id = request_id(letter->reply_to);
    struct asked *asked = &view->asked[id % N_ASKED];
    free(asked->subject);
    *asked = (struct asked){id, xstrdup(letter->subject)};
}

static enum err
send_letter(struct view *view, const struct bus_letter *letter, struct buf *text)
{
    char full[FULL_SUBJECT_SIZE];
    enum err err = nats_wire_put(text, letter, is_inbox(letter->subject));
    if (err)
        return err;
    full_subject(view->publish_prefix, letter->subject, full);
    err = nats_link_publish(view->nats->link, full, letter->reply_to, text->data, text->size);
    if (err == ERR_BUSY)
        view->bus.counters[BUS_DROPPED_QUEUE_FULL]++;
    else if (!err && letter->reply_to)
        remember(view, letter);
    return err;
}

static enum err
nats_post(struct bus *bus, const struct bus_letter *letter)
{
    struct view *view = view_of(bus);
    size_t max = nats_link_max_payload(view->nats->link);
    if (max == 0)
        return ERR_CLOSED;
    struct buf text = buf_limited(max);
    enum err err = send_letter(view, letter, &text);
    buf_fini(&text);
    return err;
}

enum err
bus_nats_ask_broker(struct bus *bus, const char *subject, json_t *payload, const char *answers_to)
{
    struct view *view = view_of(bus);
    char full[FULL_SUBJECT_SIZE], reply_to[FULL_SUBJECT_SIZE];
    struct buf text = buf_limited(nats_link_max_payload(view->nats->link));
    const struct bus_letter letter = {.payload = payload, .text = ""};
    enum err err = ERR_INVALID;
    if (payload && subject_is_valid(subject) && subject_is_valid(answers_to))
        err = nats_link_max_payload(view->nats->link) ? nats_wire_put(&text, &letter, false)
                                                      : ERR_CLOSED;
    if (!err)
        err = nats_link_publish(view->nats->link, full_subject(view->publish_prefix, subject, full),
                                full_subject(view->listen_prefix, answers_to, reply_to), text.data,
                                text.size);
    buf_fini(&text);
    json_decref(payload);
    return err;
}

/* ---- receiving */

static void
nobody_serves(struct bus *bus, const char *inbox)
{
    const struct asked *asked = &view_of(bus)->asked[request_id(inbox) % N_ASKED];
    bool known = asked->subject && asked->id == request_id(inbox);
    /* A copy: who is told may free the bus. */
    char *subject = xstrdup(known ? asked->subject : "");
    bus_no_responders(bus, &(struct bus_letter){.subject = subject, .reply_to = inbox});
    free(subject);
}

/* Subject and reply_to of a letter. False: not for us. */
static bool
take_address(const struct view *view, const struct nats_frame *frame, struct bus_letter *letter)
{
    letter->subject = nats_wire_subject(frame->subject,
                                        is_inbox(frame->subject) ? "" : view->listen_prefix);
    letter->reply_to = frame->reply_to;
    return letter->subject &&
           (!letter->reply_to || nats_wire_may_answer(letter->subject, letter->reply_to));
}

static void
on_message(void *arg, const struct nats_frame *frame)
{
    struct nats *nats = arg;
    struct bus_subscription *s = find_subscription(nats, frame->sid);
    struct bus_letter letter = {0};
    json_t *owner;
    if (!s)
        return; /* has ended since */
    struct bus *bus = s->bus;
    bool is_answer = s == bus->inbox_subscription;
    if (!is_answer && nats_frame_is_no_responders(frame))
        return; /* the broker answers no questions */
    if (!take_address(view_of(bus), frame, &letter)) {
        bus->counters[BUS_DROPPED_MALFORMED]++;
    } else if (is_answer && nats_frame_is_no_responders(frame)) {
        nobody_serves(bus, letter.subject);
    } else if (nats_wire_take(frame->payload, frame->payload_size, is_answer, &letter, &owner,
                              NULL)) {
        bus->counters[BUS_DROPPED_MALFORMED]++;
    } else {
        bus_deliver(s, &letter);
        json_decref(owner);
    }
}

/* ---- the connection */

static void
fill_status(const struct nats *nats, struct bus_nats_status *status)
{
    struct nats_link_status link;
    nats_link_status(nats->link, &link);
    *status = (struct bus_nats_status){
        .connected = link.connected,
        .since = link.since,
        .reconnects = link.connections ? link.connections - 1 : 0,
    };
    snprintf(status->last_error, sizeof status->last_error, "%s", link.last_error);
}

static void
tell(struct nats *nats)
{
    struct bus_nats_status status;
    fill_status(nats, &status);
    if (nats->changed)
        nats->changed(nats->user_arg, &status);
}

static void
on_refused(void *arg, const char *what, const char *why)
{
    const struct nats *nats = arg;
    if (nats->refused)
        nats->refused(nats->user_arg, what, why);
}

static void
on_up(void *arg)
{
    struct nats *nats = arg;
    for (size_t i = 0; i < nats->n_entries; i++)
        subscribe_at_broker(nats, &nats->entries[i]);
    tell(nats);
}

static struct view *
first_lost(const struct nats *nats)
{
    struct view *view = nats->views;
    while (view && !view->lost)
        view = view->next;
    return view;
}

static void
on_down(void *arg, const char *why)
{
    struct nats *nats = arg;
    char text[300];
    bool gone = false;
    snprintf(text, sizeof text, "the connection to the broker was lost: %s", why);
    for (struct view *view = nats->views; view; view = view->next)
        view->lost = true;
    nats->gone = &gone;
    for (struct view *view; (view = first_lost(nats));) {
        view->lost = false;
        bus_fail_requests(&view->bus, text);
        if (gone)
            return;
    }
    nats->gone = NULL;
    tell(nats);
}

static void
nats_free(struct nats *nats)
{
    if (nats->gone)
        *nats->gone = true;
    nats_link_free(nats->link);
    free(nats->entries);
    free(nats);
}

static void
view_free(struct bus *bus)
{
    struct view *view = view_of(bus);
    struct nats *nats = view->nats;
    struct view **at = &nats->views;
    while (*at != view)
        at = &(*at)->next;
    *at = view->next;
    for (size_t i = 0; i < N_ASKED; i++)
        free(view->asked[i].subject);
    free(view);
    if (!nats->views)
        nats_free(nats);
}

/* ---- making one */

/* BUS_INBOX, we, who is asked, and 128 bits that nobody can guess: a broker can let each site
 * answer what it was asked itself, and nothing else. */
static void
make_inbox(const char *site, const char *asked, char *inbox)
{
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        abort(); /* cannot happen with so few octets */
    snprintf(inbox, BUS_INBOX_SIZE, BUS_INBOX "%s.%s.%016" PRIx64 "%016" PRIx64, site, asked,
             random[0], random[1]);
}

/* `from`: NULL within the site. */
static struct bus *
view_new(struct nats *nats, const char *site, const char *from)
{
    static const struct bus_driver driver = {
        .name = "nats",
        .post = nats_post,
        .subscribe = nats_subscribe,
        .unsubscribe = nats_unsubscribe,
        .free = view_free,
    };
    char inbox[BUS_INBOX_SIZE];
    struct view *view = xcalloc(1, sizeof *view);
    view->nats = nats;
    view->next = nats->views;
    nats->views = view;
    snprintf(view->listen_prefix, PREFIX_SIZE, "site.%s.", site);
    if (from)
        snprintf(view->publish_prefix, PREFIX_SIZE, "site.%s.from.%s.", site, from);
    else
        snprintf(view->publish_prefix, PREFIX_SIZE, "site.%s.", site);
    make_inbox(nats->site, site, inbox);
    if (bus_init_at(&view->bus, &driver, nats->loop, nats->request_limit, inbox))
        abort(); /* nats_subscribe() does not fail */
    return &view->bus;
}

static bool
is_site(const char *site)
{
    return site && strlen(site) <= BUS_SITE_MAX && subject_is_valid(site) && !strchr(site, '.') &&
           !subject_is_reserved(site);
}

static enum err
check_config(const struct bus_nats_config *config, struct diag *diag)
{
    bool is_tls = config->url && !strncmp(config->url, "tls://", strlen("tls://"));
    if (!is_site(config->site))
        return diag_set(diag, ERR_INVALID, "\"%s\" is no site",
                        config->site ? config->site : "(none)");
    if (!config->url)
        return diag_set(diag, ERR_INVALID, "a broker's URL is missing");
    if (is_tls && (!config->ca_file || !config->cert_file || !config->key_file))
        return diag_set(diag, ERR_INVALID, "tls:// needs a CA, a certificate and its key");
    return ERR_OK;
}

#define OR(value, standard) ((value) ? (value) : (standard))

static enum err
make_link(struct nats *nats, const struct bus_nats_config *config, struct diag *diag)
{
    struct nats_link_config link = {
        .url = config->url,
        .server_name = config->server_name,
        .name = config->name,
        .credentials_file = config->credentials_file,
        .ca_file = config->ca_file,
        .cert_file = config->cert_file,
        .key_file = config->key_file,
        .send_limit = OR(config->send_limit, BUS_NATS_SEND_LIMIT),
        .connect_timeout = OR(config->connect_timeout, BUS_NATS_CONNECT_TIMEOUT),
        .alive_interval = OR(config->alive_interval, BUS_NATS_ALIVE_INTERVAL),
        .reconnect_min = config->reconnect_min,
        .reconnect_max = config->reconnect_max,
    };
    struct nats_link_user user = {on_up, on_down, on_refused, on_message, nats};
    return nats_link_new(nats->loop, &link, &user, &nats->link, diag);
}

enum err
bus_nats_new(uv_loop_t *loop, const struct bus_nats_config *config, struct bus **result,
             struct diag *diag)
{
    enum err err = check_config(config, diag);
    if (err)
        return err;
    struct nats *nats = xcalloc(1, sizeof *nats);
    nats->loop = loop;
    err = make_link(nats, config, diag);
    if (err) {
        free(nats);
        return err;
    }
    snprintf(nats->site, sizeof nats->site, "%s", config->site);
    nats->request_limit = OR(config->request_limit, BUS_NATS_REQUEST_LIMIT);
    nats->changed = config->changed;
    nats->refused = config->refused;
    nats->user_arg = config->arg;
    *result = view_new(nats, config->site, NULL);
    return ERR_OK;
}

enum err
bus_nats_at(struct bus *bus, const char *site, struct bus **result)
{
    struct nats *nats = view_of(bus)->nats;
    if (!is_site(site))
        return ERR_INVALID;
    *result = view_new(nats, site, nats->site);
    return ERR_OK;
}

void
bus_nats_status(const struct bus *bus, struct bus_nats_status *status)
{
    fill_status(CONTAINER_OF(bus, const struct view, bus)->nats, status);
}

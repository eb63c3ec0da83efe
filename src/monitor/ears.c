#include "monitor/ears.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "base/log.h"
#include "io/frame_tap.h"
#include "packet/addr.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BLOCKS 4  /* of one interface, before another gets its turn */
#define LOOK_MS 2 /* where frames come one by one and are many, they do not wake us one by one */

struct ear {
    struct ears *all;
    const char *interface;
    enum frame_tap_choice driver;
    struct frame_tap *tap;            /* NULL: it is gone, or about to be opened again */
    bool is_gone;                     /* it is looked for */
    struct frame_tap_counters before; /* of a tap that was there before this one */
    uv_poll_t poll;
    uv_timer_t look;
};

struct ears {
    struct ears_config config;
    uv_loop_t *loop; /* NULL: not yet */
    uint32_t number; /* of the last frame */
    unsigned n;
    struct ear list[];
};

/* ---- Names ---- */

static const struct {
    const char *name;
    enum frame_tap_choice driver;
} drivers[] = {{"packet", FRAME_TAP_PACKET}, {"xdp", FRAME_TAP_XDP}, {"erspan", FRAME_TAP_ERSPAN}};

static enum err
check_address(const char *text, struct diag *diag)
{
    uint32_t address;
    return ipv4_parse(text, &address)
               ? diag_set(diag, ERR_INVALID, "\"%s\" is not an IPv4 address", text)
               : ERR_OK;
}

/* No name of an interface has a colon. */
static enum err
parse_name(const char *text, const char **interface, enum frame_tap_choice *driver,
           struct diag *diag)
{
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0, i = 0;
    *interface = colon ? colon + 1 : text;
    *driver = FRAME_TAP_PACKET;
    while (colon && i < ARRAY_SIZE(drivers) &&
           (strlen(drivers[i].name) != length || strncmp(drivers[i].name, text, length)))
        i++;
    if (i == ARRAY_SIZE(drivers))
        return diag_set(diag, ERR_INVALID,
                        "\"%s\": NAME, packet:NAME, xdp:NAME or erspan:ADDRESS is needed", text);
    if (colon)
        *driver = drivers[i].driver;
    if (*driver == FRAME_TAP_ERSPAN)
        return check_address(*interface, diag);
    if (!**interface || strlen(*interface) >= IF_NAMESIZE || strpbrk(*interface, ":/ \t\n"))
        return diag_set(diag, ERR_INVALID,
                        "\"%s\": an interface's name has 1 to %d characters, without : and /", text,
                        IF_NAMESIZE - 1);
    return ERR_OK;
}

enum err
ears_check_name(const char *text, struct diag *diag)
{
    const char *interface;
    enum frame_tap_choice driver;
    return parse_name(text, &interface, &driver, diag);
}

/* ---- Life ---- */

static enum err
open_tap(struct ear *e, struct diag *diag)
{
    const struct frame_tap_options options = {.driver = e->driver};
    return frame_tap_open(e->interface, &options, &e->tap, diag);
}

enum err
ears_open(const struct ears_config *config, struct ears **result, struct diag *diag)
{
    struct ears *ears = xcalloc(1, sizeof *ears + config->n * sizeof *ears->list);
    enum err err = ERR_OK;
    ears->config = *config;
    for (; ears->n < config->n && !err; ears->n++) {
        struct ear *e = &ears->list[ears->n];
        e->all = ears;
        err = parse_name(config->names[ears->n], &e->interface, &e->driver, diag);
        if (!err)
            err = open_tap(e, diag);
    }
    if (err) {
        ears_close(ears);
        return err;
    }
    *result = ears;
    return ERR_OK;
}

void
ears_close(struct ears *ears)
{
    if (!ears)
        return;
    for (unsigned i = 0; i < ears->n; i++)
        frame_tap_close(ears->list[i].tap);
    free(ears);
}

/* ---- Reading ---- */

static void
on_frame(void *arg, const struct tapped_frame *f)
{
    const struct ear *e = arg;
    struct ears *ears = e->all;
    const struct frame frame = {.interface = f->source ? f->source : e->interface,
                                .data = f->data,
                                .size = f->size,
                                .wire = f->wire,
                                .time = f->time,
                                .link = LINK_ETHERNET,
                                .number = ++ears->number};
    ears->config.frame(ears->config.arg, &frame);
}

static unsigned
read_ear(struct ear *e)
{
    unsigned n = frame_tap_read(e->tap, BLOCKS, on_frame, e);
    if (n && e->all->config.pause)
        e->all->config.pause(e->all->config.arg);
    return n;
}

static void on_readable(uv_poll_t *, int status, int events);

/* As long as something comes it is looked for; then it wakes us again. */
static void
on_look(uv_timer_t *look)
{
    struct ear *e = look->data;
    if (read_ear(e))
        return;
    uv_timer_stop(&e->look);
    uv_poll_start(&e->poll, UV_READABLE, on_readable);
}

/* An interface that goes down is an error of its socket, which stays until it is asked for. What
 * comes when it is up again is heard. */
static void
say_error(struct ear *e)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (!getsockopt(frame_tap_fd(e->tap), SOL_SOCKET, SO_ERROR, &error, &size) && error)
        log_warn("%s: %s", e->interface, strerror(error));
}

static void
on_readable(uv_poll_t *poll, int status, int events UNUSED)
{
    struct ear *e = poll->data;
    read_ear(e);
    if (status)
        say_error(e);
    else if (e->driver != FRAME_TAP_XDP) /* it comes in blocks */
        return;
    uv_poll_stop(&e->poll);
    uv_timer_start(&e->look, on_look, LOOK_MS, LOOK_MS);
}

static void
listen_to(struct ear *e)
{
    uv_poll_init(e->all->loop, &e->poll, frame_tap_fd(e->tap));
    e->poll.data = e;
    uv_poll_start(&e->poll, UV_READABLE, on_readable);
    log_info("listens to %s by %s", e->interface, frame_tap_text(e->tap));
}

void
ears_listen(struct ears *ears, uv_loop_t *loop)
{
    ears->loop = loop;
    for (unsigned i = 0; i < ears->n; i++) {
        struct ear *e = &ears->list[i];
        uv_timer_init(loop, &e->look);
        e->look.data = e;
        listen_to(e);
    }
}

void
ears_stop(struct ears *ears)
{
    for (unsigned i = 0; ears && ears->loop && i < ears->n; i++) {
        struct ear *e = &ears->list[i];
        if (!uv_is_closing((uv_handle_t *)&e->look))
            uv_close((uv_handle_t *)&e->look, NULL);
        if (e->tap && !uv_is_closing((uv_handle_t *)&e->poll))
            uv_close((uv_handle_t *)&e->poll, NULL);
    }
}

void
ears_read_rest(struct ears *ears)
{
    for (unsigned i = 0; ears && i < ears->n; i++) {
        if (ears->list[i].tap)
            frame_tap_read(ears->list[i].tap, UINT32_MAX, on_frame, &ears->list[i]);
    }
}

/* ---- The host ---- */

static void
add(struct frame_tap_counters *sum, struct frame_tap *tap)
{
    struct frame_tap_counters one = {0, 0};
    if (tap)
        frame_tap_count(tap, &one);
    sum->frames += one.frames;
    sum->dropped += one.dropped;
}

/* Its handle can be used again when the loop is through with it. */
static void
on_let_go(uv_handle_t *poll)
{
    struct ear *e = poll->data;
    struct diag diag;
    if (uv_is_closing((uv_handle_t *)&e->look)) /* everything ends */
        return;
    e->is_gone = open_tap(e, &diag);
    if (e->is_gone)
        log_error("%s is not listened to any more: %s", e->interface, diag.text);
    else
        listen_to(e);
}

static void
look_for(struct ear *e)
{
    struct diag diag;
    e->is_gone = open_tap(e, &diag);
    if (!e->is_gone)
        listen_to(e);
    else if (if_nametoindex(e->interface)) /* what has its name now may not do for AF_XDP */
        e->driver = FRAME_TAP_PACKET;
}

static void
let_go(struct ear *e)
{
    frame_tap_read(e->tap, UINT32_MAX, on_frame, e);
    add(&e->before, e->tap);
    uv_timer_stop(&e->look);
    uv_close((uv_handle_t *)&e->poll, on_let_go);
    frame_tap_close(e->tap);
    e->tap = NULL;
}

void
ears_tick(struct ears *ears)
{
    struct diag why;
    for (unsigned i = 0; i < ears->n; i++) {
        struct ear *e = &ears->list[i];
        if (e->is_gone) {
            look_for(e);
        } else if (e->tap && !frame_tap_is_there(e->tap)) {
            let_go(e);
        } else if (e->tap && !frame_tap_is_welcome(e->tap, &why)) {
            log_warn("%s: it gets its frames back", why.text);
            let_go(e);
            e->driver = FRAME_TAP_PACKET;
        }
    }
}

void
ears_count(struct ears *ears, struct ears_counters *counters)
{
    *counters = (struct ears_counters){0, 0};
    for (unsigned i = 0; ears && i < ears->n; i++) {
        struct frame_tap_counters one = ears->list[i].before;
        add(&one, ears->list[i].tap);
        counters->frames += one.frames;
        counters->dropped += one.dropped;
    }
}

#include "io/wakeup.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct wakeup {
    uv_poll_t handle;
    int fd;
    timer_fn *fn;
    void *arg;
};

static void
set_timerfd(struct wakeup *w, nsec_t at)
{
    at = at == NSEC_NEVER ? 0 : at < 1 ? 1 : at; /* 0 disarms */
    struct itimerspec when = {
        .it_value = {.tv_sec = at / NSEC_PER_SEC, .tv_nsec = at % NSEC_PER_SEC}};
    (void)timerfd_settime(w->fd, TFD_TIMER_ABSTIME, &when, NULL); /* fails of wrong values only */
}

static void
on_readable(uv_poll_t *handle, int status UNUSED, int events UNUSED)
{
    struct wakeup *w = handle->data;
    uint64_t n;
    if (read(w->fd, &n, sizeof n) != sizeof n)
        return; /* it was set anew meanwhile */
    uv_unref((uv_handle_t *)handle);
    w->fn(w->arg);
}

enum err
wakeup_open(uv_loop_t *loop, timer_fn *fn, void *arg, struct wakeup **result, struct diag *diag)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        return diag_set(diag, errno == EMFILE || errno == ENFILE ? ERR_LIMIT : ERR_IO,
                        "timerfd: %s", strerror(errno));
    struct wakeup *w = xcalloc(1, sizeof *w);
    w->fd = fd;
    w->fn = fn;
    w->arg = arg;
    uv_poll_init(loop, &w->handle, fd);
    w->handle.data = w;
    uv_poll_start(&w->handle, UV_READABLE, on_readable);
    uv_unref((uv_handle_t *)&w->handle);
    *result = w;
    return ERR_OK;
}

static void
on_closed(uv_handle_t *handle)
{
    struct wakeup *w = handle->data;
    close(w->fd);
    free(w);
}

void
wakeup_close(struct wakeup *w)
{
    if (w)
        uv_close((uv_handle_t *)&w->handle, on_closed);
}

void
wakeup_set(struct wakeup *w, nsec_t at)
{
    set_timerfd(w, at);
    if (at == NSEC_NEVER)
        uv_unref((uv_handle_t *)&w->handle);
    else
        uv_ref((uv_handle_t *)&w->handle);
}

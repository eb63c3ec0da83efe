/* fetch.h - asking an identity provider over HTTPS, beside the loop: libcurl on one of libuv's
 * threads. JSON comes back. Strict: TLS 1.2 or later, no redirects, no proxies, bounded in size and
 * time. Functions and callbacks belong to the loop's thread. */
#ifndef OIDC_FETCH_H
#define OIDC_FETCH_H

#include "base/err.h"
#include "base/time.h"

#include <jansson.h>
#include <uv.h>

#define FETCH_SIZE_MAX ((size_t)1 << 20) /* octets of an answer */
#define FETCH_TIMEOUT (10 * NSEC_PER_SEC)

struct fetch; /* Opaque: one that is under way. */

/* Copied. */
struct fetch_request {
    const char *url;  /* https://... */
    const char *ca;   /* PEM file: who vouches for the provider; NULL: whom the system trusts */
    const char *form; /* what to post (application/x-www-form-urlencoded); NULL: GET */
    /* A client's name and secret, as they are: HTTP Basic by RFC 6749 section 2.3.1; NULL: none. */
    const char *user, *password;
};

struct fetch_result {
    enum err err;           /* ERR_OK: there was an answer, whatever its status */
    const char *text;       /* why not, in words; "" otherwise */
    int status;             /* of HTTP */
    const json_t *document; /* borrowed; NULL: it is not JSON */
};

typedef void fetch_done_fn(void *arg, const struct fetch_result *);

/* Never NULL; `done` is called once, later. */
struct fetch *fetch_start(uv_loop_t *, const struct fetch_request *, fetch_done_fn *done,
                          void *arg);
/* `done` will not be called; the loop still waits for the thread. NULL is fine. */
void fetch_abandon(struct fetch *);

/* Appends "name=value" percent-encoded, and '&' in front unless it is the first. */
struct buf;
void fetch_form_put(struct buf *form, const char *name, const char *value);

#endif

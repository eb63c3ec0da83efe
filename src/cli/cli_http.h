/* cli_http.h - requests to the API: JSON over HTTPS with a client certificate or a session, and its
 * stream of events. Blocking; for one thread. */
#ifndef CLI_CLI_HTTP_H
#define CLI_CLI_HTTP_H

#include "base/time.h"
#include "cli/cli_sse.h"

#include <jansson.h>

struct http;
struct http_stream;

struct http_config {
    const char *url;             /* "https://10.255.0.1:8443"; http only to this machine itself */
    const char *ca, *cert, *key; /* PEM files; NULL: none */
    const char *token;           /* of a session; NULL: none */
    nsec_t timeout;              /* of a request; 0: HTTP_TIMEOUT */
};

#define HTTP_TIMEOUT (660 * NSEC_PER_SEC) /* the server gives a test ten minutes */
#define HTTP_CONNECT_TIMEOUT (10 * NSEC_PER_SEC)
#define HTTP_BODY_MAX ((size_t)256 << 20)

/* ERR_INVALID: the address, or a file of a certificate; `diag` says which. Nothing is sent yet. */
MUST_CHECK enum err http_open(const struct http_config *, struct http **, struct diag *);
void http_close(struct http *); /* NULL is fine */
const char *http_url(const struct http *);

struct http_answer {
    int status;
    char *text; /* the body, NUL-terminated; never NULL */
    size_t size;
    json_t *document; /* the body; NULL: it is not JSON */
};

/* Asks, and waits for the answer, whatever its status. `path` begins with '/'; `body` is NULL for
 * none and is only read. ERR_CLOSED, ERR_TIMEOUT: the server cannot be reached; ERR_DENIED: one of
 * the two does not accept the other's certificate; ERR_LIMIT: the answer is too large; ERR_INVALID:
 * the body cannot be written as JSON. The caller ends it with http_answer_fini(). */
MUST_CHECK enum err http_call(struct http *, const char *method, const char *path,
                              const json_t *body, struct http_answer *, struct diag *);
void http_answer_fini(struct http_answer *);

/* Opens a stream of events, which begins when it is first waited for. `fn` gets each. Never NULL.
 */
struct http_stream *http_stream_open(struct http *, const char *path, sse_fn *fn, void *arg);
void http_stream_close(struct http_stream *); /* NULL is fine */
/* Waits until events came or the time is over. ERR_OK: it goes on; ERR_CLOSED: it has ended, or
 * there is no server, and `diag` says why; ERR_DENIED: the server does not want it; others as
 * http_call(). */
MUST_CHECK enum err http_stream_wait(struct http_stream *, nsec_t timeout, struct diag *);
/* The server has accepted it: events from now on will come (until it ends). */
bool http_stream_was_opened(const struct http_stream *);

/* "/api/v1/circuits/scada%20a/tests" of its parts, the last of which is NULL. The caller frees it.
 */
char *http_path(const char *first, ...) __attribute__((sentinel, returns_nonnull));
/* Adds "?name=value" or "&name=value"; a value of NULL adds nothing. */
void http_query(char **path, const char *name, const char *value);

#endif

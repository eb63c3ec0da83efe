#include "cli/cli_http.h"

#include "base/alloc.h"
#include "io/jsontext.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct http {
    char *url; /* without '/' at its end */
    char *ca, *cert, *key;
    char *authorization; /* the header line; NULL: none */
    nsec_t timeout;
    CURL *curl;
    char error[CURL_ERROR_SIZE];
};

static bool
is_this_machine(const char *url)
{
    static const char *const names[] = {"http://127.0.0.1", "http://[::1]", "http://localhost"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t length = strlen(names[i]);
        if (!strncmp(url, names[i], length) && strchr(":/", url[length]))
            return true;
    }
    return false;
}

static enum err
check_url(const char *url, struct diag *diag)
{
    if (strchr(url, '@'))
        return diag_set(diag, ERR_INVALID, "an address has no user and no password in it");
    if (!strncmp(url, "http://", 7) && !is_this_machine(url))
        return diag_set(diag, ERR_INVALID, "%.200s: only https, except to this machine itself",
                        url);
    if (strncmp(url, "https://", 8) && strncmp(url, "http://", 7))
        return diag_set(diag, ERR_INVALID, "%.200s: an address begins with https://", url);
    return ERR_OK;
}

static enum err
check_file(const char *what, const char *path, struct diag *diag)
{
    if (path && access(path, R_OK))
        return diag_set(diag, ERR_INVALID, "%s: %s: %m", what, path);
    return ERR_OK;
}

static char *
copy_or_null(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

enum err
http_open(const struct http_config *config, struct http **result, struct diag *diag)
{
    enum err err = check_url(config->url, diag);
    if (!err)
        err = check_file("--ca", config->ca, diag);
    if (!err)
        err = check_file("--cert", config->cert, diag);
    if (!err)
        err = check_file("--key", config->key, diag);
    if (err)
        return err;
    struct http *h = xcalloc(1, sizeof *h);
    h->url = xstrdup(config->url);
    for (size_t n = strlen(h->url); n && h->url[n - 1] == '/'; n--)
        h->url[n - 1] = '\0';
    h->ca = copy_or_null(config->ca);
    h->cert = copy_or_null(config->cert);
    h->key = copy_or_null(config->key);
    h->authorization = config->token ? xasprintf("Authorization: Bearer %s", config->token) : NULL;
    h->timeout = config->timeout ? config->timeout : HTTP_TIMEOUT;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    h->curl = curl_easy_init();
    if (!h->curl)
        abort(); /* no memory */
    *result = h;
    return ERR_OK;
}

void
http_close(struct http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->curl);
    curl_global_cleanup();
    free(h->url);
    free(h->ca);
    free(h->cert);
    free(h->key);
    if (h->authorization)
        OPENSSL_cleanse(h->authorization, strlen(h->authorization));
    free(h->authorization);
    free(h);
}

const char *
http_url(const struct http *h)
{
    return h->url;
}

/* What both kinds of requests have in common. */
static void
set_up(const struct http *h, CURL *curl, const char *path, char *error)
{
    char *url = xasprintf("%s%s", h->url, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    free(url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    if (h->ca) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, h->ca);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* nobody else vouches for the server */
    }
    if (h->cert)
        curl_easy_setopt(curl, CURLOPT_SSLCERT, h->cert);
    if (h->key)
        curl_easy_setopt(curl, CURLOPT_SSLKEY, h->key);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(HTTP_CONNECT_TIMEOUT / NSEC_PER_MSEC));
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L); /* a server that has vanished is noticed */
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, 10L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, 5L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tieline/" TIELINE_VERSION);
    error[0] = '\0';
}

static size_t
keep_body(char *data, size_t size, size_t n, void *arg)
{
    struct buf *body = arg;
    buf_put(body, data, size * n);
    return buf_err(body) ? 0 : size * n;
}

static enum err
explain(const struct http *h, CURLcode code, const char *error, struct diag *diag)
{
    const char *why = *error ? error : curl_easy_strerror(code);
    switch (code) {
    case CURLE_OK:
        return ERR_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return diag_set(diag, ERR_TIMEOUT, "%s: %s", h->url, why);
    case CURLE_WRITE_ERROR:
        return diag_set(diag, ERR_LIMIT, "%s: the answer is too large", h->url);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return diag_set(diag, ERR_DENIED, "%s: %s", h->url, why);
    default:
        return diag_set(diag, ERR_CLOSED, "%s: %s", h->url, why);
    }
}

static struct curl_slist *
add_header(struct curl_slist *headers, const char *text)
{
    struct curl_slist *more = curl_slist_append(headers, text);
    if (!more)
        abort(); /* no memory */
    return more;
}

static CURLcode
perform(struct http *h, const char *method, const char *path, const struct buf *body,
        struct buf *answer)
{
    struct curl_slist *headers = add_header(NULL, "Accept: application/json, "
                                                  "application/problem+json");
    if (h->authorization)
        headers = add_header(headers, h->authorization);
    curl_easy_reset(h->curl);
    set_up(h, h->curl, path, h->error);
    curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, (long)(h->timeout / NSEC_PER_MSEC));
    curl_easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, method);
    if (body) {
        headers = add_header(headers, "Content-Type: application/json");
        headers = add_header(headers, "Expect:");
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, (const char *)body->data);
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
    }
    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(h->curl);
    curl_slist_free_all(headers);
    return code;
}

enum err
http_call(struct http *h, const char *method, const char *path, const json_t *body,
          struct http_answer *answer, struct diag *diag)
{
    struct buf text = BUF_INIT, received = buf_limited(HTTP_BODY_MAX);
    struct diag why = {""};
    long status = 0;
    if (body && jsontext_put(&text, body))
        return diag_set(diag, ERR_INVALID, "the request cannot be written as JSON");
    /* POST without a body still says how long it is. */
    bool has_body = body || !strcmp(method, "POST") || !strcmp(method, "PUT");
    if (has_body && !body)
        buf_str(&text, "{}");
    CURLcode code = perform(h, method, path, has_body ? &text : NULL, &received);
    buf_fini(&text);
    enum err err = explain(h, code, h->error, diag);
    if (err) {
        buf_fini(&received);
        return err;
    }
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    *answer = (struct http_answer){.status = (int)status, .size = received.size};
    answer->text = buf_steal_cstr(&received);
    if (jsontext_parse(answer->text, answer->size, &answer->document, &why))
        answer->document = NULL;
    return ERR_OK;
}

void
http_answer_fini(struct http_answer *answer)
{
    free(answer->text);
    json_decref(answer->document);
    *answer = (struct http_answer){0};
}

/* ---- Streams -----------------------------------------------------------------------------------
 */

struct http_stream {
    struct http *http;
    CURL *curl;
    CURLM *multi;
    struct curl_slist *headers;
    struct sse_reader reader;
    struct buf refused; /* the body of an answer that is no stream */
    bool open, came, too_large;
    char error[CURL_ERROR_SIZE];
};

static size_t
take_events(char *data, size_t size, size_t n, void *arg)
{
    struct http_stream *s = arg;
    long status = 0;
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        buf_put(&s->refused, data, size * n);
        return size * n;
    }
    s->came = true;
    s->too_large = sse_input(&s->reader, data, size * n) != ERR_OK;
    return s->too_large ? 0 : size * n;
}

static size_t
take_header(char *data, size_t size, size_t n, void *arg)
{
    struct http_stream *s = arg;
    long status = 0;
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (size * n <= 2 && data[0] == '\r' && status == 200) /* the end of the head */
        s->open = s->came = true;
    return size * n;
}

struct http_stream *
http_stream_open(struct http *h, const char *path, sse_fn *fn, void *arg)
{
    struct http_stream *s = xcalloc(1, sizeof *s);
    s->http = h;
    s->curl = curl_easy_init();
    s->multi = curl_multi_init();
    if (!s->curl || !s->multi)
        abort(); /* no memory */
    sse_init(&s->reader, fn, arg);
    s->refused = buf_limited((size_t)64 << 10);
    set_up(h, s->curl, path, s->error);
    s->headers = add_header(NULL, "Accept: text/event-stream");
    if (h->authorization)
        s->headers = add_header(s->headers, h->authorization);
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, take_events);
    curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, s);
    curl_multi_add_handle(s->multi, s->curl);
    return s;
}

void
http_stream_close(struct http_stream *s)
{
    if (!s)
        return;
    curl_multi_remove_handle(s->multi, s->curl);
    curl_easy_cleanup(s->curl);
    curl_multi_cleanup(s->multi);
    curl_slist_free_all(s->headers);
    sse_fini(&s->reader);
    buf_fini(&s->refused);
    free(s);
}

static enum err
explain_end(struct http_stream *s, CURLcode code, struct diag *diag)
{
    long status = 0;
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (s->too_large)
        return diag_set(diag, ERR_LIMIT, "%s: an event is too large", s->http->url);
    if (code)
        return explain(s->http, code, s->error, diag);
    if (status != 200)
        return diag_set(diag, ERR_DENIED, "%s: no events: status %ld", s->http->url, status);
    return diag_set(diag, ERR_CLOSED, "%s: the server has ended the stream", s->http->url);
}

enum err
http_stream_wait(struct http_stream *s, nsec_t timeout, struct diag *diag)
{
    int running = 0, left;
    s->came = false;
    curl_multi_perform(s->multi, &running);
    if (!s->came && running)
        curl_multi_poll(s->multi, NULL, 0, (int)(timeout / NSEC_PER_MSEC), NULL);
    curl_multi_perform(s->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(s->multi, &left));) {
        if (m->msg == CURLMSG_DONE)
            return explain_end(s, m->data.result, diag);
    }
    return ERR_OK;
}

bool
http_stream_was_opened(const struct http_stream *s)
{
    return s->open;
}

/* ---- Paths -------------------------------------------------------------------------------------
 */

static void
put_encoded(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~";
    for (const char *c = text; *c; c++) {
        /* A segment "." or ".." would be taken for a place relative to it. */
        bool dot = *c == '.' && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
        if (dot || strchr(plain, *c))
            buf_u8(out, (uint8_t)*c);
        else
            buf_printf(out, "%%%02X", (uint8_t)*c);
    }
}

char *
http_path(const char *first, ...)
{
    struct buf path = BUF_INIT;
    va_list parts;
    buf_str(&path, "/api/v1");
    va_start(parts, first);
    for (const char *part = first; part; part = va_arg(parts, const char *)) {
        buf_str(&path, "/");
        put_encoded(&path, part);
    }
    va_end(parts);
    return buf_steal_cstr(&path);
}

void
http_query(char **path, const char *name, const char *value)
{
    struct buf longer = BUF_INIT;
    if (!value)
        return;
    buf_printf(&longer, "%s%c%s=", *path, strchr(*path, '?') ? '&' : '?', name);
    put_encoded(&longer, value);
    free(*path);
    *path = buf_steal_cstr(&longer);
}

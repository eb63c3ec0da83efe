#include "oidc/fetch.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "io/jsontext.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct fetch {
    uv_work_t work;
    char *url, *ca, *form;
    char *user, *password; /* encoded */
    fetch_done_fn *done;   /* NULL: nobody waits any more */
    void *arg;
    /* Of the thread, until it is through. */
    enum err err;
    struct diag diag;
    long status;
    json_t *document;
};

static void
free_secret(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static void
fetch_free(struct fetch *f)
{
    free(f->url);
    free(f->ca);
    free_secret(f->form);
    free(f->user);
    free_secret(f->password);
    json_decref(f->document);
    free(f);
}

/* ---- on the thread */

static size_t
keep_body(char *data, size_t size, size_t n, void *arg)
{
    struct buf *body = arg;
    buf_put(body, data, size * n);
    return buf_err(body) ? 0 : size * n;
}

static void
set_up(const struct fetch *f, CURL *curl, struct buf *body, char *error)
{
    curl_easy_setopt(curl, CURLOPT_URL, f->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (f->ca) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, f->ca);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (f->user) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, f->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, f->password);
    }
    if (f->form)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, f->form);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(FETCH_TIMEOUT / NSEC_PER_MSEC));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tielined/" TIELINE_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
}

static enum err
explain(const struct fetch *f, CURLcode code, const char *error, struct diag *diag)
{
    const char *why = *error ? error : curl_easy_strerror(code);
    enum err err = code == CURLE_OPERATION_TIMEDOUT         ? ERR_TIMEOUT
                   : code == CURLE_WRITE_ERROR              ? ERR_LIMIT
                   : code == CURLE_PEER_FAILED_VERIFICATION ? ERR_DENIED
                   : code == CURLE_SSL_CACERT_BADFILE       ? ERR_NOT_FOUND
                                                            : ERR_CLOSED;
    return diag_set(diag, err, "%.150s: %s", f->url,
                    err == ERR_LIMIT ? "the answer is too large" : why);
}

static void
compute(uv_work_t *work)
{
    struct fetch *f = CONTAINER_OF(work, struct fetch, work);
    struct buf body = buf_limited(FETCH_SIZE_MAX);
    char error[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    if (!curl || !headers)
        abort(); /* no memory */
    set_up(f, curl, &body, error);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(curl);
    if (code)
        f->err = explain(f, code, error, &f->diag);
    else
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &f->status);
    if (!code && jsontext_parse(buf_cstr(&body), body.size, &f->document, NULL))
        f->document = NULL;
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (body.size)
        OPENSSL_cleanse(body.data, body.size);
    buf_fini(&body);
}

/* ---- on the loop */

static void
computed(uv_work_t *work, int status)
{
    struct fetch *f = CONTAINER_OF(work, struct fetch, work);
    if (status)
        f->err = diag_set(&f->diag, ERR_CLOSED, "%.150s: given up", f->url);
    if (f->done)
        f->done(f->arg, &(struct fetch_result){f->err, f->diag.text, (int)f->status, f->document});
    fetch_free(f);
}

static void
begin_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static char *
copy_or_null(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static void
put_encoded(struct buf *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    for (const char *c = text; *c; c++) {
        if (strchr(plain, *c))
            buf_u8(out, (uint8_t)*c);
        else
            buf_printf(out, "%%%02X", (uint8_t)*c);
    }
}

static char *
encode(const char *text)
{
    struct buf out = BUF_INIT;
    put_encoded(&out, text);
    return buf_steal_cstr(&out);
}

struct fetch *
fetch_start(uv_loop_t *loop, const struct fetch_request *request, fetch_done_fn *done, void *arg)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, begin_curl);
    struct fetch *f = xcalloc(1, sizeof *f);
    f->url = xstrdup(request->url);
    f->ca = copy_or_null(request->ca);
    f->form = copy_or_null(request->form);
    if (request->user) {
        f->user = encode(request->user);
        f->password = encode(request->password ? request->password : "");
    }
    f->done = done;
    f->arg = arg;
    uv_queue_work(loop, &f->work, compute, computed);
    return f;
}

void
fetch_abandon(struct fetch *f)
{
    if (f)
        f->done = NULL;
}

void
fetch_form_put(struct buf *form, const char *name, const char *value)
{
    buf_printf(form, "%s%s=", form->size ? "&" : "", name);
    put_encoded(form, value);
}

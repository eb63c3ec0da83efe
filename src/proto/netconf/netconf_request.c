/* Each operation is a row: its name, the capabilities it needs, and what writes its parameters.
 * Options that need a capability ask for it where they are written. */
#include "proto/netconf/netconf_request.h"

#include <string.h>

struct writer {
    struct buf *out;
    const struct netconf_request *request;
    const struct netconf_hello *peer;
    enum err err;
    struct diag *diag;
};

/* One of the capabilities, if there are any. */
static void
need(struct writer *w, uint32_t capabilities)
{
    if (w->err || !capabilities || w->peer->capabilities & capabilities)
        return;
    w->err = diag_set(w->diag, ERR_UNSUPPORTED, "%s needs %s, which the peer does not have",
                      netconf_operation_name(w->request->operation),
                      netconf_capability_name(capabilities));
}

static const char *
given(struct writer *w, const char *text, const char *what)
{
    if (!text && !w->err)
        w->err = diag_set(w->diag, ERR_INVALID, "%s without %s",
                          netconf_operation_name(w->request->operation), what);
    return text ? text : "";
}

static void
put_leaf(struct writer *w, const char *name, const char *text)
{
    if (!text)
        return;
    buf_printf(w->out, "<%s>", name);
    netconf_xml_escape(w->out, text);
    buf_printf(w->out, "</%s>", name);
}

static void
put_datastore(struct writer *w, const char *role, enum netconf_datastore store, const char *url)
{
    static const struct {
        const char *name;
        uint32_t capability;
    } stores[] = {
        [NETCONF_RUNNING] = {"running", 0},
        [NETCONF_CANDIDATE_STORE] = {"candidate", NETCONF_CANDIDATE},
        [NETCONF_STARTUP_STORE] = {"startup", NETCONF_STARTUP},
        [NETCONF_AT_URL] = {"url", NETCONF_URL},
    };
    need(w, stores[store].capability);
    buf_printf(w->out, "<%s>", role);
    if (store == NETCONF_AT_URL)
        put_leaf(w, "url", given(w, url, "a URL"));
    else
        buf_printf(w->out, "<%s/>", stores[store].name);
    buf_printf(w->out, "</%s>", role);
}

static void
put_target(struct writer *w)
{
    put_datastore(w, "target", w->request->target, w->request->target_url);
}

static void
put_filter(struct writer *w)
{
    const struct netconf_request *r = w->request;
    if (r->xpath) {
        need(w, NETCONF_XPATH);
        buf_str(w->out, "<filter type=\"xpath\" select=\"");
        netconf_xml_escape(w->out, r->xpath);
        buf_str(w->out, "\"/>");
    } else if (r->filter) {
        buf_printf(w->out, "<filter type=\"subtree\">%s</filter>", r->filter);
    }
}

static void
put_with_defaults(struct writer *w)
{
    static const char *const modes[] = {
        [NETCONF_REPORT_ALL] = "report-all",
        [NETCONF_REPORT_ALL_TAGGED] = "report-all-tagged",
        [NETCONF_TRIM] = "trim",
        [NETCONF_EXPLICIT] = "explicit",
    };
    if (!w->request->with_defaults)
        return;
    need(w, NETCONF_WITH_DEFAULTS);
    buf_printf(w->out, "<with-defaults xmlns=\"" NETCONF_NS_WITH_DEFAULTS "\">%s</with-defaults>",
               modes[w->request->with_defaults]);
}

static void
write_get(struct writer *w)
{
    if (w->request->operation == NETCONF_GET_CONFIG)
        put_datastore(w, "source", w->request->source, w->request->source_url);
    put_filter(w);
    put_with_defaults(w);
}

static void
put_config(struct writer *w)
{
    const struct netconf_request *r = w->request;
    if (r->source_url && r->operation == NETCONF_EDIT_CONFIG) {
        need(w, NETCONF_URL);
        put_leaf(w, "url", r->source_url);
    } else {
        buf_printf(w->out, "<config>%s</config>", given(w, r->config, "a configuration"));
    }
}

static void
write_edit(struct writer *w)
{
    static const char *const operations[] = {NULL, "replace", "none"};
    static const char *const tests[] = {NULL, "test-then-set", "set", "test-only"};
    static const char *const errors[] = {NULL, "continue-on-error", "rollback-on-error"};
    const struct netconf_request *r = w->request;
    put_target(w);
    if (r->target == NETCONF_RUNNING)
        need(w, NETCONF_WRITABLE_RUNNING);
    put_leaf(w, "default-operation", operations[r->default_operation]);
    if (r->test_option)
        need(w, r->test_option == NETCONF_TEST_ONLY ? NETCONF_VALIDATE_1_1
                                                    : NETCONF_VALIDATE_1_0 | NETCONF_VALIDATE_1_1);
    put_leaf(w, "test-option", tests[r->test_option]);
    if (r->error_option == NETCONF_ROLL_BACK)
        need(w, NETCONF_ROLLBACK_ON_ERROR);
    put_leaf(w, "error-option", errors[r->error_option]);
    put_config(w);
}

static void
put_source(struct writer *w)
{
    const struct netconf_request *r = w->request;
    if (r->config) {
        buf_str(w->out, "<source>");
        put_config(w);
        buf_str(w->out, "</source>");
    } else {
        put_datastore(w, "source", r->source, r->source_url);
    }
}

static void
write_copy(struct writer *w)
{
    put_target(w);
    put_source(w);
}

static void
write_commit(struct writer *w)
{
    const struct netconf_request *r = w->request;
    if (r->confirmed) {
        need(w, NETCONF_CONFIRMED_COMMIT_1_0 | NETCONF_CONFIRMED_COMMIT_1_1);
        buf_str(w->out, "<confirmed/>");
        if (r->timeout_s)
            buf_printf(w->out, "<confirm-timeout>%u</confirm-timeout>", r->timeout_s);
    }
    if (r->persist || r->persist_id)
        need(w, NETCONF_CONFIRMED_COMMIT_1_1);
    if (r->confirmed)
        put_leaf(w, "persist", r->persist);
    put_leaf(w, "persist-id", r->persist_id);
}

static void
write_cancel(struct writer *w)
{
    put_leaf(w, "persist-id", w->request->persist_id);
}

static void
write_kill(struct writer *w)
{
    given(w, w->request->session_id ? "" : NULL, "a session");
    buf_printf(w->out, "<session-id>%u</session-id>", w->request->session_id);
}

static void
write_get_schema(struct writer *w)
{
    put_leaf(w, "identifier", given(w, w->request->identifier, "a name of a module"));
    put_leaf(w, "version", w->request->version);
    put_leaf(w, "format", w->request->format ? w->request->format : "yang");
}

static void
write_subscription(struct writer *w)
{
    put_leaf(w, "stream", w->request->stream);
    put_filter(w);
    put_leaf(w, "startTime", w->request->start_time);
    put_leaf(w, "stopTime", w->request->stop_time);
}

static void
write_body(struct writer *w)
{
    buf_str(w->out, given(w, w->request->body, "a body"));
}

static const struct {
    const char *name, *ns;
    uint32_t capabilities;
    void (*write)(struct writer *);
} operations[] = {
    [NETCONF_GET] = {"get", NULL, 0, write_get},
    [NETCONF_GET_CONFIG] = {"get-config", NULL, 0, write_get},
    [NETCONF_EDIT_CONFIG] = {"edit-config", NULL, 0, write_edit},
    [NETCONF_COPY_CONFIG] = {"copy-config", NULL, 0, write_copy},
    [NETCONF_DELETE_CONFIG] = {"delete-config", NULL, 0, put_target},
    [NETCONF_LOCK] = {"lock", NULL, 0, put_target},
    [NETCONF_UNLOCK] = {"unlock", NULL, 0, put_target},
    [NETCONF_VALIDATE] = {"validate", NULL, NETCONF_VALIDATE_1_0 | NETCONF_VALIDATE_1_1,
                          put_source},
    [NETCONF_COMMIT] = {"commit", NULL, NETCONF_CANDIDATE, write_commit},
    [NETCONF_CANCEL_COMMIT] = {"cancel-commit", NULL, NETCONF_CONFIRMED_COMMIT_1_1, write_cancel},
    [NETCONF_DISCARD_CHANGES] = {"discard-changes", NULL, NETCONF_CANDIDATE, NULL},
    [NETCONF_CLOSE_SESSION] = {"close-session", NULL, 0, NULL},
    [NETCONF_KILL_SESSION] = {"kill-session", NULL, 0, write_kill},
    [NETCONF_GET_SCHEMA] = {"get-schema", NETCONF_NS_MONITORING, NETCONF_MONITORING,
                            write_get_schema},
    [NETCONF_CREATE_SUBSCRIPTION] = {"create-subscription", NETCONF_NS_NOTIFICATION,
                                     NETCONF_NOTIFICATION, write_subscription},
    [NETCONF_RPC] = {"rpc", NULL, 0, write_body},
};

const char *
netconf_operation_name(enum netconf_operation operation)
{
    return operations[operation].name;
}

enum err
netconf_request_put(struct buf *out, const struct netconf_request *request, uint32_t message_id,
                    const struct netconf_hello *peer, struct diag *diag)
{
    size_t before = out->size;
    struct writer w = {.out = out, .request = request, .peer = peer, .diag = diag};
    bool wrapped = request->operation != NETCONF_RPC;
    const char *name = operations[request->operation].name;
    const char *ns = operations[request->operation].ns;
    need(&w, operations[request->operation].capabilities);
    buf_printf(out, "<rpc xmlns=\"" NETCONF_NS "\" message-id=\"%u\">", message_id);
    if (wrapped && ns)
        buf_printf(out, "<%s xmlns=\"%s\">", name, ns);
    else if (wrapped)
        buf_printf(out, "<%s>", name);
    if (operations[request->operation].write)
        operations[request->operation].write(&w);
    if (wrapped)
        buf_printf(out, "</%s>", name);
    buf_str(out, "</rpc>");
    if (!w.err && buf_err(out))
        w.err = diag_set(diag, ERR_LIMIT, "%s: more is waiting to be sent than is allowed", name);
    if (w.err) {
        out->size = before;
        out->overflow = false;
    }
    return w.err;
}

#include "tielined/content_gate.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "io/signed_content.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT "content/"

struct content_gate {
    struct content_gate_config config;
    struct content_trust *trust;                 /* NULL: everything passes */
    uint64_t releases[CONTENT_GATE_DIRECTORIES]; /* that was accepted last; 0: none was */
};

enum err
content_gate_new(const struct content_gate_config *config, struct content_gate **result,
                 struct diag *diag)
{
    struct content_gate *g = xcalloc(1, sizeof *g);
    g->config = *config;
    if (config->trust && *config->trust) {
        enum err err = content_trust_read(config->trust, &g->trust, diag);
        if (err) {
            free(g);
            return err;
        }
    } else {
        log_warn("no --trust: YANG modules and workflows are taken from whoever could write them");
    }
    *result = g;
    return ERR_OK;
}

void
content_gate_free(struct content_gate *g)
{
    if (g)
        content_trust_free(g->trust);
    free(g);
}

void
content_gate_event(struct content_gate *g, const char *type, const char *object, const json_t *body)
{
    if (strcmp(type, "content.accepted") != 0 || strncmp(object, OBJECT, strlen(OBJECT)) != 0)
        return;
    json_int_t release = json_integer_value(json_object_get(body, "release"));
    for (size_t i = 0; i < CONTENT_GATE_DIRECTORIES; i++) {
        if (!strcmp(object + strlen(OBJECT), g->config.directories[i].word))
            g->releases[i] = release > 0 ? (uint64_t)release : 0;
    }
}

/* `body` is consumed. That the event is not there yet when we go on, or cannot be written at all,
 * is no reason to take what was refused, or not to start. */
static void
record(const struct content_gate *g, struct journal *journal, size_t i, const char *type,
       json_t *body)
{
    struct diag diag;
    struct buf text = BUF_INIT;
    char *object = xasprintf(OBJECT "%s", g->config.directories[i].word);
    enum err err = body ? jsontext_put(&text, body) : ERR_INVALID;
    if (!err) {
        const struct journal_entry entry = {
            .type = type, .object = object, .actor = "system/tielined", .body = buf_cstr(&text)};
        err = journal_append(journal, &entry, 1, NULL, NULL, &diag);
    }
    if (err)
        log_warn("%s of %s is not recorded: %s", type, object, err_text(err));
    json_decref(body);
    buf_fini(&text);
    free(object);
}

static enum err
check(struct content_gate *g, struct journal *journal, size_t i, const char *when,
      struct diag *diag)
{
    const char *path = g->config.directories[i].path;
    const struct content_wanted wanted = {.name = g->config.directories[i].name,
                                          .release = g->config.accept_older ? 0 : g->releases[i],
                                          .now = clock_wall()};
    struct content c;
    enum err err = content_verify(path, g->trust, &wanted, &c, diag);
    if (err) {
        json_t *body = json_pack("{ss so so}", "at", when, "directory", jsontext_string(path),
                                 "reason", jsontext_string(diag->text));
        record(g, journal, i, "content.refused", body);
        return err;
    }
    log_info("%s: %s, release %" PRIu64 ", signed by %s", path, c.version, c.release, c.signer);
    g->releases[i] = c.release;
    record(g, journal, i, "content.accepted",
           json_pack("{ss so ss ss sI ss sI}", "at", when, "directory", jsontext_string(path),
                     "name", c.name, "version", c.version, "release", (json_int_t)c.release,
                     "signer", c.signer, "files", (json_int_t)c.n_files));
    content_fini(&c);
    return ERR_OK;
}

enum err
content_gate_check(struct content_gate *g, struct journal *journal, const char *when,
                   struct diag *diag)
{
    enum err first = ERR_OK;
    struct diag own;
    for (size_t i = 0; g->trust && i < CONTENT_GATE_DIRECTORIES; i++) {
        enum err err = check(g, journal, i, when, &own);
        if (err && !first) {
            first = err;
            diag_set(diag, err, "%s", own.text);
        }
    }
    return first;
}

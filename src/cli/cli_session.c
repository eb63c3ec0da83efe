#include "cli/cli_session.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)

/* NULL: neither is set. */
static char *
session_path(void)
{
    const char *path = getenv("TIELINE_SESSION"), *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (path && *path)
        return xstrdup(path);
    if (xdg && *xdg == '/')
        return xasprintf("%s/tieline/sessions.json", xdg);
    return home && *home ? xasprintf("%s/.local/state/tieline/sessions.json", home) : NULL;
}

/* A server by its address, without '/' at its end. */
static char *
server_key(const char *url)
{
    size_t length = strlen(url);
    while (length && url[length - 1] == '/')
        length--;
    return xstrndup(url, length);
}

static enum err
read_all(int fd, const char *path, struct buf *text, struct diag *diag)
{
    struct stat st;
    if (fstat(fd, &st))
        return diag_set(diag, ERR_IO, "%s: %s", path, strerror(errno));
    if (st.st_uid != geteuid() || st.st_mode & 077)
        return diag_set(diag, ERR_DENIED,
                        "%s: others can read it, or it is theirs: chmod 600, and log in again",
                        path);
    return file_read_from(fd, path, FILE_MAX, text, diag);
}

/* ERR_NOT_FOUND: there is no file. */
static enum err
read_document(const char *path, json_t **document, struct diag *diag)
{
    struct buf text = BUF_INIT;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? ERR_NOT_FOUND
                   : diag_set(diag, ERR_IO, "%s: %s", path, strerror(errno));
    enum err err = read_all(fd, path, &text, diag);
    close(fd);
    if (!err && jsontext_parse(buf_cstr(&text), text.size, document, diag)) {
        diag_prefix(diag, "%s", path);
        err = ERR_MALFORMED;
    }
    if (!err && !json_is_object(*document)) {
        json_decref(*document);
        err = diag_set(diag, ERR_MALFORMED, "%s: not a JSON object", path);
    }
    if (text.size)
        OPENSSL_cleanse(text.data, text.size);
    buf_fini(&text);
    return err;
}

static char *
copy(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? xstrdup(text) : NULL;
}

static bool
is_over(const char *until)
{
    nsec_t time;
    return until && !time_parse(until, &time) && time <= clock_wall();
}

enum err
cli_session_read(const char *url, struct cli_session *session, struct diag *diag)
{
    char *path = session_path(), *key = server_key(url);
    json_t *document = NULL;
    enum err err = path ? read_document(path, &document, diag) : ERR_NOT_FOUND;
    const json_t *entry = err ? NULL : json_object_get(document, key);
    const char *until = json_string_value(json_object_get(entry, "until"));
    const char *token = json_string_value(json_object_get(entry, "token"));
    if (!err && (!token || is_over(until)))
        err = ERR_NOT_FOUND;
    if (!err && strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") !=
                    strlen(token))
        err = diag_set(diag, ERR_MALFORMED, "%s: the token is none", path);
    if (!err)
        *session = (struct cli_session){copy(entry, "id"), copy(entry, "person"),
                                        copy(entry, "token"), copy(entry, "until")};
    json_decref(document);
    free(path);
    free(key);
    return err;
}

void
cli_session_fini(struct cli_session *session)
{
    if (session->token)
        OPENSSL_cleanse(session->token, strlen(session->token));
    free(session->id);
    free(session->person);
    free(session->token);
    free(session->until);
    *session = (struct cli_session){0};
}

/* All directories of the path, for nobody else. */
static void
make_directories(const char *path)
{
    char *part = xstrdup(path);
    for (char *at = part + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(part, 0700);
        *at = '/';
    }
    free(part);
}

static enum err
write_document(const char *path, const json_t *document, struct diag *diag)
{
    char *text = json_dumps(document, JSON_INDENT(1));
    enum err err = text ? file_write(path, text, strlen(text), 0600, false, diag)
                        : diag_set(diag, ERR_IO, "%s: cannot be written", path);
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
    return err;
}

/* What is kept, an empty object if nothing is, and where. */
static enum err
open_document(char **path, json_t **document, struct diag *diag)
{
    *path = session_path();
    if (!*path)
        return diag_set(diag, ERR_INVALID, "where to keep the session? Set HOME");
    enum err err = read_document(*path, document, diag);
    if (err != ERR_NOT_FOUND)
        return err;
    *document = json_object();
    make_directories(*path);
    return ERR_OK;
}

enum err
cli_session_ready(struct diag *diag)
{
    char *path;
    json_t *document = NULL;
    enum err err = open_document(&path, &document, diag);
    if (!err)
        err = write_document(path, document, diag);
    json_decref(document);
    free(path);
    return err;
}

enum err
cli_session_write(const char *url, const struct cli_session *session, struct diag *diag)
{
    char *path, *key = server_key(url);
    json_t *document = NULL;
    enum err err = open_document(&path, &document, diag);
    if (!err) {
        json_object_del(document, key);
        if (session)
            json_object_set_new(document, key,
                                json_pack("{ss* ss* ss ss*}", "id", session->id, "person",
                                          session->person, "token", session->token, "until",
                                          session->until));
        err = write_document(path, document, diag);
    }
    json_decref(document);
    free(path);
    free(key);
    return err;
}

#include "cli/cli_config.h"

#include "base/alloc.h"
#include "io/jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_MAX 65536

char *
cli_config_path(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && *xdg == '/')
        return xasprintf("%s/tieline/config.json", xdg);
    return home && *home ? xasprintf("%s/.config/tieline/config.json", home) : NULL;
}

void
cli_config_fini(struct cli_config *config)
{
    free(config->url);
    free(config->ca);
    free(config->cert);
    free(config->key);
    *config = (struct cli_config){0};
}

static enum err
read_text(const char *path, char text[CONFIG_MAX], size_t *size, struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
                                                   : diag_set(diag, ERR_IO, "%s: %m", path);
    ssize_t n = read(fd, text, CONFIG_MAX);
    int saved = errno;
    close(fd);
    errno = saved;
    if (n < 0)
        return diag_set(diag, ERR_IO, "%s: %m", path);
    if (n == CONFIG_MAX)
        return diag_set(diag, ERR_MALFORMED, "%s: too large", path);
    *size = (size_t)n;
    return ERR_OK;
}

static char *
beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    if (*name == '/' || !slash)
        return xstrdup(name);
    return xasprintf("%.*s/%s", (int)(slash - path), path, name);
}

static enum err
take_members(const char *path, const json_t *document, struct cli_config *config, struct diag *diag)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)document, key, value)
    {
        char **target = !strcmp(key, "url")    ? &config->url
                        : !strcmp(key, "ca")   ? &config->ca
                        : !strcmp(key, "cert") ? &config->cert
                        : !strcmp(key, "key")  ? &config->key
                                               : NULL;
        if (!target)
            return diag_set(diag, ERR_INVALID, "%s: there is no setting \"%.60s\"", path, key);
        if (!json_is_string(value))
            return diag_set(diag, ERR_INVALID, "%s: \"%s\" is a text", path, key);
        *target = target == &config->url ? xstrdup(json_string_value(value))
                                         : beside(path, json_string_value(value));
    }
    return ERR_OK;
}

enum err
cli_config_read(const char *path, struct cli_config *config, struct diag *diag)
{
    char *text = xmalloc(CONFIG_MAX);
    size_t size = 0;
    json_t *document = NULL;
    *config = (struct cli_config){0};
    enum err err = read_text(path, text, &size, diag);
    if (!err) {
        err = jsontext_parse(text, size, &document, diag);
        if (err)
            diag_prefix(diag, "%s", path);
    }
    if (!err && !json_is_object(document))
        err = diag_set(diag, ERR_MALFORMED, "%s: not a JSON object", path);
    if (!err)
        err = take_members(path, document, config, diag);
    if (err)
        cli_config_fini(config);
    json_decref(document);
    free(text);
    return err;
}

/* vpn_checks.c - asks an FRR router whether a VPN works there: each command once, and what its
 * checks want of the answer. */
#include "base/alloc.h"
#include "io/jsontext.h"
#include "wan/vpns.h"

#include <stdlib.h>

struct run {
    struct lines_client *client;
    const struct vpn_device_plan *device;
    uint32_t at; /* the first check of the command that is asked */
    json_t *faults;
    vpn_checked_fn *done;
    void *arg;
};

/* The same command was asked for a check before this one. */
static bool
is_asked(const struct vpn_device_plan *d, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++) {
        if (!strcmp(d->checks[i].command, d->checks[at].command))
            return true;
    }
    return false;
}

static bool
holds(const json_t *value, const char *wanted)
{
    if (wanted)
        return json_is_string(value) && !strcmp(json_string_value(value), wanted);
    return value && !json_is_null(value) && !json_is_false(value) &&
           !(json_is_integer(value) && !json_integer_value(value)) &&
           !(json_is_string(value) && !*json_string_value(value)) &&
           !((json_is_array(value) || json_is_object(value)) && !json_array_size(value) &&
             !json_object_size(value));
}

static void
fault(struct run *r, const char *text)
{
    json_array_append_new(r->faults, jsontext_string(text));
}

/* All checks of the command that has been answered. */
static void
judge(struct run *r, const json_t *printed)
{
    const struct vpn_device_plan *d = r->device;
    for (uint32_t i = r->at; i < d->n_checks; i++) {
        const struct vpn_check *check = &d->checks[i];
        if (!strcmp(check->command, d->checks[r->at].command) &&
            !holds(jsontext_at(printed, check->pointer), check->value))
            fault(r, check->fault);
    }
}

static void ask(struct run *);

static void
on_shown(void *arg, enum err err, const char *text, const json_t *result)
{
    struct run *r = arg;
    const char *printed = json_string_value(json_object_get(result, "text"));
    json_t *json = NULL;
    struct diag why = {""};
    if (!err && printed)
        err = jsontext_parse(printed, strlen(printed), &json, &why);
    if (err || !json) {
        char *words = xasprintf("%s: %s", r->device->checks[r->at].command,
                                *why.text ? why.text
                                : err     ? text
                                          : "no answer");
        fault(r, words);
        free(words);
    } else {
        judge(r, json);
    }
    json_decref(json);
    r->at = err ? r->device->n_checks : r->at + 1;
    ask(r);
}

static void
ask(struct run *r)
{
    const struct vpn_device_plan *d = r->device;
    while (r->at < d->n_checks && is_asked(d, r->at))
        r->at++;
    if (r->at < d->n_checks) {
        lines_client_ask(r->client, "frr.show",
                         json_pack("{ss}", "command", d->checks[r->at].command), on_shown, r);
        return;
    }
    r->done(r->arg, r->faults);
    json_decref(r->faults);
    free(r);
}

void
vpn_checks_run(struct lines_client *client, const struct vpn_device_plan *device,
               vpn_checked_fn *done, void *arg)
{
    struct run *r = xmalloc(sizeof *r);
    *r = (struct run){
        .client = client, .device = device, .faults = json_array(), .done = done, .arg = arg};
    ask(r);
}

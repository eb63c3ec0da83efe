/* What a sensor tells tielined: strict JSON, then what it may be, then the fold over what was
 * recorded of it. The first octet says which message it is. Whatever is let through, the fold must
 * take. */
#include "fuzz.h"

#include "io/jsontext.h"
#include "model/state.h"

#include <string.h>

static void
apply(struct state *state, const char *type, json_t *body, bool must)
{
    struct diag diag;
    const struct state_event event = {.seq = state->seq + 1,
                                      .time = 1,
                                      .type = type,
                                      .object = "x/y",
                                      .actor = "a",
                                      .body = body};
    enum err err = state_apply(state, &event, &diag);
    check(!must || !err);
    json_decref(body);
}

/* As it is shown in lists, and all of it. */
static void
show(const struct state *state)
{
    for (const struct sensing_alert *a = state->sensing.oldest; a; a = a->newer) {
        json_decref(sensing_alert_json(a, "cc", true));
        json_decref(sensing_alert_json(a, NULL, false));
    }
}

static void
take_alert(struct state *state, json_t *alert)
{
    struct diag diag;
    if (alert_check(alert, "s1", &diag))
        return;
    apply(state, "sensor.alert", json_pack("{ss sO}", "sensor", "s1", "alert", alert), true);
    const char *id = json_string_value(json_object_get(alert, "id"));
    check(sensing_alert(&state->sensing, 0, id) != NULL);
    apply(state, "sensor.alert.closed", json_pack("{ss ss}", "id", id, "reason", "r"), true);
    show(state);
}

static void
take_asset(struct state *state, json_t *asset)
{
    struct diag diag;
    if (asset_check(asset, &diag))
        return;
    check(sensing_assets_equal(asset, asset));
    apply(state, "sensor.asset", json_pack("{ss sO}", "sensor", "s1", "asset", asset), true);
    check(state->sensing.assets != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"sensor.back",  "sensor.lost",        "sensor.dropped",
                                        "sensor.alert", "sensor.alert.again", "sensor.alert.closed",
                                        "sensor.asset"};
    json_t *json;
    struct diag diag;
    if (!size || jsontext_parse((const char *)data + 1, size - 1, &json, &diag))
        return 0;
    struct state *state = state_new();
    unsigned kind = data[0] % 16;
    if (kind == 0)
        take_alert(state, json);
    else if (kind == 1)
        take_asset(state, json);
    else if (kind == 2)
        (void)!traffic_check(json, &diag);
    else /* a body of a journal, twice */
        for (unsigned i = 0; i < 2; i++)
            apply(state, types[kind % (sizeof types / sizeof *types)], json_incref(json), false);
    state_free(state);
    json_decref(json);
    return 0;
}

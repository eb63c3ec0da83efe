/* state_testing.h - a state of each test's own, and events for it. */
#ifndef MODEL_STATE_TESTING_H
#define MODEL_STATE_TESTING_H

#include "base/testing.h"
#include "model/state.h"

#include <stdlib.h>
#include <string.h>

static struct state *state;
static uint64_t seq;

static inline UNUSED int
open_state(void **unused UNUSED)
{
    state = state_new();
    seq = 0;
    return 0;
}

static inline UNUSED int
close_state(void **unused UNUSED)
{
    state_free(state);
    return 0;
}

/* One second after the event before. The body is written with ' for ". */
static inline UNUSED enum err
apply_saying(const char *type, const char *body, struct diag *diag)
{
    char *text = strdup(body);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    seq++;
    struct state_event event = {seq, (nsec_t)seq * NSEC_PER_SEC, type, "x/y", "alice", json, 0};
    enum err err = state_apply(state, &event, diag);
    json_decref(json);
    free(text);
    return err;
}

static inline UNUSED enum err
apply(const char *type, const char *body)
{
    struct diag diag;
    return apply_saying(type, body, &diag);
}

#endif

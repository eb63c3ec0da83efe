#include "engineer/proof_json.h"

static void
set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static json_t *
violation_to_json(const struct violation *v)
{
    json_t *json = json_pack("{s:s}", "kind", violation_name(v->kind));
    set_text(json, "circuit", v->circuit);
    set_text(json, "node", v->node);
    set_text(json, "rule", v->rule);
    set_text(json, "packet", v->packet);
    set_text(json, "path", v->path);
    set_text(json, "failure", v->failure);
    set_text(json, "text", v->text);
    return json;
}

json_t *
proof_to_json(const struct proof *proof, uint32_t limit)
{
    json_t *violations = json_array();
    struct buf text = BUF_INIT;
    for (uint32_t i = 0; i < proof->n && i < limit; i++)
        json_array_append_new(violations, violation_to_json(&proof->violations[i]));
    if (proof->n == 0)
        proof_format(proof, &text);
    text.size -= text.size > 0; /* its line feed */
    json_t *json = json_pack(
        "{s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "ok", proof->n == 0, "violations",
        violations, "n-violations", (json_int_t)proof->n, "circuits", (json_int_t)proof->circuits,
        "rules", (json_int_t)proof->rules, "classes", (json_int_t)proof->classes, "walks",
        (json_int_t)proof->walks, "failures", (json_int_t)proof->failures, "idle",
        (json_int_t)proof->idle, "text", buf_cstr(&text));
    buf_fini(&text);
    return json;
}

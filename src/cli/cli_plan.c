#include "cli/cli_plan.h"

#include "cli/cli_table.h"

static const struct column path_columns[] = {
    {"CIRCUIT", "circuit", AS_TEXT, NULL},
    {"PRIMARY PATH", "primary", AS_PATH, NULL},
    {"FAILOVER PATH", "failover", AS_PATH, NULL},
    {"BOTH USE", "shared", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static void
put_size(struct buf *out, const json_t *summary)
{
    static const char *const counts[] = {"circuits", "nodes", "flows", "groups", "meters"};
    const char *between = "plan: ";
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        const json_t *count = json_object_get(summary, counts[i]);
        if (!json_is_integer(count))
            continue;
        buf_printf(out, "%s%" JSON_INTEGER_FORMAT " %s", between, json_integer_value(count),
                   counts[i]);
        between = ", ";
    }
    buf_str(out, "\n");
}

static void
put_shortage(struct buf *out, const json_t *summary, const char *member, const char *words)
{
    const json_t *shortage = json_object_get(summary, member);
    if (!shortage)
        return;
    buf_printf(out, "%s: %" JSON_INTEGER_FORMAT " circuits: ", words,
               json_integer_value(json_object_get(shortage, "count")));
    text_put_value(out, json_object_get(shortage, "circuits"), AS_TEXT, true);
    buf_str(out, "\n");
}

static void
put_summary(struct buf *out, const json_t *summary)
{
    const json_t *paths = json_object_get(summary, "paths");
    if (!json_is_object(summary)) {
        tree_put(out, summary, 0);
        return;
    }
    put_size(out, summary);
    put_shortage(out, summary, "without-failover", "without a failover path");
    put_shortage(out, summary, "failover-shares",
                 "failover shares something with the primary path");
    if (json_array_size(paths))
        table_put_array(out, paths, path_columns, true);
}

static const struct column violation_columns[] = {
    {"VIOLATION", "kind", AS_TEXT, NULL}, {"CIRCUIT", "circuit", AS_TEXT, NULL},
    {"NODE", "node", AS_TEXT, NULL},      {"AFTER", "failure", AS_TEXT, NULL},
    {"PACKET", "packet", AS_TEXT, NULL},  {"PATH", "path", AS_TEXT, NULL},
    {"TEXT", "text", AS_TEXT, NULL},      {NULL, NULL, AS_TEXT, NULL},
};

static void
put_proof(struct buf *out, const json_t *proof)
{
    const json_t *violations = json_object_get(proof, "violations");
    if (!json_is_object(proof)) {
        tree_put(out, proof, 0);
        return;
    }
    buf_str(out,
            json_is_true(json_object_get(proof, "ok")) ? "proof: holds\n" : "proof: VIOLATED\n");
    const char *text = text_of(proof, "text");
    if (*text) {
        text_put(out, text, true);
        buf_str(out, "\n");
    }
    json_int_t certified = json_integer_value(json_object_get(proof, "certified"));
    if (certified)
        buf_printf(out, "certified: %" JSON_INTEGER_FORMAT " new rules, each by itself\n",
                   certified);
    json_int_t uncertified = json_integer_value(json_object_get(proof, "uncertified"));
    if (uncertified)
        buf_printf(out,
                   "no rule is certified by itself: the paths of %" JSON_INTEGER_FORMAT
                   " circuits lead round in a circle together\n",
                   uncertified);
    if (json_array_size(violations))
        table_put_array(out, violations, violation_columns, true);
}

/* The worst cases are of the slowest receiver; no value: there is no bound. */
static const struct column bounds_columns[] = {
    {"CIRCUIT", "circuit", AS_TEXT, NULL},
    {">LATENCY BUDGET", "budget-us", AS_USEC, NULL},
    {">BEST", "normal.best-us", AS_USEC, NULL},
    {">WORST", "normal.worst-us", AS_USEC, NULL},
    {">ASYMMETRY BUDGET", "asymmetry-budget-us", AS_USEC, NULL},
    {">ASYMMETRY", "normal.asymmetry-us", AS_USEC, NULL},
    {">WORST AFTER A FAILURE", "failure.worst-us", AS_USEC, NULL},
    {"MOST OF IT AT", "failure.costliest.node", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static void
put_bounds(struct buf *out, const json_t *bounds, const json_t *unmet)
{
    if (json_array_size(bounds))
        table_put_array(out, bounds, bounds_columns, true);
    if (json_is_string(unmet)) {
        buf_str(out, "latency: ");
        text_put(out, json_string_value(unmet), true);
        buf_str(out, "\n");
    }
}

static void
put_changes(struct buf *out, const json_t *plan)
{
    const json_t *changes = json_object_get(plan, "changes"), *change;
    json_int_t all = json_integer_value(json_object_get(plan, "n-changes"));
    size_t i, n = json_array_size(changes);
    if (!n)
        return;
    buf_str(out, "\nchanges of rules:\n");
    json_array_foreach(changes, i, change)
    {
        text_put_value(out, change, AS_TEXT, true);
        buf_str(out, "\n");
    }
    if (all > (json_int_t)n)
        buf_printf(out, "... %" JSON_INTEGER_FORMAT " in all\n", all);
}

void
plan_text(struct buf *out, const json_t *plan, bool changes)
{
    const json_t *summary = json_object_get(plan, "summary");
    const json_t *proof = json_object_get(plan, "proof");
    if (summary)
        put_summary(out, summary);
    if (proof)
        put_proof(out, proof);
    const json_t *bounds = json_object_get(plan, "bounds");
    put_bounds(out, bounds ? bounds : json_object_get(proof, "bounds"),
               json_object_get(proof, "unmet"));
    if (changes)
        put_changes(out, plan);
}

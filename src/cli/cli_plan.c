#include "cli/cli_plan.h"

#include "base/alloc.h"
#include "cli/cli_table.h"

#include <stdlib.h>
#include <string.h>

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

static const struct column tunnel_columns[] = {
    {"TUNNEL", "tunnel", AS_TEXT, NULL},
    {">KBIT/S", "rate-kbps", AS_TEXT, NULL},
    {"PATH", "path", AS_TEXT, NULL},
    {"ROUTERS", "routers", AS_PATH, NULL},
    {">LATENCY", "latency-us", AS_USEC, NULL},
    {">BACK", "latency-back-us", AS_USEC, NULL},
    {"LABELS", "labels", AS_TEXT, NULL},
    {"LABELS BACK", "labels-back", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

/* A row of each path of each tunnel. */
static void
put_tunnels(struct buf *out, const json_t *tunnels)
{
    static const char *const paths[] = {"primary", "standby"};
    struct table *table = table_new(tunnel_columns);
    const json_t *tunnel;
    size_t i;
    json_array_foreach(tunnels, i, tunnel)
    {
        for (size_t p = 0; p < ARRAY_SIZE(paths); p++) {
            const json_t *path = json_object_get(tunnel, paths[p]);
            if (!json_is_object(path))
                continue;
            json_t *row = json_copy((json_t *)(uintptr_t)path);
            json_object_set(row, "tunnel", json_object_get(tunnel, "tunnel"));
            json_object_set(row, "rate-kbps", json_object_get(tunnel, "rate-kbps"));
            json_object_set_new(row, "path", json_string(paths[p]));
            table_add(table, row, true);
            json_decref(row);
        }
    }
    table_put(table, out);
    table_free(table);
    json_array_foreach(tunnels, i, tunnel)
    {
        const json_t *aside = json_object_get(tunnel, "pushes-aside");
        if (!json_array_size(aside))
            continue;
        text_put(out, text_of(tunnel, "tunnel"), true);
        buf_str(out, " pushes aside: ");
        text_put_value(out, aside, AS_TEXT, true);
        buf_str(out, "\n");
    }
}

/* Its lines, indented. */
static void
put_lines(struct buf *out, const char *text, const char *before)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        char *line = xstrndup(text, length);
        buf_str(out, before);
        text_put(out, line, true);
        buf_str(out, "\n");
        free(line);
        text += length + (text[length] == '\n');
    }
}

static void
put_vpn_router(struct buf *out, const json_t *router)
{
    const json_t *gap;
    size_t i;
    buf_str(out, "  ");
    text_put(out, text_of(router, "router"), true);
    if (*text_of(router, "platform")) {
        buf_str(out, ", ");
        text_put(out, text_of(router, "platform"), true);
    }
    if (*text_of(router, "dry-run")) {
        buf_str(out, ", dry run: ");
        text_put(out, text_of(router, "dry-run"), true);
        buf_str(out, *text_of(router, "text") ? ": " : "");
        text_put(out, text_of(router, "text"), true);
    }
    buf_str(out, "\n");
    put_lines(out, text_of(router, "config"), "    ");
    json_array_foreach(json_object_get(router, "gaps"), i, gap)
        put_lines(out, json_string_value(gap), "    # not expressed: ");
    if (*text_of(router, "edit")) {
        buf_str(out, "    what is sent:\n");
        put_lines(out, text_of(router, "edit"), "      ");
    }
}

void
plan_vpn_text(struct buf *out, const json_t *vpn)
{
    const json_t *router, *from = json_object_get(vpn, "from-version"),
                          *to = json_object_get(vpn, "to-version");
    size_t i;
    buf_str(out, "vpn ");
    text_put(out, text_of(vpn, "vpn"), true);
    if (from)
        buf_printf(out, ", from version %" JSON_INTEGER_FORMAT, json_integer_value(from));
    if (to)
        buf_printf(out, " to version %" JSON_INTEGER_FORMAT, json_integer_value(to));
    buf_str(out, "\n");
    if (*text_of(vpn, "not-tried"))
        put_lines(out, text_of(vpn, "not-tried"), "  not tried: ");
    json_array_foreach(json_object_get(vpn, "routers"), i, router) put_vpn_router(out, router);
}

static void
put_utilisation(struct buf *out, const json_t *summary, const char *when)
{
    const json_t *standing = json_object_get(summary, when);
    buf_printf(out, "%s: %.1f %% on the fullest link", when,
               100 * json_number_value(json_object_get(standing, "highest-utilisation")));
    if (json_object_get(standing, "fullest")) {
        buf_str(out, ", ");
        text_put(out, text_of(standing, "fullest"), true);
    }
    json_int_t above = json_integer_value(json_object_get(standing, "above"));
    if (above)
        buf_printf(out, "; links above %.4g %%: %" JSON_INTEGER_FORMAT,
                   json_object_get(summary, "threshold")
                       ? 100 * json_number_value(json_object_get(summary, "threshold"))
                       : 100.0,
                   above);
    buf_str(out, "\n");
}

static void
put_over(struct buf *out, const json_t *move, bool utc UNUSED)
{
    const json_t *list = json_object_get(move, "overlap"), *over;
    size_t i;
    json_array_foreach(list, i, over)
    {
        buf_str(out, i ? ", " : "");
        text_put(out, text_of(over, "link"), true);
        buf_str(out, " by ");
        text_put_rate(out, (uint64_t)json_integer_value(json_object_get(over, "over-bps")) / 1000);
    }
}

static void
put_percent(struct buf *out, const json_t *utilisation, bool utc UNUSED)
{
    if (json_is_number(utilisation))
        buf_printf(out, "%.1f %%", 100 * json_number_value(utilisation));
}

static const struct column move_columns[] = {
    {">STEP", "step", AS_TEXT, NULL},
    {"TUNNEL", "tunnel", AS_TEXT, NULL},
    {"PATH", "path", AS_TEXT, NULL},
    {"FROM", "from", AS_PATH, NULL},
    {"TO", "to", AS_PATH, NULL},
    {">LATENCY", "latency-us", AS_USEC, NULL},
    {">FULLEST THEN", "highest-utilisation", AS_TEXT, put_percent},
    {"FOR A TIME", "interim", AS_YES, NULL},
    {"EXCEEDED MEANWHILE", NULL, AS_TEXT, put_over},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column stuck_columns[] = {
    {"CANNOT GO", "tunnel", AS_TEXT, NULL},
    {"PATH", "path", AS_TEXT, NULL},
    {"WHY", "why", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

void
plan_put_moves(struct buf *out, const json_t *summary)
{
    const json_t *bound = json_object_get(summary, "bound"), *left, *moves, *close;
    size_t i;
    put_utilisation(out, summary, "before");
    put_utilisation(out, summary, "after");
    if (bound)
        buf_printf(out, "no routing has less than %.1f %%\n", 100 * json_number_value(bound));
    json_array_foreach(json_object_get(summary, "left"), i, left)
    {
        buf_str(out, "still too full: ");
        text_put(out, text_of(left, "link"), true);
        buf_str(out, ", by ");
        text_put_rate(out, (uint64_t)json_integer_value(json_object_get(left, "over-bps")) / 1000);
        buf_str(out, "\n");
    }
    if (json_array_size(json_object_get(summary, "stuck")))
        table_put_array(out, json_object_get(summary, "stuck"), stuck_columns, true);
    json_array_foreach(json_object_get(summary, "close"), i, close)
    {
        buf_str(out, "its paths are not apart then: ");
        text_put(out, json_string_value(close), true);
        buf_str(out, "\n");
    }
    moves = json_object_get(summary, "moves");
    if (json_array_size(moves))
        table_put_array(out, moves, move_columns, true);
    else
        buf_str(out, "nothing is to be moved\n");
}

static void
put_summary(struct buf *out, const json_t *summary)
{
    const json_t *paths = json_object_get(summary, "paths");
    if (!json_is_object(summary)) {
        tree_put(out, summary, 0);
        return;
    }
    if (json_is_array(json_object_get(summary, "moves"))) {
        plan_put_moves(out, summary);
        return;
    }
    const json_t *tunnels = json_object_get(summary, "tunnels");
    if (json_is_array(tunnels)) {
        put_tunnels(out, tunnels);
        return;
    }
    const json_t *vpns = json_object_get(summary, "vpns"), *vpn;
    size_t i;
    if (json_is_array(vpns)) {
        json_array_foreach(vpns, i, vpn) plan_vpn_text(out, vpn);
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

/* What the approvers of an order without a plan of rules are shown: as it is, but for what has a
 * table, and the window, which the order's own fields have. */
static void
put_shown(struct buf *out, const json_t *shown)
{
    const json_t *summary = json_object_get(shown, "summary"), *value;
    const char *member;
    json_t *rest = json_object();
    json_object_foreach((json_t *)(uintptr_t)shown, member, value)
    {
        if (value != summary && strncmp(member, "window-", 7))
            json_object_set(rest, member, (json_t *)(uintptr_t)value);
    }
    if (json_object_size(rest))
        tree_put(out, rest, 0);
    json_decref(rest);
    if (json_object_size(summary)) {
        buf_str(out, "\n");
        put_summary(out, summary);
    }
}

static const struct column carrier_columns[] = {
    {"LINK", "links", AS_TEXT, NULL}, {"STANDS ON", "kind", AS_TEXT, NULL},
    {"NAME", "name", AS_TEXT, NULL},  {"WHICH", "which", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

/* The tunnels and VPNs of the WAN that circuits of the order need, and of those that it builds the
 * paths and the native configuration. */
static void
put_carriers(struct buf *out, const json_t *shown)
{
    const json_t *carriers = json_object_get(shown, "carriers"), *carrier;
    const json_t *tunnels = json_object_get(json_object_get(shown, "tunnels"), "tunnels");
    const json_t *vpns = json_object_get(json_object_get(shown, "vpns"), "vpns"), *vpn;
    size_t i;
    if (!json_array_size(carriers))
        return;
    struct table *table = table_new(carrier_columns);
    json_array_foreach(carriers, i, carrier)
    {
        json_t *row = json_copy((json_t *)(uintptr_t)carrier);
        bool build = json_is_true(json_object_get(carrier, "build"));
        json_object_set_new(row, "which", json_string(build ? "this order builds" : "is there"));
        table_add(table, row, true);
        json_decref(row);
    }
    table_put(table, out);
    table_free(table);
    if (json_array_size(tunnels))
        put_tunnels(out, tunnels);
    json_array_foreach(vpns, i, vpn) plan_vpn_text(out, vpn);
}

void
plan_text(struct buf *out, const json_t *plan, bool changes)
{
    const json_t *summary = json_object_get(plan, "summary");
    const json_t *proof = json_object_get(plan, "proof");
    const json_t *shown = json_object_get(plan, "shown");
    if (summary) {
        put_summary(out, summary);
        put_carriers(out, shown);
    } else {
        put_shown(out, shown);
    }
    if (proof)
        put_proof(out, proof);
    const json_t *bounds = json_object_get(plan, "bounds");
    put_bounds(out, bounds ? bounds : json_object_get(proof, "bounds"),
               json_object_get(proof, "unmet"));
    if (changes)
        put_changes(out, plan);
}

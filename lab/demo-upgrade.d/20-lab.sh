# The lab comes up with what the packages of the older version have, takes only what is signed, and has circuits.
# shellcheck shell=bash disable=SC2154

# Nodes that have to be started cold let their neighbours go round them first.
export LAB_TRUST=$work/trust LAB_EDGE_OPTIONS="--linger 500ms"
begun=$(now_ms)
"${lab[@]}" up 2>"$work/up.err" || give_up "the lab does not come up: $(tail -n 3 "$work/up.err")"
"${lab[@]}" controller start
until_true 20 as erin whoami || give_up "the API does not answer: $(tail -n 3 "$run/log/controller.log")"
as erin inventory import "$here"/data/inventory/*.csv --json >"$work/import.json" || say "$(cat "$work/import.json")"
adopted() { [ "$(as erin node list --json | field '[.nodes[] | select(.live.state == "adopted")] | length')" = "$n_nodes" ]; }
until_true 20 adopted
claim "the lab is up, with signed programs, YANG modules and workflows only" "$n_nodes nodes adopted after $(($(now_ms) - begun)) ms" adopted

# How long links wait until they are used again: longer than a node that was started cold needs for its tables.
wait_ms=8000
echo "{\"tieline-inventory:inventory\": {\"settings\": {\"wait-to-restore-ms\": $wait_ms}}}" >"$work/settings.json"
as erin inventory import "$work/settings.json" >>"$work/claims.log" || say "the settings are refused"

"${lab[@]}" services start
as erin circuit create -f "$here/circuits/stream-a.json" >/dev/null || say "stream-a is refused"
as erin circuit create -f "$here/circuits/scada-a.json" >/dev/null || say "scada-a is refused"
build stream-a scada-a || give_up "the circuits cannot be approved"
until_true 90 order_is "$order" "done"
as erin circuit show stream-a --json >"$work/stream.json"
say "stream-a: primary $(field '.status.design.primary.links | join(" ")' <"$work/stream.json"); failover $(field '.status.design.failover.links | join(" ")' <"$work/stream.json")"
claim "two circuits with failover are in service" "$(order_state "$order")" order_is "$order" "done"

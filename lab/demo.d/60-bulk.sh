# 200 circuits in one order, and the controller is killed in the middle of it.
# shellcheck shell=bash disable=SC2154

jq -n '[["fep", "rtu-b"], ["hist", "rtu-a"], ["rtu-a", "relay-a1"], ["eng-a", "relay-a2"], ["relay-a2", "rtu-a"]] as $pairs |
    [range(200) | {name: "bulk-\(. + 1000 | tostring | .[1:])", description: "One of 200",
      ip: {client: $pairs[. % 5][0], server: $pairs[. % 5][1], protocol: "udp", "server-ports": [30000 + .]},
      "service-class": "bulk", "rate-kbps": (if . % 5 < 2 then 500 else 1000 end), protection: "maximal"}]' >"$work/bulk.json"
as erin circuit create -f "$work/bulk.json" >/dev/null || say "the bulk is refused"
# shellcheck disable=SC2046
set -- $(jq -r '.[].name' "$work/bulk.json")

spawn bulk-stream rtu-a "$TIELINE_BIN/lab-stream" receive udp --interface eth0 --json
receiver=$spawned
until_true 5 grep -q ready "$work/bulk-stream"
spawn bulk-streamed fep "$TIELINE_BIN/lab-stream" send udp --to 10.20.0.11 --pps 1000 --json
sender=$spawned
spawn bulk-modbus fep "$TIELINE_BIN/lab-modbus" poll 10.20.0.11 --interval 100ms --json
poller=$spawned

begun=$(now_ms)
build "$@" || say "the bulk order cannot be approved"
bulk=$order
some_built() { local n; n=$(as erin work show "$bulk" --json | field '.step[] | select(.name == "push") | .["items-done"] // 0'); [ "$n" -ge 20 ] && [ "$n" -lt 200 ]; }
until_true 60 some_built
in_middle=$(as erin work show "$bulk" --json | field '.step[] | select(.name == "push") | .["items-done"] // 0')
"${lab[@]}" controller kill
sleep 1
"${lab[@]}" controller start
until_true 20 as erin whoami
claim "the controller is killed with -9 in the middle of an order of 200 circuits" \
    "$in_middle of 200 were built" test "$in_middle" -gt 0 -a "$in_middle" -lt 200
until_true 400 order_is "$bulk" "done"
all_built() {
    [ "$(as erin circuit list --json | field '[.circuits[] | select((.name | startswith("bulk-")) and .status.phase == "active")] | length')" = 200 ]
}
claim "restarted, the work goes on: all 200 are built and active" "$(order_state "$bulk") after $((($(now_ms) - begun) / 1000)) s" all_built
as ada journal list --type circuit.built --limit 1000 --json >"$work/built.json"
once() {
    [ "$(field '[.events[] | .body | (if type == "string" then fromjson else . end) | .circuit | select(startswith("bulk-"))] | [length, (unique | length)] == [200, 200]' <"$work/built.json")" = true ]
}
claim "each of them once" "" once
end "$sender"
end "$poller"
wait "$receiver"
never_stopped() { [ "$(last bulk-stream | field '.lost == 0 and .received > 5000')" = true ]; }
claim "traffic never stopped meanwhile" \
    "$(last bulk-stream | field '"\(.received) packets, \(.lost) lost, longest gap \(.longest_gap_ms) ms"')" never_stopped
polled() { [ "$(last bulk-modbus | field '.failed == 0 and .ok > 50')" = true ]; }
claim "nor did the Modbus polls" "$(last bulk-modbus | field '"\(.ok) polls, \(.failed) failed"')" polled

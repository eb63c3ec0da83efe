# 200 circuits in one order, and the controller is killed in the middle of it. Of a class below that of scada-a, whose
# latency budget they could break.
# shellcheck shell=bash disable=SC2154

jq -n '[["fep", "rtu-b"], ["relay-a1", "rtu-a"], ["relay-a2", "relay-a1"], ["rtu-b", "relay-b1"], ["eng-a", "relay-a2"],
        ["relay-b1", "rtu-b"], ["hist", "relay-a1"], ["rtu-a", "relay-a2"]] as $pairs |
    [range(200) | {name: "bulk-\(. + 1000 | tostring | .[1:])", description: "One of 200",
      ip: {client: $pairs[. % 8][0], server: $pairs[. % 8][1], protocol: "udp", "server-ports": [30000 + .]},
      "service-class": "engineering", "rate-kbps": 500, protection: "maximal"}]' >"$work/bulk.json"
as erin circuit create -f "$work/bulk.json" >/dev/null || say "the bulk is refused"
# shellcheck disable=SC2046
set -- $(jq -r '.[].name' "$work/bulk.json")

stream bulk-stream
spawn bulk-modbus fep "$TIELINE_BIN/lab-modbus" poll 10.20.0.11 --interval 100ms --json
poller=$spawned

begun=$(now_ms)
build "$@" || say "the bulk order cannot be approved"
bulk=$order
n_built() { # by the journal, which is the first to know
    sqlite3 -readonly "$run/journal/control-centre.db" \
        "SELECT count(*) FROM event WHERE type = 'circuit.built' AND object LIKE 'circuit/bulk-%'"
}
for _ in $(seq 3000); do
    [ "$(n_built)" -lt 20 ] || break
    sleep 0.01
done
"${lab[@]}" controller kill
in_middle=$(n_built)
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
    "$(last bulk-stream | field '"\(.received) packets, \(.lost) lost, longest gap \(.longest_gap_ms | round) ms"')" never_stopped
polled() { [ "$(last bulk-modbus | field '.failed == 0 and .ok > 50')" = true ]; }
claim "nor did the Modbus polls" "$(last bulk-modbus | field '"\(.ok) polls, \(.failed) failed"')" polled

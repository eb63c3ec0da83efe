# A SCADA circuit, from a form to a guarded flow.
# shellcheck shell=bash disable=SC2154

"${lab[@]}" services start
as erin circuit create -f "$here/circuits/scada-a.json" >/dev/null || say "scada-a is refused"
order=$(as erin circuit build scada-a --json | field .id)
until_true 30 step_is "$order" approve waiting
as erin work show "$order" --json >"$work/order.json"
hash=$(field '.["plan-hash"]' <"$work/order.json")
ready() { step_is "$order" design "done" && step_is "$order" prove "done" && step_is "$order" reserve "done"; }
claim "SCADA circuit fep to rtu-a is designed, proved and reserved" \
    "$(field '.plan.proof.text // empty' <"$work/order.json")" ready

nothing_yet() { all_rules | diff -q - "$work/rules-before"; }
claim "until it is approved not a rule is written" "" nothing_yet
claim "who asked for it cannot approve it" "" eval "! as erin work approve $order --hash $hash"
claim "an approval of another plan's hash does not count" "" \
    eval "! as olga work approve $order --hash ${hash//[0-7]/f}"
as olga work approve "$order" --hash "$hash" --comment "operation agrees" >/dev/null
sleep 0.5
waits() { step_is "$order" approve waiting && nothing_yet; }
claim "the first approval is not enough" "$(order_state "$order")" waits
begun=$(now_ms)
as sam work approve "$order" --hash "$hash" --comment "security agrees" >/dev/null
until_true 10 step_is "$order" push "done"
claim "the second one, by another person of the other role, releases it" "" step_is "$order" push "done"
built_ms=$(as erin circuit show scada-a --json | field '(.status["build-time-ns"] // 0) / 1e6')
built() { [ "$(as erin circuit show scada-a --json | field '.status["build-time-ns"] > 0')" = true ]; }
claim "it is built" "$(printf %.1f "$built_ms") ms from the order to the nodes until all had confirmed" built
until_true 60 order_is "$order" "done"
claim "the order is done: read back, tested, fingerprinted" \
    "$(($(now_ms) - begun)) ms after the second approval, test included" order_is "$order" "done"

as erin circuit fingerprint scada-a --json >"$work/fingerprint.json"
field '.entries[] | "#   \(.path) \(.direction): p50 \(."latency-p50-ns" / 1000 | round) us, max \(."latency-max-ns" / 1000 | round) us, jitter \(."jitter-ns" / 1000 | round) us, asymmetry \((."asymmetry-ns" // 0) / 1000 | round) us, lost \(.lost)/\(.sent)"' \
    <"$work/fingerprint.json"
four_ways() { [ "$(field '[.entries[] | select(.lost == 0)] | length' <"$work/fingerprint.json")" -ge 4 ]; }
claim "its fingerprint is stored: both paths, both directions, nothing lost" \
    "$(field '.entries | length' <"$work/fingerprint.json") entries" four_ways

spawn modbus fep "$TIELINE_BIN/lab-modbus" poll 10.20.0.11 --interval 100ms --duration 3s --json
wait "$spawned"
polls() { [ "$(last modbus | field '.ok >= 28 and .failed == 0')" = true ]; }
claim "Modbus polls succeed at 10 Hz" "$(last modbus | field '"\(.ok) of \(.ok + .failed) answered, p50 \(.response.p50_us / 100 | round / 10) ms, longest pause \(.longest_pause_ms | round) ms"')" polls

# ---- What a node tells, through the server
spawn modbus fep "$TIELINE_BIN/lab-modbus" poll 10.20.0.11 --interval 100ms --duration 5s --json
as erin edge capture --node a2 --match tcp-dst=502 --count 4 --for 4s -f - >"$work/capture.pcapng" 2>/dev/null
captured() {
    tshark -r "$work/capture.pcapng" -T fields -e frame.comment -e modbus.func_code 2>/dev/null >"$work/captured" &&
        grep -q $'rule: table=0.*cookie=.*\t3$' "$work/captured" && grep -q '^output: port' "$work/captured"
}
captured
claim "a node's packets are captured, with the rule that decided" "$(wc -l <"$work/captured" 2>/dev/null) packets" captured
told() {
    local verb
    for verb in status ports queues stats clock redundancy "top --once --interval 200ms" "trace --in-port 1 --tcp-dst 502"; do
        # shellcheck disable=SC2086
        as erin edge $verb --node a2 --json | jq -e 'type == "object"' || return 1
    done
}
claim "and it tells its state, ports, queues, counters, clock, streams, flows and decisions" "" told
wait "$spawned"

# ---- The guard
# What was refused before must not count: only this packet has TCP port 502, from this host. The address is told by
# hand, for no circuit would answer the question for it.
denied_packets() { as erin denied list --json | field '[.ports[] | select(.node == "a2" and .port == 4) | .packets] | add // 0'; }
before=$(denied_packets)
ip -n "$name-eng-a" neighbour replace 10.20.0.11 lladdr 02:00:00:20:00:11 dev eth0
spawn intruder eng-a "$TIELINE_BIN/lab-modbus" poll 10.20.0.11 --count 3 --json
wait "$spawned"
ip -n "$name-eng-a" neighbour del 10.20.0.11 dev eth0
denied() {
    as erin exception list --json | jq -e '.exceptions[] | select(.kind == "traffic-denied" and .object == "host/eng-a") |
        select((.text | test("node a2 port 4")) and (.evidence | tostring | test("ipv4_dst=10.20.0.11,tcp_dst=502")))'
}
until_true 60 denied # repetitions are recorded every 10 s, and the many probes before this came first
claim "a Modbus client on eng-a does not reach rtu-a" "$(last intruder | field '"\(.ok) of \(.failed) polls answered"')" \
    test "$(last intruder | field '.ok == 0 and .failed == 3')" = true
claim "its packet to port 502 is an exception that names the port" \
    "$(denied 2>/dev/null | field '.evidence | tostring' | head -n 1 | grep -o 'eth_src=02:00:00:20:00:31[^"]*tcp_dst=502' | head -n 1)" denied
counted() { [ "$(denied_packets)" -gt "$before" ]; }
claim "and counted at that port" "$(($(denied_packets) - before)) packets more" counted

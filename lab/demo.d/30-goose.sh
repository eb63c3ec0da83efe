# GOOSE: a trip reaches its subscribers and nobody else.
# shellcheck shell=bash disable=SC2154

as erin circuit create -f "$here/circuits/trip-a1.json" >/dev/null || say "trip-a1 is refused"
build trip-a1 || say "trip-a1 cannot be approved"
until_true 60 order_is "$order" "done"
claim "GOOSE circuit relay-a1 to relay-a2 and relay-b1 is built and tested" "$(order_state "$order")" order_is "$order" "done"

pids=()
for host in $hosts; do
    [ "$host" = relay-a1 ] && continue
    spawn "goose-$host" "$host" "$TIELINE_BIN/lab-goose" subscribe --interface eth0 --quiet --duration 5s --json
    pids+=("$spawned")
done
sleep 0.5
spawn goose-publish relay-a1 "$TIELINE_BIN/lab-goose" publish --interface eth0 --vlan 10 --appid 1 \
    --mac 01:0c:cd:01:00:01 --gocb-ref "RELAY_A1PROT/LLN0\$GO\$gcbTrip" --toggle 200ms --count 15 --json
wait "${pids[@]}"
states() { last "goose-$1" | field '.states // .n_states // 0'; }
delivered() { [ "$(states relay-a2)" -ge 15 ] && [ "$(states relay-b1)" -ge 15 ]; }
claim "its trips arrive at both subscribers" "relay-a2 $(states relay-a2) states, relay-b1 $(states relay-b1); transfer time to relay-b1 p50 $(last goose-relay-b1 | field '.transfer.p50_us | round') us, max $(last goose-relay-b1 | field '.transfer.max_us | round') us" delivered
others() {
    local host
    for host in $hosts; do
        case $host in relay-a1 | relay-a2 | relay-b1) continue ;; esac
        [ "$(states "$host")" = 0 ] || return 1
    done
}
claim "and nowhere else" "" others

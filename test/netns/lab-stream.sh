#!/bin/bash
# lab-stream between two hosts: what was sent is what is reported; an outage shows with its length.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need

#   a a0 ---- wa [ wire ] wb ---- b0 b
host wire a b
link a a0 wire wa
link b b0 wire wb
ip -n $prefix-a addr add 10.1.0.1/24 dev a0
ip -n $prefix-b addr add 10.1.0.2/24 dev b0
ip -n $prefix-b route add 224.0.0.0/4 dev b0
ip -n $prefix-a route add 224.0.0.0/4 dev a0
echo 'ab wa wb' >"$work/wires"
spawn wire "$work/wire.log" "$bin/lab-wire" run "$work/wires" --control "$work/control" --json
wait_for 5 grep -q ready "$work/wire.log"
tell() { "$bin/lab-wire" tell "$work/control" "$@" >/dev/null; }

receive() { # ARGUMENT...
    spawn b "$work/received" "$bin/lab-stream" receive "$@" --json
    receiver=$spawned
    wait_for 5 grep -q ready "$work/received"
}
send() { in_host a "$bin/lab-stream" send "$@" --json >"$work/sent"; }

receive udp
send udp --to 10.1.0.2 --pps 2000 --count 1000
wait $receiver
claim "a whole UDP stream arrives" test $? -eq 0
claim "without loss" holds '.received == 1000 and .lost == 0 and .total == 1000' "$work/received"
claim "in order, once" holds '.duplicated == 0 and .reordered == 0' "$work/received"
claim "with a latency" holds '.latency.n == 1000 and .latency.min_us > 0' "$work/received"
claim "the sender says the same" holds '.sent == 1000 and .errors == 0' "$work/sent"

receive udp --group 239.1.2.3 --interface b0
send udp --to 239.1.2.3 --interface a0 --pps 1000 --count 200
wait $receiver
claim "a multicast group is joined" holds '.received == 200' "$work/received"

receive l2 --interface b0 --vlan 7
send l2 --interface a0 --vlan 7 --pps 1000 --count 200 --size 36
wait $receiver
claim "tagged frames are received" holds '.received == 200 and .lost == 0' "$work/received"

receive l2 --interface b0 --vlan 8 --duration 1s
send l2 --interface a0 --vlan 7 --pps 1000 --count 50
wait $receiver
claim "those of another VLAN are not, which is exit status 1" test $? -eq 1

# An outage of 200 ms in the middle.
receive udp --interval 200ms
in_host a "$bin/lab-stream" send udp --to 10.1.0.2 --pps 1000 --duration 1500ms --json >"$work/sent" &
sending=$!
sleep 0.6
tell block ab a-to-b
sleep 0.2
tell restore ab
wait $sending
wait $receiver
claim "an outage is loss" holds '.lost > 100 and .lost < 600 and .received + .lost == 1500' "$work/received"
claim "counted around the outage" holds '.outages.n == 1 and .outages.lost == .lost' "$work/received"
claim "with its length" holds \
    '.longest_gap_ms >= .lost and .longest_gap_ms < .lost + 100 and .outages.longest[0].gap_ms == .longest_gap_ms' \
    "$work/received"
claim "and reports came meanwhile" test "$(grep -c interval "$work/received")" -ge 4

# The receiver judges.
receive udp --max-lost 10
tell set ab loss=0.5/0
send udp --to 10.1.0.2 --pps 1000 --count 200
tell set ab loss=0
wait $receiver
claim "too much loss is exit status 1" test $? -eq 1

# A sender that is stopped says how much it was.
receive udp
spawn a "$work/sent" "$bin/lab-stream" send udp --to 10.1.0.2 --pps 1000 --json
sleep 0.5
claim "a stopped sender ends in order" stop $spawned
wait $receiver
claim "and ends the stream" holds '.received > 100 and .received == .total and .lost == 0' "$work/received"
claim "which the sender counted" holds ".sent == $(tail -n 1 "$work/received" | jq .total)" "$work/sent"

# A receiver that is stopped reports.
receive udp
in_host a "$bin/lab-stream" send udp --to 10.1.0.2 --pps 1000 --duration 5s >/dev/null &
sleep 0.5
claim "a stopped receiver ends in order" stop $receiver INT
claim "and reports what it has" holds '.event == "summary" and .received > 100' "$work/received"

usage() { "$bin/lab-stream" "$@" >/dev/null 2>"$work/err"; [ $? -eq 2 ] && [ -s "$work/err" ]; }
claim "a missing address is wrong usage" usage send udp
claim "a missing interface is wrong usage" usage receive l2
claim "a wrong number is wrong usage" usage send udp --to 10.1.0.2 --pps many
claim "an unknown option is wrong usage" usage receive udp --loud
finish

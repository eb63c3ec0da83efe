#!/bin/bash
# lab-modbus: a client polls a server, through an outage and a restart.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need tshark tcpdump

#   a a0 ---- wa [ wire ] wb ---- b0 b
host wire a b
link a a0 wire wa
link b b0 wire wb
ip -n $prefix-a addr add 10.1.0.1/24 dev a0
ip -n $prefix-b addr add 10.1.0.2/24 dev b0
echo 'ab wa wb' >"$work/wires"
spawn wire "$work/wire.log" "$bin/lab-wire" run "$work/wires" --control "$work/control" --json
wait_for 5 grep -q ready "$work/wire.log"
tell() { "$bin/lab-wire" tell "$work/control" "$@" >/dev/null; }

serve() {
    spawn b "$work/server" "$bin/lab-modbus" serve --registers 20 --json
    server=$spawned
    wait_for 5 grep -q ready "$work/server"
}
serve

spawn b "$work/tcpdump" tcpdump --immediate-mode -i b0 -U -w "$work/modbus.pcap" tcp port 502
capture=$spawned
wait_for 5 grep -q listening "$work/tcpdump.err"
in_host a "$bin/lab-modbus" poll 10.1.0.2 --registers 20 --interval 20ms --count 25 --json >"$work/polls"
claim "polls" test $? -eq 0
claim "every poll succeeds" holds '.ok == 25 and .failed == 0 and .connections == 1' "$work/polls"
claim "with a response time" holds '.response.n == 25 and .response.min_us > 0' "$work/polls"
stop $capture
requests() { tshark -n -r "$work/modbus.pcap" -Y "modbus && tcp.dstport == 502" -T fields -e modbus.func_code -e modbus.reference_num -e modbus.word_cnt 2>/dev/null; }
claim "tshark sees 25 requests to read 20 holding registers" test "$(requests | sort | uniq -c | xargs)" = "25 3 0 20"
registers() { tshark -n -r "$work/modbus.pcap" -Y "modbus && tcp.srcport == 502" -T fields -e modbus.regval_uint16 2>/dev/null | cut -d, -f2; }
claim "register 1 counts the requests" test "$(registers | paste -sd' ')" = "$(seq -s' ' 25)"

in_host a "$bin/lab-modbus" poll 10.1.0.2 --registers 30 --interval 20ms --count 3 --json >"$work/polls"
claim "too many registers are failed polls, which is exit status 1" test $? -eq 1

spawn a "$work/polls" "$bin/lab-modbus" poll 10.1.0.2 --registers 20 --interval 50ms --timeout 200ms --report 500ms --json
poller=$spawned
sleep 0.5
tell block ab
sleep 1
claim "an outage is noticed" grep -q '"event":"failed"' "$work/polls"
tell restore ab
claim "and its end" wait_for 5 grep -q '"event":"recovered"' "$work/polls"
stop $server
wait_for 5 test "$(grep -c '"event":"failed"' "$work/polls")" -ge 2
serve
claim "a server that was restarted is found again" \
    wait_for 5 eval 'test "$(grep -c recovered "$work/polls")" -ge 2'
claim "a stopped client ends in order" stop $poller
claim "with the longest pause" holds '.event == "summary" and .failed > 0 and .ok > 10 and .longest_pause_ms >= 900' "$work/polls"
claim "and reported meanwhile" grep -q '"event":"interval"' "$work/polls"
claim "a stopped server ends in order" stop $server
claim "with its counters" holds '.event == "summary" and .requests > 0 and .connections >= 1' "$work/server"

in_host a "$bin/lab-modbus" poll 10.1.0.2 --interval 20ms --count 2 --json >"$work/polls"
claim "no server at all is exit status 1" test $? -eq 1
claim "and said" grep -q 'Connection refused' "$work/polls"
usage() { "$bin/lab-modbus" "$@" >/dev/null 2>"$work/err"; [ $? -eq 2 ] && [ -s "$work/err" ]; }
claim "a missing address is wrong usage" usage poll
claim "too many registers for one request are wrong usage" usage poll 10.1.0.2 --registers 126
finish

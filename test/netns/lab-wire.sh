#!/bin/bash
# lab-wire between hosts: delay, capacity, loss, silence, cuts, interfaces that come and go.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need ping iperf3 tcpdump

#   a a0 ---- wa [ wires ] wb ---- b0 b        c c0 ---- wc [ wires ] wd ---- d0 d
host wires a b c d
link a a0 wires wa
link b b0 wires wb
link c c0 wires wc
link d d0 wires wd
ip -n $prefix-a addr add 10.1.0.1/24 dev a0
ip -n $prefix-b addr add 10.1.0.2/24 dev b0
ip -n $prefix-c addr add 10.2.0.1/24 dev c0
ip -n $prefix-d addr add 10.2.0.2/24 dev d0

tell() { "$bin/lab-wire" tell "$work/control" "$@" --json; }
start_wires() {
    spawn wires "$work/wires.log" "$bin/lab-wire" run "$work/wires" --control "$work/control" --json
    wires_pid=$spawned
    wait_for 5 grep -q ready "$work/wires.log"
}
shows() { tell show | true_of ".links[] | select(.name == \"$1\") | $2"; }
carrier() { [ "$(ip -n "$prefix-$1" -j link show "$2" | jq -r '.[0].operstate')" = "$3" ]; }
pings() { in_host "$1" ping -q -c "${3:-3}" -i 0.02 -W 1 "$2" >"$work/ping" 2>&1; }
rtt_ms() { awk -F'[ /]' '/^rtt/ { print $7 }' "$work/ping"; } # the least
between() { awk -v x="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(x >= low && x <= high) }'; }

# ---- What is wrong is said

wrong() { # STATUS TEXT FILE-CONTENT
    printf '%s\n' "$3" >"$work/wrong"
    in_host wires "$bin/lab-wire" run "$work/wrong" >/dev/null 2>"$work/err"
    [ $? -eq "$1" ] && grep -q "$2" "$work/err" || { cat "$work/err"; false; }
}
claim "a malformed line is named" wrong 2 "wrong:1: unknown setting 'dealy-us=1'" "x wa wb dealy-us=1"
claim "a missing interface is named" wrong 3 "nowhere: no such interface" "x wa nowhere"

# ---- Delay

echo 'ab wa wb delay-us=3000/5000
cd wc wd' >"$work/wires"
claim "starts" start_wires
claim "frames pass" pings a 10.1.0.2
pings a 10.1.0.2 20
claim "the delay of both directions is the round trip ($(rtt_ms) ms)" between "$(rtt_ms)" 8.0 9.0
claim "one process serves another link" pings c 10.2.0.2
claim "settings can be changed" eval 'tell set ab delay-us=500 >/dev/null'
pings a 10.1.0.2 20
claim "and work at once ($(rtt_ms) ms)" between "$(rtt_ms)" 1.0 2.0

# ---- TCP, with the offloads that hosts have

iperf() { # HOST SERVER ADDRESS: Mbit/s received
    spawn "$2" "$work/iperf" iperf3 -s -1
    local server=$spawned
    wait_for 5 in_host "$2" sh -c "ss -ltn | grep -q :5201"
    in_host "$1" timeout 20 iperf3 -c "$3" -t 2 -J 2>/dev/null |
        jq '.end.sum_received.bits_per_second / 1e6 | floor'
    stop $server
}
mbit=$(iperf c d 10.2.0.2)
claim "TCP with offloads passes ($mbit Mbit/s)" between "$mbit" 100 100000
tell set ab rate-kbps=20000 queue=100000 delay-us=100 >/dev/null
mbit=$(iperf a b 10.1.0.2)
claim "a capacity of 20 Mbit/s is kept ($mbit Mbit/s of payload)" between "$mbit" 12 20
# Of 2 MB in a tenth of a second; TCP may be more considerate.
in_host a "$bin/lab-stream" send udp --to 10.1.0.2 --pps 20000 --count 2000 --size 1000 >/dev/null
claim "what does not fit into the queue is dropped and counted" shows ab '.a_to_b.dropped.queue > 0'
tell set ab rate-kbps=0 delay-us=0 >/dev/null

# ---- Frames as they are

capture() { # HOST INTERFACE DIRECTION
    spawn "$1" "$work/tcpdump-$1" tcpdump --immediate-mode -i "$2" -U -w "$work/$1.pcap" -Q "$3" ether proto 0x88b5 or vlan
    wait_for 5 grep -q listening "$work/tcpdump-$1.err"
}
capture wires wa in
capturing="$spawned"
capture b b0 in
capturing="$capturing $spawned"
in_host a "$bin/lab-stream" send l2 --interface a0 --vlan 7 --pcp 5 --count 50 --size 600 >/dev/null
in_host a "$bin/lab-stream" send l2 --interface a0 --count 50 --size 46 >/dev/null
sleep 0.5
for capture in $capturing; do stop "$capture"; done
octets() { tcpdump -r "$1" -t -xx 2>/dev/null; }
same() {
    octets "$work/wires.pcap" >"$work/a.txt"
    octets "$work/b.pcap" >"$work/b.txt"
    [ "$(grep -c 0x0000 "$work/b.txt")" -ge 100 ] && cmp "$work/a.txt" "$work/b.txt"
}
claim "tagged and untagged frames arrive octet for octet" same

# ---- Loss

tell set ab loss=0.2/0 >/dev/null
spawn b "$work/received" "$bin/lab-stream" receive udp --json
receiver=$spawned
wait_for 5 grep -q ready "$work/received"
in_host a "$bin/lab-stream" send udp --to 10.1.0.2 --pps 2000 --count 2000 >/dev/null
wait $receiver
claim "a fifth is lost" holds '.lost > 300 and .lost < 500' "$work/received"
lost=$(tail -n 1 "$work/received" | jq .lost)
claim "which the wire counted" shows ab ".a_to_b.dropped.loss >= $lost and .b_to_a.dropped.loss == 0"
tell set ab loss=0 >/dev/null

# ---- Silence and cuts

tell block ab a-to-b >/dev/null
claim "a blocked direction is silent" eval '! pings a 10.1.0.2 2'
claim "but has carrier" carrier a a0 UP
claim "and is counted" shows ab '.a_to_b.blocked and .a_to_b.dropped.blocked > 0 and (.b_to_a.blocked | not)'
claim "restore ends it" eval 'tell restore ab >/dev/null'
claim "and frames pass again" pings a 10.1.0.2
claim "a cut takes the carrier of one end" eval 'tell cut ab >/dev/null; wait_for 2 carrier a a0 DOWN || wait_for 2 carrier a a0 LOWERLAYERDOWN'
claim "and of the other" eval 'carrier b b0 DOWN || carrier b b0 LOWERLAYERDOWN'
claim "the other link does not mind" pings c 10.2.0.2
claim "restore brings it back" eval 'tell restore ab >/dev/null; wait_for 2 carrier a a0 UP'
claim "and frames pass again after the cut" wait_for 5 pings a 10.1.0.2

refused() { # TEXT COMMAND...
    local text=$1
    shift
    tell "$@" >"$work/answer"
    [ $? -eq 1 ] && true_of ".error | contains(\"$text\")" <"$work/answer"
}
claim "an unknown link is refused" refused "there is no link 'xy'" cut xy
claim "an unknown command is refused" refused "unknown command 'tug'" tug ab
claim "a wrong setting is refused" refused "unknown setting 'speed=1'" set ab speed=1
claim "a wrong direction is refused" refused "'up' is not" block ab up
claim "missing words are refused" refused "usage: cut NAME" cut

# ---- Interfaces that come and go

ip -n $prefix-wires link del wa
claim "a vanished interface is noticed" wait_for 5 grep -q "wa has gone" "$work/wires.log.err"
claim "and does not hurt the other link" pings c 10.2.0.2
link a a0 wires wa
ip -n $prefix-a addr add 10.1.0.1/24 dev a0
claim "one that comes back is used again" wait_for 5 pings a 10.1.0.2

# ---- The end

claim "ends in order on SIGTERM" stop "$wires_pid"
claim "with its counters" holds '.links | length == 2' "$work/wires.log"
claim "and takes its socket away" test ! -e "$work/control"
late=$(tail -n 1 "$work/wires.log" | jq -c '.links[0].a_to_b.late | {p50_us, p99_us, max_us}')
echo "# delivered late by $late"
finish

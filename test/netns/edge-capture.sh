#!/bin/bash
# tieline edge capture: what it writes is read by tshark, and says what became of each packet.
# shellcheck source-path=SCRIPTDIR
main_program=tieline-edge
. "$(dirname "$0")/lib.sh"
need ping ovs-ofctl python3 tshark capinfos
[ -x "$bin/tieline" ] || skip "no tieline in $bin"
rpc_tool=$(dirname "$(readlink -f "$0")")/edge_rpc.py

three_hosts 10.1.0.3 02:00:00:00:00:03
ip -n $prefix-a neigh replace 10.1.0.3 lladdr 02:00:00:00:00:03 dev a0

control=$work/control
rpc() { /usr/bin/python3 "$rpc_tool" call "$control" "$@"; }
of() { # COMMAND ARGUMENT...
    local command=$1
    shift
    ovs-ofctl -O OpenFlow13 "$command" "unix:$control.of" "$@" 2>"$work/of.err"
}
edge() { "$bin/tieline" edge "$@" --control "$control"; }
# capture NAME OPTION...: in the background; waits until it captures.
capture() {
    local name=$1
    shift
    local before
    before=$(grep -c "capture .* begins" "$work/edge.err")
    "$bin/tieline" edge capture --control "$control" --file "$work/$name.pcapng" "$@" >"$work/$name.out" 2>"$work/$name.err" &
    capturing=$!
    wait_for 5 eval "[ \$(grep -c 'capture .* begins' $work/edge.err) -gt $before ]"
}
end_capture() {
    sleep 0.1
    kill -INT "$capturing" 2>/dev/null
    wait "$capturing"
}
fields() { # NAME FIELD...: of all packets, a line each, with commas
    local name=$1 arguments=
    shift
    for field; do arguments="$arguments -e $field"; done
    # shellcheck disable=SC2086
    tshark -r "$work/$name.pcapng" -T fields -E separator=, $arguments 2>"$work/tshark.err"
}
has() { # NAME TEXT: one of its comments has it
    fields "$1" frame.comment | grep -qF "$2" && return
    echo "# $1: no \"$2\" in $(fields "$1" frame.comment | head -5)"
    return 1
}
n_packets() { fields "$1" frame.number | wc -l; }
pings() { in_host a ping -q -c 3 -i 0.02 -W 1 "${1:-10.1.0.2}" >"$work/ping" 2>&1; }

spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port 1=p1 --port 2=p2 --port 3=p3 --control "$control"
edge_pid=$spawned
wait_for 10 rpc edge.status
of add-flow "priority=10,cookie=0x12,in_port=1,ip,nw_dst=10.1.0.2,actions=set_queue:4,output:2"
of add-flow "priority=10,cookie=0x13,in_port=2,ip,actions=output:1"
of add-flow "priority=5,cookie=0x14,in_port=1,ip,nw_dst=10.1.0.3,actions=drop"
of add-flow "priority=5,cookie=0x15,in_port=1,arp,actions=CONTROLLER:64"
wait_for 5 pings

# ---- Everything

capture all
pings
pings 10.1.0.3
end_capture
claim "tshark reads it without a complaint" eval 'fields all frame.number >/dev/null && [ "$(grep -vc "Running as" "$work/tshark.err")" = 0 ]'
claim "capinfos says nanoseconds" eval 'capinfos -M "$work/all.pcapng" | grep -q "timestamp precision: *nanoseconds (9)"'
claim "each port is an interface" eval 'capinfos -M "$work/all.pcapng" | grep -c "Name = p[123]$" | grep -qx 3'
claim "an arrival names the rule that decided" has all "input: port 1; rule: table=0,priority=10,cookie=0x12"
claim "an output names port, queue and rule" has all \
    "output: port 2, queue 4; rule: table=0,priority=10,cookie=0x12; from port 1"
claim "a drop names its reason and the rule" has all "send it nowhere); rule: table=0,priority=5,cookie=0x14; from port 1"
claim "directions are in the flags" eval \
    '[ "$(fields all frame.interface_name frame.packet_flags_direction icmp.type icmp.seq | grep -c "^p1,1,8,1$\|^p1,0x00000001,8,1$")" -ge 1 ]'
claim "and both ways of an echo are there, at both ports" eval \
    '[ "$(fields all frame.interface_name icmp.type ip.dst | grep -c "^p[12],8,10.1.0.2$")" = 6 ] &&
     [ "$(fields all frame.interface_name icmp.type | grep -c "^p[12],0$")" = 6 ]'
claim "the copies of one packet have one id" eval \
    '[ "$(fields all frame.packet_id icmp.type icmp.seq ip.dst | grep ",8,.*10.1.0.2$" | sort | uniq -c | grep -c "^ *2 ")" = 3 ]'
claim "an arrival comes before its output" eval \
    'fields all frame.time_delta | awk "\$1 < 0 {exit 1}"'
claim "it says how many there were" grep -q "packets captured, 0 lost: it was stopped" "$work/all.err"
claim "the statistics say what was delivered" eval \
    'capinfos -M "$work/all.pcapng" | grep -q "Number of stat entries = 1"'

# ---- Chosen

capture drops --drops
pings
pings 10.1.0.3
end_capture
claim "drops alone" eval '[ "$(n_packets drops)" = 3 ] && [ "$(fields drops frame.comment | grep -vc ^dropped:)" = 0 ]'
capture reason --reason no_match
pings 10.1.0.3
in_host b ping -q -c 1 -W 0.1 10.1.0.77 >/dev/null 2>&1 # an ARP that no rule of port 2 covers
end_capture
claim "drops for one reason" eval '[ "$(n_packets reason)" -ge 1 ] && [ "$(fields reason frame.comment | grep -vc "^dropped: no_match")" = 0 ]'
claim "which says in which table" has reason "table=0; from port 2"
capture port --port 2 --direction out
pings
end_capture
claim "one port, one direction" eval '[ "$(fields port frame.interface_name icmp.type | sort | uniq -c | tr -s " ")" = " 3 p2,8" ]'
capture match --match icmpv4-type=0,in-port=2
pings
end_capture
claim "a match by fields" eval '[ "$(fields match icmp.type | sort -u)" = 0 ] && [ "$(n_packets match)" = 6 ]'
capture cookie --cookie 0x13 --snap 40
pings
end_capture
claim "a rule by its cookie" eval '[ "$(fields cookie frame.comment | grep -vc cookie=0x13)" = 0 ] && [ "$(n_packets cookie)" = 6 ]'
claim "so much of each packet" eval '[ "$(fields cookie frame.cap_len frame.len | sort -u)" = 40,98 ]'
capture count --count 2 --json
pings
wait "$capturing"
claim "ends when it has what was asked for" holds '.frames == 2 and .lost == 0' "$work/count.out"
capture seconds --for 1s
wait "$capturing"
claim "or when its time is over" grep -q "its time is over" "$work/seconds.err"
capture controller --port CONTROLLER
ip -n $prefix-a neigh flush dev a0 nud all
in_host a ping -q -c 1 -W 0.2 10.1.0.9 >/dev/null 2>&1
end_capture
claim "what the controller gets" has controller "output: port CONTROLLER; rule: table=0,priority=5,cookie=0x15; from port 1"
ip -n $prefix-a neigh replace 10.1.0.2 lladdr 02:00:00:00:00:02 dev a0

# ---- A pipe

edge capture --file - --count 4 2>/dev/null | tshark -r - -T fields -e frame.comment >"$work/piped" 2>/dev/null &
piped=$!
for _ in 1 2 3 4 5 6; do
    sleep 0.2
    pings
done
wait "$piped"
claim "into a pipe that tshark reads" eval '[ "$(grep -c port "$work/piped")" = 4 ]'

# ---- What is lost is said

capture slow --packets-per-second 5
in_host a ping -q -c 50 -i 0.002 10.1.0.2 >/dev/null 2>&1
end_capture
claim "packets above the rate are counted" eval 'grep -q " [1-9][0-9]* lost" "$work/slow.err"'
claim "nothing of it holds up the packets" pings

# ---- What is wrong is said

wrong() { # TEXT OPTION...
    local text=$1
    shift
    ! edge capture --file "$work/wrong.pcapng" "$@" >/dev/null 2>"$work/err" && grep -q "$text" "$work/err" && return
    cat "$work/err"
    return 1
}
claim "a port that is not there" wrong "there is no port 9" --port 9
claim "a reason that is not there" wrong 'there is no reason "rain"' --reason rain
claim "a field that is not there" wrong 'match: there is no field "tcp_dest"' --match tcp_dest=1
claim "a cookie that is none" wrong "cookie is a number" --cookie abc
start='{"count": 1000000}'
for _ in 1 2 3 4; do rpc edge.capture-start "$start" >/dev/null; done
claim "a fifth capture is refused" eval '! rpc edge.capture-start "$start" >/dev/null'
claim "those that nobody reads end by themselves" wait_for 20 eval 'rpc edge.capture-start "$start" >/dev/null'
claim "ends in order while one goes on" stop "$edge_pid"
finish

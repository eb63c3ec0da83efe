#!/bin/bash
# How plain frames leave by the driver packet: by AF_XDP where it can be had, else by the packet socket, and what is
# refused, held back or too large by the one goes by the other. Either way none is lost, doubled or overtaken.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
main_program=tieline-edge need ovs-ofctl python3 tc
here=$(dirname "$(readlink -f "$0")")

#   a a0 ---- p1 [ sw ] p2 ---- b0 [ b: a bridge ] b1 ---- c0 c
host sw a b c
link a a0 sw p1
link b b0 sw p2
link b b1 c c0
ip -n "$prefix-b" link add br0 type bridge mcast_snooping 0 stp_state 0
in_host b sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
ip -n "$prefix-b" link set b0 master br0
ip -n "$prefix-b" link set b1 master br0
ip -n "$prefix-b" link set br0 up

control=$work/control
rpc() { /usr/bin/python3 "$here/edge_rpc.py" call "$control" "$@"; }
lives() { rpc edge.ports | true_of '[.ports[].live] | all'; }
by_xdp() { rpc edge.ports | true_of "[.ports[] | .driver == \"packet, sends by AF_XDP\"] == [$1, $2]"; }
start_edge() {
    spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port 1=p1,driver=packet --port 2=p2,driver=packet \
        --control "$control"
    edge=$spawned
    wait_for 10 lives
    ovs-ofctl -O OpenFlow13 add-flow "unix:$control.of" in_port=1,actions=output:2
}
hold() { # INTERFACE
    spawn sw "$work/holder" /usr/bin/python3 "$here/xdp_holder.py" "$1"
    holder=$spawned
    wait_for 5 grep -q held "$work/holder"
}
traffic() { # OPTION...: its report is left in $work/report
    "$bin/edge-traffic" --json --from "$prefix-a/a0" --to "$prefix-c/c0" --dst 02:00:00:00:00:99 "$@" >"$work/report" 2>"$work/err"
}
# What the node has not sent, and says so: the machine may be busy, and then its receive ring has no room.
not_sent() {
    sleep 1.1 # losses are counted once a second
    echo $(($(rpc edge.ports | jq '.ports[0]."rx-lost"') + $(rpc edge.stats | jq '[.drops[]] | add // 0')))
}
nothing_lost() {
    local before=${not_sent_before:-0}
    not_sent_before=$(not_sent)
    holds ".received + $((not_sent_before - before)) == .sent and .received > 0 and .duplicated == 0 and .reordered == 0" "$work/report"
}
all_arrive() { holds '.received == .sent and .received > 0 and .duplicated == 0 and .reordered == 0' "$work/report"; }

start_edge
claim "plain frames leave by AF_XDP" wait_for 5 by_xdp true true
traffic --pps 50000 --count 50000
claim "   and all arrive" nothing_lost
traffic --pps 2000 --count 500 --size 1514
claim "   those of the largest size too" all_arrive

# ---- The interface refuses.
traffic --pps 50000 --count 250000 &
load=$!
for i in 1 2 3 4 5 6 7 8; do
    sleep 0.3
    ip -n "$prefix-sw" link set p2 down
    sleep 0.1
    ip -n "$prefix-sw" link set p2 up
    wait_for 5 lives
done
wait $load
# AF_XDP says of a frame that it was sent even if the interface then has nobody to give it to; that one counts it.
accounted_for() {
    local before=${not_sent_before:-0} by_interface
    not_sent_before=$(not_sent)
    by_interface=$(in_host sw cat /sys/class/net/p2/statistics/tx_dropped)
    holds "(.sent - .received - $((not_sent_before - before))) as \$rest | \$rest >= 0 and \$rest <= $by_interface and
        .received > 0 and .duplicated == 0 and .reordered == 0" "$work/report"
}
claim "a port that goes down and up under load: each frame arrives or is counted as dropped" accounted_for
claim "   and the node knows that it is up" lives
for i in 1 2 3 4; do
    traffic --pps 20000 --count 4000 &
    load=$!
    sleep 0.2
    ip -n "$prefix-b" link set b0 down
    wait $load
    ip -n "$prefix-b" link set b0 up
    wait_for 5 lives
done
traffic --pps 50000 --count 50000
not_sent_before=$(not_sent)
traffic --pps 50000 --count 50000
claim "after a link without carrier all arrive again" nothing_lost
claim "   by AF_XDP" by_xdp true true

# ---- Somebody keeps the frames, as they are: more than there is memory for.
if ip -n "$prefix-b" link add ifb0 type ifb 2>/dev/null; then
    in_host b sysctl -qw net.ipv6.conf.ifb0.disable_ipv6=1
    ip -n "$prefix-b" link set ifb0 up
    in_host b tc qdisc add dev ifb0 root tbf rate 4mbit burst 4000 limit 20000000
    in_host b tc qdisc add dev b0 ingress
    in_host b tc filter add dev b0 parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev ifb0
    traffic --pps 50000 --count 8000 --drain 3s
    claim "frames that are kept on their way, thousands, hold none up: all arrive, in order" nothing_lost
    claim "   and it took that long" holds '.latency.max_us > 300000' "$work/report"
    in_host b tc qdisc del dev b0 ingress
    traffic --pps 50000 --count 50000
    claim "   and after it all arrive at once" nothing_lost
else
    echo "# no interface of type ifb: left out"
fi

# ---- What does not fit.
for end in "a a0" "sw p1" "sw p2" "b b0" "b b1" "c c0" "b br0"; do ip -n "$prefix-${end% *}" link set "${end#* }" mtu 9000; done
sleep 1.2
traffic --pps 5000 --count 2000 --size 9000
claim "large frames arrive" all_arrive
ip -n "$prefix-sw" link set p2 mtu 1400
sleep 1.2
traffic --pps 2000 --count 100 --size 1450
claim "frames larger than the interface's MTU do not" eval 'rpc edge.stats | true_of ".drops.too_large == 100"'
ip -n "$prefix-sw" link set p2 mtu 9000
claim "it ends in order" stop "$edge"

# ---- Another socket has the queue.
claim "another program takes a queue" hold p2
start_edge
claim "while another has the queue the packet socket sends" by_xdp true false
not_sent_before=0
traffic --pps 50000 --count 50000
claim "   and all arrive" nothing_lost
traffic --pps 20000 --count 60000 &
load=$!
sleep 0.5
stop "$holder"
claim "when it has gone it is AF_XDP" wait_for 5 by_xdp true true
wait $load
claim "   and none is lost, doubled or overtaken by that" nothing_lost
claim "it ends in order" stop "$edge"
finish

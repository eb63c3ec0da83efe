#!/bin/bash
# How the packet thread waits for frames: woken by each while they are few, not while they come fast, never asleep
# with --busy-poll; and through all of that nothing is lost, and others get the processor.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
main_program=tieline-edge need ovs-ofctl python3
rpc_tool=$(dirname "$(readlink -f "$0")")/edge_rpc.py

#   a a0 ---- p1 [ sw ] p2 ---- b0 b
host sw a b
link a a0 sw p1
link b b0 sw p2

control=$work/control
rpc() { /usr/bin/python3 "$rpc_tool" call "$control" "$@"; }
start_edge() { # OPTION...
    spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port 1=p1,driver=packet --port 2=p2,driver=packet \
        --control "$control" "$@"
    edge=$spawned
    wait_for 10 eval 'rpc edge.ports | jq -e "[.ports[].live] | all"'
    ovs-ofctl -O OpenFlow13 add-flow "unix:$control.of" in_port=1,actions=output:2
    thread=$(grep -lx packets /proc/"$edge"/task/*/comm | head -n 1)
    thread=$(dirname "$thread")
}
traffic() { # OPTION...: its report is left in $work/report
    "$bin/edge-traffic" --json --from "$prefix-a/a0" --to "$prefix-b/b0" "$@" >"$work/report" 2>"$work/err"
}
# What arrives is what was sent, but for what the node says its receive ring had no room for: the machine may be busy.
nothing_lost() {
    local unread
    sleep 1.1 # such losses are counted once a second
    unread=$(rpc edge.ports | jq '.ports[0]."rx-lost"')
    holds ".received + $((unread - ${lost_before:-0})) == .sent and .received > 0" "$work/report"
    local result=$?
    lost_before=$unread
    return $result
}
switches() { awk -v what="$1_ctxt_switches:" '$1 == what {print $2}' "$thread/status"; }
# slept LEAST MOST COMMAND...: how often the thread went to sleep meanwhile
slept() {
    local least=$1 most=$2 before n
    shift 2
    before=$(switches voluntary)
    "$@"
    n=$(($(switches voluntary) - before))
    [ "$n" -ge "$least" ] && [ "$n" -le "$most" ] && return
    echo "# it went to sleep $n times"
    return 1
}

start_edge
claim "few frames wake it, nearly each" slept 400 100000 traffic --pps 1000 --count 1000
claim "   and all arrive" nothing_lost
claim "many frames do not: it looks for them" slept 0 25000 traffic --pps 100000 --count 100000
claim "   and all arrive" nothing_lost
claim "few wake it again" slept 400 100000 traffic --pps 1000 --count 1000
claim "   and all arrive" nothing_lost
claim "when there are none it sleeps" slept 0 400 sleep 1
traffic --pps 100000 --count 300000 &
load=$!
sleep 1
ip -n "$prefix-sw" link set p2 down
claim "a port that goes down meanwhile is seen" wait_for 10 eval 'rpc edge.ports | jq -e ".ports[1].up == false"'
ip -n "$prefix-sw" link set p2 up
claim "   and when it is up again" wait_for 10 eval 'rpc edge.ports | jq -e ".ports[1].live"'
claim "   it is asked and answers" eval 'rpc edge.status | jq -e ".name == \"n1\"" >/dev/null'
wait $load
traffic --pps 1000 --count 1000
claim "   and what comes then arrives" holds '.received == 1000' "$work/report"
claim "it ends in order" stop "$edge"

lost_before=0
start_edge --busy-poll
claim "with --busy-poll few frames do not wake it" slept 0 50 traffic --pps 1000 --count 1000
claim "   and all arrive" nothing_lost
traffic --pps 100000 --count 50000
claim "   many arrive, too" nothing_lost
claim "it ends in order" stop "$edge"

lost_before=0
start_edge --busy-poll --realtime
if [ "$(awk '{print $41}' "$thread/stat")" = 1 ]; then # SCHED_FIFO
    # Some 4,000 times in a second, if nobody keeps it from that.
    claim "with real-time priority it leaves others their part of the processor, often" slept 500 100000 sleep 1
else
    echo "# real-time priority is not permitted: left out"
fi
traffic --pps 1000 --count 1000
claim "   and all arrive" nothing_lost
claim "it ends in order" stop "$edge"
finish

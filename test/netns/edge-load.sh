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
shows() { # FILTER METHOD: the node's answer is such; no answer is none
    rpc "$2" >"$work/answer" 2>/dev/null && [ -s "$work/answer" ] && true_of "$1" <"$work/answer"
}
start_edge() { # OPTION...
    rm -f "$control" "$control.of"
    spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port 1=p1,driver=packet --port 2=p2,driver=packet \
        --control "$control" "$@"
    edge=$spawned
    claim "a node ${*:-that sleeps}" wait_for 10 shows '[.ports[] | .up and .live] | all and length == 2' edge.ports
    claim "   is told its rules" ovs-ofctl -O OpenFlow13 add-flow "unix:$control.of" in_port=1,actions=output:2
    thread=$(dirname "$(grep -lx packets /proc/"$edge"/task/*/comm | head -n 1)")
    lost_before=0
}
traffic() { # OPTION...: its report is left in $work/report
    "$bin/edge-traffic" --json --from "$prefix-a/a0" --to "$prefix-b/b0" "$@" >"$work/report" 2>"$work/err"
}
# What arrives is what was sent, but for what the node says its receive ring had no room for: the machine may be busy.
nothing_lost() {
    local unread result
    sleep 1.1 # such losses are counted once a second
    unread=$(rpc edge.ports | jq '.ports[0]."rx-lost"')
    holds ".received + $((unread - lost_before)) == .sent and .received > 0" "$work/report"
    result=$?
    lost_before=$unread
    return $result
}
switches() { awk -v what="$1_ctxt_switches:" '$1 == what {print $2}' "$thread/status"; }
used() { awk '{ print $14 + $15 }' "$thread/stat"; } # hundredths of a second of a processor
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

# Frames that are more than a slot of the receive ring, and with checksums that are left to us: large ones of TCP.
for end in "a a0 1" "b b0 2"; do
    # shellcheck disable=SC2086
    set -- "$bin" $end
    ip -n "$prefix-$2" addr add "10.1.0.$4/24" dev "$3"
done
cat >"$work/tcp.py" <<'END'
import hashlib, socket, sys
size = 2000000
data = bytes(i * 7 % 251 for i in range(size))
if sys.argv[1] == "serve":
    listener = socket.create_server(("10.1.0.2", 5000))
    print("ready", flush=True)
    peer = listener.accept()[0]
    got = hashlib.sha256()
    while block := peer.recv(65536):
        got.update(block)
    print("all" if got.digest() == hashlib.sha256(data).digest() else "wrong", flush=True)
else:
    s = socket.create_connection(("10.1.0.2", 5000), 10)
    s.settimeout(10)
    s.sendall(data)
    s.close()
END
tcp_passes() {
    local server
    spawn b "$work/tcp" /usr/bin/python3 "$work/tcp.py" serve
    server=$spawned
    wait_for 10 grep -q ready "$work/tcp" && in_host a timeout 20 /usr/bin/python3 "$work/tcp.py" send &&
        wait_for 10 grep -qx all "$work/tcp"
    local result=$?
    stop "$server" KILL
    return $result
}
# Both ports go down and come up again; what was then said of them is forgotten.
flap() {
    local port
    for port in p1 p2; do
        ip -n "$prefix-sw" link set "$port" down
        wait_for 10 shows ".ports[${port#p} - 1].up == false" edge.ports || return 1
        ip -n "$prefix-sw" link set "$port" up
        wait_for 10 shows ".ports[${port#p} - 1] | .up and .live" edge.ports || return 1
    done
}
both_ways() { ovs-ofctl -O OpenFlow13 add-flow "unix:$control.of" in_port=2,actions=output:1; }

start_edge
claim "few frames wake it, nearly each" slept 400 5000 traffic --pps 1000 --count 1000
claim "   and all arrive" nothing_lost
claim "many frames do not: it looks for them" slept 100 40000 traffic --pps 100000 --count 100000
claim "   and all arrive" nothing_lost
claim "few wake it again" slept 400 5000 traffic --pps 1000 --count 1000
claim "   and all arrive" nothing_lost
before=$(used)
claim "when there are none it sleeps" slept 0 400 sleep 1
claim "   and uses no processor" [ $(($(used) - before)) -lt 50 ]
traffic --pps 100000 --count 1000000 &
load=$!
sleep 1
both_ways
claim "ports that go down meanwhile are seen, and when they are up again" flap
claim "   while the load goes on" kill -0 $load
claim "   it is asked and answers" shows '.name == "n1"' edge.status
claim "   and large frames of TCP pass at once" tcp_passes
wait $load
traffic --pps 1000 --count 1000
claim "   and what comes then arrives" holds '.received == 1000' "$work/report"
claim "it ends in order" stop "$edge"

start_edge --busy-poll
claim "with --busy-poll few frames do not wake it" slept 0 50 traffic --pps 1000 --count 1000
claim "   and all arrive" nothing_lost
traffic --pps 100000 --count 50000
claim "   many arrive, too" nothing_lost
both_ways
claim "   ports go down and come up" flap
claim "   and large frames of TCP pass at once" tcp_passes
claim "   both ports stay up" shows '[.ports[] | .up and .live] | all' edge.ports
claim "it ends in order" stop "$edge"

start_edge --busy-poll --realtime
if chrt -p "$(basename "$thread")" 2>/dev/null | grep -q SCHED_FIFO; then
    # Some 4,000 times in a second, if nobody keeps it from that.
    claim "with real-time priority it leaves others their part of the processor, often" slept 500 100000 sleep 1
else
    echo "# real-time priority is not permitted: left out"
fi
traffic --pps 1000 --count 1000
claim "   and all arrive" nothing_lost
claim "it ends in order" stop "$edge"
finish

#!/bin/bash
# The kernel's fast path does what the packet thread does: two nodes, the same rules, the same frames. And nothing
# passes when the node has been killed.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
main_program=tieline-edge
need ovs-ofctl python3
here=$(dirname "$(readlink -f "$0")")

host tester sa sb
for n in a b; do
    for i in 1 2 3; do
        link tester $n$i s$n p$i
    done
done
start() { # NODE DRIVER
    spawn "s$1" "$work/edge-$1" "$bin/tieline-edge" --name "$1" --datapath-id 0x1 --port "1=p1,driver=$2" \
        --port "2=p2,driver=$2" --port "3=p3,driver=$2" --control "$work/$1"
    wait_for 10 test -S "$work/$1.of"
}
start a packet
start b kernel
grep -q "driver kernel" "$work/edge-b.err" || skip "the kernel has no fast path: $(tail -n 1 "$work/edge-b.err")"
edge_pid=$spawned
live() { ovs-ofctl -O OpenFlow13 dump-ports-desc "unix:$work/$1.of" | grep -c LIVE | grep -q 3; }
wait_for 10 live a
wait_for 10 live b

while read -r verdict text; do
    case $verdict in
    ok) claim "$text" true ;;
    FAIL) claim "$text" false ;;
    *) echo "$verdict $text" ;;
    esac
done < <(in_host tester /usr/bin/python3 "$here/fast_path.py" "$work/a" "$work/b" 2>&1 || echo "FAIL some claims")

# Conversations that begin at full pace: what went up first leaves first.
for n in 1 2 3; do
    ovs-ofctl -O OpenFlow13 del-flows "unix:$work/b.of"
    ovs-ofctl -O OpenFlow13 add-flow "unix:$work/b.of" in_port=1,actions=output:2
    "$bin/edge-traffic" --json --from "$prefix-tester/b1" --to "$prefix-tester/b2" --pps 20000 --count 4000 --flows 20 \
        >"$work/order.$n" 2>/dev/null
    claim "20 conversations that begin: none is lost, none overtaken ($n)" \
        holds '.received == 4000 and .reordered == 0' "$work/order.$n"
done

# Killed: what was cached is no longer trusted after two seconds.
in_host tester ip addr add 10.3.0.1/24 dev b1
stop "$edge_pid" KILL
sleep 2.5
before=$(ip netns exec "$prefix-sb" cat /sys/class/net/p2/statistics/tx_packets)
in_host tester ping -q -c 3 -i 0.05 -W 1 10.3.0.2 >/dev/null 2>&1
claim "a node that was killed forwards nothing" \
    [ "$(ip netns exec "$prefix-sb" cat /sys/class/net/p2/statistics/tx_packets)" = "$before" ]
start b kernel
wait_for 10 live b
claim "and can be started again" live b
finish

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

# Killed, or stopped: what was cached is no longer trusted after two seconds. The same conversation before and after.
conversation() {
    "$bin/edge-traffic" --json --from "$prefix-tester/b1" --to "$prefix-tester/b2" --pps 1000 --count 200 >"$work/$1" 2>/dev/null
}
conversation alive
claim "a conversation passes" holds '.received == 200' "$work/alive"
kill -STOP "$edge_pid"
sleep 2.5
conversation still
kill -CONT "$edge_pid"
claim "not while the node stands still" holds '.received == 0 and .sent == 200' "$work/still"
passes_again() { conversation again && true_of '.received == 200' <"$work/again"; }
claim "but when it goes on" wait_for 10 passes_again
stop "$edge_pid" KILL
sleep 2.5
conversation dead
claim "and no more when the node has been killed" holds '.received == 0 and .sent == 200' "$work/dead"
start b kernel
wait_for 10 live b
claim "and can be started again" live b
finish

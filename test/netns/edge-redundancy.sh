#!/bin/bash
# Circuits that go by two paths at once: whichever of them is cut, and however, nothing is lost and nothing comes
# twice; a PRP node that is not ours takes and gives such frames.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need python3
for program in tieline-edge edge-traffic tieline; do
    [ -x "$bin/$program" ] || skip "no $program in $bin"
done
here=$(dirname "$(readlink -f "$0")")

#   a a0 --- p1 +----+ p2 --- wa0 [ wires ] wa1 --- q2 +----+ q1 --- b0 b
#               | n1 |                                 | n2 | q4 --- d0 \
#               +----+ p3 --- wb0 [ wires ] wb1 --- q3 +----+ q5 --- d1 / d, a PRP node
host a b d n1 n2 wires
link a a0 n1 p1
link n1 p2 wires wa0
link n1 p3 wires wb0
link wires wa1 n2 q2
link wires wb1 n2 q3
link b b0 n2 q1
link d d0 n2 q4
link d d1 n2 q5
for end in n1/p2 n1/p3 wires/wa0 wires/wb0 wires/wa1 wires/wb1 n2/q2 n2/q3 n2/q4 n2/q5 d/d0 d/d1; do
    ip -n "$prefix-${end%/*}" link set "${end#*/}" mtu 1506
done
ip -n "$prefix-a" addr add 10.9.0.1/24 dev a0
ip -n "$prefix-b" addr add 10.9.0.2/24 dev b0
printf '%s\n' 'A wa0 wa1 delay-us=300' 'B wb0 wb1 delay-us=900' >"$work/wires"
spawn wires "$work/wires.log" "$bin/lab-wire" run "$work/wires" --control "$work/wire" --json
wait_for 5 grep -q ready "$work/wires.log"

prp() { /usr/bin/python3 "$here/prp.py" "$@"; }
rpc() { /usr/bin/python3 "$here/edge_rpc.py" call "$work/$1" "${@:2}"; }
shows() { # NODE FILTER METHOD
    rpc "$1" "$3" >"$work/answer" && true_of "$2" <"$work/answer" && return
    echo "# $3 of $1: $(head -c 2000 "$work/answer")"
    return 1
}
wire() { "$bin/lab-wire" tell "$work/wire" "$@" >/dev/null; }
start_n1() {
    spawn n1 "$work/n1.log" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port 1=p1 --port 2=p2 --port 3=p3 \
        --control "$work/n1"
    n1_pid=$spawned
    wait_for 10 rpc n1 edge.status
    wait_for 5 shows n1 '[.ports[] | .up] | all' edge.ports
    prp rules "$work/n1.of" "group 9 push_prp:a,output:2 push_prp:b,output:3" "flow in_port=1 sequence:7,group:9" \
        "flow in_port=2 discard:8:prp:a,output:1" "flow in_port=3 discard:8:prp:b,output:1"
}
start_n2() {
    spawn n2 "$work/n2.log" "$bin/tieline-edge" --name n2 --datapath-id 0x12 --port 1=q1 --port 2=q2 --port 3=q3 \
        --port 4=q4 --port 5=q5 --control "$work/n2"
    n2_pid=$spawned
    wait_for 10 rpc n2 edge.status
    wait_for 5 shows n2 '[.ports[] | .up] | all' edge.ports
    prp rules "$work/n2.of" "flow in_port=2 discard:7:prp:a,output:1" "flow in_port=3 discard:7:prp:b,output:1" \
        "group 8 push_prp:a,output:2 push_prp:b,output:3 push_prp:a,output:4 push_prp:b,output:5" \
        "flow in_port=1 sequence:8,group:8" "flow in_port=4 discard:9:prp:a,output:1" \
        "flow in_port=5 discard:9:prp:b,output:1" "flow in_port=2,eth_type=0x88fb output:local" \
        "flow in_port=3,eth_type=0x88fb output:local"
}
traffic() { # OPTION...: in the background
    "$bin/edge-traffic" --json --from "$prefix-a/a0" --to "$prefix-b/b0" --pps 2000 --size 300 --duration 1s "$@" \
        >"$work/report" 2>"$work/err" &
    sender=$!
}
nothing_lost() {
    wait "$sender" || echo "# edge-traffic: $? $(head -c 500 "$work/err")"
    holds '.sent > 1000 and .lost == 0 and .duplicated == 0 and .received == .sent' "$work/report"
}
in_order() { holds '.reordered == 0' "$work/report"; }

claim "starts, and takes rules of our own actions" eval 'start_n1 && start_n2'
traffic
claim "by two paths, each frame comes once" nothing_lost
claim "in order" in_order
claim "and the copies are counted" shows n2 '.streams[] | select(.stream == 7) |
    .passed > 1000 and .discarded == .passed and .lost == 0 and ([.paths[] | .lost == 0 and .state == "ok"] | all)' \
    edge.redundancy
claim "with a reason of their own" shows n2 '.drops.duplicate > 1000' edge.stats
traffic --size 1514 --vlan 5
claim "large and tagged ones, too" nothing_lost

for path in A B; do
    for how in block cut; do
        traffic
        sleep 0.6
        wire $how $path
        claim "path $path: $how: nothing is lost or doubled" nothing_lost
        claim "path $path: $how: in order" in_order
        [ $how$path != blockA ] || {
            traffic --duration 1500ms
            claim "by the other path alone, too" nothing_lost
            claim "the path that is silent is told" shows n2 '.streams[] | select(.stream == 7) | .paths |
                .[0].state == "silent" and .[1].state == "ok"' edge.redundancy
        }
        traffic
        sleep 0.6
        wire restore $path
        claim "path $path: comes back: nothing is lost or doubled" nothing_lost
    done
done
claim "nobody misses a frame" shows n2 '.streams[] | select(.stream == 7) | .lost == 0' edge.redundancy

# New processes take over, at either end: numbers, and what has passed, go along.
take_over() { # NODE DATAPATH-ID PORT...
    local node=$1 id=$2
    shift 2
    spawn "$node" "$work/$node.again" "$bin/tieline-edge" --name "$node" --datapath-id "$id" "${@/#/--port=}" \
        --control "$work/$node" --take-over "$work/$node"
    wait_for 10 grep -q "took over" "$work/$node.again.err"
}
traffic --duration 4s
for _ in 1 2 3; do # the numbers of each process would be those of the one before
    sleep 0.6
    claim "a new process takes the sending node's place" take_over n1 0x11 1=p1 2=p2 3=p3
done
n1_pid=$spawned
claim "the sending node is taken over, again and again: nothing is lost or doubled" nothing_lost
traffic --duration 6s
for _ in 1 2 3 4 5; do
    sleep 0.6
    claim "a new process takes the receiving node's place" take_over n2 0x12 1=q1 2=q2 3=q3 4=q4 5=q5
done
n2_pid=$spawned
claim "so is the receiving node: nothing is lost or doubled" nothing_lost

# The hosts leave checksums and segments to their cards.
cat >"$work/tcp.py" <<'END'
import hashlib, socket, sys
data = bytes(i * i >> 3 & 255 for i in range(1 << 16)) * 64
if sys.argv[1] == "b":
    s = socket.create_server(("10.9.0.2", 7000))
    print("ready", flush=True)
    c = s.accept()[0]
    c.settimeout(20)
    h, n = hashlib.sha256(), 0
    while chunk := c.recv(1 << 16):
        h.update(chunk)
        n += len(chunk)
    sys.exit(h.digest() != hashlib.sha256(data).digest())
c = socket.create_connection(("10.9.0.2", 7000), 20)
c.sendall(data)
END
spawn b "$work/tcp" /usr/bin/python3 "$work/tcp.py" b
tcp_pid=$spawned
wait_for 5 grep -q ready "$work/tcp"
in_host a /usr/bin/python3 "$work/tcp.py" a 2>"$work/tcp.a"
claim "TCP with its offloads goes through" wait "$tcp_pid"

# A sender that starts anew numbers anew.
kill -KILL "$n1_pid"
wait "$n1_pid" 2>/dev/null
rm -f "$work/n1" "$work/n1.of"
start_n1
traffic
claim "a sender that was started anew is heard" nothing_lost
claim "as such" shows n2 '.streams[] | select(.stream == 7) | .lost == 0' edge.redundancy

# A PRP node that is not ours.
passed() { shows n2 ".streams[] | select(.stream == 9) | .passed == $1 and .lost == 0 and .discarded == $2" edge.redundancy; }
in_host d /usr/bin/python3 "$here/prp.py" send d0 d1 500
claim "a PRP node's frames pass once" wait_for 3 passed 500 500
sleep 0.5
in_host d /usr/bin/python3 "$here/prp.py" send d0 d1 500 5
claim "also those that it could send by one port alone" wait_for 3 passed 1000 800
spawn d "$work/danp" /usr/bin/python3 "$here/prp.py" receive d0 d1 2.5
danp_pid=$spawned
wait_for 5 grep -q ready "$work/danp"
"$bin/edge-traffic" --json --from "$prefix-b/b0" --to "$prefix-a/a0" --pps 500 --count 500 >"$work/report"
wait "$danp_pid"
claim "it takes ours, and finds its copies" holds '.passed >= 500 and .copies == .passed and .lost == 0 and
    .reordered == 0 and .bad == 0' "$work/danp"

# Supervision.
mac=$(in_host a cat /sys/class/net/a0/address)
claim "speaks for a host" eval \
    'rpc n1 edge.redundancy "{\"supervise\": {\"node\": \"$mac\", \"stream\": 70, \"group\": 9, \"interval-ms\": 300}}" >/dev/null'
claim "and is heard by both paths" wait_for 5 shows n2 \
    ".nodes[] | select(.node == \"$mac\") | has(\"a-ms-ago\") and has(\"b-ms-ago\") and .form == \"prp\"" edge.redundancy
claim "which the operator sees" eval '"$bin/tieline" edge redundancy --control "$work/n2" >"$work/shown" &&
    grep -q "^ *7 " "$work/shown" && grep -q "$mac" "$work/shown"'
claim "what it should say is checked" eval '! rpc n1 edge.redundancy "{\"supervise\": {\"node\": \"x\"}}" >"$work/err"'
claim "ends in order" eval 'stop "$n1_pid" && stop "$n2_pid"'
finish

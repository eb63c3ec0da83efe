#!/bin/bash
# With --trust a node is taken over only by a program that somebody who is trusted has signed; and it tells systemd
# which process is the service's main one. A node that nobody takes over from tells its peers that it ends, and forwards on for as
# long as --linger says.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
main_program=tieline-edge
need ovs-ofctl openssl python3
[ -x "$bin/tieline" ] || skip "no tieline in $bin"
host node
ip -n "$prefix-node" link add p1 type veth peer name p2
ip -n "$prefix-node" link set p1 up
ip -n "$prefix-node" link set p2 up

# ---- Programs: each in a directory of its own, as a package puts them ----

for key in maker stranger; do
    openssl genpkey -algorithm ed25519 -out "$work/$key.key" 2>/dev/null
done
"$bin/tieline" content key --secret "$work/maker.key" --signer maker >"$work/trust"
program() { # DIRECTORY RELEASE [KEY]: a signed copy
    mkdir -p "$work/$1"
    cp "$bin/tieline-edge" "$work/$1/"
    "$bin/tieline" content sign "$work/$1" --secret "$work/${3:-maker}.key" --signer "${3:-maker}" --name tieline-edge \
        --version "1.$2" --release "$2" >/dev/null
}
program running 5
program next 6
program tampered 6
printf '\0' >>"$work/tampered/tieline-edge"
program stranger 6 stranger
program older 4
mkdir "$work/unsigned" && cp "$bin/tieline-edge" "$work/unsigned/"
program other 6
mv "$work/other/tieline-edge" "$work/other/another"

# Whoever listens where systemd would.
cat >"$work/systemd.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(s.recv(4096).decode().replace("\n", " "), flush=True)
PY
spawn node "$work/systemd" python3 "$work/systemd.py" "$work/notify"
wait_for 5 grep -q ready "$work/systemd"

start() { # LOG DIRECTORY OPTION...
    local log=$1 directory=$2
    shift 2
    local exe=tieline-edge
    [ "$directory" != other ] || exe=another
    spawn node "$log" env NOTIFY_SOCKET="$work/notify" "$work/$directory/$exe" --name n --datapath-id 0x1 --port 1=p1,heartbeat=20ms \
        --control "$work/node" --trust "$work/trust" "$@"
}
answers() { ovs-ofctl -O OpenFlow13 show "unix:$work/node.of" 2>&1 | grep -q dpid; }
gone() { ! kill -0 "$1" 2>/dev/null || grep -q "^State:.Z" "/proc/$1/status"; }
main_process() { tail -n 1 "$work/systemd" | grep -qx "MAINPID=$1 READY=1"; }

# A peer, by whose heartbeats one sees whether the link is used again.
spawn node "$work/peer" "$work/running/tieline-edge" --name m --datapath-id 0x2 --port 1=p2,heartbeat=20ms --control "$work/m"
peer_is_up() {
    "$bin/tieline" edge ports --control "$work/m" --json | jq -e '.ports[0] | .live and .heartbeat.state == "up"'
}

start "$work/first" running
old=$spawned
wait_for 10 answers || { cat "$work/first.err"; exit 1; }
ovs-ofctl -O OpenFlow13 add-flow "unix:$work/node.of" priority=7,in_port=1,actions=drop
rule_is_there() { ovs-ofctl -O OpenFlow13 dump-flows "unix:$work/node.of" | grep -q priority=7; }
claim "the node says which release it is, and who signed it" \
    grep -q "this program is 1.5, release 5, signed by maker" "$work/first.err"
claim "systemd is told which process is the main one" wait_for 5 main_process "$old"

claim "its peer hears it" wait_for 10 peer_is_up

refused() { # DIRECTORY REASON
    start "$work/log-$1" "$1" --take-over "$work/node"
    wait_for 10 gone "$spawned" && grep -q "$2" "$work/log-$1.err" && grep -q "nobody takes over: .*$2" "$work/first.err" &&
        ! gone "$old" && answers && rule_is_there && main_process "$old"
}
claim "a program without a signature is refused, and the old one goes on" refused unsigned "there is no tieline.manifest"
claim "so is one that was altered" refused tampered "tieline-edge: it has .* octets, .* were signed"
claim "one that a stranger signed" refused stranger "nobody who is trusted has signed the manifest"
claim "one of an older release" refused older "release 4 is older than 5, which was there"
claim "one that the manifest does not name" refused other "another: the manifest does not name it"
takes_over() {
    start "$work/second" next --take-over "$work/node"
    wait_for 10 gone "$old" && wait_for 10 answers && rule_is_there
}
claim "one that is signed takes over, with the tables" takes_over
claim "its peer uses the link again" wait_for 10 peer_is_up
claim "the node says who has" grep -q "the successor is 1.6, release 6, signed by maker" "$work/first.err"
claim "and systemd which process is the main one now" wait_for 5 main_process "$spawned"
stop "$spawned"

start "$work/third" unsigned
claim "a cold start is not refused: a node has to forward" wait_for 10 answers
claim "but it is said" grep -q "this program is not signed as --trust wants it" "$work/third.err"
stop "$spawned"
rm "$work/trust" && echo "nothing" >"$work/trust"
start "$work/fourth" running
claim "a file of trust that is none is an error" wait_for 10 grep -q "trust: line 1: not NAME+KEYID+KEY" "$work/fourth.err"
stop "$spawned"

# ---- --linger: so long that it cannot be over by itself, then so short that it is ----

#   b b0 --- p3 | node | p1 --- p2 | the peer
host b
link node p3 b b0
linger() { # LOG TIME
    spawn node "$work/$1" "$work/unsigned/tieline-edge" --name n --datapath-id 0x1 --port 1=p1,heartbeat=20ms --port 3=p3 \
        --control "$work/node" --linger "$2"
    wait_for 10 answers && wait_for 10 peer_is_up &&
        ovs-ofctl -O OpenFlow13 add-flow "unix:$work/node.of" in_port=3,actions=output:1
}
peer_was_told() {
    "$bin/tieline" edge ports --control "$work/m" --json | jq -e '.ports[0] | .up and (.live | not) and .reason == "peer-ended"'
}
received() { in_host node cat /sys/class/net/p2/statistics/rx_bytes; }
cat >"$work/frames.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("b0", 0))
for i in range(100):
    s.send(bytes.fromhex("020000000001020000000002" "88b5") + bytes(1000))
PY
frames_arrive() { # octets, of which heartbeats are few
    local before
    before=$(received)
    in_host b python3 "$work/frames.py"
    more() { [ "$(received)" -ge $((before + 100 * 1014)) ]; }
    wait_for 10 more
}
claim "a node with --linger forwards" eval 'linger fifth 1m && frames_arrive'
kill -TERM "$spawned"
claim "asked to end, it tells its peer" wait_for 10 peer_was_told
still_there() { ! gone "$spawned" && answers && frames_arrive; }
claim "... and forwards on meanwhile" still_there
kill -TERM "$spawned"
claim "asked twice it ends at once" wait_for 10 gone "$spawned"
ended_well() { wait "$spawned"; }
claim "... in order" ended_well
claim "with a short time it is there as before" linger sixth 300ms
kill -TERM "$spawned"
claim "... and ends by itself when that is over" wait_for 10 gone "$spawned"
claim "... in order" ended_well
finish

#!/bin/bash
# A running node is replaced by a new process: no frame is lost, doubled or overtaken, tables and counters go on,
# and whoever fails on the way leaves a node that forwards.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
main_program=tieline-edge
need ovs-ofctl python3
driver=${2:-packet}

#   a a0 ---- p1 [ node ] p2 ---- b0 b
host a b node
link a a0 node p1
link b b0 node p2

name=n
options() {
    echo --name "$name" --datapath-id 0x1 --port "1=p1,driver=$driver" --port "2=p2,driver=$driver" --control "$work/node" \
        --wait-to-restore 3s
}
start() { # LOG OPTION...
    local log=$1
    shift
    # shellcheck disable=SC2046
    spawn node "$log" "$bin/tieline-edge" $(options) "$@"
}
ofctl() { ovs-ofctl -O OpenFlow13 "$@" 2>&1; }
answers() { ofctl dump-ports-desc "unix:$work/node.of" | grep -c LIVE | grep -q 2; }
gone() { ! kill -0 "$1" 2>/dev/null; }
# Without what changes by itself, and in how many messages it came.
dump() {
    for what in flows groups meters; do
        ofctl dump-$what "unix:$work/node.of"
    done | sed -E 's/duration=[^,]*, |n_packets=[^,]*, |n_bytes=[^,]*, |xid=0x[0-9a-f]*//g' | grep -v '^OFPST_' | sort
}
count() { # FIELD: the sum of all flow entries
    ofctl dump-flows "unix:$work/node.of" | sed -nE "s/.*$1=([0-9]+).*/\1/p" | awk '{ s += $1 } END { print s + 0 }'
}
age() { # of the oldest flow entry, whole seconds
    ofctl dump-flows "unix:$work/node.of" | sed -nE 's/.*duration=([0-9]+).*/\1/p' | sort -n | tail -n 1
}
took_over() { # LOG
    wait_for 10 grep -q "took over" "$1.err" && wait_for 10 answers
}
same() { [ "$1" = "$2" ] && return; diff <(echo "$1") <(echo "$2") | sed 's/^/# /'; return 1; }

start "$work/first"
old=$spawned
wait_for 10 answers || { cat "$work/first.err"; exit 1; }
grep -q "driver $driver" "$work/first.err" || skip "no driver $driver here"
of=unix:$work/node.of
ofctl add-meter "$of" meter=7,kbps,burst,stats,band=type=drop,rate=1000000,burst_size=1000000
ofctl add-group "$of" group_id=9,type=indirect,bucket=output:2
ofctl add-group "$of" group_id=5,type=ff,bucket=watch_port:2,group:9,bucket=watch_port:1,output:1
ofctl add-flow "$of" table=0,priority=5,cookie=0x77,in_port=1,actions=meter:7,goto_table:3
ofctl add-flow "$of" table=3,priority=9,cookie=0x78,udp,idle_timeout=600,actions=group:5
ofctl add-flow "$of" table=3,priority=1,hard_timeout=900,check_overlap,send_flow_rem,arp,actions=drop
for i in $(seq 1 300); do echo "table=9,priority=$i,ip,nw_src=10.0.$((i % 250)).$i/32,cookie=$i,actions=output:2"; done \
    >"$work/flows"
ofctl add-flows "$of" "$work/flows"
"$bin/edge-traffic" --json --from "$prefix-a/a0" --to "$prefix-b/b0" --pps 2000 --count 500 >"$work/warm" 2>&1
before=$(dump)
packets=$(count n_packets)
claim "the first process forwards and counts" [ "$packets" -ge 1000 ]

# ---- Several take-overs under traffic.
"$bin/edge-traffic" --json --from "$prefix-a/a0" --to "$prefix-b/b0" --pps 5000 --duration 5s --flows 10 >"$work/report" \
    2>"$work/report.err" &
traffic=$!
sleep 0.5
for i in 1 2 3 4; do
    start "$work/next$i" --take-over "$work/node"
    new=$spawned
    claim "take-over $i" took_over "$work/next$i"
    claim "the old process has ended by itself" wait_for 5 gone "$old"
    now=$(count n_packets)
    claim "counters never go back" [ "$now" -ge "$packets" ]
    packets=$now
    old=$new
done
wait $traffic
claim "nothing was lost or doubled" holds '.sent > 10000 and .lost == 0 and .duplicated == 0' "$work/report"
# What the kernel learns to forward passes what waits for the packet thread, whoever's it is.
[ "$driver" = kernel ] || claim "nothing was overtaken" holds '.reordered == 0' "$work/report"
claim "the tables are the same" same "$before" "$(dump)"
sent=$(jq .sent "$work/report")
claim "every frame was counted once, in both tables" [ "$(count n_packets)" = $((2 * (sent + 500))) ]
claim "entries are as old as they were" [ "$(age)" -ge 4 ]
meter_count() { ofctl meter-stats "$of" | sed -nE 's/.*packet_in_count:([0-9]+).*/\1/p'; }
claim "the meter has counted them all" [ "$(meter_count)" = $((sent + 500)) ]
isolated() { "$(dirname "$0")/rpc.py" "$work/node" edge.ports | true_of 'all(.ports[]; .isolated)'; }
claim "nothing is open to the machine's own stack" isolated
forwards() { # after a take-over that failed
    "$bin/edge-traffic" --json --from "$prefix-a/a0" --to "$prefix-b/b0" --pps 2000 --count 200 >"$work/again" 2>&1
    holds '.lost == 0 and .duplicated == 0' "$work/again"
}

# ---- Refused, with a reason, and nothing has changed.
refused() { # TEXT OPTION...
    local text=$1
    shift
    start "$work/refused" "$@"
    wait "$spawned" && return 1
    grep -q -- "$text" "$work/refused.err" || { tail -n 2 "$work/refused.err"; return 1; }
}
name=n2
claim "a node of another name is refused" refused "cold start.*this is node n" --take-over "$work/node"
name=n
claim "the wrong version is refused" in_host node python3 - "$work/node.handover" <<'PY'
import socket, struct, sys
def crc32c(data):
    crc = 0xffffffff
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
def record(kind, body):
    head = struct.pack(">B3xI", kind, len(body))
    return head + struct.pack(">I", crc32c(head + bytes(4) + body)) + body
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
s.sendall(record(1, struct.pack(">HQ", 999, 1) + b"\0\1n" + bytes(4)))
answer = s.recv(4096)
assert answer[0] == 2 and b"version" in answer, answer
PY
claim "and the node goes on" forwards

# ---- A new process that dies in the middle of it.
cat >"$work/dies.py" <<'PY'
# Asks for a handover as the node itself would, says READY or not, and ends.
import socket, struct, sys
exec(open(sys.argv[3]).read())
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
ports = b"".join(struct.pack(">IH", i + 1, 2) + n for i, n in enumerate((b"p1", b"p2")))
s.sendall(record(1, struct.pack(">HQ", 1, 1) + b"\0\1n" + struct.pack(">I", 2) + ports))
def receive(n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        assert more
        data += more
    return data
def until(kind):
    while True:
        head = receive(12)
        receive(struct.unpack(">I", head[4:8])[0])
        assert head[0] != 2
        if head[0] == kind:
            return
until(3)
if sys.argv[2] == "early":
    sys.exit(0)
until(9)
s.sendall(record(10, b""))
until(11)
PY
cat >"$work/record.py" <<'PY'
import struct
def crc32c(data):
    crc = 0xffffffff
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
def record(kind, body):
    head = struct.pack(">B3xI", kind, len(body))
    return head + struct.pack(">I", crc32c(head + bytes(4) + body)) + body
PY
for when in early stopped; do
    claim "a new process that dies ($when)" in_host node python3 "$work/dies.py" "$work/node.handover" $when "$work/record.py"
    claim "leaves the old one with its controllers" wait_for 10 answers
    claim "its tables" same "$before" "$(dump)"
    claim "and its traffic" forwards
done

# ---- An old process that dies in the middle of it, and one that is not there.
cat >"$work/old.py" <<'PY'
# An old process that says BEGIN and ends.
import os, socket, struct, sys
exec(open(sys.argv[2]).read())
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
print("ready", flush=True)
c, _ = s.accept()
c.recv(65536)
c.sendall(record(3, struct.pack(">HIIIIq", 1, 0, 0, 0, 5, 0)))
os._exit(0)
PY
stop "$old"
rm -f "$work/node.handover"
spawn node "$work/dying" python3 "$work/old.py" "$work/node.handover" "$work/record.py"
dying=$spawned
wait_for 5 grep -q ready "$work/dying"
start "$work/alone" --take-over "$work/node"
old=$spawned
wait "$dying" # or it would not be seen as gone
wait_for 10 answers
claim "an old process that dies before it has told all is told about" grep -q "tables are empty" "$work/alone.err"
claim "and nothing passes" [ "$(count n_packets)" = 0 ]
stop "$old"
start "$work/nobody" --take-over "$work/node"
claim "without an old process it starts empty" wait_for 10 answers
claim "and says so" grep -q "nobody at" "$work/nobody.err"
finish

#!/bin/bash
# A packet node mirrors to a sensor: it hears all that passes, knows by which port of which node it came, and says nothing itself;
# and whatever becomes of the copies, forwarding does not suffer.
# shellcheck source-path=SCRIPTDIR
main_program=tieline-edge
. "$(dirname "$0")/lib.sh"
need ovs-ofctl python3
here=$(dirname "$(readlink -f "$0")")

#   a ---- p1 [ sw ] p2 ---- b        three_hosts, with c at p3
#               mg ---- m0 m          the management network
three_hosts 10.1.0.3 02:00:00:00:00:03
host m
link sw mg m m0
ip -n $prefix-sw addr add 10.255.0.1/24 dev mg
ip -n $prefix-m addr add 10.255.0.9/24 dev m0
ip -n $prefix-sw neigh replace 10.255.0.9 lladdr "$(in_host m cat /sys/class/net/m0/address)" dev mg
sent() { in_host m cat /sys/class/net/m0/statistics/tx_packets; }
came_to_b() { in_host b cat /sys/class/net/b0/statistics/rx_packets; }

control=$work/control
rpc() { /usr/bin/python3 "$here/edge_rpc.py" call "$control" "$@"; }
lives() { rpc edge.ports | true_of '[.ports[].live] | all'; }
counter() { rpc edge.stats | jq ".counters.\"$1\""; }
start_node() { # OPTION...
    spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port 1=p1 --port 2=p2 --port 3=p3 --control "$control" \
        --management 10.255.0.1 "$@"
    edge=$spawned
    wait_for 10 lives
    ovs-ofctl -O OpenFlow13 add-flow "unix:$control.of" in_port=1,actions=output:2
    ovs-ofctl -O OpenFlow13 add-flow "unix:$control.of" in_port=2,actions=output:1
}
listen() { # NAME OPTION...
    local name=$1
    shift
    spawn m "$work/$name" "$bin/tieline-sensor" --interface erspan:10.255.0.9 --messages --counters --rules "$here/../../etc/detections" \
        --alerts --learn 0 "$@"
    sensor=$spawned
    wait_for 10 grep -q "listens to 10.255.0.9 by ERSPAN" "$work/$name.err"
}
send() { # FRAMES PROTOCOL [paced]: requests to listen only, or what somebody mirrors
    in_host a python3 - "$@" <<'PYTHON'
import socket, struct, sys, time
n, proto, paced = int(sys.argv[1]), int(sys.argv[2]), len(sys.argv) > 3
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("a0", 0))
for i in range(n):
    payload = struct.pack(">HHHBBHH", i & 0xffff, 0, 6, 17, 8, 4, 0)
    inner = struct.pack(">HHHH", 40000, 502, 8 + len(payload), 0) + payload
    if proto == 47:
        inner = bytes.fromhex("100088be0000000010000001000000ff") + bytes(60)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(inner), 1, 0, 64, proto, 0, bytes((10, 1, 0, 1)), bytes((10, 1, 0, 2)))
    s.send(bytes.fromhex("020000000002020000000001" "0800") + ip + inner)
    if paced and i % 100 == 0:
        time.sleep(0.005)
PYTHON
}
heard() { jq -c "select(.protocol == \"modbus\" and ($1))" "$work/$name" 2>/dev/null; }
heard_number() { [ "$(heard "$1" | wc -l)" = "$2" ]; }
last() { tail -n 1 "$work/$name" | jq ".\"$1\""; }

# ---- All ports, what comes in.
start_node --mirror erspan:10.255.0.9,rate=200000
before=$(sent)
name=all
listen $name
spawn b "$work/server" "$bin/lab-modbus" serve --registers 20 --json
wait_for 5 grep -q ready "$work/server"
in_host a "$bin/lab-modbus" poll 10.1.0.2 --registers 20 --interval 20ms --count 25 --json >"$work/polls"
claim "25 polls succeed" holds '.ok == 25' "$work/polls"
claim "every request is heard, once" wait_for 5 heard_number '.kind == "request"' 25
claim "... and every response, understood by what was asked" \
    wait_for 5 heard_number '.kind == "response" and .fields[0].address == 0 and (.fields[0].words | length) == 20' 25
send 1 17
alert_by() { jq -c 'select(.alert).alert.interface' "$work/$name" | grep -qx "\"$1\""; }
claim "an alert says by which port of which node" wait_for 5 alert_by "10.255.0.1 port 1"
copies=$(counter mirror-sent)
ip -n $prefix-sw link set p3 down
ovs-ofctl -O OpenFlow13 add-flow "unix:$control.of" priority=50000,in_port=1,udp,actions=output:3,output:2
drops=$(rpc edge.stats | jq .drops.port_down)
send 3 17
claim "what goes out by one port and not by another ..." wait_for 5 eval '[ "$(rpc edge.stats | jq .drops.port_down)" = $((drops + 3)) ]'
sleep 0.2
claim "... came in once" test "$(counter mirror-sent)" = $((copies + 3))
copies=$(counter mirror-sent)
send 20 47
sleep 0.2
claim "what somebody mirrors is not mirrored again" test "$(counter mirror-sent)" = "$copies"
stop $sensor
claim "nothing is missing" test "$(last not-heard)" = 0
claim "as many frames as copies" test "$(last frames)" = "$copies"
claim "the sensor's host has sent nothing: no answer, no complaint" test "$(sent)" = "$before"

# ---- What is missing is known.
name=missing
listen $name
copies=$(counter mirror-sent)
kill -STOP "$sensor"
for _ in $(seq 50); do
    [ "$(counter mirror-sent)" -gt $((copies + 60000)) ] || send 20000 17
done
kill -CONT "$sensor"
sleep 0.5
send 1 17
sleep 0.2
copies=$(($(counter mirror-sent) - copies))
stop $sensor
claim "a sensor that stands still misses copies" test "$(last not-heard)" -gt 0
claim "... and says how many, but for those above the rate" test $(($(last frames) + $(last not-heard))) = $copies
stop "$edge"

# ---- Some ports, a rate.
start_node --mirror erspan:10.255.0.9,ports=2,direction=both,rate=1000,session=7
name=some
listen $name
in_host a "$bin/lab-modbus" poll 10.1.0.2 --registers 20 --interval 50ms --count 10 --json >"$work/polls"
claim "of one port, both ways: requests" wait_for 5 heard_number '.kind == "request"' 10
claim "... and responses" wait_for 5 heard_number '.kind == "response"' 10
b_before=$(came_to_b)
send 5000 17 paced
claim "above the rate there are no copies" wait_for 5 eval '[ "$(counter mirror-lost)" -gt 1000 ]'
sleep 1.1 # what the kernel has lost before the node saw it is counted once a second
claim "... and all frames arrive that came to the node" \
    test $(($(came_to_b) - b_before + $(rpc edge.ports | jq '.ports[0]."rx-lost"'))) -ge 5000
claim "... none was dropped" test "$(rpc edge.stats | jq '[.drops[]] | add')" = 0
claim "what goes out is told apart" wait_for 5 alert_by "10.255.0.1 session 7 port 2 out"
stop $sensor
stop "$edge"

# ---- Off, unless it is asked for; and mistakes are named.
start_node
m_before=$(in_host sw cat /sys/class/net/mg/statistics/tx_packets)
send 100 17
claim "without the option nothing is mirrored" test "$(in_host sw cat /sys/class/net/mg/statistics/tx_packets)" = "$m_before"
stop "$edge"
refused() { # PATTERN MIRROR
    ! in_host sw timeout 10 "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port 1=p1 --management 10.255.0.1 --mirror "$2" 2>"$work/err" &&
        grep -q -- "$1" "$work/err" && return
    echo "# $(cat "$work/err")"
    return 1
}
claim "a port that is not there is named" refused "mirror: there is no port 9" erspan:10.255.0.9,ports=9
claim "an address that is none, too" refused '--mirror: "erspan:nowhere" is not erspan: and an IPv4 address' erspan:nowhere
claim "... and an item that is unknown" refused '--mirror: "port" is none of ports, direction, session, snap, rate' erspan:10.255.0.9,port=1

# ---- The management network comes up later than the node.
ip -n $prefix-sw addr del 10.255.0.1/24 dev mg
start_node --mirror erspan:10.255.0.9
name=later
listen $name
b_before=$(came_to_b)
send 100 17 paced
claim "without its address the node forwards" wait_for 5 eval '[ "$(came_to_b)" -ge $((b_before + 100)) ]'
claim "... and counts copies that did not go" wait_for 5 eval '[ "$(counter mirror-refused)" -ge 100 ]'
ip -n $prefix-sw addr add 10.255.0.1/24 dev mg
in_host a "$bin/lab-modbus" poll 10.1.0.2 --registers 20 --interval 50ms --count 10 --json >"$work/polls"
claim "when it has it they go" wait_for 5 heard_number '.kind == "request"' 10
stop $sensor
stop "$edge"
unknown_address() { ! in_host m timeout 10 "$bin/tieline-sensor" --interface erspan:10.9.9.9 2>"$work/err" && grep -q "erspan:10.9.9.9: to listen: Cannot assign" "$work/err"; }
claim "a sensor without that address says so" unknown_address
finish

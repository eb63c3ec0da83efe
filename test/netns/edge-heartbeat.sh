#!/bin/bash
# Heartbeats between two packet nodes: links that are silent, one way or both, though they have carrier, are
# not used, and are used again; what comes from a host's port concerns that port alone.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need ping ovs-ofctl python3
[ -x "$bin/tieline-edge" ] || skip "no tieline-edge in $bin"
here=$(dirname "$(readlink -f "$0")")

#                   +----+ p2 --- w2 +-------+ v2 --- q2 +----+
#   a a0 ------- p1 | n1 |           | wires |           | n2 | q1 ------- b0 b
#                   +----+ p3 --- w3 +-------+ v3 --- q3 +----+
host a n1 wires n2 b ctl
link a a0 n1 p1
link n1 p2 wires w2
link n1 p3 wires w3
link n2 q2 wires v2
link n2 q3 wires v3
link n2 q1 b b0
link n1 m0 ctl m0
ip -n $prefix-a addr add 10.1.0.1/24 dev a0
ip -n $prefix-b addr add 10.1.0.2/24 dev b0
ip -n $prefix-n1 addr add 10.2.0.2/24 dev m0
ip -n $prefix-ctl addr add 10.2.0.1/24 dev m0

printf 'second w2 v2\nthird w3 v3\n' >"$work/wires"
spawn wires "$work/wires.log" "$bin/lab-wire" run "$work/wires" --control "$work/wire" --json
wait_for 5 grep -q ready "$work/wires.log"
tell() { "$bin/lab-wire" tell "$work/wire" "$@" >/dev/null; }

rpc() { /usr/bin/python3 "$here/edge_rpc.py" call "$work/$1" "${@:2}"; }
of() { ovs-ofctl -O OpenFlow13 "$2" "unix:$work/$1.of" "${@:3}" 2>"$work/of.err"; }
patience=30ms
start() { # NODE PORT-1 PORT-2 PORT-3 DRIVER [INTERVAL]
    local node=$1 driver=$5 interval=${6:-20ms}
    spawn "$node" "$work/$node.log" "$bin/tieline-edge" --name "$node" --datapath-id "${node#n}" \
        --port "1=$2,driver=$driver,heartbeat=$interval" --port "2=$3,driver=$driver,heartbeat=$interval" \
        --port "3=$4,heartbeat=$interval,driver=$driver" --rpc tcp:10.2.0.1:6654 --control "$work/$node" \
        --heartbeat-patience "$patience"
    wait_for 10 rpc "$node" edge.status
    of "$node" add-group "group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3"
    of "$node" add-flow in_port=1,actions=group:1
    of "$node" add-flow in_port=2,actions=output:1
    of "$node" add-flow in_port=3,actions=output:1
}
start_1() { start n1 p1 p2 p3 "$@"; n1=$spawned; }
start_2() { start n2 q1 q2 q3 "$@"; n2=$spawned; }
port() { rpc "$1" edge.ports | true_of ".ports[] | select(.number == $2) | $3"; }
becomes() { wait_for 10 port "$@" || { rpc "$1" edge.ports | jq -c ".ports[] | select(.number == $2) | del(.queues)"; false; }; }
both_up() { becomes n1 "$1" '.live and .heartbeat.state == "up"' && becomes n2 "$1" '.live and .heartbeat.state == "up"'; }
goes_by() { rpc n1 edge.trace '{"in-port": 1, "ipv4-dst": "10.1.0.2"}' | true_of ".outputs[0] | startswith(\"port $1 \")"; }
pings() { in_host a ping -q -c 3 -i 0.05 -W 1 10.1.0.2 >"$work/ping" 2>&1; }
stand_still() { kill -STOP "$n2" && sleep 1; kill -CONT "$n2"; sleep 0.2; }
counted() { rpc n1 edge.ports | jq ".ports[1] | $1"; }

spawn ctl "$work/told" /usr/bin/python3 "$here/edge_rpc.py" listen 10.2.0.1 6654
wait_for 5 grep -q ready "$work/told"

for driver in packet xdp kernel; do
    start_1 $driver
    start_2 $driver
    claim "$driver: nodes find each other over both links" eval 'both_up 2 && both_up 3'
    claim "each says by which port" port n1 3 '.heartbeat["peer-port"] == 3 and .heartbeat["detection-us"] == 60000'
    claim "where no peer speaks, the port is used all the same" becomes n1 1 '.live and .heartbeat.state == "down" and .reason == ""'
    claim "frames pass by the first link" wait_for 5 eval 'pings && goes_by 2'
    forwarded=$(counted '.["rx-packets"] + .["tx-packets"]') beats=$(counted .heartbeat.received)
    claim "heartbeats come" wait_for 5 eval '[ "$(counted .heartbeat.received)" -gt $((beats + 20)) ]'
    claim "and are not counted with what is forwarded" [ "$(counted '.["rx-packets"] + .["tx-packets"]')" -lt $((forwarded + 10)) ] # ARP may be

    # ---- One way

    tell block second a-to-b
    claim "what is lost on the way there is known at both ends" eval 'becomes n2 2 ".up and .reason == \"silent\"" &&
        becomes n1 2 ".up and (.live | not) and .reason == \"not-heard\""'
    claim "and traffic takes the other link" eval 'goes_by 3 && wait_for 5 pings'
    tell restore second
    claim "what carries again is used again" eval 'both_up 2 && goes_by 2 && wait_for 5 pings'
    tell block second b-to-a
    claim "on the way back likewise" eval 'becomes n1 2 ".reason == \"silent\"" && becomes n2 2 ".reason == \"not-heard\"" &&
        goes_by 3 && wait_for 5 pings'
    claim "OpenFlow says that the port is not live" eval '! of n1 dump-ports-desc | grep -A 2 "(p2)" | grep -q "state:.*LIVE" &&
        of n1 dump-ports-desc | grep -A 2 "(p3)" | grep -q "state:.*LIVE"'
    claim "the controller is told why" wait_for 5 grep -q '"edge.port","params":{"port":2,"up":true,"live":false,"reason":"silent"}' "$work/told"
    tell block third
    claim "the second failure leaves no way" becomes n1 3 '.reason == "silent"'
    tell restore third
    claim "what heals first is used" eval 'both_up 3 && goes_by 3 && wait_for 5 pings'
    tell restore second
    both_up 2

    # ---- Waiting, holding

    rpc n1 edge.config '{"wait-to-restore-ms": "manual"}' >/dev/null
    tell block second
    becomes n1 2 '.reason == "silent"'
    rpc n1 edge.release-port '{"port": 2}' >/dev/null
    claim "releasing does not make a silent port carry" port n1 2 '.reason == "silent" and (.live | not)'
    tell restore second
    claim "a link that carries again waits to be released" eval 'becomes n1 2 ".waiting and .reason == \"waits\" and (.live | not)" && goes_by 3'
    rpc n1 edge.release-port '{"port": 2}' >/dev/null
    claim "and is used when it is" goes_by 2
    rpc n1 edge.config '{"wait-to-restore-ms": 200}' >/dev/null
    rpc n1 edge.hold-port '{"port": 2, "hold": true}' >/dev/null
    tell block second
    becomes n1 2 '.heartbeat.state != "up"'
    tell restore second
    becomes n1 2 '.heartbeat.state == "up"'
    claim "a held port stays held" eval 'port n1 2 ".reason == \"held\" and (.live | not)" && goes_by 3'
    rpc n1 edge.hold-port '{"port": 2, "hold": false}' >/dev/null
    claim "waiting ends by itself" eval 'both_up 2 && goes_by 2'
    rpc n1 edge.config '{"wait-to-restore-ms": 0}' >/dev/null

    # ---- Peers that go

    stop "$n2"
    claim "a peer that ends says so" eval 'becomes n1 2 ".reason == \"peer-ended\"" && becomes n1 3 ".reason == \"peer-ended\""'
    start_2 $driver
    claim "and is found again" eval 'both_up 2 && both_up 3 && wait_for 5 pings'
    stop "$n2" KILL
    claim "one that is killed is silent" eval 'becomes n1 2 ".reason == \"silent\"" && becomes n1 3 ".reason == \"silent\""'
    rpc n1 edge.forget-peer '{"port": 2}' >/dev/null
    claim "a peer can be forgotten" eval 'becomes n1 2 ".live and .reason == \"\"" && port n1 3 ".reason == \"silent\""'
    claim "but not of a port that is not there" eval '! rpc n1 edge.forget-peer "{\"port\": 9}" >/dev/null'
    start_2 $driver
    claim "one that is started anew is found" eval 'both_up 2 && both_up 3 && wait_for 5 pings'

    # ---- A process that stands still for a second: no matter of the driver

    if [ $driver = packet ]; then
        losses=$(counted .heartbeat.losses)
        stand_still
        claim "a process that stands still is missed" [ "$(counted .heartbeat.losses)" -gt "$losses" ]
        claim "until it goes on" eval 'both_up 2 && both_up 3'
        stop "$n2"
        patience=10s
        start_2 $driver
        patience=30ms
        claim "one with more patience is found" eval 'both_up 2 && both_up 3'
        losses=$(counted .heartbeat.losses)
        stand_still
        claim "that one may stand still: its kernel answers" [ "$(counted .heartbeat.losses)" = "$losses" ]
        stop "$n2"
        start_2 $driver
        claim "the first one again" eval 'both_up 2 && both_up 3 && wait_for 5 pings'
    fi

    # ---- A host that pretends to be a node

    losses() { rpc n1 edge.ports | jq "[.ports[1, 2].heartbeat.losses] | add"; }
    before=$(losses)
    claim "a host that speaks like a node is taken for one" in_host a /usr/bin/python3 "$here/heartbeat_forge.py" a0
    claim "its silence harms its own port" becomes n1 1 '.reason == "silent"'
    claim "and no other" [ "$(losses)" = "$before" ]
    stop "$n2"
    stop "$n1"
done

# ---- Long intervals: a kernel answers echoes whenever they come, and not only after the turns of its process

start_1 packet 110ms
start_2 packet 300ms
claim "with long intervals, not the same, nodes find each other too" eval 'both_up 2 && both_up 3'
sleep 5
claim "and lose nothing: echoes are answered all the time" eval '[ "$(losses)" = 0 ] &&
    port n1 2 ".heartbeat[\"detection-us\"] == 330000 and .heartbeat.replies >= 40"'
stop "$n2"
stop "$n1"
finish

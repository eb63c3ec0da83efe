#!/bin/bash
# tieline edge stats --openmetrics, top and trace against a node with traffic: what they say is what passed.
# shellcheck source-path=SCRIPTDIR
main_program=tieline-edge
. "$(dirname "$0")/lib.sh"
need ping ovs-ofctl python3 curl
[ -x "$bin/tieline" ] || skip "no tieline in $bin"
here=$(dirname "$(readlink -f "$0")")
/usr/bin/python3 -c 'import prometheus_client.openmetrics.parser' 2>/dev/null || skip "no python3-prometheus-client"

three_hosts 10.1.0.2 02:00:00:00:00:02

control=$work/control
rpc() { /usr/bin/python3 "$here/edge_rpc.py" call "$control" "$@"; }
of() { # COMMAND ARGUMENT...
    local command=$1
    shift
    ovs-ofctl -O OpenFlow13 "$command" "unix:$control.of" "$@" 2>"$work/of.err"
}
edge() { "$bin/tieline" edge "$@" --control "$control"; }
pings() { in_host a ping -q -c 3 -i 0.02 -W 1 "${1:-10.1.0.2}" >"$work/ping" 2>&1; }

spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port 1=p1 --port 2=p2 --port 3=p3 \
    --controller tcp:10.9.9.9:6653 --control "$control" --metrics 127.0.0.1:9464
edge_pid=$spawned
wait_for 10 rpc edge.status
of add-group "group_id=33,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3"
of add-meter "meter=7,kbps,burst,stats,band=type=drop,rate=1000,burst_size=100"
of add-flow "priority=10,cookie=0x12,in_port=1,ip,actions=meter:7,group:33"
of add-flow "priority=10,cookie=0x12,in_port=2,ip,actions=output:1"
of add-flow "priority=1,cookie=0x99,in_port=3,actions=drop"
wait_for 5 pings

# ---- OpenMetrics

check() { /usr/bin/python3 "$here/openmetrics.py" "$here/../../doc/edge.md" "$@"; }
metrics() { # FILE [BEFORE]
    edge stats --openmetrics | check ${2:+"$2"} >"$1" && return
    cat "$1"
    return 1
}
claim "a strict parser reads it, and the manual has all of it" metrics "$work/m1"
pings
claim "no counter goes back" metrics "$work/m2" "$work/m1"
rises() { # KEY BY
    jq -e --slurpfile before "$work/m1" ".[\"$1\"] - \$before[0][\"$1\"] == $2" "$work/m2" >/dev/null && return
    echo "# $1: $(jq ".[\"$1\"]" "$work/m1") to $(jq ".[\"$1\"]" "$work/m2")"
    return 1
}
claim "a port's packets" rises "tieline_edge_port_received_packets_total{interface=p1,port=1}" 3
claim "its octets" rises "tieline_edge_port_sent_bytes_total{interface=p2,port=2}" 294
claim "a queue's packets" rises "tieline_edge_queue_sent_packets_total{port=2,queue=0}" 3
claim "a flow's, by its cookie" rises "tieline_edge_flow_packets_total{cookie=0x12}" 6
claim "a group's" rises "tieline_edge_group_packets_total{group=33}" 3
claim "a bucket's" rises "tieline_edge_group_bucket_packets_total{bucket=0,group=33}" 3
claim "a meter's" rises "tieline_edge_meter_packets_total{meter=7}" 3
claim "which bucket is live" rises "tieline_edge_group_bucket_live{bucket=1,group=33}" 0
claim "the controller that is not there" holds '.["tieline_edge_controller_connected{controller=10.9.9.9:6653}"] == 0 or
    .["tieline_edge_controller_connected{controller=tcp:10.9.9.9:6653}"] == 0' "$work/m2"
in_host c ping -q -c 2 -i 0.02 -W 0.1 10.1.0.1 >/dev/null 2>&1 # ARP from port 3, which a rule denies
metrics "$work/m3" "$work/m2"
claim "drops, by reason" holds '.["tieline_edge_dropped_packets_total{reason=no_output}"] >= 1' "$work/m3"

http() { in_host sw curl -s --max-time 5 "$@"; }
claim "a collector gets the same by HTTP" eval 'http http://127.0.0.1:9464/metrics | check "$work/m3" >"$work/m4"'
claim "with the type it asks for" eval \
    'http -o /dev/null -w "%{content_type}" http://127.0.0.1:9464/metrics | grep -qx "application/openmetrics-text; version=1.0.0; charset=utf-8"'
claim "its head alone" eval '[ "$(http -I http://127.0.0.1:9464/metrics | grep -c "^HTTP/1.1 200\|^Content-Length: [1-9]")" = 2 ]'
code() { # STATUS ARGUMENT...
    [ "$(http -o /dev/null -w '%{http_code}' "${@:2}")" = "$1" ]
}
claim "nothing else is there" code 404 http://127.0.0.1:9464/
claim "nor can anything be put there" code 405 -d x=1 http://127.0.0.1:9464/metrics
claim "a head that does not end is refused" code 431 -H "x: $(head -c 9000 /dev/zero | tr '\0' x)" http://127.0.0.1:9464/metrics
claim "it is not to be had from elsewhere" eval '! in_host a curl -s --max-time 1 http://10.1.0.2:9464/metrics >/dev/null'
wrong() { # TEXT ARGUMENT...
    local text=$1
    shift
    in_host sw "$bin/tieline-edge" --name n2 --datapath-id 2 --port 9=none "$@" >/dev/null 2>"$work/err"
    [ $? -eq 2 ] && grep -q "$text" "$work/err" || { cat "$work/err"; false; }
}
claim "only addresses of this machine are listened on" wrong "not an address of this machine alone" --metrics 0.0.0.0:9464

# ---- top

spawn a "$work/load" ping -q -i 0.01 10.1.0.2
load=$spawned
sleep 0.2
edge top --once --json >"$work/top"
claim "top has the ports' rates" holds '.ports[0] | .number == 1 and .["rx-packets-per-second"] > 10 and .["tx-bits-per-second"] > 7840' "$work/top"
claim "and the flows', the busiest first" holds '[.flows[].cookie] == ["0x12", "0x12", "0x99"] and
    any(.flows[:2][]; .match == "in_port=1,eth_type=0x0800" and .instructions == "meter:7 group:0x21" and
    .["packets-per-second"] > 10 and .["used-ms-ago"] < 1000)' "$work/top"
claim "how many are active" holds '.["n-flows"] == 3 and .["n-active"] == ([.flows[] | select(."packets-per-second" > 0)] | length) and .["n-active"] >= 2' "$work/top"
claim "and the bucket that a group uses" holds '.groups[0] | .group == 33 and .active == [0] and .["packets-per-second"] > 10' "$work/top"
edge top --once >"$work/top.text"
claim "as text, too" grep -q "^ *0 *10 *0x12 .*in_port=1,eth_type=0x0800 *meter:7 group:0x21$" "$work/top.text"
claim "drops have their rate" grep -q "^no_output  *[0-9]* *[1-9]" "$work/top.text"
ip -n $prefix-b link set b0 down
sleep 0.1
edge top --once --json --cookie 0x12 --rows 1 >"$work/top"
claim "a group that failed over" holds '.groups[0].active == [1] and (.groups[0].actions == "output:3")' "$work/top"
claim "chosen flows, so many" holds '[.flows[].cookie] == ["0x12"]' "$work/top"
ip -n $prefix-b link set b0 up
stop "$load"
claim "twice, when asked so" eval '[ "$(edge top --count 2 --interval 100ms --json | jq -s length)" = 2 ]'
claim "a wrong interval is refused" eval '! edge top --once --interval 20s 2>"$work/err" && grep -q "interval-ms is a number from 100 to 8000" "$work/err"'

claim "ends in order" stop "$edge_pid"
finish

#!/bin/bash
# tieline-edge between hosts, with every driver and mixes of them: nothing passes that no flow allows, TCP with
# the hosts' offloads does not stall, groups follow the carrier, tables outlive controllers.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need ping iperf3 ovs-ofctl python3 openssl
[ -x "$bin/tieline-edge" ] || skip "no tieline-edge in $bin"
rpc_tool=$(dirname "$(readlink -f "$0")")/edge_rpc.py

#   a a0 --- p1 +----+ p2 --- b0 b      b and c are one host in two places, as far as a can tell: a host
#               | sw |                  with a second path to it
#   ctl m0 - m0 +----+ p3 --- c0 c
host sw a b c ctl
link a a0 sw p1
link b b0 sw p2
link c c0 sw p3
link ctl m0 sw m0
for end in "a a0 10.1.0.1" "b b0 10.1.0.2" "c c0 10.1.0.2" "ctl m0 10.2.0.1" "sw m0 10.2.0.2"; do
    # shellcheck disable=SC2086
    set -- $bin $end
    ip -n $prefix-"$2" addr add "$4/24" dev "$3"
done
for end in "b b0" "c c0"; do
    # shellcheck disable=SC2086
    ip -n $prefix-${end% *} link set ${end#* } address 02:00:00:00:00:02
done
set -- "$bin"

# Certificates: of the node, of the controller, and of another node of the same CA.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" \
    -subj "/CN=test CA" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
for cn in n1 controller n2; do
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$cn.key" -subj "/CN=$cn" \
        -out "$work/$cn.csr" 2>/dev/null
    openssl x509 -req -in "$work/$cn.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial \
        -extfile <(echo basicConstraints=CA:FALSE) -out "$work/$cn.pem" 2>/dev/null
done

control=$work/control
start_edge() { # DRIVER-OF-1 DRIVER-OF-2 DRIVER-OF-3
    spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port "1=p1,driver=$1" \
        --port "2=p2,driver=$2" --port "3=p3,driver=$3" --controller tls:10.2.0.1:6653 \
        --ca "$work/ca.pem" --cert "$work/n1.pem" --key "$work/n1.key" --rpc tcp:10.2.0.1:6654 --management 10.2.0.2 --control "$control"
    edge_pid=$spawned
    wait_for 10 rpc edge.status
}
rpc() { /usr/bin/python3 "$rpc_tool" call "$control" "$@"; }
shows() { # FILTER METHOD [PARAMS]
    local filter=$1
    shift
    rpc "$@" >"$work/answer" && true_of "$filter" <"$work/answer" && return
    echo "# $*: $(head -c 1500 "$work/answer")"
    return 1
}
of() { # COMMAND ARGUMENT...
    local command=$1
    shift
    ovs-ofctl -O OpenFlow13 "$command" "unix:$control.of" "$@" 2>"$work/of.err"
}
pings() { in_host a ping -q -c 3 -i 0.05 -W 1 "${1:-10.1.0.2}" >"$work/ping" 2>&1; }
silent() { ! in_host a ping -q -c 2 -i 0.05 -W 1 "${1:-10.1.0.2}" >"$work/ping" 2>&1; }
carrier() { shows ".ports[] | select(.number == $1) | .up == $2" edge.ports >/dev/null; }
drops() { rpc edge.stats | jq ".drops.$1"; }
mbit() { # [-R]: of TCP from a to b
    spawn b "$work/iperf" iperf3 -s -1
    local server=$spawned
    wait_for 5 in_host b sh -c "ss -ltn | grep -q :5201"
    in_host a timeout 20 iperf3 -c 10.1.0.2 -t 2 "$@" -J 2>/dev/null |
        jq '(.end.sum_received.bits_per_second // 0) / 1e6 | floor'
    stop "$server"
}
allow_both_ways() {
    of add-flow in_port=1,actions=output:2
    of add-flow in_port=2,actions=output:1
}
addresses_of_the_node() { in_host a ip neigh show 10.2.0.2 | grep -c lladdr; }

# ---- What is wrong is said

wrong() { # STATUS TEXT ARGUMENT...
    local status=$1 text=$2
    shift 2
    in_host sw "$bin/tieline-edge" --name n1 --datapath-id 1 "$@" >/dev/null 2>"$work/err"
    [ $? -eq "$status" ] && grep -q "$text" "$work/err" || { cat "$work/err"; false; }
}
claim "a missing interface is named" wrong 1 'port 1: there is no interface "nowhere"' --port 1=nowhere
claim "a wrong option is named" wrong 2 'unknown option "--prot"' --prot 1=p1
claim "a certificate that is not there is named" wrong 1 "/nowhere" --port 1=p1 --ca /nowhere --cert /nowhere \
    --key /nowhere

# ---- Each driver, and a mix of both

for drivers in "packet packet packet" "xdp xdp xdp" "kernel kernel kernel" "packet xdp auto" "kernel packet kernel"; do
    # shellcheck disable=SC2086
    claim "starts with the drivers $drivers" start_edge $drivers
    claim "says which driver a port has" \
        shows ".ports[0].driver | startswith(\"${drivers%% *}\")" edge.ports
    wait_for 5 carrier 2 true
    claim "nothing passes by itself" silent
    claim "which is counted" [ "$(drops no_match)" -ge 1 ]
    ip -n $prefix-a route replace 10.2.0.0/24 dev a0
    claim "the node's own addresses are not to be had by a port" silent 10.2.0.2
    claim "not even by ARP" [ "$(addresses_of_the_node)" = 0 ]
    claim "ovs-ofctl adds flows" allow_both_ways
    claim "and frames pass" wait_for 5 pings
    to_b=$(mbit)
    to_a=$(mbit -R)
    claim "TCP passes with the hosts' offloads ($to_b Mbit/s there, $to_a back)" [ "$to_b" -ge 50 -a "$to_a" -ge 50 ]
    claim "as the cache's work" shows '.counters | .["cache-hits"] + (.["kernel-forwarded"] // 0) > 100 * .["cache-misses"]' edge.stats
    if [ "$drivers" = "kernel kernel kernel" ]; then
        of add-meter 'meter=1,kbps,burst,stats,band=type=drop,rate=40000000,burst_size=160000'
        of del-flows in_port=1 # what it counted until now
        of add-flow in_port=1,actions=meter:1,output:2
        to_b=$(mbit)
        claim "and with a meter, in the kernel ($to_b Mbit/s)" eval '[ "$to_b" -ge 50 ] &&
            shows ".counters | .[\"kernel-forwarded\"] > 100 * .[\"kernel-handed-up\"]" edge.stats'
        metered=$(of meter-stats | sed -n 's/.*packet_in_count:\([0-9]*\).*/\1/p')
        claim "whose segments it counts as the packets they stand for" [ "$metered" -gt 1000 -a "$metered" = \
            "$(of dump-flows in_port=1 | sed -n 's/.*n_packets=\([0-9]*\).*/\1/p')" ]
    fi
    claim "ends in order on SIGTERM" stop "$edge_pid"
    claim "and takes its sockets away" [ ! -e "$control" -a ! -e "$control.of" ]
done

# ---- A node that was killed

start_edge xdp packet auto
claim "a node that is killed leaves its ports" eval 'stop $edge_pid KILL; ! kill -0 $edge_pid 2>/dev/null'
claim "can be started again" start_edge xdp packet auto
claim "but not twice" wrong 1 "port 2: p2: another process has it" --port 2=p2
claim "and its tables are empty" [ "$(of dump-flows | grep -c actions=)" = 0 ]

# ---- Failover

group="group_id=33,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3"
claim "a fast-failover group is taken" eval 'of add-group $group && of add-flow priority=10,cookie=0x12,in_port=1,actions=group:33 &&
    of add-flow in_port=2,actions=output:1 && of add-flow in_port=3,actions=output:1'
wait_for 5 carrier 3 true
goes_by() { shows ".outputs[0] | startswith(\"port $1 \")" edge.trace '{"in-port": 1, "ipv4-dst": "10.1.0.2"}'; }
claim "frames go the first way" eval 'pings && goes_by 2'
ip -n $prefix-b link set b0 down
claim "the carrier goes" wait_for 5 carrier 2 false
claim "and frames go the other way" eval 'goes_by 3 && pings'
claim "a trace explains it" shows '.text | contains("bucket: 0: down, not taken: output:2\nbucket: 1: live, taken: output:3\n  output: port 3 (p3)")' \
    edge.trace '{"in-port": 1, "eth-dst": "02:00:00:00:00:02", "ipv4-dst": "10.1.0.2", "tcp-dst": 502}'
claim "a trace by frame is the same" shows '.text | contains("cookie=0x12 in_port=1 -> group:0x21")' \
    edge.trace '{"in-port": 1, "frame": "020000000002020000000001080045000014000000004011000000000000000000000000"}'
claim "a trace from a port that is not there is refused" eval '! rpc edge.trace "{\"in-port\": 9}" >/dev/null'
rpc edge.config '{"wait-to-restore-ms": "manual"}' >/dev/null
ip -n $prefix-b link set b0 up
claim "a port that is back waits to be released" eval 'wait_for 5 carrier 2 true; shows ".ports[1].waiting" edge.ports && goes_by 3'
claim "and is used when it is" eval 'rpc edge.release-port "{\"port\": 2}" >/dev/null && goes_by 2 && wait_for 5 pings'
claim "a held port is up and not live" eval 'rpc edge.hold-port "{\"port\": 2, \"hold\": true}" >/dev/null &&
    shows ".ports[1] | .up and .held and (.live or .waiting | not)" edge.ports && goes_by 3'
claim "releasing it does not let go" eval 'rpc edge.release-port "{\"port\": 2}" >/dev/null && goes_by 3'
ip -n $prefix-b link set b0 down
claim "nor does its carrier" eval 'wait_for 5 carrier 2 false; ip -n $prefix-b link set b0 up; wait_for 5 carrier 2 true; goes_by 3'
rpc edge.release-port '{"port": 2}' >/dev/null
claim "until it is let go" eval 'rpc edge.hold-port "{\"port\": 2, \"hold\": false}" >/dev/null && goes_by 2 && wait_for 5 pings'
claim "holding wants a port and a word" eval '! rpc edge.hold-port "{\"port\": 9, \"hold\": true}" >/dev/null &&
    ! rpc edge.hold-port "{\"port\": 2}" >/dev/null && goes_by 2'
claim "every path down is a reason to drop" eval 'ip -n $prefix-b link set b0 down; ip -n $prefix-c link set c0 down
    wait_for 5 carrier 2 false; wait_for 5 carrier 3 false
    shows ".verdict == \"dropped\" and .drops == [\"no_live_bucket\"]" edge.trace "{\"in-port\": 1}"'
rpc edge.config '{"wait-to-restore-ms": 300}' >/dev/null
ip -n $prefix-b link set b0 up
claim "waiting ends by itself" wait_for 5 goes_by 2

# ---- A port taken down by the controller

claim "a port is taken down" eval 'of mod-port p2 down; wait_for 5 carrier 2 false'
claim "with its interface" eval '! ip -n $prefix-sw link show p2 | grep -q "[<,]UP[,>]"'
claim "and up again" eval 'of mod-port p2 up; wait_for 5 carrier 2 true'

# ---- JSON-RPC to the controller

spawn ctl "$work/rpc" /usr/bin/python3 "$rpc_tool" listen 10.2.0.1 6654
claim "the node connects and answers" wait_for 10 grep -q '"result":{"name":"n1"' "$work/rpc"
of del-flows in_port=1
silent
claim "tells samples of what it drops" wait_for 5 grep -q '"edge.dropped","params":{"reason":"no_match","in-port":1,"frame":"' "$work/rpc"
ip -n $prefix-b link set b0 down
claim "and of ports" wait_for 5 grep -q '"edge.port","params":{"port":2,"up":false,"live":false,"reason":"down"}' "$work/rpc"
ip -n $prefix-b link set b0 up
wait_for 5 carrier 2 true

# ---- A controller that comes and goes

adopted() { shows '.controllers[0].state == "connected"' edge.status >/dev/null; }
osken() { # NAME-IN-ITS-CERTIFICATE
    spawn ctl "$work/osken" /usr/bin/python3 /usr/bin/osken-manager --ofp-listen-host 10.2.0.1 \
        --ofp-ssl-listen-port 6653 --ctl-privkey "$work/$1.key" --ctl-cert "$work/$1.pem" --ca-certs "$work/ca.pem" \
        "$(dirname "$rpc_tool")/edge_osken.py"
    osken=$spawned
    wait_for 90 in_host ctl sh -c "ss -ltn | grep -q :6653" # it takes its time on a busy machine
}
if [ -x /usr/bin/osken-manager ] && /usr/bin/python3 -c 'import os_ken' 2>/dev/null; then
    of del-flows
    of del-groups
    claim "nothing passes before the controller is there" silent
    osken n2
    claim "a node that poses as controller is not believed" wait_for 20 eval \
        'rpc edge.status | true_of ".controllers[0].reason | contains(\"n2\")"'
    stop "$osken" KILL
    osken controller
    claim "os-ken adopts the node over TLS" wait_for 20 grep -q "adopted 11" "$work/osken"
    claim "and lets two ports talk by packet-in, packet-out and flows" wait_for 20 pings
    claim "confirmed by barriers" [ "$(grep -c barrier "$work/osken")" -ge 3 ]
    stop "$osken" KILL
    claim "the controller has gone" wait_for 10 eval '! adopted'
    claim "the node says why" shows '.controllers[0].reason | length > 0' edge.status
    claim "and goes on forwarding" pings
    osken controller
    claim "a controller that comes back is found" wait_for 20 grep -q "adopted 11" "$work/osken"
else
    echo "# os-ken is not installed: left out"
fi

# ---- The end

kill -HUP "$edge_pid"
claim "SIGHUP reads the certificates again" eval 'wait_for 5 grep -q "read again" "$work/edge.err" && rpc edge.status >/dev/null'
claim "ends in order on SIGTERM" stop "$edge_pid"
answers_arp() {
    in_host a ping -q -c 1 -W 1 10.2.0.2 >/dev/null 2>&1
    [ "$(addresses_of_the_node)" = 1 ]
}
claim "and lets the kernel have its ports" wait_for 10 answers_arp
finish

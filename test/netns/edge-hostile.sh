#!/bin/bash
# Bad input for tieline-edge, by each driver: frames of every wrong kind at a port, controllers that contradict
# themselves or vanish, clients that speak nonsense. Nothing passes that the rules do not allow, every packet is
# accounted for, and the tables stay as they were.
# shellcheck source-path=SCRIPTDIR
main_program=tieline-edge
. "$(dirname "$0")/lib.sh"
need ovs-ofctl python3
here=$(dirname "$(readlink -f "$0")")

#   a a0 --- p1 +----+ p2 --- b0 b
#               | sw |
#   p4 ----- p3 +----+ p5 --- c0 c     p3 and p4: a cable from the node to itself
host sw a b c
link a a0 sw p1
link b b0 sw p2
link sw p3 sw p4
link c c0 sw p5
for end in "a a0" "sw p1"; do
    # shellcheck disable=SC2086
    ip -n $prefix-${end% *} link set ${end#* } mtu 9000
done

control=$work/control
rpc() { /usr/bin/python3 "$here/edge_rpc.py" call "$control" "$@"; }
of() { # COMMAND ARGUMENT...
    local command=$1
    shift
    ovs-ofctl -O OpenFlow13 "$command" "unix:$control.of" "$@" 2>"$work/of.err"
}
hostile() { in_host "$1" /usr/bin/python3 "$here/hostile.py" "${@:2}"; }
tables() { of dump-flows | sed 's/ duration=[^,]*,//; s/n_packets=[0-9]*, n_bytes=[0-9]*, //' | sort; of dump-groups | sed 's/(xid=[^)]*)//'; }
# numbers NAME: what the node has counted: received at port 1, sent by all ports, dropped.
numbers() {
    rpc edge.ports >"$work/ports"
    rpc edge.stats >"$work/stats"
    jq -n --slurpfile p "$work/ports" --slurpfile s "$work/stats" \
        '{rx: ([$p[0].ports[]["rx-packets"]] | add), tx: ([$p[0].ports[]["tx-packets"]] | add),
          lost: ([$p[0].ports[]["rx-lost"]] | add), drops: $s[0].drops, total: ([$s[0].drops[]] | add),
          out: ([$p[0].ports[] | {(.name): .["tx-packets"]}] | add)}' >"$work/numbers.$1"
}
settled() { # everything that came in has gone out or been dropped
    numbers now
    jq -e --slurpfile b "$work/numbers.before" '(.rx - $b[0].rx) == ((.tx - $b[0].tx) + (.total - $b[0].total)) and
        .rx - $b[0].rx >= '"$1" "$work/numbers.now" >/dev/null
}
compared() { # FILTER: of the numbers, $b before and . now
    jq -e --slurpfile before "$work/numbers.before" '$before[0] as $b | '"$1" "$work/numbers.now" >/dev/null && return
    echo "# $1: $(jq -c . "$work/numbers.before") then $(jq -c . "$work/numbers.now")"
    return 1
}
listener() { # HOST INTERFACE
    spawn "$1" "$work/$1.ready" /usr/bin/python3 "$here/hostile.py" listen "$2" "$work/$1.received"
    wait_for 10 grep -q ready "$work/$1.ready"
}

for driver in packet kernel xdp; do
    giants=giants
    if [ $driver = xdp ]; then # needs frames that fit into a page
        giants=
        ip -n $prefix-a link set a0 mtu 1500
        ip -n $prefix-sw link set p1 mtu 1500
    fi
    spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port "1=p1,driver=$driver" \
        --port "2=p2,driver=$driver" --port "3=p3,driver=$driver" --port "4=p4,driver=$driver" \
        --port "5=p5,driver=$driver" --control "$control"
    edge_pid=$spawned
    claim "starts with driver $driver" wait_for 10 rpc edge.status
    of add-flow "priority=100,cookie=0x12,in_port=1,vlan_tci=0,tcp,nw_src=10.1.0.1,nw_dst=10.1.0.2,tp_dst=502,actions=output:2"
    of add-flow "priority=100,cookie=0x13,in_port=1,vlan_tci=0,dl_type=0x88b8,dl_dst=01:0c:cd:01:00:01,actions=output:2"
    tables >"$work/tables"
    claim "two rules are in the tables" [ "$(grep -c actions= "$work/tables")" = 2 ]

    # ---- Frames
    listener b b0
    listener_b=$spawned
    listener c c0
    listener_c=$spawned
    numbers before
    sent=$(hostile a send a0 "$work/expected" $giants)
    [ $driver = xdp ] || sent=$((sent - 8)) # whose tag is cut: the kernel drops them before a packet socket sees them
    claim "every one of $sent bad frames is sent or counted as dropped" wait_for 10 settled "$sent"
    sleep 0.3
    stop "$listener_b"
    stop "$listener_c"
    claim "what the rules allow arrives, and nothing else" hostile a compare "$work/expected" "$work/b.received"
    claim "some were allowed, most were not" [ "$(wc -l <"$work/expected")" -gt 50 -a "$(wc -l <"$work/expected")" -lt 4000 ]
    claim "and elsewhere nothing arrives" [ ! -s "$work/c.received" ]
    claim "the kernel lost none" compared '.lost == $b.lost'
    claim "what no rule covers says so" compared '.drops.no_match - $b.drops.no_match > 1000'
    [ -z "$giants" ] || claim "what is too large for the way out, too" compared '.drops.too_large - $b.drops.too_large == 7'

    # ---- A loop: what the node sends comes back to it
    of add-flow "priority=100,cookie=0x14,in_port=5,dl_dst=ff:ff:ff:ff:ff:ff,actions=output:3"
    numbers before
    in_host c /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.bind(("c0", 0))
for i in range(100):
    s.send(b"\xff" * 6 + b"\2" * 6 + b"\x88\xb5" + bytes(46))'
    claim "a broadcast that comes back is dropped where no rule takes it" wait_for 10 settled 200
    claim "once each" compared '.out.p3 - $b.out.p3 == 100 and .drops.no_match - $b.drops.no_match == 100 and .rx - $b.rx == 200'
    of del-flows cookie=0x14/-1

    # ---- Controllers and clients
    hostile sw openflow "$control.of" >"$work/openflow"
    result=$?
    grep -v ^ok "$work/openflow" | sed 's/^/# /'
    claim "$(grep -c . "$work/openflow") things that controllers should not say are refused by the book" [ $result = 0 ]
    tables >"$work/tables.after"
    claim "and the tables are as they were" diff "$work/tables" "$work/tables.after"
    hostile sw rpc "$control" >"$work/rpc"
    result=$?
    grep -v ^ok "$work/rpc" | sed 's/^/# /'
    claim "so is what clients should not say" [ $result = 0 ]
    claim "the node answers" eval 'rpc edge.status >/dev/null'
    claim "and ends in order" stop "$edge_pid"
done
finish

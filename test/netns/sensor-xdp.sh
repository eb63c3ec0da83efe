#!/bin/bash
# tieline-sensor by AF_XDP at a mirror port, beside another one by AF_PACKET: both hear the same, neither sends. What the sensor
# has taken over goes back to the host when it ends, however it ends, and it takes nothing that the host needs.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need python3 setpriv ethtool

#   a a0 ---- ha [ hub ] hm ---- m0 m        by AF_PACKET
#   b b0 ---- hb [     ] hx ---- x0 x        by AF_XDP, four queues
host a b m x hub
link a a0 hub ha
link b b0 hub hb
link m m0 hub hm
ip link add hx netns $prefix-hub numtxqueues 4 numrxqueues 4 type veth peer name x0 netns $prefix-x numtxqueues 4 numrxqueues 4
for end in "hub hx" "x x0"; do
    # shellcheck disable=SC2086
    set -- $end
    in_host "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
    ip -n "$prefix-$1" link set "$2" up
done
in_host hub ip link add hub type bridge ageing_time 0 mcast_snooping 0
in_host hub sysctl -qw net.ipv6.conf.hub.disable_ipv6=1
for port in ha hb hm hx; do in_host hub ip link set $port master hub; done
in_host hub ip link set hub up
ip -n $prefix-a addr add 10.1.0.1/24 dev a0
ip -n $prefix-b addr add 10.1.0.2/24 dev b0

sent() { in_host "$1" cat "/sys/class/net/$2/statistics/tx_packets"; }
has_program() { ip -n "$prefix-x" link show x0 | grep -q "prog/xdp"; }
takes_tags_off() { in_host x ethtool -k x0 | grep -q "rx-vlan-offload: on"; }
listen() { # HOST NAME OPTION...: its output in $work/NAME, its process in $sensor
    local name=$2 where=$1
    shift 2
    spawn "$where" "$work/$name" "$@" --messages --counters
    sensor=$spawned
    wait_for 10 grep -q "listens to" "$work/$name.err"
}
counters() { tail -n 1 "$work/$1"; }
# What was said, without when it was heard and as which frame.
said() { jq -cS 'select(.protocol == "modbus") | del(.frame, .time)' "$work/$1" | sort; }
send() { # NUMBER-OF-FLOWS FRAMES-OF-EACH TAGS: commands, some with the tags (hexadecimal)
    in_host a python3 - "$@" <<'PYTHON'
import socket, struct, sys
flows, each, tags = int(sys.argv[1]), int(sys.argv[2]), bytes.fromhex(sys.argv[3])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("a0", 0))
for i in range(flows * each):
    payload = struct.pack(">HHHBBHH", i & 0xffff, 0, 6, 17, 5, 172, 0xff00)
    udp = struct.pack(">HHHH", 40000 + i % flows, 502, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(udp), 1, 0, 64, 17), bytes((10, 9, 0, 1, 10, 9, 0, 2))
    total = sum(struct.unpack(">9H", b"".join(ip)))
    ip = ip[0] + struct.pack(">H", ~(total + (total >> 16)) & 0xffff) + ip[1] + udp
    s.send(bytes.fromhex("020000000002020000000001") + tags + b"\x08\x00" + ip)
PYTHON
}

# ---- The same is heard.
before_m=$(sent m m0) before_x=$(sent x x0)
listen m packet "$bin/tieline-sensor" --interface packet:m0
by_packet=$sensor
listen x xdp "$bin/tieline-sensor" --interface xdp:x0
by_xdp=$sensor
claim "it says by what it listens" grep -q "listens to x0 by AF_XDP, copy mode, 4 queues" "$work/xdp.err"
claim "a program is at the interface" has_program
claim "the device leaves VLAN tags on" eval '! takes_tags_off'
begin=$(date +%s.%N)
spawn b "$work/server" "$bin/lab-modbus" serve --registers 20 --json
wait_for 5 grep -q ready "$work/server"
in_host a "$bin/lab-modbus" poll 10.1.0.2 --registers 20 --interval 10ms --count 25 --json >"$work/polls"
claim "25 polls succeed" holds '.ok == 25' "$work/polls"
send 64 5 ""
send 8 5 88a8006481006001
all_said() { [ "$(said "$1" | wc -l)" = 410 ]; }
claim "by AF_PACKET all is heard" wait_for 5 all_said packet
claim "by AF_XDP too" wait_for 5 all_said xdp
end=$(date +%s.%N)
claim "... the same, octet by octet" test "$(said packet | sha256sum)" = "$(said xdp | sha256sum)"
claim "... by more than one queue" test "$(in_host x ethtool -S x0 | grep -Ec 'rx_queue_[0-9]+_xdp_packets: [1-9]')" -gt 1
in_time() {
    jq -rn --arg from "$begin" --arg to "$end" 'def seconds: (sub("\\.[0-9]+Z"; "Z") | fromdate) + (capture("(?<f>\\.[0-9]+)Z").f | tonumber);
        [inputs | select(.protocol == "modbus").time | seconds] | length == 410 and min >= ($from | tonumber) and max <= ($to | tonumber)' "$work/xdp" | grep -q true
}
claim "... at the time when it came" in_time
stop $by_packet
stop $by_xdp
claim "it ends in order" test $? -eq 0
claim "nothing was left out" test "$(counters xdp | jq '[."not-heard", .malformed]' -c)" = "[0,0]"
claim "neither has sent anything" test "$(sent m m0) $(sent x x0)" = "$before_m $before_x"
claim "the program is gone" eval '! has_program'
claim "the device takes tags off again" takes_tags_off

# ---- What finds no room is counted. Nobody else says anything meanwhile.
ip -n $prefix-a addr flush dev a0
ip -n $prefix-b addr flush dev b0
before=$(sent hub hx)
listen x full "$bin/tieline-sensor" --interface xdp:x0
kill -STOP "$sensor"
send 8 10000 ""
kill -CONT "$sensor"
stop $sensor
came=$(($(sent hub hx) - before))
claim "a sensor that stands still loses frames" test "$(counters full | jq '."not-heard"')" -gt 0
claim "... and says how many" test "$(counters full | jq '.frames + ."not-heard"')" = $came

# ---- The host gets back what is its own.
ip -n $prefix-a addr add 10.1.0.1/24 dev a0
listen x killed "$bin/tieline-sensor" --interface xdp:x0
stop "$sensor" KILL
claim "a killed one leaves no program" wait_for 5 eval '! has_program'
pings() { in_host a ping -qc 1 -W 1 10.1.0.9; }
ip -n $prefix-x addr add 10.1.0.9/24 dev x0
claim "... and the host hears again" wait_for 5 pings
refused() { # PATTERN NAME...
    local pattern=$1
    shift
    ! in_host x timeout 10 "$@" 2>"$work/err" && grep -q -- "$pattern" "$work/err" && return
    echo "# $(cat "$work/err")"
    return 1
}
claim "an interface with an address is not taken" refused "x0: it has an address of the host" "$bin/tieline-sensor" --interface xdp:x0
ip -n $prefix-x addr flush dev x0
ip -n $prefix-x link add br0 type bridge
ip -n $prefix-x link set x0 master br0
claim "... nor a port of a bridge" refused "x0: br0 is above it" "$bin/tieline-sensor" --interface xdp:x0
ip -n $prefix-x link del br0
listen x found "$bin/tieline-sensor" --interface xdp:x0
ip -n $prefix-x addr add 10.1.0.9/24 dev x0
claim "one that gets an address is given back" wait_for 5 grep -q "listens to x0 by AF_PACKET" "$work/found.err"
claim "... so the host hears again" wait_for 5 pings
send 1 1 ""
heard_one() { [ "$(said found | wc -l)" = 1 ]; }
claim "... and the sensor goes on listening" wait_for 5 heard_one
stop $sensor
ip -n $prefix-x addr flush dev x0

# ---- What is missing is named.
with_rights() { # CAPABILITY,...: the sensor with these rights only
    ulimit -l 1024
    setpriv --reuid 65534 --clear-groups --bounding-set "-all,$1" --inh-caps "-all,$1" --ambient-caps "-all,$1" \
        "$bin/tieline-sensor" --interface xdp:x0 --counters
}
export -f with_rights
export bin
claim "without rights it says which are needed" \
    refused "AF_XDP needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF: x0: .*Operation not permitted" bash -c "with_rights +net_raw"
claim "... and how much memory" refused "x0: 16 MiB may not be locked in memory (RLIMIT_MEMLOCK)" bash -c "with_rights +net_raw,+net_admin,+bpf"
spawn x "$work/rights" bash -c "with_rights +net_raw,+net_admin,+bpf,+ipc_lock"
claim "with these it listens" wait_for 5 grep -q "listens to x0 by AF_XDP" "$work/rights.err"
claim "another one cannot" refused "x0: attaching the XDP program: Device or resource busy" "$bin/tieline-sensor" --interface xdp:x0
for pid in $(ip netns pids $prefix-x); do kill "$pid"; done
wait_for 5 eval '! has_program'
claim "an interface that is not there is named" refused "nowhere: .*No such device" "$bin/tieline-sensor" --interface xdp:nowhere
claim "one without a name is a mistake" refused '--interface: "xdp:": an interface.s name has 1 to 15 characters' "$bin/tieline-sensor" --interface xdp:
claim "so is another way" refused '--interface: "dpdk:x0": NAME, packet:NAME, xdp:NAME or erspan:ADDRESS is needed' "$bin/tieline-sensor" --interface dpdk:x0
finish

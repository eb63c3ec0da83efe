# edge-rig.sh - sourced by the benchmarks edge-*: the same two hosts with a forwarder between them, once per
# contestant, all at the same time, so that they can be measured in turns. Needs root; leaves nothing behind.
#
#   a (namespace)  aN --- s1 [ contestant ] s2 --- bN  (namespace) b        N: the contestant's place in the list
#
#   none     frames end at s1: what sending costs
#   cable    aN and bN are the two ends of one link
#   bridge   the kernel's bridge
#   tc       eBPF, redirects at s1's ingress          } two instructions, no table: the least a kernel can do
#   xdpgen   eBPF, XDP in its generic form, redirects }
#   ovs      Open vSwitch in user space (datapath netdev)
#   packet, xdp, kernel   tieline-edge, by its port driver
#   old      another tieline-edge, the one that EDGE_OLD names, with the driver packet
#
# EDGE_PRIORITY=N: sender, receiver and forwarding processes get this real-time priority, for a machine that has
# other work too.
# shellcheck shell=bash
set -uo pipefail

bench_root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
bin=${TIELINE_BIN:-$bench_root/build/release/bin}
rig=eb$$
work=$(mktemp -d)
target=02:00:00:00:00:99 # nobody's address: where frames end they are dropped early
contestants=()
declare -A place pids

die() {
    echo "$(basename "$0"): $1" >&2
    exit 1
}

rig_down() {
    local ns pid signal
    for ns in $(ip netns list | awk '{ print $1 }' | grep "^$rig-"); do
        for signal in TERM KILL; do
            for pid in $(ip netns pids "$ns"); do kill -$signal "$pid" 2>/dev/null; done
            [ -z "$(ip netns pids "$ns")" ] || sleep 0.3
        done
        ip netns del "$ns"
    done
    [ -n "${EDGE_KEEP:-}" ] && cp "$work/samples" "$EDGE_KEEP"; rm -rf "$work"
}

in_ns() { # NAMESPACE COMMAND...
    local ns=$1
    shift
    ip netns exec "$rig-$ns" "$@"
}

until_true() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

link() { # HOST INTERFACE CONTESTANT INTERFACE
    ip link add "$2" netns "$rig-$1" type veth peer name "$4" netns "$rig-$3"
    local end
    for end in "$1 $2" "$3 $4"; do
        in_ns "${end% *}" sysctl -qw "net.ipv6.conf.${end#* }.disable_ipv6=1"
        ip -n "$rig-${end% *}" link set "${end#* }" up
    done
}

# redirect CONTESTANT HOOK: eBPF that gives everything from s1 to s2 and back.
redirect() {
    local ns=$1 way from to object
    for way in "s1 s2" "s2 s1"; do
        from=${way% *} to=${way#* } object=$work/$ns-${way% *}.o
        printf '#include <linux/bpf.h>
            static long (*redirect)(unsigned, unsigned long) = (void *)BPF_FUNC_redirect;
            __attribute__((section("to"), used)) int run(void *context) { return (int)redirect(%s, 0); }
            __attribute__((section("license"), used)) char terms[] = "Dual BSD/GPL";\n' \
            "$(in_ns "$ns" cat "/sys/class/net/$to/ifindex")" |
            clang -O2 -target bpf -I"/usr/include/$(gcc -dumpmachine)" -x c -c - -o "$object" || return 1
        if [ "$2" = tc ]; then
            in_ns "$ns" tc qdisc add dev "$from" clsact &&
                in_ns "$ns" tc filter add dev "$from" ingress bpf da obj "$object" sec to || return 1
        else
            in_ns "$ns" ip link set "$from" xdpgeneric obj "$object" sec to || return 1
        fi
    done
}

open_vswitch() {
    local dir=$work/ovs
    mkdir "$dir"
    ovsdb-tool create "$dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema &&
        in_ns ovs ovsdb-server "$dir/conf.db" --remote=punix:"$dir/db.sock" --pidfile="$dir/ovsdb.pid" \
            --detach --no-chdir -vconsole:off -vsyslog:off --unixctl="$dir/ovsdb.ctl" &&
        in_ns ovs ovs-vsctl --db=unix:"$dir/db.sock" --no-wait init || return 1
    OVS_RUNDIR=$dir in_ns ovs ovs-vswitchd unix:"$dir/db.sock" --pidfile="$dir/vswitchd.pid" --detach --no-chdir \
        -vconsole:off -vsyslog:off --unixctl="$dir/vswitchd.ctl" || return 1
    in_ns ovs ovs-vsctl --db=unix:"$dir/db.sock" --timeout=20 add-br br0 -- set bridge br0 datapath_type=netdev \
        protocols=OpenFlow13 fail-mode=secure -- add-port br0 s1 -- set interface s1 ofport_request=1 \
        -- add-port br0 s2 -- set interface s2 ofport_request=2 || return 1
    flows "$dir/br0.mgmt" || return 1
    pids[ovs]=$(cat "$dir/vswitchd.pid")
}

flows() { # SOCKET: everything from one port to the other
    ovs-ofctl -O OpenFlow13 add-flow "unix:$1" in_port=1,actions=output:2 &&
        ovs-ofctl -O OpenFlow13 add-flow "unix:$1" in_port=2,actions=output:1
}

edge() { # DRIVER
    local dir=$work/$1 driver=$1 program=$bin/tieline-edge
    [ "$1" != old ] || driver=packet program=$EDGE_OLD
    mkdir "$dir"
    in_ns "$1" "$program" --name "$1" --datapath-id "${place[$1]}" --port "1=s1,driver=$driver" \
        --port "2=s2,driver=$driver" --control "$dir/control" --log error >"$dir/log" 2>&1 &
    until_true 5 test -S "$dir/control.of" && until_true 5 flows "$dir/control.of" || return 1
    pids[$1]=$(ip netns pids "$rig-$1" | head -n 1)
}

bridge() {
    ip -n "$rig-bridge" link add br0 type bridge mcast_snooping 0 stp_state 0
    in_ns bridge sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
    ip -n "$rig-bridge" link set br0 up
    ip -n "$rig-bridge" link set s1 master br0
    ip -n "$rig-bridge" link set s2 master br0
    in_ns bridge bridge fdb add "$target" dev s2 master static
}

contestant() { # NAME
    local n=${#contestants[@]}
    place[$1]=$((n + 1)) pids[$1]=''
    contestants+=("$1")
    if [ "$1" = cable ]; then
        link a "a${place[$1]}" b "b${place[$1]}"
        return
    fi
    ip netns add "$rig-$1"
    ip -n "$rig-$1" link set lo up
    link a "a${place[$1]}" "$1" s1
    link b "b${place[$1]}" "$1" s2
    case $1 in
    none) ;;
    bridge) bridge ;;
    tc) redirect tc tc ;;
    xdpgen) redirect xdpgen xdp ;;
    ovs) open_vswitch ;;
    *) edge "$1" ;;
    esac || die "contestant $1 does not start: $(tail -n 3 "$work/$1/log" 2>/dev/null)"
}

# rig_up CONTESTANT...
rig_up() {
    local program
    [ "$(id -u)" = 0 ] || die "needs root: it makes network namespaces"
    for program in ip jq ovs-vsctl ovs-ofctl clang; do
        command -v "$program" >/dev/null || die "$program is not installed"
    done
    trap rig_down EXIT
    trap 'exit 1' INT TERM
    ip netns add "$rig-a" && ip netns add "$rig-b" || die "network namespaces cannot be made here"
    ip -n "$rig-a" link set lo up
    ip -n "$rig-b" link set lo up
    for program; do contestant "$program"; done
    if [ -n "${EDGE_PRIORITY:-}" ]; then
        for program in "${pids[@]}"; do [ -z "$program" ] || chrt -a -f -p "$EDGE_PRIORITY" "$program"; done
    fi
    sleep 0.5 # for carriers
}

# traffic CONTESTANT OPTION...: the report of edge-traffic.
traffic() {
    local n=${place[$1]} watch=${pids[$1]}
    shift
    timeout 60 "$bin/edge-traffic" --json --from "$rig-a/a$n" --to "$rig-b/b$n" --dst "$target" ${watch:+--watch "$watch"} \
        ${EDGE_PRIORITY:+--priority "$EDGE_PRIORITY"} "$@"
}

# in_turns ROUNDS COMMAND: COMMAND CONTESTANT for all, another one first each time.
in_turns() {
    local round i n=${#contestants[@]}
    for ((round = 0; round < $1; round++)); do
        for ((i = 0; i < n; i++)); do "$2" "${contestants[(round + i) % n]}"; done
    done
}

# Samples are lines "CASE CONTESTANT VALUE" in $work/samples, cases without blanks.
sample() { echo "$*" >>"$work/samples"; }

# medians CASE: an object of the contestants' medians.
medians() {
    awk -v case="$1" '$1 == case { print $2, $3 }' "$work/samples" | jq -nRc '
        [inputs | split(" ") | {name: .[0], value: (.[1] | tonumber)}] | group_by(.name) |
        map({key: .[0].name, value: (map(.value) | sort | .[(length - 1) / 2 | floor] * 1000 | round / 1000)}) | from_entries'
}

# figure CASE TEXT UNIT CONTESTANT GOAL SMALLER NOTE: one line; GOAL is a jq expression over the medians, or null.
figure() {
    medians "$1" | jq -c --arg bench "$(basename "$0")" --arg text "$2" --arg unit "$3" --arg who "$4" \
        --argjson smaller "$6" --arg note "$7" '
        . as $all | (try ('"$5"') catch null) as $goal | select(.[$who] != null) |
        {bench: $bench, case: $text, value: .[$who], unit: $unit, goal: $goal,
         ok: (if $goal == null then null elif $smaller then .[$who] <= $goal else .[$who] >= $goal end),
         peers: ($all | del(.[$who])), note: $note}'
}

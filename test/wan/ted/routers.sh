# routers.sh - sourced: four FRR routers with OSPF-TE, IS-IS-TE and segment routing in namespaces.
#
#        r1 ------ r2          r1-r2, r1-r3, r2-r3: point to point
#          \      / |          r2, r3, r4: one broadcast network
#           \    /  |
#             r3 ---+--- r4
#
# Router n: loopback 10.0.0.n, link of a and b: 10.a.b.a/24 and 10.a.b.b/24, network 10.9.9.n/24.
# shellcheck shell=bash
# shellcheck disable=SC2154 # prefix and work are lib.sh's

frr=/usr/lib/frr
routers=
daemons=

# router N: the namespace.
router() {
    local ns=$prefix-r$1 dir=$work/r$1
    ip netns add "$ns"
    routers="$routers $ns"
    ip -n "$ns" link set lo up
    ip -n "$ns" address add "10.0.0.$1/32" dev lo
    ip netns exec "$ns" sysctl -qw net.ipv4.ip_forward=1
    mkdir -p "$dir"
    printf 'hostname r%s\n' "$1" >"$dir/zebra.conf"
    printf 'hostname r%s\n' "$1" >"$dir/ospfd.conf"
    printf 'hostname r%s\n' "$1" >"$dir/isisd.conf"
    printf 'interface lo\n ip ospf area 0\n ip ospf passive\n!\n' >>"$dir/ospfd.conf"
    printf 'interface lo\n ip router isis 1\n isis passive\n!\n' >>"$dir/isisd.conf"
}

# interface N NAME ADDRESS NETWORK-TYPE METRIC
interface() {
    local ns=$prefix-r$1 dir=$work/r$1
    ip netns exec "$ns" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
    ip -n "$ns" address add "$3/24" dev "$2"
    ip -n "$ns" link set "$2" up
    cat >>"$dir/zebra.conf" <<END
interface $2
 link-params
  enable
  metric $(($5 * 3))
  max-bw 1.25e+08
  max-rsv-bw 1e+08
  unrsv-bw 0 1e+08
  unrsv-bw 7 5e+07
  admin-grp 0x5
  delay $((1000 + $5)) min $((900 + $5)) max $((1100 + $5))
  delay-variation 30
 exit-link-params
!
END
    cat >>"$dir/ospfd.conf" <<END
interface $2
 ip ospf area 0
 ip ospf network $4
 ip ospf cost $5
 ip ospf hello-interval 1
 ip ospf dead-interval 4
 ip ospf retransmit-interval 3
!
END
    cat >>"$dir/isisd.conf" <<END
interface $2
 ip router isis 1
 isis circuit-type level-2-only
 isis metric $5
 isis hello-interval 1
END
    [ "$4" != point-to-point ] || echo " isis network point-to-point" >>"$dir/isisd.conf"
    echo '!' >>"$dir/isisd.conf"
}

# wire A B METRIC
wire() {
    ip link add "e$2" netns "$prefix-r$1" type veth peer name "e$1" netns "$prefix-r$2"
    interface "$1" "e$2" "10.$1.$2.$1" point-to-point "$3"
    interface "$2" "e$1" "10.$1.$2.$2" point-to-point "$3"
}

# Broadcast network of these routers.
shared_network() {
    local n hub=$prefix-hub
    ip netns add "$hub"
    routers="$routers $hub"
    ip -n "$hub" link add sw0 type bridge
    ip -n "$hub" link set sw0 up
    for n; do
        ip link add lan netns "$prefix-r$n" type veth peer name "p$n" netns "$hub"
        ip -n "$hub" link set "p$n" master sw0 up
        interface "$n" lan "10.9.9.$n" broadcast 20
    done
}

finish_config() {
    local dir=$work/r$1
    cat >>"$dir/ospfd.conf" <<END
router ospf
 ospf router-id 10.0.0.$1
 capability opaque
 mpls-te on
 mpls-te router-address 10.0.0.$1
 mpls-te export
 router-info area
 segment-routing on
 segment-routing global-block 16000 17999
 segment-routing node-msd 8
 segment-routing prefix 10.0.0.$1/32 index $1
 timers throttle lsa all 0
!
END
    cat >>"$dir/isisd.conf" <<END
router isis 1
 net 49.0001.0000.0000.000$1.00
 is-type level-2-only
 lsp-gen-interval 1
 mpls-te on
 mpls-te router-address 10.0.0.$1
 mpls-te export
 segment-routing on
 segment-routing global-block 16000 17999
 segment-routing node-msd 8
 segment-routing prefix 10.0.0.$1/32 index $1
!
END
}

# start N DAEMON [OPTION...]: by its configuration.
start() {
    local n=$1 daemon=$2 dir=$work/r$1
    shift 2
    chown -R frr:frr "$dir"
    chmod 755 "$work" "$dir"
    ip netns exec "$prefix-r$n" "$frr/$daemon" -d -u frr -g frr -z "$dir/zserv.api" --vty_socket "$dir" \
        -f "$dir/$daemon.conf" -i "$dir/$daemon.pid" "$@" >"$dir/$daemon.log" 2>&1
    daemons="$daemons $dir/$daemon.pid"
}

# stop_daemon N DAEMON
stop_daemon() {
    kill "$(cat "$work/r$1/$2.pid")"
    wait_for 5 eval "! kill -0 $(cat "$work/r$1/$2.pid") 2>/dev/null"
}

stop_routers() {
    local file pid ns
    for file in $daemons; do
        pid=$(cat "$file" 2>/dev/null) && kill "$pid" 2>/dev/null
    done
    sleep 0.3
    for ns in $routers; do
        for pid in $(ip netns pids "$ns" 2>/dev/null); do
            kill -KILL "$pid" 2>/dev/null
        done
        ip netns del "$ns" 2>/dev/null
    done
}

# All of them: zebra, ospfd with its API, isisd.
start_routers() {
    local n
    for n in 1 2 3 4; do
        router $n
    done
    wire 1 2 10
    wire 1 3 11
    wire 2 3 12
    shared_network 2 3 4
    for n in 1 2 3 4; do
        finish_config $n
        start $n zebra -s 90000000
    done
    for n in 1 2 3 4; do
        start $n ospfd -a
    done
    # What zebra knows of links has to be there first, or isisd leaves it out for a long time.
    sleep 3
    for n in 1 2 3 4; do
        start $n isisd
    done
}

# show N DAEMON COMMAND
show() {
    vtysh --vty_socket "$work/r$1" -d "$2" -c "$3"
}

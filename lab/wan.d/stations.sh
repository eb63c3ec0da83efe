# stations.sh - sourced by lab/wan: a packet node each at west and east, with a host, and two links between the nodes that the routers
# carry through the WAN.
#
#     fep - ew = west ~~~ the WAN ~~~ east = ee - rtu
#
# The routers take what comes from their node into VXLAN to the other one's loopback (RFC 7348): without MPLS in the kernel frames
# cannot take the labels of a tunnel, so they take the way that the IGP has at the time. The controller does not know of that: for it the
# link `we1` is carried by the tunnel `carry-1` and `we2` by `carry-2`, whose paths the routers' label tables show.
# At these two routers the controller can also configure VPNs: tieline-frr-agent behind an sshd (doc/vpn.md), and ldpd for pseudowires.
# lab/wan.d/stations/vpn has what makes the links services of theirs: `pw-1` and `pw-2`.
# shellcheck shell=bash disable=SC2154

station_nodes=(ew ee)
declare -A station_router=([ew]=west [ee]=east) station_host=([ew]=fep [ee]=rtu)
declare -A station_address=([ew]=10.255.7.31 [ee]=10.255.7.32) station_dpid=([ew]=00000000000000e1 [ee]=00000000000000e2)
declare -A station_far=([ew]=east [ee]=west)

is_station_router() { # ROUTER
    local node
    for node in "${station_nodes[@]}"; do [ "${station_router[$node]}" != "$1" ] || return 0; done
    return 1
}

# What goes into the pseudowire comes out of it: also what bridges keep to themselves (IEEE 802.1Q table 8-1).
make_pseudowire() { # NODE 1|2
    local node=$1 n=$2 router=${station_router[$1]}
    ip link add "ac$n" netns "$(ns "$router")" type veth peer name "wan$n" netns "$(ns "$node")"
    cat <<LINKS | ip -n "$(ns "$router")" -batch -
link add pw$n type bridge
link add far$n type vxlan id 10$n local $(loopback "$router") remote $(loopback "${station_far[$node]}") dstport 4789 nolearning
link set pw$n type bridge mcast_snooping 0 group_fwd_mask 0xfff8
link set far$n mtu 1500 master pw$n up
link set ac$n master pw$n up
link set pw$n up
LINKS
}

# 02:00:00:61:00:11 and 10.61.0.11 at west, 62 at east.
make_station_host() { # NODE NUMBER
    local node=$1 net=$2 host=${station_host[$1]}
    ip netns add "$(ns "$host")"
    ip netns exec "$(ns "$host")" sh -c 'for f in all default; do
        echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6 2>/dev/null || true; done'
    ip link add eth0 netns "$(ns "$host")" type veth peer name host0 netns "$(ns "$node")"
    cat <<LINKS | ip -n "$(ns "$host")" -batch -
link set lo up
link set eth0 address 02:00:00:$net:00:11 up
address add 10.$net.0.11/24 dev eth0
route add default via 10.$net.0.1
LINKS
}

make_stations() {
    local node net=61
    for node in "${station_nodes[@]}"; do
        ip netns add "$(ns "$node")"
        ip netns exec "$(ns "$node")" sh -c 'for f in all default; do
            echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6 2>/dev/null || true; done'
        ip link add mgmt netns "$(ns "$node")" type veth peer name "m-$node" netns "$(ns ctl)"
        ip -n "$(ns ctl)" link set "m-$node" master mgmt up
        make_pseudowire "$node" 1
        make_pseudowire "$node" 2
        make_station_host "$node" $net
        printf '%s\n' "link set lo up" "link set mgmt up" "address add ${station_address[$node]}/24 dev mgmt" "link set wan1 up" \
            "link set wan2 up" "link set host0 up" | ip -n "$(ns "$node")" -batch -
        net=$((net + 1))
    done
}

# For root, with one key of the controller for both routers.
prepare_router_ssh() {
    local node router dir=$run/ssh
    mkdir -p "$dir" /run/sshd
    [ -f "$dir/controller" ] || ssh-keygen -q -t ed25519 -N "" -C controller -f "$dir/controller"
    [ -f "$dir/host" ] || ssh-keygen -q -t ed25519 -N "" -C router -f "$dir/host"
    for node in "${station_nodes[@]}"; do
        router=${station_router[$node]}
        mkdir -p "$run/router/$router/etc"
        echo "service integrated-vtysh-config" >"$run/router/$router/etc/vtysh.conf"
        echo "$(management "$router") $(cut -d' ' -f1,2 "$dir/host.pub")"
        cat >"$dir/sshd-$router" <<CONFIG
ListenAddress $(management "$router")
HostKey $dir/host
AuthorizedKeysFile $dir/controller.pub
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
UseDNS no
Subsystem tieline-frr "${TIELINE_BIN:-$root/build/release/bin}/tieline-frr-agent --vty-socket $run/router/$router --config-dir $run/router/$router/etc --transient"
CONFIG
    done >"$dir/known_hosts"
}

start_router_ssh() {
    local node router
    [ -x /usr/sbin/sshd ] || fail "sshd is not installed"
    prepare_router_ssh
    for node in "${station_nodes[@]}"; do
        router=${station_router[$node]}
        ip netns exec "$(ns "$router")" setsid /usr/sbin/sshd -D -e -f "$run/ssh/sshd-$router" >>"$run/log/$router-sshd.log" 2>&1 </dev/null &
        echo $! >"$run/pid/$router-sshd"
        disown
    done
}

config_ldpd() { # ROUTER
    local interface metric
    printf 'hostname %s\nmpls ldp\n router-id %s\n address-family ipv4\n  discovery transport-address %s\n' "$1" "$(loopback "$1")" "$(loopback "$1")"
    while read -r interface metric; do printf '  interface %s\n  exit\n' "$interface"; done < <(interfaces "$1")
    printf ' exit-address-family\nexit\n'
}

start_station() { # NODE
    local node=$1 programs=${TIELINE_BIN:-$root/build/release/bin}
    runs "$node" && return
    [ -f "$run/pki/$node.pem" ] || issue "$node" "DNS:$node,IP:${station_address[$node]}"
    ip netns exec "$(ns "$node")" setsid "$programs/tieline-edge" --name "$node" --datapath-id "${station_dpid[$node]}" \
        --port 1=wan1 --port 2=wan2 --port 3=host0 --controller "tls:$pce_one:6653" --rpc "tls:$pce_one:6654" \
        --management "${station_address[$node]}" --controller-name controller \
        --ca "$run/pki/ca.pem" --cert "$run/pki/$node.pem" --key "$run/pki/$node.key" --control "$run/router/$node.control" \
        >>"$run/log/$node.log" 2>&1 </dev/null &
    echo $! >"$run/pid/$node"
    disown
}

start_stations() {
    local node
    for node in "${station_nodes[@]}"; do start_station "$node"; done
}

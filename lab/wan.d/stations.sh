# stations.sh - sourced by lab/wan: a packet node each at west and east, with a host, and two links between the nodes that the routers
# carry through the WAN.
#
#     fep - ew = west ~~~ the WAN ~~~ east = ee - rtu
#
# The routers take what comes from their node into VXLAN to the other one's loopback (RFC 7348): without MPLS in the kernel frames
# cannot take the labels of a tunnel, so they take the way that the IGP has at the time. The controller does not know of that: for it the
# link `we1` is carried by the tunnel `carry-1` and `we2` by `carry-2`, whose paths the routers' label tables show.
# shellcheck shell=bash disable=SC2154

station_nodes=(ew ee)
declare -A station_router=([ew]=west [ee]=east) station_host=([ew]=fep [ee]=rtu)
declare -A station_address=([ew]=10.255.7.31 [ee]=10.255.7.32) station_dpid=([ew]=00000000000000e1 [ee]=00000000000000e2)
declare -A station_far=([ew]=east [ee]=west)

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

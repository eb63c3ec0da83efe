#!/bin/sh
# The LAN controller with Open vSwitch as one of its nodes: starts an Open vSwitch of its own in a
# network namespace of its own, with a userspace datapath, and removes both.
# usage: ovs.sh DIRECTORY-OF-PROGRAMS
set -eu

bin=$1
for program in ovsdb-server ovs-vswitchd ovs-vsctl ovs-ofctl ip; do
    if ! command -v $program >/dev/null; then
        echo "SKIP: $program is not installed"
        exit 77
    fi
done
if [ "$(id -u)" != 0 ]; then
    echo "SKIP: needs root, for a network namespace and its interfaces"
    exit 77
fi

ns=lan-ovs-$$
dir=$(mktemp -d /tmp/lan-ovs-XXXXXX)
export OVS_RUNDIR="$dir" OVS_LOGDIR="$dir" OVS_DBDIR="$dir"
cleanup() {
    for pid in vswitchd ovsdb; do
        [ ! -f "$dir/$pid.pid" ] || kill "$(cat "$dir/$pid.pid")" 2>/dev/null || true
    done
    ip netns del "$ns" 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM

if ! ip netns add "$ns"; then
    echo "SKIP: network namespaces cannot be made here"
    exit 77
fi
ip -n "$ns" link set lo up
inside="ip netns exec $ns"
ovsdb-tool create "$dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema
$inside ovsdb-server "$dir/conf.db" --remote=punix:"$dir/db.sock" --pidfile="$dir/ovsdb.pid" \
    --detach --no-chdir --log-file="$dir/ovsdb.log" -vconsole:off
vsctl="$inside ovs-vsctl --db=unix:$dir/db.sock --timeout=20"
$vsctl --no-wait init
$inside ovs-vswitchd unix:"$dir/db.sock" --pidfile="$dir/vswitchd.pid" \
    --detach --no-chdir --log-file="$dir/vswitchd.log" -vconsole:off
$vsctl add-br br0 -- set bridge br0 datapath_type=netdev protocols=OpenFlow13 fail-mode=secure \
    other-config:disable-in-band=true
for i in 1 2 3; do
    $vsctl add-port br0 p$i -- set interface p$i type=internal ofport_request=$i
done
$inside "$bin/lan_ovs" "$dir"

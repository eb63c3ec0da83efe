#!/bin/sh
# Our codec and session machine beside Open vSwitch, as its controller. Starts an Open vSwitch of its
# own in a network namespace of its own, with a userspace datapath, and removes both.
# usage: ovs.sh DIRECTORY-OF-PROGRAMS [NUMBER-OF-FLOWS]
set -eu

bin=$1
flows=${2:-5000}
for program in ovsdb-server ovs-vswitchd ovs-vsctl ovs-ofctl ovs-appctl ip; do
    if ! command -v $program >/dev/null; then
        echo "SKIP: $program is not installed"
        exit 77
    fi
done
if [ "$(id -u)" != 0 ]; then
    echo "SKIP: needs root, for a network namespace and its interfaces"
    exit 77
fi

ns=openflow-$$
dir=$(mktemp -d /tmp/openflow-ovs-XXXXXX)
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
inside="ip netns exec $ns"
ovsdb-tool create "$dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema
$inside ovsdb-server "$dir/conf.db" --remote=punix:"$dir/db.sock" --pidfile="$dir/ovsdb.pid" \
    --detach --no-chdir --log-file="$dir/ovsdb.log" -vconsole:off
vsctl="$inside ovs-vsctl --db=unix:$dir/db.sock --timeout=20"
$vsctl --no-wait init
$inside ovs-vswitchd unix:"$dir/db.sock" --pidfile="$dir/vswitchd.pid" \
    --detach --no-chdir --log-file="$dir/vswitchd.log" -vconsole:off
$vsctl add-br br0 -- set bridge br0 datapath_type=netdev protocols=OpenFlow13 fail-mode=secure \
    other-config:datapath-id=0000000000000001
for i in 1 2 3; do
    $vsctl add-port br0 p$i -- set interface p$i type=internal ofport_request=$i
done

# Two flows that only Open vSwitch understands: a register, and one of its own actions.
ovs-ofctl -O OpenFlow13 add-flow unix:"$dir/br0.mgmt" 'priority=41,reg1=5,ip,actions=output:1'
ovs-ofctl -O OpenFlow13 add-flow unix:"$dir/br0.mgmt" 'priority=42,in_port=1,actions=resubmit(,9)'

"$bin/ovs_controller" "$dir/br0.mgmt" "$flows"
if [ -x /usr/bin/python3 ]; then
    /usr/bin/python3 "$(dirname "$0")/ovs_errors.py" "$dir/br0.mgmt" "$bin/openflow_text"
else
    echo "# python3 is not installed: error codes are not compared"
fi

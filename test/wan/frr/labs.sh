#!/bin/bash
# Two WANs of routers on one machine do not know of each other, and go without a trace.
# shellcheck source=test/netns/lib.sh
main_program=mpls-shim.so
. "$(dirname "$0")/../../netns/lib.sh"
need vtysh nft python3
[ -x /usr/lib/frr/pathd ] || skip "FRR is not installed"
root=$(cd "$(dirname "$0")/../../.." && pwd)
export TIELINE_BIN=$bin

one=v$(($$ % 100000)) two=u$(($$ % 100000))
lab() { # NAME COMMAND...
    local name=$1
    shift
    "$root/lab/wan" --name "$name" "$@"
}
clean_labs() {
    lab "$one" down >/dev/null 2>&1
    lab "$two" down >/dev/null 2>&1
    clean_up
}
trap clean_labs EXIT
traces() { find /run/tieline-wan /sys/class/net -maxdepth 1 2>/dev/null | sort; }
traces >"$work/before"

# What makes zebra believe in MPLS, by itself.
host shim peer
link shim d0 peer d1
ip -n "$prefix-shim" address add 10.0.0.1/24 dev d0
claim "the shim: batches are acknowledged as the kernel would, and plain routes stay" \
    in_host shim python3 "$(dirname "$0")/shim.py" "$bin/mpls-shim.so"
remove_hosts

claim "a WAN comes up, with OSPF" lab "$one" up
claim "and another one beside it, with IS-IS and places for VPNs" lab "$two" up --igp isis --vpn
claim "a WAN of a name that is taken is not built" eval '! lab $one up 2>"$work/taken"'
claim "it says why" grep -q "is up already" "$work/taken"
labels() { # NAME: of the node segment of the east, as west has it
    lab "$1" vtysh west "show mpls table json" | jq -r '."16005".nexthops[].outLabel' | sort -u
}
for name in $one $two; do
    claim "$name: labels as if there were MPLS in the kernel" test "$(labels "$name")" = 16005
    claim "$name: and the plain route without them" eval \
        'lab $name exec west ip route show 10.20.0.5 | grep -q via && ! lab $name exec west ip route show 10.20.0.5 | grep -q encap'
    claim "$name: the east answers over it" lab "$name" exec west ping -qc 1 -W 2 -I 10.20.0.1 10.20.0.5
done
claim "a VRF is there for VPNs" eval 'lab $two vtysh west "show vrf" | grep -q "red.*table 1001"'
neighbours() { lab "$one" vtysh west "show ip ospf neighbor" | grep -c Full; }
claim "west has two neighbours" test "$(neighbours)" = 2
lab "$one" cut west-n1
claim "a cable is cut: one is left" wait_for 5 eval '[ "$(neighbours)" = 1 ]'
lab "$one" restore west-n1
claim "it is whole: two" wait_for 10 eval '[ "$(neighbours)" = 2 ]'
lab "$one" block west-s1
claim "a cable swallows everything: one is left" wait_for 10 eval '[ "$(neighbours)" = 1 ]'
lab "$one" restore west-s1
claim "not any more: two" wait_for 10 eval '[ "$(neighbours)" = 2 ]'
lab "$one" kill west pathd
claim "a daemon is killed: status says so" eval '! lab $one status | grep -q west-pathd'
claim "it is started again" lab "$one" start west pathd
claim "one goes" lab "$one" down
claim "the other stays" lab "$two" in-use
claim "and goes too" lab "$two" down
claim "nothing is left of them" eval 'traces | diff "$work/before" - && ! ip netns list | grep -E "^($one|$two)-"'
finish

#!/bin/sh
# Our codec and session machine beside FRR, as the PCE of its pathd. Starts zebra and pathd in a
# network namespace of their own, and removes them.
# usage: frr.sh DIRECTORY-OF-PROGRAMS
set -eu

bin=$1
frr=/usr/lib/frr
if [ ! -x $frr/pathd ] || ! command -v ip >/dev/null; then
    echo "SKIP: FRR or iproute2 is not installed"
    exit 77
fi
if [ "$(id -u)" != 0 ]; then
    echo "SKIP: needs root, for a network namespace"
    exit 77
fi

ns=pcep-$$
dir=$(mktemp -d /tmp/pcep-frr-XXXXXX)
cleanup() {
    for daemon in pathd zebra; do
        [ ! -s "$dir/$daemon.pid" ] || kill "$(cat "$dir/$daemon.pid")" 2>/dev/null || true
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
ip -n "$ns" address add 10.9.0.1/32 dev lo
ip -n "$ns" address add 10.9.0.2/32 dev lo

echo 'hostname r1' >"$dir/zebra.conf"
cat >"$dir/pathd.conf" <<X
hostname r1
segment-routing
 traffic-eng
  segment-list SL1
   index 10 mpls label 16003
   index 20 mpls label 16004
  exit
  policy color 1 endpoint 10.9.9.9
   name GOLD
   binding-sid 1111
   candidate-path preference 100 name explicit-one explicit segment-list SL1
   candidate-path preference 200 name dynamic-one dynamic
    metric bound te 500 required
    bandwidth 1000 required
   exit
  exit
  pcep
   pce-config GROUP1
    source-address ip 10.9.0.1
    pce-initiated
    timer keep-alive 30
   exit
   pce PCE1
    config GROUP1
    address ip 10.9.0.2
   exit
   pcc
    peer PCE1
   exit
  exit
 exit
exit
X
chown -R frr:frr "$dir"
inside="ip netns exec $ns"
common="-d -u frr -g frr -z $dir/zserv.api --vty_socket $dir"
# shellcheck disable=SC2086
$inside $frr/zebra $common -f "$dir/zebra.conf" -i "$dir/zebra.pid" -s 90000000 2>"$dir/zebra.err"
$inside "$bin/pcep_frr" 10.9.0.2 &
peer=$!
sleep 1 # who finds nobody tries again after 1, 3, 7, 14 s
# shellcheck disable=SC2086
$inside $frr/pathd $common -f "$dir/pathd.conf" -i "$dir/pathd.pid" -M pathd_pcep 2>"$dir/pathd.err"
wait $peer

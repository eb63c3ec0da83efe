#!/bin/bash
# lab-probe: where nothing is between two hosts everything gets through and is seen; where a wire is
# silent, nothing.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need tshark tcpdump

#   a a0 ---- wa [ wire ] wb ---- b0 b
host wire a b
link a a0 wire wa
link b b0 wire wb
ip -n $prefix-a addr add 10.1.0.1/24 dev a0
ip -n $prefix-b addr add 10.1.0.2/24 dev b0
in_host b sysctl -qw net.ipv6.conf.b0.accept_dad=0 net.ipv6.conf.b0.disable_ipv6=0
echo 'ab wa wb' >"$work/wires"
spawn wire "$work/wire.log" "$bin/lab-wire" run "$work/wires" --control "$work/control" --json
wait_for 5 grep -q ready "$work/wire.log"
tell() { "$bin/lab-wire" tell "$work/control" "$@" >/dev/null; }
mac() { ip -n "$prefix-$1" -j link show "$2" | jq -r '.[0].address'; }
wait_for 5 eval "ip -n $prefix-b -6 addr show dev b0 -tentative | grep -q fe80"

spawn b "$work/server" "$bin/lab-modbus" serve
wait_for 5 grep -q ready "$work/server"

token=0123456789abcdef
listen() { # ARGUMENT...
    spawn b "$work/heard" "$bin/lab-probe" listen --interface b0 --json "$@"
    listener=$spawned
    wait_for 5 grep -q ready "$work/heard"
}
probe() { # ARGUMENT...
    in_host a "$bin/lab-probe" send --interface a0 --token $token --repeat 1 --json \
        "b,10.1.0.2,$(mac b b0)" "$@" >"$work/probes"
}
answered() { # PROTOCOL [PORT]: the answer
    jq -r "select(.event == \"probe\" and .target == \"b\" and .protocol == \"$1\" and (.port // 0) == ${2:-0}) | .answer // \"none\"" "$work/probes"
}

# ---- Everything gets through

spawn b "$work/tcpdump" tcpdump --immediate-mode -i b0 -U -w "$work/probe.pcap" -Q in
capture=$spawned
wait_for 5 grep -q listening "$work/tcpdump.err"
listen --token $token
probe ghost,10.1.0.9
claim "probes are sent" test $? -eq 0
sleep 0.2
claim "the listener ends in order" stop $listener
stop $capture
claim "ARP is answered" test "$(answered arp)" = reply
claim "ICMP is answered" test "$(answered icmp)" = reply
claim "IPv6 neighbour discovery is answered" test "$(answered ipv6)" = reply
claim "an open TCP port is answered" test "$(answered tcp 502)" = reply
claim "a closed one is refused" test "$(answered tcp 22)" = reset
claim "a closed UDP port is an error" test "$(answered udp 161)" = error
claim "an unknown Ethertype is not answered" test "$(answered raw)" = none
any() { jq -s "any(.[]; $1)" "$2" | true_of .; } # FILTER FILE: of any line
claim "a host that is not there answers nothing" eval '! any ".target == \"ghost\" and .answered" "$work/probes"'

sent=$(tail -n 1 "$work/probes" | jq .sent)
claim "the listener heard each of the $sent probes" holds ".frames == $sent" "$work/heard"
claim "of every protocol" holds \
    '.by_protocol | keys == ["0x88b5", "arp", "goose", "icmp", "icmpv6", "lldp", "sv", "tcp", "udp"]' "$work/heard"
claim "tagged ones too" any '.protocol == "goose" and .vlan == 5 and .token' "$work/heard"
checked() {
    tshark -n -r "$work/probe.pcap" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
        -o udp.check_checksum:TRUE -Y "eth.src == $(mac a a0) && ($1)" 2>/dev/null
}
claim "tshark finds no wrong checksum" test -z \
    "$(checked 'ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0')"
claim "and nothing malformed" test -z "$(checked _ws.malformed)"
every_protocol() {
    for protocol in arp icmp tcp udp icmpv6 goose sv lldp; do
        [ -n "$(checked "$protocol")" ] || return 1
    done
}
claim "but every protocol" every_protocol

# ---- By the prober's MAC, without the token

listen --from "$(mac a a0)" --quiet
in_host a ping -q -c 1 10.1.0.2 >/dev/null
sleep 0.2
stop $listener
claim "what comes from the prober's MAC is heard without a token" holds '.by_protocol.icmp == 1' "$work/heard"

# ---- Nothing gets through

tell block ab
listen --token $token --expect-none
probe --expect-none --wait 300ms
claim "a silent wire answers nothing" test $? -eq 0
claim "and the prober says so" holds '.answered == 0 and .sent > 0 and .errors == 0' "$work/probes"
claim "and nothing is heard" stop $listener
tell restore ab
listen --token $token --expect-none
probe --expect-none --wait 300ms
claim "an answer that should not be is exit status 1" test $? -eq 1
stop $listener
claim "so is a frame that should not be heard" test $? -eq 1

usage() { in_host a "$bin/lab-probe" "$@" >/dev/null 2>"$work/err"; [ $? -eq 2 ] && [ -s "$work/err" ]; }
claim "a malformed target is wrong usage" usage send --interface a0 b
claim "a malformed token is wrong usage" usage send --interface a0 --token 12 b,10.1.0.2
claim "a malformed list is wrong usage" usage send --interface a0 --tcp-ports 1,x b,10.1.0.2
claim "listening for nothing is wrong usage" usage listen --interface a0
finish

#!/bin/bash
# tieline-sensor beside a conversation that it is no part of: it hears every frame, and sends none.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need python3 setpriv

#   a a0 ---- ha [ hub ] hb ---- b0 b        the hub gives every frame to everybody, as a mirror port does
#                   hm ---- m0 m
host a b m hub
link a a0 hub ha
link b b0 hub hb
link m m0 hub hm
in_host hub ip link add hub type bridge ageing_time 0 mcast_snooping 0
for port in ha hb hm; do in_host hub ip link set $port master hub; done
in_host hub ip link set hub up
ip -n $prefix-a addr add 10.1.0.1/24 dev a0
ip -n $prefix-b addr add 10.1.0.2/24 dev b0
in_host m sysctl -qw net.ipv6.conf.m0.disable_ipv6=1
sent() { in_host m cat /sys/class/net/m0/statistics/tx_packets; }

spawn b "$work/server" "$bin/lab-modbus" serve --registers 20 --json
wait_for 5 grep -q ready "$work/server"
spawn m "$work/heard" "$bin/tieline-sensor" --interface m0 --messages --counters
sensor=$spawned
spawn m "$work/shared" "$bin/tieline-sensor" --interface m0 --messages --counters --cores 3
sharing=$spawned
wait_for 5 grep -q "listens to m0" "$work/heard.err"
wait_for 5 grep -q "listens to m0" "$work/shared.err"
before=$(sent)
in_host a "$bin/lab-modbus" poll 10.1.0.2 --registers 20 --interval 20ms --count 25 --json >"$work/polls"
claim "25 polls succeed" holds '.ok == 25' "$work/polls"

heard() { jq -c "select(.protocol == \"modbus\" and $1)" "$work/heard" 2>/dev/null; }
heard_number() { [ "$(heard "$1" | wc -l)" = "$2" ]; }
claim "every request is heard" wait_for 5 heard_number '.kind == "request" and .function == 3 and .fields[0].quantity == 20' 25
claim "... and every response, with the address that was asked for" \
    wait_for 5 heard_number '.kind == "response" and .fields[0].address == 0 and (.fields[0].words | length) == 20' 25
claim "... as it counts" test "$(heard '.kind == "response"' | jq '.fields[0].words[1]' | paste -sd' ')" = "$(seq -s' ' 25)"
claim "the ends are named" heard_number '.kind == "request" and .to == "10.1.0.2:502"' 25

# The kernel takes the outer tag off on its way, and the sensor puts it back.
in_host a python3 - <<'PYTHON'
import socket, struct
payload = bytes.fromhex("000700000006110500acff00")
udp = struct.pack(">HHHH", 40000, 502, 8 + len(payload), 0) + payload
ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes((10, 9, 0, 1)), bytes((10, 9, 0, 2))) + udp
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("a0", 0))
s.send(bytes.fromhex("020000000002020000000001" "88a80064" "81006001" "0800") + ip)
PYTHON
claim "a tagged command is heard" wait_for 5 heard_number '.act == "operate" and .to == "10.9.0.2:502" and .fields[0].value == 65280' 1

in_host m ip link set m0 down
claim "that an interface goes down is said" wait_for 5 grep -q "m0: Network is down" "$work/heard.err"
in_host m ip link set m0 up
wait_for 5 eval '[ "$(in_host m cat /sys/class/net/m0/operstate)" = up ]'
in_host a "$bin/lab-modbus" poll 10.1.0.2 --registers 20 --interval 20ms --count 5 --json >"$work/polls"
claim "... and when it is up again it is heard" wait_for 5 heard_number '.kind == "request" and .function == 3' 30
ip -n $prefix-m link del m0
claim "one that is taken out is named" wait_for 5 grep -q "m0 is not listened to any more" "$work/heard.err"
link m m0 hub hm
in_host m sysctl -qw net.ipv6.conf.m0.disable_ipv6=1
in_host hub ip link set hm master hub
claim "... and put in again" wait_for 5 eval '[ "$(grep -c "listens to m0" "$work/heard.err")" = 2 ] && [ "$(grep -c "listens to m0" "$work/shared.err")" = 2 ]'
before=$(sent)
in_host a "$bin/lab-modbus" poll 10.1.0.2 --registers 20 --interval 20ms --count 5 --json >"$work/polls"
claim "... it is heard" wait_for 5 heard_number '.kind == "request" and .function == 3' 35

stop $sensor
claim "it ends in order" test $? -eq 0
stop $sharing
claim "one whose work three threads share ends in order, too" test $? -eq 0
what() { jq -c 'select(.protocol == "modbus") | del(.frame, .time)' "$1"; }
claim "... and has told the same" test "$(what "$work/shared")" = "$(what "$work/heard")"
tail -n 1 "$work/shared" >"$work/counters"
claim "... with nothing left out" holds '."not-heard" == 0 and .messages >= 51 and .malformed == 0' "$work/counters"
tail -n 1 "$work/heard" >"$work/counters"
claim "nothing was left out" holds '."not-heard" == 0 and .messages >= 51 and .malformed == 0 and .frames >= 60' "$work/counters"
claim "it has sent nothing" test "$(sent)" = "$before"

without_rights() {
    ! in_host m setpriv --reuid 65534 --clear-groups "$bin/tieline-sensor" --interface m0 2>"$work/err" &&
        grep -q "m0: a packet socket: Operation not permitted" "$work/err"
}
claim "without the right to it says so" without_rights
missing() { ! in_host m "$bin/tieline-sensor" --interface nowhere 2>"$work/err" && grep -q "nowhere: .*No such device" "$work/err"; }
claim "an interface that is not there is named" missing
finish

# An intruder at the engineer's desk of substation A: what the sensors say, and how soon.
# shellcheck shell=bash disable=SC2154

quiet_for=${DEMO_QUIET:-20} # seconds of the lab's normal traffic
there() { [ "$(as vic sensor list --json | field '[.sensors[] | select(.state == "there")] | length')" = "$1" ]; }
for node in a1 a2 cc1; do "${lab[@]}" sensor start "$node"; done
claim "sensors listen at three nodes, and are known" "$(until_true 5 there 3; as vic sensor list --json | field '[.sensors[].name] | join(", ")')" there 3

spawn goose-normal relay-a1 timeout $((quiet_for + 300)) "$TIELINE_BIN/lab-goose" publish --interface eth0 --vlan 10 --appid 1 \
    --mac 01:0c:cd:01:00:01 --gocb-ref "RELAY_A1PROT/LLN0\$GO\$gcbTrip" --toggle 2s --count $((quiet_for / 2 + 200)) --json
goose=$spawned
spawn polls-normal fep timeout $((quiet_for + 300)) "$TIELINE_BIN/lab-modbus" poll 10.20.0.11 --interval 100ms --json
polls=$spawned
sleep "$quiet_for"
alerts() { as vic sensor alerts --json; }
n_alerts() { alerts | field '.alerts | length'; }
claim "the lab's normal traffic raises no alert" "$quiet_for s: $(n_alerts) alerts $(alerts | field '[.alerts[].rule] | unique | join(" ")')" test "$(n_alerts)" = 0

rtu_mac=02:00:00:20:00:11 rtu=10.20.0.11 desk=10.20.0.31
# attack HOST WHAT RULES TEXT [FILTER]: the alert of one of these rules, and how long after the first frame it could be seen by everybody.
attack() {
    local host=$1 what=$2 rule=$3 text=$4 filter=${5:-true} sent seen words
    # shellcheck disable=SC2086
    sent=$(at "$host" "$here/attack" eth0 $what)
    raised() { alerts | jq -e --arg rule "$rule" "[.alerts[] | select((.rule | test(\"^(\" + \$rule + \")\$\")) and ($filter))] | length > 0"; }
    if until_true 5 raised; then seen=$(($(now_ms) - sent / 1000000)); fi
    words=$(alerts | jq -r --arg rule "$rule" '[.alerts[] | select(.rule | test("^(" + $rule + ")$"))][0] |
        "\(.source.device.host // .source.address // "?")\(if .source.device.node then " at \(.source.device.node) port \(.source.device.port)" else "" end), \(.techniques | join(" ")), circuit \(.circuit // "none"): \(.title)"')
    in_time() { [ "${seen:-9999}" -le 1000 ]; }
    claim "$text" "${seen:-never} ms; $words" in_time
}
attack eng-a "scan $rtu_mac $desk $rtu" port-sweep "a port scan is noticed within 1 s" '.source.device.host == "eng-a" and .target.device.host == "rtu-a"'
attack eng-a "master $rtu_mac $desk $rtu" write-without-circuit "a rogue Modbus master is noticed within 1 s" '.source.device.host == "eng-a" and .protocol == "modbus"'
attack eng-a "restart $rtu_mac $desk $rtu" device-restart "a DNP3 restart is noticed within 1 s" '.protocol == "dnp3"'
attack eng-a "firmware $rtu_mac $desk $rtu" firmware-update "a firmware download is noticed within 1 s"
at rtu-a ip neigh flush all
at rtu-a ping -c 1 -W 1 10.20.0.1 >/dev/null 2>&1
attack eng-a "spoof ff:ff:ff:ff:ff:ff $rtu 10.20.0.1" arp-spoof "ARP that claims rtu-a's address is noticed within 1 s" '.source.device.host == "eng-a"' 
at a1 timeout 30 "$here/attack" p4 record "$work/goose" >>"$work/claims.log" 2>&1
attack relay-a1 "send $work/goose" "goose-sequence|goose-replay" "a replayed GOOSE message is noticed within 1 s" '.circuit == "trip-a1"'

incident() { as vic sensor incidents --json | jq -e '[.incidents[] | select((.alerts | length) >= 4)] | length > 0'; }
claim "what the desk did is one incident" "$(as vic sensor incidents --json | field '[.incidents[] | "\(.alerts | length) alerts"] | join(", ")')" incident
kept() { [ "$(find "$run/evidence" -name '*.pcap' | wc -l)" -ge 6 ]; }
claim "the packets of each are kept" "$(find "$run/evidence" -name '*.pcap' | wc -l) captures" kept
exceptions() { as erin exception list --json | jq -e '[.exceptions[] | select(.kind == "traffic-without-circuit")] | length > 0'; }
claim "a conversation that no circuit allows is an exception" "$(as erin exception list --json | field '[.exceptions[].kind] | unique | join(", ")')" exceptions
traffic_goes_on() { last polls-normal >/dev/null; kill -0 "$polls"; }
claim "meanwhile the relays' and the front end's traffic went on" "" traffic_goes_on
end "$polls"
end "$goose"
for node in a1 a2 cc1; do "${lab[@]}" sensor stop "$node"; done

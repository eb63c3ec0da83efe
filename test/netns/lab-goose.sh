#!/bin/bash
# lab-goose: what is published is what tshark decodes and what a subscriber follows.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need tshark tcpdump

host a b
link a a0 b b0
ref='SUBA/LLN0$GO$trip'

subscribe() { # ARGUMENT...
    spawn b "$work/events" "$bin/lab-goose" subscribe --interface b0 --json "$@"
    subscriber=$spawned
    wait_for 5 grep -q ready "$work/events"
}
publish() { # ARGUMENT...
    spawn a "$work/published" "$bin/lab-goose" publish --interface a0 --gocb-ref "$ref" --json "$@"
    publisher=$spawned
}
events() { grep -c "\"event\":\"$1\"" "$work/events"; }
seen() { [ "$(events "$1")" -ge "$2" ]; }

# ---- On the wire

spawn b "$work/tcpdump" tcpdump --immediate-mode -i b0 -U -w "$work/goose.pcap" -Q in
capture=$spawned
wait_for 5 grep -q listening "$work/tcpdump.err"
subscribe --gocb-ref "$ref" --vlan 5
publish --go-id trip --dat-set 'SUBA/LLN0$trip' --appid 0x3001 --mac 01:0c:cd:01:00:42 --vlan 5 \
    --pcp 6 --conf-rev 9 --max 200ms --toggle 300ms --count 3
wait $publisher
claim "publishes and ends by itself" test $? -eq 0
wait_for 5 seen new-state 3
stop $subscriber
stop $capture

fields="eth.dst vlan.id vlan.priority goose.appid goose.gocbRef goose.datSet goose.goID goose.confRev goose.simulation goose.ndsCom goose.numDatSetEntries"
# shellcheck disable=SC2046
decoded() { tshark -n -r "$work/goose.pcap" -Y goose -T fields -E separator='|' $(printf ' -e %s' "$@") 2>/dev/null; }
# shellcheck disable=SC2086
claim "tshark decodes every field as meant" test "$(decoded $fields | sort -u)" = \
    "01:0c:cd:01:00:42|5|6|0x3001|$ref|SUBA/LLN0\$trip|trip|9|0|0|3"
claim "and finds nothing malformed" test -z "$(tshark -r "$work/goose.pcap" -Y _ws.malformed 2>/dev/null)"
claim "a state starts with sqNum 0 and toggles the position" test \
    "$(decoded goose.stNum goose.sqNum goose.boolean | grep '|0|' | paste -sd' ')" = "2|0|1 3|0|0 4|0|1"
claim "each repetition has the next sqNum" test \
    "$(decoded goose.stNum goose.sqNum | grep '^2|' | head -5 | paste -sd' ')" = "2|0 2|1 2|2 2|3 2|4"
delta_ms() { # from the N-th message of state 2 to the next
    decoded frame.time_epoch goose.stNum | awk -F'|' -v n="$1" '$2 == 2 && ++i >= n { if (last) { printf "%.1f", ($1 - last) * 1000; exit } last = $1 }'
}
claim "the first repetition comes after 4 ms ($(delta_ms 1) ms)" \
    awk -v d="$(delta_ms 1)" 'BEGIN { exit !(d > 3 && d < 20) }'
claim "the third after 16 ms ($(delta_ms 3) ms)" awk -v d="$(delta_ms 3)" 'BEGIN { exit !(d > 14 && d < 40) }'

# ---- At the subscriber

claim "tagged multicast is received" grep -q '"vlan":5' "$work/events"
claim "every state is followed" holds '.messages["new-state"] == 3 and .missed_states == 0 and .missed_messages == 0' "$work/events"
claim "with its transfer time" holds '.transfer.n == 3 and .transfer.max_us > 0' "$work/events"
claim "nothing is odd" holds '.malformed == 0 and .altered == 0 and .messages.duplicate == 0 and .messages.old == 0' "$work/events"

subscribe
publish --max 50ms
wait_for 5 seen first 1
kill -USR1 $publisher
claim "SIGUSR1 changes the state" wait_for 5 seen new-state 1
stop $publisher KILL
claim "a publisher that falls silent is lost" wait_for 5 seen lost 1
publish --max 4s
claim "and recovers" wait_for 5 seen recovered 1
sleep 1.5 # by now it has promised to be heard within seconds
stop $publisher
publish --max 50ms
claim "one that starts anew at once is a restart" wait_for 5 seen restart 1
claim "ends in order on SIGTERM" stop $publisher
claim "so does the subscriber" stop $subscriber
claim "with its counters" holds '.event == "summary" and .lost >= 1 and .messages.recovered == 1' "$work/events"

subscribe --appid 7 --duration 500ms
publish --max 50ms
wait $subscriber
claim "another APPID is not ours, which is exit status 1" test $? -eq 1
stop $publisher

subscribe --duration 500ms
publish --max 50ms --simulation
wait $subscriber
claim "simulated messages are dropped" holds '.states == 0 and .messages.simulated > 0' "$work/events"
stop $publisher

usage() { in_host a "$bin/lab-goose" "$@" >/dev/null 2>"$work/err"; [ $? -eq 2 ] && [ -s "$work/err" ]; }
claim "a missing gocbRef is wrong usage" usage publish --interface a0
claim "a maximum below the minimum is wrong usage" usage publish --interface a0 --gocb-ref x --min 2s
in_host a "$bin/lab-goose" subscribe --interface nowhere >/dev/null 2>&1
claim "a missing interface is exit status 3" test $? -eq 3
finish

#!/bin/bash
# edge-traffic over a link: nothing is lost that is not lost, and what is lost, doubled or retagged is told.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
main_program=edge-traffic
need

#   a a0 ---- wa [ wires ] wb ---- b0 b
host a b wires
link a a0 wires wa
link b b0 wires wb
echo 'ab wa wb' >"$work/wires"
spawn wires "$work/wires.log" "$bin/lab-wire" run "$work/wires" --control "$work/control" --json
wait_for 5 grep -q ready "$work/wires.log"

traffic() { # OPTION...: its report is left in $work/report
    "$bin/edge-traffic" --json --from "$prefix-a/a0" --to "$prefix-b/b0" "$@" >"$work/report" 2>"$work/err"
}
told() { holds "$1" "$work/report"; }
refused() { # TEXT OPTION...
    local text=$1
    shift
    traffic "$@" && return 1
    grep -q -- "$text" "$work/err"
}

claim "an interface that is not there is named" refused "nowhere: no such interface" --to "$prefix-b/nowhere" --count 1
claim "an end is asked for" refused "--duration or --count" --pps 100

traffic --pps 2000 --count 1000
claim "all frames of a stream arrive" told '.sent == 1000 and .received == 1000 and .lost == 0'
claim "never faster than asked for" told ".sent_pps < 2010"
claim "with their latency" told '.latency.n == 1000 and .latency.p50_us > 0 and .latency.max_us >= .latency.p99_us'
traffic --pps 2000 --count 1000 --stamps user --flows 100 --vlan 5 --size 1514
claim "with a tag, in many flows, large" told '.received == 1000 and .other_tag == 0'
traffic --pps 2000 --count 1000 --count-only
claim "counted by the interface alone" told '.received >= 1000 and .cpu_s.send_calls > 0'

"$bin/lab-wire" tell "$work/control" set ab loss=0.2/0 >/dev/null
traffic --pps 2000 --count 1000
claim "what is lost is told" told '.lost > 100 and .lost < 300 and .received + .lost == 1000 and .outages.lost == .lost'
"$bin/lab-wire" tell "$work/control" set ab loss=0 >/dev/null

"$bin/edge-traffic" --json --from "$prefix-a/a0" --to "$prefix-b/b0" --pps 1000 --duration 1h >"$work/report" &
pid=$!
sleep 0.5
kill -TERM $pid
wait $pid
claim "a signal ends it with the report" told '.sent > 10 and .lost == 0'
finish

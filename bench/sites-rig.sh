#!/bin/bash
# What it costs a site to be cut off, in the lab with three controllers: after CUT seconds (180) under EVENTS events a
# second of each site (500), how long until the centre has all of them (catchup); when the link in use swallows
# everything and a second one is there, how long until events arrive again (blackhole, N trials, 10).
# One JSON object per figure. As root. For bench/catchup and bench/blackhole, which say the case.
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(dirname "$here")
export TIELINE_BIN=${TIELINE_BIN:-$root/build/release/bin} LAB_SITES=yes LAB_EVENTS=${EVENTS:-500}
name=benchs
lab=("$root/lab/two-substations" --name "$name")
run=/run/tieline-lab/$name
cut=${CUT:-180} trials=${N:-10}
work=$(mktemp -d)

[ "$(id -u)" = 0 ] || { echo "sites: needs root: it makes network namespaces" >&2; exit 1; }
finish() {
    "${lab[@]}" down 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
fail() {
    echo "sites: $1" >&2
    tail -n 5 "$run/log/controller.log" >&2
    exit 1
}
as() { # PERSON ARGUMENT...
    local person=$1
    shift
    ip netns exec "$name-ctl" env TIELINE_URL=https://10.255.0.1:8443 TIELINE_CA="$run/pki/ca.pem" \
        TIELINE_CERT="$run/pki/$person.pem" TIELINE_KEY="$run/pki/$person.key" "$TIELINE_BIN/tieline" "$@"
}
now_ms() { date +%s%3N; }
until_true() { # SECONDS COMMAND...
    local end=$(($(now_ms) + $1 * 1000))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(now_ms)" -lt $end ] || return 1
        sleep 0.05
    done
}
head_of() { sqlite3 -readonly "file:$1?mode=ro" "SELECT max(seq) FROM event" 2>/dev/null; }
origin=$run/journal/sub-a.db copy=$run/journal/control-centre.db.sites/sub-a.db
is_at() { [ "$(head_of "$copy")" -ge "$1" ] 2>/dev/null; }
follows() { is_at "$(($(head_of "$origin") - LAB_EVENTS))"; }
figure() { # BENCH CASE VALUE UNIT GOAL NOTE
    jq -nc --arg bench "$1" --arg case "$2" --argjson value "$3" --arg unit "$4" --argjson goal "$5" --arg note "$6" \
        '{bench: $bench, case: $case, value: $value, unit: $unit, goal: $goal, ok: ($value <= $goal), peers: {}, note: $note}'
}

"${lab[@]}" up || fail "the lab does not come up"
"${lab[@]}" controller start
until_true 30 as erin whoami || fail "the API does not answer"
as erin inventory import "$root"/lab/data/inventory/*.csv >/dev/null || fail "the inventory is refused"
until_true 60 follows || fail "sub-a is not followed"

for case in "$@"; do
    if [ "$case" = catchup ]; then
        "${lab[@]}" site cut sub-a
        sleep "$cut"
        missed=$(($(head_of "$origin") - $(head_of "$copy")))
        "${lab[@]}" site restore sub-a
        begun=$(now_ms)
        until_true 120 is_at "$(head_of "$origin")" || fail "not level after 120 s"
        figure catchup "sub-a, cut $cut s at $LAB_EVENTS events/s" "$(jq -n "($(now_ms) - $begun) / 1000")" s 5 \
            "$missed events were missing; from the link's carrier on, the broker's reconnecting included"
        until_true 30 follows
        continue
    fi
    : >"$work/times"
    for _ in $(seq "$trials"); do
        # Which of the two is in use is the broker's choice: the one that carries octets.
        link=$(ip netns exec "$name-sub-a" ss -Htn state established dport = :7422 | awk '{ print $4 }' | head -n 1)
        case $link in 10.253.*) part=centre2 ;; *) part=centre ;; esac
        ip netns exec "$name-sub-a" nft -f - <<NFT
table ip hole {
    chain in { type filter hook input priority 0; iifname $part drop; }
    chain out { type filter hook output priority 0; oifname $part drop; }
}
NFT
        begun=$(now_ms)
        at=$(($(head_of "$origin") + LAB_EVENTS / 10))
        until_true 60 is_at "$at" || fail "no event came by the other link"
        echo $(($(now_ms) - begun)) >>"$work/times"
        ip netns exec "$name-sub-a" nft delete table ip hole
        sleep 3
        until_true 30 follows
    done
    for p in 50 100; do
        figure blackhole "sub-a, two links, p$p of $trials" \
            "$(sort -n "$work/times" | awk -v p=$p '{ t[NR] = $1 } END { i = int((NR * p + 99) / 100); print t[i < 1 ? 1 : i] / 1000 }')" s 3 \
            "from the first packet swallowed to the next events at the centre, 0.1 s of them included"
    done
done

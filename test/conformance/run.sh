#!/bin/bash
# os-ken's switch tester against tieline-edge: its patterns for OpenFlow 1.3, of groups match, action, group and
# meter, or the subset of what a SEL-2740S can do (the files of sel-2740s.txt). Tells each pattern that fails and
# sums up.
# usage: run.sh [OPTION]... DIRECTORY-OF-PROGRAMS [match|action|group|meter|subset|FILE]...   (default: all four)
#   --target edge|ovs  what is tested (edge)
#   --driver packet|xdp|kernel  how tieline-edge gets at its ports (packet); --workers N: its packet threads (1)
#   --tester ovs|edge  what sends and receives beside it (ovs; edge for meters: ovs needs two cores for their rates)
#   --as-shipped       the tester as it comes, without what tester.py puts right; a pattern that fails is forgiven
#                      if deviations.txt names it, with the clause it contradicts
#   --rigs N           patterns are shared out over N pairs of switches (1); those of meters over 2 at most, such
#                      that no two high rates meet
#   --json             one line per group for the benchmarks, and nothing else on standard output
#   --keep DIR         the tester's own reports are left there
# Exit status: 0 all passed but what is forgiven, 1 some did not, 77 this machine cannot run it.
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
target=edge tester='' driver=packet workers=1 rigs=1 json='' keep='' app=$here/tester.py
while [ $# -gt 0 ]; do
    case $1 in
    --target) target=$2; shift ;;
    --tester) tester=$2; shift ;;
    --driver) driver=$2; shift ;;
    --workers) workers=$2; shift ;;
    --rigs) rigs=$2; shift ;;
    --keep) keep=$2; shift ;;
    --json) json=1 ;;
    --as-shipped) app='' ;;
    *) break ;;
    esac
    shift
done
programs=$1
shift
wanted=("$@")
[ $# -gt 0 ] || wanted=(match action group meter)

set -- "$programs"
# shellcheck source-path=SCRIPTDIR
. "$here/../netns/lib.sh"
prefix=cf$$ main_program=tieline-edge
need ovsdb-server ovs-vswitchd ovs-vsctl
patterns=${OPENFLOW_PATTERNS:-$here/../../../shared/data/openflow13}
[ -d "$patterns/of13" ] || patterns=$(git -C "$here" rev-parse --path-format=absolute --git-common-dir 2>/dev/null)/../../shared/data/openflow13
[ -d "$patterns/of13" ] || skip "os-ken's test patterns are not there (OPENFLOW_PATTERNS names their folder)"
patterns=$(cd "$patterns/of13" && pwd)
shipped=$(/usr/bin/python3 -c 'import os_ken.tests.switch as s; print(s.__path__[0])' 2>/dev/null)/tester.py
[ -f "$shipped" ] || skip "os-ken's switch tester is not installed (python3-os-ken)"

# What each name stands for: files of patterns.
files_of() {
    case $1 in
    match | action | group | meter) find "$patterns/$1" -name '*.json' | sort ;;
    subset) sed "s|^|$patterns/|" "$here/sel-2740s.txt" ;;
    *) echo "$patterns/$1" ;;
    esac
}

open_vswitch() { # RIG
    local host=rig$1 dir=$work/rig$1
    ovsdb-tool create "$dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema
    in_host "$host" ovsdb-server "$dir/conf.db" --remote=punix:"$dir/db.sock" --pidfile="$dir/ovsdb.pid" \
        --detach --no-chdir -vconsole:off -vsyslog:off --unixctl="$dir/ovsdb.ctl"
    in_host "$host" ovs-vsctl --db=unix:"$dir/db.sock" --no-wait init
    OVS_RUNDIR=$dir in_host "$host" ovs-vswitchd unix:"$dir/db.sock" --pidfile="$dir/vswitchd.pid" \
        --detach --no-chdir -vconsole:off -vsyslog:off --unixctl="$dir/vswitchd.ctl"
}

vsctl() { # RIG ARGUMENT...
    local rig=$1
    shift
    in_host "rig$rig" ovs-vsctl --db=unix:"$work/rig$rig/db.sock" --timeout=20 "$@"
}

# switch RIG KIND DATAPATH-ID LETTER: with ports 1, 2, 3 at interfaces LETTER1, LETTER2, LETTER3.
switch() {
    local rig=$1 kind=$2 id=$3 letter=$4 i
    if [ "$kind" = edge ]; then
        local ports=()
        for i in 1 2 3; do ports+=(--port "$i=$letter$i,driver=$driver"); done
        spawn "rig$rig" "$work/rig$rig/edge$id" "$bin/tieline-edge" --name "n$id" --datapath-id "$id" --workers "$workers" \
            --controller tcp:127.0.0.1:6653 "${ports[@]}"
        switch_pids[rig]+=" $spawned"
        return
    fi
    [ -S "$work/rig$rig/db.sock" ] || open_vswitch "$rig"
    vsctl "$rig" add-br "br$id" -- set bridge "br$id" datapath_type=netdev protocols=OpenFlow13 fail-mode=secure \
        other-config:datapath-id="000000000000000$id" other-config:disable-in-band=true
    for i in 1 2 3; do
        vsctl "$rig" add-port "br$id" "$letter$i" -- set interface "$letter$i" ofport_request=$i
    done
    # Its barrier is answered before its cache obeys: without a cache its results can be repeated. At the
    # rates of groups and meters it needs the cache.
    [ "$cache" = yes ] || vsctl "$rig" set open_vswitch . other_config:flow-limit=0
    vsctl "$rig" set-controller "br$id" tcp:127.0.0.1:6653
}

# start RIG FILE...: builds it and lets the tester loose on the files.
start() {
    local rig=$1 dir=$work/rig$1 i=0 file
    shift
    mkdir -p "$dir/patterns"
    for file; do
        i=$((i + 1))
        ln -s "$file" "$dir/patterns/$i.json"
    done
    host "rig$rig"
    for i in 1 2 3; do link "rig$rig" p$i "rig$rig" q$i; done
    spawn "rig$rig" "$dir/out" /usr/bin/python3 /usr/bin/osken-manager --ofp-listen-host 127.0.0.1 \
        --ofp-tcp-listen-port 6653 --test-switch-dir "$dir/patterns" "${app:-$shipped}"
    tester_pids[rig]=$spawned switch_pids[rig]=
    switch "$rig" "$target" 1 p
    switch "$rig" "$beside" 2 q
}

# It says "OK(n) / ERROR(m)" and stays. Without its switches it would wait for ever.
ended() {
    local pid
    ! grep -q '^OK([0-9]*) / ERROR' "$work/rig$1/out.err" || return 0
    for pid in ${tester_pids[$1]} ${switch_pids[$1]}; do
        kill -0 "$pid" 2>/dev/null && continue
        tail -q -n 3 "$work/rig$1"/edge?.err >&2 2>/dev/null
        return 0
    done
    return 1
}

# The tester's report as lines "OK|ERROR, FILE, pattern, reason", separated by tabs.
results() {
    awk '
        function say() { if (how != "") print how "\t" file "\t" what "\t" why; how = why = "" }
        /^--- Test report ---/ { exit }
        /^    [^ ].* (OK|ERROR)$/ {
            say(); how = $NF; what = substr($0, 5); sub(/ +(OK|ERROR)$/, "", what); next
        }
        /^        / { why = substr($0, 9); next }
        /^[a-z]+: / { say(); file = $0; sub(/: /, "/", file) }
        END { say() }' "$1"
}

# run GROUP: its results are in $work/results, and how many there should be in $expected.
run() {
    local group=$1 n=$rigs i files shares rig
    mapfile -t files < <(files_of "$group")
    cache=no beside=${tester:-ovs}
    case $group in
    group | group/*) cache=yes ;;
    meter | meter/*)
        cache=yes beside=${tester:-edge}
        [ "$n" -le 2 ] || n=2
        renice -n -10 -p $$ >/dev/null # what is measured is a rate
        ;;
    esac
    [ "$n" -le ${#files[@]} ] || n=${#files[@]}
    for rig in $(seq 0 $((n - 1))); do
        shares=()
        for ((i = rig; i < ${#files[@]}; i += n)); do shares+=("${files[i]}"); done
        start "$rig" "${shares[@]}"
    done
    for rig in $(seq 0 $((n - 1))); do
        until ended "$rig"; do sleep 0.5; done
        results "$work/rig$rig/out.err" >>"$work/results"
        [ -z "$keep" ] || { mkdir -p "$keep" && cp "$work/rig$rig/out.err" "$keep/${group//\//-}.$rig"; }
    done
    remove_hosts
    rm -rf "$work"/rig*
    expected=$(cat "${files[@]}" | grep -c '"description"')
}

# Of the results: those that deviations.txt names are "FORGIVEN".
judge() {
    [ -z "$app" ] || { cat "$work/results"; return; }
    awk -F'\t' -v OFS='\t' '
        FNR == NR { if ($0 !~ /^#/ && NF >= 3) clause[$1 FS $2] = $3; next }
        $1 == "ERROR" && ($2 FS $3) in clause { $1 = "FORGIVEN"; $4 = clause[$2 FS $3] }
        { print }' "$here/deviations.txt" "$work/results"
}

status=0
tested=$driver
[ "$workers" = 1 ] || tested+=", $workers workers"
[ "$target" = edge ] || tested=openvswitch
tester_pids=() switch_pids=()
for name in "${wanted[@]}"; do
    expected=0
    run "$name"
    judge >"$work/judged"
    passed=$(grep -c ^OK "$work/judged")
    forgiven=$(grep -c ^FORGIVEN "$work/judged")
    told=$(wc -l <"$work/judged")
    [ "$((passed + forgiven))" = "$expected" ] || status=1
    if [ -n "$json" ]; then
        jq -nc --arg case "$name, $tested" --argjson passed "$passed" --argjson forgiven "$forgiven" --argjson goal "$expected" \
            '{bench: "conformance", case: $case, value: $passed, unit: "patterns", goal: $goal, ok: ($passed + $forgiven >= $goal),
              peers: {}, note: (if $forgiven > 0 then "\($forgiven) contradict the specification" else "" end)}'
    else
        awk -F'\t' '$1 != "OK" { print $1 " " $2 ": " $3; if ($4 != "") print "    " $4 }' "$work/judged"
        echo "$name: $passed of $expected, $forgiven forgiven, $((told - passed - forgiven)) failed, $((expected - told)) not run"
    fi
    rm -f "$work/results" "$work/judged"
done
exit $status

#!/bin/bash
# The traffic-engineering database beside FRR: what ospfd and isisd print and what the database holds
# agree, link by link; a link that goes down is known at once; the API's absence is bridged.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2317 # what is called by claim and wait_for
main_program=ted-watch
. "$(dirname "$0")/../../netns/lib.sh"
. "$(dirname "$0")/routers.sh"
need vtysh
for daemon in zebra ospfd isisd; do
    [ -x "$frr/$daemon" ] || skip "no $frr/$daemon"
done
trap 'exec 3>&- 4>&- 5>&- 6>&-; stop_routers; clean_up' EXIT
start_routers

# watcher NAME FD ARGUMENT...: ted-watch beside router 1; its orders go to that descriptor.
watcher() {
    local name=$1 fd=$2
    shift 2
    mkfifo "$work/$name.orders"
    eval "exec $fd<>$work/$name.orders"
    ip netns exec "$prefix-r1" "$bin/ted-watch" "$@" <"$work/$name.orders" >"$work/$name" \
        2>"$work/$name.err" 3>&- 4>&- 5>&- 6>&- &
}
# ask NAME FD ORDER: the answer.
ask() {
    local before
    before=$(wc -l <"$work/$1")
    echo "$3" >&"$2"
    wait_for 5 eval "tail -n +$((before + 1)) '$work/$1' | grep -q '\"end\":\"$3\"'" || return 1
    tail -n +$((before + 1)) "$work/$1" | grep -v '"at":\|"end":'
}

watcher api 3 --api 127.0.0.1:2607 127.0.0.1 --fallback "$work/r1/ospfd.vty"
watcher isis 4 --isisd "$work/r1/isisd.vty"
watcher poll 6 --ospfd "$work/r1/ospfd.vty"
watcher both 5 --ospfd "$work/r1/ospfd.vty" --isisd "$work/r1/isisd.vty"

# What FRR prints of links point to point, one a line. The least delay of a link is not compared.
printed() {
    show 1 "$1" "$2" | jq -r '.ted.edges[] | select(.["remote-vertex-id"] != null) | select(.["edge-attributes"]["local-address"]
        | startswith("10.9.9") | not) | .metric as $igp | .["edge-attributes"] | [.["local-address"], .["remote-address"], $igp,
        .["te-metric"], .["max-resv-link-bandwidth"] * 8, .["unreserved-bandwidth"][7]["class-type-7"] * 8, .["admin-group"],
        .delay, .jitter] | @tsv' | sort
}
held() {
    ask "$1" "$2" links | jq -r 'select(.lan == false and .up and (.local | startswith("10.9.9") | not)) | [.local, .remote, .igp, .te,
        .reservable, .unreserved7, .groups, .delay, .jitter] | @tsv' | sort
}
# complete DAEMON COMMAND: all six links point to point are there, with their metrics.
complete() { [ "$(printed "$1" "$2" | awk '$3 > 0' | wc -l)" = 6 ]; }
agree() {
    printed "$1" "$2" >"$work/printed"
    held "$3" "$4" >"$work/held"
    diff "$work/printed" "$work/held"
}
agree_soon() { wait_for 8 agree "$@" || agree "$@"; }

ospf="show ip ospf mpls-te database json"
isis="show isis mpls-te database json"
claim "ospfd knows all links" wait_for 30 complete ospfd "$ospf"
claim "ospfd's links and ours, by the API, agree" agree_soon ospfd "$ospf" api 3
cp "$work/printed" "$work/all"
segments_agree() {
    show 1 ospfd "$ospf" | jq -r '.ted.subnets[] | select(.["segment-routing"]) | [(.["subnet-id"] | rtrimstr("/32")),
        .["segment-routing"]["pref-sid"]] | @tsv' | sort >"$work/printed"
    ask api 3 nodes | jq -r '[.node, .sid] | @tsv' | sort >"$work/held"
    diff "$work/printed" "$work/held"
}
claim "node segments agree" segments_agree
lan_is_resolved() { [ "$(ask api 3 links | jq -r 'select(.lan and .up) | .link' | wc -l)" = 6 ]; }
claim "the broadcast network is six links between its three routers" wait_for 30 lan_is_resolved
claim "what FRR cut off at 32 bits is named" eval "ask api 3 findings | grep -q bandwidth-truncated"

claim "isisd knows all links" wait_for 45 complete isisd "$isis"
claim "isisd's links and ours agree" agree_soon isisd "$isis" isis 4
merged() {
    [ "$(ask both 5 nodes | jq -r 'select(.sources == 3 and (.name | test("^r[1-4]$"))) | .node' | wc -l)" = 4 ] &&
        [ "$(ask both 5 links | jq -r 'select(.sources == 3 and .up) | .local' | grep -vc 10.9.9)" = 6 ]
}
claim "OSPF and IS-IS are one network: four nodes with names, six links of both" wait_for 8 merged

# ---- A link goes down

link_up() { ask "$1" "$2" links | jq -r 'select(.local == "10.2.3.2" and .up) | .link' | grep -q .; }
# went_down SINCE NAME: when the delta came that says so, in nanoseconds.
went_down() {
    jq -r "select(.at? > $1 and .delta == \"link-changed\" and (.key | endswith(\"10.2.3.2\")) and (.up | not)) | .at" \
        "$work/$2" | head -1 | grep .
}
# down_after SINCE NAME: milliseconds from then to the delta.
down_after() {
    wait_for 10 went_down "$1" "$2" || return 1
    echo $((($(went_down "$1" "$2") - $1) / 1000000))
}
# ospfd takes a quarter of a minute to tell all of a link that was down for a moment, so polling is
# measured once; that the link is there at all it tells sooner.
pushed=
polled=
for _ in 1 2 3; do
    wait_for 30 link_up api 3 || echo "# the link does not come back"
    sleep 1
    started=$(date +%s%N)
    ip -n "$prefix-r2" link set e3 down
    pushed="$pushed $(down_after "$started" api)"
    [ -n "$polled" ] || polled=$(down_after "$started" poll)
    ip -n "$prefix-r2" link set e3 up
done
median=$(echo "$pushed" | tr ' ' '\n' | grep . | sort -n | sed -n 2p)
echo "# from the order to the delta: pushed $pushed ms, polled $polled ms"
claim "a link that goes down is known within 200 ms (median of three)" [ "${median:-9999}" -le 200 ]
claim "and comes back" wait_for 30 link_up api 3

# ---- ospfd without its API

counter() { ask "$1" "$2" counters | true_of "$3"; }
claim "nothing was refused" counter api 3 '.refused == 0 and .malformed == 0 and .lsas > 20'
stop_daemon 1 ospfd
start 1 ospfd
claim "without the API the database is polled" wait_for 20 counter api 3 .polling
claim "and has what ospfd has" wait_for 60 agree ospfd "$ospf" api 3
stop_daemon 1 ospfd
start 1 ospfd -a
claim "with it, LSAs are heard again" wait_for 30 counter api 3 '.synchronised and (.polling | not)'
# What ospfd prints lacks metrics for half an hour now and then, if its neighbours began to speak while it began; the LSAs have them.
as_before() {
    held api 3 >"$work/held"
    diff "$work/all" "$work/held"
}
claim "and all links are as they were" wait_for 60 as_before
finish

# The lab comes up, the nodes are adopted, the inventory is imported, and nothing reaches anything.
# shellcheck shell=bash disable=SC2154

# What this machine itself does to the lab: processors of virtual machines stand still now and then.
"$TIELINE_BIN/lab-stalls" 1000 >"$work/stalls" 2>>"$work/claims.log" &
stalls=$!

begun=$(now_ms)
"${lab[@]}" up 2>"$work/up.err" || give_up "the lab does not come up: $(tail -n 3 "$work/up.err")"
up_ms=$(($(now_ms) - begun))
"${lab[@]}" controller start
until_true 20 as erin whoami || give_up "the API does not answer"

# The controller knows no node before the inventory has it.
as erin inventory import "$here"/data/inventory/*.csv --dry-run --json >"$work/dry.json"
unchanged() { [ "$(as erin site list --json | field '.sites | length')" = 0 ]; }
claim "a dry run of the import says what it would do, and does nothing" \
    "$(jq -c '{created, updated, unchanged} // .' "$work/dry.json" | tr -d '"{}')" unchanged

as erin inventory import "$here"/data/inventory/*.csv --json >"$work/import.json" || say "$(cat "$work/import.json")"
imported() { [ "$(as erin node list --json | field '.nodes | length')" = "$n_nodes" ]; }
claim "the inventory is imported" "$n_nodes nodes, $(as erin link list --json | field '.links | length') links, $(as erin host list --json | field '.hosts | length') hosts" imported

adopted() { [ "$(as erin node list --json | field '[.nodes[] | select(.live.state == "adopted")] | length')" = "$n_nodes" ]; }
until_true 20 adopted
claim "the lab is up and every node is adopted by its certificate" \
    "lab up in $up_ms ms, all $n_nodes nodes adopted after $(($(now_ms) - begun)) ms" adopted
claim "the lab comes up in less than 15 s" "$up_ms ms" test "$up_ms" -lt 15000
n_links=$(as erin link list --json | field '.links | length')
links_up() { [ "$(as erin link list --json | field '[.links[] | select(.live.state == "up")] | length')" = "$n_links" ]; }
until_true 10 links_up
claim "discovery finds the links of the inventory, no other" "$n_links links up" links_up

as erin inventory import --format scd "$here/data/two-substations.scd" --dry-run --json >"$work/scd.json"
n_findings=$(field '.findings | length' <"$work/scd.json")
n_proposed=$(field '.circuits | length' <"$work/scd.json")
field '.findings[0:3][] | "#   " + (.text // tostring)' <"$work/scd.json" | cut -c1-150
scd_is_read() { [ "$n_findings" -gt 0 ] && [ "$n_proposed" -gt 0 ]; }
claim "the SCD file is read: its conversations are proposed as circuits, its defects are listed" \
    "$n_proposed circuits proposed, $n_findings findings" scd_is_read

sed '3s/sub-a/nowhere/' "$here/data/inventory/nodes.csv" >"$work/nodes.csv"
refused() { ! as erin inventory import "$work/nodes.csv" >"$work/refused" 2>&1 && grep -q 'nodes.csv:3:[0-9]' "$work/refused" && imported; }
claim "a bad table is refused with file, line and column, and changes nothing" "$(as erin inventory import "$work/nodes.csv" 2>&1 | grep -o 'nodes.csv:.*' | head -n 1)" refused
claim "who may only look cannot change anything" "" eval "! as vic circuit create -f '$here/circuits/scada-a.json'"

# ---- Nobody reaches anybody. Every host tries every protocol towards every other.
rows_of() { awk -F, 'NR > 1 { print $2 == "" ? $1 : $1, $3, $4, $5, $1 }' "$here/data/inventory/hosts.csv"; }
all_targets() { # but HOST
    awk -F, -v me="$1" 'NR > 1 && $1 != me { split($4, a, "/"); printf "%s,%s,%s ", $1, a[1], $3 }' "$here/data/inventory/hosts.csv"
}
hosts=$(awk -F, 'NR > 1 { print $1 }' "$here/data/inventory/hosts.csv")
token=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
pids=()
for host in $hosts; do
    spawn "heard-$host" "$host" "$TIELINE_BIN/lab-probe" listen --interface eth0 --token "$token" --json
    pids+=("$spawned")
done
sleep 0.5
senders=()
for host in $hosts; do
    # shellcheck disable=SC2046
    spawn "probed-$host" "$host" "$TIELINE_BIN/lab-probe" send --interface eth0 --token "$token" --json $(all_targets "$host")
    senders+=("$spawned")
done
wait "${senders[@]}"
for pid in "${pids[@]}"; do end "$pid"; done
probes=0 heard=0 answered=0
for host in $hosts; do
    probes=$((probes + $(last "probed-$host" | field '.sent // 0')))
    answered=$((answered + $(last "probed-$host" | field '.answered // 0')))
    heard=$((heard + $(last "heard-$host" | field '.frames // 0')))
done
silent() { [ "$probes" -gt 1000 ] && [ "$heard" = 0 ] && [ "$answered" = 0 ]; }
claim "before any circuit no host reaches any other: all pairs, all protocols of the lab" \
    "$probes probes sent, $heard heard, $answered answered" silent
all_rules >"$work/rules-before"

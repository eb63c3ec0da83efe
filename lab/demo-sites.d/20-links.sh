# The link to a site is cut, for a short and for a long time; then it swallows everything and stays up.
# shellcheck shell=bash disable=SC2154

for seconds in 30 "${SITES_CUT:-180}"; do
    traffic "cut$seconds"
    begun=$(now_ms)
    "${lab[@]}" site cut sub-a
    until_true 20 is_away sub-a
    claim "the link of sub-a is cut: the centre says so" "after $(($(now_ms) - begun)) ms" is_away sub-a
    gone() { [ "$(as erin node list --json | field '[.nodes[] | select(.site == "sub-a" and .live.state == "absent")] | length')" = 3 ]; }
    claim "its nodes are absent, with the reason" "$(as erin node show a1 --json | field .live.reason)" gone
    claim "the site's own controller has them as ever" "a1 a2 a3 adopted there" own_nodes
    if [ "$seconds" = 30 ]; then
        refused() { ! at_site sub-a erin circuit build stream-a >"$work/no-order" 2>&1; }
        claim "what is the centre's to decide is refused there, in words" "$(refused; tail -n 1 "$work/no-order")" refused
    fi
    sleep $((seconds - ($(now_ms) - begun) / 1000))
    "${lab[@]}" site restore sub-a
    back=$(now_ms)
    until_true 30 answers sub-a
    say "the link is back; sub-a answers after $(($(now_ms) - back)) ms"
    caught_up sub-a "$back" "cut for $seconds s"
    no_packet_lost "cut$seconds" "cut for $seconds s"
done

traffic hole
begun=$(now_ms)
"${lab[@]}" site hole sub-b both
until_true 20 is_away sub-b
seen=$(($(now_ms) - begun))
claim "the link of sub-b swallows everything, its carrier stays: the centre says that it is away" "after $seen ms" is_away sub-b
# Somebody changes a node while nobody in the centre can see it: the site's own controller does.
ofctl() { at b2 env OVS_RUNDIR="$run/ovs-b2" ovs-ofctl -O OpenFlow13 "$@"; }
repaired() { # ADDED REMOVED
    at_site sub-b ada journal list --from "$before" --type node.repaired --limit 1000 --json |
        jq -e ".events[] | select(.body.node == \"b2\" and .body.added == $1 and .body.removed == $2)"
}
before=$(head_of "$(own_journal sub-b)") # the API looks at 20,000 events at a time
begun=$(now_ms)
ofctl add-flow "unix:$run/ovs-b2/br0.mgmt" "priority=60000,in_port=3,ip,actions=output:1"
until_true 10 repaired 0 1
claim "a rule that somebody adds to b2 meanwhile is taken away by the site's own controller" \
    "after $(($(now_ms) - begun)) ms, with the time ovs-ofctl takes" repaired 0 1
told() { at_site sub-b vic exception list --all --json | jq -e '.exceptions[] | select(.kind == "rule-foreign" and .object == "node/b2")'; }
until_true 5 told
claim "and is an exception there" "$(told | jq -r '"\(.id): \(.text)"' | head -n 1 | cut -c1-120)" told
unknown() { ! as vic exception list --all --json | jq -e '.exceptions[] | select(.kind == "rule-foreign")'; }
claim "of which the centre knows nothing yet" "" unknown
sleep 10
"${lab[@]}" site restore sub-b
back=$(now_ms)
until_true 30 answers sub-b
caught_up sub-b "$back" "a black hole of 15 s"
heard() { as vic exception list --all --json | jq -e ".exceptions[] | select(.id == $(told | jq .id | head -n 1))"; }
until_true 10 heard
claim "and now it does, by the same number" "$(heard | jq -r '"\(.id): \(.kind), \(.object), first \(.first)"')" heard
no_packet_lost hole "a black hole"

# Somebody changes a switch behind the controller's back.
# shellcheck shell=bash disable=SC2154

ofctl() { at b2 env OVS_RUNDIR="$run/ovs-b2" ovs-ofctl -O OpenFlow13 "$@"; }
dump() { ofctl dump-flows "unix:$run/ovs-b2/br0.mgmt" --no-stats 2>/dev/null | grep -c 'cookie'; }
rules_of b2 >"$work/b2-before"
same_again() { rules_of b2 | diff -q - "$work/b2-before"; }
flow_count=$(dump)
victim=$(ofctl dump-flows "unix:$run/ovs-b2/br0.mgmt" --no-stats | grep 'priority=1000' | head -n 1 | sed 's/^ *//; s/ *actions=.*//; s/cookie=[^,]*, *//; s/table=[0-9]*, *//; s/^ *//')
begun=$(now_ms)
ofctl --strict del-flows "unix:$run/ovs-b2/br0.mgmt" "$victim"
repaired() { repaired_ms=$(event_after "$begun" node.repaired '.node == "b2" and .added == 1'); [ -n "$repaired_ms" ]; }
until_true 5 repaired
really() { repaired && [ "$(dump)" = "$flow_count" ] && until_true 3 same_again; }
claim "a rule deleted on Open vSwitch behind the controller's back is noticed and restored" \
    "${repaired_ms:-} ms, with the time ovs-ofctl takes" really
claim "within 2 s" "${repaired_ms:-} ms" test "${repaired_ms:-9999}" -lt 2000

begun=$(now_ms)
ofctl add-flow "unix:$run/ovs-b2/br0.mgmt" "priority=60000,in_port=3,ip,actions=output:1"
removed() { removed_ms=$(event_after "$begun" node.repaired '.node == "b2" and .removed == 1'); [ -n "$removed_ms" ]; }
until_true 5 removed
gone_again() { removed && [ "$(dump)" = "$flow_count" ]; }
claim "a rule added behind its back is noticed and removed" "${removed_ms:-} ms" gone_again
foreign() { as erin exception list --all --json | jq -e '.exceptions[] | select(.kind == "rule-foreign" and .object == "node/b2")'; }
until_true 5 foreign
claim "and is an exception with the rule as evidence" \
    "$(foreign 2>/dev/null | jq -r '.text' | head -n 1 | cut -c1-150)" foreign
says() { foreign 2>/dev/null | jq -r '[.evidence[]? | select(.name == "proof") | .value] | first // empty' | head -n 1; }
claim "which says what it let pass" "$(says | cut -c1-170)" eval 'says | grep -q "^leak: "'
proved_again() { as erin network prove --json | jq -e '.ok'; }
claim "and without it all is proved again" "" until_true 5 proved_again

# Circuits from substation to substation, over a link that the WAN's routers carry: the order of the circuits brings its tunnel. Packet
# nodes and hosts beside two of the FRR routers, in a lab of its own. Uses functions of 95-wan.
# shellcheck shell=bash disable=SC2154

if [ ! -x /usr/lib/frr/pathd ]; then
    skipped=$((skipped + 1))
    say "circuits over the WAN are skipped: FRR is not installed"
else
    wan_lab=("$here/wan" --name "w$((RANDOM % 10000))")
    "${wan_lab[@]}" up --stations >>"$work/claims.log" 2>&1 && "${wan_lab[@]}" controller start >>"$work/claims.log" 2>&1
    wan_as erin inventory import "$here"/wan.d/inventory/*.csv "$here"/wan.d/stations/*.csv >>"$work/claims.log"
    link_up() { wan_json link list | jq -e '.links[] | select(.name == "we").live.state == "up"'; }
    until_true 30 link_up
    until_true 60 sessions
    claim "two substations see each other over a link through the WAN" "$(wan_json link list | jq -r '.links[] | "\(.name): carried by \(.tunnel)"')" link_up

    order=$(wan_json circuit build scada-rtu ping-rtu | field .id)
    until_true 20 asked
    seen() { wan_as olga work show "$order" | grep -q "^we  *carry-we  *this order builds" && wan_as olga work show "$order" | grep -q "^carry-we .*primary .*west > "; }
    claim "who approves the circuits sees the tunnel that they bring, its paths and labels" "$(routers_of carry-we)" seen
    claim "no router was told anything before" "" nothing_yet
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    wan_as sam work approve "$order" --yes >>"$work/claims.log"
    until_true 60 wan_order_is "$order" "done"
    circuit_is() { [ "$(wan_json circuit show "$1" | field .status.phase)" = "$2" ]; }
    active() { circuit_is scada-rtu active && circuit_is ping-rtu active && [ "$(phase_of carry-we)" = active ]; }
    claim "the circuits are built, and tested from station to station; their tunnel is in both routers" \
        "$(wan_json circuit show scada-rtu | jq -r '.status.carriers[] | "\(.tunnel): \(.primary.routers | join(" > "))"')" active
    pings() { "${wan_lab[@]}" exec fep ping -q -c 3 -i 0.2 -W 2 10.62.0.11; }
    refuses() { ! "${wan_lab[@]}" exec rtu ping -q -c 2 -i 0.2 -W 1 10.61.0.11; }
    claim "their packets go from station to station, others do not" "" eval 'pings && refuses'
    labels() { [ -n "$(stack_at west carry-we primary)" ] && case $(computed carry-we primary labels) in *"$(stack_at west carry-we primary | tr ' ' '/')") true ;; *) false ;; esac; }
    until_true 10 labels
    claim "the label stack of their tunnel is in the ingress router" "$(stack_at west carry-we primary) of $(computed carry-we primary labels)" labels

    before=$(routers_of carry-we)
    "${wan_lab[@]}" cut n1-n2
    until_true 10 moved carry-we
    told() { wan_json journal list --type tunnel.moved --limit 10 | jq -e '.events[].body | (if type == "string" then fromjson else . end) | select(.tunnel == "carry-we" and (.circuits | index("scada-rtu")) and (.element | test("10.20.0.2|10.20.0.3")))'; }
    until_true 10 pings
    claim "a link of the WAN fails: the circuits go another way, and the event names them and the link" "$before -> $(routers_of carry-we)" eval 'told && pings'
    until_true 5 located
    claim "... and the fault is located" "$(wan_json exception list --state open | jq -r '[.exceptions[] | select(.kind == "wan-link-down").text][0]')" located
    "${wan_lab[@]}" restore n1-n2

    order=$(wan_json circuit teardown ping-rtu | field .id)
    until_true 20 asked
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    until_true 60 wan_order_is "$order" "done"
    stays() { [ "$(phase_of carry-we)" = active ] && circuit_is scada-rtu active && ! pings; }
    claim "one circuit goes: the tunnel stays for the other" "" stays
    order=$(wan_json circuit teardown scada-rtu | field .id)
    until_true 20 asked
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    until_true 60 wan_order_is "$order" "done"
    released() { [ "$(phase_of carry-we)" = proposed ] && nothing_yet; }
    until_true 20 released
    claim "the last one goes: the tunnel is taken out of the routers and released" "" released

    for router in n1 s1; do wan_as olga wan drain "$router" --reason "new line card" >>"$work/claims.log" 2>&1; done
    order=$(wan_json circuit build scada-rtu 2>>"$work/claims.log" | field .id)
    until_true 30 wan_order_is "$order" failed-undone
    undone() { wan_order_is "$order" failed-undone && circuit_is scada-rtu proposed && [ "$(phase_of carry-we)" = proposed ]; }
    claim "where the WAN has no way the order fails, says why, and holds nothing" "$(wan_json work show "$order" | jq -r '.error // ""' | cut -c1-120)" undone
    if [ -n "${DEMO_LOGS:-}" ]; then mkdir -p "$DEMO_LOGS" && cp -r "/run/tieline-wan/${wan_lab[2]}/log" "$DEMO_LOGS/wan-circuits-log"; fi
    "${wan_lab[@]}" down
fi

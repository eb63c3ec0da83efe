# Circuits from substation to substation, over a link that the WAN's routers carry: the order of the circuits brings its tunnel. Packet
# nodes and hosts beside two of the FRR routers, in a lab of its own. Uses functions of 95-wan.
# shellcheck shell=bash disable=SC2154

if [ ! -x /usr/lib/frr/pathd ]; then
    skipped=$((skipped + 1))
    say "circuits over the WAN are skipped: FRR is not installed"
else
    wan_lab=("$here/wan" --name "w$((RANDOM % 10000))")
    "${wan_lab[@]}" up --stations >>"$work/claims.log" 2>&1 && "${wan_lab[@]}" controller start >>"$work/claims.log" 2>&1
    {
        wan_as erin inventory import "$here"/wan.d/inventory/*.csv "$here"/wan.d/stations/*.csv &&
            wan_as erin inventory import "$here/wan.d/stations/vpn/routers.csv" &&
            wan_as erin vpn put -f "$here/wan.d/stations/vpn/vpns.json" &&
            wan_as erin inventory import "$here/wan.d/stations/vpn/links.csv"
    } >>"$work/claims.log"
    links_up() { [ "$(wan_json link list | jq '[.links[] | select(.live.state == "up")] | length')" = 2 ]; }
    until_true 30 links_up
    until_true 60 sessions
    claim "two substations see each other over two links through the WAN" \
        "$(wan_json link list | jq -r '[.links[] | "\(.name): VPN \(.vpn) in tunnel \(.tunnel)"] | join("; ")')" links_up

    order=$(wan_json circuit build scada-rtu ping-rtu | field .id)
    until_true 20 asked
    wan_as olga work show "$order" >"$work/shown"
    seen() { grep -q "^we1  *tunnel  *carry-1  *this order builds" "$work/shown" && grep -q "^carry-2 .*primary .*west > " "$work/shown"; }
    claim "who approves the circuits sees the tunnels that they bring, their paths and labels" "$(routers_of carry-1) | $(routers_of carry-2)" seen
    native() { grep -q "^  *west, frr, dry run: accepted" "$work/shown" && grep -q "^  *l2vpn tl-pw-1 type vpls" "$work/shown"; }
    claim "... and the routers' native configuration of the VPNs, which they have tried" "$(grep -c "dry run: accepted" "$work/shown") times accepted" native
    pseudowires() { "${wan_lab[@]}" vtysh "$1" "show running-config" | grep -c "^l2vpn tl-pw-"; }
    untold() { nothing_yet && [ "$(pseudowires west)" = 0 ] && [ "$(pseudowires east)" = 0 ]; }
    claim "no router was told anything before" "" untold
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    wan_as sam work approve "$order" --yes >>"$work/claims.log"
    until_true 60 wan_order_is "$order" "done"
    circuit_is() { [ "$(wan_json circuit show "$1" | field .status.phase)" = "$2" ]; }
    active() { circuit_is scada-rtu active && circuit_is ping-rtu active && [ "$(phase_of carry-1)" = active ] && [ "$(phase_of carry-2)" = active ]; }
    claim "the circuits are built, and tested from station to station; their tunnels are in both routers" \
        "$(wan_json circuit show scada-rtu | jq -r '[.status.carriers[] | "\(.tunnel): \(.primary["latency-us"]) us"] | join(", ")')" active
    joined() { "${wan_lab[@]}" vtysh "$1" "show l2vpn atom binding" | awk '/VC ID: 10[12]/ { n++ } /Remote Label: [0-9]/ { remote++ } END { exit !(n == 2 && remote == 2) }'; }
    until_true 15 joined west
    claim "FRR has the pseudowires at both ends, and they have told each other their labels" \
        "$("${wan_lab[@]}" vtysh west "show l2vpn atom binding" | awk '/VC ID|Local Label|Remote Label/ { printf "%s ", $NF }')" eval 'joined west && joined east'
    pings() { "${wan_lab[@]}" exec fep ping -q -c 3 -i 0.2 -W 2 10.62.0.11; }
    refuses() { ! "${wan_lab[@]}" exec rtu ping -q -c 2 -i 0.2 -W 1 10.61.0.11; }
    claim "their packets go from station to station, others do not" "" eval 'pings && refuses'
    labels() { [ -n "$(stack_at west carry-1 primary)" ] && case $(computed carry-1 primary labels) in *"$(stack_at west carry-1 primary | tr ' ' '/')") true ;; *) false ;; esac; }
    until_true 10 labels
    claim "the label stack of a tunnel is in the ingress router" "$(stack_at west carry-1 primary) of $(computed carry-1 primary labels)" labels
    links_of() { wan_json tunnel show "$1" | jq -c '.status.primary.links'; }
    apart() { jq -en --argjson a "$(links_of carry-1)" --argjson b "$(links_of carry-2)" '($a - ($a - $b)) == []'; }
    fate() { wan_json exception list --state open | jq -e '.exceptions[] | select(.kind == "carriers-share-fate")'; }
    alone() { apart && ! fate; }
    claim "both paths of a circuit go apart in the WAN, too" "" alone

    before=$(routers_of carry-1)
    "${wan_lab[@]}" cut s2-s3
    until_true 10 moved carry-1
    told() { wan_json journal list --type tunnel.moved --limit 10 | jq -e '.events[].body | (if type == "string" then fromjson else . end) |
        select(.tunnel == "carry-1" and (.circuits | index("scada-rtu")) and (.element | test("10.20.0.6|10.20.0.7")))'; }
    until_true 10 pings
    claim "a link of the WAN fails: the circuits go another way, and the event names them and the link" "$before -> $(routers_of carry-1)" eval 'told && pings'
    where() { wan_json exception list --state open | jq -er '.exceptions[] | select(.kind == "wan-link-down" and (.object | test("s2-s3|s3-s2"))).text'; }
    until_true 5 where
    claim "... and the fault is located" "$(where)" where
    until_true 5 fate
    claim "... and that both paths of a circuit meet in the WAN now is an exception" "$(fate | jq -r .text)" fate
    "${wan_lab[@]}" restore s2-s3

    "${wan_lab[@]}" vtysh west "configure terminal" "no l2vpn tl-pw-2 type vpls" >>"$work/claims.log" 2>&1
    drifted() { wan_json exception list --state open | jq -er '.exceptions[] | select(.kind == "vpn-drift").text'; }
    until_true 20 drifted
    claim "somebody takes a pseudowire out of a router: it is told" "$(drifted | head -n 1 | cut -c1-100)" drifted
    wan_as olga vpn restore pw-2 >>"$work/claims.log" 2>&1
    mended() { ! drifted && [ "$(pseudowires west)" = 2 ] && joined west; }
    until_true 30 mended
    claim "... and put back" "" mended

    take_down() { # CIRCUIT
        order=$(wan_json circuit teardown "$1" | field .id)
        until_true 20 asked
        wan_as olga work approve "$order" --yes >>"$work/claims.log"
        until_true 60 wan_order_is "$order" "done"
    }
    take_down ping-rtu
    stays() { [ "$(phase_of carry-1)" = active ] && circuit_is scada-rtu active && ! pings; }
    claim "one circuit goes: the tunnels stay for the other" "" stays
    take_down scada-rtu
    released() { [ "$(phase_of carry-1)" = proposed ] && [ "$(phase_of carry-2)" = proposed ] && untold && ! fate; }
    until_true 20 released
    claim "the last one goes: its tunnels and VPNs are taken out of the routers and released" "" released

    for router in n1 s1; do wan_as olga wan drain "$router" --reason "new line card" >>"$work/claims.log" 2>&1; done
    order=$(wan_json circuit build scada-rtu 2>>"$work/claims.log" | field .id)
    until_true 30 wan_order_is "$order" failed-undone
    undone() { wan_order_is "$order" failed-undone && circuit_is scada-rtu proposed && [ "$(phase_of carry-1)" = proposed ]; }
    claim "where the WAN has no way the order fails, says why, and holds nothing" "$(wan_json work show "$order" | jq -r '.error // ""' | cut -c1-120)" undone
    if [ -n "${DEMO_LOGS:-}" ]; then mkdir -p "$DEMO_LOGS" && cp -r "/run/tieline-wan/${wan_lab[2]}/log" "$DEMO_LOGS/wan-circuits-log"; fi
    "${wan_lab[@]}" down
fi

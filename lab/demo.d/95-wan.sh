# The WAN: eight FRR routers and the controller that they obey. A lab of its own, after the other one is down.
# shellcheck shell=bash disable=SC2154

wan_lab=("$here/wan" --name "w$((RANDOM % 10000))")
wan_as() { # PERSON ARGUMENT...: of tieline
    local person=$1
    shift
    TIELINE_USER=$person "${wan_lab[@]}" desk tieline "$@"
}
wan_json() { wan_as erin "$@" --json; }
wan_order_is() { [ "$(wan_json work show "$1" | field .state)" = "$2" ]; }
phase_of() { wan_json tunnel show "$1" | field .status.phase; }
# The label stack that a router has for a path of a tunnel, as its own table shows it: by its binding label.
stack_at() { # ROUTER TUNNEL primary|standby
    local number
    number=$(wan_json tunnel show "$2" | field .status.number)
    "${wan_lab[@]}" vtysh "$1" "show mpls table" |
        awk -v binding=$((500000 + 2 * number + ($([ "$3" = primary ] && echo 0 || echo 1)))) '$1 == binding { print $NF }' |
        sort -u | paste -sd' '
}
# What was computed, and is in the table: a first label that is the next router's own is on no packet.
computed() { # TUNNEL primary|standby labels|labels-back
    wan_json tunnel show "$1" | field ".status[\"$2\"][\"$3\"] | map(tostring) | join(\"/\")"
}
routers_of() { wan_json tunnel show "$1" | field ".status[\"${2:-primary}\"].routers | join(\" > \")"; }
risks_of() { # TUNNEL primary|standby: shared risks, a line each
    jq -rn --argjson links "$(wan_json wan links)" --argjson tunnel "$(wan_json tunnel show "$1")" --arg path "$2" '
        [$tunnel.status[$path].links[] as $key | $links.links[] | select(.key == $key) | .srlgs[]] | unique[]'
}
ducts_of_both() { comm -12 <(risks_of "$1" primary | sort) <(risks_of "$1" standby | sort); }
put_optical() { # STATE: of the section below n1-s2, NORMAL or DEGRADED
    jq -n --arg state "$1" '{
        "tapi-topology:topology-context": {topology: [{link: [{uuid: "radio", "signal-state": $state}]}]},
        "tapi-connectivity:connectivity-context": {
            connection: [{uuid: "c", route: [{"local-id": "working", link: ["radio"]}]}],
            "connectivity-service": [{uuid: "s", connection: ["c"], "ip-link": {"node-a": "10.20.0.2", "node-b": "10.20.0.7"}}]}}' >"$work/optical.json"
    TIELINE_USER=olga "${wan_lab[@]}" desk sh -c 'curl -sf --cacert "$TIELINE_CA" --cert "$TIELINE_CERT" --key "$TIELINE_KEY" -X PUT \
        -H "Content-Type: application/json" --data @"$1" "$TIELINE_URL/api/v1/wan/optical"' sh "$work/optical.json" >>"$work/claims.log"
}
all_reported() { # every path of every tunnel is reported up
    wan_json wan lsps | jq -e '[.lsps[] | select(.name | startswith("tl."))] | length == 10 and all((.state == "active" or .state == "up") and (.stale | not))'
}
crowded() { # NAME KBIT/S PRIORITY [TAIL [MAX-LATENCY]]: a tunnel from west, as JSON
    printf '{"name": "%s", "head": "west", "tail": "%s", "rate-kbps": %s, "setup-priority": %s, "hold-priority": %s, "metric": "te",
        "protection": "none"%s}' "$1" "${4:-east}" "$2" "$3" "$3" "${5:+, \"max-latency-us\": $5}"
}
wan_build() { # TUNNEL...: ordered, approved, and waited for
    order=$(wan_json tunnel build "$@" | field .id)
    until_true 20 asked
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    wan_as sam work approve "$order" --yes >>"$work/claims.log"
    until_true 60 wan_order_is "$order" "done"
}
not_reported() { wan_json wan lsps | jq -r '[.lsps[] | select(.name | startswith("tl.")) | select((.state != "active" and .state != "up") or .stale) |
    "\(.name) of \(.router) is \(.state)"] | join(", ")'; }
avoids() { ! routers_of "$1" primary | grep -q "$2" && ! routers_of "$1" standby | grep -q "$2"; }

if [ ! -x /usr/lib/frr/pathd ]; then
    skipped=$((skipped + 1))
    say "the WAN is skipped: FRR is not installed"
else
    begun=$(now_ms)
    "${wan_lab[@]}" up >>"$work/claims.log" 2>&1 && "${wan_lab[@]}" controller start >>"$work/claims.log" 2>&1
    knows() { [ "$(wan_json wan links | jq '[.links[] | select(.up)] | length')" = 24 ]; }
    until_true 30 knows
    claim "the WAN controller knows the network of eight FRR routers" \
        "$(wan_json wan nodes | jq '.nodes | length') routers, $(wan_json wan links | jq '.links | length') links, $(($(now_ms) - begun)) ms after the first router was started" knows
    sessions() { [ "$(wan_json wan routers 2>/dev/null | jq '[.routers[] | select(.state == "ready")] | length')" = 4 ] ||
        [ "$(wan_json wan sessions | jq '[.routers[] | select(.state == "ready")] | length')" = 4 ]; }
    until_true 60 sessions
    claim "four of them are path computation clients, and synchronised" "" sessions

    wan_as erin inventory import "$here"/wan.d/inventory/*.csv >>"$work/claims.log"
    order=$(wan_json tunnel build protect-we scada-we bulk-wn | field .id)
    asked() { [ "$(wan_json work show "$order" | field '.step[] | select(.name == "approve").state')" = waiting ]; }
    until_true 20 asked
    claim "paths are computed and reserved, and wait for two people" "$(routers_of protect-we): $(wan_json tunnel show protect-we | field '.status.primary["latency-us"]') us" asked
    nothing_yet() { ! wan_json wan lsps | grep -q '"tl\.'; }
    claim "no router was told anything before" "" nothing_yet
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    wan_as sam work approve "$order" --yes >>"$work/claims.log"
    begun=$(now_ms)
    until_true 60 wan_order_is "$order" "done"
    claim "the tunnels are in the routers of both ends, and tested" \
        "$(wan_json wan lsps | jq '[.lsps[] | select(.name | startswith("tl."))] | length') paths, $(($(now_ms) - begun)) ms from the approval" all_reported
    two_apart() { ! wan_json tunnel show protect-we | jq -e '.status | .primary.links - (.primary.links - .standby.links) | length > 0'; }
    claim "primary and standby path of the protection tunnel share no link" "$(routers_of protect-we primary) | $(routers_of protect-we standby)" two_apart
    no_duct() { [ "$(risks_of protect-we primary | wc -l)" -gt 2 ] && ! ducts_of_both protect-we | grep -q .; }
    claim "... nor a shared risk, which only the plan knows" "$(risks_of protect-we primary | paste -sd' ') | $(risks_of protect-we standby | paste -sd' ')" no_duct
    for what in "west labels" "east labels-back"; do
        read -r router labels <<<"$what"
        same() { [ -n "$(stack_at "$router" protect-we primary)" ] && case $(computed protect-we primary "$labels") in *"$(stack_at "$router" protect-we primary | tr ' ' '/')") true ;; *) false ;; esac; }
        until_true 10 same
        claim "the label stack in FRR's table at $router is the one that was computed" "$(stack_at "$router" protect-we primary) of $(computed protect-we primary "$labels")" same
    done

    # [{tunnel, routers, standby-routers?}] as a failure of that link is foretold, and as it is now, sorted
    foretold() { wan_json wan what-if "$1" | jq -cS '[.tunnels[] | {tunnel, routers, "standby-routers"}] | sort_by(.tunnel)'; }
    as_now() { # like FORETOLD
        local name
        for name in $(jq -r '.[].tunnel' <<<"$1"); do
            wan_json tunnel show "$name" | jq --arg name "$name" '.status | {tunnel: $name, routers: .primary.routers, "standby-routers": .standby.routers}'
        done | jq -csS .
    }
    link=$(wan_json wan what-if | jq -r 'first(.worst[] | select(.kind == "link" and (.element | test("10.20.0.[23]>10.20.0.[32]/"))).element)')
    told=$(foretold "$link")
    fates=$(wan_json wan what-if "$link" | jq -r '[.tunnels[] | "\(.tunnel): \(.fate)"] | join(", ")')

    before=$(routers_of protect-we)
    cut_at=$(now_ms)
    "${wan_lab[@]}" cut n1-n2
    moved() { [ "$(wan_json tunnel show "$1" | field '.status["n-moved"] // 0')" -gt "${2:-0}" ]; }
    until_true 10 moved protect-we
    took=$(wan_json journal list --type tunnel.moved --limit 10 | jq -r --argjson from "$cut_at" '
        def ms: (.[:19] + "Z" | fromdate) * 1000 + ((((.[19:] | capture("\\.(?<f>[0-9]+)").f) // "0") + "000")[:3] | tonumber);
        [.events[].time | ms - $from] | max')
    claim "a link is cut: the tunnels over it have another path, and the event says from what on" "${took} ms; $before -> $(routers_of protect-we)" moved protect-we
    as_foretold() { [ "$(jq length <<<"$told")" -ge 2 ] && [ "$(as_now "$told")" = "$told" ]; }
    until_true 10 as_foretold
    claim "... each tunnel where wan what-if foretold before" "$fates" as_foretold
    budget() { [ "$(wan_json tunnel show protect-we | field '.status.primary["latency-us"]')" -le 15000 ]; }
    claim "... within their latency budget" "$(wan_json tunnel show protect-we | field '.status.primary["latency-us"]') us of 15000" budget
    same() { [ -n "$(stack_at west protect-we primary)" ] && case $(computed protect-we primary labels) in *"$(stack_at west protect-we primary | tr ' ' '/')") true ;; *) false ;; esac; }
    until_true 10 same
    claim "... which FRR has in its table" "$(stack_at west protect-we primary)" same
    own() { wan_json wan lsps | jq -c '.lsps[] | select(.name == "west-east-pce-west-east")'; }
    own_stack() { "${wan_lab[@]}" vtysh west "show mpls table" | awk '$1 == 1105 { print $NF }' | sort -u | paste -sd' '; }
    own_follows() {
        own | jq -e '.["n-moved"] > 0 and .trouble == null and all(.links[]; test("10.20.0.2>10.20.0.3/") | not)' && [ -n "$(own_stack)" ] &&
            case $(own | jq -r '[.ero[].label | tostring] | join("/")') in *"$(own_stack)") true ;; *) false ;; esac
    }
    until_true 15 own_follows
    claim "... and so does a path that west configured itself and delegated: its stack in FRR's table follows" \
        "$(own_stack) of $(own | jq -c '[.ero[].label]')" own_follows
    located() { wan_json exception list --state open | jq -e '.exceptions[] | select(.kind == "wan-link-down" and (.object | test("n1-n2|n2-n1")))'; }
    until_true 5 located
    claim "... and the fault is located" "$(wan_json exception list --state open | jq -r '.exceptions[0].text')" located
    "${wan_lab[@]}" restore n1-n2
    closed() { ! located; }
    until_true 60 closed
    claim "the link is back, and the exception closed" "" closed

    wan_as olga wan drain s2 --reason "new line card" >>"$work/claims.log" 2>&1
    drained() { avoids protect-we s2 && avoids scada-we s2; }
    until_true 10 drained
    claim "a router is drained: no tunnel passes it any more" "$(routers_of protect-we) | $(routers_of scada-we)" drained
    wan_as olga wan restore s2 >>"$work/claims.log" 2>&1

    # The way back over a link of it gets slower than the way there, by more than its asymmetry may be
    read -r _ _ a _ b _ <<<"$(routers_of protect-we)"
    slow() { "${wan_lab[@]}" vtysh "$b" "configure terminal" "interface $a" "link-params" "delay $1" >>"$work/claims.log"; }
    was=$(awk -F, -v a="$a" -v b="$b" '($2 == a && $3 == b) || ($2 == b && $3 == a) { print $6 }' "$here/wan.d/links.csv")
    before=$(routers_of protect-we)
    slow $((was + 251))
    even() { wan_json tunnel show protect-we | jq -e '.status.primary | (.["latency-us"] - .["latency-back-us"] | fabs) <= 250'; }
    left() { [ "$(routers_of protect-we)" != "$before" ] && even; }
    until_true 15 left
    claim "a link gets slower on the way back alone: who may not differ so much from it leaves it" \
        "$a-$b: $was us, back $((was + 251)) us; $before -> $(routers_of protect-we)" left
    # What was near for it goes apart again, before anything else is looked at.
    slow "$was"
    fast() { wan_json wan links | jq -e --argjson slow $((was + 251)) 'any(.links[]; .["delay-us"]) and all(.links[]; .["delay-us"] != $slow)'; }
    n_moves() { wan_json journal list --type tunnel. --limit 1000 | jq '.events | length'; }
    quiet() {
        local n
        n=$(n_moves)
        sleep 3
        [ "$(n_moves)" = "$n" ]
    }
    until_true 60 fast
    until_true 30 quiet

    as_computed() { # both ends report the labels that were computed
        local name tunnel lsps
        lsps=$(wan_json wan lsps)
        for name in protect-we scada-we; do
            tunnel=$(wan_json tunnel show "$name" | jq .status)
            jq -e --arg name "$name" --argjson tunnel "$tunnel" '
                def ero($router; $path): first(.lsps[] | select(.router == $router and .name == "tl.\($name).\($path[:1])")) | [.ero[].label];
                [("primary", "standby") as $path |
                    ero("10.20.0.1"; $path) == $tunnel[$path].labels and ero("10.20.0.5"; $path) == $tunnel[$path]["labels-back"]] | all' <<<"$lsps" || return 1
        done
    }
    until_true 20 as_computed
    moves=$(n_moves)
    "${wan_lab[@]}" controller kill
    "${wan_lab[@]}" controller start >>"$work/claims.log" 2>&1
    until_true 60 sessions
    unmoved() { [ "$(n_moves)" = "$moves" ] && all_reported && as_computed &&
        [ "$(wan_json wan sessions | jq '[.routers[].orders] | add')" = 0 ]; }
    until_true 20 all_reported
    sleep 1 # for what it would do
    claim "the controller is killed and starts again: the routers keep their paths, and nothing is moved" \
        "$(wan_json wan sessions | jq '[.routers[].orders] | add') orders to the routers" unmoved

    "${wan_lab[@]}" kill west pathd
    "${wan_lab[@]}" start west pathd
    until_true 90 all_reported
    claim "a router's path computation client is killed: it is given its paths again" "" all_reported

    # One that is more important than bulk-wn, and only there for some seconds
    from=$(date -u -d '+6 seconds' +%FT%TZ) to=$(date -u -d '+14 seconds' +%FT%TZ)
    printf '[{"name": "surge", "head": "west", "tail": "n2", "rate-kbps": 950000, "setup-priority": 3, "hold-priority": 3,
        "metric": "te", "protection": "none", "window": {"start": "%s", "end": "%s"}}]' "$from" "$to" >"$work/surge.json"
    wan_as erin tunnel create -f "$work/surge.json" >>"$work/claims.log"
    before=$(routers_of bulk-wn)
    order=$(wan_json tunnel build surge | field .id)
    until_true 20 asked
    warned() { wan_as olga work show "$order" | grep -q "^surge pushes aside: bulk-wn" && [ "$(routers_of bulk-wn)" = "$before" ]; }
    claim "who is to approve a tunnel sees whom it pushes aside; nobody is, yet" "$before" warned
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    wan_as sam work approve "$order" --yes >>"$work/claims.log"
    surge() { wan_json wan lsps | jq '[.lsps[] | select(.name == "tl.surge.p")] | length'; }
    early() { [ "$(surge)" = 0 ] && [ "$(routers_of bulk-wn)" = "$before" ]; }
    claim "before its window it is in no router" "from $from to $to" early
    there() { [ "$(phase_of surge)" = active ] && [ "$(surge)" = 2 ]; }
    until_true 30 there
    gave_way() { there && [ "$(routers_of bulk-wn)" != "$before" ] && all_reported_but_surge; }
    all_reported_but_surge() { wan_json wan lsps | jq -e '[.lsps[] | select(.name | test("^tl[.](protect|scada|bulk)"))] | length == 10 and all((.state == "active" or .state == "up") and (.stale | not))'; }
    until_true 5 gave_way
    claim "in its window it is at both ends, and the other goes another way" "bulk-wn: $before -> $(routers_of bulk-wn)" gave_way
    gone() { [ "$(surge)" = 0 ] && wan_order_is "$order" "done"; }
    until_true 30 gone
    claim "after it it is gone" "" gone
    bulk_labels() { wan_json wan lsps | jq -c '[.lsps[] | select(.router == "10.20.0.1" and .name == "tl.bulk-wn.p") | [.ero[].label]][0]'; }
    home() { [ "$(routers_of bulk-wn)" = "$before" ] && [ "$(bulk_labels)" = "$(wan_json tunnel show bulk-wn | jq -c .status.primary.labels)" ] && all_reported; }
    until_true 15 home
    claim "... and who gave way to it goes back to the better way" "bulk-wn: $(routers_of bulk-wn) $(not_reported)" home

    # Tunnels that all take the same shortest way, until somebody looks at the whole
    printf '[%s, %s, %s]' "$(crowded c1 300000 5)" "$(crowded c2 300000 5)" "$(crowded c3 300000 5)" >"$work/crowd.json"
    wan_as erin tunnel create -f "$work/crowd.json" >>"$work/claims.log"
    wan_build c1 c2 c3
    fullest() { wan_json wan links | jq '[.links[] | select(.["reservable-bps"] > 0) | .["reserved-bps"] / .["reservable-bps"] * 1000 | round] | max'; }
    crowded_now() { [ "$(fullest)" -ge 900 ]; }
    claim "three tunnels take the same shortest way, and its links are nearly full" "$(fullest) of 1000; $(routers_of c1)" crowded_now
    order=$(wan_json wan optimise --order | field .id)
    late=$(wan_json wan optimise --order | field .id) # the same plan, once more, for later
    until_true 20 asked
    planned=$(wan_json wan optimise | jq '.summary.after["highest-utilisation"] * 1000 | round')
    ways=$(routers_of c1)$(routers_of c2)$(routers_of c3)
    seen() {
        wan_as olga work show "$order" >"$work/optimise.txt" && grep -q '^before: 9[0-9.]* %' "$work/optimise.txt" &&
            grep -q '^after: 6[0-9.]* %' "$work/optimise.txt" && grep -q 'c[123] .*west > n1 > n2 > n3 > east .*west > s1' "$work/optimise.txt" &&
            [ "$(routers_of c1)$(routers_of c2)$(routers_of c3)" = "$ways" ]
    }
    claim "an order that spreads them shows how full the fullest link is before and after, and each move; nothing is moved yet" \
        "$(wan_json wan optimise | jq -r '.summary | "\(.before["highest-utilisation"]) to \(.after["highest-utilisation"]), bound \(.bound), \(.moves | length) moves"')" seen
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    wan_as sam work approve "$order" --yes >>"$work/claims.log"
    begun=$(now_ms)
    until_true 60 wan_order_is "$order" "done"
    spread() { [ "$(fullest)" = "$planned" ] && [ "$planned" -lt 750 ] && wan_order_is "$order" "done"; }
    claim "two people approve it, and the tunnels are spread" "$(fullest) of 1000; $(($(now_ms) - begun)) ms" spread
    moved=c1
    for what in c1 c2 c3; do [ "$(routers_of $what)" = "west > n1 > n2 > n3 > east" ] || moved=$what; done
    for what in "west labels" "east labels-back"; do
        read -r router labels <<<"$what"
        same() { [ -n "$(stack_at "$router" "$moved" primary)" ] && case $(computed "$moved" primary "$labels") in *"$(stack_at "$router" "$moved" primary | tr ' ' '/')") true ;; *) false ;; esac; }
        until_true 10 same
        claim "... FRR's table at $router has the new stack of $moved" "$(stack_at "$router" "$moved" primary); $(routers_of "$moved")" same
    done
    wan_as olga wan drain s1 --reason "something came between" >>"$work/claims.log"
    elsewhere() { ! routers_of "$moved" | grep -q s1; }
    until_true 10 elsewhere
    n_moved=$(wan_json tunnel show "$moved" | field '.status["n-moved"]')
    wan_as olga work approve "$late" --yes >>"$work/claims.log"
    wan_as sam work approve "$late" --yes >>"$work/claims.log"
    until_true 30 wan_order_is "$late" "failed-undone"
    stopped() { wan_json work show "$late" | grep -qE "has gone another way since this was planned|may not be passed" && [ "$(wan_json tunnel show "$moved" | field '.status["n-moved"]')" = "$n_moved" ]; }
    claim "the same order, approved too late for the network as it is now, moves nothing and says why" "$(wan_json work show "$late" | field '.error // ""')" stopped
    wan_as olga wan restore s1 >>"$work/claims.log"

    # A link gets less than what is on it, and the one that needs it most is not the one that may move
    printf '[%s, %s]' "$(crowded stuck 300000 5 n2 5500)" "$(crowded other 300000 4 n2)" >"$work/congest.json"
    order=$(wan_json tunnel teardown c1 c2 c3 | field .id)
    until_true 20 asked
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    until_true 60 wan_order_is "$order" "done"
    wan_as erin tunnel create -f "$work/congest.json" >>"$work/claims.log"
    wan_build stuck other
    "${wan_lab[@]}" vtysh n1 "configure terminal" "interface n2" "link-params" "max-rsv-bw 5e7" >>"$work/claims.log"
    congested() { wan_json exception list --state open | jq -e '.exceptions[] | select(.kind == "wan-link-congested" and (.object | test("n1-n2")) and
        any(.evidence[]; .name == "moves" and (.value | test("^other primary: west > n1 > n2 to west > s1"))))'; }
    until_true 20 congested
    claim "a link gets less than is reserved on it: an exception says how much, and the fewest moves that end it" \
        "$(wan_json exception list --state open | jq -r '.exceptions[] | select(.kind == "wan-link-congested").text')" congested
    order=$(wan_json wan relieve --order | field .id)
    until_true 20 asked
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    wan_as sam work approve "$order" --yes >>"$work/claims.log"
    until_true 60 wan_order_is "$order" "done"
    relieved() { wan_order_is "$order" "done" && ! congested && ! wan_json exception list --state open | grep -q tunnel-without-path; }
    until_true 10 relieved
    claim "... an approved order makes them, and it is over" "other: $(routers_of other); stuck: $(routers_of stuck)" relieved

    # The two ways that are shortest together share a duct; then the radio link of one of them fades
    printf '[{"name": "duct", "head": "west", "tail": "s2", "rate-kbps": 10000, "metric": "delay", "protection": "link"}]' >"$work/duct.json"
    wan_as erin tunnel create -f "$work/duct.json" >>"$work/claims.log"
    wan_build duct
    beside() { [ "$(routers_of duct primary)" = "west > n1 > s2" ] && [ "$(risks_of duct standby | wc -l)" -gt 1 ] && ! ducts_of_both duct | grep -q .; }
    claim "a standby path keeps away from a link that is in a duct with the primary one" "$(routers_of duct primary) | $(routers_of duct standby)" beside
    put_optical NORMAL
    put_optical DEGRADED
    faded() { ! routers_of duct primary | grep -q "n1 > s2" && moved duct; }
    until_true 10 faded
    claim "the signal below a link degrades: the tunnel leaves it while it still carries, and says why" \
        "$(routers_of duct); $(wan_json tunnel show duct | field .status.reason)" faded
    same() { [ -n "$(stack_at west duct primary)" ] && case $(computed duct primary labels) in *"$(stack_at west duct primary | tr ' ' '/')") true ;; *) false ;; esac; }
    until_true 15 same
    claim "... FRR's label stack follows" "$(stack_at west duct primary) of $(computed duct primary labels)" same
    put_optical NORMAL

    order=$(wan_json tunnel teardown protect-we scada-we bulk-wn stuck other duct | field .id)
    until_true 20 asked
    wan_as olga work approve "$order" --yes >>"$work/claims.log"
    until_true 60 wan_order_is "$order" "done"
    claim "the tunnels are taken down, and no router has anything left of them" "" nothing_yet
    if [ -n "${DEMO_LOGS:-}" ]; then mkdir -p "$DEMO_LOGS" && cp -r "/run/tieline-wan/${wan_lab[2]}/log" "$DEMO_LOGS/wan-log"; fi
    "${wan_lab[@]}" down
fi

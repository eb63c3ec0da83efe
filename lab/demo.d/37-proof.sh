# What all nodes hold, read back from them, is proved; and asked.
# shellcheck shell=bash disable=SC2154

prove() { as erin network prove --json >"$work/proof.json"; }
until_true 10 prove
proved() { prove && [ "$(field '.unread | length' <"$work/proof.json")" = 0 ]; }
claim "the tables of all nodes, as read back, pass exactly the circuits, whatever fails" \
    "$(field '"\(.rules) rules, \(.circuits) circuits, \(.walks) conversations, \(.failures) failures met"' <"$work/proof.json")" proved

as erin ask reach fep rtu-a tcp/502 --json >"$work/reach.json"
by_scada() { jq -e '.reaches and .proved and (.ways | length) == 1 and .ways[0].circuit == "scada-a"' <"$work/reach.json"; }
claim "fep reaches rtu-a by Modbus: by which circuit, path and rules" \
    "$(field '"\(.ways[0].circuit): \(.ways[0].path)"' <"$work/reach.json")" by_scada

as erin ask reach hist rtu-a tcp/502 --json >"$work/denied.json"
dropped() { jq -e '(.reaches | not) and (.dropped.rule | contains("priority=1,"))' <"$work/denied.json"; }
claim "hist does not: where it would be dropped" \
    "$(field '"node \(.dropped.node)"' <"$work/denied.json")" dropped

link=$(as erin circuit show scada-a --json | field '.status.design.primary.links[] | select(startswith("wan"))' | head -n 1)
as erin ask affected-by "$link" --json >"$work/affected.json"
affected() { jq -e '([."fails-over"[], .lost[]] | index("scada-a")) != null' <"$work/affected.json"; }
claim "a link of scada-a's path: whom its failure concerns" \
    "$link: $(field '"\(."fails-over" | length) fail over, \(.lost | length) lost, \(.unprotected | length) unprotected"' <"$work/affected.json")" affected

# What if: a link of the WAN were gone, circuits were added, nodes failed; and whether the nodes are as the bounds count on.
# shellcheck shell=bash disable=SC2154

rules() { as erin network prove --json | jq .rules; }
before=$(rules)
gone=$(as erin circuit show scada-a --json | field '.status.design.primary.links[] | select(startswith("wan"))' | head -n 1)
as erin model run --remove "link:$gone" --json >"$work/gone.json"
moves() {
    jq -e --arg link "$gone" '.ok and .proof.ok and (.difference.circuits.list[] | select(.circuit == "scada-a") |
        .change == "moved" and ([.after.primary[], .after.failover[]?] | index($link)) == null)' <"$work/gone.json"
}
claim "what if a link of scada-a's path were gone: it moves, the plan is proved, budgets are kept" \
    "without $gone: $(field '"\(.difference.circuits.n) circuits differ, \(."difference"."rules-added") rules to add, \(.difference."rules-removed") to remove, \(.bounds."n-broken") budgets broken"' <"$work/gone.json")" moves

jq -n '[range(300) | {name: "more-\(.)", ip: {client: "hist", server: "rtu-b", protocol: "tcp", "server-ports": [20000 + .]},
    "service-class": "bulk", "rate-kbps": 1000, "burst-octets": 15000, protection: "none"}]' >"$work/more.json"
as erin model run "$work/more.json" --json >"$work/more-answer.json"
limited() { jq -e '.circuits.n == 300 and .circuits."n-fit" > 50 and .circuits."n-fit" < 300 and .proof.ok and
    (.circuits.list[0] | .limit == "capacity" and (.links | length) > 0)' <"$work/more-answer.json"; }
claim "what if 300 circuits of 1 Mbit/s were added: how many fit, what limits the others" \
    "$(field '"\(.circuits."n-fit") fit; the others: \(.circuits.list[0].limit) of \(.circuits.list[0].links | join(", "))"' <"$work/more-answer.json")" limited

as erin model run --fail node:wan2 --fail node:wan3 --each-failure --json >"$work/fails.json"
survives() { jq -e '(.failure.list | length) > 0 and .failures.tried > 20 and ([.failures.list[].lost] | max) == 0' <"$work/fails.json"; }
claim "what if things failed: two nodes at once; each link, node and shared risk alone takes no circuit with it" \
    "$(field '"wan2 and wan3: \(.failure.n) circuits hit; \(.failures.tried) failures tried, \(.failures.n) hit something, none loses a path that has another"' <"$work/fails.json")" survives
claim "nothing of all this has reached a node" "$before rules before, $(rules) after" test "$before" = "$(rules)"

echo '{"tieline-inventory:inventory": {"settings": {"shape-links": true}}}' >"$work/settings.json"
as erin inventory import "$work/settings.json" >>"$work/claims.log" 2>&1
conditions() { as erin network conditions --json >"$work/conditions.json"; }
shaped() { conditions; jq -e '[.list[] | select(.link and (.queue | not) and .state == "broken")] | length == 0' <"$work/conditions.json"; }
until_true 10 shaped
claim "nodes are told to send into links no faster than those carry, and say that they do" \
    "$(field '[.list[] | select(.link and (.queue | not) and .state == "holds")] | "\(length) ports hold"' <"$work/conditions.json")" shaped
told() { jq -e '.n > 20 and ([.list[] | select(.meter and .state == "broken")] | length) == 0 and
    ([.list[] | select(.meter and .state == "holds")] | length) > 0 and
    ([.list[] | select(.queue and .state == "holds")] | length) > 0' <"$work/conditions.json"; }
claim "what the latency bounds count on, as the nodes say it: meters and queues hold, the rest is named" \
    "$(field '"\(.n) conditions, \(."n-broken") broken, \(."n-unknown") not known: \([.list[] | select(.state != "holds") | "\(.node) port \(.port)\(if .queue then " queue \(.queue)" else "" end)"] | join(", "))"' <"$work/conditions.json")" told

# One direction of a link of the primary path is lost silently: both ends keep their carrier. The path and the link ($primary,
# $cut) are those of 40-failover.
# shellcheck shell=bash disable=SC2154

# The direction that packets from fep take: they come from the link before it.
ends_of() { as erin link list --json | field ".links[] | select(.name == \"$1\") | .a.node, .b.node"; }
link_before=$(tr ' ' '\n' <<<"$primary" | grep -B 1 -x "$cut" | head -n 1)
from=$(grep -xf <(ends_of "$link_before") <(ends_of "$cut"))
to=$(ends_of "$cut" | grep -vx "$from")
way=b-to-a
[ "$(ends_of "$cut" | head -n 1)" != "$from" ] || way=a-to-b
number=$(awk -F, -v node="$to" -v far="to $from" '$1 == node && $4 == far { print $2 }' "$here/data/inventory/ports.csv")
say "nothing of $from reaches $to any more; what $to sends still reaches $from"

port_of() { as erin edge ports --node "$to" --json | jq -e ".ports[] | select(.number == $number) | $1"; }
until_true 10 port_of '.live and .heartbeat.state == "up"'
detection_ms=$(($(port_of '.heartbeat["detection-us"]') / 1000))

stream stream --duration 6s
sleep 1
begun=$(now_ms)
"${lab[@]}" block "$cut" "$way" >/dev/null
told_down() { told_ms=$(event_after "$begun" link.state ".link == \"$cut\" and (.up | not)"); [ -n "$told_ms" ]; }
until_true 5 told_down
link_down() { as erin exception list --json | jq -e ".exceptions[] | select(.kind == \"link-down\" and .object == \"link/$cut\")"; }
until_true 5 link_down
why=$(link_down | field .text)
says_why() { grep -q "heartbeat" <<<"$why" && grep -q "$from" <<<"$why" && grep -q "$to" <<<"$why"; }
claim "the controller says at once that the link is down, and why" "after ${told_ms:-} ms: $why" \
    eval 'says_why && [ "${told_ms:-9999}" -lt 1500 ]'
both_say() {
    [ "$(as erin edge ports --node "$to" --json | field "[.ports[].reason] | index(\"silent\") != null")" = true ] &&
        [ "$(as erin edge ports --node "$from" --json | field "[.ports[].reason] | index(\"not-heard\") != null")" = true ]
}
claim "both ends know which direction it is" "$to: silent; $from: not-heard" both_say
sleep 4 # discovery does not see it either now
not_held() { as erin link list --json | jq -e ".links[] | select(.name == \"$cut\").live | .state == \"down\" and (.held | not)"; }
claim "no port has to be held for it, also when discovery misses the link" "" not_held
wait "$sender" "$receiver"
moved() { [ "$(last stream | field ".received + .lost == 6000 and .lost > 0 and .lost < 2 * $detection_ms")" = true ]; }
claim "one direction of a link is lost under 1,000 packets/s: the nodes change the path within the heartbeat's time" \
    "$(last stream | field '"\(.lost) packets lost; longest gap \(.longest_gap_ms | round) ms"'), the heartbeat's time is $detection_ms ms" moved

"${lab[@]}" restore "$cut" >/dev/null
healed() { back && ! link_down; }
until_true 10 healed
claim "it heals: the link is up, the exception closed, both ports are used again" "" \
    eval 'healed && port_of ".live and .reason == \"\""'

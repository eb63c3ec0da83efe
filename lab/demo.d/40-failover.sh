# A link of the primary path is cut under load; it comes back.
# shellcheck shell=bash disable=SC2154

as erin circuit create -f "$here/circuits/stream-a.json" >/dev/null || say "stream-a is refused"
build stream-a || say "stream-a cannot be approved"
until_true 60 order_is "$order" "done"
as erin circuit show stream-a --json >"$work/stream.json"
primary=$(field '.status.design.primary.links | join(" ")' <"$work/stream.json")
cut=$(field '.status.design.primary.links[] | select(startswith("wan"))' <"$work/stream.json" | head -n 1)
[ -n "$cut" ] || cut=${primary%% *}
say "stream-a: primary $primary; failover $(field '.status.design.failover.links | join(" ")' <"$work/stream.json"); cutting $cut"

stream stream --duration 8s
sleep 2
"${lab[@]}" cut "$cut" >/dev/null
sleep 2
away() { [ "$(as erin link list --json | field ".links[] | select(.name == \"$cut\").live.state")" != up ]; }
until_true 5 away
claim "the cut link is seen" "$cut" away
down_rules=$(all_rules | diff - "$work/rules-before" | grep -c '^<')
"${lab[@]}" restore "$cut" >/dev/null
wait "$sender" "$receiver"
healed() { [ "$(last stream | field '.received + .lost == 8000 and .lost < 100')" = true ]; }
claim "the primary link is cut under 1,000 packets/s: the nodes heal by themselves" \
    "$(last stream | field '"\(.lost) packets lost of \(.received + .lost): \(.lost) ms without traffic; longest gap between two packets \(.longest_gap_ms | round) ms"')" healed
claim "no rule was written for that" "" test "$down_rules" = "$(all_rules | diff - "$work/rules-before" | grep -c '^<')"

back() { ! away; }
until_true 10 back
sleep 1.5
# wan4 is on the primary path only: what passes it is counted there.
passed() {
    as erin edge ports --node wan4 --json | field '[.ports[]["rx-packets"]] | add'
}
before=$(passed)
spawn streamed fep "$TIELINE_BIN/lab-stream" send udp --to 10.20.0.11 --pps 1000 --count 1000 --json
wait "$spawned"
passed_primary=$(($(passed) - before))
primary_again() {
    [ "$passed_primary" -ge 500 ] && as erin test run stream-a --json >"$work/retest.json" &&
        [ "$(field .ok <"$work/retest.json")" = true ]
}
claim "the link is back and used again by policy (revertive after 1 s): both paths pass their tests" \
    "of 1,000 packets $passed_primary by the primary path; $(last stream | field '"\(.outages.n // 0) outages, \(.reordered // 0) reordered"')" primary_again

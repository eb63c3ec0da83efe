#!/bin/bash
# A substation that is cut off: an access ends there, people stop a circuit there, and what they did meets what the
# control centre meant meanwhile.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/sites.sh"
known_there() { is_true ".status.phase == \"$2\"" there olga circuit show "$1"; }
cut_off() { is_true '."cut-off" == true' there olga local list; }
back() { is_true '."cut-off" == false' there olga local list; }
works() { is_true ".works[] | select(.circuit == \"$1\") | $2" "$3" olga local list; }
journalled() { is_true "[.events[] | select($2)] | length >= 1" there olga journal list --type "$1" --bodies --limit 1000; }

up
claim "all nodes have their controllers" adopted

end=$(date -u -d '+60 seconds' +%Y-%m-%dT%H:%M:%SZ)
circuit poll '{ip: {client: "eng-a", server: "rtu-a", protocol: "tcp", "server-ports": [502]}}'
circuit ring '{ip: {client: "eng-a", server: "relay-a1", protocol: "tcp", "server-ports": [102]}}'
circuit far '{ip: {client: "fep", server: "rtu-a", protocol: "tcp", "server-ports": [2404]}}'
circuit access "{ip: {client: \"eng-a\", server: \"relay-a1\", protocol: \"tcp\", \"server-ports\": [22]},
    window: {start: \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\", end: \"$end\"}}"
build poll ring far
wait_for 30 active poll
wait_for 30 active far
build access
wait_for 30 active access
wait_for 10 known_there access active
for circuit in poll ring far access; do know $circuit; done
claim "an access is open, for a minute" held access
claim "and so are circuits of the site" eval "held poll && held ring"
claim "while the centre is there nobody stops a circuit at the site" \
    eval '! there olga circuit stop poll --comment smoke 2>"$work/refused"'

# Cut off: the policy is none.
lab site cut sub-a
wait_for 20 cut_off
claim "the site knows that it is cut off" cut_off
claim "what the centre does not allow is refused" \
    eval '! there olga circuit stop poll --comment smoke 2>"$work/refused" && grep -q local-work "$work/refused"'
lab site restore sub-a
wait_for 30 back
settings '{"local-work": "disable", "local-work-hours": 2}' >"$work/set" 2>&1 || cat "$work/set"
allowed() { is_true '.policy == "disable"' there olga local list; }
wait_for 20 allowed

# Cut off: two circuits are stopped, and an access ends.
lab site cut sub-a
wait_for 20 cut_off
claim "an operator stops a circuit of the site" there olga circuit stop poll --comment "smoke in bay 3"
wait_for 10 gone poll
claim "and it is out of the nodes" gone poll
claim "security administration stops another one" there sam circuit stop ring --comment "odd traffic"
claim "an engineer does not" eval '! there erin circuit stop ring --comment mine 2>/dev/null'
claim "a circuit that leaves the site is not the site's to stop" \
    eval '! there olga circuit stop far --comment smoke 2>"$work/refused" && grep -q "not wholly" "$work/refused"'
claim "to build is more than the centre allows" \
    eval '! there olga local build poll --comment now 2>"$work/refused" && grep -q local-work "$work/refused"'
claim "the journal says by whom and by which right" \
    journalled local.stopped '.actor == "olga" and .body.role == "OPERATOR" and .body.right == "certificate" and
        .body["cut-off"] and .body["based-on"] > 0'
wait_for 90 gone access
claim "the access has ended there" gone access
wait_for 20 journalled circuit.expired '.body.circuit == "access"'
claim "the journal says so" journalled circuit.expired '.body.circuit == "access"'
lab site kill sub-a controller
lab site start sub-a controller
wait_for 30 there olga whoami
same_as_before() { gone access && gone poll && works poll '.state == "holds"' there && held far; }
wait_for 20 same_as_before
claim "a new controller of the site, cut off, puts nothing of it in again" same_as_before

# Meanwhile the centre wants one of them gone.
teardown=$(as erin circuit teardown ring --until submitted --json | jq .id)
approvable_down() { is_true '[.step[].state | select(. == "waiting")] | length > 0' as erin work show "$teardown"; }
wait_for 20 approvable_down
as olga work approve "$teardown" --yes >/dev/null 2>&1
as sam work approve "$teardown" --yes >/dev/null 2>&1
unwanted() { is_true '.status.phase == "removing" or .status.phase == "reserved" or .status.phase == "proposed"' as erin circuit show ring; }
wait_for 20 unwanted
claim "the centre takes down what the site has stopped" unwanted

lab site restore sub-a
wait_for 30 back
wait_for 20 exception as local-work 2
claim "the centre is told of both, as exceptions with who and why" exception as local-work 2
told() { is_true '.exceptions[] | select(.kind == "local-work" and (.text | test("olga.*poll.*smoke in bay 3")))' as olga exception list; }
claim "who and why are in it" told
wait_for 20 exception as local-conflict
claim "the conflict is an exception, at the centre" exception as local-conflict
wait_for 20 exception there local-conflict
claim "and at the site" exception there local-conflict
wait_for 20 works ring '.state == "over" and .reason == "conflict" and .ended.reason == "conflict"' as
claim "the centre won, as the policy says, and an event of the site says so" \
    works ring '.state == "over" and .reason == "conflict" and .ended.reason == "conflict"' as
claim "what nobody contradicted holds on" works poll '.state == "holds" and .conflict == null' as
same() { [ "$(as olga local list --json | jq -S .works)" = "$(there olga local list --json | jq -S .works)" ]; }
wait_for 20 same
claim "both places say the same of all of it" same
id=$(as olga local list --json | jq '.works[] | select(.circuit == "poll").id')
claim "a person at the centre ends it" as olga local end "$id" --comment "all clear"
wait_for 20 held poll
claim "and the circuit is in the nodes again" held poll
wait_for 20 same
claim "which both places say, too" same
expired_once() { is_true '[.events[]] | length == 1' there olga journal list --type circuit.expired --limit 1000; }
claim "the access ended once" expired_once
claim "and stays out" gone access

# Who cannot wait for the centre, and says so; and a circuit is built, for which two are needed.
settings '{"local-work": "all", "local-work-hours": 2}' >"$work/set" 2>&1 || cat "$work/set"
all_allowed() { is_true '.policy == "all"' there olga local list; }
wait_for 20 all_allowed
claim "even though the centre is there, who says so stops a circuit" \
    there olga circuit stop poll --comment drill --even-if-connected
wait_for 10 gone poll
claim "and it is out of the nodes" gone poll
claim "the journal says that the site was not cut off" \
    journalled local.stopped '.body.comment == "drill" and .body["cut-off"] == false'
claim "the same person resumes it" there olga circuit resume poll --comment "drill is over"
wait_for 10 held poll
claim "and it is in the nodes again" held poll
claim "there is nothing more to resume" eval '! there olga circuit resume poll --comment again 2>"$work/refused" && grep -q "no local work" "$work/refused"'
circuit spare '{ip: {client: "eng-a", server: "relay-a2", protocol: "tcp", "server-ports": [102]}}'
as erin circuit build spare --until submitted >"$work/spare"
wait_for 30 known_there spare reserved
claim "a circuit is reserved, and nobody has agreed to it" known_there spare reserved
know spare
lab site cut sub-a
wait_for 20 cut_off
claim "without a comment nothing is built" eval '! there olga local build spare 2>"$work/refused" && grep -q -- --comment "$work/refused"'
claim "for longer than the centre allows neither" \
    eval '! there olga local build spare --comment needed --hours 3 2>"$work/refused" && grep -q "1 to 2" "$work/refused"'
there olga local build spare --comment "needed now" --hours 1 --json >"$work/proposed"
id=$(jq .id "$work/proposed") hash=$(jq -r .hash "$work/proposed")
claim "an operator proposes to build it" eval '[ "$(jq -r .state "$work/proposed")" = waiting ] && gone spare'
claim "who does not decide on security does not agree" eval '! there olga local agree "$id" --hash "$hash" 2>/dev/null'
claim "nor does anybody to something else" \
    eval '! there sam local agree "$id" --hash 0123 2>"$work/refused" && grep -q "not the hash" "$work/refused"'
claim "security administration agrees to what was looked at" there sam local agree "$id" --hash "$hash"
wait_for 10 held spare
claim "it is in the nodes" held spare
listed() { there olga local list | grep "$id" | grep -q 'build .*spare .*holds .*olga .*sam '; }
claim "the list shows who" listed
lab site restore sub-a
wait_for 30 back
wait_for 20 same
claim "both places say the same of it" same
claim "it stays when the centre is back" held spare
claim "until somebody at the site ends it" there olga local end "$id" --comment "no longer needed"
wait_for 10 gone spare
claim "which takes it out" gone spare
finish

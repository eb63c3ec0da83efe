#!/bin/bash
# The control centre's disk is replaced: its journal is another one, and empty. The substations' nodes keep what they
# have until a person says, at each of them, that what the centre wants now is meant so (doc/sync.md).
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/sites.sh"

run=/run/tieline-lab/$name
journals=$run/journal
# What the nodes hold, by themselves: nobody has to be connected to them.
tables() { # NODE...
    local node what
    for node; do
        for what in flows groups meters; do
            ovs-ofctl -O OpenFlow13 "dump-$what" "unix:$run/control/$node.of" 2>&1 |
                sed 's/duration=[^,]*, //; s/n_packets=[0-9]*, n_bytes=[0-9]*, //; s/(xid=[^)]*)//' | sort | sed "s/^/$node $what /"
        done
    done
}
unchanged() { tables a1 a2 a3 b1 >"$work/now" && cmp -s "$work/before" "$work/now"; }
changed() { ! unchanged; }
site_a_only() { # what changed is in its tables
    tables b1 >"$work/b1" && grep '^b1 ' "$work/before" | cmp -s - "$work/b1" && changed
}
passes() { lab exec eng-a timeout 5 bash -c "exec 3<>/dev/tcp/10.20.0.11/$1" 2>"$work/connect"; }
stopped() { ! passes "$1"; }
at_b() { # PERSON ARGUMENT...
    local person=$1
    shift
    lab exec sub-b env TIELINE_URL=https://10.255.2.1:8443 TIELINE_CERT="$pki/$person.pem" \
        TIELINE_KEY="$pki/$person.key" "$bin/tieline" "$@"
}
names_file() { # WHERE SITE: an open exception says which file is to be removed
    is_true "[.exceptions[] | select(.kind == \"journal-replaced\" and .object == \"journal/control-centre\" and
        .severity == \"critical\" and (.text | endswith(\"until somebody removes the file $(reset_of "$2")\")))] | length == 1" \
        "$1" olga exception list
}
reset_of() { echo "$journals/$1.db.sites/control-centre.reset"; } # SITE
marked() { [ -s "$journals/$1.db.sites/control-centre.complete" ]; } # SITE: it knew all of it once
absent_of() { is_true "[.nodes[] | select(.live.state == \"absent\" and .site == \"$1\")] | length == $2" as erin node list; }

up
lab services start >"$work/services" 2>&1
circuit poll '{ip: {client: "eng-a", server: "rtu-a", protocol: "tcp", "server-ports": [502]}}'
circuit ring '{ip: {client: "eng-a", server: "relay-a1", protocol: "tcp", "server-ports": [102]}}'
circuit far '{ip: {client: "fep", server: "rtu-b", protocol: "tcp", "server-ports": [2404]}}'
build poll ring far
wait_for 40 active poll
wait_for 40 active far
claim "the circuits are built" eval "active poll && active ring && active far"
wait_for 20 passes 502
claim "and traffic passes" passes 502
claim "both sites knew all of it once" eval "marked sub-a && marked sub-b"
tables a1 a2 a3 b1 >"$work/before"

lab controller kill
rm -rf "$journals"/control-centre.db*
lab controller start
wait_for 30 as erin whoami
empty() { is_true '.nodes == []' as erin node list; }
claim "the centre begins anew, and knows nothing" empty
wait_for 60 names_file there sub-a
wait_for 60 names_file at_b sub-b
claim "each site says that it is another journal, and names the file that holds it back" \
    eval "names_file there sub-a && names_file at_b sub-b"
claim "which is there" eval "[ -f '$(reset_of sub-a)' ] && [ -f '$(reset_of sub-b)' ]"
at_both_ends() { names_file as sub-a && names_file as sub-b; }
wait_for 30 at_both_ends
claim "the centre has these exceptions, too" at_both_ends
kept=$(ls "$journals"/sub-a.db.sites/control-centre-*.kept.db 2>/dev/null)
claim "what was known of the old journal is kept, and verifies" "$bin/tieline" journal verify --file "$kept"
claim "the nodes hold what they held, rule for rule" unchanged

# What the centre wants now is another thing. It waits for the sites.
as erin inventory import "$root"/lab/data/inventory/*.csv >"$work/import" 2>&1 || cat "$work/import"
circuit ring '{ip: {client: "eng-a", server: "relay-a1", protocol: "tcp", "server-ports": [102]}}'
build ring
held_back() { is_true '.step[] | select(.name == "push") | .error != null' as erin work show "$order"; }
wait_for 30 held_back
held_back || as erin work show "$order" --json | jq -c ".step[]" | sed "s/^/# /"
claim "a circuit is ordered anew, and waits for the site" held_back
claim "whose nodes are not taken for connected" eval "absent_of sub-a 3 && absent_of sub-b 2"
claim "the nodes hold what they held" unchanged
claim "and pass what they passed" passes 502
lab site kill sub-a controller
lab site start sub-a controller
wait_for 30 there olga whoami
level() { is_true '.peers[0].state == "level"' there olga site peers; }
wait_for 30 level
sleep 3 # nodes would be back by then
claim "a new controller of the site, which hears the centre, is held back, too" eval "unchanged && absent_of sub-a 3"

rm "$(reset_of sub-a)"
wait_for 60 active ring
claim "the person removes the file: the site builds what the centre wants" active ring
wait_for 30 stopped 502
claim "and takes away what it does not want any more" stopped 502
claim "at that site, and not at the other" site_a_only
poll_rules() { tables a1 a2 a3 | grep -c 'tp_dst=502'; }
claim "nothing of it is left" eval '[ "$(poll_rules)" = 0 ]'
know ring
claim "what is wanted is held" held ring
far_is_there() { tables b1 | grep -q 'tp_dst=2404'; }
claim "the other still has its part of the third" far_is_there
rm "$(reset_of sub-b)"
far_is_gone() { ! far_is_there; }
wait_for 30 far_is_gone
claim "until its file is removed" far_is_gone
wait_for 30 adopted
claim "all nodes have their controllers again" adopted
finish

# Three controllers, each with the nodes of its own sites; a circuit through two of them.
# shellcheck shell=bash disable=SC2154

"${lab[@]}" up 2>"$work/up.err" || give_up "the lab does not come up: $(tail -n 3 "$work/up.err")"
"${lab[@]}" controller start
until_true 30 as erin whoami || give_up "the API does not answer"
as erin inventory import "$here"/data/inventory/*.csv --json >"$work/import.json" || say "$(cat "$work/import.json")"
adopted() { [ "$(as erin node list --json | field '[.nodes[] | select(.live.state == "adopted")] | length')" = "$n_nodes" ]; }
until_true 60 adopted
claim "all nodes are adopted, each by the controller of its site" "$n_nodes nodes, 3 controllers" adopted
n_links=$(as erin link list --json | field '.links | length')
links_up() { [ "$(as erin link list --json | field '[.links[] | select(.live.state == "up")] | length')" = "$n_links" ]; }
until_true 30 links_up
claim "the links are seen, those between sites too" "$n_links links up" links_up

at_site() { # SITE PERSON ARGUMENT...: of tieline, at the site's own controller
    local site=$1 person=$2 number
    shift 2
    case $site in sub-a) number=1 ;; *) number=2 ;; esac
    at "$site" env TIELINE_URL=https://10.255.$number.1:8443 TIELINE_CA="$run/pki/ca.pem" \
        TIELINE_CERT="$run/pki/$person.pem" TIELINE_KEY="$run/pki/$person.key" "$TIELINE_BIN/tieline" "$@"
}
own_nodes() { [ "$(at_site sub-a vic node list --json | field '[.nodes[] | select(.live.state == "adopted").name] | join(" ")')" = "a1 a2 a3" ]; }
until_true 10 own_nodes
claim "a substation's own controller serves the same API, for its own nodes" "a1 a2 a3 adopted there" own_nodes

as erin circuit create -f "$here/circuits/stream-a.json" >/dev/null || say "stream-a is refused"
build stream-a || say "stream-a cannot be approved"
until_true 90 order_is "$order" "done"
claim "a circuit through two controllers is designed, approved, built, tested" \
    "$(as erin circuit show stream-a --json | field '.status.design.primary.links | join(" > ")')" order_is "$order" "done"
proved() { as erin network prove >"$work/proved"; }
until_true 10 proved
claim "what all nodes hold is proved, each controller's part by itself" "$(tail -n 1 "$work/proved")" proved

# ---- Words of the next parts ----

own_journal() { echo "$run/journal/$1.db"; }
copy_of() { echo "$run/journal/control-centre.db.sites/$1.db"; }  # at the centre
centre_at() { echo "$run/journal/$1.db.sites/control-centre.db"; } # at a site
ask_file() { sqlite3 -readonly "file:$1?mode=ro" "$2" 2>/dev/null; }
head_of() { ask_file "$1" "SELECT max(seq) FROM event"; }
hash_at() { ask_file "$1" "SELECT hex(hash) FROM event WHERE seq = $2"; }
peer_state() { as vic site peers --json | field ".peers[] | select(.site == \"$1\").state"; }
is_away() { [ "$(peer_state "$1")" = away ]; }
answers() { case $(peer_state "$1") in level | behind) ;; *) return 1 ;; esac; }

# has_events ORIGIN COPY SEQ: is the copy that far?
has_events() { [ "$(head_of "$2")" -ge "$3" ] 2>/dev/null; }

# Every event of the origin is in the copy once, and the same: by count, by hash, by what the load numbered.
same_events() { # ORIGIN COPY SEQ
    [ "$(hash_at "$1" "$3")" = "$(hash_at "$2" "$3")" ] && [ -n "$(hash_at "$1" "$3")" ] &&
        [ "$(ask_file "$2" "SELECT count(*) FROM event WHERE seq <= $3")" = "$3" ] &&
        [ "$(ask_file "$2" "SELECT count(*) - count(DISTINCT json_extract(body, '\$.pid') || '/' || json_extract(body, '\$.number')) FROM event WHERE type = 'test.event'")" = 0 ]
}

# caught_up SITE BEGUN WHAT: the centre gets level with what the site has now, and the other way round; two claims.
caught_up() {
    local site=$1 begun=$2 what=$3 origin copy seq took back
    origin=$(own_journal "$site") copy=$(copy_of "$site")
    seq=$(head_of "$origin")
    back=$(head_of "$(own_journal control-centre)")
    until_true 60 has_events "$origin" "$copy" "$seq"
    took=$(($(now_ms) - begun))
    claim "$what: the centre has every event of $site, once, by count and by hash" \
        "$seq events, level $took ms after" same_events "$origin" "$copy" "$seq"
    until_true 30 has_events "$(own_journal control-centre)" "$(centre_at "$site")" "$back"
    claim "$what: and $site every event of the centre" "$back events" \
        same_events "$(own_journal control-centre)" "$(centre_at "$site")" "$back"
}

traffic() { stream "traffic-$1"; } # NAME: 1,000 packets a second by the circuit, until ...
no_packet_lost() { # NAME WHAT
    sleep 1
    end "$sender"
    wait "$receiver"
    unharmed() { [ "$(last "traffic-$1" | field '.lost == 0 and .received > 2000')" = true ]; }
    claim "$2: the circuit's traffic is unharmed" \
        "$(last "traffic-$1" | field '"\(.received) packets, \(.lost) lost"')" unharmed "$1"
}
sleep 3
caught_up sub-a "$(now_ms)" "at rest under $LAB_EVENTS events/s"
caught_up sub-b "$(now_ms)" "at rest under $LAB_EVENTS events/s"

# Strangers, stolen and stale identities, an order that comes again, a journal that was forged, a token that nobody
# has signed: each is refused, and the journal says so.
# shellcheck shell=bash disable=SC2154

hostile() { # HOST ARGUMENT...
    local host=$1
    shift
    at "$host" python3 "$here/tools/hostile.py" "$@"
}
bus=$run/bus
reload_hub() { kill -HUP "$(cat "$run/pid/broker-control-centre")" && sleep 1; }
stranger_is() { # SITE OPTION...: is enrolled at the hub, with keys in $work/SITE
    local site=$1 asked
    shift
    asked=$("$TIELINE_BIN/tieline" site request --dir "$work/$site" --name "$site" --json)
    "$TIELINE_BIN/tieline" site enrol "$(jq -r .request <<<"$asked")" --dir "$bus/control-centre" \
        --out "$work/$site.bundle" --fingerprint "$(jq -r .fingerprint <<<"$asked")" "$@" >>"$work/enrol.log" 2>&1
    "$TIELINE_BIN/tieline" site install "$work/$site.bundle" --dir "$work/$site" \
        --fingerprint "$("$TIELINE_BIN/tieline" site enrolled --dir "$bus/control-centre" --json | jq -r .fingerprint)" \
        >>"$work/enrol.log" 2>&1
    reload_hub
}
since() { head_of "$(own_journal "$1")"; } # SITE: its last event
# The last event of a type after SEQ of which the body is as the filter says, at the centre or a site; fails if there is none.
told_at() { # SITE SEQ TYPE FILTER
    local ask=(as ada)
    [ "$1" = control-centre ] || ask=(at_site "$1" ada)
    "${ask[@]}" journal list --from $(($2 + 1)) --type "$3" --limit 1000 --json |
        jq -ce "[.events[] | select(.body | $4) | {seq, body}] | last // empty"
}
evidence() { # as told_at: the event in words
    told_at "$@" | jq -r '"event \(.seq): \(.body | del(.["left-out"]) | map(tostring | select(. != "")) | join(", "))"' | cut -c1-150
}
# refused_and_told TEXT SITE TYPE FILTER COMMAND...: the command is refused, and the site's journal has it after that.
refused_and_told() {
    local text=$1 site=$2 type=$3 filter=$4 why seq
    shift 4
    seq=$(since "$site")
    if why=$("$@" 2>&1) && until_true 30 told_at "$site" "$seq" "$type" "$filter"; then
        ok "$text" "${why:0:90}; $(evidence "$site" "$seq" "$type" "$filter")"
    else
        not_ok "$text" "${why:0:200}"
    fi
}
hub_link=10.254.0.1
hub_says() { grep -o 'x509: .*' "$run/log/broker-control-centre.log" | tail -n 1; }
hub_means() { hub_says | grep -q "$1"; }
# knock_tls WHY HOST IDENTITY: is refused, and the hub's own log says WHY, which it tells nobody else.
knock_tls() {
    hostile "$2" knock "$hub_link" 7422 "$3" >/dev/null || return 1
    until_true 5 hub_means "$1"
    hub_says
    hub_means "$1"
}

"$TIELINE_BIN/tieline" site init --dir "$work/evil" --hub "$hub_link:7422" >/dev/null
asked=$("$TIELINE_BIN/tieline" site request --dir "$work/evil-site" --name sub-a --json)
evil=$("$TIELINE_BIN/tieline" site enrol "$(jq -r .request <<<"$asked")" --dir "$work/evil" --out "$work/evil.bundle" \
    --fingerprint "$(jq -r .fingerprint <<<"$asked")" --json | jq -r .fingerprint)
"$TIELINE_BIN/tieline" site install "$work/evil.bundle" --dir "$work/evil-site" --fingerprint "$evil" >/dev/null
cp "$bus/sub-a/current/ca.pem" "$work/evil-site/current/ca.pem" # it believes the hub; the hub does not believe it
# The centre's controller tells of whom the hub has turned away since it asked that for the first time.
begun=$(since control-centre)
looks() {
    hostile ctl knock 127.0.0.1 7422 "$work/evil-site"
    sleep 1
    told_at control-centre "$begun" bus.refused '.address == "127.0.0.1"'
}
until_true 60 looks
refused_and_told "a certificate of another authority is refused at the hub, and recorded" control-centre bus.refused \
    '.what == "stranger" and .address == "10.254.1.2" and .who == ""' knock_tls "unknown authority" sub-a "$work/evil-site"
refused_and_told "the certificate, claims and keys of sub-b from the network of sub-a" control-centre bus.refused \
    '.what == "stranger" and .who == "sub-b"' hostile sub-a knock "$hub_link" 7422 "$bus/sub-b"

stranger_is sub-old --valid 1s
refused_and_told "a certificate that has expired" control-centre bus.refused \
    '.what == "stranger" and (.reason | test("TLS"))' knock_tls expired sub-b "$work/sub-old"

stranger_is sub-out
was_in() { ! hostile sub-b knock "$hub_link" 7422 "$work/sub-out"; }
claim "a site that was enrolled a moment ago is let in" "sub-out" was_in
"$TIELINE_BIN/tieline" site revoke sub-out --dir "$bus/control-centre" >/dev/null
reload_hub
refused_and_told "once it is revoked its certificate is refused" control-centre bus.refused \
    '.what == "stranger" and (.reason | test("TLS"))' knock_tls "unknown authority" sub-b "$work/sub-out"
refused_and_told "and its claims, with a certificate that is good" control-centre bus.refused \
    '.what == "stranger" and .who == "sub-out"' hostile sub-b knock "$hub_link" 7422 "$bus/sub-b" "$work/sub-out"

# Somebody at sub-a hears an order of the centre, and sends it once more, as the centre.
spawn heard sub-a python3 "$here/tools/hostile.py" hear 4222 "$bus/sub-a" "site.sub-a.from.control-centre.lan.repair" "$work/order"
hearing=$spawned
until_true 10 grep -q ready "$work/heard"
as erin node repair a2 >/dev/null || say "a2 cannot be repaired"
as erin node repair a2 >/dev/null || say "a2 cannot be repaired"
until_true 20 test -s "$work/order" || say "no order was heard"
end "$hearing"
refused_and_told "an order to a site that is sent a second time, with the centre's own claims, is not taken" sub-a \
    bus.refused '.what == "order"' hostile ctl say 4222 "$bus/control-centre" "$work/order"

# From here on the centre countersigns what sub-b's journal is, and takes log-ins by an identity provider.
for site in control-centre sub-b; do
    openssl genpkey -algorithm ed25519 -out "$work/$site.sign" 2>/dev/null
    "$TIELINE_BIN/tieline" content key --secret "$work/$site.sign" --signer "$site" >>"$work/keys"
done
b64() { base64 -w0 | tr '+/' '-_' | tr -d =; }
issuer=https://10.255.0.1:1 # nobody answers there; its keys are known from before
cat >"$work/oidc.json" <<JSON
{"issuer": "$issuer", "client-id": "tieline", "person": "preferred_username", "cache": "provider.json",
 "groups": "groups", "map": {"everybody": {"roles": ["SECADM"]}}}
JSON
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null | openssl pkey -pubout -outform DER | tail -c 64 >"$work/point"
jq -n --arg issuer "$issuer" --arg now "$(date -u +%FT%TZ)" --arg x "$(head -c 32 "$work/point" | b64)" --arg y "$(tail -c 32 "$work/point" | b64)" \
    '{issuer: $issuer, fetched: $now, configuration: {issuer: $issuer},
      keys: {keys: [{kty: "EC", crv: "P-256", alg: "ES256", use: "sig", kid: "1", x: $x, y: $y}]}}' >"$work/provider.json"
sign_as() { echo "--checkpoint-key $work/$1.sign --checkpoint-every 1s --witness-keys $work/keys"; }
"${lab[@]}" site stop control-centre controller
"${lab[@]}" site stop sub-b controller
LAB_OPTIONS="$(sign_as control-centre) --oidc $work/oidc.json" "${lab[@]}" site start control-centre controller
LAB_OPTIONS=$(sign_as sub-b) "${lab[@]}" site start sub-b controller
countersigned() { at_site sub-b ada journal checkpoint --json | jq -e '.witnesses[] | select(.state == "countersigned")'; }
until_true 60 countersigned
# It is so of one checkpoint, and a second later there is another.
claim "the centre countersigns the journal of sub-b" "$(at_site sub-b ada journal checkpoint --json | field '"\(.events) events"')" \
    until_true 20 countersigned

first=$(($(at_site sub-b ada journal checkpoint --json | field .events) - 1500)) # before the last that was countersigned
"${lab[@]}" site stop sub-b controller
db=$(own_journal sub-b)
cp "$db" "$work/good.db"
cp "$db.checkpoints" "$work/good.checkpoints"
forge() {
    python3 "$here/tools/hostile.py" forge "$db" "$first" && rm -f "$db.checkpoints" &&
        "$TIELINE_BIN/tieline" journal verify --file "$db" >>"$work/claims.log" 2>&1 && LAB_OPTIONS=$(sign_as sub-b) "${lab[@]}" site start sub-b controller
}
refused_and_told "a journal of a site that was forged, its hashes, too, is not countersigned" control-centre \
    checkpoint.refused '.origin | test("sub-b")' forge
raised_at_all() { as vic exception list --json | jq -e '.exceptions[] | select(.kind == "checkpoint-refused" and .object == "journal/sub-b")'; }
until_true 10 raised_at_all
claim "and is an exception in the centre" "$(raised_at_all | jq -r .text | head -n 1 | cut -c1-120)" raised_at_all
"${lab[@]}" site stop sub-b controller
rm -f "$db" "$db"-wal "$db"-shm "$db.checkpoints"
cp "$work/good.db" "$db"
cp "$work/good.checkpoints" "$db.checkpoints"
LAB_OPTIONS=$(sign_as sub-b) "${lab[@]}" site start sub-b controller
until_true 60 countersigned
claim "the one that it was is countersigned again" "$(at_site sub-b ada journal checkpoint --json | field '"\(.events) events"')" \
    until_true 20 countersigned

token() { # a token of that provider, in all but the signature
    printf '%s.%s.' "$(printf '{"alg":"none","typ":"JWT"}' | b64)" "$(jq -cn --arg issuer "$issuer" --argjson now "$(date +%s)" \
        '{iss: $issuer, aud: "tieline", sub: "mallory", preferred_username: "mallory", groups: ["everybody"],
          iat: $now, nbf: $now, exp: ($now + 600)}' | b64)"
}
log_in() {
    at ctl curl -sS --cacert "$run/pki/ca.pem" -H 'Content-Type: application/json' \
        -d "{\"token\": \"$(token)\", \"nonce\": \"$(openssl rand -hex 16)\"}" \
        https://10.255.0.1:8443/api/v1/session >"$work/log-in"
    jq -r '"\(.status): \(.detail)"' "$work/log-in"
    jq -e '.status == 401' "$work/log-in" >/dev/null
}
refused_and_told "a token that says it is signed by nobody (alg none) opens no session" control-centre access.denied \
    '.reason | test("none")' log_in
until_true 30 answers sub-b
until_true 60 adopted

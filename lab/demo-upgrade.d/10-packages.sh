# Packages of this version and of the next, signed; what is not as it was signed is refused before it is used.
# shellcheck shell=bash disable=SC2154

count=$(git -C "$root" rev-list --count HEAD)
version=0.1.0+$count next=0.1.1+$((count + 1))
for who in release stranger; do
    openssl genpkey -algorithm ed25519 -out "$work/$who.key" 2>>"$work/claims.log"
done
say "building packages of $version and $next; the first time that takes minutes"
make_packages() { # DIRECTORY VERSION RELEASE
    "$root/tools/packages" --out "$work/$1" --version "$2" --release "$3" \
        --secret "$work/release.key" --signer releases.example >"$work/$1.log" 2>&1
}
make_packages debs "$version" "$count" || give_up "$(tail -n 3 "$work/debs.log")"
make_packages debs-next "$next" $((count + 1)) || give_up "$(tail -n 3 "$work/debs-next.log")"

# Everything from here on is done by what the packages have.
for side in debs debs-next; do
    mkdir "$work/tree-$side"
    for deb in "$work/$side"/*.deb; do dpkg-deb -x "$deb" "$work/tree-$side"; done
done
old_bin=$work/tree-debs/usr/bin new_bin=$work/tree-debs-next/usr/bin
export TIELINE_BIN=$old_bin
"$old_bin/tieline" content key --secret "$work/release.key" --signer releases.example >"$work/trust"
verify() { "$old_bin/tieline" content verify "$1" --trust "$work/trust" --name tieline --least "$count"; }
verified() { verify "$work/debs" && verify "$work/debs-next"; }
claim "packages of two versions are signed, and verified before they are used" "$(verify "$work/debs-next" 2>&1 | sed 's/.*: //')" verified

cp -r "$work/debs-next" "$work/bad"
bad=$(echo "$work/bad"/tieline-edge_*.deb)
size=$(stat -c %s "$bad")
printf '\xff' | dd of="$bad" bs=1 seek=$((size / 2)) conv=notrunc status=none
cmp -s "$bad" "$work/debs-next/$(basename "$bad")" && printf '\x00' | dd of="$bad" bs=1 seek=$((size / 2)) conv=notrunc status=none
claim "one octet of a package that is another is found" "$(verify "$work/bad" 2>&1 | sed 's/.*: \(tieline-edge\)/\1/')" eval '! verify "$work/bad"'
older() { ! "$old_bin/tieline" content verify "$work/debs" --trust "$work/trust" --least $((count + 1)); }
claim "an older release is refused" "" older
"$old_bin/tieline" content sign "$work/bad" --secret "$work/stranger.key" --signer releases.example --name tieline --version "$next" \
    --release $((count + 1)) >>"$work/claims.log"
claim "another key's signature under the same name is refused" "$(verify "$work/bad" 2>&1 | sed 's/.*: //')" eval '! verify "$work/bad"'

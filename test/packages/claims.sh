# claims.sh - for the tests of packages: claims, each with what its command said if it fails. `work` is a directory of ours.
# shellcheck shell=bash

work=$(mktemp -d)
claims=0 failed=0

claim() { # TEXT COMMAND...
    local text=$1
    shift
    claims=$((claims + 1))
    if "$@" >"$work/said" 2>&1; then
        echo "ok $claims - $text"
    else
        failed=$((failed + 1))
        echo "not ok $claims - $text"
        sed 's/^/#   /' "$work/said" | tail -n 12
    fi
}

say_result() {
    echo "1..$claims"
    [ $failed = 0 ]
}

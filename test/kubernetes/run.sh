#!/bin/sh
# The Kubernetes manifests, checked. The API's types are installed beside the build, by the lock file; without Node or npm, or where
# they cannot be fetched, this is skipped, loudly.
#
# Usage: run.sh DIRECTORY-OF-PROGRAMS
set -eu

here=$(cd "$(dirname "$0")" && pwd)
modules=$(cd "$1" && pwd)/../kubernetes-modules

skip() {
    echo "SKIP: $1" >&2
    exit 77
}

command -v node >/dev/null || skip "there is no node"
if ! cmp -s "$here/package-lock.json" "$modules/installed"; then
    command -v npm >/dev/null || skip "there is no npm"
    mkdir -p "$modules"
    cp "$here/package.json" "$here/package-lock.json" "$modules"
    (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
        skip "npm cannot install kubernetes-models: $(tail -n 1 "$modules/npm.log")"
    cp "$here/package-lock.json" "$modules/installed"
fi
exec node "$here/check.mjs" "$here/../../packaging/kubernetes" "$modules"

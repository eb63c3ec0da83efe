#!/bin/sh
# FRR's own parser takes every line that our templates and their changes make (vtysh without daemons).
cd "$(dirname "$0")" || exit 1
command -v vtysh >/dev/null || {
    echo "SKIPPED: vtysh is not here (package frr)"
    exit 77
}
for file in *.conf.txt; do
    lines=$(mktemp)
    grep -v '^#' "$file" >"$lines"
    if ! said=$(vtysh -C -f "$lines" 2>&1) || echo "$said" | grep -q '%'; then
        echo "$file: $said"
        rm -f "$lines"
        exit 1
    fi
    rm -f "$lines"
    echo "ok: $file"
done

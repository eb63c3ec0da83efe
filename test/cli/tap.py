"""What a test in Python says: a line of TAP for each claim, and what was seen where one does not hold."""

import sys

claims = failed = 0


def check(text, holds, seen=""):
    """`seen`: whatever helps to see why it does not hold; a function is called for it only then. Says whether it holds."""
    global claims, failed
    claims += 1
    print(f"{'ok' if holds else 'not ok'} {claims} - {text}", flush=True)
    if not holds:
        failed += 1
        note(seen() if callable(seen) else seen)
    return bool(holds)


def note(text):
    for line in str(text).splitlines():
        print(f"#   {line}", flush=True)


def skip(why):
    """The whole test, before its first claim."""
    print(f"1..0 # SKIP {why}", file=sys.stderr)
    sys.exit(77)


def finish():
    print(f"1..{claims}")
    sys.exit(1 if failed or not claims else 0)

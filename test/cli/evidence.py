#!/usr/bin/env python3
"""Checkpoints and evidence of a journal, as an auditor would check them: by `tieline`, and again by
what the formats say (RFC 6962, signed notes) with nothing but hashlib and openssl. Prints a line per
claim.

Usage: evidence.py DIRECTORY-OF-PROGRAMS [JOURNAL]"""

import base64
import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

from tap import check, finish

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TIELINE = pathlib.Path(sys.argv[1]).resolve() / "tieline"
JOURNAL = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "fuzz/corpus/journal/events-40")
work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, cwd=here, timeout=120)


def tieline(*args):
    return run(TIELINE, "journal", *args)


def key(name):
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", f"{name}.key")
    run("openssl", "pkey", "-in", f"{name}.key", "-pubout", "-out", f"{name}.pub")


# ---- What the formats say, without a line of Tieline's

def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def signed(note, name, public):
    """Does the note have a signature of this name and key?"""
    text, _, signatures = note.partition("\n\n")
    text += "\n"
    (here / "text").write_text(text)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", here / public, "-outform", "DER"],
                         capture_output=True, check=True).stdout
    identity = hashlib.sha256(name.encode() + b"\n\x01" + der[-32:]).digest()[:4]
    for line in signatures.splitlines():
        dash, who, value = line.split(" ")
        value = base64.b64decode(value)
        (here / "signature").write_bytes(value[4:])
        if dash == "\u2014" and who == name and value[:4] == identity:
            return run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in",
                       "text", "-sigfile", "signature").returncode == 0
    return False


def included(evidence):
    """RFC 9162 section 2.1.3.2, of the event as it is written there."""
    origin, size, root = evidence["checkpoint"].split("\n")[:3]
    e = evidence["event"]
    texts = b"".join(struct.pack(">I", len(t.encode())) + t.encode()
                     for t in (e["site"], e["type"], e["object"], e["actor"], e["body"]))
    event = hashlib.sha256(b"TLE1" + struct.pack(">QQQ", e["seq"], e["epoch"], e["time-ns"]) +
                           base64.b64decode(e["prev-hash"]) + texts).digest()
    at, last = e["seq"] - 1, int(size) - 1
    value = hashlib.sha256(b"\x00" + event).digest()
    for step in map(base64.b64decode, evidence["inclusion"]):
        if at & 1 or at == last:
            value = node(step, value)
            while at and not at & 1:
                at >>= 1
                last >>= 1
        else:
            value = node(value, step)
        at >>= 1
        last >>= 1
    return last == 0 and value == base64.b64decode(root)


# ---- The claims

key("site")
key("centre")
key("stranger")
shutil.copy(JOURNAL, here / "journal.db")
own = ["--public", "site.pub", "--signer", "substation-a"]
result = tieline("checkpoint", "--file", "journal.db", "--secret", "site.key", "--name", "substation-a",
                 "--save", "note")
check("a checkpoint is signed", result.returncode == 0, result.stderr)
note = (here / "note").read_text()
events = int(note.split("\n")[1])
check("... as others read it", signed(note, "substation-a", "site.pub") and
      not signed(note, "substation-a", "stranger.pub"), note)

good = True
for seq in sorted({1, 2, events // 2, events - 1, events}):
    result = tieline("evidence", str(seq), "--file", "journal.db", "--checkpoint", "note", *own,
                     "--save", "evidence.json")
    evidence = json.loads((here / "evidence.json").read_text())
    good = good and result.returncode == 0 and included(evidence)
    result = tieline("check", "evidence.json", *own)
    good = good and result.returncode == 0 and f"event {seq} is in it" in result.stdout
check("evidence of events holds, for tieline and for who has only the formats", good, result.stderr)

evidence["event"]["actor"] = "mallory"
(here / "changed.json").write_text(json.dumps(evidence))
result = tieline("check", "changed.json", *own)
check("... and does not of an event that was changed",
      result.returncode == 1 and "is not in the journal" in result.stderr and
      not included(evidence), result.stderr)
result = tieline("check", "evidence.json", "--public", "stranger.pub", "--signer", "substation-a")
check("... nor by another key", result.returncode == 1 and "not signed by" in result.stderr,
      result.stderr)
result = tieline("evidence", str(events + 1), "--file", "journal.db", "--checkpoint", "note", *own)
check("... nor of what came later", result.returncode == 1 and "no event" in result.stderr,
      result.stderr)

# A witness signs what goes on from what it signed before, and nothing else.
result = tieline("evidence", "--file", "journal.db", "--checkpoint", "note", *own, "--save",
                 "first.json")
witness = [*own, "--secret", "centre.key", "--name", "centre"]
result = tieline("countersign", "first.json", *witness)
check("a witness does not sign what it cannot compare",
      result.returncode == 1 and "--first" in result.stderr, result.stderr)
result = tieline("countersign", "first.json", *witness, "--first", "--save", "older")
check("... but for the first time",
      result.returncode == 0 and signed((here / "older").read_text(), "centre", "centre.pub"),
      result.stderr)
result = tieline("evidence", "--file", "journal.db", "--checkpoint", "note", "--older", "older", *own,
                 "--save", "next.json")
result = tieline("countersign", "next.json", *witness, "--save", "both")
check("... and what goes on from there",
      result.returncode == 0 and signed((here / "both").read_text(), "centre", "centre.pub"),
      result.stderr)

# The journal is cut off, and written anew with another last event.
cut = here / "cut.db"
shutil.copy(JOURNAL, cut)
run("sqlite3", str(cut), f"DELETE FROM event WHERE seq = {events}")
result = tieline("evidence", "--file", "cut.db", "--checkpoint", "note", *own)
check("a journal that was cut off does not go with its checkpoint",
      result.returncode == 1 and "cut off" in result.stderr, result.stderr)
(here / "bad").write_text(note.replace("\n", "\n\n", 1))
result = tieline("evidence", "--file", "journal.db", "--checkpoint", "bad", *own)
check("a checkpoint that is none is named", result.returncode == 1 and "bad: " in result.stderr,
      result.stderr)
result = tieline("checkpoint", "--file", "journal.db", "--secret", "site.pub", "--name", "x")
check("so is a key that is none",
      result.returncode == 1 and "site.pub: not an Ed25519 private key" in result.stderr,
      result.stderr)
result = tieline("check", "evidence.json")
check("what is needed is said", result.returncode == 2 and "--public is needed" in result.stderr,
      result.stderr)

finish()

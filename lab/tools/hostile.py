#!/usr/bin/env python3
"""What a hostile site or stranger does, for lab/demo-sites: each of it by itself, with no code of the
product.

Usage: hostile.py knock HOST PORT IDENTITY [CREDENTIALS]   a link to the hub; says why it is refused, succeeds if it is
       hostile.py hear PORT IDENTITY SUBJECT FILE          as a site's tielined: takes down what has a session
       hostile.py say PORT IDENTITY FILE                   as a site's tielined: says it again
       hostile.py forge JOURNAL FIRST                      puts another name into event FIRST and makes all hashes anew
IDENTITY and CREDENTIALS: directories that `tieline site` has made."""

import hashlib
import json
import pathlib
import sqlite3
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "test/cli"))
from nats_peer import WAIT, Gone, Peer, Refused, creds  # noqa: E402


def files(identity, who):
    base = pathlib.Path(identity, "current")
    return {"ca": base / "ca.pem", "cert": base / f"{who}.pem", "key": base / f"{who}.key"}


def knock(host, port, identity, credentials=None):
    leaf = creds(pathlib.Path(credentials or identity, "current/leaf.creds"))
    try:
        Peer(int(port), files(identity, "server"), *leaf, leaf=True, source="", host=host).close()
    except (Refused, Gone) as error:
        print(str(error) or "closed")
        return 0
    print("let in")
    return 1


def tielined(port, identity):
    return Peer(int(port), files(identity, "client"), *creds(pathlib.Path(identity, "current/tielined.creds")))


def hear(port, identity, subject, file):
    peer = tielined(port, identity)
    peer.subscribe(subject)
    peer.sync()
    print("ready", flush=True)
    while True:
        peer.more(WAIT)
        for at, reply, payload, _ in peer.messages:
            if b'"session"' in payload:
                pathlib.Path(file).write_text(json.dumps([at, reply, payload.decode()]))
                return 0
        peer.messages.clear()


def say(port, identity, file):
    at, reply, payload = json.loads(pathlib.Path(file).read_text())
    peer = tielined(port, identity)
    peer.publish(at, payload.encode(), reply)
    peer.sync()
    print(at)
    return 0


def forge(journal, first):
    """As src/journal/event.h says that events are hashed."""
    db = sqlite3.connect(journal)
    name, = db.execute("SELECT site FROM journal").fetchone()
    rows = [list(r) for r in db.execute("SELECT * FROM event WHERE seq >= ? ORDER BY seq", (first,))]
    previous = rows[0][6]
    rows[0][5] = "mallory"
    db.execute("DELETE FROM event WHERE seq >= ?", (first,))
    for row in rows:
        row[6] = previous
        texts = b"".join(struct.pack(">I", len(t.encode())) + t.encode()
                         for t in (name, row[3], row[4], row[5], row[8]))
        row[7] = previous = hashlib.sha256(b"TLE1" + struct.pack(">QQQ", *row[:3]) + previous + texts).digest()
        db.execute("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?)", row)
    db.execute("UPDATE head SET hash = ?", (previous,))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    print(f"{len(rows)} events written anew")
    return 0


if __name__ == "__main__":
    sys.exit({"knock": knock, "hear": hear, "say": say, "forge": forge}[sys.argv[1]](*sys.argv[2:]))

"""What a program that knows nothing but RFC 8040 does: opens the stream of events and reads it; and yanglint as the
judge of what it gets."""

import http.client
import json
import pathlib
import socket
import subprocess
import tempfile
import threading

from instances import ROOT, wait_until

SCHEMA = ROOT / "schema"
PATHS = (SCHEMA, SCHEMA / "topology", ROOT / "test/wan/vpn/yang", "/usr/share/yuma/modules/ietf", "/usr/share/yang/modules/libyang",
         "/usr/share/yang")


def yanglint(document, *modules, kind="data"):
    """What yanglint says against the document; "": nothing."""
    paths = [x for path in PATHS for x in ("-p", str(path))]
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory, "document.json")
        file.write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run(["yanglint", *paths, "-t", kind, *map(str, modules), str(file)], capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def wrong_with(notification):
    """What is wrong with a notification of the stream (RFC 8040 section 6.4); "": nothing."""
    envelope = notification.get("ietf-restconf:notification", {})
    payload = {name: value for name, value in envelope.items() if name != "eventTime"}
    if set(notification) != {"ietf-restconf:notification"} or "eventTime" not in envelope or len(payload) != 1:
        return f"no notification with eventTime and one payload: {notification}"
    return yanglint(payload, SCHEMA / "tieline-events.yang", kind="notif")


class Stream:
    """Server-sent events of an instance's /restconf/streams/events, read in the background."""

    def __init__(self, instance, query=""):
        self.notifications, self.fields = [], set()
        self.connection = http.client.HTTPSConnection("127.0.0.1", instance.port, context=instance.tls)
        self.connection.request("GET", f"/restconf/streams/events{query}", headers={"Accept": "text/event-stream"})
        self.answer = self.connection.getresponse()
        self.type = self.answer.getheader("Content-Type")
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        data = []
        try:
            for line in self.answer:
                field, _, value = line.decode().rstrip("\r\n").partition(":")
                if field == "data":
                    data.append(value.removeprefix(" "))
                elif field:
                    self.fields.add(field)
                elif not value and data:
                    self.notifications.append(json.loads("\n".join(data)))
                    data = []
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # closed

    def of(self, name, **wanted):
        """Payloads of that name whose members are as wanted."""
        payloads = [x.get("ietf-restconf:notification", {}).get(f"tieline-events:{name}") for x in list(self.notifications)]
        return [x for x in payloads if x and all(x.get(k) == v for k, v in wanted.items())]

    def wait(self, name, seconds=30, **wanted):
        return wait_until(lambda: self.of(name, **wanted), seconds) or []

    def wrong(self):
        """Of all that came so far."""
        return [text for text in map(wrong_with, list(self.notifications)) if text]

    def close(self):
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            pass
        self.connection.close()

"""HTTP/1: start lines, hosts, programs, types and lengths, challenges; who logs in with Basic credentials."""
import base64
import re

from readings import numbers, own, tshark

FOLDER = ["it", "modbus"]  # of the captures
MARK = b"HTTP/1."
NUMBERS = ("http.response.code", "http.content_length_header")
TEXTS = ("http.request.method", "http.request.uri", "http.host", "http.user_agent", "http.server", "http.content_type", "http.location",
         "http.transfer_encoding", "http.content_encoding")
OURS = ("method", "target", "host", "user-agent", "server", "content-type", "location", "transfer-encoding", "content-encoding")


def same(text):
    """Commas stand between values there, and non-ASCII is written in several ways."""
    return re.sub(r"[^!-+.-~]|\\[rn]", "", text)


def theirs(capture):
    columns = (*NUMBERS, *TEXTS, "http.authbasic", "http.www_authenticate")
    for f in tshark(capture, "(http.request || http.response) && tcp", columns, ("-o", "http.desegment_body:FALSE")):
        record = [[int(n) for n in f[c].split(",") if n] for c in NUMBERS]
        realms = re.findall(r'realm="?([^",]*)', f["http.www_authenticate"])
        users = [f["http.authbasic"].split(":")[0]] if f["http.authbasic"] else []
        n = len([m for m in f["http.request.method"].split(",") if m]) + len(record[0])
        yield int(f["frame"]), n, (record, [same(f[c]) for c in TEXTS], realms, users)


def is_ours(m):
    return m["function"] != 0x100


def of_ours(messages):
    users = [o["user"] for m in messages for o in m["fields"] if o.get("authentication") == "Basic" and "user" in o]
    texts = [same(",".join(t if isinstance(t, str) else ",".join(t) for t in own(messages, n))) for n in OURS]
    return [own(messages, "status"), own(messages, "content-length")], texts, own(messages, "realm"), users

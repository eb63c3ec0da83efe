"""RDP: cookies, protocols that are wanted and chosen, and what clients say of themselves."""
from readings import flat, numbers, own, tshark

FOLDER = ["it"]  # of the captures
MARK = b"\xe0\x00\x00"  # of a request
NUMBERS = ("rdp.negReq.requestedProtocols", "rdp.negReq.selectedProtocol", "rdp.negFailure.failureCode", "rdp.client.build",
           "rdp.keyboardLayout", "rdp.desktop.width", "rdp.desktop.height", "rdp.encryptionLevel")


def theirs(capture):
    for f in tshark(capture, "rdp.rt_cookie || rdp.neg_type || rdp.clientData || rdp.serverData", (*NUMBERS, "rdp.rt_cookie", "rdp.client.name")):
        cookie = f["rdp.rt_cookie"].removesuffix("\\r\\n").removesuffix("\r\n").removeprefix("Cookie: ").removeprefix("mstshash=")
        yield int(f["frame"]), 1, ([numbers(f[n]) for n in NUMBERS], cookie, f["rdp.client.name"])


def is_ours(m):
    return m["function"] < 0x70 or m["fields"][0] or "error" in m


def of_ours(messages):
    errors = [m["error"] for m in messages if "error" in m]
    record = [own(messages, "requested-protocols"), own(messages, "selected-protocol"), errors, own(messages, "build"),
              own(messages, "keyboard"), own(messages, "width"), own(messages, "height"), own(messages, "encryption-level")]
    return record, "".join(flat(own(messages, "user"))), "".join(own(messages, "client-name"))

"""OPC UA: transport, channel, services, endpoints, sessions, nodes that are asked for, values, and who servers say that they are."""
from readings import Real, flat, numbers, own, tshark

FOLDER = "opcua"  # of the captures

NUMBERS = {"opcua.transport.scid": "channel", "opcua.RequestHandle": "handle",
           "opcua.ApplicationType": "application-type", "opcua.UserTokenType": "user-token",
           "opcua.SecurityLevel": "security-level", "opcua.AttributeId": "attribute", "opcua.MonitoredItemId": "item",
           "opcua.transport.rbs": "receive-buffer", "opcua.transport.sbs": "send-buffer", "opcua.ServerState": "server-state"}
NUMBERED = ("opcua.security.seq", "opcua.security.rqid", "opcua.security.tokenid")  # not where it is encrypted
TEXTS = {"opcua.ApplicationUri": "application-uri", "opcua.ProductUri": "product-uri", "opcua.SessionName": "session",
         "opcua.UserName": "user", "opcua.IndexRange": "index-range", "opcua.AuditEntryId": "audit-entry",
         "opcua.ManufacturerName": "manufacturer", "opcua.SoftwareVersion": "software-version",
         "opcua.BuildNumber": "build-number"}
URLS = ("opcua.transport.endpoint", "opcua.EndpointUrl")
POLICIES = ("opcua.security.spu", "opcua.SecurityPolicyUri", "opcua.MessageSecurityMode")
VALUES = ("opcua.Byte", "opcua.UInt16", "opcua.UInt32", "opcua.UInt64", "opcua.SByte", "opcua.Int16", "opcua.Int32", "opcua.Int64",
          "opcua.Float", "opcua.Double", "opcua.Boolean", "opcua.StatusCode", "opcua.StatusCodes")
NODES = ("opcua.nodeid.encodingmask", "opcua.nodeid.numeric", "opcua.nodeid.string")
ANSWERED = {12209: 12208, 12212: 12211}
NODED = (631, 673)  # whose nodes are all told: read, write
MONITOR = 751
OFFERING = (428, 461)  # whose answers say which user tokens there are
MATRIX = 0xc0  # of a variant's encoding
HELLO, ACKNOWLEDGE, ERROR, CHUNK, SECURED = 0x10001, 0x10002, 0x10003, 0x10005, 0x10006
KINDS = {HELLO: "HEL", ACKNOWLEDGE: "ACK", ERROR: "ERR", 446: "OPN", 452: "CLO"}


def service(number, results):
    if number == 397 or any(r >> 31 for r in results):
        return "refused"
    return ANSWERED.get(number, number) if number in ANSWERED or number in REQUESTS else number - 3


REQUESTS = {422, 428, 437, 446, 452, 461, 467, 473, 479, 488, 494, 500, 506, 527, 533, 554, 560, 566, 615, 621, 631, 664, 673, 700, 712,
            751, 763, 769, 775, 781, 787, 793, 799, 826, 832, 841, 847, 12208, 12211}


def drop(said, rows, texts):
    """What cannot be compared: filters of monitored items, which it looks into; a server's URI that it has another name for."""
    if MONITOR in said:
        rows[5], texts[4] = [], []
    if any(r in said for r in (437, 12211)):
        texts[0] = []


class Anything:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False


def sorted_reals(texts):
    return sorted(Real(int(t, 16) if t.startswith("0x") else t) for t in texts)


def theirs(capture):
    columns = (*NUMBERS, *NUMBERED, *TEXTS, *URLS, *VALUES, *NODES, "opcua.variant.has_value", "opcua.transport.type", "opcua.servicenodeid.numeric",
               "opcua.ServiceResult", *POLICIES)
    for f in tshark(capture, "opcua", columns, ("-d", "tcp.port==48010,opcua")):
        types = f["opcua.transport.type"].split(",")
        services = numbers(f["opcua.servicenodeid.numeric"])
        results = numbers(f["opcua.ServiceResult"])
        said = [service(n, results) for n in services if n]
        rows = [numbers(f[c]) for c in NUMBERS]
        texts = [[t for t in f[c].split(",") if t] for c in TEXTS]
        texts.append(sorted(t for c in URLS for t in f[c].split(",") if t))
        texts.append(sorted(t for c in POLICIES[:2] for t in f[c].split(",") if t))
        rows.append(numbers(f[POLICIES[2]]))
        rows += [numbers(f[c]) for c in NUMBERED]
        values = []
        if any(v >= MATRIX for v in numbers(f["opcua.variant.has_value"])):
            values = Anything()  # the dimensions are among them
        elif services == [634] or services == [673]:
            values = sorted_reals(str(int(v == "True" or v == "1")) if c == "opcua.Boolean" else v for c in VALUES for v in f[c].split(",") if v)
        nodes = []
        if len(services) == 1 and services[0] in NODED:
            # of the header: the session's, and the type of what may be added to it
            masks, told = numbers(f["opcua.nodeid.encodingmask"]), numbers(f["opcua.nodeid.numeric"])
            nodes = [told[2 if masks[0] < 3 else 1:], [t for t in f["opcua.nodeid.string"].split(",") if t]]
        drop(said, rows, texts)
        yield int(f["frame"]), len(types), (types, said, rows, texts, values, nodes)


def of_ours(messages):
    types = [KINDS.get(m["function"], "MSG") for m in messages]
    said = ["refused" if m["kind"] == "refusal" else m["function"] for m in messages
            if m["function"] < 0x10000 and "secured" not in m["fields"][0]]
    rows = [flat(own(messages, NUMBERS[n])) for n in NUMBERS]
    if types == ["HEL"] or types == ["ACK"]:
        rows[0] = []
    texts = [[t for t in flat(own(messages, TEXTS[n])) if t] for n in TEXTS]
    texts.append(sorted(flat(own(messages, "endpoint-url"))))
    texts.append(sorted(t for n in ("security-policy", "token-policy") for t in flat(own(messages, n)) if t))
    rows.append(own(messages, "security-mode"))
    rows += [own(messages, n) for n in ("sequence", "request", "token")]
    values = []
    if [(m["function"], m["kind"]) for m in messages] in ([(631, "response")], [(673, "request")]):
        values = sorted_reals(str(int(v) if isinstance(v, bool) else v) for n in ("uint", "int", "real", "bool", "status") for v in flat(own(messages, n)))
    nodes = []
    if len(messages) == 1 and messages[0]["function"] in NODED and messages[0]["kind"] == "request":
        told = [o[n] for o in messages[0]["fields"] for n in ("standard-node", "node") if n in o]
        nodes = [told, own(messages, "node-text")]
    if not any(m["function"] in OFFERING for m in messages):
        rows[3] = []  # tshark has no number for the token that is used
    if any(m["function"] in NODED and m["kind"] != "request" for m in messages):
        rows[5] = []  # it does not know what was asked
    drop(said, rows, texts)
    return types, said, rows, texts, values, nodes

"""MMS: which PDU and service it is, names, values, failures, files, and who a device says that it is."""
from readings import flat, numbers, own, tshark

FOLDER = ["mms", "goose"]  # of the captures; who publishes GOOSE speaks MMS, too

PDUS = ("confirmed_RequestPDU_element", "confirmed_ResponsePDU_element", "confirmed_ErrorPDU_element", "unconfirmed_PDU_element",
        "rejectPDU_element", "cancel_RequestPDU", "cancel_ResponsePDU", "cancel_ErrorPDU_element", "initiate_RequestPDU_element",
        "initiate_ResponsePDU_element", "initiate_ErrorPDU_element", "conclude_RequestPDU_element",
        "conclude_ResponsePDU_element", "conclude_ErrorPDU_element")
NUMBERS = ("mms.invokeID", "mms.confirmedServiceRequest", "mms.confirmedServiceResponse",
           "mms.unconfirmedService", "mms.boolean", "mms.integer", "mms.unsigned", "mms.failure", "mms.sizeOfFile",
           "mms.objectClass")
TEXTS = ("mms.domainId", "mms.itemId", "mms.Identifier", "mms.vendorName", "mms.modelName", "mms.revision",
         "mms.data.visible-string", "mms.FileName_item", "mms.domainSpecific")
# A capture that begins in the middle does not say what the presentation contexts are.
CONTEXT = ("-o", 'uat:pres_context_list:"3","1.0.9506.2.1"')


def theirs(capture):
    pdus = tuple(f"mms.{name}" for name in PDUS)
    for f in tshark(capture, "mms", pdus + NUMBERS + TEXTS, CONTEXT):
        kinds = [n for n, c in enumerate(pdus) for _ in f[c].split(",") if f[c]]
        record = [kinds] + [numbers(f[c]) for c in NUMBERS]
        yield int(f["frame"]), len(kinds), (record, [[t for t in f[c].split(",") if t] for c in TEXTS])


def is_ours(message):
    """MMS, and not what only carries it."""
    return message["function"] < 0x300


def of_ours(messages):
    confirmed = [m for m in messages if m["function"] < 0x100]

    def pdu(m):
        if m["function"] >= 0x200:
            return m["function"] - 0x200
        return 3 if m["function"] >= 0x100 else 2 if "error" in m else 0 if m["kind"] == "request" else 1

    asks, answers = ([m for m in confirmed if pdu(m) == n] for n in (0, 1))
    told = [m for m in messages if pdu(m) in (0, 3) or m["function"] == 12]
    record = [sorted(pdu(m) for m in messages), own([m for m in messages if pdu(m) < 3], "invoke-id"), [m["function"] for m in asks],
              [m["function"] for m in answers], [m["function"] - 0x100 for m in messages if pdu(m) == 3]]
    record += [flat(own(messages, name)) for name in ("boolean", "integer", "unsigned", "failure", "file-size", "class")]
    texts = [flat(own(told, "domain")), flat(own(told, "item"))]
    texts += [flat(own([m for m in messages if m["function"] == 1], "name"))]
    identify = [m for m in messages if m["function"] == 2]
    texts += [own(identify, name) for name in ("vendor", "model", "revision")]
    texts += [flat(own(messages, name)) for name in ("text", "file", "scope")]
    return [[int(v) for v in r] for r in record], texts

"""ANSI C12.22: titles, invocations, keys, security, services, result codes, tables, people."""
from readings import numbers, own, tshark

FOLDER = "c1222"  # of the captures

NUMBERS = {"c1222.called_AP_invocation_id": "called-invocation", "c1222.calling_AP_invocation_id": "calling-invocation",
           "c1222.epsem.flags.security": "security", "c1222.epsem.flags.response_control": "response-control",
           "c1222.read.table": "table", "c1222.read.count": "count", "c1222.logon.id": "user-id", "c1222.wait.seconds": "seconds"}
TITLES = {"called-title": ("c1222.called_ap_title_abs", "c1222.called_ap_title_rel"),
          "calling-title": ("c1222.calling_ap_title_abs", "c1222.calling_ap_title_rel")}
HEXADECIMAL = {"c1222.iv_element": "initialisation"}
TEXTS = {"c1222.logon.user": "user"}
SECURED = 0x100
UNTOLD = range(0x31, 0x3a)  # reads by index, which tshark does not take apart


def theirs(capture):
    columns = (*NUMBERS, *(t for names in TITLES.values() for t in names), *HEXADECIMAL, *TEXTS, "c1222.cmd", "c1222.err",
               "c1222.key_id_element")
    for f in tshark(capture, "c1222", columns):
        commands = numbers(f["c1222.cmd"])
        rows = [numbers(f[c]) for c in NUMBERS] + [[int(f["c1222.key_id_element"], 16)] if f["c1222.key_id_element"] else []]
        titles = [[t for n in names for t in f[n].split(",") if t] for names in TITLES.values()]
        texts = [[t for t in f[c].split(",") if t] for c in (*HEXADECIMAL, *TEXTS)]
        yield int(f["frame"]), 1, (commands, numbers(f["c1222.err"]), rows, titles, texts)


def of_ours(messages):
    asks = [m for m in messages if m["kind"] == "request"]
    commands = [m["function"] for m in asks if m["function"] < SECURED]
    told = [m for m in asks if m["function"] not in UNTOLD]
    rows = [own(told if n in ("count", "table") else messages, n) for n in NUMBERS.values()] + [own(messages, "key")]
    return commands, own(messages, "code"), rows, [own(messages, n) for n in TITLES], [own(messages, n) for n in (*HEXADECIMAL.values(), *TEXTS.values())]

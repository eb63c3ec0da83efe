"""HART-IP: header, session, command, response code, who devices say that they are, and values."""
from readings import Real, flat, numbers, own, tshark

FOLDER = "hartip"  # of the captures

NUMBERS = {"hart_ip.version": "version", "hart_ip.status": "status", "hart_ip.transaction_id": "sequence",
           "hart_ip.session_init.master_type": "host", "hart_ip.session_init.inactivity_close_timer": "inactivity",
           "hart_ip.pt.device_status": "device-status", "hart_ip.pt.rsp.expanded_device_type": "expanded-type",
           "hart_ip.pt.rsp.device_rev": "device-revision", "hart_ip.pt.rsp.software_rev": "software-revision",
           "hart_ip.pt.rsp.configure_change": "changes", "hart_ip.pt.rsp.private_label": "private-label"}
TEXTS = {"hart_ip.pt.rsp.tag": ("tag", "long-tag"), "hart_ip.pt.rsp.message": ("message",), "hart_ip.pt.rsp.descriptor": ("descriptor",)}
REALS = ("pv", "sv", "tv", "qv", "pv_loop_current", "pv_percent_range", "upper_transducer_limit", "lower_transducer_limit", "minimum_span",
         "pv_upper_range_value", "pv_lower_range_value", "pv_damping_value") + tuple(f"slot{n}_device_var_value" for n in range(8))
OUR_REALS = ("value", "current", "percent", "upper", "lower", "minimum-span", "damping")
PASS_THROUGH, EXTENDED = 3, 31


def is_ours(message):
    """tshark knows no direct PDUs and no audit logs, and leaves them out."""
    return message["fields"][0]["version"] == 1 and (message["function"] in (0x10000, 0x10001, 0x10002) or "frame" in message["fields"][0])


def theirs(capture):
    columns = (*NUMBERS, *TEXTS, *(f"hart_ip.pt.rsp.{r}" for r in REALS), "hart_ip.message_id", "hart_ip.message_type", "hart_ip.pt.command",
               "hart_ip.pt.response_code", "hart_ip.pt.rsp.device_id")
    for f in tshark(capture, "hart_ip", columns):
        ids, types = numbers(f["hart_ip.message_id"]), numbers(f["hart_ip.message_type"])
        commands = iter(numbers(f["hart_ip.pt.command"]))
        said = [next(commands, None) if i == PASS_THROUGH else 0x10000 | i for i in ids]
        rows = [numbers(f[c]) for c in NUMBERS]
        rows.append(numbers(f["hart_ip.pt.response_code"]))
        rows.append([int(x.replace(":", ""), 16) for x in f["hart_ip.pt.rsp.device_id"].split(",") if x])
        texts = [f[c].strip() for c in TEXTS]
        reals = sorted(Real(r) for c in columns if c.split(".")[-1] in REALS for r in f[c].split(",") if r)
        yield int(f["frame"]), len(ids), (said, types, rows, texts, reals)


def of_ours(messages):
    said = [EXTENDED if m["function"] < 0x10000 and m["function"] > 255 else m["function"] for m in messages]
    types = own(messages, "message-type")
    rows = [own(messages, n) for n in NUMBERS.values()]
    passed = [m for m in messages if m["function"] < 0x10000 and m["kind"] != "request"]
    rows.append([m.get("error", 0) for m in passed])
    rows.append(own(messages, "device-id"))
    told = [m for m in messages if m["kind"] != "request" or m["function"] not in (11, 21)]  # by which a device is asked for
    answers = [m for m in messages if m["kind"] != "request"]
    texts = [",".join(t.split("\0")[0].strip() for n in names for t in own(told, n)) for names in TEXTS.values()]
    reals = sorted(Real(r) for n in OUR_REALS for r in flat(own(answers, n)))
    return said, types, rows, texts, reals

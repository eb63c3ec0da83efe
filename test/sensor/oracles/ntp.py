"""NTP: mode, stratum, poll, precision, delays, reference, key; operations of modes 6 and 7."""
from readings import Real, numbers, own, tshark

FOLDER = ["it", "iec104"]  # of the captures


def theirs(capture):
    columns = ("ntp.flags.vn", "ntp.flags.li", "ntp.flags.mode", "ntp.stratum", "ntp.ppoll", "ntp.precision", "ntp.rootdelay",
               "ntp.rootdispersion", "ntp.keyid", "ntp.ctrl.flags2.opcode", "ntp.ctrl.sequence", "ntp.ctrl.associd", "ntp.priv.reqcode")
    for f in tshark(capture, "ntp", columns):
        mode = int(f["ntp.flags.mode"] or 0)
        if mode == 6:
            yield int(f["frame"]), 1, (0x600 + int(f["ntp.ctrl.flags2.opcode"], 0), numbers(f["ntp.ctrl.sequence"]), numbers(f["ntp.ctrl.associd"]))
        elif mode == 7:
            yield int(f["frame"]), 1, (0x700 + int(f["ntp.priv.reqcode"], 0),)
        else:
            yield int(f["frame"]), 1, (mode, [[n - 256 if n > 127 else n for n in numbers(f[f"ntp.{name}"])] for name in
                                              ("flags.vn", "flags.li", "stratum", "ppoll", "precision")],
                                       [Real(int(f[f"ntp.{n}"] or 0) / 65536) for n in ("rootdelay", "rootdispersion")],
                                       [int(f["ntp.keyid"].replace(":", ""), 16)] if f["ntp.keyid"] else [])


def of_ours(messages):
    function = messages[0]["function"]
    if function >= 0x700:
        return (function,)
    if function >= 0x600:
        return function, own(messages, "sequence"), own(messages, "association")
    return (function, [own(messages, n) for n in ("version", "leap", "stratum", "poll", "precision")],
            [Real(own(messages, n)[0]) for n in ("root-delay", "root-dispersion")], own(messages, "key"))

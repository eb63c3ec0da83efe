"""DNP3: link, transport, application and object headers."""
from readings import numbers, own, tshark

FOLDER = "dnp3"  # of the captures


DNP3 = ("src", "dst", "ctl.dir", "ctl.prm", "ctl.prifunc", "ctl.secfunc", "len", "tr.fir", "tr.fin", "tr.seq", "al.seq", "al.con",
        "al.uns", "al.func", "al.iin", "al.obj", "al.objq.prefix", "al.objq.range", "al.range.start", "al.range.stop",
        "al.range.quantity")


CLOSED = (16, 17, 18, 19, 22, 31, 32, 33, 131)  # it does not look at the objects of these functions, nor at 131's indications


def theirs(capture):
    columns = [f"dnp3.{name}" for name in DNP3]
    for f in tshark(capture, "dnp3", columns, ("-d", "tcp.port==20001,dnp3")):
        record = {c: numbers(f[c]) for c in columns}
        if 131 in record["dnp3.al.func"]:
            record["dnp3.al.iin"] = None
        yield int(f["frame"]), len(record["dnp3.src"]), tuple(record.values())


def of_ours(messages):
    segments = [m for m in messages if "first" in m["fields"][0]]
    fragments = [m for m in messages if "application-sequence" in m["fields"][0]]

    def link(primary):
        return [m["fields"][0]["link-function"] for m in messages if m["fields"][0]["primary"] == primary]

    opened = [m for m in fragments if m["function"] not in CLOSED]
    objects = [o["group"] << 8 | o["variation"] for m in opened for o in m["fields"] if "group" in o]
    indications = own(fragments, "indications") if all(m["function"] != 131 for m in fragments) else None
    return (own(messages, "source"), own(messages, "destination"), own(messages, "from-master"), own(messages, "primary"),
            link(True), link(False), own(messages, "length"), own(segments, "first"), own(segments, "final"),
            own(segments, "sequence"), own(fragments, "application-sequence"), own(fragments, "confirm"),
            own(fragments, "unsolicited"), [m["function"] for m in fragments], indications, objects,
            own(opened, "prefix"), own(opened, "range"), own(opened, "start"), own(opened, "stop"), own(opened, "count"))

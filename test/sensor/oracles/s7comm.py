"""S7comm, with the TPDUs that carry it: header, function, variables, program invocations, and who a module says that it is."""
from readings import numbers, own, tshark

FOLDER = "s7comm"  # of the captures

NUMBERS = ("cotp.type", "s7comm.header.rosctr", "s7comm.header.pduref", "s7comm.header.parlg", "s7comm.header.datlg",
           "s7comm.header.errcls", "s7comm.header.errcod", "s7comm.param.func", "s7comm.param.userdata.funcgroup",
           "s7comm.param.item.area", "s7comm.param.item.db", "s7comm.param.item.address.byte",
           "s7comm.param.item.address.bit", "s7comm.param.item.length", "s7comm.szl.xy11.0001.index",
           "s7comm.szl.xy11.0001.ausbg", "s7comm.szl.xy11.0001.ausbe", "s7comm.blockinfo.block_count",
           "s7comm.blockinfo.block_num", "s7comm.blockinfo.load_mem_len", "s7comm.blockinfo.checksum")
HEXADECIMAL = ("cotp.src-tsap-bytes", "cotp.dst-tsap-bytes")
TEXTS = ("s7comm.param.pistart.servicename", "s7comm.szl.xy11.0001.anz", "s7comm.szl.001c.0001.name",
         "s7comm.szl.001c.0002.name", "s7comm.szl.001c.0003.tag", "s7comm.szl.001c.0004.copyright",
         "s7comm.szl.001c.0005.serialn", "s7comm.szl.001c.0007.cputypname", "s7comm.szl.001c.0008.snmcmmc",
         "s7comm.szl.001c.000b.loc_id", "s7comm.blockinfo.author", "s7comm.blockinfo.family", "s7comm.blockinfo.headername")
OURS = ("service", "order-number", "system-name", "module-name", "plant", "copyright", "serial-number", "module-type",
        "card-serial-number", "location", "author", "family", "block-name")
USERDATA = 0x1000


def theirs(capture):
    for f in tshark(capture, "cotp", NUMBERS + HEXADECIMAL + TEXTS):
        texts = [[t for t in (t.replace("\\000", "").strip(" \0") for t in f[c].split(",")) if t] for c in TEXTS]
        tsaps = [[t for t in f[c].split(",") if t] for c in HEXADECIMAL]
        yield int(f["frame"]), len(numbers(f["cotp.type"])), ([numbers(f[c]) for c in NUMBERS], tsaps, texts)


def of_ours(messages):
    s7 = [m for m in messages if "type" in m["fields"][0]]
    answers = [m for m in s7 if m["fields"][0]["type"] in (2, 3)]
    asks = [m for m in s7 if m["kind"] == "request"]
    types = [m["function"] >> 4 & 15 if m["function"] & 0x100000 else 15 for m in messages]
    errors = [m.get("error", 0) for m in answers]
    record = [types, own(s7, "type"), own(s7, "reference"), own(s7, "parameter-length"), own(s7, "data-length"),
              [e >> 8 for e in errors], [e & 255 for e in errors], [m["function"] for m in s7 if m["function"] < 0x200],
              own(s7, "group"), own(asks, "area"), own(asks, "data-block"), own(asks, "byte"), own(asks, "bit"),
              own(asks, "length"), own(s7, "identity"), own(s7, "version-word"), own(s7, "revision-word"),
              own(s7, "block-count"), own(s7, "block-number"), own(s7, "load-size"), own(s7, "checksum")]
    return record, [own(messages, "calling-tsap"), own(messages, "called-tsap")], [own(messages, name) for name in OURS]

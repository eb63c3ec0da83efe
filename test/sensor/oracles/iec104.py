"""IEC 60870-5-104: format, numbers, cause, addresses, values."""
from readings import Real, numbers, own, tshark

FOLDER = "iec104"  # of the captures


def theirs(capture):
    names = ("utype", "tx", "rx")
    asdu = ("typeid", "numix", "sq", "causetx", "nega", "test", "oa", "addr", "ioa", "siq.spi", "diq.dpi", "float",
            "scalval", "normval", "sco.on", "dco.on", "qoi")
    columns = ["iec60870_104.type"] + [f"iec60870_104.{n}" for n in names] + [f"iec60870_asdu.{n}" for n in asdu]
    for f in tshark(capture, "iec60870_104", columns):
        record = tuple(numbers(f[c]) for c in columns if not c.endswith(("float", "normval")))
        reals = [[Real(v) for v in f[c].split(",") if v] for c in columns if c.endswith(("float", "normval"))]
        yield int(f["frame"]), len(numbers(f[columns[0]])), (record, reals)


SPI, DPI = (1, 2, 30), (3, 4, 31)
SCALED = (11, 12, 35, 49, 62)


def of_ours(messages):
    def values(types, name="value"):
        return own([m for m in messages if m["function"] in types], name)

    i = [m for m in messages if m["function"] < 0x100]
    formats = [0 if m["function"] < 0x100 else 1 if m["function"] == 0x101 else 3 for m in messages]
    numbered = [m for m in messages if m["function"] <= 0x101]
    record = (formats, [(m["function"] & 0xff) >> 2 for m in messages if m["function"] > 0x101], own(i, "tx"),
              own(numbered, "rx"), [m["function"] for m in i],
              own(i, "objects"), own(i, "sequence"), own(i, "cause"), own(i, "negative"), own(i, "test"), own(i, "originator"),
              own(i, "common-address"), own(i, "address"), values(SPI), values(DPI), values(SCALED), values((45, 58)),
              values((46, 59)), values((100,), "qualifier"))
    reals = [[Real(v) for v in own(i, "real")], [Real(v) for v in own(i, "normalised")]]
    return record, reals

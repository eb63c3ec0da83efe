"""TFTP: operation, file, mode, block, error, options."""
from readings import flat, numbers, own, tshark

FOLDER = "it"  # of the captures


def theirs(capture):
    columns = ("tftp.opcode", "tftp.source_file", "tftp.destination_file", "tftp.type", "tftp.block", "tftp.error.code",
               "tftp.error.message", "tftp.option.name", "tftp.option.value")
    for f in tshark(capture, "tftp", columns):
        yield int(f["frame"]), 1, (numbers(f["tftp.opcode"]), numbers(f["tftp.block"]), numbers(f["tftp.error.code"]),
                                   [f["tftp.source_file"] + f["tftp.destination_file"] if f["tftp.opcode"] in "12" else ""]
                                   + [f[f"tftp.{n}"] for n in ("type", "error.message", "option.name", "option.value")])


def of_ours(messages):
    return ([m["function"] for m in messages], own(messages, "block"), [m["error"] for m in messages if m["kind"] == "refusal"],
            [",".join(flat(own(messages, n))) for n in ("file", "mode", "message", "option", "value")])

"""OMRON FINS: FINS/TCP, header, command, end code, what is read and written, files, and who a controller says that it is."""
from readings import numbers, own, tshark

FOLDER = "fins"  # of the captures

HEADER = ("omron.dna", "omron.da1", "omron.da2", "omron.sna", "omron.sa1", "omron.sa2", "omron.sid", "omron.command")
NUMBERS = ("omron.response.code", "omron.tcp.client_node_address", "omron.tcp.server_node_address", "omron.parameter_area_code",
           "omron.program_number", "omron.mode_code", "omron.disk_no", "omron.avg_cycle_time", "omron.max_cycle_time",
           "omron.set_reset_specification")
AREA = ("omron.memory.area.read", "omron.memory.address", "omron.memory.address.bits")
TEXTS = ("omron.controller.model", "omron.controller.version", "omron.model_number", "omron.name_data")
OTHER = (0x105, 0x220a, 0x220b, 0x2301, 0x230a)  # whose areas tshark names otherwise


def theirs(capture):
    for f in tshark(capture, "omron", HEADER + NUMBERS + AREA + TEXTS):
        texts = [f[t].strip() for t in TEXTS]
        rows = [numbers(f[c]) for c in HEADER + NUMBERS]
        commands = numbers(f["omron.command"])
        areas = [] if any(c in OTHER for c in commands) else [numbers(f[c]) for c in AREA]
        yield int(f["frame"]), 1, (rows, areas, texts)


def of_ours(messages):
    frames = [m for m in messages if m["function"] < 0x10000]
    asks = [m for m in frames if m["kind"] == "request"]
    answers = [m for m in frames if m["kind"] != "request"]
    rows = [own(frames, n) for n in ("destination-network", "destination-node", "destination-unit", "source-network",
                                     "source-node", "source-unit", "service-id")]
    rows += [[m["function"] for m in frames], [m.get("error", 0) for m in answers], own(messages, "client-node"),
             own(messages, "server-node"), own(messages, "parameter-area"), own(messages, "program"), own(messages, "mode"),
             own(messages, "disk") + own(messages, "to-disk"), own(messages, "cycle-average"), own(messages, "cycle-maximum"),
             own(messages, "specification")]
    areas = []
    if not any(m["function"] in OTHER for m in messages):
        told = asks + [m for m in answers if m["function"] == 0x104]
        areas = [own(told, "area"), own(told, "address"), own(told, "bit")]
    return rows, areas, [",".join(t.split("\0")[0].strip() for t in own(messages, n)) for n in ("model", "version", "unit-model", "name")]

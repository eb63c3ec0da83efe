"""Modbus/TCP: transaction, unit, function, exception, address, quantity, registers."""
from readings import flat, numbers, own, tshark

FOLDER = "modbus"  # of the captures


UNTOLD = (23, 24)  # tshark has other fields for what these read and write


def theirs(capture):
    columns = ("mbtcp.trans_id", "mbtcp.unit_id", "modbus.func_code", "modbus.exception_code", "modbus.reference_num",
               "modbus.word_cnt", "modbus.bit_cnt", "modbus.regval_uint16")
    for f in tshark(capture, "mbtcp || mbudp", columns):
        functions = numbers(f["modbus.func_code"])
        head = (numbers(f["mbtcp.trans_id"]), numbers(f["mbtcp.unit_id"]), functions, numbers(f["modbus.exception_code"]))
        rest = ()
        if not any(x in UNTOLD for x in functions):
            rest = (numbers(f["modbus.reference_num"]), numbers(f["modbus.word_cnt"]) + numbers(f["modbus.bit_cnt"]))
            if all(x in (3, 4) for x in functions):
                rest += (numbers(f["modbus.regval_uint16"]),)
        yield int(f["frame"]), len(head[0]), (head, rest)


def of_ours(messages):
    functions = [m["function"] for m in messages]
    head = (own(messages, "transaction"), own(messages, "unit"), functions,
            [m["error"] for m in messages if m["kind"] == "refusal"])
    rest = ()
    if not any(x in UNTOLD for x in functions):
        told = [m for m in messages if m["kind"] == "request" or (m["kind"] == "response" and m["function"] in (5, 6, 15, 16, 22))]
        words = [m for m in told if m["function"] not in (1, 2, 15)]
        bits = [m for m in told if m["function"] in (1, 2, 15)]
        rest = (own(told, "address"), own(words, "quantity") + own(bits, "quantity"))
        if all(x in (3, 4) for x in functions):
            rest += (flat(own(messages, "words")),)
    return head, rest

"""TLS: handshake messages, hellos with their fingerprints, alerts, certificates with serial numbers, validity and host names."""
import datetime

from readings import flat, numbers, own, tshark

FOLDER = ["it", "modbus", "profinet"]  # of the captures
NUMBERS = ("tls.handshake.version", "tls.handshake.ciphersuite", "tls.handshake.extension.type",
           "tls.handshake.extensions_supported_group", "tls.handshake.sig_hash_alg", "tls.handshake.extensions.supported_version",
           "tls.alert_message.level", "tls.alert_message.desc", "tls.handshake.certificate_length")
TEXTS = ("tls.handshake.extensions_server_name", "tls.handshake.extensions_alpn_str", "tls.handshake.ja3",
         "tls.handshake.ja3s", "x509af.utcTime", "x509af.generalizedTime")


SIGNATURES = NUMBERS.index("tls.handshake.sig_hash_alg")
DELEGATED, FOR_CERTIFICATES = 34, 50  # extensions


def signatures(types, record):
    """tshark names those of key exchanges, certificates' stamps and other extensions alike."""
    return record[SIGNATURES] if 1 in types and not {DELEGATED, FOR_CERTIFICATES} & set(record[2]) else []


def theirs(capture):
    for f in tshark(capture, "tls.handshake.type || tls.alert_message", ("tls.handshake.type", *NUMBERS, *TEXTS, "x509af.serialNumber", "x509ce.dNSName")):
        types, record = numbers(f["tls.handshake.type"]), [numbers(f[n]) for n in NUMBERS]
        record[SIGNATURES] = signatures(types, record)
        serials = [int(n.replace(":", ""), 16) for n in f["x509af.serialNumber"].split(",") if n]
        texts = [[t for t in f[n].split(",") if t] for n in TEXTS]
        texts = [*texts[:-2], sorted(texts[-2] + texts[-1])]
        yield int(f["frame"]), len(types) + len(record[7]), (types, record, texts, serials, [n for n in f["x509ce.dNSName"].split(",") if n])


def is_ours(m):
    return m["function"] < 256 or (m["function"] == 0x115 and "alert-level" in m["fields"][0])


def of_ours(messages):
    certificates = [o for m in messages for o in m["fields"][1:]]
    hellos = [m for m in messages if m["function"] in (1, 2)]
    alerts = [m for m in messages if m["function"] == 0x115]
    times = [datetime.datetime.fromisoformat(c[t][:19]).strftime("%Y-%m-%d %H:%M:%S (UTC)") for c in certificates for t in ("not-before", "not-after")]
    record = [own(messages, "version"), flat(own(messages, "ciphers") + own(messages, "cipher")), flat(own(messages, "extensions")),
              flat(own(messages, "groups")), flat(own(messages, "signature-algorithms")),
              flat(own(messages, "supported-versions") + own(messages, "selected-version")), own(alerts, "alert-level"),
              [m.get("error", 0) for m in alerts], [c["certificate-size"] for c in certificates]]
    record[SIGNATURES] = signatures([m["function"] for m in messages], record)
    texts = [flat(own(hellos, n)) for n in ("server-name", "alpn", "ja3", "ja3s")] + [sorted(times)]
    return ([m["function"] for m in messages if m["function"] < 256], record, texts, [int(c["serial"], 16) for c in certificates],
            [n for n in flat([c["alternative-name"] for c in certificates if "alternative-name" in c]) if "@" not in n and "//" not in n])

#!/usr/bin/python3
"""Reads OpenMetrics text from standard input with the strict parser of prometheus_client.

usage: openmetrics.py DOC                   every family is in that document; prints the samples as JSON
       openmetrics.py DOC BEFORE            and no counter is below what BEFORE, an earlier output, says
Exit status: 0 all is well, 1 it says what is not."""
import json
import pathlib
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def main():
    text = sys.stdin.read()
    documented = pathlib.Path(sys.argv[1]).read_text()
    before = json.loads(pathlib.Path(sys.argv[2]).read_text()) if len(sys.argv) > 2 else {}
    samples, wrong = {}, []
    if not text.endswith("# EOF\n"):
        wrong.append("it does not end with # EOF")
    for family in text_string_to_metric_families(text):
        if f"`{family.name.removeprefix('tieline_edge_')}`" not in documented:
            wrong.append(f"{family.name} is not documented")
        if not family.documentation or not family.name.startswith("tieline_edge_"):
            wrong.append(f"{family.name} has no help, or another name")
        if family.unit and not family.name.endswith("_" + family.unit):
            wrong.append(f"{family.name} does not end in {family.unit}")
        for s in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(s.labels.items()))
            key = f"{s.name}{{{labels}}}"
            if key in samples:
                wrong.append(f"{key} is there twice")
            samples[key] = s.value
            if family.type == "counter" and s.value < before.get(key, 0):
                wrong.append(f"{key} went back")
    if not samples:
        wrong.append("there are no samples")
    print("\n".join(wrong) if wrong else json.dumps(samples))
    return bool(wrong)


sys.exit(main())

#!/usr/bin/python3
"""Are the bills of materials beside packages right? Each keeps to the published schema of CycloneDX 1.5, names all that the
programs in the package are linked with and nothing else, with the versions and hashes of what is installed.

Usage: sbom.py DIRECTORY-OF-PACKAGES ROOT-WHERE-THEY-ARE-INSTALLED"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent


def additional_items(_, allowed, instance, schema):
    """As the library has it, which fails over its own message when the items are objects."""
    items = schema.get("items")
    if allowed is False and isinstance(items, list) and isinstance(instance, list) and len(instance) > len(items):
        yield jsonschema.ValidationError(f"{len(instance)} items, at most {len(items)}")


def validator(name):
    schema = json.loads((HERE / "schema" / name).read_text())
    kind = jsonschema.validators.extend(jsonschema.validators.validator_for(schema), {"additionalItems": additional_items})
    store = {}
    for path in (HERE / "schema").glob("*.json"):
        store[f"http://cyclonedx.org/schema/{path.name}"] = json.loads(path.read_text())
    return kind(schema, resolver=jsonschema.RefResolver.from_schema(schema, store=store))


def needed(root, package):
    """What the loader itself says that the installed programs use: name of the file -> its hash."""
    files = subprocess.run(["chroot", root, "dpkg-query", "-L", package], check=True, capture_output=True, text=True).stdout.split()
    found = {}
    for file in files:
        path = pathlib.Path(str(root) + file)
        if path.is_symlink() or not path.is_file() or path.read_bytes()[:4] != b"\x7fELF":
            continue
        listed = subprocess.run(["chroot", root, "/lib64/ld-linux-x86-64.so.2", "--list", file], check=True,
                                capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            real = pathlib.Path(str(root) + library).resolve()
            found[real.name] = hashlib.sha256(real.read_bytes()).hexdigest()
    return found


def check(path, root, problems):
    bom = json.loads(path.read_text())
    package = bom["metadata"]["component"]["name"]
    for error in validator("bom-1.5.schema.json").iter_errors(bom):
        problems.append(f"{path.name}: {'/'.join(map(str, error.path))}: {error.message[:200]}")
    said = {}
    for component in bom["components"]:
        name, version = component["name"], component["version"]
        real = subprocess.run(["chroot", root, "dpkg-query", "-W", "-f", "${Version}\n", name], check=True, capture_output=True,
                              text=True).stdout.split()
        if version not in real:
            problems.append(f"{path.name}: {name} is {real}, not {version}")
        if not component["purl"].startswith(f"pkg:deb/debian/{name}@"):
            problems.append(f"{path.name}: {component['purl']}")
        if not component.get("licenses"):
            print(f"# {package}: the copyright file of {name} does not say its licence in a form for machines")
        for file in component["components"]:
            said[pathlib.Path(file["name"]).name] = file["hashes"][0]["content"]
    truth = needed(root, package)
    if said != truth:
        problems.append(f"{path.name}: said {sorted(said)}, linked {sorted(truth)}")
    for file in bom["metadata"]["component"]["components"]:
        installed = pathlib.Path(str(root) + file["name"])
        if hashlib.sha256(installed.read_bytes()).hexdigest() != file["hashes"][0]["content"]:
            problems.append(f"{path.name}: {file['name']} is another file")
    print(f"# {package}: {len(bom['components'])} packages, {len(said)} libraries, {len(bom['metadata']['component']['components'])} files")


def main():
    problems = []
    boms = sorted(pathlib.Path(sys.argv[1]).glob("*.cdx.json"))
    for path in boms:
        check(path, pathlib.Path(sys.argv[2]), problems)
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.spdx.json")):
        document = json.loads(path.read_text())
        ids = [p["SPDXID"] for p in document["packages"] + document["files"]] + [document["SPDXID"]]
        if len(ids) != len(set(ids)):
            problems.append(f"{path.name}: an id is there twice")
        for relation in document["relationships"]:
            if relation["spdxElementId"] not in ids or relation["relatedSpdxElement"] not in ids:
                problems.append(f"{path.name}: {relation}")
    if len(boms) != 5:
        problems.append(f"{len(boms)} bills of materials, five packages")
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

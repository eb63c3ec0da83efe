#!/usr/bin/env python3
"""The image, run as the manifests run it, by podman: another user than root, a root file system that cannot be written, no
capability, probes. It is asked from outside with a client's certificate, killed, comes back by itself, and its journal is sound.
Prints a line per claim. As root; skipped, loudly, where no container runs at all, which is asked with another image than ours, and
where there is none of this commit. An image that does not run is a failure.

Usage: play.py DIRECTORY-OF-PROGRAMS [IMAGE-ARCHIVE]    (else that of this commit, by `make image`)"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test/cli"))
sys.path.insert(0, str(ROOT / "test/packages"))
from instances import Instance, free_port, make_identities, wait_until  # noqa: E402
from sbom import validator  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BIN = pathlib.Path(sys.argv[1]).resolve()
USER = 10001
PROBE = ["/usr/bin/tielined", "--probe=unix:/run/tieline/probe"]


class Podman:
    """Its containers and images are below a directory of ours; what else runs here it does not see."""

    def __init__(self, here):
        (here / "containers.conf").write_text(
            '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=1000:1000"]\n[engine]\nruntime="runc"\n'
            f'cgroup_manager="cgroupfs"\nevents_logger="file"\ntmp_dir="{here}/tmp"\n'
            f'[network]\nnetwork_config_dir="{here}/network"\n')
        (here / "storage.conf").write_text(f'[storage]\ndriver="vfs"\ngraphroot="{here}/graph"\nrunroot="{here}/run"\n')
        self.env = {**os.environ, "CONTAINERS_CONF": f"{here}/containers.conf",
                    "CONTAINERS_STORAGE_CONF": f"{here}/storage.conf"}

    def run(self, *args):
        return subprocess.run(["podman", *map(str, args)], capture_output=True, text=True, env=self.env, timeout=300)

    def inspect(self, name):
        found = self.run("container", "inspect", name)
        return json.loads(found.stdout)[0] if found.returncode == 0 else None


def find_image():
    """The one named, or what `make image` has made of this commit; making one takes minutes."""
    if len(sys.argv) > 2:
        return pathlib.Path(sys.argv[2])
    version = subprocess.run([ROOT / "tools/version"], check=True, capture_output=True, text=True).stdout.strip()
    image = ROOT / f"build/image/tieline-{version}.oci.tar"
    others = ", ".join(path.name for path in image.parent.glob("*.oci.tar"))
    return image if image.exists() else skip(f"there is no image of this tree, {version}{others and f', but {others}'}: "
                                             "`make image` makes one")


def must_run(podman, here):
    """That anything runs here: a program without libraries, alone, and a pod that does nothing."""
    with tarfile.open(here / "nothing.tar", "w") as archive:
        archive.add(os.path.realpath(shutil.which("catatonit")), "/catatonit")
    port = free_port()
    for what, *command in (("image", "import", here / "nothing.tar", "nothing"),
                           ("container", "run", "--rm", "--read-only", "--network", "none", "nothing", "/catatonit", "--version"),
                           ("pod", "pod", "create", "--name", "nothing", "-p", f"127.0.0.1:{port}:80"),
                           ("pod", "pod", "start", "nothing"), ("pod", "pod", "rm", "-f", "nothing")):
        tried = podman.run(*command)
        if tried.returncode:
            skip(f"no {what} runs here: {(tried.stderr.strip().splitlines() or ['it does not say why'])[-1]}")


def pod(image, here, port):
    """What the substation's manifest says, without a bus."""
    def command(word):
        return {"exec": {"command": [*PROBE, f"--ask={word}"]}, "periodSeconds": 30, "timeoutSeconds": 6}

    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tieline", "labels": {"app.kubernetes.io/name": "tielined"}},
        "spec": {
            "restartPolicy": "Always",
            "securityContext": {"runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
            "containers": [{
                "name": "tielined", "image": image,
                "args": ["--site=sub-a", "--roles=lan,assure,gateway", "--journal=/var/lib/tieline/journal.db", "--standby",
                         "--ca=/etc/tieline/tls/ca.pem", "--cert=/etc/tieline/tls/controller.pem",
                         "--key=/etc/tieline/tls/controller.key", "--users=/etc/tieline/tls/users.json",
                         "--probe=unix:/run/tieline/probe"],
                "ports": [{"name": "https", "containerPort": 8443, "hostPort": port, "hostIP": "127.0.0.1"}],
                "livenessProbe": command("lives"), "readinessProbe": command("leads"),
                "resources": {"limits": {"memory": "1Gi"}},
                "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                    "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": "journal", "mountPath": "/var/lib/tieline"},
                                 {"name": "run", "mountPath": "/run/tieline"},
                                 {"name": "tls", "mountPath": "/etc/tieline/tls", "readOnly": True}]}],
            "volumes": [{"name": "journal", "hostPath": {"path": f"{here}/journal", "type": "Directory"}},
                        {"name": "run", "emptyDir": {}},
                        {"name": "tls", "hostPath": {"path": f"{here}/tls", "type": "Directory"}}]}}


def make_volumes(here):
    for name in ("journal", "tls"):
        (here / name).mkdir(mode=0o700)
    make_identities(here / "tls", {"erin": ["ENGINEER", "OPERATOR"]})
    for path in [here / "journal", here / "tls", *(here / "tls").iterdir()]:
        os.chown(path, USER, USER)


def look_inside(podman, container):
    def inside(*args):
        return podman.run("exec", container, *args)

    status = dict(line.split(":\t", 1) for line in inside("cat", "/proc/1/status").stdout.splitlines() if ":\t" in line)
    check("it runs as a user of its own", status.get("Uid", "").split() == [str(USER)] * 4, status.get("Uid"))
    check("... without a capability, and may get none", int(status.get("CapEff", "1"), 16) == 0 and
          int(status.get("CapBnd", "1"), 16) == 0 and status.get("NoNewPrivs") == "1", status)
    check("the root file system cannot be written", "Read-only" in inside("touch", "/etc/x").stderr)
    bill = inside("cat", "/usr/share/doc/tieline-image/sbom.cdx.json")
    names = {c["name"] for c in json.loads(bill.stdout or "{}").get("components", [])}
    check("its bill of materials is in it, and names what dpkg has",
          {"tielined", "tieline-cli", "libc6", "libssl3"} <= names and
          names == set(inside("dpkg-query", "-W", "-f", "${Package}\\n").stdout.split()), names)
    left = inside("sh", "-c", "find /root/.*history /home /etc/apt/sources.list* /var/lib/apt/lists /var/cache /var/log /tmp -type f "
                              "! -name lock -size +0 2>/dev/null").stdout
    check("... and keeps to its schema", not list(validator("bom-1.5.schema.json").iter_errors(json.loads(bill.stdout or "{}"))))
    check("no history, no lists, no logs and no caches are in it", not left, left)
    check("its probes say that it lives and leads",
          all(inside(*PROBE, f"--ask={w}").stdout.strip() == "leads" for w in ("lives", "started", "leads")))
    health = podman.run("healthcheck", "run", container)
    check("... which podman asks by itself", health.returncode == 0, health.stdout + health.stderr)


def play(podman, here, archive):
    loaded = podman.run("load", "-i", archive)
    if not check("the archive is an image", loaded.returncode == 0, loaded.stderr):
        return
    image = loaded.stdout.strip().splitlines()[-1].split(": ", 1)[1]
    config = json.loads(podman.run("image", "inspect", image).stdout)[0]["Config"]
    version = config["Labels"]["org.opencontainers.image.version"]
    check("... that says another user than root by number", config["User"] == f"{USER}:{USER}", config)
    tried = podman.run("run", "--rm", "--read-only", image, "--version")
    check("it says its version, which is the archive's", tried.stdout.strip() == f"tielined {version}" and
          archive.name == f"tieline-{version}.oci.tar", (version, tried))
    make_volumes(here)
    port = free_port()
    (here / "pod.yaml").write_text(json.dumps(pod(image, here, port)))
    played = podman.run("play", "kube", here / "pod.yaml")
    if not check("it is begun as the manifests say", played.returncode == 0, played.stderr):
        return
    client = Instance(BIN / "tielined", here / "tls", "outside", "unused", "erin")
    client.port, container = port, "tieline-tielined"

    def logs():
        return podman.run("logs", "--tail", "12", container)

    if not check("the API answers outside", wait_until(client.serves, 90), logs()):
        return
    who = client.ask("GET", "/whoami")
    check("... and knows who asks", who[0] == 200 and "erin" in json.dumps(who[1]), who)
    look_inside(podman, container)
    before = client.ask("GET", "/health")
    pid = podman.inspect(container)["State"]["Pid"]
    os.kill(pid, signal.SIGKILL)
    check("killed, it is begun anew", wait_until(lambda: podman.inspect(container)["State"]["Pid"] not in (0, pid), 90),
          podman.inspect(container)["State"])
    check("... and the API answers again", wait_until(client.serves, 90), logs())
    after = client.ask("GET", "/health")
    check("the journal went on where it was", after and before and after[1]["journal"]["seq"] > before[1]["journal"]["seq"],
          (before, after))
    stopped = podman.run("pod", "stop", "-t", "20", "tieline")
    state = podman.inspect(container)["State"]
    check("ended, it ends well", stopped.returncode == 0 and state["ExitCode"] == 0, state)
    verified = subprocess.run([BIN / "tieline", "journal", "verify", "--file", here / "journal/journal.db"],
                              capture_output=True, text=True)
    check("the journal is sound", verified.returncode == 0, verified.stdout + verified.stderr)


if os.geteuid():
    skip("running containers needs root")
image = find_image()
if subprocess.run([ROOT / "tools/setup", "containers"], capture_output=True).returncode or not shutil.which("podman"):
    skip("podman is not there and cannot be installed")
with tempfile.TemporaryDirectory() as work:
    directory = pathlib.Path(work)
    os.chmod(directory, 0o711)
    runner = Podman(directory)
    try:
        must_run(runner, directory)
        play(runner, directory, image)
    finally:
        runner.run("pod", "rm", "-f", "-t", "5", "-a")
        runner.run("rmi", "-f", "-a")
finish()

"""A PostgreSQL server of a test's own: in a directory of its own, reached by a Unix socket there."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


def missing():
    """Why there can be no server; None: there can."""
    if not (BIN / "initdb").exists():
        return "PostgreSQL 15 is not installed"
    if os.getuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "there is no user postgres to run it as"
    return None


class PostgresServer:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="tieline-pg-", dir="/tmp")
        self.data, self.process, self.n_databases = f"{self.directory}/data", None, 0
        self.as_user = {}
        if os.getuid() == 0:  # it does not run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.log = open(f"{self.directory}/log", "a")
        subprocess.run([BIN / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                        "--locale=C", "--no-sync"], check=True, stdout=self.log, stderr=self.log,
                       cwd="/", **self.as_user)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [BIN / "postgres", "-D", self.data, "-k", self.directory, "-c", "listen_addresses=", "-c",
             "fsync=on", "-c", "autovacuum=off"], stdout=self.log, stderr=self.log, cwd="/",
            **self.as_user)
        while self.query("postgres", "SELECT 1") is None:
            if self.process.poll() is not None:
                raise RuntimeError(f"PostgreSQL does not start: {self.directory}/log")
            time.sleep(0.05)

    def address(self, database):
        return f"postgresql:///{database}?host={self.directory}&user=postgres"

    def query(self, database, sql):
        """The rows, as lines; None: it failed."""
        done = subprocess.run([BIN / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql,
                               self.address(database)], capture_output=True, text=True)
        return None if done.returncode else done.stdout.splitlines()

    def create(self):
        """A new database; its name."""
        self.n_databases += 1
        name = f"t{self.n_databases}"
        if self.query("postgres", f"CREATE DATABASE {name}") is None:
            raise RuntimeError("no database could be made")
        return name

    def stop(self, number=signal.SIGINT):
        self.process.send_signal(number)
        self.process.wait()

    def end(self):
        if self.process and self.process.poll() is None:
            self.stop()
        self.log.close()
        shutil.rmtree(self.directory)

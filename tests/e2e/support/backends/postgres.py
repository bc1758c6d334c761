"""Starts PostgreSQL: a server in a folder of the test."""

import glob
import os
import shutil
import subprocess
from pathlib import Path

from support.wait import free_port, is_listening, wait_until

USER, PASSWORD = "app", "s3cret-pw"


def program(name):
    """Debian keeps the server's programs out of the path."""
    found = shutil.which(name) or next(
        iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None
    )
    assert found, f"{name} is missing; tests/run installs postgresql"
    return found


def unprivileged(command):
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["runuser", "-u", "postgres", "--", *command]


class Postgres:
    """A server that asks for a password."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.port = free_port()
        self.database = "postgres"
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
            shutil.chown(secret, "postgres")
        # Whoever runs it must be able to reach it.
        for parent in [self.folder, *self.folder.parents][:-2]:
            if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        self.run(
            [program("initdb"), "-D", self.data, "-U", USER, "-A", "scram-sha-256"]
            + [f"--pwfile={secret}", "--no-sync", "-E", "UTF8", "--locale=C"]
        )
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c fsync=off"
        self.run([program("pg_ctl"), "-D", self.data, "-o", options, "-l", self.folder / "log", "-w", "start"])
        wait_until(lambda: is_listening(self.port), "PostgreSQL")

    def run(self, command):
        command = unprivileged([str(word) for word in command])
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"

    @property
    def url(self):
        """Without its password."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/{self.database}"

    def sql(self, text):
        """Carries out statements."""
        environment = os.environ | {"PGPASSWORD": PASSWORD}
        done = subprocess.run(
            [program("psql"), "-v", "ON_ERROR_STOP=1", "-q", self.url],
            input=text, text=True, env=environment, capture_output=True,
        )
        assert done.returncode == 0, done.stderr

    def copy(self, table, file):
        """Takes a CSV file with a head into a table."""
        self.sql(f"\\copy {table} FROM '{file}' WITH (FORMAT csv, HEADER true)\n")

    def close(self):
        self.run([program("pg_ctl"), "-D", self.data, "-m", "immediate", "-w", "stop"])

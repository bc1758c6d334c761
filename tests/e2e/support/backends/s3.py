"""Starts S3 servers: moto and SeaweedFS.

moto starts in a second and takes any credentials. SeaweedFS is a real store that refuses wrong
ones.
"""

import json
import subprocess
import sys
from pathlib import Path

import boto3
import botocore.config

from support.fleet import environment
from support.wait import PATIENCE, free_port, wait_until

# The run's, which are good for one bucket, one's who may only read it, and the test's own.
ACCESS_KEY, SECRET_KEY = "test-access", "test-s3cret"
READER_KEY, READER_SECRET = "test-reader", "test-reader-s3cret"
ADMIN_KEY, ADMIN_SECRET = "test-admin", "test-admin-s3cret"


class Store:
    """An S3 server on a free port, with one bucket."""

    def __init__(self, folder, bucket="fleet-logs"):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.bucket = bucket
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.child = None
        # Of the programs beside this Python: the venv's.
        self.programs = Path(sys.executable).parent

    def start(self, tries=3):
        # A store of eight ports may find one taken that was free a moment before.
        for _ in range(tries - 1):
            try:
                return self.begin()
            except AssertionError:
                self.close()
                self.port = free_port()
                self.url = f"http://127.0.0.1:{self.port}"
        return self.begin()

    def begin(self):
        with open(self.folder / "output", "wb") as output:
            self.child = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(),
            )
        wait_until(self.make_bucket, f"an S3 server on port {self.port}; see {output.name}")
        return self

    def make_bucket(self):
        assert self.child.poll() is None, (self.folder / "output").read_text()
        try:
            self.client().create_bucket(Bucket=self.bucket)
        except Exception:  # Whatever it is, it is not up yet.
            return False
        return True

    def client(self):
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=ADMIN_KEY,
            aws_secret_access_key=ADMIN_SECRET,
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, retries={"max_attempts": 0}, connect_timeout=5
            ),
        )

    def environment(self):
        """The variables that a run needs for this store."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
        }

    def keys(self, prefix=""):
        pages = self.client().get_paginator("list_objects_v2")
        return [
            entry["Key"]
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix)
            for entry in page.get("Contents", [])
        ]

    def files(self, prefix=""):
        """The keys of tables, without the notes of runs."""
        return [key for key in self.keys(prefix) if key.endswith(".parquet")]

    def download(self, folder, prefix=""):
        """Copies the objects under the prefix into a folder, which is then a local store."""
        for key in self.keys(prefix):
            file = folder / key.removeprefix(prefix).lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            self.client().download_file(self.bucket, key, str(file))
        return folder

    def close(self):
        if self.child:
            # SeaweedFS takes its time for an orderly end, and nothing is to be kept.
            self.child.kill()
            self.child.wait(PATIENCE)


class Moto(Store):
    def command(self):
        return [self.programs / "moto_server", "-H", "127.0.0.1", "-p", str(self.port)]


class SeaweedFs(Store):
    def command(self):
        # An administrator who writes to a bucket that is not there makes it.
        actions = {
            "admin": (ADMIN_KEY, ADMIN_SECRET, ["Admin", "Read", "Write", "List"]),
            "run": (
                ACCESS_KEY,
                SECRET_KEY,
                [f"{a}:{self.bucket}" for a in ("Read", "Write", "List")],
            ),
            "reader": (
                READER_KEY,
                READER_SECRET,
                [f"{a}:{self.bucket}" for a in ("Read", "List")],
            ),
        }
        identities = [
            {
                "name": name,
                "credentials": [{"accessKey": key, "secretKey": secret}],
                "actions": allowed,
            }
            for name, (key, secret, allowed) in actions.items()
        ]
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": identities}))
        # Each port has a second one for gRPC, 10,000 above unless it is told.
        ports = [
            f"-{part}={free_port()}"
            for name in ("master", "volume", "filer")
            for part in (f"{name}.port", f"{name}.port.grpc")
        ]
        return [
            self.programs / "weed",
            *("server", "-dir=.", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *("-s3", f"-s3.port={self.port}", f"-s3.port.grpc={free_port()}"),
            f"-s3.config={config}",
            # Catalogs on ports that are the same for all: a second store would end at them.
            *("-s3.port.iceberg=0", "-s3.port.lance=0"),
            *("-master.volumeSizeLimitMB=64", "-volume.max=20"),
            *ports,
        ]

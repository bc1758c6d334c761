"""Fixtures of the tests of the send log."""

import contextlib

import pytest


@pytest.fixture(scope="module", params=["moto", "seaweedfs"])
def s3(request, tmp_path_factory):
    """An S3 server with a bucket."""
    # Not at the top: smoke tests of this folder run without its packages.
    from support.backends.s3 import Moto, SeaweedFs

    kind = {"moto": Moto, "seaweedfs": SeaweedFs}[request.param]
    with contextlib.closing(kind(tmp_path_factory.mktemp("s3"))) as server:
        yield server.start()

"""Fixtures of the tests of the send log."""

import contextlib

import pytest

from support.backends.s3 import Moto, SeaweedFs


@pytest.fixture(scope="module", params=[Moto, SeaweedFs], ids=["moto", "seaweedfs"])
def s3(request, tmp_path_factory):
    """An S3 server with a bucket."""
    with contextlib.closing(request.param(tmp_path_factory.mktemp("s3"))) as server:
        yield server.start()

"""A server of the S3 protocol on loopback."""

from __future__ import annotations

import secrets
from contextlib import contextmanager

import pytest


@contextmanager
def s3_bucket():
    """Start the server with one bucket, and yield the bucket's URL."""
    fsspec = pytest.importorskip("fsspec", reason="the extra `remote` is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    with pytest.MonkeyPatch.context() as patch:
        server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(variable, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        # The servers of one process share their buckets.
        name = f"sectorsdf-{secrets.token_hex(4)}"
        fsspec.filesystem("s3").mkdir(name)
        yield f"s3://{name}"
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        server.stop()

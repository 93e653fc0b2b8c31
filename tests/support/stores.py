"""Object stores on the loopback, behind a proxy that records requests and can make them fail.

    with s3() as store:          moto's server in place of Amazon's, for s3fs and boto3
    with gcs() as store:         an emulator in place of Google's, for gcsfs

Each sets the environment variables that clients read, so that child processes use the store too.
"""
from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Iterator, List, NamedTuple
from unittest import mock
from urllib.parse import quote

BUCKET = "bucket"
FAULTS = ("503", "close", "hang")


class Request(NamedTuple):
    method: str
    path: str
    size: int


class Proxy:
    """Forwards requests and records them, while `fault` is empty.

    fault: "503" answers with that status, "close" closes the connection, "hang" never answers.
    """

    def __init__(self, target: str) -> None:
        self.fault = ""
        self.requests: List[Request] = []
        self._released = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy._serve(self, target, body)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_any

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # A client that closes the connection early is not an error of the test.
        self._server.handle_error = lambda *args: None  # type: ignore[method-assign]
        # A name instead of 127.0.0.1: clients resolve it, as they resolve the name of a real store.
        self.address = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _serve(self, handler: BaseHTTPRequestHandler, target: str, body: bytes) -> None:
        fault = self.fault
        if fault == "hang":
            self._released.wait(60)
        if fault in ("hang", "close"):
            handler.close_connection = True
            return
        if fault == "503":
            handler.send_response(503)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        self.requests.append(Request(handler.command, handler.path, len(body)))
        connection = http.client.HTTPConnection(target, timeout=60)
        connection.request(handler.command, handler.path, body, dict(handler.headers.items()))
        answer = connection.getresponse()
        content = answer.read()
        handler.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                handler.send_header(name, value)
        length = answer.getheader("Content-Length") if handler.command == "HEAD" else len(content)
        handler.send_header("Content-Length", str(length or 0))
        handler.end_headers()
        handler.wfile.write(content)
        connection.close()

    def puts(self) -> List[Request]:
        """The requests that stored data."""
        return [request for request in self.requests if request.method in ("PUT", "POST")]

    def stop(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()


class Store:
    """A running store. objects(): {name: content} of all objects in the bucket, sorted."""

    def __init__(self, scheme: str, proxy: Proxy, target: str) -> None:
        self.url = f"{scheme}://{BUCKET}"
        self.proxy = proxy
        self._scheme = scheme
        self._target = target
        self._client: Any = _boto3(f"http://{target}") if scheme == "s3" else None

    def objects(self) -> Dict[str, bytes]:
        if self._scheme == "s3":
            client = self._client
            listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
            return {item["Key"]: client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
                    for item in sorted(listed, key=lambda item: str(item["Key"]))}
        names = [item["name"] for item in
                 json.loads(self._get(f"/storage/v1/b/{BUCKET}/o")).get("items", [])]
        return {name: self._get(f"/storage/v1/b/{BUCKET}/o/{quote(name, safe='')}?alt=media")
                for name in sorted(names)}

    def _get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection(self._target, timeout=60)
        connection.request("GET", path)
        content = connection.getresponse().read()
        connection.close()
        return content


def _boto3(address: str) -> Any:
    import boto3
    return boto3.client("s3", endpoint_url=address)


@contextlib.contextmanager
def s3() -> Iterator[Store]:
    from moto.server import ThreadedMotoServer
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # All servers of a process share their objects: delete those of earlier servers.
    reset = http.client.HTTPConnection(host, port, timeout=30)
    reset.request("POST", "/moto-api/reset")
    assert reset.getresponse().status == 200
    reset.close()
    proxy = Proxy(f"{host}:{port}")
    environment = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "very-secret",
                   "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": proxy.address,
                   "AWS_EC2_METADATA_DISABLED": "true", "S3_ENDPOINT": proxy.address}
    with mock.patch.dict(os.environ, environment):
        _boto3(f"http://{host}:{port}").create_bucket(Bucket=BUCKET)
        try:
            yield Store("s3", proxy, f"{host}:{port}")
        finally:
            proxy.stop()
            server.stop()


@contextlib.contextmanager
def gcs() -> Iterator[Store]:
    from gcp_storage_emulator.server import create_server
    logging.getLogger("gcp_storage_emulator").setLevel(logging.ERROR)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    server.start()
    proxy = Proxy(f"127.0.0.1:{port}")
    # Without the last variable gcsfs asks Google's own service for the type of the bucket.
    environment = {"STORAGE_EMULATOR_HOST": proxy.address, "FSSPEC_GS_TOKEN": "anon",
                   "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
    with mock.patch.dict(os.environ, environment):
        import fsspec
        with mock.patch.dict(fsspec.config.conf, {"gs": {"token": "anon"}}):
            try:
                yield Store("gs", proxy, f"127.0.0.1:{port}")
            finally:
                proxy.stop()
                server.stop()

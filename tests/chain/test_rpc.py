"""Transport: time-outs, errors, and no secret of a URL anywhere."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pyml.chain.client import Client
from pyml.chain.devnet import DevNode
from pyml.chain.rpc import Rpc, RpcError, RpcUnavailableError, redact_url, revert_bytes
from pyml.errors import ChainError

SECRET = "s3cretApiKey0123"
Answer = Callable[[dict[str, Any]], tuple[int, bytes]]


@contextmanager
def server(answer: Answer) -> Generator[str]:
    """A node that answers as told, at a URL with a secret in its path, user name and password."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = answer(request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            return

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://user{SECRET}:pass{SECRET}@127.0.0.1:{httpd.server_port}/v3/{SECRET}?key={SECRET}"
    finally:
        httpd.shutdown()
        httpd.server_close()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545"),
        (f"https://example.org/v3/{SECRET}", "https://example.org/***"),
        (f"https://me:{SECRET}@example.org:8545", "https://***@example.org:8545"),
        (f"https://example.org?apikey={SECRET}", "https://example.org/***"),
        (f"http://[::1]:8545/{SECRET}", "http://[::1]:8545/***"),
    ],
)
def test_url_is_shown_without_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown
    assert repr(Rpc(url)) == f"Rpc({shown})"


@pytest.mark.parametrize("url", ["", "localhost:8545", "ws://127.0.0.1:8545", "ftp://x", "http://", "http://x:port"])
def test_unusable_urls_are_refused(url: str) -> None:
    with pytest.raises(ChainError, match="RPC URL"):
        Client.connect(url)


def test_node_down() -> None:
    url = f"http://user:{SECRET}@127.0.0.1:{closed_port()}/{SECRET}"
    with pytest.raises(
        RpcUnavailableError, match=r"node http://\*\*\*@127.0.0.1:\d+/\*\*\* cannot be reached"
    ) as caught:
        Client.connect(url)
    assert SECRET not in str(caught.value) + repr(caught.value) + json.dumps(caught.value.as_dict())


def test_another_chain_names_both_ids(node: DevNode) -> None:
    with pytest.raises(ChainError, match="expected chain id 1; got chain id 31337"):
        Client.connect(node.url, expected_chain_id=1)


def test_silent_node_times_out() -> None:
    release = threading.Event()

    def hang(_: dict[str, Any]) -> tuple[int, bytes]:
        release.wait(5)
        return 200, b"{}"

    with server(hang) as url:
        with pytest.raises(RpcUnavailableError, match="did not answer eth_chainId in time") as caught:
            Client.connect(url, timeout_s=0.1)
        release.set()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"no", "HTTP 401.*Check the credentials"),
        (404, b"not here", "HTTP 404"),
        (200, b"<html>hello</html>", "does not answer as a JSON-RPC node"),
        (200, b'{"jsonrpc":"2.0","id":0}', "neither result nor error"),
        (200, b'{"jsonrpc":"2.0","id":0,"result":"zz"}', "malformed quantity"),
        (200, b'{"jsonrpc":"2.0","id":0,"result":null}', "malformed quantity"),
        (200, b'{"jsonrpc":"2.0","id":0,"error":"odd"}', r"refused eth_chainId: odd \(code 0\)"),
        (
            400,
            b'{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"bad v3/' + SECRET.encode() + b'"}}',
            r"refused eth_chainId: bad .*\*\*\* \(code -32602\)",
        ),
    ],
)
def test_bad_answers_are_chain_errors_without_the_secret(status: int, body: bytes, expected: str) -> None:
    with server(lambda _: (status, body)) as url, pytest.raises(ChainError, match=expected) as caught:
        Client.connect(url)
    assert SECRET not in str(caught.value)


def test_short_outage_is_survived() -> None:
    calls: list[str] = []

    def flaky(request: dict[str, Any]) -> tuple[int, bytes]:
        calls.append(request["method"])
        return (503, b"busy") if len(calls) < 3 else (200, b'{"jsonrpc":"2.0","id":0,"result":"0x7a69"}')

    with server(flaky) as url:
        assert Client.connect(url).chain_id == 31337
    assert calls == ["eth_chainId"] * 3


def test_logs_do_not_show_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    with server(lambda _: (200, b'{"jsonrpc":"2.0","id":0,"result":"0x1"}')) as url, caplog.at_level(logging.DEBUG):
        Client.connect(url)
    assert "eth_chainId" in caplog.text, "debug logging was on"
    assert SECRET not in caplog.text


def test_refusal_keeps_code_text_and_data() -> None:
    body = b'{"jsonrpc":"2.0","id":0,"error":{"code":3,"message":"execution reverted","data":"0xdeadbeef"}}'
    with server(lambda _: (200, body)) as url, pytest.raises(RpcError) as caught:
        Rpc(url).request("eth_call")
    assert (caught.value.code, caught.value.data, caught.value.is_revert) == (3, b"\xde\xad\xbe\xef", True)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("0x0102", b"\1\2"),
        ({"message": "x", "data": "0x03"}, b"\3"),
        ({"data": {"data": "0x04"}}, b"\4"),
        ("Reverted 0x01", None),
        ("0xzz", None),
        (None, None),
        (7, None),
    ],
)
def test_revert_bytes_are_found_where_nodes_put_them(data: object, found: bytes | None) -> None:
    assert revert_bytes(data) == found

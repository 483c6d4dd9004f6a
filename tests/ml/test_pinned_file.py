"""Downloads by digest, from a server of our own: right bytes are kept, anything else leaves nothing behind."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pyml.errors import ModelError
from pyml.ml.pinned_file import PinnedFile, fetch_pinned

CONTENT = bytes(range(256)) * 9000


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/none":
            self.send_error(404)
            return
        content = {"/right": CONTENT, "/wrong": CONTENT[:-1] + b"!", "/long": CONTENT * 2}.get(self.path, CONTENT[:99])
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) if self.path == "/short" else len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def file(server: str) -> PinnedFile:
    return PinnedFile("w.pth", f"{server}/right", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_the_right_bytes_are_kept_and_not_fetched_again(file: PinnedFile, tmp_path: Path) -> None:
    seen: list[float] = []
    path = fetch_pinned(file, tmp_path / "new", progress=lambda _, share: seen.append(share))
    assert path.read_bytes() == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert fetch_pinned(replace(file, url="http://127.0.0.1:9/"), tmp_path / "new") == path


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("none", r"/none could not be downloaded: HTTP Error 404: Not Found\. Check the network, or fetch the file"),
        ("wrong", r"/wrong is not the published file; expected sha256 [0-9a-f]{64}; got [0-9a-f]{64}\."),
        ("long", rf"/long sends more than was published; expected {len(CONTENT)} bytes$"),
        ("short", r"/short could not be downloaded: |/short is not the published file"),
        ("tiny", "/tiny is not the published file"),
    ],
)
def test_other_bytes_leave_nothing(file: PinnedFile, server: str, tmp_path: Path, place: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        fetch_pinned(replace(file, url=f"{server}/{place}"), tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_no_network(file: PinnedFile, tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:9/w.pth", "http://nowhere.invalid/w.pth"):
        with pytest.raises(ModelError, match=r"w\.pth could not be downloaded: .*Check the network, or fetch"):
            fetch_pinned(replace(file, url=url), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_changed_is_refused_and_kept(file: PinnedFile, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"other")
    with pytest.raises(ModelError, match=r"w\.pth is not the published file; expected sha256"):
        fetch_pinned(file, tmp_path)
    assert (tmp_path / "w.pth").read_bytes() == b"other"

"""Reference strings: checked when opened, pinned when public, and never insecure on a public chain."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyml.errors import SrsError
from pyml.zk import srs as module
from pyml.zk.srs import (
    PUBLIC_SHA256,
    Srs,
    download_public,
    file_size,
    find_srs,
    import_public,
    insecure_path,
    make_insecure,
    open_srs,
    public_path,
    require_allowed,
    require_degree,
)
from tests.zk.conftest import SrsOf
from tests.zk.engine_child import EngineChild

K = 5


@pytest.fixture
def made(srs_of: SrsOf) -> Srs:
    return srs_of(K)


@pytest.fixture
def public(made: Srs, monkeypatch: pytest.MonkeyPatch) -> Srs:
    """The same string as if its digest were pinned: no real public one is small enough to ship."""
    monkeypatch.setitem(PUBLIC_SHA256, K, made.digest)
    return open_srs(made.path)


def test_an_engine_made_string_opens_as_insecure(made: Srs) -> None:
    data = made.path.read_bytes()
    assert made == Srs(made.path, K, hashlib.sha256(data).hexdigest(), insecure=True)
    assert len(data) == file_size(K)
    assert data[:4] == K.to_bytes(4, "little")


def test_a_pinned_digest_makes_it_public(public: Srs) -> None:
    assert not public.insecure


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no header": lambda data: data[:3],
    "header alone": lambda data: data[:4],
    "cut short": lambda data: data[:-1],
    "one byte more": lambda data: data + b"\0",
    "another k": lambda data: (K + 1).to_bytes(4, "little") + data[4:],
    "k too small": lambda data: (3).to_bytes(4, "little") + data[4:],
    "k too large": lambda data: (27).to_bytes(4, "little") + data[4:],
    "k of all ones": lambda data: b"\xff\xff\xff\xff" + data[4:],
    "a web page": lambda _: b"<html>404</html>",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_refused(made: Srs, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "damaged.srs"
    path.write_bytes(DAMAGES[damage](made.path.read_bytes()))
    with pytest.raises(SrsError, match="is not a complete structured reference string") as refusal:
        open_srs(path)
    assert refusal.value.expected == "k from 4 to 26 and the length that goes with it"
    assert f"{path.stat().st_size} bytes" in str(refusal.value.got)
    assert refusal.value.hint == "Remove it and get it again with `pyml zk srs`."


def test_a_flipped_bit_makes_a_public_string_insecure(public: Srs, tmp_path: Path) -> None:
    data = bytearray(public.path.read_bytes())
    data[1000] ^= 1
    path = tmp_path / "flipped.srs"
    path.write_bytes(data)
    assert open_srs(path).insecure


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SrsError, match="nowhere cannot be read: No such file or directory") as refusal:
        open_srs(tmp_path / "nowhere")
    assert refusal.value.hint == "Get one with `pyml zk srs`."
    with pytest.raises(SrsError, match="cannot be read: Is a directory"):
        open_srs(tmp_path)


def test_a_string_is_made_once(child: EngineChild, tmp_path: Path) -> None:
    made: list[int] = []

    def generate(path: Path, degree: int) -> None:
        made.append(degree)
        child.step("gen_srs", srs_path=path, logrows=degree)

    assert find_srs(tmp_path, K) is None
    first = make_insecure(tmp_path, K, generate)
    assert make_insecure(tmp_path, K, generate) == first == find_srs(tmp_path, K)
    assert made == [K]
    assert first.insecure
    assert first.path == insecure_path(tmp_path, K)
    assert "insecure" in first.path.name


def test_two_made_strings_differ(child: EngineChild, tmp_path: Path) -> None:
    def generate(path: Path, degree: int) -> None:
        child.step("gen_srs", srs_path=path, logrows=degree)

    assert make_insecure(tmp_path / "a", K, generate).digest != make_insecure(tmp_path / "b", K, generate).digest


def test_a_failed_generation_leaves_nothing(tmp_path: Path) -> None:
    def half(path: Path, degree: int) -> None:
        path.write_bytes(degree.to_bytes(4, "little") + bytes(100))

    with pytest.raises(SrsError, match="is not a complete structured reference string"):
        make_insecure(tmp_path, K, half)
    assert list((tmp_path / "srs").iterdir()) == []

    def killed(path: Path, degree: int) -> None:
        half(path, degree)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_insecure(tmp_path, K, killed)
    assert list((tmp_path / "srs").iterdir()) == []


@pytest.mark.parametrize("degree", [3, 27, 0, -1])
def test_degrees_out_of_range_are_refused(tmp_path: Path, degree: int) -> None:
    def never(path: Path, degree: int) -> None:
        raise AssertionError

    for refused in (lambda: make_insecure(tmp_path, degree, never), lambda: download_public(tmp_path, degree)):
        with pytest.raises(SrsError, match="degree out of range") as refusal:
            refused()
        assert (refusal.value.expected, refusal.value.got) == ("4 to 26", degree)
    assert list(tmp_path.iterdir()) == []


def test_a_public_string_is_preferred_to_an_insecure_one(public: Srs, tmp_path: Path, child: EngineChild) -> None:
    insecure = make_insecure(tmp_path, K, lambda path, degree: child.step("gen_srs", srs_path=path, logrows=degree))
    assert find_srs(tmp_path, K) == insecure
    imported = import_public(tmp_path, public.path)
    assert imported.path == public_path(tmp_path, K)
    assert imported.path.read_bytes() == public.path.read_bytes()
    assert find_srs(tmp_path, K) == imported
    assert not imported.insecure


def test_importing_any_other_file_is_refused(made: Srs, tmp_path: Path) -> None:
    with pytest.raises(SrsError, match="is not the public string of k = 5") as refusal:
        import_public(tmp_path, made.path)
    assert refusal.value.expected == "sha256 (none pinned)"
    assert refusal.value.got == made.digest
    assert find_srs(tmp_path, K) is None


def test_importing_a_string_with_another_digest_is_refused(
    made: Srs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PUBLIC_SHA256, K, "ab" * 32)
    with pytest.raises(SrsError, match="is not the public string") as refusal:
        import_public(tmp_path, made.path)
    assert refusal.value.expected == "sha256 " + "ab" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_false_file_under_the_public_name_stays_insecure(made: Srs, tmp_path: Path) -> None:
    public_path(tmp_path, K).parent.mkdir()
    public_path(tmp_path, K).write_bytes(made.path.read_bytes())
    found = find_srs(tmp_path, K)
    assert found is not None
    assert found.insecure
    with pytest.raises(SrsError, match="is insecure"):
        require_allowed(found, 1)


@pytest.mark.parametrize("chain", [1, 10, 11155111, 0, 31338])
def test_insecure_strings_are_refused_on_public_chains(made: Srs, chain: int) -> None:
    with pytest.raises(SrsError, match="is insecure: whoever made it can forge proofs") as refusal:
        require_allowed(made, chain)
    assert refusal.value.expected == f"a public string on chain {chain}"
    assert refusal.value.got == f"sha256 {made.digest}"


@pytest.mark.parametrize("chain", [31337, 1337])
def test_insecure_strings_are_allowed_on_development_chains(made: Srs, chain: int) -> None:
    require_allowed(made, chain)


@pytest.mark.parametrize("chain", [1, 31337])
def test_public_strings_are_allowed_anywhere(public: Srs, chain: int) -> None:
    require_allowed(public, chain)


def test_a_string_must_be_as_large_as_the_circuit(made: Srs) -> None:
    require_degree(made, K)
    require_degree(made, K - 1)
    with pytest.raises(SrsError, match="the circuit is larger than the structured reference string") as refusal:
        require_degree(made, K + 1)
    assert (refusal.value.expected, refusal.value.got) == ("k >= 6", "k = 5")


def test_pinned_digests_are_well_formed() -> None:
    assert set(PUBLIC_SHA256) == set(range(10, 27))
    assert len(set(PUBLIC_SHA256.values())) == len(PUBLIC_SHA256)
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in PUBLIC_SHA256.values())


# --- downloads, from a server of this test


@contextmanager
def serving(body: bytes, *, claimed: int | None = None, status: int = 200) -> Generator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if claimed is None else claimed))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/kzg{{degree}}.srs"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_download_is_checked_and_kept(public: Srs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, float]] = []
    with serving(public.path.read_bytes()) as url:
        monkeypatch.setattr(module, "PUBLIC_URL", url)
        found = download_public(tmp_path, K, progress=lambda phase, share: shown.append((phase, share)))
    assert (found.path, found.insecure) == (public_path(tmp_path, K), False)
    assert shown[-1] == ("downloading k = 5", 1.0)


@pytest.mark.parametrize("fault", ["flipped", "short", "long", "empty"])
def test_a_download_with_another_digest_is_refused(
    public: Srs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    data = public.path.read_bytes()
    body = {"flipped": b"\0" + data[1:], "short": data[:-1], "long": data + bytes(1 << 21), "empty": b""}[fault]
    with serving(body) as url:
        monkeypatch.setattr(module, "PUBLIC_URL", url)
        with pytest.raises(SrsError, match=r"kzg5.srs does not match its pinned digest") as refusal:
            download_public(tmp_path, K)
    assert refusal.value.expected == public.digest
    assert list((tmp_path / "srs").iterdir()) == []


@pytest.mark.parametrize("fault", ["status", "down"])
def test_a_download_that_fails_is_explained(
    public: Srs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    with serving(public.path.read_bytes(), status=404) as url:
        monkeypatch.setattr(module, "PUBLIC_URL", "http://127.0.0.1:9/kzg{degree}.srs" if fault == "down" else url)
        with pytest.raises(SrsError, match="cannot be downloaded") as refusal:
            download_public(tmp_path, K)
    assert refusal.value.hint is not None
    assert "pyml zk srs --file" in refusal.value.hint
    assert list((tmp_path / "srs").iterdir()) == []


def test_a_degree_that_is_not_published_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SrsError, match="no public string is pinned for this degree") as refusal:
        download_public(tmp_path, 6)
    assert (refusal.value.expected, refusal.value.got) == ("k from 10 to 26", 6)

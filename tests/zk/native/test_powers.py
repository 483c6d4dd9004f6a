"""Powers of tau: checked by pairing before first use, refused if any of them is not a power of the same tau."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pyml.crypto.bn254 import FIELD_MODULUS, SCALAR_MODULUS
from pyml.crypto.bn254_group import G1, multiply_g1, multiply_g2
from pyml.errors import InputError, SrsError, ToolMissingError
from pyml.zk.native.core import load_core
from pyml.zk.native.development_powers import write_insecure_powers
from pyml.zk.native.pairing import decode_g2, pairings_agree
from pyml.zk.native.powers import load_powers, require_powers
from pyml.zk.srs import Srs, make_insecure, open_srs
from tests.zk.conftest import SrsOf

TAU = 271828
K = 4
N = 2**K


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    try:
        load_core()
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("powers") / "k4.srs"
    write_insecure_powers(path, K, tau=TAU)
    return path.read_bytes()


def written(folder: Path, data: bytes) -> Srs:
    path = folder / "given.srs"
    path.write_bytes(data)
    return open_srs(path)


def raw(value: int) -> bytes:
    """A coordinate as the file has it."""
    return ((value << 256) % FIELD_MODULUS).to_bytes(32, "little")


def raw_multiple(scalar: int) -> bytes:
    point = multiply_g1(G1, scalar)
    assert point
    return raw(point.x) + raw(point.y)


def raw_g2(scalar: int) -> bytes:
    point = multiply_g2(scalar)
    return b"".join(raw(part) for part in (*point.x, *point.y))


def test_powers_load_and_the_verdict_is_kept(tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    srs = written(tmp_path, data)
    said: list[str] = []
    powers = load_powers(srs, tmp_path, progress=said.append)
    assert [len(powers.core), powers.tau_g2] == [N, multiply_g2(TAU)]
    assert powers.point(3) == multiply_g1(G1, TAU**3)
    assert said == ["checking the powers of tau, once"]
    assert (tmp_path / "srs" / "checked" / srs.digest).is_file()

    def never(*_: object) -> None:
        raise AssertionError("checked again")

    monkeypatch.setattr("pyml.zk.native.powers.require_powers", never)
    assert len(load_powers(srs, tmp_path, count=5).core) == 5


def test_a_made_string_serves_both_engines(tmp_path: Path) -> None:
    srs = make_insecure(tmp_path, K, write_insecure_powers)
    assert srs.insecure
    assert len(load_powers(srs, tmp_path).core) == N


def test_strings_of_ezkl_are_read(srs_of: SrsOf, tmp_path: Path) -> None:
    assert len(load_powers(srs_of(5), tmp_path).core) == 32


def _replaced(data: bytes, i: int, point: bytes) -> bytes:
    return data[: 4 + 64 * i] + point + data[4 + 64 * (i + 1) :]


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another power": (lambda data: _replaced(data, 5, raw_multiple(TAU**6)), "its points are not powers of one tau"),
    "the last": (lambda data: _replaced(data, N - 1, raw_multiple(1)), "its points are not powers of one tau"),
    "two exchanged": (
        lambda data: _replaced(_replaced(data, 2, raw_multiple(TAU**3)), 3, raw_multiple(TAU**2)),
        "its points are not powers of one tau",
    ),
    "opposite": (lambda data: _replaced(data, 1, raw_multiple(-TAU)), "its points are not powers of one tau"),
    "another tau in G2": (lambda data: data[:-128] + raw_g2(TAU + 1), "its points are not powers of one tau"),
    "powers of another tau": (
        lambda data: data[:4] + b"".join(raw_multiple((TAU + 1) ** i) for i in range(N)) + data[4 + 64 * N :],
        "its points are not powers of one tau",
    ),
    "all equal": (lambda data: _all(data, raw_multiple(1)), "its points are not powers of one tau"),
    "another generator": (
        lambda data: data[:4] + b"".join(raw_multiple(2 * TAU**i) for i in range(N)) + data[4 + 64 * N :],
        "its first point is not the generator of G1",
    ),
    "infinity": (lambda data: _replaced(data, 5, bytes(64)), "point 5 is infinity"),
    "off the curve": (lambda data: _replaced(data, 5, raw(1) + raw(3)), "point 5 is not on the curve"),
    "another generator of G2": (
        lambda data: data[:-256] + raw_g2(2) + raw_g2(2 * TAU),
        "its point of G2 is not the generator",
    ),
    "tau off the twist": (lambda data: data[:-64] + raw(1) + raw(1), "a point is not on the twist of BN254"),
    "tau outside G2": (lambda data: data[:-128] + _outside_g2(), "a point of the twist is not in G2"),
}


def _all(data: bytes, point: bytes) -> bytes:
    return data[:4] + point * N + data[4 + 64 * N :]


def _outside_g2() -> bytes:
    """A point of the twist that is not of order r: the curve over Fq² has many more."""
    q = FIELD_MODULUS
    for x in range(1, 100):
        # y² = x³ + 3/(9+i) with real x; a square root in Fq² by the complex method.
        by82 = pow(82, -1, q)
        real, imaginary = (x**3 + 27 * by82) % q, -3 * by82 % q
        norm = pow(real * real + imaginary * imaginary, (q + 1) // 4, q)
        for sign in (1, -1):
            half = (real + sign * norm) * pow(2, -1, q) % q
            y0 = pow(half, (q + 1) // 4, q)
            if y0 * y0 % q == half and y0:
                y1 = imaginary * pow(2 * y0, -1, q) % q
                if ((y0 * y0 - y1 * y1) % q, 2 * y0 * y1 % q) == (real, imaginary % q):
                    return b"".join(raw(part) for part in (x, 0, y0, y1))
    raise AssertionError("half of all x have a point")


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES)
def test_false_powers_are_refused(tmp_path: Path, data: bytes, change: Callable[[bytes], bytes], reason: str) -> None:
    srs = written(tmp_path, change(data))
    with pytest.raises(SrsError) as caught:
        load_powers(srs, tmp_path)
    assert str(caught.value) == (
        f"{srs.path} does not hold powers of tau: {reason}. Remove it and get it again with `pyml zk srs`."
    )
    assert not (tmp_path / "srs").exists()  # and no verdict is kept


def test_each_check_draws_its_own_weights(tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[bytes] = []
    srs = written(tmp_path, data)
    core = load_core().Srs(str(srs.path))

    class Watched:
        degree, g2, tau_g2 = core.degree, core.g2, core.tau_g2
        point, require_valid, commit = core.point, core.require_valid, core.commit

        def __len__(self) -> int:
            return len(core)

        def combination(self, seed: bytes) -> tuple[bytes, bytes]:
            seeds.append(seed)
            return core.combination(seed)

    require_powers(Watched(), srs)
    require_powers(Watched(), srs)
    assert len(set(seeds)) == 2
    assert all(len(seed) == 32 for seed in seeds)


def test_too_many_powers_are_refused_before_any_work(tmp_path: Path, data: bytes) -> None:
    srs = written(tmp_path, data)
    with pytest.raises(SrsError) as caught:
        load_powers(srs, tmp_path, count=N + 1)
    assert str(caught.value) == (
        "the statement is larger than the structured reference string; expected 17 powers of tau; got 2^4. "
        "Get a larger one with `pyml zk srs 5`."
    )
    assert not (tmp_path / "srs").exists()


def test_pairings() -> None:
    def g1(scalar: int) -> bytes:
        point = multiply_g1(G1, scalar)
        assert point
        return point.encode()

    assert pairings_agree((g1(6), multiply_g2(35)), (g1(14), multiply_g2(15)))
    assert not pairings_agree((g1(6), multiply_g2(35)), (g1(14), multiply_g2(16)))
    assert not pairings_agree((g1(6), multiply_g2(35)), (g1(SCALAR_MODULUS - 14), multiply_g2(15)))


@pytest.mark.parametrize("length", [0, 127, 129])
def test_points_of_g2_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(InputError, match="a point of G2 has the wrong length"):
        decode_g2(bytes(length))

"""Files with powers of tau: what the core reads, and what it refuses to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pyml.crypto.bn254 import FIELD_MODULUS, SCALAR_MODULUS
from pyml.crypto.bn254_group import G1, multiply_g1, multiply_g2
from pyml.errors import SrsError
from pyml.zk.native.core import Core
from pyml.zk.native.development_powers import write_insecure_powers
from pyml.zk.native.limbs import to_limbs
from pyml.zk.srs import open_srs

TAU = 31337
K = 5
N = 2**K


@pytest.fixture(scope="module")
def data(core: Core, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("srs") / "k5.srs"
    write_insecure_powers(path, K, tau=TAU)
    return path.read_bytes()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], str]:
    def written(content: bytes) -> str:
        path = tmp_path / "changed.srs"
        path.write_bytes(content)
        return str(path)

    return written


def test_the_powers_are_those_of_tau(core: Core, data: bytes, write: Callable[[bytes], str]) -> None:
    srs = core.Srs(write(data))
    srs.require_valid()
    assert (len(srs), srs.degree) == (N, K)
    for i in (0, 1, 2, N - 1):
        point = multiply_g1(G1, pow(TAU, i, SCALAR_MODULUS))
        assert point
        assert srs.point(i) == point.encode()
    assert srs.g2 == multiply_g2(1).encode()
    assert srs.tau_g2 == multiply_g2(TAU).encode()
    with pytest.raises(IndexError):
        srs.point(N)


def test_the_lagrange_half_interpolates(core: Core, data: bytes) -> None:
    """Σ w^(ij) L_i(τ) = τ^j: what ezkl takes from the file."""
    by_radix = pow(2, -256, FIELD_MODULUS)
    half = data[4 + 64 * N : 4 + 128 * N]
    points = b"".join(
        (int.from_bytes(half[i : i + 32], "little") * by_radix % FIELD_MODULUS).to_bytes(32, "big")
        for i in range(0, len(half), 32)
    )
    root = pow(7, (SCALAR_MODULUS - 1) // N, SCALAR_MODULUS)
    for j in (0, 1, 3, N - 1):
        point = multiply_g1(G1, pow(TAU, j, SCALAR_MODULUS))
        assert point
        assert core.msm(points, to_limbs(pow(root, i * j, SCALAR_MODULUS) for i in range(N))) == point.encode()


def test_pyml_reads_it_as_an_insecure_string(data: bytes, write: Callable[[bytes], str]) -> None:
    srs = open_srs(Path(write(data)))
    assert (srs.degree, srs.insecure) == (K, True)


def test_a_part_of_the_powers(core: Core, data: bytes, write: Callable[[bytes], str]) -> None:
    srs = core.Srs(write(data), 3)
    assert len(srs) == 3
    assert srs.tau_g2 == multiply_g2(TAU).encode()
    with pytest.raises(ValueError, match=r"^the file has fewer points than are needed$"):
        core.Srs(write(data), N + 1)


def test_combinations_depend_on_the_seed_and_on_nothing_else(
    any_path: Core, data: bytes, write: Callable[[bytes], str]
) -> None:
    srs = any_path.Srs(write(data))
    lower, upper = srs.combination(bytes(32))
    assert upper == any_path.point_multiply(lower, TAU.to_bytes(32, "big"))
    assert srs.combination(bytes(32)) == (lower, upper)
    assert srs.combination(bytes(31) + b"\1") != (lower, upper)
    with pytest.raises(ValueError, match=r"^seed must have 32 bytes, not 31$"):
        srs.combination(bytes(31))


CUTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "the file ends within its header"),
    "header only": (lambda data: data[:4], "the file's length does not fit its degree"),
    "half": (lambda data: data[: len(data) // 4], "the file's length does not fit its degree"),
    "without tau": (lambda data: data[:-128], "the file's length does not fit its degree"),
    "a byte short": (lambda data: data[:-1], "the file's length does not fit its degree"),
    "a byte long": (lambda data: data + b"\0", "the file's length does not fit its degree"),
    "another degree": (lambda data: b"\4" + data[1:], "the file's length does not fit its degree"),
    "absurd degree": (lambda data: b"\xff" * 4 + data[4:], "the file's degree is above 26"),
    "zip": (lambda data: b"PK\3\4" + data[4:], "the file's degree is above 26"),
    "G2 not reduced": (
        lambda data: data[:-32] + b"\xff" * 32,
        "tau times the generator of G2 has a coordinate that is not reduced",
    ),
}


@pytest.mark.parametrize(("change", "line"), CUTS.values(), ids=CUTS)
def test_files_of_another_form_are_refused(
    core: Core, data: bytes, write: Callable[[bytes], str], change: Callable[[bytes], bytes], line: str
) -> None:
    with pytest.raises(ValueError, match=f"^{line}$"):
        core.Srs(write(change(data)))


def test_an_absent_file_is_refused(core: Core, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^the file cannot be opened$"):
        core.Srs(str(tmp_path / "none.srs"))
    with pytest.raises(ValueError, match=r"^the file ends within its header$"):
        core.Srs(str(tmp_path))


def _with_point(data: bytes, i: int, point: bytes) -> bytes:
    return data[: 4 + 64 * i] + point + data[4 + 64 * (i + 1) :]


POINTS: dict[str, tuple[int, bytes, str]] = {
    "infinity": (7, bytes(64), "point 7 is infinity"),
    "off the curve": (31, b"\1" + bytes(63), "point 31 is not on the curve"),
    "not reduced": (
        9,
        FIELD_MODULUS.to_bytes(32, "little") + bytes(32),
        "point 9 has a coordinate that is not reduced",
    ),
    "first": (0, bytes(64), "its first point is not the generator of G1"),
}


@pytest.mark.parametrize(("place", "point", "line"), POINTS.values(), ids=POINTS)
def test_points_that_cannot_be_powers_are_found(
    any_path: Core, data: bytes, write: Callable[[bytes], str], place: int, point: bytes, line: str
) -> None:
    srs = any_path.Srs(write(_with_point(data, place, point)))
    with pytest.raises(ValueError, match=f"^{line}$"):
        srs.require_valid()


@pytest.mark.parametrize("bit", [0, 17, 255, 256, 400, 509])
def test_a_flipped_bit_of_a_point_is_found(core: Core, data: bytes, write: Callable[[bytes], str], bit: int) -> None:
    changed = bytearray(data)
    changed[4 + 64 * 12 + bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match=r"^point 12 "):
        core.Srs(write(bytes(changed))).require_valid()


@pytest.mark.parametrize("degree", [3, 24])
def test_degrees_out_of_range_are_not_written(core: Core, tmp_path: Path, degree: int) -> None:
    with pytest.raises(SrsError, match="degree out of range; expected 4 to 23"):
        write_insecure_powers(tmp_path / "x.srs", degree)


@pytest.mark.parametrize("tau", [0, 1, SCALAR_MODULUS, pow(7, (SCALAR_MODULUS - 1) // N, SCALAR_MODULUS)])
def test_a_tau_without_powers_is_refused(core: Core, tmp_path: Path, tau: int) -> None:
    with pytest.raises(SrsError, match="this tau has no powers to commit with"):
        write_insecure_powers(tmp_path / "x.srs", K, tau=tau)
    assert not (tmp_path / "x.srs").exists()

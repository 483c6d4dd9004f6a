"""The structured reference string (powers of tau) that keys are made from, and whether it may be trusted.

Public strings come from the perpetual powers of tau, as ezkl publishes them for each degree k; their SHA-256 is pinned
here (source: the table in ezkl 23.0.5, ``src/srs_sha.rs``). Any other file is *insecure*, whatever its name: whoever
made it can forge proofs. Insecure strings are for development chains only, and files that this module writes say so.

File format (halo2, raw): u32 little-endian k, 2^k points in monomial and 2^k in Lagrange form of 64 bytes, two G2
points of 128 bytes.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pyml.errors import SrsError
from pyml.files import write_atomically

DEVELOPMENT_CHAINS = frozenset({31337, 1337})
PUBLIC_URL = "https://kzg.ezkl.xyz/kzg{degree}.srs"
MIN_DEGREE, MAX_DEGREE = 4, 26

PUBLIC_SHA256 = {
    10: "9705d450e5dfd06adb673705f7bc34418ec86339203198beceb2ae7f1ffefedb",
    11: "257fa566ed9bc0767d3e63e92b5e966829fa3347d320a32055dc31ee7d33f8a4",
    12: "28b151069f41abc121baa6d2eaa8f9e4c4d8326ddbefee2bd9c0776b80ac6fad",
    13: "d5d94bb25bdc024f649213593027d861042ee807cafd94b49b54f1663f8f267d",
    14: "c09129f064c08ecb07ea3689a2247dcc177de6837e7d2f5f946e30453abbccef",
    15: "90807800a1c3b248a452e1732c45ee5099f38b737356f5542c0584ec9c3ebb45",
    16: "2a1a494630e71bc026dd5c0eab4c1b9a5dbc656228c1f0d48f5dbd3909b161d3",
    17: "41509f380362a8d14401c5ae92073154922fe23e45459ce6f696f58607655db7",
    18: "d0148475717a2ba269784a178cb0ab617bc77f16c58d4a3cbdfe785b591c7034",
    19: "d1a1655b4366a766d1578beb257849a92bf91cb1358c1a2c37ab180c5d3a204d",
    20: "54ef75911da76d7a6b7ea341998aaf66cb06c679c53e0a88a4fe070dd3add963",
    21: "486e044cf98704e07f41137d2b89698dc03d1fbf34d13b60902fea19a6013b4b",
    22: "1ee9b4396db3e4e2516ac5016626ab6ba967f091d5d23afbdb7df122a0bb9d0c",
    23: "748e48b9b6d06f9c82d26bf551d0af43ee2e801e4be56d7ccb20312e267fd1d6",
    24: "f94fa4afa2f5147680f907d4dd96a8826206c26bd3328cd379feaed614b234de",
    25: "dec49a69893fbcd66cd06296b2d936a6aceb431c130b2e52675fe4274b504f57",
    26: "b198a51d48b88181508d8e4ea9dea39db285e4585663b29b7e4ded0c22a94875",
}


@dataclass(frozen=True, slots=True)
class Srs:
    """A checked file: its degree k, SHA-256, and whether it is not one of the public strings."""

    path: Path
    degree: int
    digest: str
    insecure: bool


def open_srs(path: Path) -> Srs:
    """Check the file's form and take its digest; raises ``SrsError`` if it is absent, cut short or something else."""
    try:
        with path.open("rb") as stream:
            header = stream.read(4)
            digest = hashlib.sha256(header)
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
            size = stream.tell()
    except OSError as error:
        raise SrsError(f"{path} cannot be read: {error.strerror}", hint="Get one with `pyml zk srs`.") from error
    degree = int.from_bytes(header, "little")
    if len(header) < 4 or not MIN_DEGREE <= degree <= MAX_DEGREE or size != file_size(degree):
        raise SrsError(
            f"{path} is not a complete structured reference string",
            expected=f"k from {MIN_DEGREE} to {MAX_DEGREE} and the length that goes with it",
            got=f"k = {degree}, {size} bytes",
            hint="Remove it and get it again with `pyml zk srs`.",
        )
    name = digest.hexdigest()
    return Srs(path, degree, name, insecure=PUBLIC_SHA256.get(degree) != name)


def file_size(degree: int) -> int:
    """Bytes of a file of this degree."""
    return 4 + 2 * 64 * 2**degree + 2 * 128


def public_path(home: Path, degree: int) -> Path:
    """Where the public string of a degree is kept."""
    return home / "srs" / f"public-k{degree}.srs"


def insecure_path(home: Path, degree: int) -> Path:
    """Where a locally made string of a degree is kept."""
    return home / "srs" / f"insecure-dev-k{degree}.srs"


def find_srs(home: Path, degree: int) -> Srs | None:
    """The public string of this degree if it is here, else the insecure one, else nothing."""
    for path in (public_path(home, degree), insecure_path(home, degree)):
        if path.exists():
            return open_srs(path)
    return None


def make_insecure(home: Path, degree: int, generate: Callable[[Path, int], None]) -> Srs:
    """A locally generated string, made once by the engine's ``generate(path, degree)``."""
    path = insecure_path(home, _checked_degree(degree))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        try:
            generate(temporary, degree)
            open_srs(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return open_srs(path)


def import_public(home: Path, source: Path) -> Srs:
    """Copy a public string that was downloaded by other means; refuses any file whose digest is not pinned."""
    found = open_srs(source)
    if found.insecure:
        raise SrsError(
            f"{source} is not the public string of k = {found.degree}",
            expected=f"sha256 {PUBLIC_SHA256.get(found.degree, '(none pinned)')}",
            got=found.digest,
        )
    target = public_path(home, found.degree)
    with source.open("rb") as stream:
        write_atomically(target, lambda output: shutil.copyfileobj(stream, output))
    return open_srs(target)


def download_public(home: Path, degree: int, *, progress: Callable[[str, float], None] | None = None) -> Srs:
    """Fetch the public string of a degree and check it against its pinned digest before it gets its name."""
    wanted = PUBLIC_SHA256.get(_checked_degree(degree))
    if wanted is None:
        raise SrsError("no public string is pinned for this degree", expected="k from 10 to 26", got=degree)
    target = public_path(home, degree)
    url = PUBLIC_URL.format(degree=degree)

    def fetch(output: BinaryIO) -> None:
        digest, total = hashlib.sha256(), file_size(degree)
        for chunk in _chunks(url):
            output.write(chunk)
            digest.update(chunk)
            if output.tell() > total:
                break
            if progress is not None:
                progress(f"downloading k = {degree}", output.tell() / total)
        if digest.hexdigest() != wanted:
            raise SrsError(f"{url} does not match its pinned digest", expected=wanted, got=digest.hexdigest())

    write_atomically(target, fetch)
    return open_srs(target)


def _chunks(url: str) -> Iterator[bytes]:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310  # https, constant
            while chunk := response.read(1 << 20):
                yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise SrsError(
            f"{url} cannot be downloaded: {error}",
            hint="Fetch it by other means and name it with `pyml zk srs --file`; "
            "on a development chain `--insecure` makes one here.",
        ) from error


def require_degree(srs: Srs, degree: int) -> None:
    """Refuse a string that is too small for a circuit of 2^degree rows."""
    if srs.degree < degree:
        raise SrsError(
            "the circuit is larger than the structured reference string",
            expected=f"k >= {degree}",
            got=f"k = {srs.degree}",
            hint=f"Get a larger one with `pyml zk srs {degree}`.",
        )


def require_allowed(srs: Srs, chain_id: int) -> None:
    """Refuse an insecure string anywhere but on a development chain."""
    if srs.insecure and chain_id not in DEVELOPMENT_CHAINS:
        raise SrsError(
            f"{srs.path.name} is insecure: whoever made it can forge proofs",
            expected=f"a public string on chain {chain_id}",
            got=f"sha256 {srs.digest}",
            hint=f"Get the public one with `pyml zk srs {srs.degree}` and set up again.",
        )


def _checked_degree(degree: int) -> int:
    if not MIN_DEGREE <= degree <= MAX_DEGREE:
        raise SrsError("degree out of range", expected=f"{MIN_DEGREE} to {MAX_DEGREE}", got=degree)
    return degree

"""Build a release into a folder: source distribution, wheel, npm package of the contracts, and SHA256SUMS over all.

    python scripts/release.py --output dist        refuses changes that are not committed

The wheel is built from the unpacked source distribution. All of it is reproducible: the same commit gives the same
bytes, contract bytecode included, so that anyone can compare the sums. Publishing is left to a person.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from pyml import __version__
from pyml.chain.npm_package import NAME, package_files
from pyml.errors import InputError, PymlError
from pyml.files import write_atomically

ROOT: Final = Path(__file__).parents[1]
SUMS: Final = "SHA256SUMS"


def release(output: Path, *, source: Path = ROOT) -> list[Path]:
    """The files written, sums last. Raises ``InputError`` for a folder in use, or a tree with changes."""
    if output.exists() and any(output.iterdir()):
        raise InputError(f"{output} is not empty", hint="Name another folder, or empty it.")
    if changed := _git(source, "status", "--porcelain"):
        raise InputError("the sources have changes that are not committed", got=changed.splitlines()[:5])
    output.mkdir(parents=True, exist_ok=True)
    build(source, output, "sdist")
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(output / f"pyml-{__version__}.tar.gz") as archive:
        archive.extractall(scratch, filter="data")
        build(Path(scratch) / f"pyml-{__version__}", output, "wheel")
    write_atomically(output / f"{NAME}-{__version__}.tgz", npm_archive())
    files = sorted(path for path in output.iterdir() if path.is_file())
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    write_atomically(output / SUMS, sums.encode())
    return [*files, output / SUMS]


def npm_archive() -> bytes:
    """What ``npm install`` takes: the package below ``package/``, with no times, users or modes of this machine."""
    raw = io.BytesIO()
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in package_files([]):
            content = text.encode()
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


def build(source: Path, output: Path, target: str) -> None:
    """Make the ``sdist`` or ``wheel`` of a source tree; raises ``InputError`` with the end of what hatchling says."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(output.resolve())]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"the {target} could not be built: {done.stderr.strip()[-500:]}")


def _git(source: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=source, capture_output=True, text=True, check=True).stdout.strip()


def main() -> int:
    """Build, and say what the sums are."""
    parser = argparse.ArgumentParser(description="Build a release, and the sums of its files.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    output: Path = parser.parse_args().output
    try:
        written = release(output)
    except PymlError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(written[-1].read_text(encoding="utf-8"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())

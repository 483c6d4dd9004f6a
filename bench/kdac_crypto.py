"""What a message costs: derivation, exchange, complete send and receive, beside AES, ChaCha and libsodium's Box.

    python bench/kdac_crypto.py             a minute; installs PyNaCl into a folder that is removed
    python bench/kdac_crypto.py --quick     some seconds

All steps alternate in one process, and each gets its best round: time on one core, not on the wall. A message fills the
1 KiB bucket; Box encrypts 1 KiB, computing its shared key anew as whoever writes under one-time keys must. Where PyNaCl
cannot be installed its figures are absent, with the reason.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.measuring.record import RESULTS, load_average, write_result
from pyml.kdac.experiments.speed import AES_1K, cipher_steps, derivation_steps, judge, message_steps
from pyml.kdac.experiments.timing import Step, time_steps

PYNACL = "pynacl==1.6.2"
TARGETS = {  # (what, beside what): at most
    ("private derivation", AES_1K): 1.0,
    ("complete send", "libsodium Box, encrypt"): 2.5,
    ("complete receive", "libsodium Box, decrypt"): 1.3,
    ("complete send, keys ahead", AES_1K): 3.0,
}
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--output", type=Path, default=RESULTS / "kdac_crypto.json")
    options = parser.parse_args(arguments)
    started, load = time.time(), load_average()
    with tempfile.TemporaryDirectory() as folder:
        box, reason = box_steps(Path(folder))
        steps = {**derivation_steps(), **message_steps(), **cipher_steps(), **box}
        micros = time_steps(steps, rounds=3 if options.quick else 60)
    targets = judged(micros)
    content = {
        "load_average_before": load,
        "microseconds": micros,
        "targets": targets,
        "claims": judge(micros),
        "libsodium": {"package": PYNACL} if reason is None else {"absent": reason},
    }
    write_result(
        options.output,
        benchmark="kdac_crypto",
        arguments=["--quick"] if options.quick else [],
        started=started,
        content=content,
    )
    for target in targets:
        console.print(f"{target['what']} / {target['beside']}: {target['ratio']} (at most {target['limit']})")
    return 0


def judged(micros: Mapping[str, float]) -> list[dict[str, Any]]:
    """Each target with its ratio; ``None`` where one side could not be measured."""
    found: list[dict[str, Any]] = []
    for (what, beside), limit in TARGETS.items():
        ratio = round(micros[what] / micros[beside], 3) if beside in micros else None
        met = None if ratio is None else ratio <= limit
        found.append({"what": what, "beside": beside, "ratio": ratio, "limit": limit, "met": met})
    return found


def box_steps(folder: Path) -> tuple[dict[str, Step], str | None]:
    """libsodium's Box with a shared key computed for each message; or why there is none."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), PYNACL]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {}, f"pip did not run: {type(error).__name__}"
    if done.returncode:
        return {}, "PyNaCl could not be installed: " + " ".join(done.stderr.split())[-200:]
    sys.path.append(str(folder))  # behind everything else, so that nothing but PyNaCl comes from there
    public: Any = importlib.import_module("nacl.public")
    one, other, plain = public.PrivateKey.generate(), public.PrivateKey.generate(), os.urandom(1024)
    sealed = public.Box(one, other.public_key).encrypt(plain)
    open_box: Callable[[], object] = lambda: public.Box(other, one.public_key).decrypt(sealed)  # noqa: E731
    return {
        "libsodium Box, encrypt": Step(lambda: public.Box(one, other.public_key).encrypt(plain), 100),
        "libsodium Box, decrypt": Step(open_box, 100),
        "libsodium SealedBox, encrypt": Step(lambda: public.SealedBox(other.public_key).encrypt(plain), 100),
    }, None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

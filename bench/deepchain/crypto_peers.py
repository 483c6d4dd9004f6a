"""Other libraries on a vector of the same length, in an environment of their own below PYML_HOME.

They are no part of the project: pip installs pinned versions once. What each lacks is said in ``LACKS``; only
python-paillier is the same primitive.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Final

from bench.measuring.record import load_average

REQUIREMENTS: Final = ("phe==1.5.0", "gmpy2==2.3.2", "tenseal==0.3.18", "flwr==1.42.0", "numpy==2.4.6")
LACKS: Final = {
    "phe": "one key holder decrypts alone; no packing, no proofs, no threshold",
    "tenseal": "one key holder decrypts alone; sums are approximate; no proofs, no threshold",
    "secaggplus": "needs a server in the middle and answers of neighbours in each round; masks hide and prove nothing; "
    "mask seeds are folded to 32 bits before they are expanded; nobody can show a third party who cheated",
}

_INSTALL_TIMEOUT_S: Final = 1200.0
_WORKER: Final = Path(__file__).with_name("peer_worker.py")


def environment_python(home: Path) -> tuple[Path | None, str]:
    """The peers' interpreter, made once; ``None`` and the reason where it cannot be made."""
    folder = home / "bench" / "deepchain-peers"
    python, done = folder / "bin" / "python", folder / "installed.txt"
    wanted = "\n".join(REQUIREMENTS)
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return python, ""
    try:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS],
            check=True,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"not installed: {type(error).__name__}"
    done.write_text(wanted, encoding="utf-8")
    return python, ""


def measure_peer(python: Path, name: str, *, parameters: int, bits: int, sample: int, parties: int) -> dict[str, Any]:
    """What one peer takes for the vector; a reason instead where it does not run."""
    asked = {"name": name, "parameters": parameters, "bits": bits, "sample": sample, "parties": parties}
    load = load_average()[0]
    try:
        done = subprocess.run(
            [str(python), str(_WORKER), json.dumps(asked)], check=True, capture_output=True, text=True, timeout=3600.0
        )
    except subprocess.CalledProcessError as error:
        return {"peer": name, "failed": str(error.stderr)[-300:]}
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"peer": name, "failed": type(error).__name__}
    return {"peer": name, "lacks": LACKS[name], "load_before": load, **json.loads(done.stdout.splitlines()[-1])}


if __name__ == "__main__":
    sys.exit("this module is used by bench/deepchain_crypto.py")

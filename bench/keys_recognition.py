"""How well vaults tell photographs apart: 400, eight edits, every pair, by the embedder that ships and by another.

    PYML_DATA=… python bench/keys_recognition.py     about six minutes, to bench/results/keys_recognition.json
    python bench/keys_recognition.py --quick         eight pictures made by rule, to see that it works

Every edited picture is decoded by the BCH code of the vault; see ``pyml/keys/evaluation.py`` for impostors. Photographs
are those of ``photos/sample500``; MobileNetV2's features (``weights/mobilenet_v2_features.onnx``) are centred with
``photos/kodak24``: no weight or centre of either embedder depends on a photograph that is measured. Two numbers do: 256
features and 6 errors were chosen by looking at these very photographs with MobileNetV2.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console

from bench.measuring.record import RESULTS, write_result
from pyml.config import load_config
from pyml.errors import InputError, PymlError
from pyml.keys.domains import IMAGE
from pyml.keys.evaluation import evaluate, observe
from pyml.keys.fuzzy_commitment import BchCode
from pyml.keys.pictures import open_picture, opened, pictures_in
from pyml.ml.embedders.onnx_pictures import OnnxPictures, read_network
from pyml.ml.embedders.photo import PhotoEmbedder
from pyml.ml.embedders.protocol import Embedder
from pyml.ml.embedders.synthetic import synthetic_pictures

MEASURED = slice(100, 500)
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="no data needed")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args(arguments)
    started = time.time()
    try:
        content = {"sets": _quick() if options.quick else _photographs()}
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    write_result(
        options.output or RESULTS / "keys_recognition.json",
        benchmark="keys_recognition",
        arguments=["--quick"] if options.quick else [],
        started=started,
        content=content,
    )
    return 0


def _quick() -> list[dict[str, Any]]:
    made = [partial(Image.fromarray, each) for each in synthetic_pictures(8, 96, 1)]
    return [_measured("made by rule", PhotoEmbedder(), made)]


def _photographs() -> list[dict[str, Any]]:
    data = load_config().data
    if data is None:
        raise InputError("no photographs", hint="Set PYML_DATA to a folder laid out as docs/data.md says.")
    shown = [partial(open_picture, path) for path in pictures_in(data / "photos" / "sample500")[MEASURED]]
    network = read_network(data / "weights" / "mobilenet_v2_features.onnx")
    centre = opened(pictures_in(data / "photos" / "kodak24"))
    embedders: list[Embedder[Image.Image]] = [
        PhotoEmbedder(),
        OnnxPictures.calibrated("MobileNetV2 features", network, centre),
    ]
    return [_measured("photos/sample500[100:500]", embedder, shown) for embedder in embedders]


def _measured(name: str, embedder: Embedder[Image.Image], shown: Sequence[Callable[[], Image.Image]]) -> dict[str, Any]:
    started = time.monotonic()
    report = evaluate(observe(IMAGE, embedder, shown), BchCode())
    tar, far = report.all_genuine, report.impostors
    console.print(
        f"{embedder.name}: TAR {tar.share:.2%} ({tar.accepted} of {tar.trials}), FAR {far.accepted} of {far.trials}"
    )
    return {"set": name, "seconds": time.monotonic() - started, **report.as_dict()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Photographs and what MobileNetV2 sees in them, before any projection: 1,280 features of each, its views, its edits.

``photos/sample500``: the first hundred are for fitting (principal components, heads), the other four hundred are
measured. Features can be kept in a folder, since they take minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from pyml.keys.domains import IMAGE
from pyml.keys.evaluation import Observations
from pyml.keys.pictures import open_picture, opened, pictures_in
from pyml.ml.embedders.onnx_pictures import OnnxPictures, PixelForm, read_network

FITTED, MEASURED = slice(0, 100), slice(100, 500)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """float32 [photographs, views, 1280], the photograph itself first, and [photographs, edits, 1280]."""

    views: NDArray[np.float32]
    edited: NDArray[np.float32]

    def part(self, rows: slice) -> Features:
        return Features(self.views[rows], self.edited[rows])

    def observed(self, name: str, values: NDArray[np.int64]) -> Observations:
        """With another embedding ``values`` [photographs, views + edits, dimensions] of the same features."""
        split = self.views.shape[1]
        return Observations(
            name, tuple(IMAGE.edits), values[:, :split], values[:, split:], np.arange(len(values), dtype=np.int64)
        )

    @property
    def together(self) -> NDArray[np.float32]:
        """[photographs, views + edits, 1280]."""
        return np.concatenate([self.views, self.edited], axis=1)


def photographs(data: Path) -> list[Path]:
    return pictures_in(data / "photos" / "sample500")


def mobilenet(data: Path) -> tuple[OnnxPictures, bytes]:
    """MobileNetV2's features, centred with photographs that are not measured; and the network itself."""
    network = read_network(data / "weights" / "mobilenet_v2_features.onnx")
    centre = opened(pictures_in(data / "photos" / "kodak24"))
    return OnnxPictures.calibrated("MobileNetV2 features", network, centre), network


def mobilenet_features(data: Path, cache: Path | None, *, count: int = 500) -> Features:
    """Of the first ``count`` photographs."""
    stored = None if cache is None else cache / f"mobilenet_{count}.npz"
    if stored is not None and stored.exists():
        with np.load(stored, allow_pickle=False) as found:
            return Features(found["views"], found["edited"])
    session, form = _session(data), PixelForm()
    views: list[NDArray[np.float32]] = []
    edited: list[NDArray[np.float32]] = []
    for path in track(photographs(data)[:count], "MobileNetV2", console=Console(stderr=True)):
        picture = open_picture(path)
        views.append(np.stack([_seen(session, form, each) for each in IMAGE.views(picture)]))
        edited.append(np.stack([_seen(session, form, edit(picture)) for edit in IMAGE.edits.values()]))
    made = Features(np.stack(views), np.stack(edited))
    if stored is not None:
        np.savez(stored, views=made.views, edited=made.edited)
    return made


def _session(data: Path) -> Any:
    import onnxruntime

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    network = read_network(data / "weights" / "mobilenet_v2_features.onnx")
    return runtime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def _seen(session: Any, form: PixelForm, picture: Image.Image) -> NDArray[np.float32]:
    (found,) = session.run(None, {session.get_inputs()[0].name: form.array(picture)})
    return np.asarray(found, np.float32).reshape(-1)

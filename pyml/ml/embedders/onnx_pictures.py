"""Any ONNX network that turns a picture into a feature vector, described by a small file that pins it.

The description (``pyml keys calibrate`` writes it) holds the network's SHA-256, how pixels become inputs, and the mean
feature vector of some pictures, which centres the projection. Its own digest names the embedder.

One picture at a time on one thread: batched or threaded sums may differ in their last bits, and then so might a code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pyml.errors import IntegrityError, ModelError
from pyml.files import read_bounded, write_atomically
from pyml.ml.embedders.projection import fixed_point, project, sign_matrix
from pyml.ml.pinned_file import PinnedFile, fetch_pinned

FORMAT = "pyml.embedder.onnx-pictures.v1"
DIMENSIONS = 256
MAX_BYTES = 1 << 30
_MAX_DESCRIPTION = 1 << 20
_MAX_FEATURES = 1 << 14


@dataclass(frozen=True, slots=True)
class PixelForm:
    """Input = (pixel/255 - mean)/deviation, RGB, channels first, squeezed to a square by bicubic interpolation."""

    side: int = 224
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if not 8 <= self.side <= 1024 or not all(0 < each < 1e6 for each in self.deviation):
            raise ModelError("no such input", expected="a side from 8 to 1024, positive deviations")

    def array(self, picture: Image.Image) -> NDArray[np.float32]:
        """float32 [1, 3, side, side]."""
        squeezed = picture.convert("RGB").resize((self.side, self.side), Image.Resampling.BICUBIC)
        values = np.asarray(squeezed, np.float32) / np.float32(255)
        values = (values - np.asarray(self.mean, np.float32)) / np.asarray(self.deviation, np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


IMAGENET = PixelForm(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""What torchvision's networks take."""


class OnnxPictures:
    """A network with one image input and one output of features."""

    def __init__(self, name: str, model: bytes, form: PixelForm, centre: NDArray[np.int64]) -> None:
        self._form, self._centre = form, centre
        self._session, self._input = _session(model, form)
        self._model_digest = hashlib.sha256(model).digest()
        self.name = name
        self.dimensions = DIMENSIONS
        self.digest = hashlib.sha256(self.description()).digest()
        self._signs = sign_matrix(len(centre), DIMENSIONS, b"")

    @classmethod
    def calibrated(
        cls, name: str, model: bytes, pictures: Iterable[Image.Image], form: PixelForm | None = None
    ) -> OnnxPictures:
        """An embedder centred at the mean features of some pictures, which must not be those it will protect."""
        form = PixelForm() if form is None else form
        session, name_of_input = _session(model, form)
        found = [_features(session, name_of_input, form.array(picture)) for picture in pictures]
        if len(found) < 2:
            raise ModelError("too few pictures to find the centre", expected="2 or more, better 20", got=len(found))
        centre = fixed_point(np.stack(found)).mean(axis=0).round().astype(np.int64)
        return cls(name, model, form, centre)

    @classmethod
    def open(cls, description: Path, model: Path | str, *, cache: Path | None = None) -> OnnxPictures:
        """From a description and the network that it pins: a path, or a URL whose file is kept in ``cache``."""
        name, form, centre, expected = _parse(_read(description, _MAX_DESCRIPTION), str(description))
        content = read_network(model, sha256=expected if is_url(model) else None, cache=cache)
        if hashlib.sha256(content).hexdigest() != expected:
            raise IntegrityError(f"{model} is not the network of {description}", expected=f"sha256 {expected}")
        return cls(name, content, form, centre)

    def description(self) -> bytes:
        """Canonical JSON."""
        fields = {
            "format": FORMAT,
            "name": self.name,
            "model_sha256": self._model_digest.hex(),
            "side": self._form.side,
            "mean": list(self._form.mean),
            "deviation": list(self._form.deviation),
            "centre": self._centre.tolist(),
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    def write(self, path: Path) -> None:
        """Write the description."""
        write_atomically(path, self.description())

    def embed(self, items: Sequence[Image.Image]) -> NDArray[np.int64]:
        found = np.stack([_features(self._session, self._input, self._form.array(item)) for item in items])
        return project(fixed_point(found), self._centre, self._signs)


def is_url(place: Path | str) -> bool:
    """Whether a network is to be fetched rather than read."""
    return isinstance(place, str) and place.startswith(("https://", "http://", "file://"))


def read_network(place: Path | str, *, sha256: str | None = None, cache: Path | None = None) -> bytes:
    """An ONNX file's bytes, from a path or a URL; ``ModelError`` where they cannot be had.

    ``sha256`` is the digest (hex) that the file must have. A URL needs it, and a folder that the file is kept in.
    """
    if not is_url(place):
        content = _read(Path(place), MAX_BYTES)
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise IntegrityError(f"{place} is another file", expected=f"sha256 {sha256}")
        return content
    if sha256 is None or cache is None:
        raise ModelError("a network from a URL needs its checksum and a folder to keep it in")
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ModelError("not a SHA-256 digest", expected="64 hexadecimal digits, lower case", got=ascii(sha256)[:70])
    return _read(fetch_pinned(PinnedFile(f"{sha256}.onnx", str(place), MAX_BYTES, sha256), cache), MAX_BYTES)


def _read(path: Path, limit: int) -> bytes:
    try:
        return read_bounded(path, limit)
    except ValueError as error:
        raise ModelError(f"{path} is too large", expected=f"at most {limit} bytes") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


def _session(model: bytes, form: PixelForm) -> tuple[Any, str]:
    import onnxruntime  # heavy, late

    runtime: Any = onnxruntime  # its stubs are incomplete
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session: Any = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no common base
        raise ModelError("not an ONNX network that can be run", got=str(error)[:200]) from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(
            "not an embedder of pictures", expected="one input, one output", got=(len(inputs), len(outputs))
        )
    fixed = [size for size in inputs[0].shape[1:] if isinstance(size, int)]
    if len(inputs[0].shape) != 4 or not all(size in (3, form.side) for size in fixed):
        raise ModelError(
            "the network takes another input", expected=f"[n, 3, {form.side}, {form.side}]", got=inputs[0].shape
        )
    return session, str(inputs[0].name)


def _features(session: Any, name: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
    try:
        (output,) = session.run(None, {name: array})
    except Exception as error:
        raise ModelError("the network does not run on a picture", got=str(error)[:200]) from error
    flat = np.asarray(output, np.float32).reshape(-1)
    if not 8 <= len(flat) <= _MAX_FEATURES:
        raise ModelError("not a feature vector", expected=f"8 to {_MAX_FEATURES} numbers", got=np.shape(output))
    return flat


def _parse(text: bytes, origin: str) -> tuple[str, PixelForm, NDArray[np.int64], str]:
    try:
        fields = cast("dict[str, Any]", json.loads(text))
        if fields["format"] != FORMAT:
            raise ValueError("another format")
        mean, deviation = (tuple(float(each) for each in fields[key]) for key in ("mean", "deviation"))
        centre = np.array(fields["centre"])
        if centre.ndim != 1 or centre.dtype != np.int64 or len(mean) != 3 or len(deviation) != 3:
            raise ValueError("parts of the wrong shape")
        form = PixelForm(int(fields["side"]), mean, deviation)
        return str(fields["name"])[:80], form, centre, str(fields["model_sha256"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ModelError(f"{origin} does not describe an embedder: {error}", expected=FORMAT) from error

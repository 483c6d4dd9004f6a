"""A Flower ClientApp as a party's local training: DeepChain in the place of Flower's server.

The app runs in an environment of its own, its user's, through ``flower_bridge.py``. A round gives it the group's
weights as its server would; what it returns, subtracted from them, is the party's update, which is clipped, encoded
and encrypted like any other. What a server would choose (which clients, what strategy, when to evaluate) is not
there: every party trains in every round, and the average counts every party alike.

Limits: weights are floats (an integer array, such as a counter of batches, cannot be averaged and is refused), and an
app's ``context.state`` is lost when the party is killed.
"""

from __future__ import annotations

import contextlib
import json
import math
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast

import numpy as np
from numpy.typing import NDArray

from pyml.deepchain.fixed_point import Update
from pyml.deepchain.local_training import Weights
from pyml.errors import InputError, ModelError, ToolMissingError

BRIDGE: Final = Path(__file__).with_name("flower_bridge.py")
FRAME_LIMIT: Final = 1 << 30
_HEAD_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Layout:
    """Names and shapes of an app's arrays, in order: how they lie in a row of weights."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if not self.names or len(self.names) != len(self.shapes) or len(set(self.names)) != len(self.names):
            raise InputError("a layout has distinct names, each with a shape", got=self.names)
        if any(size < 1 for shape in self.shapes for size in shape):
            raise InputError("an array of the app is empty", got=self.shapes)

    @property
    def size(self) -> int:
        """Numbers in all arrays."""
        return sum(math.prod(shape) for shape in self.shapes)

    def split(self, weights: Weights) -> dict[str, NDArray[np.float32]]:
        """The row as arrays."""
        if weights.shape != (self.size,):
            raise InputError("weights do not fit the app's arrays", expected=self.size, got=weights.shape)
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])[:-1]
        parts = np.split(weights, ends)
        return {name: part.reshape(shape) for name, shape, part in zip(self.names, self.shapes, parts, strict=True)}

    def join(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Arrays as a row; ``ModelError`` unless they are those of the layout, in floats."""
        shapes = {name: array.shape for name, array in arrays.items()}
        if shapes != dict(zip(self.names, self.shapes, strict=True)):
            raise ModelError("the app returned other arrays than it was given", expected=self.shapes, got=shapes)
        if any(array.dtype.kind != "f" for array in arrays.values()):
            raise ModelError("the app returned an array that is not of floats, which cannot be averaged")
        return np.concatenate([arrays[name].ravel().astype(np.float64) for name in self.names])


def read_initial(path: Path) -> tuple[Layout, Weights]:
    """Layout and initial weights from an ``.npz`` file of the app's arrays; objects in it are refused."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays: dict[str, NDArray[Any]] = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is not an .npz file of arrays: {error}") from error
    layout = Layout(tuple(arrays), tuple(tuple(array.shape) for array in arrays.values()))
    return layout, layout.join(arrays).astype(np.float32)


class FlowerApp:
    """A running bridge; use as a context manager, from one thread."""

    def __init__(self, python: Path, app: str, folder: Path, layout: Layout, *, party: int, parties: int) -> None:
        """Start the app of ``folder`` with the interpreter that has flwr; ``ToolMissingError`` if there is none."""
        self._layout = layout
        self._app = app
        # `env` sets the variable: only pyml.config touches the environment.
        words = ["env", "FLWR_TELEMETRY_ENABLED=0", str(python), str(BRIDGE), app, str(folder)]
        if not python.is_file():
            raise ToolMissingError(
                f"there is no Python interpreter at {python}",
                hint="Name the one that has flwr with --flower-python; ./dev setup --all makes one.",
            )
        self._process = subprocess.Popen(
            [*words, str(party), str(parties)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def local_update(self, weights: Weights, *, round_index: int) -> Update:
        """ΔW that the app's training gives; ``ModelError`` with the app's own words if it failed."""
        trained = self._layout.join(self._asked(self._layout.split(weights), round_index))
        return weights.astype(np.float64) - trained

    def close(self) -> None:
        """End the app; closing twice is no error."""
        with contextlib.suppress(OSError):
            self._pipe(self._process.stdin).close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe(self._process.stdout).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _asked(self, arrays: dict[str, NDArray[np.float32]], round_index: int) -> dict[str, NDArray[Any]]:
        listed = [{"name": name, "dtype": "<f4", "shape": array.shape} for name, array in arrays.items()]
        head = json.dumps({"round": round_index, "arrays": listed}).encode()
        try:
            stream = self._pipe(self._process.stdin)
            for content in (head, *(array.astype("<f4", copy=False).tobytes() for array in arrays.values())):
                stream.write(struct.pack(">I", len(content)) + content)
            stream.flush()
        except OSError as error:
            raise self._ended() from error
        answer = self._head()
        if "error" in answer:
            raise ModelError(f"the Flower app {self._app} failed", got=str(answer["error"])[:400])
        return dict(map(self._array, cast("Sequence[Any]", answer["arrays"])))

    def _head(self) -> dict[str, Any]:
        content = self._frame(_HEAD_LIMIT)
        try:
            answer: object = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or not isinstance(cast("dict[str, Any]", answer).get("arrays"), list):
            raise ModelError(f"the bridge of {self._app} did not answer with a message")
        return cast("dict[str, Any]", answer)

    def _array(self, listed: Any) -> tuple[str, NDArray[Any]]:
        try:
            name, dtype = str(listed["name"]), np.dtype(str(listed["dtype"]))
            shape = tuple(int(size) for size in listed["shape"])
            if dtype.kind not in "fiub":
                raise ValueError(f"arrays of {dtype}")
            return name, np.frombuffer(self._frame(FRAME_LIMIT), dtype).reshape(shape)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the bridge of {self._app} sent an array that cannot be read: {error}") from error

    def _frame(self, limit: int) -> bytes:
        stream = self._pipe(self._process.stdout)
        head = stream.read(4)
        if len(head) != 4:
            raise self._ended()
        (length,) = struct.unpack(">I", head)
        if length > limit:
            raise ModelError(f"the bridge of {self._app} sent too long a frame", expected=limit, got=length)
        content = stream.read(length)
        if len(content) != length:
            raise self._ended()
        return content

    def _ended(self) -> ModelError:
        return ModelError(
            f"the bridge of {self._app} ended",
            got=f"exit code {self._process.poll()}",
            hint="Its standard error, above, says why; flwr must be installed beside that interpreter.",
        )

    @staticmethod
    def _pipe(pipe: Any) -> BinaryIO:
        return cast("BinaryIO", pipe)

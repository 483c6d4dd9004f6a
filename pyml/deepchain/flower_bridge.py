"""Runs one Flower ClientApp for a party, in Flower's own environment; talks through its standard input and output.

    python flower_bridge.py MODULE:ATTRIBUTE FOLDER PARTITION PARTITIONS

A program of its own, not part of the package: it needs the standard library, numpy and flwr, and nothing of pyml, for
flwr 1.42 asks for versions of typer, rich and protobuf that pyml cannot use. ``pyml.deepchain.flower`` is at the other
end.

A frame is a length (u32, big-endian) and so many bytes. A message is a frame of JSON, then one frame of raw bytes for
each of its ``arrays``. Nothing is unpickled on either side. What the app prints goes to standard error.

Apps of both kinds run: those with functions for messages (``@app.train()``), and those with a ``client_fn``. Flower's
own loader finds the app; ``context.node_config`` has ``partition-id`` and ``num-partitions``, ``context.run_config``
what the folder's ``pyproject.toml`` says, and ``context.state`` lives as long as this process.
"""

# flwr is not in pyml's environment, and this file is not run there.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.common import FitIns, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.common.config import get_fused_config_from_dir
from flwr.compat.common.recorddict_compat import fitins_to_recorddict, recorddict_to_fitres
from flwr.supercore.object_ref import load_app
from flwr.supercore.task_identity import TaskIdentity

FRAME_LIMIT = 1 << 30
Arrays = dict[str, np.ndarray]


def main(words: list[str]) -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # an app that prints must not break a frame
    reference, folder, partition, partitions = words
    app = load_app(reference, ValueError, folder)
    context = Context(
        run_id=1,
        node_id=int(partition) + 1,
        node_config={"partition-id": int(partition), "num-partitions": int(partitions)},
        state=RecordDict(),
        run_config=_run_config(Path(folder)),
    )
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, context.run_id, context.node_id
    while (frame := _read_frame(sys.stdin.buffer)) is not None:
        request = json.loads(frame)
        arrays = {
            each["name"]: np.frombuffer(_require(_read_frame(sys.stdin.buffer)), each["dtype"]).reshape(each["shape"])
            for each in request["arrays"]
        }
        try:
            trained, examples = _trained(app, context, arrays, int(request["round"]))
            head: dict[str, Any] = {"examples": examples}
        except Exception as error:  # whatever an app raises is told to the party
            trained, head = {}, {"error": f"{type(error).__name__}: {error}"}
        _write(answers, head, trained)


def _trained(app: Any, context: Context, arrays: Arrays, round_index: int) -> tuple[Arrays, int]:
    """What the app makes of the weights of a round, under the same names, and from how many rows."""
    config = {"server-round": round_index, "server_round": round_index}
    if getattr(app, "_call", None) is not None:  # made with a client_fn, which speaks the older dialect
        given = FitIns(ndarrays_to_parameters(list(arrays.values())), config)
        result = recorddict_to_fitres(_answer(app, context, fitins_to_recorddict(given, True)), keep_input=True)
        returned = parameters_to_ndarrays(result.parameters)
        if len(returned) != len(arrays):
            raise ValueError(f"the app returned {len(returned)} arrays for {len(arrays)}")
        return dict(zip(arrays, returned, strict=True)), int(result.num_examples)
    record = ArrayRecord({name: Array(np.array(value)) for name, value in arrays.items()})
    content = _answer(app, context, RecordDict({"arrays": record, "config": ConfigRecord(config)}))
    records = list(content.array_records.values())
    if len(records) != 1:
        raise ValueError(f"the app returned {len(records)} records of arrays; one is wanted")
    examples = [int(each["num-examples"]) for each in content.metric_records.values() if "num-examples" in each]
    return {name: array.numpy() for name, array in records[0].items()}, examples[0] if examples else 0


def _answer(app: Any, context: Context, content: RecordDict) -> RecordDict:
    reply = app(Message(content, dst_node_id=context.node_id, message_type="train"), context)
    if reply.has_error():
        raise ValueError(f"the app answered with error {reply.error.code}")
    return reply.content


def _run_config(folder: Path) -> dict[str, Any]:
    return dict(get_fused_config_from_dir(folder, {})) if (folder / "pyproject.toml").is_file() else {}


def _read_frame(stream: BinaryIO) -> bytes | None:
    head = stream.read(4)
    if not head:
        return None
    (length,) = struct.unpack(">I", head)
    if length > FRAME_LIMIT or len(content := stream.read(length)) != length:
        raise SystemExit("the party sent a frame that is too long or cut short")
    return content


def _require(frame: bytes | None) -> bytes:
    if frame is None:
        raise SystemExit("the party ended within a message")
    return frame


def _write(stream: BinaryIO, head: dict[str, Any], arrays: Arrays) -> None:
    flat = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    listed = [
        {"name": name, "dtype": value.dtype.newbyteorder("<").str, "shape": value.shape} for name, value in flat.items()
    ]
    for content in (
        json.dumps({**head, "arrays": listed}).encode(),
        *(value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes() for value in flat.values()),
    ):
        stream.write(struct.pack(">I", len(content)) + content)
    stream.flush()


if __name__ == "__main__":
    main(sys.argv[1:])

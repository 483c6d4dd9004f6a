"""A Flower ClientApp in Flower's present manner: softmax regression in numpy on a partition of a file beside it."""

# flwr is in an environment of its own.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUntypedFunctionDecorator=false, reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


def partition(context: Context) -> tuple[Any, Any]:
    """Every n-th row is this client's."""
    with np.load(Path(__file__).with_name("rows.npz")) as rows:
        chosen = slice(int(context.node_config["partition-id"]), None, int(context.node_config["num-partitions"]))
        return rows["images"][chosen], rows["labels"][chosen]


def descend(weight: Any, bias: Any, images: Any, labels: Any, *, steps: int, rate: float) -> tuple[Any, Any]:
    """Full-batch gradient descent on cross-entropy."""
    wanted = np.eye(len(bias))[labels]
    for _ in range(steps):
        logits = images @ weight + bias
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        off = (likely / likely.sum(axis=1, keepdims=True) - wanted) / len(images)
        weight, bias = weight - rate * images.T @ off, bias - rate * off.sum(axis=0)
    return weight.astype(np.float32), bias.astype(np.float32)


@app.train()
def train(message: Message, context: Context) -> Message:
    """One visit of the server."""
    print("round", message.content["config"]["server-round"])  # noqa: T201 (apps print; it must not break a frame)
    given = message.content["arrays"]
    if not np.isfinite(given["weight"].numpy()).all():
        raise ValueError("weights are not finite")
    images, labels = partition(context)
    steps = int(context.run_config.get("steps", 20))
    weight, bias = descend(given["weight"].numpy(), given["bias"].numpy(), images, labels, steps=steps, rate=0.5)
    arrays = ArrayRecord({"weight": Array(weight), "bias": Array(bias)})
    content = RecordDict({"arrays": arrays, "metrics": MetricRecord({"num-examples": len(images)})})
    return Message(content, reply_to=message)

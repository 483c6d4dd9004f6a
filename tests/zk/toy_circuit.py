"""Circuits of a few operators, and a prover that lies: it lays out one graph under the keys of another."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from pyml.crypto.bn254 import decode_felt, encode_felt
from pyml.errors import ProofError
from pyml.zk.circuits import OPSET
from pyml.zk.ezkl import Settings, canonical_settings, read_settings
from tests.zk.engine_child import EngineChild

Result = Tensor | tuple[Tensor, ...]
Function = Callable[[Tensor], Result] | Callable[[Tensor, Tensor], Result]
Values = Sequence[Sequence[int]]

TABLE = (-64, 63)
RUN_ARGS: dict[str, Any] = {
    "input_visibility": "polycommit",
    "output_visibility": "public",
    "param_visibility": "fixed",
    "input_scale": 0,
    "param_scale": 0,
    "num_inner_cols": 2,
    "decomp_base": 16,
    "decomp_legs": 2,
    "lookup_range": list(TABLE),
    "disable_freivalds": True,
    "ignore_range_check_inputs_outputs": True,
}


class _Graph(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Result:
        return cast("Callable[..., Result]", self.function)(*inputs)


@dataclass(frozen=True, slots=True)
class ToyProof:
    """What a verifier gets: proof bytes as the engine's JSON list, and public outputs."""

    data: list[int]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Toy:
    """A compiled function of private vectors; ``shapes`` are those of its inputs."""

    child: EngineChild
    folder: Path
    function: Function
    shapes: tuple[tuple[int, ...], ...]
    overrides: dict[str, Any] = field(default_factory=dict)

    def compile(self, degree: int) -> Toy:
        """Export and compile; equal functions give equal circuits."""
        self.folder.mkdir(parents=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cast("Any", torch.onnx).export(
                _Graph(self.function).eval(),
                tuple(torch.zeros(*shape) for shape in self.shapes),
                self._at("graph"),
                dynamo=False,
                opset_version=OPSET,
            )
        arguments = RUN_ARGS | self.overrides
        self.child.step("gen_settings", model=self._at("graph"), output=self._at("settings"), py_run_args=arguments)
        settings = canonical_settings(read_settings(self.folder / "settings"))
        settings["run_args"]["logrows"] = degree
        (self.folder / "settings").write_text(json.dumps(settings))
        self.child.step(
            "compile_circuit",
            model=self._at("graph"), compiled_circuit=self._at("circuit"), settings_path=self._at("settings"),
        )  # fmt: skip
        return self

    @property
    def settings(self) -> Settings:
        return read_settings(self.folder / "settings")

    def set_up(self, srs: Path) -> None:
        self.child.step(
            "setup", model=self._at("circuit"), vk_path=self._at("vk"), pk_path=self._at("pk"), srs_path=srs
        )

    def witness(self, values: Values, srs: Path | None = None, *, keys: Toy | None = None) -> tuple[int, ...]:
        """Run the graph on private values; returns the public outputs. Committed inputs need ``srs`` and keys."""
        rows = [[encode_felt(value) for value in row] for row in values]
        (self.folder / "data").write_text(json.dumps({"input_data": rows}))
        self.child.step(
            "gen_witness",
            data=self._at("data"), model=self._at("circuit"), output=self._at("witness"),
            vk_path=(keys or self)._at("vk") if srs else None, srs_path=srs,
        )  # fmt: skip
        outputs = json.loads((self.folder / "witness").read_text())["outputs"]
        return tuple(decode_felt(text) for row in outputs for text in row)

    def violations(self) -> str:
        """What halo2's mock prover says of the last witness: nothing if it satisfies every gate, copy and lookup."""
        try:
            self.child.step("mock", witness=self._at("witness"), model=self._at("circuit"))
        except ProofError as error:
            return error.problem
        return ""

    def prove(self, srs: Path, *, keys: Toy | None = None) -> ToyProof:
        """Prove the last witness under these or another circuit's keys."""
        self.child.step(
            "prove",
            witness=self._at("witness"), model=self._at("circuit"), pk_path=(keys or self)._at("pk"),
            proof_path=self._at("proof"), srs_path=srs,
        )  # fmt: skip
        written = json.loads((self.folder / "proof").read_text())
        return ToyProof(written["proof"], tuple(decode_felt(text) for row in written["instances"] for text in row))

    def verify(self, proof: ToyProof, srs: Path) -> bool:
        written = {
            "protocol": None, "instances": [[encode_felt(value) for value in proof.outputs]], "proof": proof.data,
            "hex_proof": "0x" + bytes(proof.data).hex(), "split": None, "pretty_public_inputs": None,
            "timestamp": None, "version": self.settings["version"],
        }  # fmt: skip
        (self.folder / "checked").write_text(json.dumps(written))
        return self.child.step(
            "verify",
            proof_path=self._at("checked"), settings_path=self._at("settings"), vk_path=self._at("vk"), srs_path=srs,
        )  # fmt: skip

    def _at(self, name: str) -> str:
        return str(self.folder / name)


def is_fooled(honest: Toy, liar: Toy, values: Values, srs: Path) -> tuple[bool, tuple[int, ...]]:
    """Whether the honest key accepts a proof laid out with the liar's graph, and what that proof claims."""
    claimed = liar.witness(values, srs, keys=honest)
    proof = liar.prove(srs, keys=honest)  # the engine proves whatever it lays out: finding out is the verifier's part
    assert proof.outputs == claimed
    return honest.verify(proof, srs), claimed

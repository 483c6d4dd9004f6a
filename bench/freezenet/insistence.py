"""A challenger who insists on one operand of one step, although all that the miner shows is right.

So an honest miner has to prove whatever is wanted: what tests and benchmarks of disputes need.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from bench.freezenet.stage import Stage
from pyml.crypto.merkle import MerkleTree
from pyml.errors import PymlError
from pyml.freezenet.activations import span_of
from pyml.freezenet.dispute import Dispute, DisputeCase, Turn, miner_move
from pyml.freezenet.steps import Send

Target: TypeAlias = tuple[int, int, int, int]
"""Layer; leaf · 32 + lane, or of the last layer a logit; step; operand."""


def stubborn_move(case: DisputeCase, number: int, dispute: Dispute, target: Target) -> Send | None:
    """A challenger's move towards (layer, index, step, operand), whatever the miner shows: all of it is right."""
    layer, index, step, operand = target
    arguments = _picked(case, dispute, layer, index, step, operand)
    names = {
        Turn.PICK_LAYER: "pickLayer",
        Turn.PICK_CHILD: "pickChild",
        Turn.PICK_VALUE: "pickValue",
        Turn.PICK_STEP: "pickStep",
        Turn.PICK_OPERAND: "pickOperand",
    }
    return None if arguments is None else Send("optimistic", names[dispute.turn], (number, *arguments))


def _picked(
    case: DisputeCase, dispute: Dispute, layer: int, index: int, step: int, operand: int
) -> tuple[object, ...] | None:
    trace = case.trace
    match dispute.turn:
        case Turn.PICK_LAYER:
            last = layer == len(trace.roots)
            return case.layers, layer, index if last else 0, trace.roots, trace.logits, case.sample_leaf
        case Turn.PICK_CHILD:
            below = dispute.level - span_of(dispute.level)
            child = (index // 32 >> below) - (dispute.index << span_of(dispute.level))
            children = trace.children(layer, dispute.level, dispute.index)
            return child, children[child], MerkleTree.above(children).path(child)
        case Turn.PICK_VALUE:
            return case.layers, index % 32
        case Turn.PICK_STEP:
            move = miner_move(case, 0, replace(dispute, turn=Turn.SUMS))
            return None if move is None else (step, move.arguments[3])
        case Turn.PICK_OPERAND:
            move = miner_move(case, 0, replace(dispute, turn=Turn.OPERANDS))
            return None if move is None else (operand, *move.arguments[1:])
        case _:
            return None


def play_stubborn(stage: Stage, number: int, case: DisputeCase, target: Target) -> Dispute:
    """An honest miner against a challenger who insists on one operand, until it is over."""
    while (dispute := stage.dispute(number)).turn is not Turn.OVER:
        step = miner_move(case, number, dispute) or stubborn_move(case, number, dispute, target)
        if step is None:
            raise PymlError("nobody is to move", got=dispute.turn.name)
        stage.send(step, stage.miner if dispute.turn.miners else stage.challenger)
    return dispute


def play_until(stage: Stage, number: int, case: DisputeCase, target: Target, turn: Turn) -> Dispute:
    """The same, up to a turn."""
    while (dispute := stage.dispute(number)).turn is not turn:
        step = miner_move(case, number, dispute) or stubborn_move(case, number, dispute, target)
        if step is None:
            raise PymlError("nobody is to move", got=dispute.turn.name)
        stage.send(step, stage.miner if dispute.turn.miners else stage.challenger)
    return dispute

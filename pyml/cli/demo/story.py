"""What a chapter of the demonstration tells: steps, refusals that were really tried, figures, what is not shown.

A refusal counts if it is the one that was expected. Being let through, or being refused for another reason, is a bug of
ours and ends the demonstration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyml.errors import ContractRevertedError, PymlError

if TYPE_CHECKING:
    from pyml.chain.client import Client
    from pyml.chain.devnet import Devnet
    from pyml.chain.transactions import Receipt
    from pyml.cli.demo.transactions import Sent
    from pyml.config import Config
    from pyml.ml.affine import AffineLayer

BUG: Final = "This is a bug in pyml; please report it."


def require(truth: bool, what: str) -> None:
    """Raise unless things are as they should be."""
    if not truth:
        raise PymlError(f"this should be so and is not: {what}", hint=BUG)


def refused_by_contract(attempt: Callable[[], object], expected: str = "InvalidProof") -> ContractRevertedError:
    """The contract's refusal; another one, or being let through, is an error."""
    try:
        attempt()
    except ContractRevertedError as error:
        require(error.name == expected, f"the contract says {expected}, not {error.name}")
        return error
    raise PymlError("what should be refused was accepted", hint=BUG)


def refused_with(error: type[PymlError], attempt: Callable[[], object]) -> str:
    """Why a library call refuses; a result, or another kind of error, is none."""
    try:
        attempt()
    except error as refusal:
        return refusal.problem
    raise PymlError("what should be refused was accepted", hint=BUG)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done, with what it took."""

    what: str
    result: str
    seconds: float | None = None
    gas: int | None = None
    tx: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that must not work, who refused it, and with what words."""

    attempt: str
    where: str
    answer: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars: numbers of one unit by name, all of them measured in this run."""

    title: str
    unit: str
    bars: Mapping[str, float]


@dataclass(slots=True)
class Chapter:
    """What one system has shown."""

    system: str
    title: str
    steps: list[Step] = field(default_factory=list[Step])
    refused: list[Refused] = field(default_factory=list[Refused])
    charts: list[Chart] = field(default_factory=list[Chart])
    not_shown: list[str] = field(default_factory=list[str])
    sent: tuple[Sent, ...] = ()
    """Every transaction of this chapter, in order."""
    seconds: float = 0.0

    def tell(self, what: str, result: str, *, seconds: float | None = None, receipt: Receipt | None = None) -> None:
        """Add a step."""
        gas, tx = (None, None) if receipt is None else (receipt.gas_used, receipt.tx_hash)
        self.steps.append(Step(what, result, None if seconds is None else round(seconds, 2), gas, tx))

    def refuse(self, what: str, attempt: Callable[[], object], expected: str = "InvalidProof") -> None:
        """Try what a contract must refuse."""
        error = refused_by_contract(attempt, expected)
        self.refused.append(Refused(what, error.contract, error.name))

    def refuse_off_chain(self, what: str, verify: Callable[[], bool]) -> None:
        """Try a proof or a signature that must not verify."""
        require(verify() is False, f"{what} does not verify")
        self.refused.append(Refused(what, "off chain", "the proof is false"))

    def refuse_locally(self, what: str, error: type[PymlError], attempt: Callable[[], object]) -> None:
        """Try what the library must refuse before anything is sent."""
        self.refused.append(Refused(what, "off chain", refused_with(error, attempt)))

    def witnessed(self, what: str, where: str, answer: str) -> None:
        """A refusal that took place among processes; the caller has seen it on the chain."""
        self.refused.append(Refused(what, where, answer))

    @property
    def gas(self) -> int:
        """Of all its transactions."""
        return sum(each.gas for each in self.sent)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "system": self.system,
            "title": self.title,
            "seconds": round(self.seconds, 1),
            "gas": self.gas,
            "transactions": len(self.sent),
            "steps": [asdict(each) for each in self.steps],
            "refused": [asdict(each) for each in self.refused],
            "charts": [{**asdict(each), "bars": dict(each.bars)} for each in self.charts],
            "not_shown": self.not_shown,
        }


@dataclass(slots=True)
class Setting:
    """What all chapters share: the chain, the people on it, and the model that passes from one to the next."""

    config: Config
    devnet: Devnet
    client: Client
    folder: Path
    samples: int
    """Test digits that an accuracy is proved on."""
    begin: Callable[[str], None]
    """Told of each phase that begins."""
    model: tuple[AffineLayer, ...] = ()
    """What the consortium has trained; empty where that chapter is not told."""

    def place(self, system: str) -> Path:
        """A folder for a chapter's files, which goes with the demonstration; contracts are recorded in it."""
        place = self.folder / system
        place.mkdir(exist_ok=True)
        return place

    def deployments(self, system: str) -> Path:
        """Where a chapter's contracts are recorded."""
        return self.place(system) / "deployments"

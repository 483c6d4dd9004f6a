"""The report on keys: what was measured of each data set, embedder and mode, as a table, a CSV file and a plot.

The CSV file has one measure a line (data, domain, embedder, mode, measure, value; bounds and trials where the value is
a rate), so that domains with other edits need no other columns. Bits that a sample cannot show are left empty.
"""

# matplotlib annotates its drawing calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pyml.errors import InputError
from pyml.keys.evaluation import Rate, Report, evaluate, evaluate_exact, observe
from pyml.keys.fuzzy_commitment import BchCode
from pyml.keys.subjects import Subjects
from pyml.ml.embedders.protocol import Embedder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Item = TypeVar("Item")
COLUMNS: Final = ("data", "domain", "embedder", "mode", "measure", "value", "low", "high", "trials")


class Mode(Enum):
    """How a code becomes a key."""

    PAPER = "paper"
    """The code is the key. UNSAFE."""
    VAULT = "vault"


@dataclass(frozen=True, slots=True)
class Finding:
    """A report on one data set."""

    data: str
    domain: str
    report: Report

    @property
    def mode(self) -> Mode:
        return Mode.PAPER if self.report.code is None else Mode.VAULT

    @property
    def name(self) -> str:
        return f"{self.data}, {self.report.embedder}, {self.mode.value}"

    def as_dict(self) -> dict[str, Any]:
        return {"data": self.data, "domain": self.domain, **self.report.as_dict()}


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with, if it is a rate, its bounds and trials; ``value`` is ``None`` where the sample cannot tell."""

    name: str
    value: float | None
    rate: Rate | None = None


def find(
    subjects: Subjects[Item],
    embedder: Embedder[Item],
    *,
    modes: Sequence[Mode] = tuple(Mode),
    code: BchCode | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Finding]:
    """Look at everything once, and evaluate each mode; ``progress`` is told how many have been looked at."""
    if not modes:
        raise InputError("no mode to evaluate", expected="paper, vault or both")
    seen = observe(subjects.domain, embedder, subjects.things, labels=subjects.labels, progress=progress)
    used = subjects.domain.code if code is None else code
    reports = [evaluate_exact(seen) if mode is Mode.PAPER else evaluate(seen, used) for mode in modes]
    return [Finding(subjects.name, subjects.domain.name, report) for report in reports]


def measures(report: Report) -> Iterator[Measure]:
    """Every number of a report, in the order of the table."""
    for edit, rate in report.genuine.items():
        yield _rate(f"recovered after {edit}", rate)
    yield _rate("true accepts", report.all_genuine)
    if report.alike is not None:
        yield _rate("accepts of alike things", report.alike)
    yield _rate("false accepts", report.impostors)
    entropy = report.entropy
    yield Measure("nearest impostor, places", report.least_impostor)
    yield Measure("distinct codes", entropy.distinct)
    yield Measure("Shannon entropy, bits", entropy.shannon_bits)
    yield Measure("Shannon entropy after Miller and Madow, bits", entropy.shannon_corrected_bits)
    yield Measure("collision entropy, bits", entropy.collision_bits)
    yield Measure("min-entropy, bits", entropy.min_bits)
    yield Measure("min-entropy by SP 800-90B, bits", entropy.min_bits_bound)
    yield Measure("guesses for half of the keys", entropy.guesses(0.5))
    yield Measure("guesses for nine tenths of the keys", entropy.guesses(0.9))
    yield Measure("degrees of freedom", report.freedom)
    yield Measure("helper leak, bits", report.leak_bits)
    yield Measure("net security, bits", report.net_bits)


def to_csv(findings: Sequence[Finding]) -> bytes:
    """All measures of all findings, UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for finding in findings:
        about = (finding.data, finding.domain, finding.report.embedder, finding.mode.value)
        for each in measures(finding.report):
            limits = ("", "", "") if each.rate is None else (*map(_number, each.rate.bounds()), each.rate.trials)
            writer.writerow((*about, each.name, _number(each.value), *limits))
    return text.getvalue().encode()


def draw(findings: Sequence[Finding], figure: Figure) -> None:
    """Recovery by edit with its bounds, and beside it the bits: of the codes, told by the helper, left."""
    edits = list(dict.fromkeys(edit for finding in findings for edit in finding.report.genuine))
    recovery, bits = figure.subplots(1, 2, width_ratios=(2, 1))
    height = 0.8 / len(findings)
    for index, finding in enumerate(findings):
        report, shift = finding.report, (index - (len(findings) - 1) / 2) * height
        places = [place for place, edit in enumerate(edits) if edit in report.genuine]
        rates = [report.genuine[edits[place]] for place in places]
        spread = [
            [max(0.0, rate.share - rate.bounds()[0]) for rate in rates],
            [max(0.0, rate.bounds()[1] - rate.share) for rate in rates],
        ]
        recovery.errorbar(
            [rate.share for rate in rates], [place + shift for place in places], xerr=spread,
            fmt="o", markersize=3, capsize=2, color=f"C{index % 10}", label=finding.name,
        )  # fmt: skip
        widths = [report.freedom, report.leak_bits, report.net_bits]
        bits.barh([place + shift for place in range(3)], widths, height, color=f"C{index % 10}")
    recovery.set(xlim=(-0.02, 1.02), xlabel="share of keys recovered, with 95 % bounds")
    recovery.set_yticks(range(len(edits)), edits)
    bits.set(xlabel="bits")
    bits.set_yticks(range(3), ["degrees\nof freedom", "helper\nleak", "net"])
    for axes in (recovery, bits):
        axes.invert_yaxis()
        axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", fontsize="small")


def table(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """One line a finding, for the terminal."""
    return [
        {
            "data": finding.data,
            "embedder": finding.report.embedder,
            "mode": finding.mode.value,
            "recovered": _percent(finding.report.all_genuine),
            "alike": "" if finding.report.alike is None else _percent(finding.report.alike),
            "false accepts": _false_accepts(finding.report.impostors),
            "distinct": f"{finding.report.entropy.distinct} of {finding.report.things}",
            "H, H2, H∞": _entropies(finding.report),
            "leak": f"{finding.report.leak_bits} of {finding.report.bits}",
            "net bits": _least(finding.report) + f"{finding.report.net_bits:.1f}",
        }
        for finding in findings
    ]


def _rate(name: str, rate: Rate) -> Measure:
    return Measure(name, rate.share, rate)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _percent(rate: Rate) -> str:
    low, high = rate.bounds()
    return f"{rate.share:.1%} [{low:.1%}, {high:.1%}]"


def _false_accepts(rate: Rate) -> str:
    return f"{rate.accepted} of {rate.trials} (< {rate.bounds()[1]:.1e})"


def _entropies(report: Report) -> str:
    """With a mark where no two codes coincide, so that these are bits of the sample's size."""
    entropy = report.entropy
    collision = "?" if entropy.collision_bits is None else f"{entropy.collision_bits:.1f}"
    least = "≥ " if entropy.distinct == entropy.samples else ""
    return f"{least}{entropy.shannon_bits:.1f}, {collision}, {least}{entropy.min_bits:.1f}"


def _least(report: Report) -> str:
    """Where all codes differ, paper mode's net security is a number about the sample's size."""
    return "≥ " if report.code is None and report.entropy.distinct == report.entropy.samples else ""

"""Every attack by name, at a size for a laptop: what it costs beside honest work, against the paper's scheme and v1.

Source: specification, section 4. The modules beside this one say what each attack is and what stops it. Honest work is
what the official trainer does, with its tuned setting, to the same threshold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from secrets import token_bytes
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.chain.devnet import DevNode
from pyml.errors import InputError
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.attacks import memorised, seed_bank, sybil, theft, transfer, untuned, weights, window
from pyml.freezenet.attacks.finding import Finding
from pyml.freezenet.curve import epochs_to
from pyml.freezenet.experiment import AUTHOR, SCHEMES, TUNED, Experiment, Scheme, practice_context
from pyml.freezenet.inference import Int8Network
from pyml.freezenet.keras_order import keras_order
from pyml.freezenet.reference import verify_reference_watermark_one_sided
from pyml.freezenet.runs import Runs
from pyml.freezenet.strata import verify_watermark
from pyml.freezenet.trainable import TrainableNetwork, architecture, encode_inputs
from pyml.freezenet.training import torch_parameters
from pyml.ml.datasets import Dataset

Told = Callable[[str, float], None]
StartNode = Callable[[], AbstractContextManager[DevNode]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is attacked, and how hard: ``accuracy`` is the threshold, ``fraction`` the watermark."""

    dataset: Dataset
    network: str = "cnn"
    accuracy: float = 0.9
    fraction: float = 0.5
    seeds: int = 5
    models: int = 1024
    """In the attacker's bank."""
    draws: int = 100
    """Addresses that he looks at."""

    def experiment(self, scheme: Scheme, fraction: float | None = None) -> Experiment:
        """Honest work, by the tuned setting."""
        share = self.fraction if fraction is None else fraction
        return Experiment(self.network, scheme, share, TUNED[self.network], block=b"a block")

    @property
    def attacker(self) -> Experiment:
        """What a model that was trained before was trained with."""
        return replace(self.experiment("v1", 0.0), seed=_ATTACKERS_SEED)


def seed_reuse(subject: Subject, told: Told) -> list[Finding]:
    """Seeds of 32 bits and a nonce, against seeds of 256 bits and as many addresses as one likes."""
    told("honest training", 0)
    seconds = _honest_seconds(subject)
    told("trying nonces", 0.3)
    bank = {int.from_bytes(token_bytes(4), "big") for _ in range(subject.models)}
    limit = 20 * round(seed_bank.expected_hashes(subject.models))
    found = seed_bank.search(bank, b"a new block", limit=limit)
    tried = None if found is None else found.seconds
    details: dict[str, object] = {"models": subject.models, "hashes": limit if found is None else found.hashes}
    told("looking at seeds of addresses", 0.8)
    plans = subject.experiment("v1").fresh(subject.dataset).plans
    context = practice_context(b"a new block", plans, subject.experiment("v1").fraction_ppm)
    old = {token_bytes(32) for _ in range(subject.models)}
    matched = seed_bank.search_seeds(old, seed_bank.seeds_of_accounts(context, _ADDRESSES), cut=bytes)
    return [
        Finding("seed-bank", "reference", _SECONDS, seconds, tried, found is not None, details),
        Finding(
            "seed-bank",
            "v1",
            _SECONDS,
            seconds,
            None,
            matched is not None,
            {
                "models": subject.models,
                "hashes": _ADDRESSES,
                "expected_hashes": seed_bank.expected_hashes(subject.models, seed_bits=256),
            },
        ),
    ]


def one_sided(subject: Subject, told: Told) -> list[Finding]:
    """A check that passes whatever is below the watermark, against equality."""
    runs, images = Runs(subject.dataset), _images(subject)
    found: list[Finding] = []
    for scheme in SCHEMES:
        told(f"{scheme}, lowering weights", SCHEMES.index(scheme) / len(SCHEMES))
        own = subject.experiment(scheme, _ONE_SIDED_FRACTION)
        network = runs.pretrained(replace(own, seed=_ATTACKERS_SEED)).copied()
        if own.integer:
            marks = own.marks(network.plans)
            kernels = weights.one_sided_codes(network, marks)
            passes = verify_watermark(marks, kernels)
            lets = all(
                (kernel[mark.positions] <= mark.codes).all() for kernel, mark in zip(kernels, marks, strict=True)
            )
        else:
            weights.one_sided(network, own.block, own.fraction)
            flat = _in_keras_order(network)
            length = int(len(flat) * own.fraction)
            lets = passes = verify_reference_watermark_one_sided(flat, own.block, length, tolerance=0)
        weights.take_statistics(network, images)
        accuracy, honest = runs.accuracy(network), runs.scratch(own).curve
        told_of: dict[str, object] = {
            "fraction": own.fraction,
            "accuracy": accuracy,
            "honest_accuracy": honest[-1],
            "one_sided_check_passes": bool(lets),
            "the_scheme's_check_passes": passes,
        }
        succeeds = passes and accuracy >= subject.accuracy
        cost = 0.0 if succeeds else None
        found.append(Finding("one-sided", scheme, _EPOCHS, float(len(honest)), cost, succeeds, told_of))
    return found


def scale(subject: Subject, told: Told, fractions: Sequence[float] = (0.05, 0.2, 0.5)) -> list[Finding]:
    """Free weights multiplied, which floats forgive and codes of fixed scales do not."""
    runs = Runs(subject.dataset)
    found: list[Finding] = []
    for scheme in SCHEMES:
        for points in window.window(runs, subject.experiment(scheme), fractions, 1, told):
            (one,) = points
            passes = one.attacker >= subject.accuracy
            details: dict[str, object] = {
                "fraction": one.fraction,
                "honest_accuracy": one.honest,
                "naive": one.naive,
                "scaled": one.scaled,
                "factor": one.factor,
                "threshold": subject.accuracy,
            }
            epochs = float(TUNED[subject.network].epochs)
            found.append(Finding("scale", scheme, _EPOCHS, epochs, 0.0 if passes else None, passes, details))
    return found


def transfers(subject: Subject, told: Told, fractions: Sequence[float] = (0.1, 0.2, 0.5, 0.7)) -> list[Finding]:
    """Training that begins with a trained network."""
    runs = Runs(subject.dataset)
    found: list[Finding] = []
    for scheme in SCHEMES:
        own = subject.experiment(scheme)
        by_fraction = transfer.speed_ups(runs, own, fractions, target=subject.accuracy, seeds=subject.seeds, told=told)
        for fraction, each in by_fraction.items():
            faster = each.median is not None and each.median > _FASTER
            details = {
                "fraction": fraction,
                "speed_up": each.median,
                "least": each.least,
                "most": each.most,
                "seeds": subject.seeds,
                "reached": f"{each.reached[0]} and {each.reached[1]}",
            }
            found.append(Finding("transfer", scheme, _EPOCHS, each.honest, each.attacker, faster, details))
    return found


def untuned_baseline(subject: Subject, told: Told, *, fraction: float = 0.7) -> list[Finding]:
    """A better learning rate than the paper's, and than the official trainer's."""
    found: list[Finding] = []
    for scheme in SCHEMES:
        own = subject.experiment(scheme, fraction)
        done = untuned.search(Runs(subject.dataset), own, target=subject.accuracy, seeds=subject.seeds, told=told)
        official = AUTHOR.learning_rate if scheme == "reference" else own.setting.learning_rate
        best, advantage = done.best, done.advantage_over(official)
        details: dict[str, object] = {
            "fraction": fraction,
            "honest_rate": official,
            "attackers_rate": None if best is None else best[0],
            "advantage": advantage,
            "epochs_by_rate": {f"{rate:g}": epochs for rate, epochs in done.by_rate.items()},
        }
        cost = None if best is None else best[1]
        gains = best is not None and (advantage is None or advantage > _FASTER)
        found.append(Finding("untuned", scheme, _EPOCHS, done.by_rate[official], cost, gains, details))
    return found


def test_set(subject: Subject, told: Told) -> list[Finding]:
    """Learning the test by heart, where it is public and where it is sealed."""
    told("training with and without the test images", 0)
    own = subject.experiment("v1")
    done, epochs = memorised.memorise(subject.dataset, own), float(own.setting.epochs)
    return [
        Finding(
            "test-set",
            against,
            _EPOCHS,
            epochs,
            epochs,
            gain > _GAIN,
            {"honest_accuracy": honest, "attackers_accuracy": attacker, "gain": gain},
        )
        for against, honest, attacker, gain in (
            ("reference", done.honest_seen, done.attacker_seen, done.gain_if_public),
            ("v1", done.honest_hidden, done.attacker_hidden, done.gain_if_sealed),
        )
    ]


def stolen(subject: Subject, told: Told, start: StartNode) -> list[Finding]:
    """Copies on a chain."""
    own = replace(subject.experiment("v1"), network="mlp", setting=TUNED["mlp"])
    runs = Runs(subject.dataset)
    plans = own.fresh(subject.dataset).plans
    seconds = 0.0

    def train(seed: bytes) -> Int8Network:
        nonlocal seconds
        told("the miner trains", 0.3)
        began = time.process_time()
        network = runs.under(own, seed).network.integer_network()
        seconds = time.process_time() - began
        return network

    told("starting a chain", 0)
    inputs, labels = _images(subject, test=True)[:_CHAIN_SAMPLES], subject.dataset.test_labels[:_CHAIN_SAMPLES]
    with start() as node:
        done = theft.play(node, Architecture(architecture(plans), own.fraction_ppm), (inputs, labels), train)
    details: dict[str, object] = {
        "copied_commitment": done.copied_commitment or "bonded",
        "copied_opening": done.copied_opening or "accepted",
        "opening_without_commitment": done.opening_without_commitment or "accepted",
        "late_commitment": done.late_commitment or "accepted",
        "correct_under_the_miner's_seed": f"{done.honest_correct} of {done.samples}",
        "correct_under_the_thief's_seed": f"{done.stolen_correct} of {done.samples}",
        "thief_wei": done.thief_wei,
        "miner_wei": done.miner_wei,
    }
    return [Finding("theft", "v1", _SECONDS, seconds, None, done.succeeds, details)]


def many_accounts(subject: Subject, told: Told, fractions: Sequence[float] = (0.3, 0.5, 0.7, 0.9)) -> list[Finding]:
    """One solution for many accounts, and the luckiest of many addresses, by fraction."""
    runs, own = Runs(subject.dataset), subject.experiment("v1")
    told("one solution for ten accounts", 0)
    seeds = _seeds(subject, own)
    trained = runs.under(own, seeds[0])
    shared = sybil.shared(runs, own, trained, seeds[0], seeds[1:10])
    others, epochs = max(shared.accuracies[1:]), float(len(trained.curve))
    details: dict[str, object] = {"own_account": shared.accuracies[0], "best_of_the_others": others}
    passes = others >= subject.accuracy
    found = [Finding("sybil", "v1, one solution for 10 accounts", _EPOCHS, 10 * epochs, None, passes, details)]
    for index, fraction in enumerate(fractions):
        found.append(_luckiest(subject, runs, fraction, lambda text, i=index: told(text, (i + 0.5) / len(fractions))))
    return found


def _luckiest(subject: Subject, runs: Runs, fraction: float, told: Callable[[str], None]) -> Finding:
    own = subject.experiment("v1", fraction)
    had = runs.pretrained(subject.attacker)
    seeds = _seeds(subject, own)
    draws = sybil.lucky_draw(runs, own, had, seeds, factor=1.0, told=lambda number: told(f"looking at seed {number}"))
    passes = draws.best >= subject.accuracy
    details = {"fraction": fraction, "mean": draws.mean, "best": draws.best, "threshold": subject.accuracy}
    epochs = float(own.setting.epochs)
    return Finding(
        "sybil", f"v1, best of {subject.draws} addresses", _EPOCHS, epochs, 0.0 if passes else None, passes, details
    )


def _seeds(subject: Subject, own: Experiment) -> list[bytes]:
    context = practice_context(own.block, own.fresh(subject.dataset).plans, own.fraction_ppm)
    return list(seed_bank.seeds_of_accounts(context, max(10, subject.draws)))


def _honest_seconds(subject: Subject) -> float:
    own = subject.experiment("v1")
    began = time.process_time()
    curve = Runs(subject.dataset).scratch(own, until=subject.accuracy).curve
    if epochs_to(curve, subject.accuracy) is None:
        raise InputError("honest training does not reach the threshold", expected=subject.accuracy, got=max(curve))
    return time.process_time() - began


def _images(subject: Subject, *, test: bool = False) -> NDArray[np.int8]:
    images = subject.dataset.test_images if test else subject.dataset.train_images
    return encode_inputs(images, pixel_max=subject.dataset.pixel_max)


def _in_keras_order(network: TrainableNetwork) -> NDArray[np.float32]:
    flat = np.concatenate([parameter.detach().numpy().reshape(-1) for parameter in network.parameters()])
    return flat[keras_order(torch_parameters(network))]


_SECONDS: Final = "CPU seconds"
_EPOCHS: Final = "epochs"
_ATTACKERS_SEED: Final = 1_000_000
_ADDRESSES: Final = 50_000
_ONE_SIDED_FRACTION: Final = 0.1
_FASTER: Final = 1.5
"""Above this an attacker is said to have an advantage; below, seeds differ by as much."""
_GAIN: Final = 0.01
_CHAIN_SAMPLES: Final = 100

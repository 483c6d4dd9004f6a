"""Which figures of ``bench/results`` the page shows, what each is held to, and what it is measured beside.

A headline reads one number from one result file. Nothing here is a measurement: a figure that no file has cannot be
shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Result: TypeAlias = Mapping[str, Any]
Unit: TypeAlias = Literal["s", "µs", "gas", "bytes", "MB", "GB", "per s", "times", "share", "count"]


@dataclass(frozen=True, slots=True)
class Headline:
    """One row: the figure, its unit, and at most one limit."""

    what: str
    benchmark: str
    read: Callable[[Result], float | int]
    unit: Unit
    at_most: float | None = None
    at_least: float | None = None

    def met(self, got: float) -> bool | None:
        """Whether the limit is kept; None without a limit."""
        if self.at_most is not None:
            return got <= self.at_most
        return None if self.at_least is None else got >= self.at_least


def _form(result: Result, name: str) -> Result:
    return next(form for form in result["forms"] if form["form"] == name)


def _relay(batch: int, faulty: str | None) -> Callable[[Result], float]:
    def read(result: Result) -> float:
        wanted = (4, batch, faulty)
        return next(
            row["messages_per_s"] for row in result["rows"] if (row["replicas"], row["batch"], row["faulty"]) == wanted
        )

    return read


def _lost(batch: int, faulty: str) -> Callable[[Result], float]:
    return lambda result: 1 - _relay(batch, faulty)(result) / _relay(batch, None)(result)


def _named(name: str) -> Callable[[Result], float]:
    return lambda result: next(row["got"] for row in result["targets"] if row["target"] == name)


def _ratio(name: str) -> Callable[[Result], float]:
    return lambda result: next(row["ratio"] for row in result["targets"] if row["what"] == name)


def _combine(result: Result) -> float:
    return next(row["got"] for row in result["targets"] if row["target"].startswith("combine, each"))


def _native(samples: int) -> Callable[[Result], Result]:
    return lambda result: next(each["median"] for each in result["native"]["proofs"] if each["samples"] == samples)


def _chosen(result: Result) -> Result:
    """The claim under the n that is chosen by default."""
    return next(claim for claim in result["gas"]["claims"] if claim["by_default"])


def _native_ratio(peer: str) -> Callable[[Result], float]:
    return lambda result: result["peers"]["ratios_to_native"][peer]["seconds_a_sample"]


SYSTEMS: Mapping[str, tuple[Headline, ...]] = {
    "zk": (
        Headline(
            "native engine: prove 784-64-10 on all 10,000 of MNIST",
            "zk_native",
            lambda r: _native(10_000)(r)["total_s"],
            "s",
            at_most=30,
        ),
        Headline(
            "native engine: the same, peak memory",
            "zk_native",
            lambda r: _native(10_000)(r)["peak_mb"],
            "MB",
            at_most=3000,
        ),
        Headline(
            "native engine: the same, proof",
            "zk_native",
            lambda r: _native(10_000)(r)["proof_bytes"],
            "bytes",
            at_most=8000,
        ),
        Headline(
            "native engine: prove 784-64-10 on 1,000 of MNIST",
            "zk_native",
            lambda r: _native(1000)(r)["total_s"],
            "s",
            at_most=4,
        ),
        Headline(
            "native engine: a sample by pyml's ezkl form", "zk_native", _native_ratio("pyml"), "times", at_least=25
        ),
        Headline(
            "native engine: a sample by naive sound ezkl", "zk_native", _native_ratio("naive"), "times", at_least=200
        ),
        Headline(
            "native engine: whole claim on 10,000 samples",
            "zk_native",
            lambda r: _chosen(r)["claim_gas"],
            "gas",
            at_most=640_000,
        ),
        Headline(
            "native engine: code of its verifier",
            "zk_native",
            lambda r: _chosen(r)["verifier_code_bytes"],
            "bytes",
            at_most=24_575,
        ),
        Headline(
            "prove the accuracy of 64-32-10 on 100 digits",
            "zk_accuracy",
            lambda r: _form(r, "pyml")["median"]["prove_s"],
            "s",
        ),
        Headline(
            "naive sound circuit of the specification's shape, by proving time",
            "zk_accuracy",
            lambda r: r["ratios_to_pyml"]["naive-8"]["prove_time"],
            "times",
            at_least=8,
        ),
        Headline(
            "fastest naive sound circuit found, by proving time",
            "zk_accuracy",
            lambda r: r["ratios_to_pyml"]["naive"]["prove_time"],
            "times",
        ),
        Headline(
            "prove 784-64-10 on 1,000 of MNIST in one circuit",
            "zk_accuracy_mnist",
            lambda r: _form(r, "pyml")["median"]["total_s"],
            "s",
        ),
        Headline(
            "the same by a naive sound circuit, a sample",
            "zk_accuracy_mnist",
            lambda r: r["ratios_to_pyml"]["naive"]["prove_time"],
            "times",
            at_least=8,
        ),
        Headline(
            "prove 784-64-10 on all 10,000 of MNIST, peak memory", "zk_sets", lambda r: r["peak_gb"], "GB", at_most=12
        ),
        Headline(
            "accuracy claim, dedicated verifier",
            "zk_gas",
            lambda r: r["targets"]["dedicated"]["got"],
            "gas",
            at_most=950_000,
        ),
        Headline(
            "accuracy claim, reusable verifier",
            "zk_gas",
            lambda r: r["targets"]["reusable"]["got"],
            "gas",
            at_most=1_200_000,
        ),
        Headline(
            "prove one answer of a private model", "zk_inference", lambda r: _form(r, "pyml")["median"]["total_s"], "s"
        ),
        Headline(
            "the same by ZoKrates with a commitment",
            "zk_inference",
            lambda r: r["ratios_to_pyml"]["zokrates-committed"]["sample_time"],
            "times",
        ),
        Headline(
            "the same by ZoKrates without a commitment",
            "zk_inference",
            lambda r: r["ratios_to_pyml"]["zokrates"]["sample_time"],
            "times",
        ),
        Headline(
            "the same by ezkl, sound",
            "zk_inference",
            lambda r: r["ratios_to_pyml"]["ezkl-sound"]["sample_time"],
            "times",
        ),
    ),
    "keys": (
        Headline(
            "edited photographs whose key is found again, built-in embedder",
            "keys_recognition",
            lambda r: r["sets"][0]["tar"]["share"],
            "share",
            at_least=0.9,
        ),
        Headline(
            "edited photographs whose key is found again, MobileNetV2",
            "keys_recognition",
            lambda r: r["sets"][1]["tar"]["share"],
            "share",
            at_least=0.97,
        ),
        Headline(
            "other photographs that open a key, of 159,600, built-in embedder",
            "keys_recognition",
            lambda r: r["sets"][0]["far"]["accepted"],
            "count",
            at_most=0,
        ),
        Headline(
            "paper mode's keys of MNIST found within 12 guesses",
            "keys_attacks",
            lambda r: r["dictionary"]["paper"]["within_12_guesses"]["share"],
            "share",
            at_least=0.9,
        ),
        Headline(
            "damaged helper files accepted, of 6,286",
            "keys_attacks",
            lambda r: r["tamper"]["file"]["accepted"],
            "count",
            at_most=0,
        ),
        Headline(
            "images a second to addresses, small CNN, one thread",
            "keys_throughput",
            lambda r: r["subjects"][0]["images_per_second"],
            "per s",
        ),
    ),
    "freezenet": (
        Headline(
            "masking, against a plain step of the optimiser",
            "freezenet_training",
            lambda r: r["schemes"][0]["ratio_to_plain_update"]["mask"]["median"],
            "times",
            at_most=1.01,
        ),
        Headline(
            "watermark positions of 1.3 million weights",
            "freezenet_watermark",
            lambda r: r["positions_s"]["median"],
            "s",
            at_most=0.15,
        ),
        Headline(
            "watermark codes of 1.3 million weights",
            "freezenet_watermark",
            lambda r: r["codes_s"]["median"],
            "s",
            at_most=0.3,
        ),
        Headline(
            "one int8 product on chain, dearest layer",
            "freezenet_gas",
            lambda r: r["targets"]["exact int8, a product, dearest layer"]["got"],
            "gas",
            at_most=70,
        ),
        Headline(
            "reveal and enrol a solution",
            "freezenet_gas",
            lambda r: r["targets"]["optimistic happy path"]["got"],
            "gas",
            at_most=160_000,
        ),
        Headline(
            "whole dispute over a network of 40,080 weights",
            "freezenet_gas",
            lambda r: r["targets"]["full dispute"]["got"],
            "gas",
            at_most=3_000_000,
        ),
    ),
    "deepchain": (
        Headline(
            "encrypt 100,000 parameters at 2048 bits",
            "deepchain_crypto",
            _named("encrypt one party, s"),
            "s",
            at_most=0.6,
        ),
        Headline(
            "the same by python-paillier",
            "deepchain_crypto",
            _named("faster than python-paillier"),
            "times",
            at_least=500,
        ),
        Headline(
            "its ciphertexts", "deepchain_crypto", _named("ciphertexts of one party, bytes"), "bytes", at_most=520_000
        ),
        Headline(
            "verify that an update is well formed", "deepchain_crypto", _named("verify Proof_PK, s"), "s", at_most=1
        ),
        Headline("add ten updates", "deepchain_crypto", _named("aggregate, s"), "s", at_most=0.1),
        Headline("one member's decryption share", "deepchain_crypto", _named("decryption share, s"), "s", at_most=3),
        Headline("combine, all members opening their parts", "deepchain_crypto", _combine, "s", at_most=1.5),
        Headline(
            "a member's round", "deepchain_gas", lambda r: r["targets"]["party_round"]["got"], "gas", at_most=120_000
        ),
        Headline(
            "whole dispute over a proof of 981 ciphertexts",
            "deepchain_gas",
            lambda r: r["targets"]["full_dispute"]["got"],
            "gas",
            at_most=2_000_000,
        ),
        Headline(
            "prove an aggregate wrong",
            "deepchain_gas",
            lambda r: r["targets"]["wrong_aggregate"]["got"],
            "gas",
            at_most=800_000,
        ),
    ),
    "kdac": (
        Headline(
            "messages ordered by four replicas, batches of 500",
            "kdac_relay",
            _relay(500, None),
            "per s",
            at_least=1_000,
        ),
        Headline(
            "messages ordered by four replicas, batches of 50", "kdac_relay", _relay(50, None), "per s", at_least=300
        ),
        Headline(
            "of it lost while one replica is dead, batches of 500",
            "kdac_relay",
            _lost(500, "dead"),
            "share",
            at_most=0.5,
        ),
        Headline(
            "of it lost while one replica is dead, batches of 50", "kdac_relay", _lost(50, "dead"), "share", at_most=0.5
        ),
        Headline(
            "private derivation, against AES-256-GCM of 1 KiB",
            "kdac_crypto",
            _ratio("private derivation"),
            "times",
            at_most=1,
        ),
        Headline("complete send, against libsodium Box", "kdac_crypto", _ratio("complete send"), "times", at_most=2.5),
        Headline(
            "complete receive, against libsodium Box", "kdac_crypto", _ratio("complete receive"), "times", at_most=1.3
        ),
        Headline(
            "tags found a second among a million users",
            "kdac_lookup",
            lambda r: r["rows"][-1]["lookups_per_second"],
            "per s",
            at_least=200_000,
        ),
        Headline("memory of a million tags", "kdac_lookup", lambda r: r["mb_per_million"], "MB", at_most=200),
        Headline("anchor a block of four replicas", "kdac_gas", lambda r: r["logs"][0]["anchor"], "gas"),
    ),
}

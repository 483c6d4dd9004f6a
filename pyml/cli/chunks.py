"""``pyml zk export-set``, ``prove-set``, ``claim-set``: a whole test set, in parts under one commitment."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyml.cli.circuits import Account, Deployments, Device, Rpc, SrsFile
from pyml.cli.plan import (
    GB,
    Bits,
    Data,
    InputBits,
    LookupBits,
    Memory,
    Model,
    Samples,
    Start,
    described,
    memory_for_proofs,
    prepared_with,
    public_set,
    ways_to_cut,
)
from pyml.cli.terminal import (
    Json,
    PasswordFile,
    address_of,
    connect,
    password,
    phases,
    share_done,
    show,
    signer,
    stopwatch,
)
from pyml.config import Config, load_config
from pyml.errors import InputError, ResourceError, SrsError

if TYPE_CHECKING:
    from pyml.zk.chunks import PartTask, Prover, Run, Share
    from pyml.zk.registries import ZkContracts
    from pyml.zk.set_folder import SetFolder

SetPath = Annotated[Path, typer.Argument(metavar="SET", help="Set folder, as `export-set` wrote it.")]


def export_set(
    model: Model,
    data: Data = "digits",
    samples: Samples = None,
    start: Start = 0,
    part_samples: Annotated[int | None, typer.Option(min=1, help="Samples of a part; without, as `plan` says.")] = None,
    degree: Annotated[int | None, typer.Option(min=4, max=26, help="k of every part; without, as `plan` says.")] = None,
    bits: Bits = 8,
    input_bits: InputBits = None,
    lookup_bits: LookupBits = None,
    memory: Memory = None,
    out: Annotated[Path, typer.Option(help="Set folder to write.")] = Path("set"),
    as_json: Json = False,
) -> None:
    """Quantise a model, cut a test set into parts that fit the memory, and write a circuit folder for each.

    Continue with `srs`, `commit SET/part-0000 MODEL`, `deploy`, `prove-set` and `claim-set`.
    """
    from pyml.ml.onnx_file import read_onnx
    from pyml.zk.estimate import InputCounts, best_estimate, set_estimate
    from pyml.zk.machine import processors
    from pyml.zk.set_folder import SetFolder

    config, limit = load_config(), memory_for_proofs(memory)
    with phases(as_json=as_json) as begin:
        begin("quantising")
        layers = read_onnx(model)
        dataset, chosen = public_set(config, data, samples=samples, start=start, input_bits=input_bits)
        forms = prepared_with(layers, dataset, bits=bits, input_bits=input_bits, lookup_bits=lookup_bits)
        counts = InputCounts(chosen.inputs)
        if part_samples is None:
            found = [each for each in ways_to_cut(forms, counts) if degree in (None, each.part.degree)]
        else:
            limit = inf  # the size was chosen; what it takes is shown
            found = [
                set_estimate(form.architecture, numerics, counts, part_samples=part_samples, degree=degree or 0)
                for numerics, form in forms.items()
            ]
        best = best_estimate(found, memory_bytes=limit, cores=processors())
        if best is None:
            raise ResourceError(
                "no part of the set fits the memory",
                expected=f"{min(each.part.peak_bytes for each in found) / GB:.1f} GB" if found else f"k = {degree}",
                got=f"{limit / GB:.1f} GB for proofs",
                hint="`pyml zk plan` shows what each way takes; --part-samples takes one all the same.",
            )
        if degree is not None and best.part.degree > degree:
            raise InputError("the parts do not fit k", expected=f"k = {best.part.degree} or more", got=degree)
        begin("writing the parts")
        folder = SetFolder.create(
            out,
            dataset,
            best.architecture,
            best.numerics,
            part_samples=best.part_samples,
            degree=best.part.degree,
            samples=len(chosen.labels),
            start=start,
        )
    report = forms[best.numerics].report
    show(
        {
            "set": str(folder.path),
            "samples": folder.samples,
            "architecture": "-".join(map(str, best.architecture.sizes)),
            "shifts": list(best.architecture.shifts),
            "float_accuracy": round(report.float_accuracy, 4),
            "integer_accuracy": round(report.integer_accuracy, 4),
            **described(best, cores=processors(), jobs=1),
        },
        as_json=as_json,
        title="exported; time and memory as predicted",
    )


def prove_set(
    folder: SetPath,
    model: Annotated[Path, typer.Option(help="Encrypted model file.")],
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes at a time here; without, as many as fit.")] = None,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS|local", help="Use a Ray cluster, or one made here.")
    ] = None,
    memory: Memory = None,
    keep_keys: Annotated[bool, typer.Option("--keep-keys", help="Keep the proving keys of finished parts.")] = False,
    device: Device = "cpu",
    rpc: Rpc = None,
    account: Account = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Prove every part of a set that has no claim yet; run it again after whatever ended it.

    Each part is built, set up, proved and verified by a process of its own, and its claim written to its folder.
    """
    from pyml.ml.devices import product_on
    from pyml.zk import chunks
    from pyml.zk.model_file import ledger_of, open_model
    from pyml.zk.registries import open_contracts
    from pyml.zk.set_folder import SetFolder

    config, elapsed = load_config(), stopwatch()
    parts = SetFolder.open(folder.resolve())
    client = connect(config, rpc)
    contracts = open_contracts(client, deployments)
    found = _prover(config, contracts, address_of(client, config, account), parts, srs_file)
    prover = replace(found, device=device)
    product_on(device)  # refuse here what workers would refuse one by one
    needed = _process_bytes(config, parts)
    secret = open_model(model, password(password_file))
    with share_done("proving", as_json=as_json) as report:
        bar = _Bar(report)
        claims = chunks.prove_set(
            parts,
            prover,
            secret,
            ledger=ledger_of(model, secret),
            run=_on_ray(needed, ray) if ray else _in_processes(needed, jobs, memory, bar),
            keep_keys=keep_keys,
            progress=bar.whole,
        )
    count = sum(claim.count for claim in claims)
    show(
        {
            "set": str(folder),
            "parts": len(claims),
            "count": count,
            "samples": parts.samples,
            "accuracy": round(count / parts.samples, 4),
            "model": "0x" + claims[0].model.hex(),
            "prover": prover.context.prover,
            "seconds": round(elapsed(), 2),
        },
        as_json=as_json,
        title="proved",
    )


def claim_set(
    folder: SetPath,
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    as_json: Json = False,
) -> None:
    """Have the contract accept every part's claim, and show the total; parts that it knows already are left out."""
    from pyml.zk import chunks
    from pyml.zk.registries import open_contracts
    from pyml.zk.set_folder import SetFolder

    config = load_config()
    parts = SetFolder.open(folder.resolve())
    client = connect(config, rpc)
    contracts = open_contracts(client, deployments)
    payer = signer(client, config, account, password_file)
    prover = _prover(config, contracts, payer.address, parts, srs_file)
    with share_done("claiming", as_json=as_json) as report:
        claimed = chunks.claim_set(contracts, parts, prover, payer, progress=report)
    show(
        {
            "accepted": True,
            "model": "0x" + claimed.model.hex(),
            "count": claimed.total.count,
            "samples": claimed.total.samples,
            "set_known_in_advance": claimed.total.set_known_in_advance,
            "circuits": ["0x" + circuit.hex() for circuit in claimed.circuits],
            "set_digest": "0x" + claimed.set_digest.hex(),
            "gas": claimed.gas_used,
        },
        as_json=as_json,
        title="accepted on chain",
    )


class _Bar:
    """One bar over the parts; what a worker is doing is named beside it."""

    def __init__(self, report: Share) -> None:
        self._report, self._text, self._share = report, "", 0.0

    def whole(self, text: str, share: float) -> None:
        self._text, self._share = text, share
        self._report(text, share)

    def part(self, task: PartTask, phase: str) -> None:
        self._report(f"{self._text}; {task.path.name}: {phase}", self._share)


def _prover(config: Config, contracts: ZkContracts, address: str, parts: SetFolder, srs_file: Path | None) -> Prover:
    from pyml.zk.challenge import Context
    from pyml.zk.chunks import Prover
    from pyml.zk.srs import find_srs, open_srs

    degree = parts.statement.degree
    found = find_srs(config.home, degree) if srs_file is None else open_srs(srs_file)
    if found is None:
        raise SrsError(
            f"there is no structured reference string of k = {degree}",
            hint=f"`pyml zk srs {degree}` gets the public one; with --insecure it makes one for development chains.",
        )
    context = Context(contracts.client.chain_id, contracts.accuracy.address, address)
    data = None if config.data is None else config.data.resolve()
    return Prover(config.home.resolve(), data, found.path.resolve(), context)


def _process_bytes(config: Config, parts: SetFolder) -> int:
    """Memory that a worker is predicted to take."""
    from pyml.zk.circuits import parse_set_name
    from pyml.zk.estimate import InputCounts, set_estimate

    name, start, samples = parse_set_name(parts.name)
    first = parts.statement
    input_bits = first.architecture.input_max.bit_length()
    _, chosen = public_set(config, name, samples=samples, start=start, input_bits=input_bits)
    found = set_estimate(
        first.architecture,
        first.numerics,
        InputCounts(chosen.inputs),
        part_samples=first.samples,
        degree=first.degree,
    )
    return found.part.peak_bytes


def _in_processes(process_bytes: int, jobs: int | None, memory: float | None, bar: _Bar) -> Run:
    from pyml.zk.estimate import planned_jobs
    from pyml.zk.machine import processors
    from pyml.zk.workers import in_processes

    limit = memory_for_proofs(memory)
    workers = jobs or planned_jobs(process_bytes, memory_bytes=limit, cores=processors())
    if workers < 1:
        raise ResourceError(
            "a part does not fit the memory",
            expected=f"{process_bytes / GB:.1f} GB for a process",
            got=f"{limit / GB:.1f} GB",
            hint="Export the set in smaller parts; --jobs 1 tries all the same.",
        )
    return lambda act, tasks, secret: in_processes(act, tasks, secret, workers=workers, progress=bar.part)


def _on_ray(process_bytes: int, address: str) -> Run:
    from pyml.zk.estimate import CORES_PER_JOB
    from pyml.zk.machine import processors
    from pyml.zk.workers import on_ray

    cores = min(CORES_PER_JOB, processors()) if address == "local" else CORES_PER_JOB
    return lambda act, tasks, secret: on_ray(
        act, tasks, secret, address=address, cores=cores, memory_bytes=process_bytes
    )

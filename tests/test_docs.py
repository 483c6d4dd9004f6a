"""Documents say what is there: links resolve, files exist, commands are commands, numbers are the derived ones."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import pyml
from pyml.cli.main import app
from pyml.zk.challenge import MAX_FEATURE_BYTES
from pyml.zk.ezkl import read_settings
from pyml.zk.layout import committed_layout, witness_layout
from pyml.zk.statement import read_statement

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("circuits/*/*.md")])
SPECS = sorted(path.with_name("SPEC.md") for path in ROOT.glob("circuits/*/circuit.toml"))  # of ezkl's circuits
CONSTRAINTS = {"private_input": 6, "private_model_accuracy": 6, "private_model_inference": 7, "model_link": 1}
HOMES = ("bench", "circuits", "contracts", "docs", "pyml", "requirements", "scripts", "tests")
GUIDED = ("zk", "keys", "freezenet")
SYSTEMS = ("keys", "freezenet", "deepchain", "kdac")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_CONSTRAINT = re.compile(r"^\| (C\d+) \|.*\|([^|]*)\|$", re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def broken_links(text: str, folder: Path) -> list[str]:
    targets = [target.split("#")[0] for target in _LINK.findall(text) if "://" not in target]
    return [target for target in targets if target and not (folder / target).exists()]


def missing_files(text: str) -> list[str]:
    """Paths in backticks, from the root, that are not there; ``*`` stands for anything."""
    named = [
        word
        for code in _CODE.findall(text)
        for word in [code.strip().rstrip("/")]
        if "/" in word and word.split("/")[0] in HOMES and re.fullmatch(r"[\w./*-]+", word)
    ]
    return [word for word in named if not any(ROOT.glob(word))]


def commands(text: str) -> Iterator[str]:
    """Lines of shell blocks, without comments."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            command = line.split(" #")[0].removesuffix("&").strip()
            if command:
                yield command


def unknown_command(command: str) -> str | None:
    """What is wrong with a command line of the documents, or nothing."""
    words = command.split()
    if words[0] == "./dev":
        known = {*re.findall(r"\b([a-z]+)(?: \||\))", text_of(ROOT / "dev")), "run"}
        words = words[1:]
        while words and words[0].startswith("--"):
            words = words[1:]
        if not words or words[0] not in known:
            return f"./dev has no {words[0] if words else 'command'}"
        if words[0] != "run":
            return None
        words = words[1:]
    if words[0] == "python":
        return None if (ROOT / words[1]).exists() else f"{words[1]} is missing"
    if words[0] != "pyml":
        return None
    group: Any = typer.main.get_command(app)
    words = words[1:]
    while words and hasattr(group, "commands"):
        if words[0] not in group.commands:
            return f"pyml has no {words[0]}"
        group, words = group.commands[words[0]], words[1:]
    options = {option for parameter in group.params for option in (*parameter.opts, *parameter.secondary_opts)}
    wrong = [word for word in words if word.startswith("-") and word not in options]
    return f"{group.name} has no {wrong[0]}" if wrong else None


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_resolve_and_files_exist(path: Path) -> None:
    assert broken_links(text_of(path), path.parent) == []
    assert missing_files(text_of(path)) == []


GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / f"{name}.md" for name in GUIDED)]


@pytest.mark.parametrize("path", GUIDES, ids=name)
def test_commands_exist(path: Path) -> None:
    lines = list(commands(text_of(path)))
    assert lines
    assert [problem for line in lines if (problem := unknown_command(line))] == []


def test_the_readme_names_the_two_commands_and_the_status() -> None:
    readme = text_of(ROOT / "README.md")
    assert {"./dev demo", "./dev test"} <= set(commands(readme))
    assert "**Audit status: none.**" in readme
    for name_of_system in SYSTEMS:
        built = (ROOT / "pyml" / name_of_system).exists()
        assert (f"planned: `{name_of_system}`" in readme) != built


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_no_document_names_a_machine(path: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:work|tmp|home|root|opt)/\S*", text_of(path)) == []


@pytest.mark.parametrize("path", SPECS, ids=name)
def test_constraints_are_cited_in_code_and_tests(path: Path) -> None:
    spec, graph = text_of(path), text_of(ROOT / "pyml" / "zk" / "graph.py")
    rows = _CONSTRAINT.findall(spec)
    assert [number for number, _ in rows] == [f"C{index + 1}" for index in range(len(rows))]
    assert len(rows) == CONSTRAINTS[path.parent.name]
    letters = set(re.findall(r"\b([A-Z]) =\s+`tests/", spec))
    for number, tests in rows:
        assert re.search(rf"\b{number}\b", graph), f"{number} is not cited in graph.py"
        assert letters & set(re.findall(r"\b[A-Z]\b", tests)), f"{number} names no test"


def test_named_tests_exist() -> None:
    written = "\n".join(text_of(path) for path in [*ROOT.glob("tests/**/*.py"), *ROOT.glob("tests/**/*.sol")])
    named = {code for path in DOCUMENTS for code in _CODE.findall(text_of(path)) if re.fullmatch(r"test\w+", code)}
    assert named
    assert sorted(code for code in named if not re.search(rf"\b(?:def|function) {code}\b", written)) == []


@pytest.mark.parametrize("path", SPECS, ids=name)
def test_numbers_of_a_specification_are_those_of_its_circuit(path: Path) -> None:
    spec, statement = text_of(path), read_statement(path.parent / "circuit.toml")
    settings, shape, numerics = read_settings(path.parent / "settings.json"), statement.architecture, statement.numerics
    weight = max(shape.offset, numerics.table_high - shape.offset) if statement.private_model else shape.offset
    inference = statement.kind == "private_model_inference"
    inputs = (2**16 - 1 if inference else shape.input_max, *(numerics.table_high for _ in shape.shifts))
    bounds = [
        weight * (width * top + unit) for width, top, unit in zip(shape.sizes, inputs, shape.bias_units, strict=False)
    ]
    widest = {
        "private_model_accuracy": statement.samples * max(shape.sizes[1:]) - 1,
        "private_model_inference": max(shape.sizes[0], MAX_FEATURE_BYTES // 2),
        "private_input": shape.sizes[0] - 1,
        "model_link": committed_layout(statement).size - 1,
    }[path.parent.name]
    witness = [
        f"**{witness_layout(statement).size:,}** with {numerics.witness_salts} salts",
        f"{numerics.lookup_salts} ",
        f"**−{-settings['run_args']['lookup_range'][0]:,}**",
        *(f"{bound:,}" for bound in bounds),
    ]
    expected = [
        f"**{settings['num_rows']:,}** of 2^k, k = **{settings['run_args']['logrows']}**",
        f"{numerics.committed_salts} salts = **{committed_layout(statement).size:,}**",
        f"({settings['run_args']['num_inner_cols']} inner columns)",
        f"{widest:,}",
        *(witness if witness_layout(statement).size else ()),
    ]
    assert [number for number in expected if number not in spec] == []
    assert f"{statement.numerics.proof_limit}" in spec


def test_gas_in_the_readme_is_what_was_measured() -> None:
    results = json.loads(text_of(ROOT / "bench" / "results" / "zk_gas.json"))
    chosen = {entry["circuit"]: entry for entry in results["circuits"] if entry["chosen_by_default"]}
    accuracy, answer = chosen["private_model_accuracy"], chosen["private_input"]
    for verifier, made in (("reusable", "register_vka_gas"), ("dedicated", "deploy_gas")):
        once = accuracy[verifier][made] + accuracy[verifier]["register_circuit_gas"]
        row = f"| {verifier} | {accuracy[verifier]['gated_gas']:,} | {answer[verifier]['gated_gas']:,} | {once:,} |"
        assert row in text_of(ROOT / "README.md"), f"the README should say: {row}"


def test_figures_of_kdac_are_those_that_were_measured() -> None:
    guide = text_of(ROOT / "docs" / "kdac.md")
    crypto = json.loads(text_of(ROOT / "bench" / "results" / "kdac_crypto.json"))
    lookup = json.loads(text_of(ROOT / "bench" / "results" / "kdac_lookup.json"))
    micros, ratios = crypto["microseconds"], {row["what"]: row["ratio"] for row in crypto["targets"]}
    time = {name: f"{value:.2g}" for name, value in micros.items()}
    aes, box = time["AES-256-GCM 1 KiB"], time["libsodium Box, encrypt"]
    derive, ahead = "private derivation", "complete send, keys ahead"
    expected = [
        f"| {time[derive]} | AES-256-GCM of 1 KiB with a fresh key, {aes} µs | {ratios[derive]:.2g} |",
        *(
            f"| {step} | {time[step]} | libsodium Box, {box} µs | {ratios[step]:.1f} |"
            for step in ("complete send", "complete receive")
        ),
        f"| {time[ahead]} | AES-256-GCM of 1 KiB | {ratios[ahead]:.1f} |",
        f"| announcing an address | {time['announce an address']} |",
        f"{lookup['rows'][-1]['lookups_per_second']:,} messages a second at a million users",
        f"{lookup['mb_per_million']} MB for a million live tags",
        f"{lookup['rows'][-1]['paper_s_per_message']:.0f} s a message",
    ]
    assert [figure for figure in expected if figure not in guide] == []


def test_the_changelog_begins_with_this_version() -> None:
    assert re.search(r"^## \[(.+?)\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE) is not None
    newest = re.findall(r"^## \[(.+?)\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)[0]
    assert newest == pyml.__version__


def test_the_licence_is_the_one_that_the_package_declares() -> None:
    declared = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["license"]
    assert text_of(ROOT / "LICENSE").startswith(f"{declared} License")


# --- the checks themselves can fail


def test_a_broken_link_is_seen() -> None:
    assert broken_links("[a](README.md) [b](docs/nothing.md#c) [c](https://example.org/x)", ROOT) == ["docs/nothing.md"]


def test_a_missing_file_is_seen() -> None:
    assert missing_files("`pyml/zk/graph.py` `circuits/*/SPEC.md` `pyml/zk/nothing.py` `a/b`") == ["pyml/zk/nothing.py"]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("./dev demo", None),
        ("./dev --cuda setup", None),
        ("./dev dance", "./dev has no dance"),
        ("pyml zk train --out x.onnx", None),
        ("./dev run pyml zk train", None),
        ("pyml zk dance", "pyml has no dance"),
        ("pyml zk train --dance", "train has no --dance"),
        ("python scripts/nothing.py", "scripts/nothing.py is missing"),
    ],
)
def test_an_unknown_command_is_seen(command: str, problem: str | None) -> None:
    assert unknown_command(command) == problem

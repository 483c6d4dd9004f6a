"""The library's public names are those that docs/api.txt lists."""

from __future__ import annotations

from pathlib import Path

from scripts import list_api


def test_the_public_api_is_as_listed() -> None:
    listed = list_api.PATH.read_text(encoding="utf-8")
    assert list_api.listing() == listed, "if the change is meant: `python scripts/list_api.py`, and the changelog"


def test_changes_are_seen(tmp_path: Path) -> None:
    package = tmp_path / "pyml"
    (package / "zk").mkdir(parents=True)
    module = package / "zk" / "claims.py"
    module.write_text("LIMIT: int = 3\ndef f(a: int, *, b: str = 'x') -> bool: ...\ndef _g(): ...\n", encoding="utf-8")
    before = list_api.listing(package)
    assert before == "pyml.zk.claims\n    LIMIT: int\n    def f(a: int, *, b: str='x') -> bool\n"
    for text in (
        "def f(a: int) -> bool: ...",
        "class F:\n    def f(self) -> None: ...\n    def _g(self): ...",
        "X = 1",
    ):
        module.write_text(text, encoding="utf-8")
        assert list_api.listing(package) != before
        assert "_g" not in list_api.listing(package)


def test_commands_and_private_modules_are_left_out(tmp_path: Path) -> None:
    package = tmp_path / "pyml"
    (package / "cli").mkdir(parents=True)
    (package / "cli" / "main.py").write_text("def main(): ...", encoding="utf-8")
    (package / "_private.py").write_text("def f(): ...", encoding="utf-8")
    assert list_api.listing(package) == "\n"

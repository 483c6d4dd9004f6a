"""A prover's files: the encrypted model, its ledger beside it, and private inputs from anywhere."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import InputError, KeystoreError, ModelError
from pyml.store.keystore import Secret, save_secret
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel, encode_secret_model
from pyml.zk.model_file import ledger_of, open_model, read_sample, save_model
from tests.zk.small_circuits import random_network

FAST = 2**14  # the least cost that a keystore may have
LABEL = "pyml secret model v1"
PASSWORD = Secret(b"correct horse")
NETWORK = random_network(np.random.default_rng(2), (4, 3, 2), (1,))
MODEL = SecretModel(NETWORK, (11, 22, 33))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A model file at little cost; ``test_save_and_open`` makes one at the full cost."""
    path = tmp_path / "model.secret"
    save_secret(path, Secret(encode_secret_model(MODEL)), PASSWORD, label=LABEL, scrypt_n=FAST)
    return path


def test_save_and_open(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "model.secret"
    save_model(MODEL, path, PASSWORD)
    assert open_model(path, PASSWORD) == MODEL
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["model.secret"]
    header = json.loads(path.read_bytes().split(b"\n")[0])
    assert (header["label"], header["n"]) == (LABEL, 2**17)


def test_existing_model_is_never_overwritten(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(KeystoreError, match="already exists"):
        save_model(SecretModel(NETWORK, (1, 2, 3)), saved, PASSWORD)
    assert saved.read_bytes() == before


def test_nothing_of_the_model_is_in_the_clear(saved: Path) -> None:
    content = saved.read_bytes()
    for word in (b"weight", b"bias", b"salts", json.dumps(NETWORK.layers[0].weight.tolist()).encode()):
        assert word not in content
    assert repr(MODEL) == "SecretModel(4-3-2, 3 salts)"


@pytest.mark.parametrize("password", [b"correct horse ", b"Correct horse", b"correct horse\x00", b"x"])
def test_wrong_password_does_not_open(saved: Path, password: bytes) -> None:
    with pytest.raises(KeystoreError) as caught:
        open_model(saved, Secret(password))
    assert str(caught.value) == f"{saved} does not open: wrong password, or the file has been altered"


def test_empty_password_is_refused(saved: Path) -> None:
    with pytest.raises(KeystoreError, match="the password is empty"):
        open_model(saved, Secret(b""))


def test_altered_model_does_not_open(saved: Path) -> None:
    content = saved.read_bytes()
    start = content.index(b"\n") + 1
    for place in (start, start + 1, (start + len(content)) // 2, len(content) - 16, len(content) - 1):
        saved.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(KeystoreError, match="wrong password, or the file has been altered"):
            open_model(saved, PASSWORD)
    for end in (0, 10, start - 1, start, start + 15, len(content) - 1):
        saved.write_bytes(content[:end])
        with pytest.raises(KeystoreError):
            open_model(saved, PASSWORD)
    saved.write_bytes(content + b"\x00")
    with pytest.raises(KeystoreError, match="wrong password, or the file has been altered"):
        open_model(saved, PASSWORD)


def test_absent_and_open_to_others(saved: Path) -> None:
    with pytest.raises(KeystoreError, match="does not exist"):
        open_model(saved.with_name("absent"), PASSWORD)
    with pytest.raises(KeystoreError, match="cannot be read"):
        open_model(saved.parent, PASSWORD)
    saved.chmod(0o640)
    with pytest.raises(KeystoreError, match="is open to other users; expected mode 600; got 640"):
        open_model(saved, PASSWORD)


def test_another_kind_of_secret_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    save_secret(path, Secret(encode_secret_model(MODEL)), PASSWORD, label="something else", scrypt_n=FAST)
    with pytest.raises(KeystoreError, match="holds another kind of secret"):
        open_model(path, PASSWORD)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"not json", b'{"network":{},"salts":[]}', b'{"network":{"version":1}}']
)
def test_what_is_sealed_is_checked_too(tmp_path: Path, content: bytes) -> None:
    """Whoever knows the password may still hand over nonsense."""
    path = tmp_path / "nonsense"
    save_secret(path, Secret(content), PASSWORD, label=LABEL, scrypt_n=FAST)
    with pytest.raises(ModelError, match="a model file"):
        open_model(path, PASSWORD)


@pytest.mark.parametrize("salt", ["", "00" * 31, "ff" * 32, "zz" * 32])
def test_sealed_salts_are_field_elements(tmp_path: Path, salt: str) -> None:
    table = json.loads(encode_secret_model(MODEL))
    table["salts"][1] = salt
    path = tmp_path / "nonsense"
    save_secret(path, Secret(json.dumps(table).encode()), PASSWORD, label=LABEL, scrypt_n=FAST)
    with pytest.raises(InputError, match="a field element is not"):
        open_model(path, PASSWORD)


def test_ledger_lies_beside_the_model(saved: Path) -> None:
    ledger = ledger_of(saved, MODEL)
    assert ledger == ProofLedger(saved.parent / "model.secret.proofs", 2)
    assert ledger.limit == len(MODEL.salts) - 1 == MODEL.proof_limit
    ledger.record(b"proof")
    assert ledger_of(saved, open_model(saved, PASSWORD)).used == 1
    assert ledger_of(saved.with_name("model.other"), MODEL).used == 0


@given(salts=st.lists(st.integers(0, 2**250), min_size=1, max_size=9))
def test_limit_is_one_fewer_than_salts(salts: list[int]) -> None:
    assert ledger_of(Path("m"), SecretModel(NETWORK, tuple(salts))).limit == len(salts) - 1


# Private inputs


def npy(array: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()


def header(text: str, body: bytes = b"") -> bytes:
    encoded = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(encoded).to_bytes(2, "little") + encoded + body


def read(folder: Path, name: str, content: bytes | str, features: int = 4) -> list[int]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    sample = read_sample(path, features)
    assert (sample.dtype, sample.shape) == (np.int64, (features,))
    return sample.tolist()


@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_integers_come_back(tmp_path_factory: pytest.TempPathFactory, values: list[int]) -> None:
    folder = tmp_path_factory.mktemp("input")
    assert read(folder, "a.json", json.dumps(values), len(values)) == values
    assert read(folder, "a.npy", npy(np.array(values, dtype=np.int64)), len(values)) == values


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "<i4", ">i4", ">u4", "i8", "u8"])
def test_integers_of_any_width_and_order(tmp_path: Path, kind: str) -> None:
    assert read(tmp_path, "a.npy", npy(np.array([[0, 1], [2, 127]], dtype=kind))) == [0, 1, 2, 127]


def test_images_are_flattened_row_by_row(tmp_path: Path) -> None:
    assert read(tmp_path, "a.json", "[[1, 2], [3, 4]]") == [1, 2, 3, 4]
    assert read(tmp_path, "a.npy", npy(np.asfortranarray([[1, 2], [3, 4]]))) == [1, 2, 3, 4]
    assert read(tmp_path, "no-suffix", " [1, 2, 3, 4]\n") == [1, 2, 3, 4]
    assert read(tmp_path, "one.json", "7", 1) == [7]


WRONG_JSON = {
    "short": ("[1, 2, 3]", "does not fit the model; expected 4 integers; got 3 values of type int64"),
    "long": ("[1, 2, 3, 4, 5]", "does not fit the model; expected 4 integers; got 5 values of type int64"),
    "none": ("[]", "does not fit the model; expected 4 integers; got 0 values of type float64"),
    "floats": ("[1.0, 2.0, 3.0, 4.0]", "does not fit the model; expected 4 integers; got 4 values of type float64"),
    "one float": ("[1, 2, 3, 4.5]", "does not fit the model; expected 4 integers; got 4 values of type float64"),
    "NaN": ("[1, 2, 3, NaN]", "does not fit the model; expected 4 integers; got 4 values of type float64"),
    "booleans": ("[true, false, true, true]", "does not fit the model; expected 4 integers; got 4 values of type bool"),
    "null": ("[1, 2, 3, null]", "does not fit the model; expected 4 integers; got 4 values of type object"),
    "text": ('["1", "2", "3", "4"]', "does not fit the model; expected 4 integers; got 4 values of type <U1"),
    "object": ('{"a": 1}', "does not fit the model; expected 4 integers; got 1 values of type object"),
    "wide": ("[1, 2, 3, 99999999999999999999999]", "got 4 values of type object"),
    "ragged": ("[[1, 2], [3]]", "is not an input: setting an array element with a sequence"),
    "cut": ("[1, 2, 3", "is not an input: "),
    "two": ("[1, 2, 3, 4] [5]", "is not an input: Extra data"),
    "empty": ("", "is not an input: Expecting value"),
    "many digits": ("[" + "9" * 5000 + "]", "is not an input: Exceeds the limit"),
    "nested": ("[" * 100_000, "is not an input: maximum recursion depth exceeded"),
    "64 dimensions": ("[" * 70 + "1" + "]" * 70, "is not an input: "),
}


@pytest.mark.parametrize("name", WRONG_JSON)
def test_json_that_is_no_input(tmp_path: Path, name: str) -> None:
    content, words = WRONG_JSON[name]
    with pytest.raises(InputError) as caught:
        read(tmp_path, "a.json", content)
    assert words in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not an input: 'utf-8' codec"):
        read(tmp_path, "a.json", b"\xff\xfe[1]")


WRONG_NPY = {
    "empty": b"",
    "magic only": b"\x93NUMPY",
    "unknown version": b"\x93NUMPY\x09\x00" + bytes(100),
    "text": b"[1, 2, 3, 4]",
    "cut": npy([1, 2, 3, 4])[:-1],
    "cut header": npy([1, 2, 3, 4])[:30],
    "floats": npy([1.0, 2.0, 3.0, 4.0]),
    "booleans": npy([True, False, True, True]),
    "complex": npy([1j, 2, 3, 4]),
    "dates": npy(np.array([1, 2, 3, 4], dtype="datetime64[s]")),
    "short": npy([1, 2, 3]),
    "long": npy([1, 2, 3, 4, 5]),
    "pickled": npy(np.array([{}, 1, 2, 3], dtype=object)),
    "fields": npy(np.array([(1,), (2,), (3,), (4,)], dtype=[("a", "i8")])),
    "zip": b"PK\x03\x04 and nothing behind it",
    "8 TiB": header("{'descr': '<i8', 'fortran_order': False, 'shape': (1099511627776,)}", bytes(32)),
    "more than a word": header("{'descr': '<i8', 'fortran_order': False, 'shape': (10000000000000000000000,)}"),
    "negative": header("{'descr': '<i8', 'fortran_order': False, 'shape': (-4,)}", bytes(32)),
    "extra key": header("{'descr': '<i8', 'fortran_order': False, 'shape': (4,), 'x': 1}", bytes(32)),
    "no type": header("{'descr': 5, 'fortran_order': False, 'shape': (4,)}", bytes(32)),
    "open brackets": header("((((", bytes(32)),
    "open string": header("'''", bytes(32)),
    "unhashable": header("{[]: 1}", bytes(32)),
    "nested header": header("-" * 9_000, bytes(32)),
    "code": header("__import__('os').system('true')", bytes(32)),
    "long header": header("{'descr': '<i8', 'fortran_order': False, 'shape': (4,)}" + " " * 20_000, bytes(32)),
}


@pytest.mark.parametrize("name", WRONG_NPY)
def test_npy_that_is_no_input(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, "a.npy", WRONG_NPY[name])
    assert caught.value.problem.startswith(f"{tmp_path / 'a.npy'} ")
    assert "is not an input: " in str(caught.value) or "does not fit the model" in str(caught.value)


def test_archive_under_another_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.arange(4))
    with pytest.raises(InputError, match="is not an input"):
        read(tmp_path, "a.npy", (tmp_path / "a.npz").read_bytes())


@given(data=st.data())
@settings(max_examples=150)
def test_mutated_npy_gives_integers_or_an_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(npy(np.array([1, 2, 3, 4], dtype=np.int64)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    try:
        read(tmp_path_factory.mktemp("mutated"), "a.npy", bytes(content[: max(end, 70)]))
    except InputError:
        return


def test_absent_huge_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path / "absent.npy", tmp_path):
        with pytest.raises(InputError, match="is not an input"):
            read_sample(path, 4)
    for name in ("a.json", "a.npy"):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate((1 << 24) + 1)
        with pytest.raises(InputError, match="is not an input: larger than 16777216 bytes"):
            read_sample(tmp_path / name, 4)


@pytest.mark.parametrize("value", [2**63, 2**64 - 1, 2**63 + 5])
def test_unsigned_words_do_not_turn_into_other_numbers(tmp_path: Path, value: int) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, "a.npy", npy(np.array([1, value, 2, 3], dtype=np.uint64)))
    assert (
        str(caught.value) == f"{tmp_path / 'a.npy'} has a number that no model takes; expected below 2^63; got {value}"
    )
    assert read(tmp_path, "a.npy", npy(np.array([1, 2**63 - 1, 2, 3], dtype=np.uint64)))[1] == 2**63 - 1

"""What a member must not forget when it is killed: what it is about to post, and the weights it has come to.

A journal of JSON records, each on disk before it is acted on (``pyml.store.journal``). Nothing in it is secret: digests
of blobs that are, or will be, public. The blobs themselves are stored before the record is written, so a record never
points at nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

from pyml.deepchain.records import Subject, Submission
from pyml.errors import IntegrityError
from pyml.store.journal import Journal

LABEL: Final = "pyml.deepchain.member.v1"


class Memory:
    """The journal of one member in one group; use as a context manager."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._submissions: dict[tuple[Subject, int, int], Submission] = {}
        self._weights: dict[int, str] = {}
        self._journal = Journal(path, LABEL)
        for record in self._journal.records():
            self._take(record)

    def submission(self, subject: Subject, round_index: int, reruns: int) -> Submission | None:
        """What was made to be posted in this run."""
        return self._submissions.get((subject, round_index, reruns))

    def remember_submission(self, subject: Subject, round_index: int, reruns: int, made: Submission) -> None:
        """Returns once it is on disk."""
        digests = [digest.hex() for digest in made.as_tuple()]
        self._append({"kind": "submission", "subject": int(subject), "round": round_index, "reruns": reruns,
                      "digests": digests})  # fmt: skip

    def weights(self, round_index: int) -> str | None:
        """Blob of the weights after a round."""
        return self._weights.get(round_index)

    def last_weights(self) -> tuple[int, str] | None:
        """The last round whose weights are known, and their blob."""
        return max(self._weights.items()) if self._weights else None

    def remember_weights(self, round_index: int, blob: str) -> None:
        """Returns once it is on disk."""
        self._append({"kind": "weights", "round": round_index, "blob": blob})

    def close(self) -> None:
        """Give up the journal's lock."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, record: Mapping[str, Any]) -> None:
        content = json.dumps(record, sort_keys=True).encode("ascii")
        self._journal.append(content)
        self._take(content)

    def _take(self, content: bytes) -> None:
        try:
            record = cast("dict[str, Any]", json.loads(content))
            if record["kind"] == "weights":
                self._weights[int(record["round"])] = str(record["blob"])
            else:
                place = (Subject(int(record["subject"])), int(record["round"]), int(record["reruns"]))
                self._submissions[place] = Submission(*(bytes.fromhex(each) for each in record["digests"]))
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError("a record of the member's journal cannot be read") from error

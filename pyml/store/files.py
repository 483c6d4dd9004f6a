"""Atomic file writes under the store's name; they live in ``pyml.files`` so that ``pyml.ml`` may use them too."""

from __future__ import annotations

from pyml.files import fsync_folder, raise_write_error, write_atomically

__all__ = ["fsync_folder", "raise_write_error", "write_atomically"]

"""The ``pyml`` command: one file a system; the only layer that prints, asks and draws progress."""

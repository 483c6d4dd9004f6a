"""``python -m pyml`` is the ``pyml`` command."""

from pyml.cli.main import main

if __name__ == "__main__":
    main()

"""pyml: machine learning that the other side does not have to trust, settled on an EVM chain."""

__version__ = "0.1.0"

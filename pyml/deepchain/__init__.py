"""Collaborative training where cheating costs money ("DeepChain"): encrypted updates, deposits, disputes."""

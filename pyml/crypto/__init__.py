"""Cryptographic primitives: integers and bytes in, integers and bytes out; no clock, file, socket or tensor."""

"""Practical Byzantine fault tolerance with a polling leader (paper, III-C), as a pure state machine and over
sockets."""

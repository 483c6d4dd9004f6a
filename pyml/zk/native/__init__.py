"""The native engine: accuracy over a whole set by sumchecks and one opening on BN254. Experimental, never audited.

Protocol: ``circuits/native_accuracy/SPEC.md``; arguments: ``docs/zk-native-security.md``.
"""

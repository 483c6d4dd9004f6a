"""Anonymous communication by key derivation (KDAC): keys, messages, relay nodes, ordering."""

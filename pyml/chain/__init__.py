"""Everything that talks to an EVM chain; the only folder that imports web3 and eth-account."""

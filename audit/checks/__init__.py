"""The invariants, one file each, in the contract's order."""

"""Switches that operators set while everything runs: lanes paused, the front read-only."""

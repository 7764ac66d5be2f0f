"""Imported by every Python process that finds this directory in PYTHONPATH, before all else."""

from tests.support.guards import switch

switch.apply()

"""The load generator: one thread, one connection a client, requests made of ready bytes.

It takes some 50 µs of CPU an answer, so that two cores are left to what is measured. ``python -m
bench.generator PLAN RESULT`` runs a :class:`~bench.generator.plan.Plan` and writes what it saw.
"""

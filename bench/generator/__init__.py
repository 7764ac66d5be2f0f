"""The load generator: one thread, one connection a client, requests made of ready bytes.

It takes 20 to 40 µs of CPU a request, so that two cores are left to what is measured. ``python -m
bench.generator PLAN RESULT`` runs a :class:`~bench.generator.plan.Plan` and writes what it saw.
"""

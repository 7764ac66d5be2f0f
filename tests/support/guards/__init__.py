"""The switch that takes a guard of the product away, to see the suite notice.

The product knows nothing of it: what is removed is replaced in its modules as they are imported,
in the tests' process and in every process that a test starts (``site/sitecustomize.py``), while the
environment names it in ``GUARD_REMOVED``.
"""

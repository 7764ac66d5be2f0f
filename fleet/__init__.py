"""The runner: starts the services, supervises the fleet's processes, and lends both to the tests.

It knows the application only by its command line (``python -m flask --app commands ...``), by the
`Procfile` and by the environment variables both sides read; it imports nothing from it.
"""

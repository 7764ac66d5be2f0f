"""The routes, one file a slice. A new file is a line here."""

from web.routes import health, jobs, wallet

APIS = (health.api, jobs.api, wallet.api)

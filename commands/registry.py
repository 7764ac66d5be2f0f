"""Every command there is. A new one is a file of its own and a line here.

What a command needs is imported when it runs: printing a token must not wait for a database client.
"""

from commands.asyncapi import asyncapi
from commands.audit import audit
from commands.controls import controls
from commands.jobs import jobs
from commands.migrate import migrate
from commands.openapi import openapi
from commands.outbox import outbox
from commands.payments import payments
from commands.ranking import ranking
from commands.reconcile import reconcile
from commands.seed import seed
from commands.settings import settings
from commands.token import token

COMMANDS = (
    asyncapi, audit, controls, jobs, migrate, openapi, outbox, payments, ranking, reconcile, seed,
    settings, token,
)

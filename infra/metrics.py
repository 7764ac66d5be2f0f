"""The metrics of all processes, in one place, so that a name is used once and documented once.

Several processes write them into PROMETHEUS_MULTIPROC_DIR, which must be set before this module
is imported; ``/metrics`` merges what is there.
"""

from prometheus_client import Counter, Gauge, Histogram

jobs_accepted = Counter("jobs_accepted", "Jobs committed by the intake", ["kind"])
jobs_ended = Counter("jobs_ended", "Jobs that ended", ["kind", "status", "code"])
job_seconds = Histogram(
    "job_seconds", "Seconds from a job's acceptance to its end", ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
intake_batch_size = Histogram(
    "intake_batch_size", "Requests in one group commit", ["lane"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
intake_refused = Counter("intake_refused", "Requests refused at acceptance", ["lane", "code"])
intake_unavailable = Counter(
    "intake_unavailable", "Requests refused because the database did not commit them", ["lane"]
)
requests_shed = Counter(
    "requests_shed", "Requests turned away because their lane has too much work", ["lane"]
)
lane_queued = Gauge(
    "lane_queued", "Unended jobs of a lane, counted up to a quarter over its limit", ["lane"],
    multiprocess_mode="mostrecent",
)
lane_oldest_seconds = Gauge(
    "lane_oldest_seconds", "How long a lane's oldest job has waited that a worker could do",
    ["lane"], multiprocess_mode="mostrecent",
)
requests_limited = Counter(
    "requests_limited", "Requests refused because their caller sent too many", ["class"]
)
rate_limits_unchecked = Counter(
    "rate_limits_unchecked", "Requests let through uncounted because Redis is away"
)
drain_batch_size = Histogram(
    "drain_batch_size", "Jobs in one drain transaction", ["lane"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
drain_retries = Counter("drain_retries", "Jobs put back to be tried again", ["kind"])
fenced_writes = Counter(
    "fenced_writes", "Transactions rolled back because their lease had passed to another worker"
)
leases_taken_over = Counter("leases_taken_over", "Expired leases found", ["lane"])
wakes_sent = Counter("wakes_sent", "Wakes given to Dramatiq", ["lane"])
wakes_failed = Counter("wakes_failed", "Wakes that could not be sent", ["lane"])
transaction_restarts = Counter(
    "transaction_restarts", "Transactions begun again after a deadlock or a lock wait"
)
outbox_published = Counter("outbox_published", "Events confirmed by Kafka", ["type"])
outbox_failed = Counter("outbox_failed", "Attempts of events that are at fault", ["type"])
outbox_dead = Counter("outbox_dead", "Events given up after their last attempt", ["type"])
outbox_pending = Gauge(
    "outbox_pending", "Events waiting to be published", multiprocess_mode="mostrecent"
)
outbox_oldest_seconds = Gauge(
    "outbox_oldest_seconds", "Age of the oldest event waiting", multiprocess_mode="mostrecent"
)
outbox_not_ours = Counter(
    "outbox_not_ours", "Confirmed events that another relay had marked already"
)
outbox_pauses = Counter(
    "outbox_pauses", "Times the relay, or one topic of it, backed off from Kafka", ["scope"]
)
outbox_nudges_failed = Counter("outbox_nudges_failed", "Nudges that did not reach Redis")
key_set_fetches = Counter(
    "key_set_fetches", "Attempts to fetch the keys that tokens are checked by", ["outcome"]
)
ticks_failed = Counter("ticks_failed", "Runs of a scheduled job that ended in an error", ["tick"])
rows_purged = Counter("rows_purged", "Rows removed after their retention", ["table"])
exports_ended = Counter("exports_ended", "Calls to the data platform", ["outcome"])
exports_dead = Counter("exports_dead", "Exports given up after their last attempt", ["type"])
exports_waiting = Gauge(
    "exports_waiting", "Exports that the data platform has not acknowledged yet",
    multiprocess_mode="mostrecent",
)
exports_in_flight = Gauge(
    "exports_in_flight", "Calls to the data platform under way", multiprocess_mode="livesum"
)
exports_breaker_open = Gauge(
    "exports_breaker_open", "1 while calls to the data platform are held back",
    multiprocess_mode="livemax",
)
notices_due = Counter("notices_due", "Restock notices made of subscriptions")
notices_ended = Counter("notices_ended", "Mails handed to the mail server, by outcome", ["outcome"])
notices_dead = Counter("notices_dead", "Restock notices given up", ["reason"])
notices_waiting = Gauge(
    "notices_waiting", "Restock notices that the mail server has not taken yet",
    multiprocess_mode="mostrecent",
)
notices_held_back = Gauge(
    "notices_held_back", "1 while restock notices wait for a mail server: none is set, or it fails",
    multiprocess_mode="livemax",
)
payments_ended = Counter("payments_ended", "Calls to the payment provider", ["outcome"])
payments_wrong = Counter(
    "payments_wrong", "Answers of the payment provider that it must not give"
)
payments_let_go = Counter(
    "payments_let_go", "Charges of unknown outcome that stopped to hold back their user's jobs"
)
payments_waiting = Gauge(
    "payments_waiting", "Charges whose outcome at the payment provider is unknown",
    multiprocess_mode="mostrecent",
)
payments_in_flight = Gauge(
    "payments_in_flight", "Calls to the payment provider under way", multiprocess_mode="livesum"
)
payments_breaker_open = Gauge(
    "payments_breaker_open", "1 while calls to the payment provider are held back",
    multiprocess_mode="livemax",
)
payments_differing = Gauge(
    "payments_differing", "Open differences between the payment provider's list and the ledger",
    ["kind"], multiprocess_mode="mostrecent",
)
ranking_events = Counter("ranking_events", "Order events put into the ranking", ["outcome"])
ranking_reads = Counter("ranking_reads", "Reads of the ranking, by who answered", ["source"])
ranking_rebuilds = Counter("ranking_rebuilds", "Rebuilds of the ranking that were swapped in")
cache_reads = Counter(
    "cache_reads", "Reads through the cache: hit, shared (with another of the process), miss, late "
    "(waited in vain for another's), error (Redis failed), away (Redis left alone)",
    ["name", "outcome"],
)
cache_forgets_failed = Counter(
    "cache_forgets_failed", "Changes after which cached answers could not be forgotten at once"
)
consumer_failures = Counter(
    "consumer_failures", "Batches of a consumer that failed and were taken up again", ["consumer"]
)
consumer_messages = Counter(
    "consumer_messages", "Messages of Kafka that a consumer is done with", ["consumer"]
)
consumer_parked = Counter(
    "consumer_parked", "Messages that a consumer could not read and left aside", ["consumer"]
)

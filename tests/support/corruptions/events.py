"""Events, and the ranking that lives from them."""

from tests.support.corruptions.shape import Corruption

_LOSE = (
    "INSERT INTO lost_events (event_id, aggregatetype, aggregateid, type, payload, happened_at) "
    "SELECT"
)

OUTBOX = (
    *(
        Corruption(
            f"DELETE FROM outbox_events WHERE type = '{kind}' LIMIT 1",
            {6: {f"{kind}-owed", "event-unknown"}},
        )
        for kind in ("order.completed", "order.cancelled", "coupon.issued", "balance.charged")
    ),
    Corruption(
        "INSERT INTO outbox_events (event_id, aggregatetype, aggregateid, type, payload, "
        "created_at, status, published_at) SELECT event_id, aggregatetype, aggregateid, type, "
        "payload, created_at, status, published_at FROM outbox_events "
        "WHERE type = 'order.cancelled'",
        {6: {"order.cancelled-owed", "event-twice"}},
    ),
    Corruption(
        "UPDATE outbox_events SET pending_shard = 3 WHERE type = 'product.restocked'",
        {6: {"event-state"}},
    ),
    Corruption(
        "UPDATE outbox_events SET status = 'dead' WHERE type = 'product.restocked'",
        {6: {"event-state"}},
    ),
    Corruption(
        "UPDATE outbox_events SET payload = '{}' WHERE type = 'order.cancelled'",
        {6: {"event-aggregate"}},
    ),
    Corruption(
        "UPDATE outbox_events SET aggregateid = 11, payload = '{\"productId\":11}' "
        "WHERE type = 'product.restocked'",
        {6: {"event-misplaced"}},
    ),
    Corruption(
        "UPDATE outbox_events SET id = 1000 WHERE type = 'order.completed' AND aggregateid = 22",
        {6: {"event-order", "event-late-in-kafka"}},
    ),
    Corruption(
        "UPDATE outbox_events SET status = 'pending', pending_shard = 1, published_at = NULL, "
        "created_at = NOW(3) - INTERVAL 61 SECOND WHERE type = 'product.restocked'",
        {6: {"event-stuck"}},
    ),
    Corruption(
        "UPDATE outbox_events SET event_id = REVERSE(event_id) WHERE type = 'product.restocked'",
        {6: {"event-not-in-kafka", "event-unknown"}},
    ),
    Corruption(
        f"{_LOSE} event_id, aggregatetype, aggregateid, type, payload, created_at "
        "FROM outbox_events WHERE type = 'order.cancelled'",
        {6: {"lost-event-there"}},
    ),
    *(
        Corruption(
            f"{_LOSE} REVERSE(event_id), aggregatetype, aggregateid, type, payload, created_at "
            f"FROM outbox_events WHERE type = '{kind}' LIMIT 1",
            {6: {"lost-number-reused"}},
        )
        for kind in ("order.completed", "coupon.issued")
    ),
)

RANKING = (
    Corruption(
        "UPDATE products SET sales_count = sales_count + 1 WHERE id = 4", {7: {"sales-count"}}
    ),
    Corruption(
        "UPDATE orders SET created_at = created_at - INTERVAL 1 DAY WHERE id = 21",
        {7: {"ranking-differs"}},
    ),
)

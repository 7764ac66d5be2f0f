"""Has an order reached the external data platform; and sending it again."""

from typing import Any

from domain.exports import service
from domain.orders.errors import OrderNotFound
from web.api import slice_api
from web.auth import admin, principal
from web.describing import answers
from web.schemas import Id, Path
from web.shapes import operations as shapes

api = slice_api("admin exports", prefix="/api/admin")


class OrderPath(Path):
    order_id: Id


def _found(status: dict[str, Any] | None) -> dict[str, Any]:
    if status is None:
        raise OrderNotFound
    return status


@api.get("/orders/<id:orderId>/sync-status", summary="Has the order reached the data platform")
@admin
@answers(shapes.SyncStatus, OrderNotFound)
def get_sync_status(path: OrderPath) -> dict[str, Any]:
    return _found(service.sync_status(path.order_id))


@api.post("/orders/<id:orderId>/resync", summary="Send the order to the data platform again")
@admin
@answers(shapes.SyncStatus, OrderNotFound)
def resync_order(path: OrderPath) -> dict[str, Any]:
    return _found(service.resync(path.order_id, principal().user_id))

"""An order as it was made: its lines, its amounts and how it is shown. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.kernel.clock import rfc3339


class OrderStatus(StrEnum):
    """Where an order stands. It is made completed, and may be cancelled once."""

    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One product of an order, with its name and its price in won as they were at the order."""

    product_id: int
    product_name: str
    price: int
    quantity: int

    @property
    def subtotal(self) -> int:
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class Order:
    """An order. ``created_at`` is UTC without a zone, as stored."""

    id: int
    user_id: int
    lines: Sequence[OrderLine]
    total: int
    discount: int
    final: int
    coupon_id: int | None
    user_coupon_id: int | None
    status: OrderStatus
    created_at: datetime


def represent(order: Order) -> dict[str, Any]:
    """The order as the contract's GET /api/orders/{id} answers it."""
    shown: dict[str, Any] = {
        "orderId": order.id,
        "items": [
            {
                "productId": line.product_id,
                "productName": line.product_name,
                "price": line.price,
                "quantity": line.quantity,
                "subtotal": line.subtotal,
            }
            for line in order.lines
        ],
        "totalAmount": order.total,
        "discountAmount": order.discount,
        "finalAmount": order.final,
    }
    if order.coupon_id is not None:
        shown["couponId"] = order.coupon_id
    shown["status"] = str(order.status)
    shown["createdAt"] = rfc3339(order.created_at)
    return shown

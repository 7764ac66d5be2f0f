"""Orders, as they are shown."""

from typing import Annotated

from pydantic import Field

from domain.orders.service import OrderStatus
from web.schemas import Id, Shape
from web.shapes.basics import Count, Timestamp, Won, absent, example

ORDER = {
    "orderId": 3,
    "items": [
        {
            "productId": 1, "productName": "Drop hoodie", "price": 59_000, "quantity": 2,
            "subtotal": 118_000,
        }
    ],
    "totalAmount": 118_000,
    "discountAmount": 5_000,
    "finalAmount": 113_000,
    "couponId": 1,
    "status": "COMPLETED",
    "createdAt": "2026-11-24T09:00:00.000Z",
}


class OrderItem(Shape):
    """Name and price as they were at the order."""

    product_id: Id
    product_name: str
    price: Won
    quantity: Annotated[int, Field(ge=1)]
    subtotal: Won


class Order(Shape):
    model_config = example(**ORDER)

    order_id: Id
    items: list[OrderItem]
    total_amount: Won
    discount_amount: Won
    final_amount: Won
    coupon_id: Id = absent(description="The coupon that was used")
    status: OrderStatus
    created_at: Timestamp


class Pagination(Shape):
    current_page: Annotated[int, Field(ge=1)]
    total_pages: Count
    total_count: Count


class OrderList(Shape):
    model_config = example(
        orders=[ORDER], pagination={"currentPage": 1, "totalPages": 1, "totalCount": 1}
    )

    orders: list[Order]
    pagination: Pagination

"""Being told by e-mail, once, that a product is back in stock."""

from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from domain.catalog.errors import ProductNotFound
from domain.restock import service
from domain.restock.rules import EMAIL, MAX_EMAIL_LENGTH, NOT_IN_EMAIL, is_email
from domain.wallet.errors import UserNotFound
from web.answering import nothing
from web.api import slice_api
from web.auth import acting_admin, subject, user
from web.describing import answers
from web.routes.products import ProductPath
from web.schemas import Body, Id, Query, example

api = slice_api("restock notifications")


def _deliverable(text: str) -> str:
    if not is_email(text):
        raise PydanticCustomError("email", "Input should be an e-mail address")
    return text


Email = Annotated[
    str,
    # Told here and judged by the rules: who gets it wrong is not shown a pattern.
    Field(
        examples=["kim@example.org"],
        json_schema_extra={
            "format": "email", "maxLength": MAX_EMAIL_LENGTH, "pattern": EMAIL,
            "not": {"pattern": NOT_IN_EMAIL},
        },
    ),
    AfterValidator(_deliverable),
]


class WhoseNotification(Query):
    user_id: Id | None = Field(None, description="For admins: who is to be told")


class NotificationBody(Body):
    model_config = example(email="kim@example.org")

    email: Email


@api.put(
    "/products/<id:productId>/restock-notification",
    summary="Be told once when the product is back in stock",
)
@user
@answers(None, ProductNotFound, UserNotFound, status=204)
def subscribe(path: ProductPath, query: WhoseNotification, body: NotificationBody) -> Response:
    """By e-mail, the next time that its stock goes from 0 to more, by a delivery or by a cancelled
    order. While there is some, that is after it has sold out. Sent again, it replaces the address.
    Having been told ends it."""
    service.subscribe(path.product_id, subject(query.user_id), body.email, acting_admin())
    return nothing()


@api.delete(
    "/products/<id:productId>/restock-notification",
    summary="Not to be told after all",
)
@user
@answers(None, ProductNotFound, UserNotFound, status=204)
def unsubscribe(path: ProductPath, query: WhoseNotification) -> Response:
    """The address is deleted. A mail that is under way at that moment may still arrive."""
    service.unsubscribe(path.product_id, subject(query.user_id), acting_admin())
    return nothing()

"""Products, as admins make, change and restock them: done at once, in one transaction each."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from domain.catalog import service
from domain.catalog.errors import ProductNotFound, StockTooHigh
from domain.catalog.rules import MAX_DESCRIPTION_LENGTH, MAX_PER_USER, MAX_STOCK, NewProduct
from domain.kernel.money import MAX_PRICE
from web.accepting import traceparent
from web.answering import answered, created, key_claim
from web.api import slice_api
from web.auth import admin, principal
from web.describing import answers, creates, keyed
from web.routes.products import Category, ProductPath
from web.schemas import Body, Name, example
from web.shapes import products as shapes

api = slice_api("admin products")

Price = Annotated[int, Field(ge=0, le=MAX_PRICE, description="Won")]
MaxPerUser = Annotated[int, Field(ge=1, le=MAX_PER_USER)]
Description = Annotated[
    str,
    StringConstraints(
        max_length=MAX_DESCRIPTION_LENGTH, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
    ),
]


class ProductBody(Body):
    model_config = example(
        name="Drop hoodie", price=59_000, stock=120, category="clothes",
        description="Heavy cotton.", maxPerUser=2,
    )

    name: Name
    price: Price
    stock: Annotated[int, Field(ge=0, le=MAX_STOCK)]
    category: Category | None = None
    description: Description = ""
    max_per_user: MaxPerUser | None = Field(None, description="Absent: as many as there are")


class ProductChange(Body):
    """At least one field; null takes a category or a limit away."""

    model_config = example(price=49_000, maxPerUser=None, rules={"minProperties": 1})

    # Made by a factory, a default is neither shown as one nor written: what was not sent stays.
    name: Name = Field(default_factory=str)
    price: Price = Field(default_factory=int)
    category: Category | None = None
    description: Description = Field(default_factory=str)
    max_per_user: MaxPerUser | None = None

    @model_validator(mode="after")
    def _something(self) -> "ProductChange":
        if not self.model_fields_set:
            raise PydanticCustomError("nothing", "Name at least one field to be changed.")
        return self


class RestockBody(Body):
    model_config = example(quantity=50)

    quantity: Annotated[int, Field(ge=1, le=MAX_STOCK)]


@api.post("/products", summary="Make a product")
@admin
@creates(shapes.Product)
def create_product(body: ProductBody) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Honours Idempotency-Key."""
    new = NewProduct(**body.model_dump())
    answer = service.create(new, principal().user_id, key_claim())
    return created(answer, f"/api/products/{answer.body['productId']}")


@api.patch("/products/<id:productId>", summary="Change a product, though not its stock")
@admin
@answers(shapes.Product, ProductNotFound)
def change_product(path: ProductPath, body: ProductChange) -> dict[str, Any]:
    changes = body.model_dump(exclude_unset=True)
    return service.change(path.product_id, changes, principal().user_id)


@api.post("/products/<id:productId>/restock", summary="Take in a delivery")
@admin
@keyed(shapes.Restock, ProductNotFound, StockTooHigh)
def restock_product(
    path: ProductPath, body: RestockBody
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Honours Idempotency-Key: sent again, it answers the same and takes in nothing more."""
    return answered(
        service.restock(
            path.product_id, body.quantity, principal().user_id, key_claim(), traceparent()
        )
    )

"""Products, as everybody sees them."""

from typing import Annotated

from flask import Response
from pydantic import Field, StringConstraints

from domain.catalog import service
from domain.catalog.errors import ProductNotFound
from domain.catalog.rules import MAX_CATEGORY_LENGTH, Sort
from domain.ranking import service as ranking
from web import conditional
from web.api import public_api
from web.auth import public
from web.describing import with_etag
from web.headers import NEXT_PAGE, maybe
from web.paging import Listing
from web.schemas import Id, Limit, Path, Query
from web.shapes import products as shapes

api = public_api("products")

LISTINGS = {sort: Listing(f"products by {sort}", (int, int)) for sort in Sort}

Category = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=MAX_CATEGORY_LENGTH, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$"
    ),
]


class ProductPath(Path):
    product_id: Id


class ProductList(Query):
    category: Category | None = None
    sort: Sort = Field(
        Sort.NEWEST, description="price: cheapest first; popularity: most sold of all time first"
    )
    limit: Limit = 20
    cursor: str | None = None


class PopularQuery(Query):
    days: Annotated[int, Field(ge=1, le=30, description="Calendar days of the shop")] = 3
    limit: Limit = 5


@api.get("/products", summary="Products, page by page")
@public
@with_etag(shapes.ProductList, headers=(maybe(NEXT_PAGE),))
def list_products(query: ProductList) -> Response:
    """First pages may be up to a second old. ETag and If-None-Match spare sending one again."""
    listing = LISTINGS[query.sort]
    place = listing.place(query.cursor)
    after = (place[0], place[1]) if place else None
    found = service.page(query.sort, query.category, after, query.limit + 1)
    return conditional.public(
        listing.answer(
            "products", found, query.limit, lambda one: service.position(query.sort, one)
        )
    )


@api.get("/products/popular", summary="Best sellers of the last days")
@public
@with_etag(shapes.PopularProducts)
def popular_products(query: PopularQuery) -> Response:
    """Quantity in completed, uncancelled orders of the last ``days`` calendar days; up to a second
    old."""
    return conditional.public(ranking.popular_lately(query.days, query.limit))


@api.get("/products/<id:productId>", summary="One product")
@public
@with_etag(shapes.Product, ProductNotFound)
def get_product(path: ProductPath) -> Response:
    """Its stock may be up to a second old; a change by an admin shows at once."""
    return conditional.public(service.product(path.product_id))


@api.get("/products/<id:productId>/stock", summary="How many there are")
@public
@with_etag(shapes.Stock, ProductNotFound)
def get_stock(path: ProductPath) -> Response:
    """As it is now, from the database."""
    return conditional.public(service.stock(path.product_id))

"""Products, as everybody sees them."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from domain.catalog import service
from domain.catalog.errors import ProductNotFound
from domain.catalog.rules import MAX_CATEGORY_LENGTH, Sort
from domain.ranking import service as ranking
from web import cursors
from web.api import public_api
from web.auth import public
from web.describing import answers, pages
from web.problems import invalid
from web.schemas import Id, Limit, Path, Query
from web.shapes import products as shapes

api = public_api("products")

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


def _position(cursor: str | None, sort: Sort) -> tuple[int, int] | None:
    """Where the page before ended; a cursor belongs to the sort that it was made for."""
    found = cursors.decode(cursor, str, int, int)
    if found is None:
        return None
    made_for, value, product_id = found
    if made_for != sort:
        raise invalid("This cursor was made for another sort.", "/cursor")
    return int(value), int(product_id)


@api.get("/products", summary="Products, page by page")
@public
@pages(shapes.ProductList)
def list_products(query: ProductList) -> dict[str, Any]:
    after = _position(query.cursor, query.sort)
    found = service.page(query.sort, query.category, after, query.limit + 1)
    shown = found[: query.limit]
    more = len(found) > query.limit
    return {
        "products": shown,
        "nextCursor": (
            cursors.encode(query.sort, *service.position(query.sort, shown[-1])) if more else None
        ),
    }


@api.get("/products/popular", summary="Best sellers of the last days")
@public
@answers(shapes.PopularProducts)
def popular_products(query: PopularQuery) -> list[dict[str, Any]]:
    """Quantity in completed, uncancelled orders of the last ``days`` calendar days."""
    return ranking.popular(query.days, query.limit)


@api.get("/products/<id:productId>", summary="One product")
@public
@answers(shapes.Product, ProductNotFound)
def get_product(path: ProductPath) -> dict[str, Any]:
    return service.product(path.product_id)


@api.get("/products/<id:productId>/stock", summary="How many there are")
@public
@answers(shapes.Stock, ProductNotFound)
def get_stock(path: ProductPath) -> dict[str, Any]:
    return service.stock(path.product_id)

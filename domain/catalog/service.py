"""What others may ask of the catalog."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain.admin_audit.service import record
from domain.answers.service import Answer, once
from domain.catalog import stock_store, store
from domain.catalog.errors import ProductNotFound
from domain.catalog.events import product_restocked
from domain.catalog.rules import NewProduct, Sort, difference, restocked
from domain.catalog.store import Listed, Product
from domain.jobs.kinds import Claim
from domain.kernel.clock import rfc3339
from domain.outbox.append import append
from domain.outbox.nudge import nudge
from infra.database import run_transaction, session
from infra.read_cache import read_cache


def page(
    sort: Sort, category: str | None, after: tuple[int, int] | None, limit: int
) -> list[dict[str, Any]]:
    """Up to ``limit`` products of a category, or of all, behind the position ``after``.

    First pages may be up to a second old, but show every change by an admin at once; later ones,
    of which there are too many to keep, are read now.
    """

    def read() -> list[dict[str, Any]]:
        with session():
            return [_listed(one) for one in store.page(sort, category, after, limit)]

    if after is not None:
        return read()
    key = f"{sort}:{limit}:{category or ''}"
    found: list[dict[str, Any]] = read_cache().get("product list", key, read)
    return found


def position(sort: Sort, shown: Mapping[str, Any]) -> tuple[int, int]:
    """Where a product of :func:`page` stands: (what it is sorted by, id)."""
    by = {Sort.PRICE: "price", Sort.POPULARITY: "salesCount", Sort.NEWEST: "productId"}[sort]
    return shown[by], shown["productId"]


def product(product_id: int) -> dict[str, Any]:
    """The product with its description; like the first pages of lists, its stock may be up to a
    second old. Raises ProductNotFound."""

    def read() -> dict[str, Any]:
        with session():
            return _whole(store.find(product_id))

    found: dict[str, Any] = read_cache().get("product", str(product_id), read)
    return found


def stock(product_id: int) -> dict[str, Any]:
    """``{productId, stock, available}`` as committed now: never cached. Raises ProductNotFound."""
    with session():
        found = store.stock_of(product_id)
    if found is None:
        raise ProductNotFound
    return {"productId": product_id, "stock": found, "available": found > 0}


def require(product_id: int) -> None:
    """Raise ProductNotFound unless there is such a product."""
    stock(product_id)


def create(new: NewProduct, admin_id: int, claim: Claim | None = None) -> Answer:
    """Make a product, with the opening row of its stock; the answer is the product.

    ``claim``: the request's Idempotency-Key. Raises KeyReused.
    """

    def work() -> dict[str, Any]:
        product_id = store.insert(new)
        record(admin_id, "product.create", f"product:{product_id}", asdict(new))
        return _whole(store.find(product_id))

    with read_cache().changing():
        return once(claim, work)


def change(product_id: int, changes: Mapping[str, Any], admin_id: int) -> dict[str, Any]:
    """Change what ``changes`` names by column, and answer the product. Raises ProductNotFound."""

    def work() -> dict[str, Any]:
        before = store.lock(product_id)
        if before is None:
            raise ProductNotFound
        store.update(product_id, changes)
        changed = difference(asdict(before), dict(changes))
        record(admin_id, "product.change", f"product:{product_id}", changed)
        return _whole(store.find(product_id))

    with read_cache().changing():
        return run_transaction(work, restarts_lock_waits=False)


def restock(
    product_id: int,
    quantity: int,
    admin_id: int,
    claim: Claim | None = None,
    traceparent: str | None = None,
) -> Answer:
    """Take in a delivery, and answer ``{productId, quantity, stock, wasOut}``.

    ``claim``: the request's Idempotency-Key. Raises ProductNotFound, StockTooHigh and
    KeyReused.
    """

    def work() -> dict[str, Any]:
        found = store.lock(product_id)
        if found is None:
            raise ProductNotFound
        delivery = restocked(product_id, found.stock, quantity)
        store.write_restock(delivery)
        if delivery.was_out:
            stock_store.insert_back([product_id])
        event = product_restocked(delivery, traceparent)
        append([event])
        record(admin_id, "product.restock", f"product:{product_id}", event.payload)
        return event.payload

    with read_cache().changing():
        answer = once(claim, work)
    if not answer.replayed:
        nudge()
    return answer


def _listed(product: Listed) -> dict[str, Any]:
    return {
        "productId": product.id,
        "name": product.name,
        "price": product.price,
        "stock": product.stock,
        "category": product.category,
        "salesCount": product.sales_count,
    }


def _whole(product: Product | None) -> dict[str, Any]:
    if product is None:
        raise ProductNotFound
    shown = {
        **_listed(product),
        "description": product.description,
        "createdAt": rfc3339(product.created_at),
    }
    if product.max_per_user is not None:
        shown["maxPerUser"] = product.max_per_user
    return shown


__all__ = [
    "NewProduct", "Sort", "change", "create", "page", "position", "product", "require", "restock",
    "stock",
]

"""The bench reads whatever the API lets be read."""

from bench.scenarios.reads import ADMINS_READS, READS, Found
from tests.support.document import Document
from web.app import create_app

FOUND = Found(
    users=[1, 2], products=[3], orders=[4, 5], cart_items=[6, 7], jobs=["a", "b"],
    user_coupons=[8, 9], coupon=10,
)


def test_every_read_of_the_document_is_measured() -> None:
    told = {
        path for path, item in Document(create_app()).told["paths"].items()
        if path.startswith("/api/") and "get" in item
    }
    assert told == READS.keys() | ADMINS_READS.keys()


def test_what_belongs_to_users_stands_in_their_order() -> None:
    """So that each reads their own: a user for each path, in turn."""
    everybodys = ("{productId}", "{couponId}")
    for operation, paths in (READS | ADMINS_READS).items():
        if "{" in operation and not any(name in operation for name in everybodys):
            assert len(paths(FOUND)) == len(FOUND.users), operation

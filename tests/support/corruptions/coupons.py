"""Coupons, their gates and their uses."""

from tests.support.corruptions.shape import Corruption, check, unique

_ISSUE = "concurrency_key = 'coupon:5' AND seq ="

COUPONS = (
    Corruption(
        "UPDATE coupons SET issued_quantity = 1 WHERE id = 4", {4: {"issued-count"}}
    ),
    Corruption(
        "UPDATE coupons SET max_quantity = 1 WHERE id = 5",
        {4: {"issued-count"}},
        (
            check(
                "coupons", "coupons_never_over_issued",
                "issued_quantity BETWEEN 0 AND max_quantity",
            ),
        ),
    ),
    Corruption(
        "DELETE FROM user_coupons WHERE id = 2",
        {1: {"done-coupon.issue"}, 4: {"issued-count", "order-coupon"},
         6: {"coupon.issued-owed"}},
    ),
    Corruption(
        "UPDATE user_coupons SET user_id = 1 WHERE id = 2",
        {1: {"coupon-without-job", "done-coupon.issue"}, 4: {"user-twice", "order-coupon"}},
        (unique("user_coupons", "user_coupons_once_a_user", "coupon_id, user_id"),),
    ),
    Corruption(
        "UPDATE user_coupons SET user_id = 999 WHERE id = 2",
        {1: {"coupon-without-job", "done-coupon.issue"}, 4: {"user-unknown", "order-coupon"}},
    ),
    Corruption(f"UPDATE jobs SET seq = 0 WHERE {_ISSUE} 4", {4: {"winners-lowest"}}),
    Corruption(
        "UPDATE coupons SET max_quantity = 3 WHERE id = 5", {4: {"gate", "refused-with-some-left"}}
    ),
    Corruption(
        "DELETE FROM admin_audit WHERE target = 'coupon:6'", {4: {"winners-lowest"}}
    ),
    # Somebody paused it, or took some away, which lets nobody overtake.
    Corruption(
        "UPDATE admin_audit SET detail = JSON_SET(detail, '$.asked.maxQuantity', NULL)",
        {4: {"winners-lowest"}},
    ),
    Corruption(
        "UPDATE admin_audit SET detail = JSON_SET(detail, '$.before.maxQuantity', 10)",
        {4: {"winners-lowest"}},
    ),
    Corruption(f"UPDATE jobs SET seq = 5 WHERE {_ISSUE} 4", {4: {"sequence-twice"}}),
    Corruption("DELETE FROM coupon_gates WHERE coupon_id = 1", {4: {"gate"}}),
    Corruption("UPDATE coupon_gates SET next_seq = 2 WHERE coupon_id = 5", {4: {"gate"}}),
    Corruption("UPDATE coupon_gates SET sold_out = 0 WHERE coupon_id = 5", {4: {"gate"}}),
    Corruption(
        "UPDATE user_coupons SET used_at = NULL, used_by_order_id = NULL WHERE id = 1",
        {4: {"order-coupon"}},
    ),
    Corruption(
        "UPDATE user_coupons SET used_at = NOW(3), used_by_order_id = 22 WHERE id = 2",
        {4: {"coupon-use"}},
    ),
    Corruption("UPDATE user_coupons SET used_at = NULL WHERE id = 1", {4: {"coupon-use"}}),
)

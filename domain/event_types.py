"""Every type of event there is. A new one is declared in its slice's events, and a line here."""

from domain.catalog.events import PRODUCT_RESTOCKED
from domain.coupons.events import COUPON_ISSUED
from domain.orders.events import ORDER_CANCELLED, ORDER_COMPLETED
from domain.wallet.events import BALANCE_CHARGED

EVENT_TYPES = (
    ORDER_COMPLETED, ORDER_CANCELLED, COUPON_ISSUED, BALANCE_CHARGED, PRODUCT_RESTOCKED
)

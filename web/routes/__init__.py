"""The routes, one file a slice. A new file is a line here."""

from web.routes import (
    admin_coupons,
    admin_exports,
    admin_outbox,
    admin_products,
    cart,
    coupons,
    docs,
    health,
    jobs,
    orders,
    products,
    users,
    wallet,
)

APIS = (
    health.api,
    docs.api,
    jobs.api,
    wallet.api,
    users.api,
    products.api,
    admin_products.api,
    cart.api,
    admin_outbox.api,
    admin_exports.api,
    coupons.listing,
    coupons.api,
    admin_coupons.api,
    orders.api,
)

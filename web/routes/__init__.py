"""The routes, one file a slice. A new file is a line here."""

from web.routes import (
    admin_audit,
    admin_coupons,
    admin_exports,
    admin_jobs,
    admin_outbox,
    admin_products,
    cart,
    coupons,
    health,
    jobs,
    ops,
    orders,
    products,
    users,
    wallet,
)

APIS = (
    health.api,
    ops.api,
    jobs.api,
    wallet.api,
    users.api,
    products.api,
    admin_products.api,
    cart.api,
    admin_jobs.api,
    admin_outbox.api,
    admin_exports.api,
    admin_audit.api,
    coupons.listing,
    coupons.api,
    admin_coupons.api,
    orders.api,
)

// The reads of the API, each with how it is asked for; `shop` is what browse.js found in setup().

const SORTS = ['newest', 'price', 'popularity'];

/** By the name that a read has in the table; `route` stands for its URL in k6's own metrics. */
export const READS = {
  product: {
    route: 'GET /api/products/{id}',
    path: ({ shop }) => `/api/products/${any(shop.products)}`,
  },
  stock: {
    route: 'GET /api/products/{id}/stock',
    path: ({ shop }) => `/api/products/${any(shop.products)}/stock`,
  },
  products: {
    route: 'GET /api/products',
    path: () => `/api/products?sort=${any(SORTS)}`,
  },
  'products of a category': {
    route: 'GET /api/products?category',
    path: ({ shop }) => `/api/products?sort=${any(SORTS)}&category=${any(shop.categories)}`,
  },
  'products page 2': {
    route: 'GET /api/products?cursor',
    path: ({ shop }) => `/api/products?cursor=${shop.cursor}`,
    possible: (shop) => shop.cursor !== null,
  },
  popular: {
    route: 'GET /api/products/popular',
    path: () => `/api/products/popular?days=${any([1, 3, 7, 30])}`,
  },
  coupons: { route: 'GET /api/coupons', path: () => '/api/coupons' },
  cart: { route: 'GET /api/cart', path: () => '/api/cart' },
  orders: { route: 'GET /api/orders', path: () => '/api/orders' },
  order: {
    route: 'GET /api/orders/{id}',
    path: ({ buyer }) => `/api/orders/${buyer.orderId}`,
    buyers: true,
  },
  'user coupons': {
    route: 'GET /api/users/{id}/coupons',
    path: ({ user }) => `/api/users/${user.id}/coupons`,
  },
  balance: {
    route: 'GET /api/users/{id}/balance',
    path: ({ user }) => `/api/users/${user.id}/balance`,
  },
  history: {
    route: 'GET /api/users/{id}/balance/history',
    path: ({ user }) => `/api/users/${user.id}/balance/history`,
  },
  jobs: { route: 'GET /api/jobs', path: () => '/api/jobs', buyers: true },
  job: {
    route: 'GET /api/jobs/{id}',
    path: ({ buyer }) => `/api/jobs/${buyer.jobId}`,
    buyers: true,
  },
};

export function any(values) {
  return values[Math.floor(Math.random() * values.length)];
}

// The shop as a client sees it: what must be there before a run, and what its users do.

import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { params, perform } from './jobs.js';
import { BASE_URL, ids, whole } from './settings.js';
import { user } from './users.js';

const LINES = whole('LINES', 3);

/** For setup(): ends the run with one clear line unless its first and last user can act. */
export function requireShop(userCount) {
  const ready = http.get(`${BASE_URL}/readyz`, { tags: { name: 'GET /readyz' } });
  if (ready.status !== 200) {
    exec.test.abort(`${BASE_URL} is not ready: ${ready.status || ready.error} ${ready.body || ''}`);
  }
  for (const one of [user(0, userCount), user(userCount - 1, userCount)]) {
    const name = 'GET /api/users/{id}/balance';
    const answer = http.get(`${BASE_URL}/api/users/${one.id}/balance`, params(one, name));
    if (answer.status !== 200) {
      exec.test.abort(`user ${one.id} of TOKENS is answered ${answer.status}: ${answer.body}`);
    }
  }
}

/** COUPON_ID, or else the first coupon that has some left. */
export function someCoupon() {
  if (__ENV.COUPON_ID) return whole('COUPON_ID', 0);
  const answer = http.get(`${BASE_URL}/api/coupons`, { tags: { name: 'GET /api/coupons' } });
  const found = answer.json('coupons').find((coupon) => coupon.remainingQuantity > 0);
  if (!found) exec.test.abort('no coupon is open with some left; name one by COUPON_ID');
  return found.couponId;
}

/** The ids in PRODUCTS, or else those of the ten newest products. */
export function someProducts() {
  const named = ids('PRODUCTS');
  if (named.length) return named;
  const answer = http.get(`${BASE_URL}/api/products?limit=10`, {
    tags: { name: 'GET /api/products' },
  });
  const found = answer.json('products').map((product) => product.productId);
  if (!found.length) exec.test.abort('the shop has no products');
  return found;
}

export function issueCoupon(by, couponId) {
  const path = `/api/coupons/${couponId}/issue`;
  return perform('coupon.issue', by, path, 'POST /api/coupons/{id}/issue');
}

export function charge(by, amount, transactionId) {
  const path = `/api/users/${by.id}/balance/charge`;
  const body = { amount, transactionId };
  return perform('balance.charge', by, path, 'POST /api/users/{id}/balance/charge', body);
}

/**
 * One of each of LINES different products into the cart of the buyer `next`, counted from 0 over
 * all rounds of the users; where CARTS is "filled", the first round finds its carts full already.
 *
 * Returns the buyer.
 */
export function fillCart(next, userCount, products) {
  const buyer = user(next, userCount);
  if (__ENV.CARTS === 'filled' && next < userCount) return buyer;
  for (const productId of sample(products, LINES)) {
    const answer = http.post(
      `${BASE_URL}/api/cart/items`,
      JSON.stringify({ productId, quantity: 1 }),
      params(buyer, 'POST /api/cart/items'),
    );
    check(answer, { 'the cart takes the product': ({ status }) => status === 201 });
  }
  return buyer;
}

export function placeOrder(by) {
  return perform('order.place', by, '/api/orders', 'POST /api/orders');
}

export function cancelOrder(by, orderId) {
  const path = `/api/orders/${orderId}/cancel`;
  return perform('order.cancel', by, path, 'POST /api/orders/{id}/cancel');
}

function sample(all, size) {
  const rest = all.slice();
  const chosen = [];
  while (chosen.length < size && rest.length) {
    chosen.push(...rest.splice(Math.floor(Math.random() * rest.length), 1));
  }
  return chosen;
}

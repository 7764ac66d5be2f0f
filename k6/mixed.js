// The day of a drop, all at once: 2,000 requests of 1,000 users for one coupon, 500 orders, and
// 1,000 charges on ten users. CLIENTS of each sort.

import exec from 'k6/execution';
import { options as optionsOf, scenario } from './lib/load.js';
import {
  charge as chargeBalance, fillCart, issueCoupon, placeOrder, requireShop, someCoupon, someProducts,
} from './lib/shop.js';
import { summaryOf } from './lib/summary.js';
import { user, userCount } from './lib/users.js';

const KINDS = ['coupon.issue', 'order.place', 'balance.charge'];
const USERS = userCount();
const CHARGED = Math.min(10, USERS);

export const options = optionsOf({
  coupons: scenario('issue', { clients: 50, iterations: 2000 }, 'COUPON_REQUESTS'),
  orders: scenario('order', { clients: 50, iterations: 500 }, 'ORDERS'),
  charges: scenario('charge', { clients: 50, iterations: 1000 }, 'CHARGES'),
}, KINDS);
export const handleSummary = summaryOf(KINDS);

export function setup() {
  requireShop(USERS);
  return { couponId: someCoupon(), products: someProducts(), run: Date.now().toString(36) };
}

export function issue({ couponId }) {
  issueCoupon(user(exec.scenario.iterationInTest, USERS), couponId);
}

export function order({ products }) {
  placeOrder(fillCart(exec.scenario.iterationInTest, USERS, products));
}

export function charge({ run }) {
  const next = exec.scenario.iterationInTest;
  chargeBalance(user(next, CHARGED), 1000, `${run}-${next}`);
}

// Cancellations: every one by the next user, of an order placed for it just before.

import exec from 'k6/execution';
import { options as optionsOf, scenario } from './lib/load.js';
import { cancelOrder, fillCart, placeOrder, requireShop, someProducts } from './lib/shop.js';
import { summaryOf } from './lib/summary.js';
import { userCount } from './lib/users.js';

const KINDS = ['order.place', 'order.cancel'];
const USERS = userCount();

export const options = optionsOf({ cancel: scenario('orderAndCancel', USERS) }, KINDS);
export const handleSummary = summaryOf(KINDS);

export function setup() {
  requireShop(USERS);
  return { products: someProducts() };
}

export function orderAndCancel({ products }) {
  const buyer = fillCart(exec.scenario.iterationInTest, USERS, products);
  const order = placeOrder(buyer);
  if (order !== null) cancelOrder(buyer, order.orderId);
}

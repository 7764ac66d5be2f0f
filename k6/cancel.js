// Cancellations: every one by the next user, of an order placed for it just before; or, where
// FIRST_ORDER says so, of the order with that id, the next with the one after it, and so on.

import exec from 'k6/execution';
import { options as optionsOf, scenario } from './lib/load.js';
import { whole } from './lib/settings.js';
import { cancelOrder, fillCart, placeOrder, requireShop, someProducts } from './lib/shop.js';
import { summaryOf } from './lib/summary.js';
import { user, userCount } from './lib/users.js';

const KINDS = __ENV.FIRST_ORDER ? ['order.cancel'] : ['order.place', 'order.cancel'];
const USERS = userCount();
const LOAD = { clients: 50, iterations: USERS };
const FIRST_ORDER = whole('FIRST_ORDER', 0);

export const options = optionsOf({ cancel: scenario('orderAndCancel', LOAD) }, KINDS);
export const handleSummary = summaryOf(KINDS);

export function setup() {
  requireShop(USERS);
  return { products: someProducts() };
}

export function orderAndCancel({ products }) {
  const next = exec.scenario.iterationInTest;
  if (FIRST_ORDER) {
    cancelOrder(user(next, USERS), FIRST_ORDER + next);
    return;
  }
  const buyer = fillCart(next, USERS, products);
  const order = placeOrder(buyer);
  if (order !== null) cancelOrder(buyer, order.orderId);
}

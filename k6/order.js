// Orders of three random products: every one by the next user, who fills a cart and orders it.

import exec from 'k6/execution';
import { options as optionsOf, scenario } from './lib/load.js';
import { fillCart, placeOrder, requireShop, someProducts } from './lib/shop.js';
import { summaryOf } from './lib/summary.js';
import { userCount } from './lib/users.js';

const KINDS = ['order.place'];
const USERS = userCount();

export const options = optionsOf({ order: scenario('order', USERS) }, KINDS);
export const handleSummary = summaryOf(KINDS);

export function setup() {
  requireShop(USERS);
  return { products: someProducts() };
}

export function order({ products }) {
  placeOrder(fillCart(exec.scenario.iterationInTest, USERS, products));
}

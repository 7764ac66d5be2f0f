// Orders of three random products: every one by the next user, who fills a cart and orders it; from
// 50 clients to 100.

import exec from 'k6/execution';
import { options as optionsOf, scenario } from './lib/load.js';
import { fillCart, placeOrder, requireShop, someProducts } from './lib/shop.js';
import { summaryOf } from './lib/summary.js';
import { userCount } from './lib/users.js';

const KINDS = ['order.place'];
const USERS = userCount();
const LOAD = { clients: 100, stages: '0s:50,15s:50,30s:100,15s:100' };

export const options = optionsOf({ order: scenario('order', LOAD) }, KINDS);
export const handleSummary = summaryOf(KINDS);

export function setup() {
  requireShop(USERS);
  return { products: someProducts() };
}

export function order({ products }) {
  placeOrder(fillCart(exec.scenario.iterationInTest, USERS, products));
}

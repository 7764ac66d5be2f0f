// Charges on a few users, ten unless USERS says otherwise, each with a transactionId of its own:
// 100 clients for a minute, then ever more up to 150.

import exec from 'k6/execution';
import { options as optionsOf, scenario } from './lib/load.js';
import { whole } from './lib/settings.js';
import { charge as chargeBalance, requireShop } from './lib/shop.js';
import { summaryOf } from './lib/summary.js';
import { user, userCount } from './lib/users.js';

const KINDS = ['balance.charge'];
const USERS = userCount(10);
const LOAD = { clients: 100, stages: '0s:100,1m:100,30s:150,15s:150' };
const AMOUNT = whole('AMOUNT', 1000);

export const options = optionsOf({ charge: scenario('charge', LOAD) }, KINDS);
export const handleSummary = summaryOf(KINDS);

export function setup() {
  requireShop(USERS);
  return { run: Date.now().toString(36) };
}

export function charge({ run }) {
  const next = exec.scenario.iterationInTest;
  chargeBalance(user(next, USERS), AMOUNT, `${run}-${next}`);
}

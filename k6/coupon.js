// A first-come coupon. VARIANT: `unique`, every request by the next user, 200 clients (the default);
// `random`, by a random user each time, so that many ask again; `peak`, from 50 clients to 500.

import exec from 'k6/execution';
import { options as optionsOf, scenario } from './lib/load.js';
import { issueCoupon, requireShop, someCoupon } from './lib/shop.js';
import { summaryOf } from './lib/summary.js';
import { anyUser, user, userCount } from './lib/users.js';

const KINDS = ['coupon.issue'];
const USERS = userCount();
const VARIANTS = {
  unique: { clients: 200, iterations: USERS },
  random: { clients: 200, stages: '0s:200,30s:200' },
  peak: { clients: 500, stages: '0s:50,10s:50,10s:500,20s:500,10s:50' },
};
const VARIANT = __ENV.VARIANT || 'unique';
if (!VARIANTS[VARIANT]) throw new Error(`VARIANT is one of ${Object.keys(VARIANTS).join(', ')}`);

export const options = optionsOf({ coupon: scenario('issue', VARIANTS[VARIANT]) }, KINDS);
export const handleSummary = summaryOf(KINDS);

export function setup() {
  requireShop(USERS);
  return { couponId: someCoupon() };
}

export function issue({ couponId }) {
  const next = exec.scenario.iterationInTest;
  issueCoupon(VARIANT === 'random' ? anyUser(USERS) : user(next, USERS), couponId);
}

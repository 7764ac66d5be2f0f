// A first-come coupon: every request by the next user, or by a random one where REPEATS is 1.

import exec from 'k6/execution';
import { options as optionsOf, scenario } from './lib/load.js';
import { issueCoupon, requireShop, someCoupon } from './lib/shop.js';
import { summaryOf } from './lib/summary.js';
import { anyUser, user, userCount } from './lib/users.js';

const KINDS = ['coupon.issue'];
const USERS = userCount();

export const options = optionsOf({ coupon: scenario('issue', USERS) }, KINDS);
export const handleSummary = summaryOf(KINDS);

export function setup() {
  requireShop(USERS);
  return { couponId: someCoupon() };
}

export function issue({ couponId }) {
  const next = exec.scenario.iterationInTest;
  issueCoupon(__ENV.REPEATS === '1' ? anyUser(USERS) : user(next, USERS), couponId);
}

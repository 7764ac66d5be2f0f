// What is counted, each with the tag `kind`: the kind of job, as in the API's `kind`.

import { Counter, Gauge, Trend } from 'k6/metrics';
import { whole } from './settings.js';

export const accepted = new Counter('accepted');
export const ended = new Counter('ended');
export const acceptedToEnded = new Trend('accepted_to_ended', true);
/** Refused for a reason of the shop's, at acceptance or by the worker; tagged with its `code`. */
export const refusals = new Counter('refusals');
/** Answers 5xx or none at all, and jobs that failed with a 5xx problem. */
export const serverErrors = new Counter('server_errors');
export const jobsNotEnded = new Counter('jobs_not_ended');

/** Moments, of which only the first and the last matter: rates are taken between them. */
export const beganAt = new Gauge('began_at');
export const acceptedAt = new Gauge('accepted_at');
export const endedAt = new Gauge('ended_at');

const BY_KIND = ['accepted', 'ended', 'accepted_to_ended', 'refusals', 'server_errors',
  'jobs_not_ended', 'began_at', 'accepted_at', 'ended_at'];

/** The refusals that the table names; others appear in it as "other". */
export const CODES = {
  'coupon.issue': ['C001', 'C002', 'C003', 'C006', 'C008', 'U001'],
  'balance.charge': ['U001', 'PAY002'],
  'order.place': ['O003', 'O005', 'P001', 'P002', 'P003', 'PAY001', 'PAY002', 'C002', 'C003',
    'C004', 'C007', 'U001'],
  'order.cancel': ['O002', 'O004'],
};

/** Which codes are the shop's business, and no fault of the server's or of the script's. */
export function isRefusal(code) {
  return /^[A-Z]+\d+$/.test(code) && (!code.startsWith('COMMON') || code === 'COMMON007');
}

export function ofKind(metric, kind, code) {
  return code ? `${metric}{kind:${kind},code:${code}}` : `${metric}{kind:${kind}}`;
}

/** What makes a run fail; and, since k6 keeps the figures that thresholds name, those by kind. */
export function thresholdsOf(kinds) {
  const thresholds = {
    checks: ['rate==1'],
    accepted: ['count>0'],
    server_errors: ['count==0'],
    jobs_not_ended: ['count==0'],
    accepted_to_ended: [`p(99)<${whole('P99_MS', 60000)}`],
  };
  for (const kind of kinds) {
    for (const metric of BY_KIND) thresholds[ofKind(metric, kind)] = [];
    for (const code of CODES[kind]) thresholds[ofKind('refusals', kind, code)] = [];
  }
  return thresholds;
}

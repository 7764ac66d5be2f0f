// What people look at: every read of the API in turn, RATE a second in all (50), for DURATION (30s).
// A read that is answered otherwise than 200, or whose p99 is above P99_MS (50), fails the run.

import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { params } from './lib/jobs.js';
import { READS, any } from './lib/reads.js';
import { BASE_URL, REQUEST_TIMEOUT, whole } from './lib/settings.js';
import { fillCart, placeOrder, requireShop, someProducts } from './lib/shop.js';
import { shown, tableOf, write } from './lib/summary.js';
import { user, userCount } from './lib/users.js';

const NAMES = Object.keys(READS);
const USERS = userCount();
const BUYERS = Math.min(20, USERS);

const answered = new Trend('answered', true);
const notAnswered = new Counter('not_answered');

const thresholds = { dropped_iterations: ['count==0'], not_answered: ['count==0'] };
for (const name of NAMES) {
  thresholds[`answered{read:${name}}`] = [`p(99)<=${whole('P99_MS', 50)}`];
}

export const options = {
  scenarios: {
    browse: {
      exec: 'browse',
      executor: 'constant-arrival-rate',
      rate: whole('RATE', 50),
      timeUnit: '1s',
      duration: __ENV.DURATION || '30s',
      preAllocatedVUs: whole('CLIENTS', 50),
      gracefulStop: `${REQUEST_TIMEOUT}s`,
    },
  },
  thresholds,
  summaryTrendStats: ['count', 'med', 'p(95)', 'p(99)', 'max'],
  systemTags: ['status', 'method', 'name', 'scenario', 'expected_response', 'error_code'],
  setupTimeout: '120s',
};

/** Some users have bought something, so that there are orders and jobs to look at. */
export function setup() {
  requireShop(USERS);
  const products = someProducts();
  const first = read('/api/products?limit=100', user(0, USERS), 'GET /api/products').json();
  const named = first.products.map(({ category }) => category).filter(Boolean);
  return {
    products,
    categories: named.length ? [...new Set(named)] : ['none'],
    cursor: first.nextCursor,
    buyers: Array.from({ length: BUYERS }, (_, next) => buyer(next, products)),
  };
}

function buyer(next, products) {
  const by = fillCart(next, USERS, products);
  const order = placeOrder(by);
  if (order === null) exec.test.abort(`user ${by.id} could not buy anything`);
  const jobs = read('/api/jobs?kind=order.place&limit=1', by, 'GET /api/jobs').json('jobs');
  return { next, orderId: order.orderId, jobId: jobs[0].jobId };
}

export function browse(shop) {
  const number = exec.scenario.iterationInTest;
  const name = NAMES[number % NAMES.length];
  const { route, path, buyers, possible } = READS[name];
  if (possible && !possible(shop)) return;
  const one = any(shop.buyers);
  const who = user(buyers ? one.next : Math.floor(number / NAMES.length), USERS);
  const answer = read(path({ shop, buyer: one, user: who }), who, route);
  answered.add(answer.timings.duration, { read: name });
  const good = check(answer, { 'answered 200': ({ status }) => status === 200 });
  if (!good) {
    notAnswered.add(1);
    console.error(`${route}: ${answer.status} ${String(answer.body).slice(0, 300)}`);
  }
}

function read(path, by, route) {
  return http.get(BASE_URL + path, params(by, route));
}

export function handleSummary({ metrics, state }) {
  const rows = NAMES.map((name) => {
    const of = (metrics[`answered{read:${name}}`] || { values: {} }).values;
    return { read: name, count: of.count || 0, p50: of.med, p95: of['p(95)'], p99: of['p(99)'],
      max: of.max };
  });
  const run = { rows, seconds: state.testRunDurationMs / 1000 };
  const table = tableOf(['', 'reads', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'], rows.map((row) => [
    row.read, String(row.count), ...[row.p50, row.p95, row.p99, row.max].map((ms) => shown(ms, 1)),
  ]));
  return write(run, metrics, table);
}

// Thousands who wait: each client charges a user of its own once, and from then on asks for that job
// as the next answer comes (Prefer: wait=HOLD). While workers leave the lane alone
// (./dev controls set lane.users.paused on), nothing happens but waiting.
// PATHS names a file of paths to ask for instead, one a line; each client takes the next.

import { check } from 'k6';
import exec from 'k6/execution';
import { SharedArray } from 'k6/data';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { params } from './lib/jobs.js';
import { options as optionsOf, scenario } from './lib/load.js';
import { BASE_URL, fileOf, whole } from './lib/settings.js';
import { requireShop } from './lib/shop.js';
import { summaryOfAnswers } from './lib/summary.js';
import { user, userCount } from './lib/users.js';

const USERS = userCount();
const HOLD = whole('HOLD', 20, 0);
// Shared by all clients: thousands of them would hold as many copies.
const PATHS = new SharedArray('paths', () => fileOf('PATHS'));
const WAITING = Math.min(2000, USERS);
const LOAD = { clients: WAITING, stages: `0s:${WAITING},30s:${WAITING}` };

const polled = new Trend('polled', true);
const notAnswered = new Counter('not_answered');

export const options = {
  ...optionsOf({ poll: scenario('poll', LOAD) }, []),
  thresholds: { not_answered: ['count==0'], polled: [`p(99)<=${whole('P99_MS', 60000)}`] },
  summaryTrendStats: ['count', 'med', 'p(95)', 'p(99)', 'max'],
};
export const handleSummary = summaryOfAnswers('polled');

export function setup() {
  requireShop(USERS);
  return { run: Date.now().toString(36) };
}

let mine = null;

export function poll({ run }) {
  const number = exec.scenario.iterationInTest;
  const by = user(PATHS.length ? number : exec.vu.idInTest - 1, USERS);
  if (!PATHS.length && mine === null) mine = charged(by, run);
  const path = PATHS.length ? PATHS[number % PATHS.length] : mine;
  const preference = HOLD ? { Prefer: `wait=${HOLD}` } : {};
  const answer = http.get(BASE_URL + path, params(by, 'GET', preference));
  polled.add(answer.timings.duration);
  const good = check(answer, { 'answered 200': ({ status }) => status === 200 });
  if (!good) {
    notAnswered.add(1);
    console.error(`${path}: ${answer.status} ${String(answer.body).slice(0, 300)}`);
  }
}

function charged(by, run) {
  const body = JSON.stringify({ amount: 1000, transactionId: `${run}-${by.id}` });
  const url = `${BASE_URL}/api/users/${by.id}/balance/charge`;
  const answer = http.post(url, body, params(by, 'POST /api/users/{id}/balance/charge'));
  if (answer.status !== 202) exec.test.abort(`a charge is answered ${answer.status}: ${answer.body}`);
  return answer.headers.Location;
}

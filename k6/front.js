// What the web stack itself can do: POST to an empty route, which is there where BENCH_ROUTE=true.

import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { params } from './lib/jobs.js';
import { options as optionsOf, scenario } from './lib/load.js';
import { BASE_URL, whole } from './lib/settings.js';
import { summaryOfAnswers } from './lib/summary.js';
import { user, userCount } from './lib/users.js';

const USERS = userCount();
const LOAD = { clients: 100, stages: '0s:100,15s:100' };

const answered = new Trend('answered', true);
const notAnswered = new Counter('not_answered');

export const options = {
  ...optionsOf({ front: scenario('post', LOAD) }, []),
  thresholds: { not_answered: ['count==0'], answered: [`p(99)<=${whole('P99_MS', 60000)}`] },
  summaryTrendStats: ['count', 'med', 'p(95)', 'p(99)', 'max'],
};
export const handleSummary = summaryOfAnswers('answered');

export function setup() {
  const { status } = send(user(0, USERS));
  if (status !== 200) exec.test.abort(`the empty route is answered ${status}: is BENCH_ROUTE=true?`);
}

export function post() {
  const answer = send(user(exec.scenario.iterationInTest, USERS));
  answered.add(answer.timings.duration);
  if (!check(answer, { 'answered 200': ({ status }) => status === 200 })) notAnswered.add(1);
}

function send(by) {
  return http.post(`${BASE_URL}/api/bench/empty`, '{}', params(by, 'POST /api/bench/empty'));
}

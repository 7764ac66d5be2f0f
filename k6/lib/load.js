// The k6 options of a script: how its load arrives, and what makes a run fail.

import { thresholdsOf } from './metrics.js';
import { JOB_TIMEOUT, REQUEST_TIMEOUT, whole } from './settings.js';

// Before a client is stopped it has its answer, and has followed its job to the end.
const GRACE = `${JOB_TIMEOUT + 2 * REQUEST_TIMEOUT}s`;

/** `scenarios`: by name, made by `scenario`. `kinds`: the kinds of jobs that they make. */
export function options(scenarios, kinds) {
  return {
    scenarios,
    thresholds: thresholdsOf(kinds),
    summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
    // Every url holds an id: left among the tags it would make a time series for each.
    systemTags: ['status', 'method', 'name', 'scenario', 'expected_response', 'error_code'],
    setupTimeout: '60s',
  };
}

/**
 * How the load of one exported function arrives. What is set in the environment decides: STAGES
 * ("10s:50,1m:150") is a ramp of clients, RATE so many requests a second whatever becomes of them,
 * ITERATIONS so many shared by CLIENTS (within DURATION, if that is set too), DURATION ("30s") as
 * fast as they get answers. Where none of them is set, `otherwise` is taken: `{ clients, stages }` or `{ clients, iterations }`; the
 * variable `ownIterations` may say how many.
 */
export function scenario(exec, otherwise, ownIterations = 'ITERATIONS') {
  const clients = whole('CLIENTS', otherwise.clients);
  if (__ENV.STAGES) return ramp(exec, __ENV.STAGES);
  if (__ENV.RATE) return arrivals(exec, clients);
  if (__ENV[ownIterations]) return share(exec, clients, whole(ownIterations, 1));
  if (__ENV.DURATION) return constant(exec, clients, __ENV.DURATION);
  return otherwise.stages ? ramp(exec, otherwise.stages)
    : share(exec, clients, otherwise.iterations);
}

function share(exec, clients, iterations) {
  return {
    exec,
    executor: 'shared-iterations',
    vus: Math.min(clients, iterations),
    iterations,
    maxDuration: __ENV.DURATION || '1h',
    gracefulStop: GRACE,
  };
}

function constant(exec, vus, duration) {
  return { exec, executor: 'constant-vus', vus, duration, gracefulStop: GRACE };
}

function arrivals(exec, clients) {
  return {
    exec,
    executor: 'constant-arrival-rate',
    rate: whole('RATE', 1),
    timeUnit: '1s',
    duration: __ENV.DURATION || '30s',
    preAllocatedVUs: clients,
    gracefulStop: GRACE,
  };
}

/** "0s:100" at its beginning begins with so many clients at once. */
function ramp(exec, text) {
  const stages = text.split(',').map((stage) => {
    const [duration, target] = stage.split(':');
    if (!/^\d+$/.test(target)) throw new Error('STAGES must look like 10s:50,1m:150');
    return { duration: duration.trim(), target: Number(target) };
  });
  const atOnce = /^0(s|m)?$/.test(stages[0].duration) ? stages.shift().target : 1;
  return {
    exec,
    executor: 'ramping-vus',
    startVUs: atOnce,
    stages,
    gracefulStop: GRACE,
    gracefulRampDown: GRACE,
  };
}

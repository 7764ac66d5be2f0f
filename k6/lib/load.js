// The k6 options of a script: how its load arrives, and what makes a run fail.

import { thresholdsOf } from './metrics.js';
import { CLIENTS, JOB_TIMEOUT, REQUEST_TIMEOUT, whole } from './settings.js';

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
 * How the load of one exported function arrives: by STAGES ("10s:50,1m:150"), for a DURATION
 * ("30s"), or as `iterations` shared by the clients; the variable `ownIterations` may say how many.
 */
export function scenario(exec, iterations, ownIterations = 'ITERATIONS') {
  if (__ENV.STAGES) return ramp(exec, __ENV.STAGES);
  if (__ENV.DURATION) return constant(exec, __ENV.DURATION);
  const shared = whole(ownIterations, iterations);
  return {
    exec,
    executor: 'shared-iterations',
    vus: Math.min(CLIENTS, shared),
    iterations: shared,
    maxDuration: '1h',
    gracefulStop: GRACE,
  };
}

function constant(exec, duration) {
  return { exec, executor: 'constant-vus', vus: CLIENTS, duration, gracefulStop: GRACE };
}

function ramp(exec, text) {
  const stages = text.split(',').map((stage) => {
    const [duration, target] = stage.split(':');
    if (!/^\d+$/.test(target)) throw new Error('STAGES must look like 10s:50,1m:150');
    return { duration: duration.trim(), target: Number(target) };
  });
  return {
    exec,
    executor: 'ramping-vus',
    startVUs: 1,
    stages,
    gracefulStop: GRACE,
    gracefulRampDown: GRACE,
  };
}

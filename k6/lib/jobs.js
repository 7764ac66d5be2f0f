// One command of the API, from its request to the end of its job.

import { check, sleep } from 'k6';
import http from 'k6/http';
import {
  accepted, acceptedAt, acceptedToEnded, beganAt, ended, endedAt, isRefusal, jobsNotEnded, refusals,
  serverErrors,
} from './metrics.js';
import { BASE_URL, FOLLOW, JOB_TIMEOUT, REQUEST_TIMEOUT, WAIT_SECONDS } from './settings.js';

const PREFERENCE = WAIT_SECONDS && FOLLOW ? { Prefer: `wait=${WAIT_SECONDS}` } : {};
const ENDED = ['succeeded', 'failed', 'cancelled'];

// Refusals are answers like others; what is left for http_req_failed is 5xx and no answer.
http.setResponseCallback(http.expectedStatuses({ min: 200, max: 499 }));

/** A request's parameters; `name` stands for its URL in k6's own metrics. */
export function params(user, name, headers = {}) {
  return {
    headers: {
      Authorization: `Bearer ${user.token}`,
      'Content-Type': 'application/json',
      ...headers,
    },
    tags: { name },
    timeout: `${REQUEST_TIMEOUT}s`,
  };
}

/**
 * Send a command and follow its job to the end (unless FOLLOW is 0). `route` names it in k6's own
 * metrics.
 *
 * Returns the result of a job that succeeded, and null for every other outcome; all are counted.
 */
export function perform(kind, user, path, route, body = null) {
  const tags = { kind };
  const sent = Date.now();
  const payload = body === null ? null : JSON.stringify(body);
  const response = http.post(BASE_URL + path, payload, params(user, route, PREFERENCE));
  const answer = json(response);
  if (!makesJob(response)) {
    refused(tags, response.status, answer, 'at acceptance');
    return null;
  }
  accepted.add(1, tags);
  // Polled jobs tell their own times; of an answer that was held only the client's clock knows.
  const held = WAIT_SECONDS > 0 || !FOLLOW;
  const began = held ? sent : Date.parse(answer.acceptedAt);
  beganAt.add(began, tags);
  acceptedAt.add(held ? Date.now() : began, tags);
  if (!FOLLOW) {
    acceptedToEnded.add(response.timings.duration, tags);
    return null;
  }
  const job = response.status === 202 ? follow(response, user, tags) : atItsEnd(response, answer);
  return finish(tags, job, began);
}

/** Whether a job was made: 202, or an answer that was held and names the job it is the end of. */
function makesJob(response) {
  return response.status === 202 || (response.headers.Link || '').includes('rel="monitor"');
}

/** The ended job as far as an answer tells it that was held until then. */
function atItsEnd(response, answer) {
  return response.status < 300
    ? { status: 'succeeded', result: answer }
    : { status: 'failed', error: answer };
}

/** The job once it has ended; null if it does not in time, or is not to be found. */
function follow(response, user, tags) {
  const url = BASE_URL + response.headers.Location;
  const deadline = Date.now() + JOB_TIMEOUT * 1000;
  let last = response;
  while (Date.now() < deadline) {
    if (!WAIT_SECONDS || failed(last.status)) sleep(Number(last.headers['Retry-After']) || 1);
    last = http.get(url, params(user, 'GET /api/jobs/{id}', PREFERENCE));
    if (failed(last.status)) {
      complain(tags, last.status, last.body, 'while its job was followed');
    } else if (last.status !== 200) {
      return null;
    } else if (ENDED.includes(last.json('status'))) {
      return last.json();
    }
  }
  return null;
}

function finish(tags, job, began) {
  check(job, { 'the job ended': (one) => one !== null });
  if (job === null) {
    jobsNotEnded.add(1, tags);
    return null;
  }
  const finished = WAIT_SECONDS ? Date.now() : Date.parse(job.finishedAt);
  ended.add(1, { ...tags, status: job.status });
  endedAt.add(finished, tags);
  acceptedToEnded.add(finished - began, tags);
  if (job.status === 'failed') refused(tags, job.error.status, job.error, 'by the worker');
  return job.status === 'succeeded' ? job.result : null;
}

function refused(tags, status, problem, where) {
  const code = (problem && problem.code) || '';
  const business = !failed(status) && isRefusal(code);
  check(status, { 'done, or refused for a reason of the shop': () => business });
  if (business) refusals.add(1, { ...tags, code });
  else complain(tags, status, JSON.stringify(problem), where);
}

let complained = false;

/** What no script in order should meet. Counted always, and told once by each client. */
function complain(tags, status, body, where) {
  if (failed(status)) serverErrors.add(1, tags);
  if (complained) return;
  complained = true;
  console.error(`${tags.kind}, ${where}: ${status} ${String(body).slice(0, 300)}`);
}

function failed(status) {
  return status === 0 || status >= 500;
}

function json(response) {
  try {
    return response.json();
  } catch (error) {
    return null;
  }
}

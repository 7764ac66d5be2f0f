// One command of the API, from its request to the end of its job.

import http from 'k6/http';
import { check, sleep } from 'k6';
import { BASE_URL, JOB_TIMEOUT, WAIT_SECONDS } from './settings.js';
import {
  accepted, acceptedAt, acceptedToEnded, beganAt, ended, endedAt, isRefusal, jobsNotEnded, refusals,
  serverErrors,
} from './metrics.js';

const REQUEST_TIMEOUT = `${WAIT_SECONDS + 10}s`;
const ENDED = ['succeeded', 'failed', 'cancelled'];

// Refusals are answers like others; what is left for http_req_failed is 5xx and no answer.
http.setResponseCallback(http.expectedStatuses({ min: 200, max: 499 }));

export function params(user, name, headers = {}) {
  return {
    headers: {
      Authorization: `Bearer ${user.token}`,
      'Content-Type': 'application/json',
      ...headers,
    },
    tags: { name },
    timeout: REQUEST_TIMEOUT,
  };
}

/**
 * Send a command and follow its job to the end. `route` names it in k6's own metrics.
 *
 * Returns the result of a job that succeeded, and null for every other outcome; all are counted.
 */
export function perform(kind, user, path, route, body = null) {
  const tags = { kind };
  const sent = Date.now();
  const response = http.post(
    BASE_URL + path,
    body === null ? null : JSON.stringify(body),
    params(user, route, preference()),
  );
  const answer = json(response);
  if (!isJobs(response)) {
    refuse(tags, response.status, answer, 'at acceptance');
    return null;
  }
  check(response, { 'answered as the contract says': () => true });
  accepted.add(1, tags);
  if (!WAIT_SECONDS) return finish(tags, follow(answer, response, user, tags), null);
  beganAt.add(sent, tags);
  acceptedAt.add(Date.now(), tags);
  const job = response.status === 202 ? follow(answer, response, user, tags) : told(answer, response);
  return finish(tags, job, sent);
}

function preference() {
  return WAIT_SECONDS ? { Prefer: `wait=${WAIT_SECONDS}` } : {};
}

/** Whether a job was made: 202, or an answer that names the job it is the end of. */
function isJobs(response) {
  return response.status === 202 || (response.headers.Link || '').includes('rel="monitor"');
}

/** The ended job, put together from an answer that was held until its end. */
function told(answer, response) {
  return response.status < 300
    ? { status: 'succeeded', result: answer }
    : { status: 'failed', error: answer };
}

/** Poll the job until it has ended; null if it does not, or if it is not to be found. */
function follow(first, response, user, tags) {
  const url = `${BASE_URL}/api/jobs/${first.jobId}`;
  const deadline = Date.now() + JOB_TIMEOUT * 1000;
  let last = response;
  while (Date.now() < deadline) {
    if (!WAIT_SECONDS || last.status !== 202) sleep(Number(last.headers['Retry-After']) || 1);
    last = http.get(url, params(user, 'GET /api/jobs/{id}', preference()));
    if (failed(last.status)) {
      complain(tags, last, 'while it was followed');
    } else if (last.status !== 200) {
      return null;
    } else if (ENDED.includes(last.json('status'))) {
      return last.json();
    }
  }
  return null;
}

/** `sent`: when the request was, if the client's clock is all there is to go by. */
function finish(tags, job, sent) {
  check(job, { 'the job ended': (one) => one !== null });
  if (job === null) {
    jobsNotEnded.add(1, tags);
    return null;
  }
  ended.add(1, { ...tags, status: job.status });
  time(tags, job, sent);
  if (job.status === 'failed') refuse(tags, job.error.status, job.error, 'by the worker');
  return job.status === 'succeeded' ? job.result : null;
}

/** Polled jobs tell their own times; answers that were held are timed here, the request included. */
function time(tags, job, sent) {
  const began = sent === null ? Date.parse(job.acceptedAt) : sent;
  const finished = sent === null ? Date.parse(job.finishedAt) : Date.now();
  if (sent === null) {
    beganAt.add(began, tags);
    acceptedAt.add(began, tags);
  }
  endedAt.add(finished, tags);
  acceptedToEnded.add(finished - began, tags);
}

function refuse(tags, status, problem, where) {
  const code = (problem && problem.code) || '';
  const business = !failed(status) && isRefusal(code);
  check(problem, { 'answered as the contract says': () => business });
  if (business) refusals.add(1, { ...tags, code });
  else complain(tags, { status, body: JSON.stringify(problem) }, where);
}

/** A server's error, or an answer that a script in order does not get: counted, and told once. */
let told_once = false;
function complain(tags, response, where) {
  if (failed(response.status)) serverErrors.add(1, tags);
  if (told_once) return;
  told_once = true;
  console.error(`${tags.kind}, ${where}: ${response.status} ${String(response.body).slice(0, 300)}`);
}

function failed(status) {
  return status === 0 || status >= 500;
}

function json(response) {
  try {
    return response.json();
  } catch {
    return null;
  }
}

// The end of a run: one table, and the same figures as JSON where SUMMARY names a file.

import { CODES, ofKind } from './metrics.js';
import { FOLLOW, WAIT_SECONDS } from './settings.js';

const HEADINGS = ['', 'accepted', 'ended', 'accepted/s', 'ended/s', 'p50 ms', 'p95 ms', 'p99 ms',
  'refused'];
const LEFT = ['', 'refused'];
const FOLLOWED = WAIT_SECONDS
  ? 'p50, p95, p99: from the request to the answer that was held until the job had ended.'
  : 'p50, p95, p99: from accepted to ended, as the jobs tell it.';
const TIMED = FOLLOW ? FOLLOWED : 'p50, p95, p99: from the request to its acceptance.';

/** k6's handleSummary for a script whose commands make jobs of these kinds. */
export function summaryOf(kinds) {
  return (data) => {
    const rows = kinds.map((kind) => figures(data.metrics, kind));
    const run = {
      rows,
      serverErrors: count(data.metrics, 'server_errors'),
      jobsNotEnded: count(data.metrics, 'jobs_not_ended'),
      checksFailed: values(data.metrics, 'checks').fails || 0,
      requests: count(data.metrics, 'http_reqs'),
      seconds: data.state.testRunDurationMs / 1000,
    };
    return write(run, data.metrics, text(run));
  };
}

/** handleSummary for a script whose answers are timed by the trend of this name, and are all there is. */
export function summaryOfAnswers(trend) {
  return ({ metrics, state }) => {
    const of = values(metrics, trend);
    const seconds = state.testRunDurationMs / 1000;
    const row = {
      answers: of.count || 0,
      perSecond: (of.count || 0) / seconds,
      p50: of.med,
      p95: of['p(95)'],
      p99: of['p(99)'],
      max: of.max,
      notAnswered: count(metrics, 'not_answered'),
    };
    const table = tableOf(['answers', 'answers/s', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'], [[
      String(row.answers),
      ...[row.perSecond, row.p50, row.p95, row.p99, row.max].map((one) => shown(one, 1)),
    ]]);
    return write({ rows: [row], seconds }, metrics, table);
  };
}

/** What handleSummary returns: `text` and the verdict shown, and `run` in the file of SUMMARY. */
export function write(run, metrics, text) {
  const found = missed(metrics);
  const verdict = found.length ? `FAILED: ${found.join('; ')}` : 'all thresholds held';
  const files = { stdout: `\n${text}\n${verdict}\n` };
  if (__ENV.SUMMARY) files[__ENV.SUMMARY] = JSON.stringify({ ...run, missed: found }, null, 2);
  return files;
}

/** Rows of text below their headings; columns stand to the right but those in LEFT. */
export function tableOf(headings, rows) {
  const lines = [headings, ...rows];
  return lines.map((line) => line.map((cell, column) => {
    const width = Math.max(...lines.map((other) => other[column].length));
    return LEFT.includes(headings[column]) ? cell.padEnd(width) : cell.padStart(width);
  }).join('  ').trimEnd()).join('\n');
}

function figures(metrics, kind) {
  const of = (metric) => values(metrics, ofKind(metric, kind));
  const began = of('began_at').min;
  const took = of('ended').count || !FOLLOW ? of('accepted_to_ended') : {};
  return {
    kind,
    accepted: of('accepted').count || 0,
    ended: of('ended').count || 0,
    acceptedPerSecond: rate(of('accepted').count, began, of('accepted_at').max),
    endedPerSecond: rate(of('ended').count, began, of('ended_at').max),
    p50: took.med,
    p95: took['p(95)'],
    p99: took['p(99)'],
    refusals: refusalsOf(metrics, kind),
  };
}

/** Between the first request and the last event of its sort: set-up and idle ends do not count. */
function rate(events, first, last) {
  return events && last > first ? events / ((last - first) / 1000) : null;
}

function refusalsOf(metrics, kind) {
  const found = {};
  let rest = count(metrics, ofKind('refusals', kind));
  for (const code of CODES[kind]) {
    const times = count(metrics, ofKind('refusals', kind, code));
    if (times) found[code] = times;
    rest -= times;
  }
  if (rest) found.other = rest;
  return found;
}

function text(run) {
  const tail = [
    `${run.requests} requests in ${run.seconds.toFixed(1)} s`,
    `server errors: ${run.serverErrors}`,
    `jobs not ended: ${run.jobsNotEnded}`,
    `checks failed: ${run.checksFailed}`,
  ].join('; ');
  return `${tableOf(HEADINGS, run.rows.map(cells))}\n\n${TIMED}\n${tail}`;
}

function cells(row) {
  const refused = Object.entries(row.refusals).map(([code, times]) => `${code} ${times}`);
  return [
    row.kind,
    String(row.accepted),
    String(row.ended),
    shown(row.acceptedPerSecond),
    shown(row.endedPerSecond),
    shown(row.p50),
    shown(row.p95),
    shown(row.p99),
    refused.join(', ') || '-',
  ];
}

export function shown(figure, digits = 0) {
  return Number.isFinite(figure) ? figure.toFixed(digits) : '-';
}

function missed(metrics) {
  return Object.entries(metrics).flatMap(([name, metric]) => (
    Object.entries(metric.thresholds || {})
      .filter(([, { ok }]) => !ok)
      .map(([expression]) => `${name} ${expression}`)
  ));
}

function values(metrics, name) {
  return metrics[name] ? metrics[name].values : {};
}

function count(metrics, name) {
  return values(metrics, name).count || 0;
}

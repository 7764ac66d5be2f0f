// What a run is told by its environment. README.md lists the variables with their meaning.

export const BASE_URL = (__ENV.BASE_URL || 'http://127.0.0.1:8000').replace(/\/+$/, '');

/** The variable as a whole number of at least `least`; `otherwise` where it is not set. */
export function whole(name, otherwise, least = 1) {
  const text = __ENV[name];
  if (!text) return otherwise;
  if (!/^\d+$/.test(text) || Number(text) < least) {
    throw new Error(`${name} is "${text}"; it must be a whole number, ${least} or more`);
  }
  return Number(text);
}

/** The variable as ids: "1,4,7", "1-10", or both mixed; none where it is not set. */
export function ids(name) {
  const parts = (__ENV[name] || '').split(',').filter((part) => part.trim());
  return parts.flatMap((part) => {
    const found = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    const first = found ? Number(found[1]) : 1;
    const last = found && found[2] ? Number(found[2]) : first;
    if (!found || last < first) throw new Error(`${name} must look like 1,4,7 or 1-10`);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** The lines of the file that the variable names; none where it is not set. */
export function fileOf(name) {
  const path = __ENV[name];
  if (!path) return [];
  return open(absolute(path)).split('\n').filter((line) => line.trim());
}

/** open() takes a relative path from the script's directory, a person from the shell's. */
export function absolute(path) {
  return path.startsWith('/') ? path : `${__ENV.PWD}/${path}`;
}

/** Seconds after which a job that has not ended counts as one that does not end. */
export const JOB_TIMEOUT = whole('JOB_TIMEOUT', 60);

/** Seconds that the server is asked to hold its answer for (Prefer: wait); 0: jobs are polled. */
export const WAIT_SECONDS = whole('WAIT', 1, 0) ? 20 : 0;

/** Whether jobs are followed to their end, or only accepted. */
export const FOLLOW = whole('FOLLOW', 1, 0) > 0;

/** Seconds that a client waits for any answer; past them, the server counts as failing. */
export const REQUEST_TIMEOUT = WAIT_SECONDS + 30;

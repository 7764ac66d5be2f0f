// The users that the load comes from: one for each line of the token file.

import { SharedArray } from 'k6/data';
import encoding from 'k6/encoding';
import { absolute, whole } from './settings.js';

const users = new SharedArray('users', () => {
  const lines = tokenFile().split('\n').filter((line) => line.trim());
  return lines.map((line) => ({ id: subject(line.trim()), token: line.trim() }));
});

function tokenFile() {
  const path = __ENV.TOKENS;
  if (!path) throw new Error('TOKENS must name a file of tokens: ./dev token --users 1-1000');
  return open(absolute(path));
}

/** The user id, as text: it may be larger than a number holds exactly. */
function subject(token) {
  try {
    return JSON.parse(encoding.b64decode(token.split('.')[1], 'rawurl', 's')).sub;
  } catch {
    throw new Error('TOKENS must hold one JSON Web Token a line');
  }
}

/** How many of them take part: USERS, or else `otherwise` or all, as far as there are so many. */
export function userCount(otherwise = users.length) {
  const wanted = whole('USERS', Math.min(otherwise, users.length));
  if (wanted < 1 || wanted > users.length) {
    throw new Error(`${wanted} users are wanted, but TOKENS holds ${users.length}`);
  }
  return wanted;
}

/** `{id, token}`; after the last user comes the first again. */
export function user(number, count) {
  return users[number % count];
}

export function anyUser(count) {
  return users[Math.floor(Math.random() * count)];
}

// What a failure of the client is called on this page.

/** One sentence, or two. @param {import('./client/index.js').SyncFailure} failure */
export function say({ kind, status, code, message }) {
  if (kind === 'unauthorized') return status === 403 ? 'The token does not open this app.' : 'The token is not valid, or it has expired.';
  if (kind === 'throttled') return 'Too many calls for now.';
  if (kind === 'unreachable' && !navigator.onLine) return 'This device is offline.';
  if (status === 503 && code === 'DB_ERROR') return 'The event log’s storage does not answer.';
  if (status >= 500) return `The server failed (${status}). ${message}`;
  return message;
}

/** The same, with what a person can do about it. */
export function advise(failure) {
  const words = say(failure);
  if (failure.status === 503 && failure.code === 'DB_ERROR') return `${words} (503 ${failure.code}) Nothing is lost: try again in a moment.`;
  return failure.kind === 'unreachable' ? `${words} Try again when the connection is back.` : words;
}

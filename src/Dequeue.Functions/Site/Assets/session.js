// Whose page it is. The token lives in this tab's session storage; a link may bring it in its fragment, which no server ever sees.

const KEY = 'dequeue.token';

/** Takes a token out of the address, and wipes it there. @returns {boolean} whether there was one */
export function takeFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return false;
  history.replaceState(null, '', location.pathname + location.search);
  keep(token);
  return true;
}

export const token = () => sessionStorage.getItem(KEY);
export const keep = value => sessionStorage.setItem(KEY, value.trim().replace(/^Bearer\s+/i, ''));
export const forget = () => sessionStorage.removeItem(KEY);

/** What a token says of itself, unchecked: `{ sub, exp }`. The server alone decides. */
export function claims(value) {
  try {
    const bytes = Uint8Array.from(atob(value.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), char => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

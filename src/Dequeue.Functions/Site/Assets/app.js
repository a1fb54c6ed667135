// The page's life: signed out, or signed in with one token.

import { MemoryStore, SyncManager } from './client/index.js';
import { dayTime, number } from './format.js';
import { freshDevice } from './fresh.js';
import { showOptions } from './options.js';
import { race } from './race.js';
import * as session from './session.js';
import { liveTail } from './tail.js';
import { advise, say } from './words.js';

/** The totals follow live events, but not each of them. */
const TOTALS_PAUSE = 1000;

/** Where the server is: this file lies in `page/` below it, behind whatever base path a proxy puts before both. */
const SERVER = new URL('..', import.meta.url).href;

const $ = id => document.getElementById(id);
const app = document.querySelector('meta[name="dequeue-app"]').content;

/** Makes a client of the user's, with a store and options; null when nobody is signed in. */
let connect = null;
let meta = null;
let epoch = null; // of the log that this page began with
let totalsTimer = 0;

const expected = () => meta?.eventCount ?? null;
const fresh = freshDevice({ announce, onFailure, expected });
const lanes = race({ onFailure, expected });
const tail = liveTail({ app, onFailure, onArrival: refreshSoon });

async function signIn(startsSync = false) {
  hideBanner();
  const token = session.token();
  if (!token) {
    showSignIn();
    return;
  }

  connect = (store, options) => new SyncManager({ server: SERVER, token, store, ...options });
  meta = null;
  const mine = connect;
  try {
    await refresh();
  } catch (failure) {
    if (connect !== mine) return;
    onFailure(failure);
    if (failure.kind === 'unauthorized') return;
  }

  if (connect !== mine) return;
  $('user').textContent = session.claims(token).sub ?? '';
  $('session').hidden = $('workspace').hidden = false;
  $('sign-in').hidden = true;
  $('token').value = '';
  $('fresh-title').focus();
  tail.start(connect, meta?.lastSyncedAtTs ? new Date(meta.lastSyncedAtTs).toISOString() : null);
  if (startsSync) act(fresh.run);
}

function stop() {
  clearTimeout(totalsTimer);
  totalsTimer = 0;
  epoch = null;
  fresh.leave();
  lanes.stop();
  tail.stop();
  connect = meta = null;
}

function leave() {
  stop();
  session.forget();
  showSignIn();
}

function showSignIn() {
  $('session').hidden = $('workspace').hidden = true;
  $('sign-in').hidden = false;
  $('token').focus();
}

async function refresh() {
  const mine = connect;
  const read = await mine(new MemoryStore()).meta();
  if (connect !== mine) return;
  if (epoch !== null && read.epoch !== epoch) {
    showBanner('This history is no more: the server\'s log was erased, or is another one. Nothing was changed here.', { label: 'Begin anew', run: beginAnew });
    return;
  }

  meta = read;
  epoch = read.epoch ?? null;
  $('total-events').textContent = number(read.eventCount);
  $('total-committed').textContent = read.lastSyncedAtTs ? dayTime(new Date(read.lastSyncedAtTs)) : '–';
  $('total-last').textContent = $('total-last').title = read.lastEventId ?? '–';
}

function refreshSoon() {
  if (totalsTimer) return;
  totalsTimer = setTimeout(() => {
    totalsTimer = 0;
    if (connect) refresh().catch(onFailure);
  }, meta ? TOTALS_PAUSE : 0);
}

function onFailure(failure) {
  if (failure.name === 'AbortError') return;
  if (failure.kind !== 'unauthorized') {
    showBanner(advise(failure));
    return;
  }

  const { exp } = session.claims(session.token() ?? '');
  leave();
  const expired = failure.status === 401 && exp * 1000 < Date.now();
  showBanner(expired ? `The token expired on ${dayTime(new Date(exp * 1000))}. Sign in with a new one.` : `${say(failure)} Sign in with another one.`);
  $('token').setAttribute('aria-invalid', 'true');
}

function showBanner(text, action) {
  $('banner').textContent = text;
  if (action) {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: action.label });
    button.addEventListener('click', action.run);
    $('banner').append(' ', button);
  }

  $('banner').hidden = false;
}

function beginAnew() {
  stop();
  signIn();
}

function hideBanner() {
  $('banner').hidden = true;
  $('token').removeAttribute('aria-invalid');
}

function announce(text) {
  $('announcer').textContent = text;
}

/** What a visitor asks for starts with a clean banner, and ends with the current totals. */
async function act(action) {
  hideBanner();
  await action(connect);
  if (connect) refreshSoon();
}

$('sign-in-form').addEventListener('submit', event => {
  event.preventDefault();
  session.keep($('token').value);
  signIn();
});
$('sign-out').addEventListener('click', () => {
  hideBanner();
  leave();
});
$('fresh-start').addEventListener('click', () => act(fresh.run));
$('fresh-anew').addEventListener('click', () => act(fresh.startOver));
$('race-start').addEventListener('click', () => act(lanes.run));
$('live-push').addEventListener('click', () => act(tail.push));
$('race-settings').addEventListener('submit', event => event.preventDefault());
addEventListener('hashchange', () => {
  if (!session.takeFromAddress()) return;
  stop();
  signIn(true);
});
addEventListener('offline', () => showBanner('This device is offline. The page carries on when the connection is back.'));
addEventListener('online', () => {
  hideBanner();
  if (connect) refreshSoon();
});

showOptions();

// Whoever comes by a link sees at once what it is about.
signIn(session.takeFromAddress());

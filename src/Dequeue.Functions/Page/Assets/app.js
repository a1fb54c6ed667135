// The page's life: signed out, or signed in with one token.

import { Api } from './api.js';
import { dayTime, number } from './format.js';
import { freshDevice } from './fresh.js';
import { REAL_LINK } from './link.js';
import { showOptions } from './options.js';
import { race } from './race.js';
import * as session from './session.js';
import { liveTail } from './tail.js';

/** The totals follow live events, but not each of them. */
const TOTALS_PAUSE = 1000;

const $ = id => document.getElementById(id);
const app = document.querySelector('meta[name="dequeue-app"]').content;
let api = null;
let meta = null;
let epoch = null; // of the log that this page began with
let totalsTimer = 0;

const expected = () => meta?.eventCount ?? null;
const fresh = freshDevice({ announce, onFailure, expected });
const lanes = race({ onFailure, expected });
const tail = liveTail({ app, onFailure, onArrival: refreshSoon });

async function signIn() {
  hideBanner();
  const token = session.token();
  if (!token) {
    showSignIn();
    return;
  }

  api = new Api(token, REAL_LINK);
  meta = null;
  const mine = api;
  try {
    await refresh();
  } catch (failure) {
    if (api !== mine) return;
    onFailure(failure);
    if (failure.kind === 'signin') return;
  }

  if (api !== mine) return;
  $('user').textContent = session.claims(token).sub ?? '';
  $('session').hidden = $('workspace').hidden = false;
  $('sign-in').hidden = true;
  $('token').value = '';
  $('fresh-title').focus();
  tail.start(api, meta?.lastSyncedAtTs ? new Date(meta.lastSyncedAtTs).toISOString() : null);
}

function stop() {
  clearTimeout(totalsTimer);
  totalsTimer = 0;
  epoch = null;
  fresh.stop();
  lanes.stop();
  tail.stop();
  api = meta = null;
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
  const mine = api;
  const read = await mine.meta();
  if (api !== mine) return;
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
    if (api) refresh().catch(onFailure);
  }, meta ? TOTALS_PAUSE : 0);
}

function onFailure(failure) {
  if (failure.name === 'AbortError') return;
  if (failure.kind !== 'signin') {
    showBanner(advice(failure));
    return;
  }

  const { exp } = session.claims(session.token() ?? '');
  leave();
  const expired = failure.status === 401 && exp * 1000 < Date.now();
  showBanner(expired ? `The token expired on ${dayTime(new Date(exp * 1000))}. Sign in with a new one.` : `${failure.message} Sign in with another one.`);
  $('token').setAttribute('aria-invalid', 'true');
}

function advice(failure) {
  switch (failure.kind) {
    case 'storage': return `${failure.message} (503 ${failure.code}) Nothing is lost: try again in a moment.`;
    case 'offline': return `${failure.message} Try again when the connection is back.`;
    default: return failure.message;
  }
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
  await action(api);
  if (api) refreshSoon();
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
$('race-start').addEventListener('click', () => act(lanes.run));
$('live-push').addEventListener('click', () => act(tail.push));
$('race-settings').addEventListener('submit', event => event.preventDefault());
addEventListener('hashchange', () => {
  if (!session.takeFromAddress()) return;
  stop();
  signIn();
});
addEventListener('offline', () => showBanner('This device is offline. The page carries on when the connection is back.'));
addEventListener('online', () => {
  hideBanner();
  if (api) refreshSoon();
});

showOptions();
session.takeFromAddress();
signIn();

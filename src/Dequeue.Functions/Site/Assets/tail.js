// The live tail on the page, and the other device that pushes into it.

import { MemoryStore } from './client/index.js';
import { moment } from './format.js';
import { say } from './words.js';

const SHOWN = 8;

const state = document.getElementById('live-state');
const pushState = document.getElementById('live-push-state');
const list = document.getElementById('live-events');
const empty = document.getElementById('live-empty');

const STATES = { connecting: 'Connecting …', live: 'Live', waiting: 'Reconnecting …' };

export function liveTail({ app, onFailure, onArrival }) {
  const otherDevice = `web-${randomId(6)}`;
  const pushed = new Map();
  let stopping = null;
  let arrived = [];
  let frame = 0;

  async function start(connect, checkpoint) {
    stopping = new AbortController();
    const { signal } = stopping;
    list.replaceChildren();
    empty.hidden = false;
    pushState.textContent = '';
    try {
      for await (const { event } of connect(new MemoryStore({ checkpoint })).watch({ signal, onState: show })) take(event);
    } catch (failure) {
      if (signal.aborted) return;
      show('stopped', failure);
      onFailure(failure);
    }
  }

  function stop() {
    stopping?.abort();
    cancelAnimationFrame(frame);
    frame = 0;
    arrived = [];
  }

  function show(name, failure) {
    state.dataset.state = name;
    state.textContent = failure && name === 'stopped' ? say(failure) : STATES[name];
    state.title = failure ? say(failure) : '';
    if (name === 'live') onArrival(); // whoever was cut off may come back to another log
  }

  function take(event) {
    arrived.push({ event, at: performance.now() });
    if (arrived.length > SHOWN) arrived.shift(); // nobody can read more
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      list.prepend(...arrived.reverse().map(row));
      arrived = [];
      while (list.children.length > SHOWN) list.lastChild.remove();
      empty.hidden = true;
      onArrival();
    });
  }

  function row({ event, at }) {
    const since = pushed.get(event.id);
    if (since !== undefined) {
      pushed.delete(event.id);
      pushState.textContent = `It arrived ${Math.round(at - since)} ms after the button was pressed.`;
    }

    const item = document.createElement('li');
    item.dataset.id = String(event.id);
    item.append(
      part('type', event.type), part('when', moment(new Date(event.ts))),
      part('id', event.id, 'Event '), part('id device', event.device_id, 'Device '));
    return item;
  }

  async function push(connect) {
    const event = makeEvent(app, otherDevice);
    pushed.set(event.id, performance.now());
    pushState.textContent = 'Pushing …';
    try {
      const { rejected: [refused] } = await connect(new MemoryStore()).push([event], { signal: stopping.signal });
      if (refused) pushState.textContent = `The server rejected it: ${refused.reason}`;
      else if (pushed.has(event.id)) pushState.textContent = 'Pushed; waiting for it to arrive.';
    } catch (failure) {
      pushed.delete(event.id);
      pushState.textContent = say(failure);
      onFailure(failure);
    }
  }

  return { start, stop, push };
}

function part(name, text, label) {
  const span = Object.assign(document.createElement('span'), { className: name, textContent: String(text ?? '') });
  if (label) span.title = label + span.textContent;
  return span;
}

const TITLES = ['Water the plants', 'Call the dentist', 'Review the draft', 'Book the train', 'Pay the rent', 'Pick up the parcel'];

/** A task made on another device, as the app would make it. */
function makeEvent(app, device) {
  const now = Date.now();
  const taskId = randomId(12);
  const state = {
    id: taskId, stackId: 'web-demo', title: TITLES[now % TITLES.length], status: 'pending', sortOrder: 0,
    createdAt: now, updatedAt: now, deleted: false, tagIds: [],
  };
  return {
    id: `web-${randomId(12)}`, user_id: '', device_id: device, app_id: app, ts: new Date(now).toISOString(), type: 'task.created',
    payload: { taskId, stackId: state.stackId, state }, payload_version: 2, actor_type: 'human',
  };
}

// Not randomUUID: that needs a secure context, and the page may be served over plain HTTP in a house's own network.
function randomId(bytes) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), byte => byte.toString(16).padStart(2, '0')).join('');
}

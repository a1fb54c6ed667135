// The operator's page: asks the server how it is, every two seconds while somebody looks.

import { Plot } from './plot.js';
import { megabytes, number } from './format.js';

const INTERVAL = 2000;

/** Half an hour of samples; then every other one goes. */
const MOST_SAMPLES = 900;

/** Disks are measured otherwise than histories. */
const size = bytes => bytes < 10e9 ? megabytes(bytes) : `${number(Math.round(bytes / 1e9))} GB`;

const at = id => document.getElementById(id);
const plots = {
  connections: new Plot(at('connections-plot'), ['stream', 'second']),
  events: new Plot(at('events-plot'), ['stream'], { filled: true }),
  memory: new Plot(at('memory-plot'), ['stream'], { filled: true }),
};
let token = sessionStorage.getItem('operator-token');
let samples = [];

at('sign-in-form').addEventListener('submit', event => {
  event.preventDefault();
  token = at('token').value.trim();
  sessionStorage.setItem('operator-token', token);
  look();
});

document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });

let next;
async function look() {
  clearTimeout(next);
  if (!token) return show('sign-in');
  try {
    const answer = await fetch('/operator/status', { headers: { authorization: `Bearer ${token}` } });
    if (answer.status === 401) {
      sessionStorage.removeItem('operator-token');
      token = null;
      say('This is not the operator’s token.');
      return show('sign-in');
    }

    if (!answer.ok) throw new Error(`The server answers ${answer.status}.`);
    draw(await answer.json());
    say('');
  } catch (failure) {
    say(`The server does not answer: ${failure.message}`);
  }

  if (!document.hidden) next = setTimeout(look, INTERVAL);
}

function draw(status) {
  show('status');
  const { streams, files } = status;
  const logs = (files['events.db'] ?? 0) + (files['events.db-wal'] ?? 0);
  const figures = {
    Version: status.version,
    'Up for': duration(status.uptimeSeconds),
    Connections: number(status.connections),
    'Streams now': number(streams.running),
    'Streams completed': number(streams.completed),
    'Streams failed': `${number(streams.failed)} (${number(streams.left)} left)`,
    'Events pushed': number(status.pushedEvents),
    'Storage failures': number(status.storageFailures),
    'Logs on disk': size(logs),
    'Disk free': size(status.freeBytes),
    Memory: megabytes(status.memoryBytes),
  };
  at('figures').replaceChildren(...Object.entries(figures).map(([name, value]) => {
    const pair = document.createElement('div');
    pair.append(text('dt', name), text('dd', value));
    return pair;
  }));

  at('recent-none').hidden = status.recent.length > 0;
  at('recent').replaceChildren(...status.recent.map(line => {
    const item = text('li', `${line.at} ${line.level} ${line.id}: ${line.message}`);
    item.className = line.level.toLowerCase();
    return item;
  }));

  // A server that began anew counts from zero.
  if (samples.length > 0 && status.uptimeSeconds < samples.at(-1).up) samples = [];
  samples.push({ up: status.uptimeSeconds, x: performance.now() / 1000, status });
  if (samples.length > MOST_SAMPLES) samples = samples.filter((_, index) => index % 2 === 0);
  const began = samples[0].x;
  const line = value => samples.map(sample => ({ x: sample.x - began, y: value(sample.status) }));
  plots.connections.draw([line(s => s.connections), line(s => s.streams.running)]);
  plots.memory.draw([line(s => s.memoryBytes / 1e6)]);
  plots.events.draw([samples.slice(1).map((sample, index) => ({
    x: sample.x - began,
    y: Math.max(0, (sample.status.pushedEvents - samples[index].status.pushedEvents) / (sample.x - samples[index].x)),
  }))]);
  plots.connections.describe(`Connections: ${status.connections}; streams that run: ${streams.running}`);
  plots.events.describe(`Events pushed since the start: ${status.pushedEvents}`);
  plots.memory.describe(`Memory: ${megabytes(status.memoryBytes)}`);
}

function duration(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return days > 0 ? `${days} d ${hours} h` : hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

function show(id) {
  for (const part of ['sign-in', 'status']) at(part).hidden = part !== id;
}

function say(sentence) {
  at('banner').textContent = sentence;
  at('banner').hidden = sentence === '';
}

function text(name, content) {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}

look();

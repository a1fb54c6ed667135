// A WebSocket as an asynchronous sequence of its messages.

import { SyncFailure } from './api.js';

const CONNECT_PATIENCE = 10_000;

/**
 * Opens a socket without a subprotocol and yields its messages, each `{ data, reply }`: what came, and how to answer it.
 * @param {URL} url
 * @param {{ link: import('./link.js').Link, signal: AbortSignal, greeting: Uint8Array, idle: number, awaits: () => boolean,
 *   hasBegun: () => boolean }} options
 *   `greeting` is sent first; after `idle` milliseconds without a message the socket counts as dead, while one is awaited. Once the
 *   stream has begun, that is a cut.
 * @throws {SyncFailure} of kind stream, when it cannot be opened, is cut, or is silent for too long.
 */
export async function* messages(url, { link, signal, greeting, idle, awaits, hasBegun }) {
  await link.wait(2, signal);
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const queue = [];
  let ended = null;
  let wake = () => {};
  const end = failure => {
    ended ??= failure;
    wake();
  };
  const aborted = () => end(signal.reason);
  let timer;
  const expect = (milliseconds, message) => {
    clearTimeout(timer);
    timer = setTimeout(() => awaits() && end(new SyncFailure('stream', message, { isCut: hasBegun() })), milliseconds);
  };

  const reply = bytes => link.wait(0.5, signal).then(() => socket.readyState === WebSocket.OPEN && socket.send(bytes), () => {});

  signal.addEventListener('abort', aborted);
  let isOpen = false;
  socket.onopen = () => {
    isOpen = true;
    expect(idle, 'The stream fell silent.');
    reply(greeting);
  };
  socket.onmessage = message => {
    expect(idle, 'The stream fell silent.');
    queue.push({ data: message.data, at: performance.now() });
    wake();
  };
  socket.onclose = closed => end(new SyncFailure('stream', isOpen ? `The stream was cut (code ${closed.code}).` : 'Web PubSub cannot be reached.', { isCut: isOpen }));
  expect(CONNECT_PATIENCE, 'Web PubSub does not answer in time.');

  try {
    for (;;) {
      while (queue.length > 0) {
        const message = queue.shift();
        await link.arrival(message.at, signal);
        yield { data: message.data, reply };
      }

      if (ended) throw ended;
      await new Promise(resolve => { wake = resolve; });
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }
}

// A WebSocket whose messages are taken one after the other.

import { SyncFailure, bad } from './failure.js';
import { abortable } from './waiting.js';

const OPEN = 1;

export class Connection {
  #socket;
  #options;
  #frames = [];
  #end = null;
  #wake = () => {};

  /** Whether the server may be silent, as on a connection that waits for what is committed. */
  isSilent = false;

  constructor(socket, options) {
    this.#socket = socket;
    this.#options = options;
    socket.onmessage = ({ data }) => {
      this.#frames.push(data);
      this.#wake();
    };
    socket.onclose = ({ code }) => {
      this.#end ??= new SyncFailure('unreachable', `The stream was cut (code ${code}).`);
      this.#wake();
    };
  }

  /** @throws {SyncFailure} when it cannot be opened */
  static async open(url, options, signal) {
    const socket = new options.WebSocket(url);
    socket.binaryType = 'arraybuffer';
    let timer;
    try {
      await abortable(new Promise((resolve, reject) => {
        const fail = (kind, words) => () => reject(new SyncFailure(kind, `Web PubSub ${words}.`));
        socket.onopen = resolve;
        socket.onerror = socket.onclose = fail('unreachable', 'cannot be reached');
        timer = setTimeout(fail('timedOut', 'does not answer in time'), options.connectTimeout);
      }), signal);
      return new Connection(socket, options);
    } catch (failure) {
      part(socket);
      throw failure;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends one message. Not being able to tells itself when the next one is received. */
  send(message) {
    if (this.#socket.readyState === OPEN) this.#socket.send(new TextEncoder().encode(JSON.stringify(message)));
  }

  /**
   * The next message, opened: `{ text, bytes }`; null when none came within `atMost` milliseconds.
   * @throws {SyncFailure} when there will be no more
   */
  async receive(signal, atMost) {
    while (this.#frames.length === 0) {
      if (this.#end) throw this.#end;
      const patience = atMost ?? (this.isSilent ? null : this.#options.idleTimeout);
      let timer;
      const came = await abortable(new Promise(resolve => {
        this.#wake = () => resolve(true);
        if (patience !== null) timer = setTimeout(resolve, patience, false);
      }), signal).finally(() => clearTimeout(timer));
      if (came) continue;
      if (atMost !== undefined) return null;
      throw new SyncFailure('timedOut', 'The stream fell silent.');
    }

    const frame = this.#frames.shift();
    return { text: await open(frame, this.#options), bytes: typeof frame === 'string' ? frame.length : frame.byteLength };
  }

  close() {
    part(this.#socket);
  }
}

// Some sockets throw what nobody listens to.
function part(socket) {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.onerror = () => {};
  socket.close(1000);
}

/** The text of a frame. No compressed one begins with a brace. */
async function open(frame, { maxMessageBytes, decompress }) {
  if (typeof frame !== 'string') {
    let bytes = new Uint8Array(frame);
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    if (bytes.length > maxMessageBytes) throw tooLarge();
    try {
      if (isGzip) bytes = await decompress(bytes, maxMessageBytes);
      frame = textOf(bytes);
    } catch (failure) {
      throw failure instanceof SyncFailure ? failure : bad(`A message of the stream is not valid ${isGzip ? 'gzip' : 'JSON'}.`);
    }
  }

  if (frame.length > maxMessageBytes) throw tooLarge();
  return frame;
}

/** Opens gzip, no further than to so many bytes. */
export const gunzip = (bytes, most) => bytesOf(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')), most);

/** All bytes of a stream. @throws {SyncFailure} when they are more than `most` */
export async function bytesOf(stream, most) {
  const reader = stream.getReader();
  const parts = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      length += value.length;
      if (length > most) throw tooLarge();
    }
  } finally {
    reader.cancel().catch(() => {});
  }

  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }

  return all;
}

/** @throws {TypeError} when they are no UTF-8 */
export const textOf = bytes => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

const tooLarge = () => bad('A message of the server is too large.');

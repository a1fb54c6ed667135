// The digest of events: SHA-256 over the bytes of each, followed by a line feed. Not by crypto.subtle: that takes all bytes at
// once, and is missing on plain HTTP in a house's own network.

const encoder = new TextEncoder();
const primes = [];
for (let candidate = 2; primes.length < 64; candidate++) {
  if (primes.every(prime => candidate % prime !== 0)) primes.push(candidate);
}

// FIPS 180-4, 4.2.2 and 5.3.3: the first 32 bits of the fractions of these roots.
const fraction = root => ((root % 1) * 2 ** 32) | 0;
const ROUNDS = Int32Array.from(primes, prime => fraction(Math.cbrt(prime)));
const BEGIN = Int32Array.from(primes.slice(0, 8), prime => fraction(Math.sqrt(prime)));
const BLOCK = 64;

export class EventDigest {
  #state = BEGIN.slice();
  #words = new Int32Array(64);
  #rest = new Uint8Array(BLOCK);
  #held = 0;
  #length = 0;

  /** @param {string[]} events the text of each */
  add(events) {
    if (events.length > 0) this.#update(encoder.encode(`${events.join('\n')}\n`));
  }

  /** 64 hexadecimal digits. Ends the digest. */
  end() {
    const bits = this.#length * 8;
    const padding = new Uint8Array(((this.#held < 56 ? 56 : 120) - this.#held) + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits % 2 ** 32);
    this.#update(padding);
    return Array.from(this.#state, word => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #update(bytes) {
    this.#length += bytes.length;
    let at = 0;
    if (this.#held > 0) {
      at = Math.min(BLOCK - this.#held, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#held);
      this.#held += at;
      if (this.#held < BLOCK) return;
      compress(this.#state, this.#words, this.#rest, 0, BLOCK);
    }

    this.#held = (bytes.length - at) % BLOCK;
    compress(this.#state, this.#words, bytes, at, bytes.length - this.#held);
    this.#rest.set(bytes.subarray(bytes.length - this.#held));
  }
}

const turned = (word, by) => (word >>> by) | (word << (32 - by));

/** Takes in whole blocks, from one place up to another. Every sum is cut to 32 bits at once: so the engine computes in integers. */
function compress(state, words, bytes, from, to) {
  let h0 = state[0], h1 = state[1], h2 = state[2], h3 = state[3], h4 = state[4], h5 = state[5], h6 = state[6], h7 = state[7];
  for (let at = from; at + BLOCK <= to; at += BLOCK) {
    for (let i = 0, byte = at; i < 16; i++, byte += 4) {
      words[i] = (bytes[byte] << 24) | (bytes[byte + 1] << 16) | (bytes[byte + 2] << 8) | bytes[byte + 3];
    }

    for (let i = 16; i < 64; i++) {
      const x = words[i - 15], y = words[i - 2];
      const first = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
      const second = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
      words[i] = (((words[i - 16] + words[i - 7]) | 0) + ((first + second) | 0)) | 0;
    }

    let a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7;
    for (let i = 0; i < 64; i++) {
      const first = ((((h + (ROUNDS[i] + words[i])) | 0) + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25))) | 0) + ((e & f) ^ (~e & g)) | 0;
      const second = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }

    h0 = (h0 + a) | 0;
    h1 = (h1 + b) | 0;
    h2 = (h2 + c) | 0;
    h3 = (h3 + d) | 0;
    h4 = (h4 + e) | 0;
    h5 = (h5 + f) | 0;
    h6 = (h6 + g) | 0;
    h7 = (h7 + h) | 0;
  }

  state.set([h0, h1, h2, h3, h4, h5, h6, h7]);
}

/** The digest of events, each as it is spelled: 64 hexadecimal digits. */
export function digestOf(texts) {
  const digest = new EventDigest();
  digest.add(texts);
  return digest.end();
}

// One transfer on the page: bar, figures, state. Progress may come a thousand times a second; it is drawn once a frame.

import { count, number, seconds, timeLeft } from './format.js';
import { say } from './words.js';

/** Samples kept for a plot; when there are more, every other one goes. */
const MAX_SAMPLES = 400;

/** What the client makes of a page that fails for a moment. */
const ATTEMPTS = 5;

export class TransferView {
  #parts;
  #began = 0;
  #ended = 0;
  #progress = null;
  #frame = 0;
  #quarter = 0;
  #held = 0;

  /** Events received over time: `{ x: seconds, y: events }`. */
  samples = [];

  /**
   * @param {HTMLElement} root holds elements with data-part
   * @param {{ expected: () => number | null, onFrame?: () => void, announce?: (text: string) => void }} options `expected` is how
   *   many events there may be, until the stream tells
   */
  constructor(root, { expected, onFrame, announce }) {
    this.expected = expected;
    this.onFrame = onFrame;
    this.announce = announce;
    this.#parts = Object.fromEntries([...root.querySelectorAll('[data-part]')].map(part => [part.dataset.part, part]));
  }

  /** Milliseconds so far, or in all. */
  get elapsed() {
    return (this.#ended || performance.now()) - this.#began;
  }

  /** How many batches or pages have come. */
  get answers() {
    return this.#progress?.answers ?? 0;
  }

  /** @param {number} held the events that are here already */
  begin(held = 0) {
    this.#held = held;
    this.#began = performance.now();
    this.#ended = this.#quarter = 0;
    this.#progress = null;
    this.samples = [{ x: 0, y: held }];
    this.#note('');
    this.#parts.facts?.replaceChildren();
    this.#loop();
  }

  /** @param {object} pulled the progress of this pull, which knows nothing of what was held before */
  update(pulled) {
    const total = pulled.total ?? (this.expected() === null ? null : this.expected() - this.#held);
    const progress = { ...pulled, processed: this.#held + pulled.processed, total: total === null ? null : this.#held + Math.max(0, total) };
    if (progress.resumes > 0 && !this.#progress?.resumes) this.#note(`The stream was cut and goes on after ${count(progress.processed, 'event')}.`);
    if (progress.streamFailure && !this.#progress?.streamFailure) {
      const where = progress.processed > 0 ? `carries on after ${count(progress.processed, 'event')}` : 'takes over';
      this.#note(`${say(progress.streamFailure)} REST ${where}.`);
    }

    const before = this.#progress;
    this.#progress = progress;
    if (progress.ready !== null && before?.ready === null) {
      this.#fact(progress.ready > 0 ? `Active stack ready after ${seconds(this.elapsed)}: ${count(progress.ready, 'event')}.` : 'No stack is active.');
    }

    if (progress.digestVerified && !before?.digestVerified) this.#fact('Verified: same bytes as the server’s.');
  }

  /** @param {string} state what came of it */
  end(state) {
    this.#ended = performance.now();
    cancelAnimationFrame(this.#frame);
    this.#draw();
    this.#parts.state.textContent = state;
    this.announce?.(state);
  }

  #loop() {
    this.#frame = requestAnimationFrame(() => {
      this.#draw();
      this.#loop();
    });
  }

  #draw() {
    const { bar, percent, count: events, rate, left, clock, state } = this.#parts;
    const { processed = this.#held, total = null, phase = 'connecting' } = this.#progress ?? {};
    const share = phase === 'completed' ? 1 : total ? Math.min(1, processed / total) : 0;
    const perSecond = (processed - this.#held) / (this.elapsed / 1000);

    // No value: indeterminate, while nobody knows how much there is.
    if (phase === 'completed' || total !== null) bar.value = share;
    else bar.removeAttribute('value');
    set(percent, String(Math.floor(share * 100)));
    set(events, total === null ? number(processed) : `${number(processed)} of ${number(Math.max(total, processed))}`);
    set(rate, processed > 0 ? number(perSecond) : '–');
    set(left, phase === 'completed' ? 'none' : processed > 0 && total !== null && !this.#ended ? timeLeft(((total - processed) / perSecond) * 1000) : '–');
    set(clock, seconds(this.elapsed));
    if (!this.#ended) set(state, describe(this.#progress));

    this.samples.push({ x: this.elapsed / 1000, y: processed });
    if (this.samples.length > MAX_SAMPLES) this.samples = this.samples.filter((_, index, all) => index % 2 === 0 || index === all.length - 1);
    this.#announceQuarters(share);
    this.onFrame?.();
  }

  #announceQuarters(share) {
    const quarter = Math.floor(share * 4);
    if (quarter > this.#quarter && quarter < 4) this.announce?.(`${quarter * 25} %`);
    this.#quarter = quarter;
  }

  #fact(text) {
    this.#parts.facts?.append(Object.assign(document.createElement('li'), { textContent: text }));
  }

  #note(text) {
    this.#parts.note.textContent = text;
    this.#parts.note.hidden = text === '';
  }
}

function set(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function describe(progress) {
  switch (progress?.phase) {
    case 'receiving':
    case 'ready':
      return progress.transport === 'stream' ? `Streaming: ${count(progress.answers, 'batch', 'batches')}.`
        : `Paging: ${count(progress.answers, 'answer')}.`;
    case 'waiting': return `${say(progress.failure)} Trying again, attempt ${progress.attempt} of ${ATTEMPTS}.`;
    default: return 'Connecting …';
  }
}

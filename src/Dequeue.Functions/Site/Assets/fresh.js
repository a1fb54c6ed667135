// A fresh device's initial sync. What it holds stays when it is stopped or fails: it goes on from there.

import { MemoryStore } from './client/index.js';
import { count, megabytes, number, seconds } from './format.js';
import { chosenFields } from './options.js';
import { Plot } from './plot.js';
import { RunButton } from './run-button.js';
import { TransferView } from './transfer.js';
import { say } from './words.js';

/** A rate is that of the last quarter of a second: shorter would show the scheduler, longer would hide a stall. */
const RATE_WINDOW = 0.25;

const button = new RunButton(document.getElementById('fresh-start'));
const anew = document.getElementById('fresh-anew');

export function freshDevice({ announce, onFailure, expected }) {
  const plot = new Plot(document.getElementById('fresh-plot'), ['stream'], { filled: true });
  const view = new TransferView(document.getElementById('fresh'), { announce, expected, onFrame: () => plot.draw([rates(view.samples)]) });
  let store = null;

  async function run(connect) {
    const signal = button.begin();
    if (!signal) return;
    announce('The sync began.');
    store ??= new MemoryStore();
    anew.hidden = true;
    const { events: before } = await store.load();
    view.begin(before);
    try {
      const done = await connect(store, chosenFields()).pull({ signal, onProgress: progress => view.update(progress) });
      const what = `Complete: ${count(before + done.events, 'event')} in ${seconds(view.elapsed)}`;
      const how = done.transport === 'stream' ? ` by stream, ${megabytes(done.bytes)} received.` : ' with the help of REST.';
      const left = done.historyEvents !== null && before === 0
        ? ` ${number(done.events)} of ${count(done.historyEvents, 'event')} make today’s state.` : '';
      view.end(what + how + left + (before > 0 ? ` It went on after ${count(before, 'event')}.` : ''));
      forget();
    } catch (failure) {
      view.end(signal.aborted ? 'Stopped.' : say(failure));
      const { events } = await store.load();
      if (events > 0) offer(events);
      else forget();
      onFailure(failure);
    } finally {
      plot.describe(`Events per second: at most ${number(Math.max(0, ...rates(view.samples).map(point => point.y)))}`);
      button.end();
    }
  }

  function offer(events) {
    button.label = `Go on after ${count(events, 'event')}`;
    anew.hidden = false;
  }

  function forget() {
    store = null;
    button.label = 'Sync a fresh device';
    anew.hidden = true;
  }

  function startOver(connect) {
    forget();
    return run(connect);
  }

  /** Another user's device is not this one's. */
  function leave() {
    button.stop();
    forget();
    button.refresh();
  }

  return { run, startOver, leave };
}

/** Events per second at each sample. */
export function rates(samples) {
  let from = 0;
  return samples.map(({ x, y }) => {
    while (x - samples[from].x > RATE_WINDOW) from++;
    const begin = samples[Math.max(0, from - 1)];
    return { x, y: x > begin.x ? (y - begin.y) / (x - begin.x) : 0 };
  });
}

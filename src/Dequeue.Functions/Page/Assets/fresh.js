// A fresh device's initial sync.

import { Device } from './device.js';
import { count, megabytes, number, seconds } from './format.js';
import { chosenFields } from './options.js';
import { Plot } from './plot.js';
import { pull } from './pull.js';
import { RunButton } from './run-button.js';
import { TransferView } from './transfer.js';

/** A rate is that of the last quarter of a second: shorter would show the scheduler, longer would hide a stall. */
const RATE_WINDOW = 0.25;

const button = new RunButton(document.getElementById('fresh-start'));

export function freshDevice({ announce, onFailure, expected }) {
  const plot = new Plot(document.getElementById('fresh-plot'), ['stream'], { filled: true });
  const view = new TransferView(document.getElementById('fresh'), { announce, onFrame: () => plot.draw([rates(view.samples)]) });
  async function run(api) {
    const signal = button.begin();
    if (!signal) return;
    announce('The sync began.');
    view.begin();
    try {
      const done = await pull({
        api, device: new Device(), signal, total: expected(), wishes: chosenFields(), onProgress: progress => view.update(progress),
      });
      const what = `Complete: ${count(done.processed, 'event')} in ${seconds(view.elapsed)}`;
      view.end(done.transport === 'stream' ? `${what} by stream, ${megabytes(done.bytes)} received.` : `${what} with the help of REST.`);
    } catch (failure) {
      view.end(signal.aborted ? 'Stopped.' : failure.message);
      onFailure(failure);
    } finally {
      plot.describe(`Events per second: at most ${number(Math.max(0, ...rates(view.samples).map(point => point.y)))}`);
      button.end();
    }
  }

  return { run, stop: () => button.stop() };
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

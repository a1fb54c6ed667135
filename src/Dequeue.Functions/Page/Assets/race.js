// Stream against REST, on a link that the visitor chooses.

import { Device } from './device.js';
import { count, seconds } from './format.js';
import { Link } from './link.js';
import { chosenFields } from './options.js';
import { Plot } from './plot.js';
import { pull } from './pull.js';
import { RunButton } from './run-button.js';
import { TransferView } from './transfer.js';

const button = new RunButton(document.getElementById('race-start'));
const settings = document.getElementById('race-settings');
const result = document.getElementById('race-result');

export function race({ onFailure, expected }) {
  const plot = new Plot(document.getElementById('race-plot'), ['stream', 'rest']);
  const views = {};
  const draw = () => plot.draw([views.stream.samples, views.rest.samples]);
  views.stream = new TransferView(document.getElementById('race-stream'), { onFrame: draw });
  views.rest = new TransferView(document.getElementById('race-rest'), { onFrame: draw });
  async function run(api) {
    const signal = button.begin();
    if (!signal) return;
    const chosen = new FormData(settings);
    const slow = api.over(new Link(Number(chosen.get('link'))));
    lock(true);
    result.hidden = true;
    const total = expected();
    const lane = async (view, options, ...unit) => {
      const device = new Device();
      view.begin();
      try {
        const done = await pull({ api: slow, device, signal, total, onProgress: progress => view.update(progress), ...options });
        view.end(`${count(done.processed, 'event')} in ${count(done.answers, ...unit)}.`);
        return { device, milliseconds: view.elapsed, transport: done.transport };
      } catch (failure) {
        view.end(signal.aborted ? 'Stopped.' : failure.message);
        onFailure(failure);
        return null;
      }
    };
    const [stream, rest] = await Promise.all([
      lane(views.stream, { wishes: chosenFields() }, 'batch', 'batches'),
      lane(views.rest, { stream: false, pageSize: Number(chosen.get('page')) }, 'request'),
    ]);
    if (stream && rest) tell(stream, rest);
    lock(false);
    button.end();
  }

  function tell(stream, rest) {
    const history = stream.device.equals(rest.device) ? 'Both devices hold the same events in the same order.'
      : stream.device.holdsSame(rest.device) ? 'Both devices hold the same events.'
      : 'The history changed during the race: the devices differ.';
    const factor = rest.milliseconds / stream.milliseconds;
    result.textContent = stream.transport !== 'stream'
      ? `The stream failed and REST took over: no race. ${history}`
      : `${factor >= 1 ? `The stream was ${factor.toFixed(1)} × as fast.` : `REST was ${(1 / factor).toFixed(1)} × as fast.`} ${history}`;
    result.hidden = false;
    plot.describe(`Events received over time: the stream took ${seconds(stream.milliseconds)}, REST ${seconds(rest.milliseconds)}`);
  }

  function lock(locked) {
    for (const fieldset of settings.querySelectorAll('fieldset')) fieldset.disabled = locked;
  }

  return { run, stop: () => button.stop() };
}

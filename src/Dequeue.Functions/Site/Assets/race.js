// Stream against REST, with small pages and with the largest, on a link that the visitor chooses.

import { MemoryStore } from './client/index.js';
import { count, number, seconds } from './format.js';
import { link } from './link.js';
import { chosenFields } from './options.js';
import { Plot } from './plot.js';
import { RunButton } from './run-button.js';
import { TransferView } from './transfer.js';
import { say } from './words.js';

/** Events of a page: what a client gets that asks for no number, and the most that there may be. */
const PAGES = [100, 1000];

const LANES = ['stream', ...PAGES.map(size => `rest-${size}`)];

const button = new RunButton(document.getElementById('race-start'));
const settings = document.getElementById('race-settings');
const result = document.getElementById('race-result');

export function race({ onFailure, expected }) {
  const plot = new Plot(document.getElementById('race-plot'), LANES);
  const draw = () => plot.draw(views.map(view => view.samples));
  const views = LANES.map(name => new TransferView(document.getElementById(`race-${name}`), { expected, onFrame: draw }));

  async function run(connect) {
    const signal = button.begin();
    if (!signal) return;
    const slow = link(Number(new FormData(settings).get('link')));
    lock(true);
    result.hidden = true;
    const lane = async (view, options, ...unit) => {
      const store = new MemoryStore();
      view.begin();
      try {
        const done = await connect(store, { ...slow, ...options }).pull({ signal, onProgress: progress => view.update(progress) });
        view.end(`${count(done.events, 'event')} in ${count(view.answers, ...unit)}.`);
        return { ids: store.events.map(event => event.id), milliseconds: view.elapsed, transport: done.transport };
      } catch (failure) {
        view.end(signal.aborted ? 'Stopped.' : say(failure));
        onFailure(failure);
        return null;
      }
    };
    const lanes = await Promise.all([
      lane(views[0], chosenFields(), 'batch', 'batches'),
      ...PAGES.map((pageSize, index) => lane(views[index + 1], { stream: false, pageSize }, 'request')),
    ]);
    if (lanes.every(Boolean)) tell(...lanes);
    lock(false);
    button.end();
  }

  function tell(stream, ...rest) {
    const all = [stream, ...rest].map(({ ids }) => ids);
    const isSame = lists => lists.every(list => list.length === lists[0].length && list.every((id, place) => id === lists[0][place]));
    const history = isSame(all) ? 'All devices hold the same events in the same order.'
      : isSame(all.map(ids => ids.toSorted())) ? 'All devices hold the same events.'
      : 'The history changed during the race: the devices differ.';
    const compared = rest.map(({ milliseconds }, index) => {
      const factor = milliseconds / stream.milliseconds;
      return `${factor >= 1 ? `${factor.toFixed(1)} × as fast as` : `${(1 / factor).toFixed(1)} × slower than`} pages of ${number(PAGES[index])}`;
    });
    result.textContent = stream.transport === 'stream' ? `The stream was ${compared.join(', and ')}. ${history}`
      : `The stream failed and REST took over: no race. ${history}`;
    result.hidden = false;
    const times = rest.map(({ milliseconds }, index) => `pages of ${number(PAGES[index])} ${seconds(milliseconds)}`);
    plot.describe(`Events received over time: the stream took ${seconds(stream.milliseconds)}, ${times.join(', ')}`);
  }

  function lock(locked) {
    for (const fieldset of settings.querySelectorAll('fieldset')) fieldset.disabled = locked;
  }

  return { run, stop: () => button.stop() };
}

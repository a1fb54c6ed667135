// The stream's opt-ins: fields of the request that a visitor may switch on or off.

const OPTIONS = [
  { name: 'encodings', label: 'Compressed batches', value: ['gzip'], on: true },
  { name: 'priority', label: 'Active stack first', value: { active: true } },
  { name: 'delta', label: 'Deltas', value: true },
  { name: 'window', label: 'Flow control', value: 16, compressed: 64, on: true },
  { name: 'references', label: 'By reference', value: true },
];

const fieldset = document.getElementById('options');

export function showOptions() {
  for (const { name, label, on = false } of OPTIONS) {
    const input = Object.assign(document.createElement('input'), { type: 'checkbox', name, checked: on });
    const text = Object.assign(document.createElement('span'), { textContent: label });
    const holder = document.createElement('label');
    holder.append(input, text);
    fieldset.append(holder);
  }
}

/** The fields that are switched on. A window is about 5 MB: more batches when they are compressed. */
export function chosenFields() {
  const isOn = name => fieldset.querySelector(`[name="${name}"]`).checked;
  const valueOf = ({ value, compressed }) => (compressed && isOn('encodings') ? compressed : value);
  return Object.fromEntries(OPTIONS.filter(({ name }) => isOn(name)).map(option => [option.name, valueOf(option)]));
}

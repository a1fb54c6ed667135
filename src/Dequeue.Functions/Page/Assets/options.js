// The stream's opt-ins: fields of the request that a visitor may switch on or off.

const OPTIONS = [
  { name: 'encodings', label: 'Compressed batches', value: ['gzip'], on: true },
  { name: 'priority', label: 'Active stack first', value: { active: true } },
  { name: 'delta', label: 'Deltas', value: true },
  { name: 'window', label: 'Flow control', value: 8 },
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

/** The fields that are switched on. */
export const chosenFields = () =>
  Object.fromEntries(OPTIONS.filter(({ name }) => fieldset.querySelector(`[name="${name}"]`).checked).map(({ name, value }) => [name, value]));

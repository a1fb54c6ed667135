// The stream's opt-ins: fields of the request that a visitor may switch on or off.

const hasReferences = document.querySelector('meta[name="dequeue-references"]').content === 'true';

const OPTIONS = [
  { name: 'encodings', label: 'Compressed batches', on: ['gzip'], off: [], isOn: true },
  { name: 'priority', label: 'Active stack first', on: { active: true } },
  { name: 'compact', label: 'Only what still matters', on: true },
  { name: 'delta', label: 'Deltas', on: true },
  { name: 'window', label: 'Flow control', off: 0, isOn: true },
  ...(hasReferences ? [{ name: 'references', label: 'By reference', on: true }] : []),
];

const fieldset = document.getElementById('options');

export function showOptions() {
  document.getElementById('options-hint').hidden = !hasReferences;
  for (const { name, label, isOn = false } of OPTIONS) {
    const input = Object.assign(document.createElement('input'), { type: 'checkbox', name, checked: isOn });
    const text = Object.assign(document.createElement('span'), { textContent: label });
    const holder = document.createElement('label');
    holder.append(input, text);
    fieldset.append(holder);
  }
}

/** The client's options for what is switched on; its own window is what flow control means. */
export function chosenFields() {
  const isOn = name => fieldset.querySelector(`[name="${name}"]`).checked;
  return Object.fromEntries(OPTIONS.map(({ name, on, off }) => [name, isOn(name) ? on : off]));
}

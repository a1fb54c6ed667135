// The stream's opt-ins: fields of the request that a visitor may switch on or off.

const OPTIONS = [{ field: 'encodings', value: ['gzip'], label: 'Compressed batches', on: true }];

const fieldset = document.getElementById('options');

export function showOptions() {
  for (const { field, label, on } of OPTIONS) {
    const input = Object.assign(document.createElement('input'), { type: 'checkbox', name: field, checked: on });
    const text = Object.assign(document.createElement('span'), { textContent: label });
    const holder = document.createElement('label');
    holder.append(input, text);
    fieldset.append(holder);
  }
}

/** The fields that are switched on. */
export const chosenFields = () =>
  Object.fromEntries(OPTIONS.filter(({ field }) => fieldset.querySelector(`[name="${field}"]`).checked).map(({ field, value }) => [field, value]));

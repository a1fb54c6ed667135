// The stream's opt-ins: fields of the request that a visitor may switch on. An entry is { field, value, label }, for example
// { field: 'batchSize', value: 250, label: 'Small batches' }; without entries nothing is shown.

const OPTIONS = [];

const fieldset = document.getElementById('options');

export function showOptions() {
  for (const { field, label } of OPTIONS) {
    const input = Object.assign(document.createElement('input'), { type: 'checkbox', name: field });
    const text = Object.assign(document.createElement('span'), { textContent: label });
    const holder = document.createElement('label');
    holder.append(input, text);
    fieldset.append(holder);
  }

  fieldset.hidden = OPTIONS.length === 0;
}

/** The fields that are switched on. */
export const chosenFields = () =>
  Object.fromEntries(OPTIONS.filter(({ field }) => fieldset.querySelector(`[name="${field}"]`).checked).map(({ field, value }) => [field, value]));

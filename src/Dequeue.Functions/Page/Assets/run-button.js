// A button that starts something, and stops it while it runs. One button rather than two: the keyboard's focus stays on it.

export class RunButton {
  #running = null;

  /** @param {HTMLButtonElement} button */
  constructor(button) {
    this.button = button;
    this.label = button.textContent;
  }

  /** Called when it is pressed. @returns {AbortSignal | null} of a new run; null when the press stopped the last one */
  begin() {
    if (this.#running) {
      this.stop();
      return null;
    }

    this.#running = new AbortController();
    this.#show('Stop', 'quiet');
    return this.#running.signal;
  }

  end() {
    this.#running = null;
    this.#show(this.label, 'primary');
  }

  stop() {
    this.#running?.abort();
  }

  #show(label, style) {
    this.button.textContent = label;
    this.button.className = style;
  }
}

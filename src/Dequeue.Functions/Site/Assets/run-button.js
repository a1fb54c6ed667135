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
    this.refresh();
    return this.#running.signal;
  }

  end() {
    this.#running = null;
    this.refresh();
  }

  stop() {
    this.#running?.abort();
  }

  /** Shows its label, or how to stop. */
  refresh() {
    this.button.textContent = this.#running ? 'Stop' : this.label;
    this.button.className = this.#running ? 'quiet' : 'primary';
  }
}

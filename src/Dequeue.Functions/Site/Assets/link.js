// A link with a round trip of its own, simulated in the page on top of the real one: a request waits half a round trip before it is sent
// and half before its answer is read, opening a socket waits two (TCP, then the upgrade), a message waits half.

/**
 * The fetch and the WebSocket of such a link, as the client takes them.
 * @param {number} roundTrip milliseconds; 0 for the real link alone
 */
export function link(roundTrip) {
  if (roundTrip === 0) return {};
  const wait = roundTrips => new Promise(resolve => { setTimeout(resolve, roundTrip * roundTrips); });
  return {
    async fetch(...call) {
      await wait(0.5);
      const answer = await fetch(...call);
      await wait(0.5);
      return answer;
    },

    WebSocket: class {
      #socket = null;
      #isClosed = false;
      readyState = WebSocket.CONNECTING;

      constructor(url) {
        wait(2).then(() => this.#isClosed || this.#open(url));
      }

      send(bytes) {
        wait(0.5).then(() => this.#socket.readyState === WebSocket.OPEN && this.#socket.send(bytes));
      }

      close(code) {
        this.#isClosed = true;
        this.#socket?.close(code);
      }

      #open(url) {
        const socket = this.#socket = new WebSocket(url);
        socket.binaryType = 'arraybuffer';
        socket.onopen = event => {
          this.readyState = WebSocket.OPEN;
          this.onopen?.(event);
        };
        socket.onmessage = event => wait(0.5).then(() => this.onmessage?.(event));
        socket.onerror = event => this.onerror?.(event);
        socket.onclose = event => wait(0.5).then(() => {
          this.readyState = WebSocket.CLOSED;
          this.onclose?.(event);
        });
      }
    },
  };
}

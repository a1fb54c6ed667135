// Long work in steps: between them the browser may draw, and hear the visitor.

/** Longest the page may be busy, in milliseconds. */
const BREATH = 12;

export function breather() {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < BREATH) return;
    await new Promise(resolve => setTimeout(resolve));
    last = performance.now();
  };
}

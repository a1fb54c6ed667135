// A small line plot in SVG: from zero, with a grid that fits itself to the values.

import { short } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';
const INSET = { left: 44, right: 10, top: 8, bottom: 22 };

export class Plot {
  #width = 0;
  #height = 0;
  #grid = element('g', { class: 'grid' });
  #series;
  #drawn = [];

  /** @param {SVGSVGElement} svg  @param {string[]} names a class for each series  @param {boolean} filled with an area below */
  constructor(svg, names, { filled = false } = {}) {
    this.svg = svg;
    this.filled = filled;
    this.#series = names.map(name => ({
      area: element('path', { class: `area ${name}` }),
      line: element('path', { class: `line ${name}` }),
    }));
    svg.append(this.#grid, ...this.#series.flatMap(({ area, line }) => [area, line]));
    new ResizeObserver(() => {
      [this.#width, this.#height] = [svg.clientWidth, svg.clientHeight];
      svg.setAttribute('viewBox', `0 0 ${this.#width} ${this.#height}`);
      this.draw(this.#drawn);
    }).observe(svg);
  }

  /** @param {{ x: number, y: number }[][]} series x in seconds, rising */
  draw(series) {
    this.#drawn = series;

    // Nothing measured, nothing shown: axes alone would be made up.
    this.svg.closest('figure').hidden = series.every(points => points.length < 2);
    if (this.#width === 0) return;
    const xMax = Math.max(0.1, ...series.map(points => points.at(-1)?.x ?? 0));
    const xTicks = ticks(xMax, Math.max(3, Math.floor(this.#width / 90)));
    const yTicks = ticks(Math.max(1, ...series.map(points => points.reduce((most, { y }) => Math.max(most, y), 0))), Math.floor(this.#height / 45));
    const yMax = yTicks.at(-1);
    const right = this.#width - INSET.right, bottom = this.#height - INSET.bottom;
    const x = value => INSET.left + (value / xMax) * (right - INSET.left);
    const y = value => bottom - (value / yMax) * (bottom - INSET.top);

    this.#grid.replaceChildren(
      ...yTicks.flatMap(tick => [
        element('line', { x1: INSET.left, x2: right, y1: y(tick), y2: y(tick) }),
        label(short(tick), { x: INSET.left - 8, y: y(tick) + 4, 'text-anchor': 'end' }),
      ]),
      ...xTicks.filter(tick => tick <= xMax).map(tick =>
        label(tick === 0 ? '0' : `${Number(tick.toPrecision(6))} s`, { x: x(tick), y: this.#height - 4, 'text-anchor': x(tick) > right - 16 ? 'end' : 'middle' })));

    this.#series.forEach(({ area, line }, index) => {
      const points = series[index] ?? [];
      const path = points.map(point => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join('L');
      line.setAttribute('d', path && `M${path}`);
      area.setAttribute('d', path && this.filled ? `M${x(points[0].x).toFixed(1)},${bottom}L${path}L${x(points.at(-1).x).toFixed(1)},${bottom}Z` : '');
    });
  }

  describe(text) {
    this.svg.setAttribute('aria-label', text);
  }
}

/** Round values from 0 to at least `most`, about `wanted` steps of them. */
function ticks(most, wanted) {
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate >= rough * 0.999);
  return Array.from({ length: Math.ceil(most / step - 0.001) + 1 }, (_, index) => index * step);
}

function element(name, attributes) {
  const created = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  return created;
}

function label(text, attributes) {
  const created = element('text', attributes);
  created.textContent = text;
  return created;
}

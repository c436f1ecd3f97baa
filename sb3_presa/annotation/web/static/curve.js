// One curve: its name and unit, its axis, and where the clip is.
import { axis } from "./axes.js";

export const SIZE = 100; // of drawings, which are stretched to their places

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

export function drawing(label) {
  const svg = shape("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": label });
  return svg;
}

export function shape(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export const nameOf = (column) => (column.unit ? `${column.name} [${column.unit}]` : column.name);

// The axis of a column that the clips of a pair share: that of all data, wider where they need it.
export function sharedAxis(column, several) {
  const all = several.flat();
  const low = all.reduce((least, value) => Math.min(least, value), column.low);
  const high = all.reduce((most, value) => Math.max(most, value), column.high);
  return axis(low, high, column.whole);
}

export class Curve {
  constructor(column, values, scale, span) {
    Object.assign(this, { values, scale });
    const { low, high, ticks, text } = scale;
    this.node = element("li", `curve ${column.part}`);
    const heading = element("p", "curve-name");
    this.now = element("span", "now");
    heading.append(element("b", "", column.name));
    if (column.unit) heading.append(element("span", "unit", `[${column.unit}]`));
    if (column.part === "action") heading.append(element("i", "part", "action"));
    heading.append(this.now);

    const [least, most] = [Math.min(...values), Math.max(...values)];
    const label = `${nameOf(column)}, ${column.part}: from ${text(least, 1)} to ${text(most, 1)}`;
    const svg = drawing(`${label}; axis from ${text(low)} to ${text(high)}`);
    svg.setAttribute("preserveAspectRatio", "none");
    for (const tick of ticks) {
      const y = this.height(tick);
      svg.append(shape("path", { class: tick === 0 ? "grid zero" : "grid", d: `M0 ${y}H${SIZE}` }));
    }
    svg.append(shape("path", { class: "line", d: line(values, (value) => this.height(value), span, column.whole) }));

    this.dot = element("i", "dot");
    const area = element("div", "area");
    area.append(svg, element("i", "cursor"), this.dot);
    const plot = element("div", "plot");
    plot.append(element("span", "tick high", text(high)), element("span", "tick low", text(low)), area);
    this.node.append(heading, plot);
  }

  height(value) {
    const { low, high } = this.scale;
    return Number((SIZE * (1 - (value - low) / (high - low))).toFixed(2));
  }

  show(step) {
    const value = this.values[Math.min(step, this.values.length - 1)];
    this.now.textContent = this.scale.text(value, 1);
    this.dot.style.top = `${this.height(value)}%`;
  }
}

// What is chosen at a step holds until the next one.
function line(values, height, span, holds) {
  const parts = values.map((value, step) => {
    const x = Number(((SIZE * step) / span).toFixed(2));
    if (!step) return `M${x} ${height(value)}`;
    return holds ? `H${x}V${height(value)}` : `L${x} ${height(value)}`;
  });
  return parts.join("");
}

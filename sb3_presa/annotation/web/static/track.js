// A position seen from above, with obstacles.
import { axis } from "./axes.js";
import { SIZE, drawing, element, nameOf, shape } from "./curve.js";

const MARGIN = 1.25;
const APART = 2; // clips at places farther apart than this many of their sizes have windows of their own

// The part of the plane that each clip shows: all of one size.
export function windows(paths, least) {
  const boxes = paths.map((path) => path && [extent(path.x), extent(path.y)]);
  const found = boxes.filter(Boolean);
  const sizes = found.map(([x, y]) => Math.max(x[1] - x[0], y[1] - y[0]));
  const alone = Math.max(...sizes, least);
  const all = [0, 1].map((side) => [
    Math.min(...found.map((box) => box[side][0])),
    Math.max(...found.map((box) => box[side][1])),
  ]);
  const together = Math.max(all[0][1] - all[0][0], all[1][1] - all[1][0]);
  const joint = together <= APART * alone;
  const size = MARGIN * (joint ? Math.max(together, least) : alone);
  return boxes.map((box) => {
    if (!box) return null;
    const [x, y] = (joint ? all : box).map(([low, high]) => (low + high) / 2 - size / 2);
    return { x, y, size };
  });
}

function extent(values) {
  return [Math.min(...values), Math.max(...values)];
}

export class Track {
  constructor(columns, path, obstacles, view) {
    Object.assign(this, { path, obstacles, view });
    const names = columns.map(nameOf).join(", ");
    this.node = element("figure", "track");
    this.map = element("div", "map");
    const svg = drawing(`Seen from above: ${names}${obstacles.length ? ", with obstacles" : ""}`);
    this.addGrid(svg);
    for (const obstacle of obstacles) svg.append(shape("path", { class: "way obstacle", d: this.line(obstacle) }));
    svg.append(shape("path", { class: "way", d: this.line(path) }));
    this.past = shape("path", { class: "way past", d: "" });
    svg.append(this.past);
    this.map.prepend(svg);
    this.others = obstacles.map(() => this.mark("obstacle"));
    this.machine = this.mark("machine");
    const caption = element("figcaption", "curve-name");
    caption.append(element("b", "", names));
    this.node.append(caption, this.map);
  }

  addGrid(svg) {
    const { x, y, size } = this.view;
    for (const [low, across] of [[x, true], [y, false]]) {
      const scale = axis(low, low + size, false, 3);
      for (const tick of scale.ticks) {
        const share = (tick - low) / size;
        if (share <= 0.02 || share >= 0.98) continue;
        const at = SIZE * (across ? share : 1 - share);
        svg.append(shape("path", { class: "grid", d: across ? `M${at} 0V${SIZE}` : `M0 ${at}H${SIZE}` }));
        const text = element("span", across ? "tick across" : "tick up", scale.text(tick));
        text.style[across ? "left" : "top"] = `${at}%`;
        this.map.append(text);
      }
    }
  }

  mark(name) {
    const made = element("i", name);
    this.map.append(made);
    return made;
  }

  at({ x, y }, step) {
    const place = Math.min(step, x.length - 1);
    const { view } = this;
    return [(SIZE * (x[place] - view.x)) / view.size, SIZE * (1 - (y[place] - view.y) / view.size)];
  }

  line(path, steps = path.x.length) {
    const points = Array.from({ length: steps }, (_, step) => this.at(path, step));
    return `M${points.map((point) => point.map((part) => part.toFixed(2)).join(" ")).join("L")}`;
  }

  show(step) {
    this.past.setAttribute("d", this.line(this.path, Math.min(step + 1, this.path.x.length)));
    put(this.machine, this.at(this.path, step));
    const [x, y] = this.at(this.path, Math.max(0, step - 1));
    const [nextX, nextY] = this.at(this.path, step + 1);
    this.machine.classList.toggle("still", Math.hypot(nextX - x, nextY - y) < 0.05);
    this.machine.style.rotate = `${Math.atan2(nextY - y, nextX - x)}rad`;
    this.others.forEach((mark, place) => put(mark, this.at(this.obstacles[place], step)));
  }
}

function put(mark, [left, top]) {
  mark.style.left = `${left}%`;
  mark.style.top = `${top}%`;
}

// A learning curve as a drawing: points with their intervals, and the forecast as a dotted line.

const WIDTH = 420, HEIGHT = 220, LEFT = 44, RIGHT = 12, TOP = 10, BOTTOM = 30;

function shape(name, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return node;
}

export function drawCurve({ points, forecast, verdict }, name) {
  const known = points.filter(({ accuracy }) => accuracy.n);
  const told = forecast !== null && verdict !== "unknown" && known.length > 0;
  const most = known.length ? known.at(-1).answers + (told ? forecast.more : 0) : 1;
  const lowest = Math.min(0.5, ...known.map(({ accuracy }) => accuracy.low));
  const x = (answers) => LEFT + ((WIDTH - LEFT - RIGHT) * answers) / most;
  const y = (share) => TOP + ((HEIGHT - TOP - BOTTOM) * (1 - share)) / (1 - lowest);
  const last = known.at(-1);
  const label = last
    ? `${name}: ${known.map((one) => `${Math.round(100 * one.accuracy.value)}% with ${one.answers} answers`).join(", ")}`
    : `${name}: no figures yet`;
  const drawing = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "curve" });
  for (const share of [0.5, 0.75, 1]) {
    drawing.append(
      shape("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(share), y2: y(share), class: "grid" }),
      shape("text", { x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }, `${100 * share}%`),
    );
  }
  for (const { answers, accuracy } of known) {
    drawing.append(
      shape("line", { x1: x(answers), x2: x(answers), y1: y(accuracy.low), y2: y(accuracy.high), class: "interval" }),
      shape("circle", { cx: x(answers), cy: y(accuracy.value), r: 4 }),
      shape("text", { x: x(answers), y: HEIGHT - 10, "text-anchor": "middle" }, answers),
    );
  }
  const path = known.map(({ answers, accuracy }) => `${x(answers)},${y(accuracy.value)}`).join(" ");
  drawing.prepend(shape("polyline", { points: path }));
  if (told) {
    const end = { x: x(most), low: y(Math.min(1, last.accuracy.value + forecast.low)), high: y(Math.min(1, last.accuracy.value + forecast.high)) };
    const from = { x: x(last.answers), y: y(last.accuracy.value) };
    drawing.append(
      shape("polygon", { points: `${from.x},${from.y} ${end.x},${end.low} ${end.x},${end.high}`, class: "forecast" }),
      shape("text", { x: end.x, y: HEIGHT - 10, "text-anchor": "end" }, most),
    );
  }
  return drawing;
}

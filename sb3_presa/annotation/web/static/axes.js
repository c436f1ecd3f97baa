// Axes of curves: bounds that are round numbers, and how numbers between them are written.

// :param whole: whether values are choices or flags.
export function axis(low, high, whole = false, parts = 2) {
  if (!(high > low)) [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  let step = round((high - low) / parts);
  if (whole) step = Math.max(1, step);
  const bottom = step * Math.floor(low / step + 1e-9);
  const top = step * Math.ceil(high / step - 1e-9);
  const count = Math.round((top - bottom) / step);
  const ticks = Array.from({ length: count + 1 }, (_, place) => bottom + place * step);
  return { low: bottom, high: top, ticks, text: (value, more = 0) => written(value, step, more) };
}

// The least of 1, 2, 2.5 and 5 times a power of ten that is as large.
function round(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= size * (1 - 1e-9));
}

// With the decimals that tell two ticks apart, and some more.
function written(value, step, more) {
  const exact = Number(step.toPrecision(2));
  let decimals = Math.max(0, -Math.floor(Math.log10(exact)));
  if (!Number.isInteger(Number((exact * 10 ** decimals).toPrecision(6)))) decimals += 1;
  if (decimals > 6 || Math.abs(value) >= 1e9) return value.toPrecision(3 + more);
  const text = value.toFixed(Math.min(8, decimals + more));
  return Number(text) === 0 ? text.replace("-", "") : text;
}

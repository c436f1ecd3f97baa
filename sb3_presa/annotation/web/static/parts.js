// What is drawn of clips that are seen beside each other: their curves, and their tracks.
import { Curve, sharedAxis } from "./curve.js";
import { Track, windows } from "./track.js";

// What the owner shows at first.
export const atFirst = (about) => ({ columns: about.shown ?? [], track: Boolean(about.track_shown) });

// The columns that are drawn.
export function neededColumns(about, chosen) {
  const { track } = about;
  const places = chosen.track && track ? [track.machine, ...track.obstacles].flat() : [];
  return [...new Set([...chosen.columns, ...places])];
}

// The steps that all curves span.
export const spanOf = (found) => Math.max(1, ...found.map((numbers) => (numbers ? numbers.steps : 0)));

// :param found: the numbers of each clip, or null.
// :return: of each clip its track, if it has one, and its curves.
export function partsOf(about, chosen, found) {
  const span = spanOf(found);
  const views = chosen.track && about.track ? viewsOf(about, found) : [];
  const scales = new Map(
    chosen.columns.map((place) => {
      const several = found.filter(Boolean).map((numbers) => numbers.columns[place]);
      return [place, sharedAxis(about.columns[place], several)];
    }),
  );
  return found.map((numbers, side) => {
    if (!numbers) return [];
    const curves = chosen.columns.map(
      (place) => new Curve(about.columns[place], numbers.columns[place], scales.get(place), span),
    );
    return [...(views[side] ? [trackOf(about, numbers, views[side])] : []), ...curves];
  });
}

function viewsOf(about, found) {
  const paths = found.map((numbers) => numbers && path(numbers, about.track.machine));
  const ranges = about.track.machine.map((place) => about.columns[place]);
  const whole = Math.max(...ranges.map((column) => column.high - column.low));
  return windows(paths, whole / 50 || 1);
}

function trackOf(about, numbers, view) {
  const { machine, obstacles } = about.track;
  const columns = machine.map((place) => about.columns[place]);
  const others = obstacles.map((position) => path(numbers, position));
  return new Track(columns, path(numbers, machine), others, view);
}

const path = (numbers, [x, y]) => ({ x: numbers.columns[x], y: numbers.columns[y] });

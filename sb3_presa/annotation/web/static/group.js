// Clips to put in an order, the best first: by keys, by clicks, or dragged into place. An order is
// sent when it is confirmed: until then the last place may still be a tie.
import { keys } from "./keys.js";
import { $, live, page, painting, press, render } from "./page.js";

const PLACES = ["1st", "2nd", "3rd", "4th"];
const SAFETY = ["safe", "unsafe", "unknown"];
const tiles = [...document.querySelectorAll(".tile")];

export const nothingOrdered = (count) => ({ order: [], tied: [], safe: Array(count).fill(null) });

export function missingOrder({ choice: { order, safe } }) {
  const clips = (open) => safe.flatMap((_, clip) => (open(clip) ? [clip + 1] : [])).join(", ");
  const unplaced = clips((clip) => !order.includes(clip));
  const unjudged = clips((clip) => !safe[clip]);
  const parts = [];
  if (unplaced) parts.push(`the place of clip ${unplaced}`);
  if (unjudged) parts.push(`is clip ${unjudged} safe`);
  return parts;
}

// Equal clips have one rank.
export function ranksOf({ order, tied, safe }) {
  const ranks = Array(safe.length).fill(0);
  let rank = -1;
  for (const clip of order) {
    if (!tied.includes(clip)) rank += 1;
    ranks[clip] = rank;
  }
  return ranks;
}

// Without a clip. The next one stays a tie only if the clip was one: it equals the same clips still.
function without({ order, tied }, clip) {
  const loose = tied.includes(clip) ? [clip] : [clip, order[order.indexOf(clip) + 1]];
  return { order: order.filter((one) => one !== clip), tied: tied.filter((one) => !loose.includes(one)) };
}

function place(clip) {
  const { choice } = page.shown;
  const placed = choice.order.includes(clip);
  Object.assign(choice, placed ? without(choice, clip) : { order: [...choice.order, clip] });
}

function move(clip, to) {
  const { choice } = page.shown;
  if (choice.order.indexOf(clip) === to) return;
  const { order, tied } = without(choice, clip);
  choice.tied = tied.filter((one) => one !== order[to]); // another one is before it now
  choice.order = [...order.slice(0, to), clip, ...order.slice(to)];
}

// The clip that was placed last is as good as the one before it, or is not.
function tie() {
  const { choice } = page.shown;
  if (choice.order.length < 2) return;
  const last = choice.order.at(-1);
  choice.tied = choice.tied.includes(last) ? choice.tied.filter((one) => one !== last) : [...choice.tied, last];
}

function judge(clip, value) {
  page.shown.choice.safe[clip] = value;
}

// Safe at first, then the other two in turn.
function turn(clip) {
  const now = SAFETY.indexOf(page.shown.choice.safe[clip]);
  judge(clip, SAFETY[(now + 1) % SAFETY.length]);
}

const asks = () => Boolean(page.shown && page.shown.group) && live();

function change(apply, ...said) {
  if (!asks()) return;
  apply(...said);
  render();
}

tiles.forEach((tile, clip) => {
  const one = (apply) => () => {
    if (asks() && clip < page.shown.choice.safe.length) change(apply, clip); // there may be three
  };
  keys({ [clip + 1]: one(place), [clip + 5]: one(turn) }, { only: "group" });
  tile.querySelector(".rank").addEventListener("click", one(place));
  for (const button of tile.querySelectorAll("[data-tile-safety]")) {
    button.addEventListener("click", () => change(judge, clip, button.dataset.tileSafety));
  }
});
const sayTie = () => change(tie);
keys({ "=": sayTie }, { only: "group" });
$("tie").addEventListener("click", sayTie);

// A clip in the row below is dragged to another place, by mouse or finger.
let dragged = null;
$("ranking").addEventListener("pointerdown", (event) => {
  const chip = event.target.closest("[data-clip]");
  if (!chip || !asks()) return;
  dragged = Number(chip.dataset.clip);
  event.preventDefault();
});
document.addEventListener("pointerup", (event) => {
  if (dragged === null) return;
  const slots = [...$("ranking").querySelectorAll("[data-clip]")];
  const to = slots.findIndex((slot) => event.clientX < slot.getBoundingClientRect().right);
  const clip = dragged;
  dragged = null;
  change(move, clip, to < 0 ? slots.length - 1 : to);
});

painting(() => {
  if (page.shown) document.body.classList.toggle("ordering", page.shown.group);
  if (!page.shown?.group) return;
  const { order, tied, safe } = page.shown.choice;
  tiles.forEach((tile, clip) => {
    tile.hidden = clip >= safe.length;
    const at = order.indexOf(clip);
    const rank = tile.querySelector(".rank");
    rank.querySelector("span").textContent = at < 0 ? "Place next" : PLACES[at];
    rank.setAttribute("aria-label", `Clip ${clip + 1}: ${at < 0 ? "place next" : PLACES[at]}`);
    press(rank, at >= 0, live());
    for (const button of tile.querySelectorAll("[data-tile-safety]")) {
      press(button, safe[clip] === button.dataset.tileSafety, live());
    }
  });
  press($("tie"), tied.includes(order.at(-1)), live() && order.length > 1);
  $("ranking").replaceChildren(
    ...safe.map((_, at) => {
      const slot = document.createElement("li");
      const clip = order[at];
      slot.textContent = clip === undefined ? PLACES[at] : `${tied.includes(clip) ? "= " : ""}Clip ${clip + 1}`;
      if (clip !== undefined) slot.dataset.clip = clip;
      return slot;
    }),
  );
});

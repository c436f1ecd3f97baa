// Clips to put in an order, the best first: by keys, by clicks, or dragged into place.
import { keyName } from "./keys.js";
import { $, live, page, painting, render } from "./page.js";

const PLACES = ["1st", "2nd", "3rd", "4th"];
const SAFE_KEYS = ["a", "s", "d", "f"];
const UNSAFE_KEYS = ["h", "j", "k", "l"];
const SHARED = ["Enter", "z", "Backspace", " ", "r", ",", ".", "c", "?"]; // as for pairs
const tiles = [...document.querySelectorAll(".tile")];

export const nothingOrdered = (count) => ({ order: [], tied: [], safe: Array(count).fill(null) });

// The last clip follows from the others.
function completed({ order, safe }) {
  const left = safe.map((_, clip) => clip).filter((clip) => !order.includes(clip));
  return left.length === 1 ? [...order, ...left] : order;
}

export function missingOrder({ choice }) {
  const parts = [];
  if (completed(choice).length < choice.safe.length) parts.push("the order, the best first");
  const open = choice.safe.flatMap((value, clip) => (value ? [] : [clip + 1]));
  if (open.length) parts.push(`is clip ${open.join(", ")} safe`);
  return parts;
}

// Equal clips have one rank.
export function ranksOf(choice) {
  const ranks = Array(choice.safe.length).fill(0);
  let rank = -1;
  completed(choice).forEach((clip, place) => {
    if (place === 0 || !choice.tied.includes(clip)) rank += 1;
    ranks[clip] = rank;
  });
  return ranks;
}

const said = () => {
  render();
  document.dispatchEvent(new Event("judged"));
};

function place(clip) {
  const { choice } = page.shown;
  const { order } = choice;
  choice.order = order.includes(clip) ? order.filter((one) => one !== clip) : [...completed(choice).slice(0, order.length), clip];
  choice.tied = choice.tied.filter((one) => choice.order.includes(one) && one !== clip);
  said();
}

function move(clip, to) {
  const { choice } = page.shown;
  const rest = completed(choice).filter((one) => one !== clip);
  rest.splice(Math.min(to, rest.length), 0, clip);
  choice.order = rest;
  choice.tied = choice.tied.filter((one) => one !== clip);
  render(); // an order that is dragged into place is confirmed
}

// The clip that was placed last is as good as the one before it.
function tie() {
  const { choice } = page.shown;
  const last = completed(choice).at(-1);
  if (choice.order.length < 1 || last === undefined || completed(choice)[0] === last) return;
  const tied = choice.tied.includes(last);
  choice.tied = tied ? choice.tied.filter((one) => one !== last) : [...choice.tied, last];
  render();
}

function judge(clip, value) {
  page.shown.choice.safe[clip] = value;
  said();
}

const asks = () => Boolean(page.shown && page.shown.group) && live();
const has = (clip) => clip >= 0 && clip < page.shown.choice.safe.length;

document.addEventListener(
  "keydown",
  (event) => {
    if (!page.shown?.group || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") || event.target.closest("textarea, input[type=text]")) return;
    const name = keyName(event);
    if (SHARED.includes(name) || name === "Tab") return;
    if (name.startsWith("Arrow") && event.target.closest("input[type=range]")) return;
    event.stopImmediatePropagation(); // those of pairs
    event.preventDefault();
    if (event.repeat || !asks()) return;
    const number = Number(name) - 1;
    if (has(number)) place(number);
    else if (name === "=") tie();
    else if (has(SAFE_KEYS.indexOf(name))) judge(SAFE_KEYS.indexOf(name), "safe");
    else if (has(UNSAFE_KEYS.indexOf(name))) judge(UNSAFE_KEYS.indexOf(name), "unsafe");
  },
  true,
);

tiles.forEach((tile, clip) => {
  tile.querySelector(".rank").addEventListener("click", () => asks() && place(clip));
  for (const button of tile.querySelectorAll("[data-tile-safety]")) {
    button.addEventListener("click", () => asks() && judge(clip, button.dataset.tileSafety));
  }
});
$("tie").addEventListener("click", () => asks() && tie());

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
  const slots = [...$("ranking").children];
  const to = slots.findIndex((slot) => event.clientX < slot.getBoundingClientRect().right);
  const clip = dragged;
  dragged = null;
  if (asks()) move(clip, to < 0 ? slots.length - 1 : to);
});

painting(() => {
  const group = Boolean(page.shown && page.shown.group);
  document.body.classList.toggle("ordering", group);
  $("group").hidden = !group;
  if (!group) return;
  const { choice } = page.shown;
  const order = completed(choice);
  tiles.forEach((tile, clip) => {
    tile.hidden = clip >= choice.safe.length;
    const at = order.indexOf(clip);
    tile.querySelector(".rank span").textContent = at < 0 ? "Place next" : PLACES[at];
    tile.querySelector(".rank").setAttribute("aria-pressed", at >= 0);
    tile.querySelector(".rank").setAttribute("aria-label", `Clip ${clip + 1}: ${at < 0 ? "place next" : PLACES[at]}`);
    tile.querySelector(".rank").disabled = !live();
    for (const button of tile.querySelectorAll("[data-tile-safety]")) {
      button.setAttribute("aria-pressed", choice.safe[clip] === button.dataset.tileSafety);
      button.disabled = !live();
    }
  });
  $("tie").disabled = !live() || choice.order.length < 1;
  $("ranking").replaceChildren(
    ...choice.safe.map((_, at) => {
      const slot = document.createElement("li");
      const clip = order[at];
      slot.textContent = clip === undefined ? PLACES[at] : `${at && choice.tied.includes(clip) ? "= " : ""}Clip ${clip + 1}`;
      if (clip !== undefined) slot.dataset.clip = clip;
      return slot;
    }),
  );
});

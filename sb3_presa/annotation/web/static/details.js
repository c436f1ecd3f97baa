// What may be said beside a verdict: how much better, since when unsafe, reasons, a note. All optional.
import { keys, freeLetter } from "./keys.js";
import { $, live, page, painting, press, render } from "./page.js";
import { player } from "./playing.js";

const SIDES = ["left", "right"];
const DECIDED = ["left", "right"]; // the preferences that have a strength

export const noDetails = () => ({ strength: null, marks: { left: null, right: null }, tags: [], note: "" });

// The details of an answer that was taken back.
export function earlierDetails(before) {
  return {
    strength: before.strength,
    marks: { left: before.unsafe_from_left, right: before.unsafe_from_right },
    tags: [...before.tags],
    note: before.note,
  };
}

// The details as the server takes them.
export function sentDetails({ preference, details, ...safety }) {
  const mark = (side) => (safety[side] === "unsafe" ? details.marks[side] : null);
  return {
    strength: DECIDED.includes(preference) ? details.strength : null,
    unsafe_left: mark("left"),
    unsafe_right: mark("right"),
    tags: details.tags,
    note: details.note.trim(),
  };
}

function change(apply) {
  if (!live()) return;
  apply(page.shown.choice);
  render();
}

const toggled = (list, item) => (list.includes(item) ? list.filter((one) => one !== item) : [...list, item]);

// The picture shows what the step before it led to.
function stepShown(side) {
  const clip = player.clips[SIDES.indexOf(side)];
  const frame = Math.min(Math.floor(player.step / clip.stride + 1e-6), clip.frames - 1);
  return Math.max(0, frame * clip.stride - 1);
}

function mark(side) {
  change((choice) => {
    if (side === "right" && page.shown.single) return;
    const step = stepShown(side);
    const { marks } = choice.details;
    marks[side] = marks[side] === step && choice[side] === "unsafe" ? null : step;
    choice[side] = "unsafe";
  });
  document.dispatchEvent(new Event("judged")); // it may be all that was missing
}

const strong = (strength) => () =>
  change(({ details }) => {
    details.strength = details.strength === strength ? null : strength;
  });

const reason = (tag) => () =>
  change(({ details }) => {
    details.tags = toggled(details.tags, tag);
  });

painting(() => {
  const choice = page.shown ? page.shown.choice : null;
  for (const button of document.querySelectorAll("[data-mark]")) {
    const side = button.dataset.mark;
    const step = choice && choice[side] === "unsafe" ? choice.details.marks[side] : null;
    const marked = step !== null;
    press(button, marked, live());
    button.querySelector(".from").textContent = marked ? `Unsafe from ${step + 1}` : "Unsafe from here";
  }
  const single = Boolean(page.shown && page.shown.single);
  const decided = !single && (!choice || !choice.preference || DECIDED.includes(choice.preference));
  for (const button of document.querySelectorAll("[data-strength]")) {
    const chosen = Boolean(choice) && choice.details.strength === Number(button.dataset.strength);
    press(button, chosen && decided, live() && decided);
  }
  for (const button of document.querySelectorAll("[data-tag]")) {
    press(button, Boolean(choice) && choice.details.tags.includes(button.dataset.tag), live());
  }
  $("note").disabled = !live();
  if (document.activeElement !== $("note")) $("note").value = choice ? choice.details.note : "";
});

for (const button of document.querySelectorAll("[data-mark]")) {
  button.addEventListener("click", () => mark(button.dataset.mark));
}
keys({ w: () => mark("left"), i: () => mark("right") }, { only: "pair" });
for (const button of document.querySelectorAll("[data-strength]")) {
  const strength = Number(button.dataset.strength);
  button.addEventListener("click", strong(strength));
  keys({ [strength + 4]: strong(strength) }, { only: "pair" });
}
keys({ n: () => $("note").focus() }, { only: "pair" });
$("note").addEventListener("input", () => {
  if (page.shown) page.shown.choice.details.note = $("note").value;
});
$("note").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" && event.key !== "Escape") return;
  event.preventDefault();
  $("note").blur();
});

// Each reason has a letter of its own as its key, where possible one of its name. Other modules
// have named theirs before.
export function nameTagKeys() {
  for (const button of document.querySelectorAll("[data-tag]")) {
    const action = reason(button.dataset.tag);
    button.addEventListener("click", action);
    const letter = freeLetter(button.dataset.tag);
    if (!letter) continue;
    keys({ [letter]: action }, { only: "pair" });
    const key = document.createElement("kbd");
    key.textContent = letter.toUpperCase();
    button.append(key);
  }
}

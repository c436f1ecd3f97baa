// What a person says of the pair on the screen: which is better, and whether each is safe.
import { earlierDetails, noDetails } from "./details.js";
import { missingOrder } from "./group.js";
import { $, live, page, painting, press } from "./page.js";

const PREFERENCES = { 1: "left", 0.5: "equal", 0: "right" };

export const nothingSaid = () => ({ preference: null, left: null, right: null, details: noDetails() });

const safety = (value, unknown = "unknown") => (value === null ? unknown : value ? "safe" : "unsafe");

// An answer that was taken back, as choices. Of a pair that was skipped, what is not known was not said.
export function earlier(before, single) {
  const skipped = before.preference === null && !single;
  const unknown = skipped ? null : "unknown";
  return {
    preference: skipped ? "skip" : PREFERENCES[before.preference] ?? null,
    left: safety(before.safe_left, unknown),
    right: safety(before.safe_right, unknown),
    details: earlierDetails(before),
  };
}

// An order that was taken back, as choices; clips of one rank are a tie.
export function earlierOrder({ ranks, safe }) {
  const order = [...ranks.keys()].sort((one, other) => ranks[one] - ranks[other]);
  const tied = order.filter((clip, at) => at > 0 && ranks[clip] === ranks[order[at - 1]]);
  return { order, tied, safe: safe.map((value) => safety(value)) };
}

// What must still be said before the answer can be sent.
export function missing() {
  const { shown } = page;
  if (!shown || shown.choice.preference === "skip") return [];
  if (shown.group) return missingOrder(shown);
  const { preference, left, right } = shown.choice;
  const parts = [];
  if (!shown.single && !preference) parts.push("which is better");
  if (!left) parts.push(shown.single ? "is it safe" : "is the left one safe");
  if (!shown.single && !right) parts.push("is the right one safe");
  return parts;
}

painting(() => {
  const { shown } = page;
  const choice = shown ? shown.choice : {};
  for (const button of document.querySelectorAll("[data-preference]")) {
    press(button, choice.preference === button.dataset.preference, live());
  }
  for (const button of document.querySelectorAll("[data-safety]")) {
    press(button, choice[button.dataset.safety] === button.dataset.value, live());
  }
  for (const side of ["left", "right"]) $(side).classList.toggle("chosen", choice.preference === side);
  const parts = missing();
  $("missing").textContent = !shown
    ? ""
    : parts.length
      ? `Still missing: ${parts.join(", ")}?`
      : shown.guessed
        ? "The model’s guess. Change what is wrong, then confirm."
        : shown.revised
        ? "This was your answer. Change it, or confirm it again."
        : "Complete.";
  document.body.classList.toggle("guessed", Boolean(shown && shown.guessed));
  $("missing").classList.toggle("complete", parts.length === 0);
});

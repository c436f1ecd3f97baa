// How far a person is.
import { $, about, ordering, page, painting } from "./page.js";

// An order is several answers: what is counted are its comparisons.
export const unit = (count) => `${ordering() ? "comparison" : "pair"}${count === 1 ? "" : "s"}`;

function pace(seconds, left) {
  const each = `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s a ${unit(1)}`;
  const minutes = Math.ceil((seconds * left) / 60);
  if (!left) return each;
  return `${each} · ${minutes < 60 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`} left`;
}

painting(() => {
  if (!page.state) return;
  const { answered, target, seconds } = page.state;
  const bar = document.querySelector(".bar");
  bar.setAttribute("aria-label", ordering() ? "Comparisons answered" : "Pairs answered");
  bar.setAttribute("aria-valuemax", target);
  bar.setAttribute("aria-valuenow", answered);
  $("bar").style.width = `${Math.min(100, (100 * answered) / target)}%`;
  $("count").textContent = `${answered} of ${target}`;
  $("pace").textContent = seconds === null ? "" : pace(seconds, Math.max(0, target - answered));
  document.title = `${answered}/${target} · ${about.title}`;
});

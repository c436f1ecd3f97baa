// Which curves are shown: any of the columns, by a list of their names.
import { element, nameOf } from "./curve.js";
import { keys } from "./keys.js";
import { $ } from "./page.js";
import { plots } from "./plots.js";

const GROUPS = [
  ["observation", "Observations"],
  ["action", "Actions"],
];

function tell() {
  const { about, chosen } = plots;
  const all = about.columns.length;
  const count = `${chosen.columns.length} of ${all} curves shown`;
  $("curves-count").textContent = count;
  $("columns-count").textContent = count;
  $("curves").hidden = !all;
  $("why").textContent = about.why ? `No pictures: ${about.why}.` : "";
  $("why").hidden = !about.why;
}

function open() {
  if (!plots.about?.columns.length || $("columns").open) return;
  $("columns-filter").value = "";
  fill();
  $("columns").showModal();
}

function fill() {
  const { columns, track } = plots.about;
  const parts = GROUPS.map(([part, heading]) => {
    const places = columns.flatMap((column, place) => (column.part === part ? [place] : []));
    return group(heading, places.map((place) => box(nameOf(columns[place]), place)));
  });
  const above = track ? [box(track.machine.map((place) => columns[place].name).join(", "), "track")] : [];
  $("columns-list").replaceChildren(...parts, group("Seen from above", above));
  mark();
}

function group(heading, boxes) {
  const made = element("fieldset");
  made.append(element("legend", "", heading), ...boxes);
  made.hidden = boxes.length === 0;
  return made;
}

function box(name, value) {
  const label = element("label", "column");
  const input = element("input");
  Object.assign(input, { type: "checkbox", value });
  input.addEventListener("change", () => take());
  label.append(input, element("span", "", name));
  return label;
}

const inputs = () => [...$("columns-list").querySelectorAll("input")];

// The boxes say what is chosen. New curves come last, so that the owner's order stays.
function take() {
  const checked = inputs().filter((input) => input.checked);
  const places = checked.filter((input) => input.value !== "track").map((input) => Number(input.value));
  const stay = plots.chosen.columns.filter((place) => places.includes(place));
  const columns = [...stay, ...places.filter((place) => !stay.includes(place))];
  plots.choose({ columns, track: checked.some((input) => input.value === "track") });
}

function mark() {
  const { columns, track } = plots.chosen;
  for (const input of inputs()) {
    input.checked = input.value === "track" ? track : columns.includes(Number(input.value));
  }
}

function filter() {
  const wanted = $("columns-filter").value.trim().toLowerCase();
  for (const label of $("columns-list").querySelectorAll("label")) {
    label.hidden = !label.textContent.toLowerCase().includes(wanted);
  }
}

// All, or none, of those that the filter leaves.
function checkAll(checked) {
  for (const input of inputs()) if (!input.closest("label").hidden) input.checked = checked;
  take();
}

plots.told = tell;
$("curves").addEventListener("click", open);
$("columns-filter").addEventListener("input", filter);
$("columns-all").addEventListener("click", () => checkAll(true));
$("columns-none").addEventListener("click", () => checkAll(false));
$("columns-first").addEventListener("click", () => {
  plots.choose(plots.first());
  mark();
});
$("columns-close").addEventListener("click", () => $("columns").close());
keys({ c: open });

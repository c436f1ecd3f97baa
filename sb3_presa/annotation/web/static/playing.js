// The clips on the screen, and their player.
import { keys } from "./keys.js";
import { $, page, painting, render } from "./page.js";
import { Player } from "./player.js";
import { settings } from "./settings.js";

const RATES = [0.25, 0.5, 1, 2];
const SIDES = ["left", "right"];
const canvases = [...document.querySelectorAll(".screen canvas")]; // of a pair, then of a group

export const player = new Player(canvases, showMoment);

function showMoment(step, length) {
  $("scrub").max = length;
  $("scrub").value = step;
  $("scrub").style.setProperty("--at", `${length ? (100 * step) / length : 0}%`);
  $("moment").textContent = `${step} / ${length}`;
}

function togglePlay() {
  if (!player.playing && player.step >= player.length) player.seek(0);
  player.playing = !player.playing;
  render();
}

function nudge(frames) {
  player.nudge(frames);
  render();
}

export function replay() {
  player.seek(0);
  player.playing = true;
  render();
}

function changeSpeed() {
  setRate(RATES[(RATES.indexOf(player.rate) + RATES.length - 1) % RATES.length]);
}

function setRate(rate) {
  player.rate = RATES.includes(rate) ? rate : 1;
  $("rate").textContent = { 0.25: "¼×", 0.5: "½×", 1: "1×", 2: "2×" }[player.rate];
  settings.set("rate", player.rate);
}

painting(() => {
  const { shown } = page;
  for (const side of SIDES) $(side).classList.toggle("waiting", !shown || shown.loading);
  document.body.classList.toggle("playing", player.playing);
});

const back = () => nudge(-1);
const forward = () => nudge(1);
keys({ " ": togglePlay, r: replay, f: changeSpeed });
keys({ ",": back, ".": forward }, { held: true });
const CLICKS = { play: togglePlay, replay, speed: changeSpeed, back, forward };
for (const [id, action] of Object.entries(CLICKS)) $(id).addEventListener("click", () => action());
for (const canvas of canvases) canvas.addEventListener("click", togglePlay);
$("scrub").addEventListener("input", (event) => {
  player.playing = false;
  player.seek(Number(event.target.value));
  render();
});
setRate(Number(settings.get("rate", "1")));

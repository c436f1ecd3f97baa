// The owner's instructions, before the first pair and whenever they are wanted.
import { clock } from "./clock.js";
import { keyName, keys } from "./keys.js";
import { $, about, page, render } from "./page.js";
import { player, replay } from "./playing.js";
import { settings } from "./settings.js";

// Shown again when the owner changes the text
const seenKey = `seen.${about.annotator}.${about.instructions}`;

function explain() {
  clock.update();
  player.playing = false;
  $("welcome").showModal();
  $("begin").querySelector("span").textContent = settings.get(seenKey) ? "Continue" : "Begin";
  document.querySelector(".sheet").scrollTop = 0;
  clock.update();
  render();
}

function begin() {
  settings.set(seenKey, "1");
  $("welcome").close();
}

$("welcome").addEventListener("keydown", (event) => {
  if (keyName(event) !== "Enter") return;
  event.preventDefault();
  begin();
});
$("welcome").addEventListener("close", () => {
  settings.set(seenKey, "1");
  clock.update();
  if (page.shown && !page.shown.loading) replay();
});
keys({ "?": explain });
$("help").addEventListener("click", explain);
$("begin").addEventListener("click", begin);
if (!settings.get(seenKey)) explain();

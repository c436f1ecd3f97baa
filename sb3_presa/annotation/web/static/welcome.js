// The owner's instructions, before the first pair, before the first group, and whenever they are wanted.
import { clock } from "./clock.js";
import { keyName, keys } from "./keys.js";
import { $, about, ordering, page, painting, render } from "./page.js";
import { player, replay } from "./playing.js";
import { insist } from "./requests.js";
import { settings } from "./settings.js";

// Shown again when the owner changes the text
const seenKey = () => `seen.${about.annotator}.${about.instructions}${ordering() ? ".group" : ""}`;

function explain() {
  clock.update();
  player.playing = false;
  $("welcome").showModal();
  const text = about.mustAgree ? "I agree: begin" : settings.get(seenKey()) ? "Continue" : "Begin";
  $("begin").querySelector("span").textContent = text;
  document.querySelector(".sheet").scrollTop = 0;
  clock.update();
  render();
}

async function begin() {
  if (about.mustAgree) {
    try {
      await insist("api/consent", {});
    } catch {
      return; // the page says why
    }
    delete about.mustAgree;
  }
  settings.set(seenKey(), "1");
  $("welcome").close();
}

$("welcome").addEventListener("keydown", (event) => {
  if (keyName(event) !== "Enter") return;
  event.preventDefault();
  begin();
});
$("welcome").addEventListener("cancel", (event) => {
  if (about.mustAgree) event.preventDefault(); // Escape does not consent
});
$("welcome").addEventListener("close", () => {
  if (about.mustAgree) return explain(); // browsers let a second Escape through
  settings.set(seenKey(), "1");
  clock.update();
  if (page.shown && !page.shown.loading) replay();
});
keys({ "?": explain });
$("help").addEventListener("click", explain);
$("begin").addEventListener("click", begin);
function explainFirst() {
  if (about.mustAgree || !settings.get(seenKey())) explain();
}
let explained = ordering();
painting(() => {
  if (explained === ordering()) return;
  explained = ordering(); // pairs may come among groups: those that are asked again
  if (!$("welcome").open) explainFirst();
});
explainFirst();

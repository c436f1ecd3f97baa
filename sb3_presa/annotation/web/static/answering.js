// Sends answers, and takes them back.
import { show } from "./asking.js";
import { missing } from "./choices.js";
import { clock } from "./clock.js";
import { sentDetails } from "./details.js";
import { ranksOf } from "./group.js";
import { keys } from "./keys.js";
import { notice } from "./messages.js";
import { $, live, page, painting, render } from "./page.js";
import { insist } from "./requests.js";
import { settings } from "./settings.js";

function choose(what, value) {
  const { shown } = page;
  if (!live()) return;
  if (what !== "left" && shown.single) return;
  shown.choice[what] = value;
  render();
  if (what === "preference" && value === "skip") send();
  else sendIfComplete();
}

function sendIfComplete() {
  if (live() && !missing().length && $("auto").checked && !page.shown.revised) send();
}

async function send() {
  if (!live()) return;
  const parts = missing();
  if (parts.length) {
    notice(`Still missing: ${parts.join(", ")}?`);
    return;
  }
  const { choice, group, place, single, token } = page.shown;
  if (group) {
    await deliver("api/order", { place, token, ranks: ranksOf(choice), safe: choice.safe, seconds: clock.seconds() });
    return;
  }
  const preference = single ? "skip" : choice.preference;
  await deliver("api/answer", {
    place,
    token,
    preference,
    left: choice.left,
    right: choice.right,
    seconds: clock.seconds(),
    ...sentDetails({ ...choice, preference }),
  });
}

async function undo() {
  if (page.busy || !page.state || !page.state.undo) return;
  await deliver("api/undo", { token: page.state.undo });
}

async function deliver(path, body) {
  page.busy = true;
  render();
  let reply;
  try {
    reply = await insist(path, body);
  } catch {
    return; // the page says why
  } finally {
    page.busy = false;
  }
  if (reply.outcome === "answered") notice("This was changed in another tab. The page is up to date now.");
  else if (reply.outcome === "undone") notice("Answer undone.");
  page.shown = null;
  await show(reply.state);
}

painting(() => {
  $("send").disabled = !live() || missing().length > 0;
  $("undo").disabled = page.busy || !page.state || !page.state.undo;
});

const prefer = (value) => () => choose("preference", value);
const judge = (side, value) => () => choose(side, value);
const CHOICES = {
  ArrowLeft: prefer("left"),
  ArrowRight: prefer("right"),
  ArrowDown: prefer("equal"),
  ArrowUp: prefer("skip"),
  1: prefer("left"),
  2: prefer("equal"),
  3: prefer("right"),
  0: prefer("skip"),
  a: judge("left", "safe"),
  s: judge("left", "unsafe"),
  d: judge("left", "unknown"),
  j: judge("right", "safe"),
  k: judge("right", "unsafe"),
  l: judge("right", "unknown"),
};
keys(CHOICES, { only: "pair" });
keys({ Enter: send, z: undo, Backspace: undo });
for (const button of document.querySelectorAll("[data-preference]")) {
  button.addEventListener("click", prefer(button.dataset.preference));
}
for (const button of document.querySelectorAll("[data-safety]")) {
  button.addEventListener("click", judge(button.dataset.safety, button.dataset.value));
}
document.addEventListener("judged", sendIfComplete);
$("send").addEventListener("click", send);
$("undo").addEventListener("click", undo);
$("auto").addEventListener("change", (event) => settings.set("auto", event.target.checked ? "1" : "0"));
$("auto").checked = settings.get("auto", "1") === "1";

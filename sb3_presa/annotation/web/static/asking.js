// What the server asks, on the screen.
import { earlier, earlierOrder, nothingSaid } from "./choices.js";
import { clock } from "./clock.js";
import { drafted } from "./draft.js";
import { nothingOrdered } from "./group.js";
import { cover, notice } from "./messages.js";
import { $, page, painting, render } from "./page.js";
import { player } from "./playing.js";
import { unit } from "./progress.js";
import { RETRY_MS, insist, newToken } from "./requests.js";

const POLL_MS = 300;

export async function refresh() {
  clearTimeout(timer);
  if (page.stopped || page.busy) return;
  try {
    const next = await insist(`api/state?holding=${page.shown ? page.shown.place : ""}`);
    if (!page.busy) await show(next); // an answer that was sent meanwhile brings a newer state
  } catch {
    // the page shows the reason
  }
}

let timer = null;
function refreshLater(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(refresh, milliseconds);
}

export async function show(state) {
  page.state = state;
  if (state.status !== "ask") {
    page.shown = null;
    player.playing = false;
    render();
    showStatus(state);
    return;
  }
  const { place } = state;
  if (page.shown && page.shown.place === place.token) {
    render();
    return;
  }
  const shown = { place: place.token, token: newToken(), single: !place.right && !place.group, loading: true };
  shown.group = Boolean(place.group);
  if (shown.group) {
    const order = place.before ? earlierOrder(place.before) : nothingOrdered(place.group.length);
    shown.choice = { ...nothingSaid(), ...order };
  } else shown.choice = place.before ? earlier(place.before, shown.single) : { ...nothingSaid(), ...place.guess };
  shown.choice = drafted(place.token) ?? shown.choice;
  shown.guessed = Boolean(place.guess) && !place.before;
  shown.revised = Boolean(place.before) || shown.guessed; // Enter confirms what is chosen already
  page.shown = shown;
  render();
  const clips = place.group ? [null, null, ...place.group] : [place.left, place.right];
  player.keep([...clips.flatMap((clip) => (clip ? [...clip.sheets, clip.numbers] : [])), ...state.next]);
  try {
    await player.load(clips);
  } catch {
    notice("A clip could not be loaded. Trying again.", true);
    page.shown = null;
    refreshLater(RETRY_MS);
    return;
  }
  if (page.shown !== shown) return;
  cover("");
  shown.loading = false;
  clock.restart();
  player.playing = !$("welcome").open;
  render();
}

function showStatus({ status, answered, problem, code }) {
  if (status === "wait") {
    cover("Preparing the next clips", "One moment, please.", true);
    refreshLater(POLL_MS);
  } else if (status === "done") {
    cover("Done. Thank you!", `${answered} ${unit(answered)} answered. Every answer is saved; you can close this page.`);
    if (code) $("cover-text").append(" Your completion code: ", Object.assign(document.createElement("code"), { textContent: code }));
  } else {
    cover("Something went wrong", `${problem}. Please tell the person who sent you the link.`);
    refreshLater(5 * RETRY_MS);
  }
}

// A clip that is shown alone is not the left one of two.
function nameLeft(name) {
  const left = $("left");
  left.querySelector(".clip-name").textContent = name === "Left" ? name : "Clip";
  left.querySelector(".mark .unseen").textContent = `${name} clip: `;
  for (const part of left.querySelectorAll("[data-label]")) part.setAttribute("aria-label", `${name} ${part.dataset.label}`);
}

painting(() => {
  const { shown, state } = page;
  const single = Boolean(shown && shown.single);
  document.body.classList.toggle("single", single);
  nameLeft(single ? "The" : "Left");
  // For tests: the server's status, and the place whose clips are on the screen.
  document.body.dataset.status = state ? state.status : "";
  document.body.dataset.shown = shown && !shown.loading ? shown.place : "";
});

document.addEventListener("visibilitychange", () => {
  clock.update();
  if (!document.hidden && !page.busy) refresh(); // another tab may have gone on
});

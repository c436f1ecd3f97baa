// The page: choices, answers and keys.
import { Player } from "./player.js";

const $ = (id) => document.getElementById(id);
const { pageToken, annotator, title, instructions } = document.body.dataset;
const RATES = [0.25, 0.5, 1, 2];
const RETRY_MS = 1000;
const POLL_MS = 300;

const player = new Player([canvas("left"), canvas("right")], showMoment);
let state = null; // the last state from the server
let shown = null; // the place on the screen: its token, a token for the answer, the choices
let busy = false; // while a request is in progress
let stopped = false; // after the server rejected this page

function canvas(side) {
  return $(side).querySelector("canvas");
}

// ---------------------------------------------------------------- settings of this browser

const settings = {
  get(name, otherwise) {
    try {
      return localStorage.getItem(`presa.${name}`) ?? otherwise;
    } catch {
      return otherwise; // storage is disabled
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`presa.${name}`, value);
    } catch {
      // storage is disabled: the setting lasts as long as the page
    }
  },
};

function applyTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function toggleTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const now = document.documentElement.dataset.theme || system;
  const next = now === "dark" ? "light" : "dark";
  settings.set("theme", next);
  applyTheme(next);
}

// ---------------------------------------------------------------- requests

async function ask(path, body) {
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: body ? { "Content-Type": "application/json", "X-Page-Token": pageToken } : {},
    body: body && JSON.stringify(body),
  });
  const content = await response.json();
  if (response.status === 401 || response.status === 403) {
    stopped = true;
    cover("Open your link again", content.error);
    throw new Error("refused");
  }
  if (response.status === 503) throw new Error(content.error, { cause: "busy" });
  if (!response.ok && response.status !== 409) throw new Error(content.error);
  return content;
}

// Repeats a request until the server answers. An answer keeps its token, so that it is written once
// however often it is sent.
async function insist(path, body) {
  for (;;) {
    try {
      const content = await ask(path, body);
      notice("");
      return content;
    } catch (error) {
      if (stopped) throw error;
      const why = error.cause === "busy" ? error.message : "The server does not respond.";
      notice(`${why} Trying again; no answer is lost.`, true);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function refresh() {
  clearTimeout(refreshTimer);
  if (stopped || busy) return;
  try {
    const next = await insist(`api/state?holding=${shown ? shown.place : ""}`);
    if (!busy) await show(next); // an answer that was sent meanwhile brings a newer state
  } catch {
    // the page shows the reason
  }
}

let refreshTimer = null;
function refreshLater(milliseconds) {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(refresh, milliseconds);
}

function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---------------------------------------------------------------- showing

async function show(next) {
  state = next;
  showProgress();
  const { status, place } = state;
  if (status !== "ask") {
    shown = null;
    player.playing = false;
    render();
    if (status === "wait") {
      cover("Preparing the next clips", "One moment, please.", true);
      refreshLater(POLL_MS);
    } else if (status === "done") {
      cover("Done. Thank you!", `${state.answered} pairs answered. Every answer is saved; you can close this page.`);
    } else {
      cover("Something went wrong", `${state.problem}. Please tell the person who sent you the link.`);
      refreshLater(5 * RETRY_MS);
    }
    return;
  }
  if (shown && shown.place === place.token) {
    render();
    return;
  }
  shown = { place: place.token, token: newToken(), single: !place.right, loading: true };
  shown.choice = { preference: null, left: null, right: null };
  if (place.before) Object.assign(shown, { choice: earlier(place.before), revised: true });
  render();
  const clips = [place.left, place.right];
  player.keep([...clips.flatMap((clip) => (clip ? clip.sheets : [])), ...state.next]);
  try {
    await player.load(clips);
  } catch {
    notice("A clip could not be loaded. Trying again.", true);
    shown = null;
    refreshLater(RETRY_MS);
    return;
  }
  if (!shown || shown.place !== place.token) return;
  cover("");
  shown.loading = false;
  clock.restart();
  player.playing = !$("welcome").open;
  render();
}

function earlier(before) {
  const safety = (value) => (value === null ? "unknown" : value ? "safe" : "unsafe");
  const names = { 1: "left", 0.5: "equal", 0: "right" };
  return {
    preference: before.preference === null ? null : names[before.preference],
    left: safety(before.safe_left),
    right: safety(before.safe_right),
  };
}

function cover(heading, text = "", spinning = false) {
  $("cover").hidden = !heading;
  $("cover-title").textContent = heading;
  $("cover-text").textContent = text;
  $("spinner").hidden = !spinning;
}

let noticeTimer = null;
function notice(text, stays = false) {
  clearTimeout(noticeTimer);
  $("notice").textContent = text;
  $("notice").hidden = !text;
  if (text && !stays) noticeTimer = setTimeout(() => notice(""), 3500);
}

function showProgress() {
  const { answered, target, seconds } = state;
  const bar = document.querySelector(".bar");
  bar.setAttribute("aria-valuemax", target);
  bar.setAttribute("aria-valuenow", answered);
  $("bar").style.width = `${Math.min(100, (100 * answered) / target)}%`;
  $("count").textContent = `${answered} of ${target}`;
  $("pace").textContent = seconds === null ? "" : pace(seconds, Math.max(0, target - answered));
  document.title = `${answered}/${target} · ${title}`;
}

function pace(seconds, left) {
  const each = `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s a pair`;
  const minutes = Math.ceil((seconds * left) / 60);
  if (!left) return each;
  return `${each} · ${minutes < 60 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`} left`;
}

function showMoment(step, length) {
  $("scrub").max = length;
  $("scrub").value = step;
  $("scrub").style.setProperty("--at", `${length ? (100 * step) / length : 0}%`);
  $("moment").textContent = `${step} / ${length}`;
}

function missing() {
  if (!shown || shown.choice.preference === "skip") return [];
  const { preference, left, right } = shown.choice;
  const parts = [];
  if (!shown.single && !preference) parts.push("which is better");
  if (!left) parts.push(shown.single ? "is it safe" : "is the left one safe");
  if (!shown.single && !right) parts.push("is the right one safe");
  return parts;
}

function render() {
  const live = Boolean(shown) && !shown.loading && !busy;
  const choice = shown ? shown.choice : {};
  for (const button of document.querySelectorAll("[data-preference]")) {
    press(button, choice.preference === button.dataset.preference, live);
  }
  for (const button of document.querySelectorAll("[data-safety]")) {
    press(button, choice[button.dataset.safety] === button.dataset.value, live);
  }
  for (const side of ["left", "right"]) {
    $(side).classList.toggle("chosen", choice.preference === side);
    $(side).classList.toggle("waiting", !shown || shown.loading);
  }
  document.body.classList.toggle("single", Boolean(shown && shown.single));
  const parts = missing();
  $("missing").textContent = !shown
    ? ""
    : parts.length
      ? `Still missing: ${parts.join(", ")}?`
      : shown.revised
        ? "This was your answer. Change it, or confirm it again."
        : "Complete.";
  $("missing").classList.toggle("complete", parts.length === 0);
  $("send").disabled = !live || parts.length > 0;
  $("undo").disabled = busy || !state || !state.undo;
  document.body.classList.toggle("playing", player.playing);
  // For tests: the server's status, and the place whose clips are on the screen.
  document.body.dataset.status = state ? state.status : "";
  document.body.dataset.shown = shown && !shown.loading ? shown.place : "";
}

function press(button, pressed, live) {
  button.setAttribute("aria-pressed", pressed);
  button.disabled = !live;
}

// ---------------------------------------------------------------- answering

// Time since the clips were shown, without the time while the page is hidden or shows instructions.
const clock = {
  total: 0,
  since: null,
  restart() {
    this.total = 0;
    this.since = null;
    this.update();
  },
  update() {
    const now = performance.now();
    if (this.since !== null) this.total += now - this.since;
    this.since = document.hidden || $("welcome").open ? null : now;
  },
  seconds() {
    this.update();
    return Math.min(86400, this.total / 1000);
  },
};

function choose(what, value) {
  if (!shown || shown.loading || busy) return;
  if (what !== "left" && shown.single) return;
  shown.choice[what] = value;
  render();
  const skips = what === "preference" && value === "skip";
  if (skips || (!missing().length && $("auto").checked && !shown.revised)) send();
}

async function send() {
  if (!shown || shown.loading || busy) return;
  const parts = missing();
  if (parts.length) {
    notice(`Still missing: ${parts.join(", ")}?`);
    return;
  }
  busy = true;
  render();
  const { preference, left, right } = shown.choice;
  await deliver("api/answer", {
    place: shown.place,
    token: shown.token,
    preference: shown.single ? "skip" : preference,
    left,
    right,
    seconds: clock.seconds(),
  });
}

async function undo() {
  if (busy || !state || !state.undo) return;
  busy = true;
  render();
  await deliver("api/undo", { token: state.undo });
}

async function deliver(path, body) {
  let reply;
  try {
    reply = await insist(path, body);
  } catch {
    return; // the page says why
  } finally {
    busy = false;
  }
  if (reply.outcome === "answered") notice("This was changed in another tab. The page is up to date now.");
  else if (reply.outcome === "undone") notice("Answer undone.");
  shown = null;
  await show(reply.state);
}

// ---------------------------------------------------------------- playing

function togglePlay() {
  if (!player.playing && player.step >= player.length) player.seek(0);
  player.playing = !player.playing;
  render();
}

function nudge(frames) {
  player.nudge(frames);
  render();
}

function replay() {
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

// ---------------------------------------------------------------- instructions

const seenKey = `seen.${annotator}.${instructions}`; // shown again when the owner changes the text

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

// ---------------------------------------------------------------- keys and clicks

const KEYS = {
  ArrowLeft: () => choose("preference", "left"),
  ArrowRight: () => choose("preference", "right"),
  ArrowDown: () => choose("preference", "equal"),
  ArrowUp: () => choose("preference", "skip"),
  1: () => choose("preference", "left"),
  2: () => choose("preference", "equal"),
  3: () => choose("preference", "right"),
  0: () => choose("preference", "skip"),
  a: () => choose("left", "safe"),
  s: () => choose("left", "unsafe"),
  d: () => choose("left", "unknown"),
  j: () => choose("right", "safe"),
  k: () => choose("right", "unsafe"),
  l: () => choose("right", "unknown"),
  Enter: send,
  z: undo,
  Backspace: undo,
  " ": togglePlay,
  r: replay,
  ",": () => nudge(-1),
  ".": () => nudge(1),
  f: changeSpeed,
  "?": explain,
};
const REPEATS = [",", "."]; // the keys that may be held down

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if ($("welcome").open) {
    if (name === "Enter") {
      event.preventDefault();
      begin();
    }
    return;
  }
  const presses = name === "Enter" || name === " ";
  if (presses && event.target.closest("button, label, input[type=checkbox]")) return;
  if (!Object.hasOwn(KEYS, name)) return;
  event.preventDefault();
  if (!event.repeat || REPEATS.includes(name)) KEYS[name]();
});

for (const button of document.querySelectorAll("[data-preference]")) {
  button.addEventListener("click", () => choose("preference", button.dataset.preference));
}
for (const button of document.querySelectorAll("[data-safety]")) {
  button.addEventListener("click", () => choose(button.dataset.safety, button.dataset.value));
}
const CLICKS = { send, undo, play: togglePlay, replay, speed: changeSpeed, help: explain, begin, theme: toggleTheme };
for (const [id, action] of Object.entries(CLICKS)) $(id).addEventListener("click", () => action());
$("back").addEventListener("click", () => nudge(-1));
$("forward").addEventListener("click", () => nudge(1));
for (const side of ["left", "right"]) canvas(side).addEventListener("click", togglePlay);
$("scrub").addEventListener("input", (event) => {
  player.playing = false;
  player.seek(Number(event.target.value));
  render();
});
// A clicked button does not keep the keyboard focus.
document.addEventListener("click", (event) => {
  if (event.detail > 0 && document.activeElement !== document.body && !$("welcome").open) {
    document.activeElement.blur();
  }
});
$("auto").addEventListener("change", (event) => settings.set("auto", event.target.checked ? "1" : "0"));
$("welcome").addEventListener("close", () => {
  settings.set(seenKey, "1");
  clock.update();
  if (shown && !shown.loading) replay();
});
document.addEventListener("visibilitychange", () => {
  clock.update();
  if (!document.hidden && !busy) refresh(); // another tab may have gone on
});

applyTheme(settings.get("theme", ""));
$("auto").checked = settings.get("auto", "1") === "1";
setRate(Number(settings.get("rate", "1")));
if (!settings.get(seenKey)) explain();
cover("Preparing the first clips", "This takes a few seconds.", true);
refresh();

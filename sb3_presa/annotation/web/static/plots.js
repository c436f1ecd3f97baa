// Curves and tracks beside the pictures, or in their place. They move with the clips.
import { Curve, element } from "./curve.js";
import { $ } from "./page.js";
import { atFirst, neededColumns, partsOf, spanOf } from "./parts.js";
import { player } from "./playing.js";
import { settings } from "./settings.js";
import { Track } from "./track.js";

const panels = [...document.querySelectorAll(".plots")]; // of a pair, then of a group

export const plots = {
  about: null, // columns, what the owner shows at first, and why clips have no pictures
  chosen: null, // columns and the track that this person shows
  clips: [],
  drawn: [],
  known: new Map(), // numbers by their addresses
  told: null, // called after the choice changed

  async learn() {
    if (this.about) return;
    const response = await fetch("api/plots");
    if (!response.ok) throw new Error("the server does not say what can be drawn");
    const about = await response.json();
    if (this.about) return; // learned meanwhile, of another call
    about.columns ??= []; // of a server that has none
    this.about = about;
    this.chosen = this.remembered() ?? this.first();
    document.body.classList.toggle("no-pictures", about.pictures === false);
    this.told();
  },

  first() {
    return atFirst(this.about);
  },

  remembered() {
    const found = settings.get(`plots.${this.about.version}`);
    return found ? JSON.parse(found) : null;
  },

  async choose(chosen) {
    this.chosen = chosen;
    settings.set(`plots.${this.about.version}`, JSON.stringify(chosen));
    this.told();
    await this.load(this.clips);
    this.show(Math.floor(player.step + 1e-6));
  },

  get needed() {
    return neededColumns(this.about, this.chosen);
  },

  numbers(address) {
    const url = `${address}?columns=${this.needed.join(",")}`;
    if (!this.known.has(url)) {
      const found = fetch(url).then((response) => {
        if (!response.ok) throw new Error("the server has no such numbers");
        return response.json();
      });
      found.catch(() => this.known.delete(url));
      this.known.set(url, found);
    }
    return this.known.get(url);
  },

  // Load numbers before they are needed, and release all others.
  async keep(addresses) {
    await this.learn();
    const here = (url) => addresses.some((address) => url.startsWith(`${address}?`));
    for (const url of this.known.keys()) if (!here(url)) this.known.delete(url);
    if (this.needed.length) addresses.forEach((address) => this.numbers(address));
  },

  async load(clips) {
    await this.learn();
    this.clips = clips;
    const { chosen } = this;
    const any = this.needed.length > 0;
    const found = await Promise.all(clips.map((clip) => (clip && any ? this.numbers(clip.numbers) : null)));
    // Where clips or curves were chosen anew meanwhile, these numbers are others than are needed.
    if (this.clips === clips && this.chosen === chosen) this.draw(found);
  },

  draw(found) {
    this.span = spanOf(found);
    this.drawn = partsOf(this.about, this.chosen, found);
    panels.forEach((panel, side) => fill(panel, this.drawn[side] ?? []));
  },

  show(step) {
    for (const [side, panel] of panels.entries()) {
      panel.style.setProperty("--at", this.span ? step / this.span : 0);
      for (const part of this.drawn[side] ?? []) part.show(step);
    }
  },
};

function fill(panel, parts) {
  const list = element("ul", "curves");
  list.tabIndex = 0;
  list.setAttribute("aria-label", `${panel.dataset.name}: curves`);
  const curves = parts.filter((part) => part instanceof Curve);
  list.append(...curves.map((part) => part.node));
  const tracks = parts.filter((part) => part instanceof Track);
  panel.replaceChildren(...tracks.map((part) => part.node), ...(curves.length ? [list] : []));
  panel.hidden = parts.length === 0;
}

for (const panel of panels) {
  panel.addEventListener("click", (event) => {
    const area = event.target.closest(".area");
    if (!area) return;
    const { left, width } = area.getBoundingClientRect();
    player.seek(Math.round((plots.span * (event.clientX - left)) / width));
  });
}
// The same curves stay beside each other: wide screens move the list, phones the panel.
for (const panel of panels) {
  const parts = (each) => [each, ...each.querySelectorAll(".curves")];
  panel.addEventListener(
    "scroll",
    () => {
      const tops = parts(panel).map((part) => part.scrollTop);
      for (const other of panels) parts(other).forEach((part, place) => (part.scrollTop = tops[place]));
    },
    true,
  );
}
player.followers.push(plots);

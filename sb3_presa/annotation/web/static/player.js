// Plays clips in step, with one clock in environment steps for all of them.

const HOLD_SECONDS = 0.8; // at the end, before it begins again

export class Player {
  constructor(canvases, onMoment) {
    this.canvases = canvases;
    this.onMoment = onMoment;
    this.followers = []; // what else moves with the clips: load(clips), keep(addresses), show(step)
    this.clips = [];
    this.drawn = []; // the frame that each canvas shows, and the moment that was told
    this.images = new Map();
    this.playing = false;
    this.rate = 1;
    this.step = 0;
    this.length = 0;
    this.held = 0;
    this.last = null;
    requestAnimationFrame((now) => this.tick(now));
  }

  // Load pictures before they are needed, and release all others.
  keep(urls) {
    const sheets = urls.filter((url) => url.endsWith(".jpg"));
    const others = urls.filter((url) => !url.endsWith(".jpg"));
    for (const url of this.images.keys()) if (!sheets.includes(url)) this.images.delete(url);
    for (const url of sheets) this.image(url);
    for (const follower of this.followers) follower.keep(others).catch(() => {}); // load() tells
  }

  image(url) {
    if (!this.images.has(url)) {
      const image = new Image();
      image.src = url;
      const ready = image.decode().then(() => image);
      ready.catch(() => this.images.delete(url));
      this.images.set(url, ready);
    }
    return this.images.get(url);
  }

  // Resolves when every frame can be drawn. The canvas of a null clip does not change.
  async load(clips) {
    this.playing = false;
    const [sheets] = await Promise.all([
      Promise.all(clips.map((clip) => (clip ? Promise.all(clip.sheets.map((url) => this.image(url))) : []))),
      ...this.followers.map((follower) => follower.load(clips)),
    ]);
    this.clips = clips.map((clip, index) => clip && { ...clip, images: sheets[index] });
    this.length = Math.max(...this.clips.map((clip) => (clip ? (clip.frames - 1) * clip.stride : 0)));
    this.clips.forEach((clip, index) => {
      if (!clip?.images.length) return;
      this.canvases[index].width = clip.width;
      this.canvases[index].height = clip.height;
    });
    this.drawn = [];
    this.seek(0);
  }

  get stepsPerSecond() {
    return Math.max(...this.clips.map((clip) => (clip ? clip.fps * clip.stride : 0)));
  }

  get stride() {
    return Math.min(...this.clips.map((clip) => (clip ? clip.stride : Infinity)));
  }

  tick(now) {
    const passed = this.last === null ? 0 : Math.min((now - this.last) / 1000, 0.25);
    this.last = now;
    if (this.playing && this.clips.length) {
      if (this.step >= this.length) {
        this.held += passed;
        if (this.held >= HOLD_SECONDS) this.seek(0);
      } else {
        this.step = Math.min(this.length, this.step + passed * this.rate * this.stepsPerSecond);
        this.draw();
      }
    }
    requestAnimationFrame((next) => this.tick(next));
  }

  seek(step) {
    this.step = Math.max(0, Math.min(this.length, step));
    this.held = 0;
    this.draw();
  }

  // One frame forward or back, to a whole frame.
  nudge(frames) {
    this.playing = false;
    this.seek((Math.floor(this.step / this.stride + 1e-6) + frames) * this.stride);
  }

  // The shorter clip stays on its last frame.
  draw() {
    this.clips.forEach((clip, index) => {
      if (!clip?.images.length) return;
      const frame = Math.min(Math.floor(this.step / clip.stride + 1e-6), clip.frames - 1);
      if (this.drawn[index] === frame) return;
      this.drawn[index] = frame;
      const within = frame % clip.per_sheet;
      const x = (within % clip.columns) * clip.width;
      const y = Math.floor(within / clip.columns) * clip.height;
      this.canvases[index]
        .getContext("2d")
        .drawImage(
          clip.images[Math.floor(frame / clip.per_sheet)],
          x, y, clip.width, clip.height, 0, 0, clip.width, clip.height,
        );
    });
    const moment = Math.floor(this.step + 1e-6);
    if (this.drawn.moment === moment) return;
    this.drawn.moment = moment;
    for (const follower of this.followers) follower.show(moment);
    this.onMoment(moment, this.length);
  }
}

// Time since the clips were shown, without the time while the page is hidden or shows instructions.
import { $ } from "./page.js";

export const clock = {
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

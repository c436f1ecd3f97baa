// Messages over the clips, and short notices.
import { $ } from "./page.js";

export function cover(heading, text = "", spinning = false) {
  $("cover").hidden = !heading;
  $("cover-title").textContent = heading;
  $("cover-text").textContent = text;
  $("spinner").hidden = !spinning;
}

let timer = null;
export function notice(text, stays = false) {
  clearTimeout(timer);
  $("notice").textContent = text;
  $("notice").hidden = !text;
  if (text && !stays) timer = setTimeout(() => notice(""), 3500);
}

// What is chosen and not yet sent. This tab keeps it over a reload.
import { page } from "./page.js";

const KEY = "presa.draft";

// The choices for a place as they were before the reload, if it kept any.
export function drafted(place) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    return kept?.place === place ? kept.choice : undefined;
  } catch {
    return undefined; // storage is disabled
  }
}

addEventListener("pagehide", () => {
  if (!page.shown) return;
  const { place, choice } = page.shown;
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ place, choice }));
  } catch {
    // storage is disabled
  }
});

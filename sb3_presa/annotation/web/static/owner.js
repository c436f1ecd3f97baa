// The owner's view, brought up to date while it is looked at.
import "./settings.js";

const REFRESH_MS = 10000;

async function refresh() {
  if (document.hidden || document.getElementById("view").contains(document.activeElement)) return;
  try {
    const reply = await fetch(location.href);
    if (!reply.ok) return;
    const text = await reply.text();
    const next = new DOMParser().parseFromString(text, "text/html").getElementById("view");
    const now = document.getElementById("view");
    if (next.innerHTML === now.innerHTML) return;
    now.replaceChildren(...next.children);
  } catch {
    // the server is away; what is shown stays
  }
}

setInterval(refresh, REFRESH_MS);
document.addEventListener("visibilitychange", refresh);

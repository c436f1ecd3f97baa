// The owner's view, brought up to date while it is looked at.
import { drawCurves } from "./owner_curves.js";
import "./settings.js";

const REFRESH_MS = 10000;
let served = document.getElementById("view").innerHTML; // before curves are drawn into it

async function refresh() {
  if (document.hidden || document.getElementById("view").contains(document.activeElement)) return;
  try {
    const reply = await fetch(location.href);
    if (!reply.ok) return;
    const text = await reply.text();
    const next = new DOMParser().parseFromString(text, "text/html").getElementById("view");
    if (next.innerHTML === served) return;
    served = next.innerHTML;
    document.getElementById("view").replaceChildren(...next.children);
    await drawCurves();
  } catch {
    // the server is away; what is shown stays
  }
}

drawCurves().catch(() => {}); // the server is away
setInterval(refresh, REFRESH_MS);
document.addEventListener("visibilitychange", refresh);

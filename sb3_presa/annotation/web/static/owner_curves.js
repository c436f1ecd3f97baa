// Clips without pictures as the owner sees them: the curves and tracks that people saw.
import { element } from "./curve.js";
import { atFirst, neededColumns, partsOf, spanOf } from "./parts.js";

const asked = async (address) => {
  const reply = await fetch(address);
  if (!reply.ok) throw new Error(`${address}: ${reply.status}`);
  return reply.json();
};

// Of one question after the other: those that are looked at first come first.
export async function drawCurves() {
  if (!document.querySelector("[data-numbers]")) return;
  const about = await asked("owner/plots");
  const chosen = atFirst(about);
  const columns = neededColumns(about, chosen);
  if (!columns.length) return;
  for (const clips of document.querySelectorAll(".two")) await drawClips(clips, about, chosen, columns);
}

async function drawClips(clips, about, chosen, columns) {
  const places = [...clips.querySelectorAll("[data-numbers]")];
  const found = await Promise.all(
    // Clips of other data have no numbers
    places.map((place) => asked(`${place.dataset.numbers}?columns=${columns.join(",")}`).catch(() => null)),
  );
  partsOf(about, chosen, found).forEach((parts, at) => {
    for (const part of parts) part.show(spanOf(found)); // all of the way
    const [tracks, curves] = [true, false].map((above) =>
      parts.filter((part) => part.node.matches(".track") === above).map((part) => part.node),
    );
    const list = element("ul", "curves");
    list.append(...curves);
    places[at].replaceChildren(...tracks, ...(curves.length ? [list] : []));
  });
}

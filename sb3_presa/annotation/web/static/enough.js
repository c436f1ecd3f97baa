// The owner's panel: accuracy against the number of answers, and the gain of more.
import { drawCurve } from "./enough_curve.js";

const EVERY_MS = 3000;
const NAMES = { preference: "Which is better", safety: "Safe or unsafe" };
const $ = (id) => document.getElementById(id);

function make(name, text = "", attributes = {}) {
  const node = document.createElement(name);
  node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

const percent = (value) => (value === null ? "not known" : `${Math.round(100 * value)}%`);

function card(curve, agreement) {
  const section = make("section", "", { class: `enough ${curve.verdict}` });
  section.append(make("h3", NAMES[curve.kind]), make("p", curve.sentence, { class: "sentence" }));
  section.append(drawCurve(curve, NAMES[curve.kind]));
  const last = curve.points.at(-1).accuracy;
  if (last.n) {
    section.append(
      make("p", `Predicted right of labels not seen: ${percent(last.value)} [${percent(last.low)}, ${percent(last.high)}], n = ${last.n}.`),
    );
  }
  const { share, shared } = agreement;
  section.append(
    make("p", shared ? `People agree in ${percent(share)} of their votes on the same ${shared} things.` : "Nobody was asked the same as another person yet."),
  );
  return section;
}

function show({ enough }) {
  const { report, answers, first, problem } = enough;
  const busy = answers >= first && !report && !problem;
  let status = `${answers} answers. The figures begin with ${first}.`;
  if (busy) status = `The figures of ${answers} answers are being worked out. This takes a minute.`;
  if (report) status = `Worked out from ${report.answers} of ${answers} answers.`;
  if (problem) status = `The figures could not be worked out: ${problem}`;
  if ($("enough-status").textContent !== status) $("enough-status").textContent = status;
  $("enough-busy").hidden = !busy;
  $("enough").replaceChildren(...(report ? report.curves.map((curve) => card(curve, report.agreement[curve.kind])) : []));
}

async function refresh() {
  try {
    const response = await fetch("owner/enough");
    const content = await response.json();
    if (!response.ok) throw new Error(content.error);
    show(content);
  } catch (error) {
    $("enough-status").textContent = `The server does not respond (${error.message}). Trying again.`;
  }
  setTimeout(refresh, EVERY_MS);
}

refresh();

// What the page knows, and who shows it.

export const $ = (id) => document.getElementById(id);
export const about = document.body.dataset; // pageToken, annotator, title, instructions

export const page = {
  state: null, // the last state from the server
  shown: null, // the place on the screen: its token, a token for the answer, the choices
  busy: false, // while a request is in progress
  stopped: false, // after the server rejected this page
};

// Whether the pair on the screen can be answered now.
export const live = () => Boolean(page.shown) && !page.shown.loading && !page.busy;

// Whether several clips are put in an order on the screen; between questions, whether they were.
export const ordering = () => document.body.classList.contains("ordering");

const painters = [];

// Calls a function after each change of the page.
export function painting(painter) {
  painters.push(painter);
}

export function render() {
  for (const painter of painters) painter();
}

export function press(button, pressed, enabled) {
  button.setAttribute("aria-pressed", pressed);
  button.disabled = !enabled;
}

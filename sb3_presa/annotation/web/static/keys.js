// What each key does for a pair, and for a group. Modules name their keys; dialogs that are open keep
// theirs to themselves.
import { ordering } from "./page.js";

const actions = { pair: {}, group: {} };
const held = new Set(); // the keys that may be held down

export function keys(table, options = {}) {
  for (const [name, action] of Object.entries(table)) {
    for (const screen of options.only ? [options.only] : Object.keys(actions)) {
      if (Object.hasOwn(actions[screen], name)) throw new Error(`key ${name} has an action already`);
      actions[screen][name] = action;
    }
    if (options.held) held.add(name);
  }
}

// A letter without an action for a pair, of a name if possible; undefined if all are taken.
export function freeLetter(name) {
  const letters = [...name.toLowerCase(), ..."abcdefghijklmnopqrstuvwxyz"];
  return letters.find((letter) => /^[a-z]$/.test(letter) && !Object.hasOwn(actions.pair, letter));
}

// Letters in small, other keys as the browser names them.
export const keyName = (event) => (event.key.length === 1 ? event.key.toLowerCase() : event.key);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.target.closest("textarea, input[type=text]")) return;
  const name = keyName(event);
  const presses = name === "Enter" || name === " ";
  if (presses && event.target.closest("button, label, input[type=checkbox]")) return;
  const action = actions[ordering() ? "group" : "pair"][name];
  if (!action) return;
  event.preventDefault();
  if (!event.repeat || held.has(name)) action();
});

// A clicked button does not keep the keyboard focus.
document.addEventListener("click", (event) => {
  const typing = event.target.closest("textarea, input[type=text], dialog[open]");
  if (event.detail > 0 && document.activeElement !== document.body && !typing) {
    document.activeElement.blur();
  }
});

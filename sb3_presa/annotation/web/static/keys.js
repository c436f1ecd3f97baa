// What each key does. Modules name their keys; dialogs that are open keep theirs to themselves.

const actions = {};
const held = new Set(); // the keys that may be held down

export function keys(table, options = {}) {
  for (const [name, action] of Object.entries(table)) {
    if (Object.hasOwn(actions, name)) throw new Error(`key ${name} has an action already`);
    actions[name] = action;
    if (options.held) held.add(name);
  }
}

// A letter without an action, of a name if possible; undefined if all are taken.
export function freeLetter(name) {
  const letters = [...name.toLowerCase(), ..."abcdefghijklmnopqrstuvwxyz"];
  return letters.find((letter) => /^[a-z]$/.test(letter) && !Object.hasOwn(actions, letter));
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
  if (!Object.hasOwn(actions, name)) return;
  event.preventDefault();
  if (!event.repeat || held.has(name)) actions[name]();
});

// A clicked button does not keep the keyboard focus.
document.addEventListener("click", (event) => {
  const typing = event.target.closest("textarea, input[type=text], dialog[open]");
  if (event.detail > 0 && document.activeElement !== document.body && !typing) {
    document.activeElement.blur();
  }
});

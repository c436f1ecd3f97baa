// Settings of this browser.
import { $ } from "./page.js";

export const settings = {
  get(name, otherwise) {
    try {
      return localStorage.getItem(`presa.${name}`) ?? otherwise;
    } catch {
      return otherwise; // storage is disabled
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`presa.${name}`, value);
    } catch {
      // storage is disabled: the setting lasts as long as the page
    }
  },
};

function applyTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function toggleTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const now = document.documentElement.dataset.theme || system;
  const next = now === "dark" ? "light" : "dark";
  settings.set("theme", next);
  applyTheme(next);
}

$("theme").addEventListener("click", toggleTheme);
applyTheme(settings.get("theme", ""));

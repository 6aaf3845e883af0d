// What the pages do beyond being read. Without it they work, and stand still.

import * as events from "./events.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import { localise } from "./times.js";

const root = document.documentElement;

function theme() {
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const show = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Use the ${isDark() ? "light" : "dark"} theme`);
  };
  button.hidden = false;
  button.onclick = () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // It holds for this page.
    }
  };
  dark.addEventListener("change", show);
  show();
}

// Forms and paging links show what they ask for without leaving the page.
function forms() {
  let timer = 0;
  const submit = (form) => {
    clearTimeout(timer);
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.set(name, value);
    const text = query.toString();
    live.go(form.getAttribute("action") + (text ? `?${text}` : ""));
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-live]")) return;
    event.preventDefault();
    submit(event.target);
  });
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form?.matches("form[data-live]")) return;
    clearTimeout(timer);
    timer = setTimeout(submit, event.target.matches("select") ? 0 : 250, form);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("nav.pages a");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    live.go(link.href);
    scrollTo({ top: 0 });
  });
}

localise(document);
theme();
forms();
keys.start();
events.follow();
document.addEventListener("shown", events.follow);
live.start();
root.dataset.script = "on";

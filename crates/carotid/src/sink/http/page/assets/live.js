// Keeps the page like the server's: one stream says that something has happened, and the page is
// fetched again, no more often than the server can bear.

import { morph } from "./morph.js";
import { localise } from "./times.js";

// Ages on the page grow without events.
const IDLE = 2000;
const LEAST = 500;
// A page that takes long to make is asked for less often: a twentieth of the time at most.
const SHARE = 20;
// Between two things that are said aloud.
const QUIET = 5000;

const word = document.getElementById("live-word");
const live = document.getElementById("live");
let pulse = null;
let place = "";
let busy = false;
let wanted = false;
let timer = 0;
let cost = 0;
let began = 0;
let seenAt = Date.now();
let shown = "";
let address = location.href;

function main() {
  return document.getElementById("main");
}
const isEvents = () => Boolean(main().querySelector("#events"));

export function start() {
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && listen());
  addEventListener("popstate", () => go(location.href, false));
  if (!document.hidden) listen();
}

// A tab that nobody looks at holds no connection: a browser has six for each server.
function stop() {
  pulse?.close();
  pulse = null;
  clearTimeout(timer);
}

function listen() {
  if (pulse) return;
  pulse = new EventSource("/pulse");
  pulse.onopen = () => tell("live", "live");
  pulse.onerror = () => tell("lost", `not connected; as of ${new Date(seenAt).toLocaleTimeString()}`);
  pulse.onmessage = ({ data }) => {
    const isNews = data !== place;
    place = data;
    if (isNews) soon(LEAST);
  };
  soon(LEAST);
}

function tell(state, text) {
  live.dataset.state = state;
  if (word.textContent !== text) word.textContent = text;
}

function soon(delay) {
  wanted = true;
  if (busy || !pulse) return;
  clearTimeout(timer);
  const rest = began + cost * SHARE - Date.now();
  timer = setTimeout(refresh, Math.max(delay, rest));
}

async function refresh() {
  // The events of its page come one by one.
  if (isEvents()) return;
  wanted = false;
  await load(address, false);
  soon(wanted ? LEAST : IDLE);
}

// Shows another address of the same page, as its form or its links ask for.
export async function go(next, remember = true) {
  address = new URL(next, location.href).href;
  if (remember) history.pushState(null, "", address);
  clearTimeout(timer);
  await load(address, true);
  soon(IDLE);
}

async function load(from, isAsked) {
  const url = new URL(from);
  url.searchParams.set("fragment", "1");
  busy = true;
  began = Date.now();
  try {
    const answer = await fetch(url, { headers: { accept: "text/html" } });
    const text = await answer.text();
    cost = Date.now() - began;
    if (from !== address) return;
    seenAt = Date.now();
    if (text === shown) return say(isAsked);
    shown = text;
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
    if (!fresh) return;
    localise(fresh);
    morph(main(), fresh);
    document.dispatchEvent(new CustomEvent("shown", { detail: { isAsked } }));
    say(isAsked);
  } catch {
    // The stream tells that nobody answers, and when somebody does again.
  } finally {
    busy = false;
  }
}

// What a page says in short, without the figures that grow by themselves: those are no news.
function gist() {
  const parts = [...main().querySelectorAll("[data-say]")].map((part) => part.textContent.trim());
  return parts.join(". ").replace(/\d[\d.,]*\s(ms|s|min|h|d)\b/g, "…").replace(/\s+/g, " ");
}

let saidAt = 0;
let lastGist = gist();

// To those who listen instead of looking: what has changed, but not every second.
function say(isAsked) {
  const now = gist();
  if (now === lastGist || (!isAsked && Date.now() - saidAt < QUIET)) return;
  saidAt = Date.now();
  lastGist = now;
  document.getElementById("said").textContent = now;
}

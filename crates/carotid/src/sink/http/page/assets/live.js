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
// An answer that takes longer is none.
const PATIENCE = 5000;
// The server says something every two seconds; after this long without a word, nothing here is known to hold.
const SILENCE = 6000;

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
let heardAt = Date.now();
let connectedAt = 0;
let watch = 0;
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
  addEventListener("popstate", back);
  if (!document.hidden) listen();
}

// A tab that nobody looks at holds no connection: a browser has six for each server.
function stop() {
  pulse?.close();
  pulse = null;
  clearTimeout(timer);
  clearInterval(watch);
}

function listen() {
  if (pulse) return;
  heardAt = Date.now();
  connect();
  clearInterval(watch);
  watch = setInterval(check, 1000);
  soon(LEAST);
}

function connect() {
  pulse?.close();
  pulse = new EventSource("/pulse");
  connectedAt = Date.now();
  // Whether the server is there, the next answer tells.
  pulse.onerror = () => (isEvents() ? lose() : soon(LEAST));
  pulse.onmessage = ({ data }) => {
    heardAt = Date.now();
    const isNews = data !== place;
    place = data;
    // The events of its page come with a stream, so a word of the server is all that it needs. Any other page
    // is as old as the last answer.
    if (isEvents()) tell("live", "live");
    else if (isNews || live.dataset.state !== "live") soon(LEAST);
  };
}

// A server that hangs, or a network that has gone, closes no connection.
function check() {
  if (Date.now() - heardAt < SILENCE) {
    // A browser asks no second time where it was refused.
    if (pulse?.readyState === EventSource.CLOSED && Date.now() - connectedAt > SILENCE) connect();
    return;
  }
  lose();
  heardAt = Date.now();
  connect();
  document.dispatchEvent(new Event("reconnect"));
}

function lose() {
  if (isEvents()) seenAt = Math.max(seenAt, heardAt);
  if (live.dataset.state !== "lost") tell("lost", `not connected; as of ${new Date(seenAt).toLocaleTimeString()}`);
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

// What was typed belongs to the address that was left.
async function back() {
  await go(location.href, false);
  for (const form of main().querySelectorAll("form[data-live]")) form.reset();
}

async function load(from, isAsked) {
  const url = new URL(from);
  url.searchParams.set("fragment", "1");
  busy = true;
  began = Date.now();
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch(url, { headers: { accept: "text/html" }, signal });
    const text = await answer.text();
    cost = Date.now() - began;
    heardAt = Date.now();
    if (from !== address) return;
    if (text !== shown) show(text, isAsked);
    seenAt = Date.now();
    tell("live", "live");
    say(isAsked);
  } catch {
    // What is shown is not what is.
    lose();
  } finally {
    busy = false;
  }
}

function show(text, isAsked) {
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
  if (!fresh) throw new Error("no page of ours");
  shown = text;
  localise(fresh);
  morph(main(), fresh);
  document.dispatchEvent(new CustomEvent("shown", { detail: { isAsked } }));
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

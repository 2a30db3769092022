// What the pages do beyond links and forms: show at once which calls wait. Without this script the page of approvals
// loads itself again every few seconds, and all else works as it is.
"use strict";

const counter = document.querySelector("[data-waiting]");
const list = document.getElementById("waiting");
const status = document.querySelector("[data-status]");
const title = document.title.replace(/^\(\d+\) /, "");

function showCount(count) {
  if (!counter) return;
  counter.textContent = count;
  counter.hidden = count === 0;
  document.title = count ? `(${count}) ${title}` : title;
}

// Only what has come or gone is touched, so that the focus and the place on the page stay where they are.
async function refresh(count) {
  const answer = await fetch(list.dataset.fragment, { credentials: "same-origin" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  const known = new Map([...list.children].map((item) => [item.id, item]));
  const ids = new Set([...fresh.children].map((item) => item.id));
  for (const [id, item] of known) {
    if (ids.has(id)) continue;
    const hadFocus = item.contains(document.activeElement);
    item.remove();
    if (hadFocus) document.getElementById("content").focus();
  }
  for (const item of [...fresh.children]) {
    if (known.has(item.id)) continue;
    item.classList.add("new");
    list.append(item);
  }
  const [none, one, many] = status.dataset.status.split("|");
  status.textContent = count === 0 ? none : count === 1 ? one : many.replace("{n}", count);
}

// A button that saves one choice appears when the choice was changed.
for (const button of document.querySelectorAll("[data-changed]")) {
  const select = button.form.querySelector("select");
  const before = select.value;
  button.hidden = true;
  select.addEventListener("change", () => { button.hidden = select.value === before; });
}
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

let events = null;
let shown = null;

function listen() {
  events = new EventSource(document.body.dataset.events);
  events.addEventListener("waiting", (event) => {
    const count = Number(event.data);
    showCount(count);
    if (list && (shown !== null || count !== list.querySelectorAll(".approval").length)) refresh(count);
    shown = count;
  });
}

// A browser keeps six connections to one address. The page of approvals listens in the background too, others do not.
if (document.body.dataset.events) {
  listen();
  addEventListener("pagehide", () => events.close());
  document.addEventListener("visibilitychange", () => {
    if (list) return;
    events.close();
    if (!document.hidden) listen();
  });
}
